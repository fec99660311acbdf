//go:build !js

package core_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// fakePool is a pool in memory that can go down, and that pays whom it is told.
type fakePool struct {
	server *stratum.Server

	mu    sync.Mutex
	down  bool
	last  uint32
	job   *pow.Job
	peers map[*stratum.Peer]bool
}

// poolDifficulty is met within moments by any machine, and not all the time by a fast one that works a little.
const poolDifficulty = 1e-4

func newFakePool(outputs ...string) *fakePool {
	b := &fakePool{peers: make(map[*stratum.Peer]bool)}
	b.server = stratum.NewServer(b, stratum.Options{Rate: 1e5, Burst: 1e5})
	b.pay(outputs...)
	return b
}

// pay has all miners work on a block that pays these.
func (b *fakePool) pay(outputs ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := payingJob(outputs...)

	b.last++
	j.ID, j.Clean, j.Time, j.Version, j.Bits, j.Algorithm = fmt.Sprint(b.last), true, 1700000000+b.last, 1<<29, 0x1d00ffff, hasher.SHA256d
	b.job = j
	for p := range b.peers {
		_ = p.Notify(j) // one that is leaving
	}
}

// again tells all miners the job once more, as pools do.
func (b *fakePool) again() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.peers {
		_ = p.Notify(b.job) // one that is leaving
	}
}

func (b *fakePool) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
	for p := range b.peers {
		if down {
			p.Close()
		}
	}
}

func (b *fakePool) Connected(*stratum.Peer)                  {}
func (b *fakePool) SuggestDifficulty(*stratum.Peer, float64) {}
func (b *fakePool) Submit(*stratum.Peer, stratum.Submission) error {
	return nil
}

func (b *fakePool) Disconnected(p *stratum.Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.peers, p)
}

func (b *fakePool) Subscribe(*stratum.Peer, string) ([]byte, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return binary.BigEndian.AppendUint32(nil, b.last), 4, nil
}

func (b *fakePool) Authorize(p *stratum.Peer, _, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[p] = true
	_ = p.SetDifficulty(poolDifficulty) // one that is leaving
	_ = p.Notify(b.job)
	return nil
}

// pooled runs a session over pools until the test ends.
type pooled struct {
	*core.Session
	t       *testing.T
	urls    []string
	results chan pow.Result
	notices chan core.Notice
}

func minePools(t *testing.T, c core.Config, pools ...*fakePool) *pooled {
	t.Helper()
	m := &pooled{t: t, results: make(chan pow.Result, 1<<16), notices: make(chan core.Notice, 100)}
	at := make(map[stratum.URL]*fakePool)
	for i, b := range pools {
		u, err := stratum.ParseURL(fmt.Sprintf("stratum+tcp://pool%d.test:3333", i+1))
		if err != nil {
			t.Fatal(err)
		}
		at[u] = b
		m.urls = append(m.urls, u.String())
		c.Pools = append(c.Pools, stratum.Pool{URL: u, User: "panner"})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var miners sync.WaitGroup
	miners.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, b := range pools {
				b.again()
			}
		}
	})
	c.Client.Dial = func(_ context.Context, u stratum.URL) (jsonrpc.Conn, error) {
		b := at[u]
		b.mu.Lock()
		down := b.down
		b.mu.Unlock()
		if down {
			return nil, fmt.Errorf("dial: %w", jsonrpc.ErrRefused)
		}
		ours, theirs := net.Pipe()
		miners.Go(func() { _ = b.server.ServeConn(ctx, jsonrpc.NewLineConn(theirs, stratum.MaxMessage)) })
		return jsonrpc.NewLineConn(ours, stratum.MaxMessage), nil
	}
	c.Client.Backoff = func(int) time.Duration { return 300 * time.Millisecond }
	c.Healthy = 200 * time.Millisecond
	c.Algorithm, c.Lanes, c.Rules.Percent = hasher.SHA256d, 1, 20
	c.Shares = func(r pow.Result) { m.results <- r }
	c.Notice = func(n core.Notice) { m.notices <- n }
	s, err := core.NewSession(c)
	if err != nil {
		t.Fatal(err)
	}
	m.Session = s
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		miners.Wait()
	})
	return m
}

// until polls until what is true of the snapshot, for as long as the slowest machine may take.
func (m *pooled) until(why string, what func(core.Snapshot) bool) {
	m.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !what(m.Snapshot()) {
		select {
		case <-tick.C:
		case <-deadline.C:
			m.t.Fatalf("waited in vain for %s: %+v", why, m.Snapshot())
		}
	}
}

// minesOn waits until shares are accepted by a pool, and by it alone.
func (m *pooled) minesOn(i int) {
	m.t.Helper()
	m.until("mining on pool "+m.urls[i], func(v core.Snapshot) bool {
		return v.State == core.StateMining && v.Pool == m.urls[i] && v.Pools[i].Active && v.Failures == 0 && v.Err == nil
	})
	deadline := time.After(patience)
	for {
		select {
		case r := <-m.results:
			if r.Status == pow.Accepted && r.Pool == m.urls[i] {
				return
			}
		case <-deadline:
			m.t.Fatalf("no share for %s: %+v", m.urls[i], m.Snapshot())
		}
	}
}

// told waits for a notice with a text.
func (m *pooled) told(level core.Level, text string) {
	m.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case n := <-m.notices:
			if strings.Contains(n.Text, text) {
				if n.Level != level || n.Time.IsZero() {
					m.t.Errorf("got %+v", n)
				}
				return
			}
		case <-deadline:
			m.t.Fatalf("nothing was told of %q", text)
		}
	}
}

const (
	myScript    = "0014751e76e8199196d454941c45d1b3a323f1433bd6"
	otherScript = "001400000000000000000000000000000000000000ff"
)

// paying is an output of one coin.
func paying(script string) string {
	return "00e1f50500000000" + fmt.Sprintf("%02x", len(script)/2) + script
}

func TestSessionOverPools(t *testing.T) {
	first, second := newFakePool(paying(otherScript)), newFakePool(paying(otherScript))
	m := minePools(t, core.Config{}, first, second)
	m.minesOn(0)
	if v := m.Snapshot(); len(v.Pools) != 2 || !v.Pools[1].Idle || v.Warning != "" {
		t.Errorf("got %+v", v)
	}

	first.set(true)
	m.minesOn(1)
	m.told(core.Warning, "Mining goes on at "+m.urls[1])
	m.until("the reason", func(v core.Snapshot) bool {
		return v.Pools[0].Failures > 0 && v.Pools[0].Reason != "" && v.Pools[0].Err != nil && !v.Pools[0].Active
	})
	first.set(false)
	m.minesOn(0)
	m.told(core.Info, "Mining is back at "+m.urls[0])

	second.set(true)
	first.set(true)
	m.until("down", func(v core.Snapshot) bool {
		return v.State == core.StateDown && v.Reason != "" && v.Err != nil && v.Failures > 1 && v.Worked
	})
	second.set(false)
	m.minesOn(1)
	first.set(false)
	m.minesOn(0)

	// Other pools, live: the session goes on.
	accepted := m.Snapshot().Accepted
	u, err := stratum.ParseURL(m.urls[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetPools([]stratum.Pool{{URL: u, User: "panner"}}); err != nil {
		t.Fatal(err)
	}
	m.until("the pool that is left", func(v core.Snapshot) bool {
		return len(v.Pools) == 1 && v.Pool == m.urls[1] && v.State == core.StateMining && v.Accepted > accepted
	})
	if err := m.SetPools(nil); err == nil {
		t.Error("mines on no pool")
	}
}

// A pool that promises a block to whoever finds it, and pays itself, is told of; as soon as it lies, and once.
func TestPayoutIsChecked(t *testing.T) {
	script := []byte{0x00, 0x14, 0x75, 0x1e, 0x76, 0xe8, 0x19, 0x91, 0x96, 0xd4, 0x54, 0x94, 0x1c, 0x45, 0xd1, 0xb3, 0xa3, 0x23, 0xf1, 0x43, 0x3b, 0xd6}
	b := newFakePool(paying(myScript))
	m := minePools(t, core.Config{SoloPool: true, Payout: script}, b)
	m.minesOn(0)
	if v := m.Snapshot(); v.Warning != "" {
		t.Errorf("an honest pool: %q", v.Warning)
	}
	b.pay(paying(otherScript))
	m.until("the warning", func(v core.Snapshot) bool {
		return strings.Contains(v.Warning, "does not pay your address at all") && v.State == core.StateMining
	})
	b.pay(paying(otherScript), paying(otherScript))
	m.told(core.Warning, "does not pay your address at all")
	b.pay(paying(otherScript), paying(myScript))
	m.told(core.Warning, "less than 95% of the block")
	b.pay(paying(myScript))
	m.until("peace", func(v core.Snapshot) bool { return v.Warning == "" })
	if n := len(m.notices); n != 0 {
		t.Errorf("%d more notices, the first is %+v", n, <-m.notices)
	}

	// A pool that promised nothing is left alone.
	m = minePools(t, core.Config{Payout: script}, newFakePool(paying(otherScript)))
	m.minesOn(0)
	if v := m.Snapshot(); v.Warning != "" {
		t.Errorf("no promise was made: %q", v.Warning)
	}
}

// node is a source that is no pool.
type node struct {
	handler pow.Handler
}

func (n *node) Run(ctx context.Context) error {
	j := payingJob(paying(otherScript))
	j.Algorithm, j.Conn, j.Difficulty, j.Extranonce2Size = hasher.SHA256d, 1, poolDifficulty, 4
	j.Target = pow.TargetFromDifficulty(j.Algorithm, j.Difficulty)
	n.handler.State(pow.State{Phase: pow.Connecting, Pool: "node"})
	n.handler.Job(j)
	n.handler.State(pow.State{Phase: pow.Mining, Pool: "node", Difficulty: j.Difficulty})
	<-ctx.Done()
	return nil
}

func (n *node) Submit(s pow.Share, done func(pow.Result)) {
	done(pow.Result{Status: pow.Accepted, Difficulty: s.Difficulty, Pool: "node"})
}

func TestSessionOnAnotherSource(t *testing.T) {
	m := minePools(t, core.Config{Source: func(h pow.Handler) (pow.Source, error) { return &node{handler: h}, nil }})
	m.until("a share", func(v core.Snapshot) bool {
		return v.State == core.StateMining && v.Pool == "node" && v.Pools == nil && v.Accepted > 0
	})
	if err := m.SetPools([]stratum.Pool{{User: "panner"}}); err == nil {
		t.Error("took pools beside a node")
	}
}
