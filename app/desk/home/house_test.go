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
