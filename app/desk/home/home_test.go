package home

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/invite/knock"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
)

// deadline is generous: machines are slow and shared.
const deadline = time.Minute

// until polls.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// network is a practice network that is mined slowly, with somebody to pay.
func network(t *testing.T) (pool, payee string) {
	t.Helper()
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	to, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), params.Chain)
	if err != nil {
		t.Fatal(err)
	}
	n, err := practice.Open(practice.Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: 2e4})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = n.Close()
	})
	return n.PoolURL(), to.EncodeAddress()
}

// options are a gateway's on all kinds of listeners, to a pool that is not there unless one is given.
func options(t *testing.T, pool, user string) Options {
	t.Helper()
	if pool == "" {
		pool, user = refusing(t), "us"
	}
	u, err := stratum.ParseURL(pool)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Dir: t.TempDir(), Pools: []stratum.Pool{{URL: u, User: user, Password: "x"}}, Algorithm: hasher.SHA256d,
		Payee: invite.Payee{Name: "Ada", Address: "pan1qada"}, Network: "practice", Coin: "Practice Bitcoin", Worthless: true,
		Web: "127.0.0.1:0", Listen: "127.0.0.1:0", patience: 50 * time.Millisecond, backoff: func(int) time.Duration { return 10 * time.Millisecond },
	}
}

// refusing is an address that nothing listens at, held by one end of a connection.
func refusing(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	t.Cleanup(func() { _, _ = c.Close(), s.Close() })
	return "stratum+tcp://" + ln.Addr().String()
}

// running is a gateway that runs; stop ends it.
type running struct {
	*Gateway
	stop func()
}

func serve(t *testing.T, o Options) running {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := await(t, done); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return running{g, stop}
}

func (r running) ws() string {
	return strings.Replace(strings.TrimSuffix(r.page(), "/"), "http", "ws", 1) + "/stratum"
}

// device is our own client, which hashes by hand.
type device struct {
	*stratum.Client
	jobs  chan *pow.Job
	ended chan error
	stop  func()
	sum   [3]int
}

func (d *device) State(pow.State) {}

func (d *device) Job(j *pow.Job) {
	for {
		select {
		case d.jobs <- j:
			return
		default:
		}
		select { // the newest counts
		case <-d.jobs:
		default:
		}
	}
}

func begin(t *testing.T, cfg stratum.Config, at string) *device {
	t.Helper()
	u, err := stratum.ParseURL(at)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{jobs: make(chan *pow.Job, 1), ended: make(chan error, 1)}
	cfg.URL, cfg.Algorithm, cfg.Handler, cfg.VersionRolling = u, hasher.SHA256d, d, true
	cfg.Suggest, cfg.Backoff = 1e-7, func(int) time.Duration { return 5 * time.Millisecond }
	d.Client = stratum.NewClient(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() { defer close(gone); d.ended <- d.Run(ctx) }()
	d.stop = func() { cancel(); <-gone }
	t.Cleanup(d.stop)
	return d
}

// page is a device that joins as the page does: the handshake in Go, then Stratum, over a WebSocket.
type page struct {
	mu   sync.Mutex
	kept invite.Credential
	paid invite.Payee
}

func (p *page) greeter(link string, credential invite.Credential) func(context.Context, jsonrpc.Conn) error {
	d := &knock.Device{Credential: credential, Agreed: invite.Payee{Name: "Ada", Address: "pan1qada"}}
	if link != "" {
		d.Invitation, _ = invite.ParseLink(link)
	}
	d.Keep = func(_ context.Context, c invite.Credential) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.kept = c
		return nil
	}
	d.Welcome = func(payee invite.Payee) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.paid = payee
	}
	return func(ctx context.Context, conn jsonrpc.Conn) error {
		err := d.Greet(ctx, conn)
		if f, ok := errors.AsType[*knock.Failure](err); ok && f.Final {
			return errors.Join(stratum.ErrRefusedForGood, err)
		}
		return err
	}
}

func (p *page) credential() invite.Credential {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

func (p *page) payee() invite.Payee {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paid
}

// joining is a page that was invited.
func joining(t *testing.T, g running, link string) (*page, *device) {
	t.Helper()
	p := &page{}
	return p, begin(t, stratum.Config{User: "phone", Greet: p.greeter(link, invite.Credential{})}, g.ws())
}

func (d *device) job(t *testing.T) *pow.Job {
	t.Helper()
	for {
		if j := await(t, d.jobs); j != nil {
			return j
		}
	}
}

// mine sends shares of the newest job until so many more are accepted, and returns the last job.
func (d *device) mine(t *testing.T, j *pow.Job, more int) *pow.Job {
	t.Helper()
	want := d.sum[pow.Accepted] + more
	for nonce, end := uint32(0), time.Now().Add(deadline); d.sum[pow.Accepted] < want; nonce++ {
		if time.Now().After(end) {
			t.Fatalf("mined in vain: %v", d.sum)
		}
		select {
		case next := <-d.jobs:
			if next == nil {
				next = d.job(t)
			}
			j, nonce = next, 0
		default:
		}
		s, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce})
		if !ok {
			continue
		}
		results := make(chan pow.Result, 1)
		d.Submit(s, func(r pow.Result) { results <- r })
		r := await(t, results)
		d.sum[r.Status]++
	}
	return j
}

// account is what a device has done, once it is on the disk.
func (r running) account(t *testing.T, name string) Device {
	t.Helper()
	a, err := Ask(t.Context(), r.options.Dir, Command{Do: "snapshot"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range a.Snapshot.Devices {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no device %q in %+v", name, a.Snapshot.Devices)
	return Device{}
}

// scripted is a miner's program that is not ours: lines over tcp.
type scripted struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Scanner
}

func script(t *testing.T, at string) *scripted {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(deadline))
	return &scripted{t, c, bufio.NewScanner(c)}
}

// ask sends a line, and returns the lines up to the one with this part.
func (s *scripted) ask(line, part string) (heard []string) {
	s.t.Helper()
	if _, err := io.WriteString(s.c, line+"\n"); err != nil {
		s.t.Fatal(err)
	}
	for s.in.Scan() {
		heard = append(heard, s.in.Text())
		if strings.Contains(s.in.Text(), part) {
			return heard
		}
	}
	s.t.Fatalf("asked %s, heard %v", line, heard)
	return nil
}

// Pages that were invited, our own client with a token, and a miner's program that is not ours mine together onto a real
// pool; the pool is lost and comes back; and the accounts have each share that was accepted.
func TestHousehold(t *testing.T) {
	pool, payee := network(t)
	cable := lay(t, strings.TrimPrefix(pool, "stratum+tcp://"))
	g := serve(t, options(t, "stratum+tcp://"+cable.ln.Addr().String(), payee+".home"))
	invitation, err := g.Invite("Phone")
	if err != nil {
		t.Fatal(err)
	}
	if invitation.Name != "Phone" || !strings.HasPrefix(invitation.Link(), g.page()+"#join=") {
		t.Errorf("invited %q to %s", invitation.Name, invitation.Link())
	}
	_, token, err := g.Token("Desk")
	if err != nil {
		t.Fatal(err)
	}
	at := g.listeners.tcp.Addr().String()
	p, phone := joining(t, g, invitation.Link())
	desk := begin(t, stratum.Config{User: "anybody", Password: token}, "stratum+tcp://"+at)
	a, b := phone.mine(t, phone.job(t), 5), desk.mine(t, desk.job(t), 5)
	if got := p.payee(); got != (invite.Payee{Name: "Ada", Address: "pan1qada"}) {
		t.Errorf("the page was told that %+v is paid", got)
	}

	_, token, err = g.Token("Bitaxe")
	if err != nil {
		t.Fatal(err)
	}
	foreign := script(t, at)
	foreign.ask(`{"id":1,"method":"mining.subscribe","params":["bitaxe/2"]}`, `"id":1`)
	told := foreign.ask(`{"id":2,"method":"mining.authorize","params":["whoever.1","`+token+`"]}`, "mining.notify")
	if all := strings.Join(told, "\n"); !strings.Contains(all, `"id":2,"result":true`) || !strings.Contains(all, "You mine for Ada, paid to pan1qada") || strings.Contains(all, payee) {
		t.Errorf("the miner was told %s", all)
	}
	until(t, "all are here", func() bool { return g.Snapshot().Connected == 3 })

	cable.set(true)
	until(t, "the loss is known", func() bool { return g.Snapshot().Upstreams[0].State != "mining" })
	cable.set(false)
	until(t, "the pool is back", func() bool { return g.Snapshot().Upstreams[0].State == "mining" })
	phone.mine(t, a, 5)
	desk.mine(t, b, 5)

	for name, d := range map[string]*device{"Phone": phone, "Desk": desk} {
		got := g.account(t, name)
		if got.Accepted != uint64(d.sum[pow.Accepted]) || !got.Connected || got.Best <= 0 || got.Online <= 0 || got.Part <= 0 {
			t.Errorf("%s had %v shares, the account is %+v", name, d.sum, got)
		}
	}
	if got := g.account(t, "Bitaxe"); got.Accepted != 0 || !got.Miner || !got.Connected {
		t.Errorf("Bitaxe: %+v", got)
	}
}

// Devices, invitations and accounts are there again after a restart: a device logs in with what it kept, an invitation
// that was shown before is good after.
func TestRestart(t *testing.T) {
	pool, payee := network(t)
	o := options(t, pool, payee+".home")
	g := serve(t, o)
	first, err := g.Invite("Phone")
	if err != nil {
		t.Fatal(err)
	}
	second, err := g.Invite("Tablet")
	if err != nil {
		t.Fatal(err)
	}
	p, phone := joining(t, g, first.Link())
	phone.mine(t, phone.job(t), 5)
	phone.stop()
	before := g.account(t, "Phone")
	o.Web = g.listeners.web.Addr().String() // the origin stays
	g.stop()

	g = serve(t, o)
	back := begin(t, stratum.Config{User: "phone", Greet: p.greeter("", p.credential())}, g.ws())
	back.mine(t, back.job(t), 3)
	_, tablet := joining(t, g, second.Link())
	tablet.mine(t, tablet.job(t), 1)
	after := g.account(t, "Phone")
	if after.ID != before.ID || after.Accepted != before.Accepted+uint64(back.sum[pow.Accepted]) || before.Accepted != uint64(phone.sum[pow.Accepted]) {
		t.Errorf("%v shares, then %v; the account had %+v, then %+v", phone.sum, back.sum, before, after)
	}
	if g.account(t, "Tablet").Accepted == 0 {
		t.Error("the tablet's share is not counted")
	}
}

// A device that is paused gets no work, and gets it again; one that was removed is sent away for good, and its account
// stays under its name.
func TestPauseRenameRemove(t *testing.T) {
	pool, payee := network(t)
	g := serve(t, options(t, pool, payee+".home"))
	invitation, err := g.Invite("")
	if err != nil {
		t.Fatal(err)
	}
	p, phone := joining(t, g, invitation.Link())
	phone.mine(t, phone.job(t), 1)
	if _, err := g.Rename("Device 1", "Phone"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Pause("Phone", true); err != nil {
		t.Fatal(err)
	}
	for await(t, phone.jobs) != nil { // the connection is ended, and the next has no work
	}
	until(t, "it is back, and rests", func() bool { s := g.Snapshot(); return s.Connected == 1 && s.Devices[0].Paused })
	select {
	case j := <-phone.jobs:
		if j != nil {
			t.Error("a paused device got work")
		}
	default:
	}
	if _, err := g.Pause("Phone", false); err != nil {
		t.Fatal(err)
	}
	phone.mine(t, phone.job(t), 1)

	if _, err := g.Remove("Phone"); err != nil {
		t.Fatal(err)
	}
	if err := await(t, phone.ended); !errors.Is(err, stratum.ErrRefusedForGood) || !errors.Is(err, invite.ErrUnknown) {
		t.Errorf("removed, it ended with %v", err)
	}
	again := begin(t, stratum.Config{User: "phone", Greet: p.greeter("", p.credential())}, g.ws())
	if err := await(t, again.ended); !errors.Is(err, invite.ErrUnknown) {
		t.Errorf("a removed device's credential: %v", err)
	}
	if got := g.account(t, "Phone"); got.Removed.IsZero() || got.Accepted == 0 {
		t.Errorf("after it was removed: %+v", got)
	}
	for _, name := range []string{"Phone", "Device 1"} {
		if _, err := g.Remove(name); !errors.Is(err, ErrNoDevice) {
			t.Errorf("removed twice: %v", err)
		}
	}
}

// A limit is kept on average, by rests.
func TestLimit(t *testing.T) {
	now := time.Unix(1e9, 0)
	l := newLimit(1000, now)
	const rate = 4000.0 // that the device does while it works
	var done float64
	rests := 0
	for range 20 * 60 {
		now = now.Add(time.Second)
		was := l.rest
		if rest := l.refill(now); !rest {
			done += rate
			l.left -= rate
		} else if !was {
			rests++
		}
	}
	if got := done / (20 * 60); got < 900 || got > 1100 {
		t.Errorf("limited to 1000, it did %.0f", got)
	}
	if rests < 5 || rests > 60 {
		t.Errorf("%d rests in 20 minutes", rests)
	}
}

// What was done beyond a limit brings a rest, and what is no limit is refused.
func TestLimitIsEnforced(t *testing.T) {
	pool, payee := network(t)
	g := serve(t, options(t, pool, payee+".home"))
	invitation, err := g.Invite("Phone")
	if err != nil {
		t.Fatal(err)
	}
	_, phone := joining(t, g, invitation.Link())
	phone.job(t)
	for _, bad := range []float64{-1, 1e30} {
		if _, err := g.Limit("Phone", bad); !errors.Is(err, ErrLimit) {
			t.Errorf("limit %g: %v", bad, err)
		}
	}
	if _, err := g.Limit("Phone", 1); err != nil {
		t.Fatal(err)
	}
	g.spend(g.Snapshot().Devices[0].ID, 1) // 2³² hashes at once
	until(t, "it rests", func() bool { s := g.Snapshot(); return s.Devices[0].Resting })
	if _, err := g.Limit("Phone", 0); err != nil {
		t.Fatal(err)
	}
	phone.mine(t, phone.job(t), 1)
}

// line to a pool, which a test can cut and mend.
type cable struct {
	ln   net.Listener
	to   string
	mu   sync.Mutex
	cut  bool
	open []net.Conn
	wg   sync.WaitGroup
}

func lay(t *testing.T, to string) *cable {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{ln: ln, to: to}
	c.wg.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.carry(in) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); c.set(true); c.wg.Wait() })
	return c
}

func (c *cable) carry(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer out.Close()
	c.mu.Lock()
	if c.cut {
		c.mu.Unlock()
		return
	}
	c.open = append(c.open, in, out)
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
	_ = in.Close()
	<-done
}

// set cuts the cable, or mends it.
func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for _, conn := range c.open {
		_ = conn.Close()
	}
	c.open = nil
}
