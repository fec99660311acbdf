package home

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/gateway"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

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

// What a device does that counts for nothing is told in words, with the likely reason, until a share of it counts.
func TestMisfit(t *testing.T) {
	var told []Event
	o := options(t, "", "")
	o.Events = func(e Event) { told = append(told, e) }
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	box, _, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	d := gateway.Device{ID: box.ID, Name: box.Name}
	for want, m := range map[string]gateway.Misfit{
		"Box mines scrypt, and sha256d is mined here":                      {Device: d, Mines: hasher.Scrypt, Refused: 3},
		"Most likely it mines another algorithm than sha256d":              {Device: d, Refused: 200},
		"The last 200 shares of Box did not count, and it was sent away. ": {Device: d, Refused: 200, Counted: 1},
	} {
		told = nil
		g.happened(gateway.Event{Misfit: &m})
		if len(told) != 1 || told[0].Kind != "misfit" || told[0].Device != box.ID || !strings.Contains(told[0].Text, want) {
			t.Errorf("%+v: %+v", m, told)
		}
		if s := g.Snapshot().Devices; len(s) != 1 || s[0].Misfit != told[0].Text {
			t.Errorf("%+v", s)
		}
	}
	ledger{g}.Counted(d, gateway.Share{At: time.Now(), Target: 1})
	if s := g.Snapshot().Devices[0]; s.Misfit != "" {
		t.Errorf("its work counts: %+v", s)
	}
}
