//go:build !js

package practice

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/wallet/electrum/message"
)

// jobs hands a Stratum client's jobs to a test.
type jobs struct {
	jobs   chan *pow.Job
	states chan pow.State
}

func newJobs() *jobs {
	return &jobs{jobs: make(chan *pow.Job, 1000), states: make(chan pow.State, 1000)}
}

func (j *jobs) Job(job *pow.Job)  { j.jobs <- job }
func (j *jobs) State(s pow.State) { j.states <- s }

// mineWith mines blocks as a device does, over the wire, until the context
// ends.
func mineWith(ctx context.Context, t *testing.T, c *stratum.Client, h *jobs) {
	t.Helper()
	var j *pow.Job
	en2, nonce := make([]byte, 8), uint32(0)
	for {
		select {
		case <-ctx.Done():
			return
		case j = <-h.jobs:
			nonce = 0
			continue
		default:
		}
		if j == nil {
			select {
			case <-ctx.Done():
				return
			case j = <-h.jobs:
				nonce = 0
			}
			continue
		}
		nonce++
		if s, ok := j.Check(pow.Solution{Extranonce2: en2[:j.Extranonce2Size], Version: j.Version, Time: j.Time, Nonce: nonce}); ok {
			done := make(chan pow.Result, 1)
			c.Submit(s, func(r pow.Result) { done <- r })
			select {
			case r := <-done:
				if r.Status == pow.Rejected {
					t.Errorf("share rejected: %d %s", r.Code, r.Reason)
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func TestNetworkOverTheWire(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			events := make(chan Event, 1000)
			_, addr := key(t, practiceParams(t, a), 1)
			dir := t.TempDir()
			n, err := Open(Config{Dir: dir, Algorithm: a, Hashrate: easy, Payout: addr, Listen: "127.0.0.1:0", Events: func(e Event) {
				select {
				case events <- e:
				default:
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			}()
			if _, err := Open(Config{Dir: dir, Algorithm: a}); !errors.Is(err, ErrLocked) {
				t.Fatalf("a second opener: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			ran := make(chan error, 1)
			go func() { ran <- n.Run(ctx) }()

			u, err := stratum.ParseURL(n.PoolURL())
			if err != nil {
				t.Fatal(err)
			}
			h := newJobs()
			client := stratum.NewClient(stratum.Config{URL: u, User: addr + ".desk", Algorithm: a, Handler: h})
			mineCtx, stop := context.WithCancel(ctx)
			connected, mined := make(chan error, 1), make(chan struct{})
			go func() { connected <- client.Run(mineCtx) }()
			go func() { mineWith(mineCtx, t, client, h); close(mined) }()

			for want := int32(1); want <= 8; want++ {
				select {
				case e := <-events:
					if e.Height != want || e.Payee != addr || e.Worker != "desk" {
						t.Fatalf("event %+v at height %d", e, want)
					}
				case <-ctx.Done():
					t.Fatalf("no block %d in a minute", want)
				}
			}
			if s := n.Status(); s.Height < 8 || s.Devices != 1 || s.Hashrate <= 0 || s.Difficulty <= 0 || s.Note != "" {
				t.Errorf("status %+v", s)
			}

			// A wallet, over TCP.
			conn, err := jsonrpc.Dial(ctx, n.ElectrumURL(), message.MaxReply)
			if err != nil {
				t.Fatal(err)
			}
			w := &walletTest{t: t, conn: conn, ctx: ctx}
			w.greet("1.6")
			script, err := practiceParams(t, a).Script(addr)
			if err != nil {
				t.Fatal(err)
			}
			var history message.History
			w.must(message.ScriptHashHistory, message.ScriptHashParams{ScriptHash: message.ScriptHash(script)}, &history)
			if len(history) < 8 {
				t.Errorf("the wallet sees %d rewards", len(history))
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}

			stop()
			<-mined
			<-connected
			cancel()
			if err := <-ran; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

func TestNetworkTakesOtherConnections(t *testing.T) {
	n, err := Open(Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: easy})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	a, b := net.Pipe()
	served := make(chan error, 2)
	go func() { served <- n.StratumConn(ctx, jsonrpc.NewLineConn(b, stratum.MaxMessage)) }()
	h := newJobs()
	_, addr := key(t, practiceParams(t, hasher.SHA256d), 1)
	client := stratum.NewClient(stratum.Config{
		User: addr, Algorithm: hasher.SHA256d, Handler: h,
		Dial: func(context.Context, stratum.URL) (jsonrpc.Conn, error) {
			return jsonrpc.NewLineConn(a, stratum.MaxMessage), nil
		},
	})
	clientCtx, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- client.Run(clientCtx) }()
	select {
	case j := <-h.jobs:
		if j == nil || j.Target == (pow.Target{}) {
			t.Fatalf("job %+v", j)
		}
	case <-ctx.Done():
		t.Fatal("no job")
	}
	stop()
	<-ran

	c, d := net.Pipe()
	go func() { served <- n.ElectrumConn(ctx, jsonrpc.NewLineConn(d, message.MaxRequest)) }()
	w := &walletTest{t: t, conn: jsonrpc.NewLineConn(c, message.MaxReply), ctx: ctx}
	w.greet("1.4")
	w.must(message.ServerPing, nil, nil)
	if err := w.conn.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		<-served
	}
}

// shaky is a listener whose first Accept fails for a reason that passes.
type shaky struct {
	net.Listener
	failed chan struct{}
}

func (l *shaky) Accept() (net.Conn, error) {
	select {
	case <-l.failed:
		return l.Listener.Accept()
	default:
		close(l.failed)
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
}

// TestTooManyFilesPasses: the network goes on when a wallet cannot be accepted
// for a moment.
func TestTooManyFilesPasses(t *testing.T) {
	n, err := Open(Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: easy})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	n.walletListener = &shaky{n.walletListener, make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	conn, err := jsonrpc.Dial(ctx, n.ElectrumURL(), message.MaxReply)
	if err != nil {
		t.Fatal(err)
	}
	w := &walletTest{t: t, conn: conn, ctx: ctx}
	w.greet("1.4")
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, scrypt := key(t, practiceParams(t, hasher.Scrypt), 1)
	for name, tt := range map[string]struct {
		cfg  Config
		want error
	}{
		"algorithm":      {Config{Dir: dir, Algorithm: "md5"}, nil},
		"other network":  {Config{Dir: dir, Algorithm: hasher.SHA256d, Payout: "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}, coin.ErrWrongNetwork},
		"other practice": {Config{Dir: dir, Algorithm: hasher.SHA256d, Payout: scrypt}, coin.ErrWrongNetwork},
		"no address":     {Config{Dir: dir, Algorithm: hasher.SHA256d, Payout: "me"}, coin.ErrBadAddress},
		"directory":      {Config{Dir: filepath.Join(file, "practice"), Algorithm: hasher.SHA256d}, nil},
		"listen":         {Config{Dir: dir, Algorithm: hasher.SHA256d, Listen: "256.256.256.256:1"}, nil},
	} {
		n, err := Open(tt.cfg)
		if err == nil {
			_ = n.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// None of them keeps the directory.
	n, err := Open(Config{Dir: dir, Algorithm: hasher.SHA256d})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root writes everywhere; TestOpenRefuses has a directory that even
		// root cannot make.
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir, Algorithm: hasher.SHA256d}); !errors.Is(err, os.ErrPermission) {
		t.Fatalf("%v, want a permission error", err)
	}
}

func TestBothChainsInOneDirectory(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		for _, a := range hasher.Algorithms() {
			n, err := Open(Config{Dir: dir, Algorithm: a, Hashrate: easy})
			if err != nil {
				t.Fatal(err)
			}
			before := n.Height()
			mine(t, n.chain, anyone, 1)
			if n.Height() != before+1 {
				t.Fatal("no block")
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNote(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	long, unsure := measured{watched: time.Hour, sure: true}, measured{watched: time.Hour}
	for _, tt := range []struct {
		name string
		s    Status
		all  measured
		want string // in the note; "" is no note
	}{
		{"quick", Status{Devices: 1, Hashrate: 1, Interval: 11 * time.Second, LastBlock: ago(5 * time.Second)}, long, ""},
		{"no device", Status{LastBlock: ago(time.Hour)}, long, "No device"},
		{"no device, just now", Status{LastBlock: ago(time.Second)}, long, ""},
		{"slower", Status{Height: 30, Devices: 1, Hashrate: 1, Interval: 400 * time.Second, LastBlock: ago(time.Minute)}, long, "about 7 minutes"},
		{"slower, next retarget", Status{Height: 30, Devices: 1, Hashrate: 1, Interval: 400 * time.Second, LastBlock: ago(time.Minute)}, long, "block 36"},
		{"slower, and no block missed yet", Status{Devices: 1, Hashrate: 1, Interval: 400 * time.Second, LastBlock: ago(20 * time.Second)}, long, ""},
		{"slower, perhaps", Status{Devices: 1, Hashrate: 1, Interval: 400 * time.Second, LastBlock: ago(time.Minute)}, unsure, "just begun"},
		{"begun", Status{Devices: 1, LastBlock: ago(time.Minute)}, unsure, "just begun"},
		{"bad luck", Status{Devices: 1, Hashrate: 1, Interval: 11 * time.Second, LastBlock: ago(time.Minute)}, long, "bad luck"},
		{"restarted", Status{Devices: 1, LastBlock: ago(time.Hour)}, measured{watched: 5 * time.Second}, ""},
		{"restarted, and slow to begin", Status{Devices: 1, LastBlock: ago(time.Hour)}, measured{watched: time.Minute}, "just begun"},
		{"opened, and nothing has joined yet", Status{LastBlock: ago(time.Hour)}, measured{watched: time.Second}, ""},
	} {
		got := note(tt.s, tt.all, now)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if strings.Count(got, ".") > 1 {
			t.Errorf("%s: more than one sentence: %q", tt.name, got)
		}
	}
}

func TestStatusSaysWhyBlocksAreSlow(t *testing.T) {
	clock := newFakeTime()
	n, err := open(Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: 1e6}, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	_, addr := key(t, n.chain.coin, 1)
	out := &fakeOutlet{}
	m := n.pool.join(out)
	if err := n.pool.authorize(m, addr); err != nil {
		t.Fatal(err)
	}
	n.pool.suggest(m, 1e-9)
	// A thousandth of the rate that the chain was made for.
	for i := range byte(20) {
		j := out.last()
		share := workWith(t, j, addr, []byte{i, 0, 0, 0, 0, 0, 0, 0}, j.Target.Met)
		clock.add(time.Duration(j.Target.Expected() / 1e3 * float64(time.Second)))
		if err := n.pool.submit(m, share); err != nil {
			t.Fatal(err)
		}
	}
	if s := n.Status(); !strings.Contains(s.Note, "less is mining") {
		t.Fatalf("status %+v", s)
	}
}

// TestNoteAfterAPause: a program that is started again, and a device that goes on
// after a pause, begin with an old last block and explain nothing at first.
func TestNoteAfterAPause(t *testing.T) {
	clock := newFakeTime()
	n, err := open(Config{Dir: t.TempDir(), Algorithm: hasher.SHA256d, Hashrate: 1e6}, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	clock.add(time.Hour)
	if s := n.Status(); !strings.Contains(s.Note, "No device") {
		t.Errorf("an hour without a device: %+v", s)
	}
	_, addr := key(t, n.chain.coin, 1)
	out := &fakeOutlet{}
	m := n.pool.join(out)
	if err := n.pool.authorize(m, addr); err != nil {
		t.Fatal(err)
	}
	n.pool.suggest(m, 1e-9)
	next := byte(0)
	submit := func(times int) {
		t.Helper()
		for range times {
			j := out.last()
			next++
			share := workWith(t, j, addr, []byte{next, 0, 0, 0, 0, 0, 0, 0}, func(h pow.Hash) bool { return j.Target.Met(h) && !blockTarget(t, j).Met(h) })
			if err := n.pool.submit(m, share); err != nil {
				t.Fatal(err)
			}
			clock.add(2 * time.Second)
		}
	}
	for _, pause := range []time.Duration{0, time.Hour} {
		clock.add(pause)
		submit(2)
		if s := n.Status(); s.Note != "" {
			t.Errorf("just begun after %v: %q", pause, s.Note)
		}
		submit(20)
		if s := n.Status(); s.Note == "" || strings.Contains(s.Note, "just begun") {
			t.Errorf("watched for a while: %q", s.Note)
		}
	}
}

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		40 * time.Second: "40 seconds", 89 * time.Second: "89 seconds", 2 * time.Minute: "2 minutes",
		time.Hour: "60 minutes", 100 * time.Minute: "2 hours", 72 * time.Hour: "3 days", 1e18: "years",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
