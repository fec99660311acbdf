//go:build !js

package engine

import (
	"context"
	"encoding/hex"
	"math"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// job is easy enough for several shares a second from the slowest kernel.
func job(a hasher.Algorithm, id string, clean bool) *pow.Job {
	j := &pow.Job{ID: id, Algorithm: a, Coinbase1: []byte("coinbase " + id), Extranonce1: []byte{1, 2, 3, 4}, Extranonce2Size: 4,
		Version: 0x20000000, Bits: 0x207fffff, Time: 1700000000, Clean: clean, Conn: 1}
	j.Difficulty = 1e-6
	if a == hasher.Scrypt {
		j.Difficulty = 1e-3
	}
	j.Target = pow.TargetFromDifficulty(a, j.Difficulty)
	return j
}

// start runs an engine and returns it with its shares.
func start(t *testing.T, c Config) (*Engine, <-chan pow.Share) {
	t.Helper()
	shares := make(chan pow.Share, 1<<16)
	c.Share = func(s pow.Share) { shares <- s }
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return e, shares
}

func receive(t *testing.T, shares <-chan pow.Share) pow.Share {
	t.Helper()
	select {
	case s := <-shares:
		return s
	case <-time.After(time.Minute):
		t.Fatal("no share in a minute")
	}
	panic("unreachable")
}

func TestSharesAreValidAndNeverTwice(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			e, shares := start(t, Config{Algorithm: a, Lanes: 3})
			j := job(a, "one", true)
			e.SetJob(j)
			seen, lanes := map[pow.Hash]bool{}, map[string]bool{}
			for len(seen) < 30 || len(lanes) < 3 {
				s := receive(t, shares)
				if s.Job != j || !j.Target.Met(s.Hash) || s.Hash != j.Header(s.Solution).PoWHash(a) {
					t.Fatalf("bad share %+v", s)
				}
				if seen[s.Hash] {
					t.Fatalf("share %s twice", s.Hash)
				}
				seen[s.Hash] = true
				lanes[hex.EncodeToString(s.Extranonce2)] = true
			}
			got := e.Snapshot()
			if got.Hashes == 0 || got.Faults != 0 || got.Best < j.Difficulty || got.Lanes != 3 || got.Kernel == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestNewJobReplacesTheOld(t *testing.T) {
	e, shares := start(t, Config{Algorithm: hasher.SHA256d, Lanes: 2})
	e.SetJob(job(hasher.SHA256d, "old", true))
	receive(t, shares)
	e.SetJob(job(hasher.SHA256d, "new", true))
	deadline := time.After(time.Minute)
	for old := 0; ; {
		select {
		case s := <-shares:
			if s.Job.ID == "new" {
				return
			}
			// Shares may have been on their way; a lane looks up after a batch.
			if old++; old > 10000 {
				t.Fatal("the old job goes on")
			}
		case <-deadline:
			t.Fatal("no share of the new job in a minute")
		}
	}
}

// TestStaleHits: after a clean job, a nonce of an older epoch is dropped; after
// one that is not clean it still counts.
func TestStaleHits(t *testing.T) {
	var shares []pow.Share
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 1, Share: func(s pow.Share) { shares = append(shares, s) }})
	if err != nil {
		t.Fatal(err)
	}
	find := func(a *assignment) uint32 {
		for nonce := uint32(0); ; nonce++ {
			if _, ok := a.job.Check(a.solution(nonce)); ok {
				return nonce
			}
		}
	}
	lane := e.lanes[0].(*thread)
	e.SetJob(job(hasher.SHA256d, "a", true))
	a := lane.current.Load()
	e.SetJob(job(hasher.SHA256d, "b", false))
	nonce := find(a)
	if e.hit(a, nonce); len(shares) != 1 {
		t.Error("a share of the job before, which is still good, was dropped")
	}
	e.SetJob(job(hasher.SHA256d, "c", true))
	if e.hit(a, nonce); len(shares) != 1 {
		t.Error("a share from before a clean job was handed on")
	}
	c := lane.current.Load()
	e.SetJob(nil)
	if e.hit(c, find(c)); len(shares) != 1 {
		t.Error("a share of a lost connection was handed on")
	}
	if lane.current.Load() != nil {
		t.Error("the lane has work without a job")
	}
	if e.hit(a, nonce+1); e.Snapshot().Faults == 0 {
		t.Error("a nonce that is no share was not counted as a fault")
	}
}

// TestExtranonceRunsOut: with two bytes there are 65,536 assignments, all
// different, and then none.
func TestExtranonceRunsOut(t *testing.T) {
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 2, Share: func(pow.Share) {}})
	if err != nil {
		t.Fatal(err)
	}
	j := job(hasher.SHA256d, "small", true)
	j.Extranonce2Size = 2
	e.counter = 1<<16 - 9 // wraps on the way
	e.SetJob(j)
	seen := map[string]bool{}
	for _, l := range e.lanes {
		seen[string(l.(*thread).current.Load().extranonce2)] = true
	}
	a := e.lanes[0].(*thread).current.Load()
	for {
		next := e.exhausted(a)
		if next == nil {
			break
		}
		if seen[string(next.extranonce2)] {
			t.Fatalf("extranonce2 %x twice", next.extranonce2)
		}
		seen[string(next.extranonce2)] = true
	}
	if len(seen) != 1<<16 {
		t.Errorf("%d assignments, want 65536", len(seen))
	}
}

func TestRest(t *testing.T) {
	e, shares := start(t, Config{Algorithm: hasher.SHA256d, Lanes: 2, Limit: 50})
	for _, rest := range []struct{ stop, resume func() }{
		{func() { e.SetPaused(true) }, func() { e.SetPaused(false) }},
		{func() { e.SetJob(nil) }, func() { e.SetJob(job(hasher.SHA256d, "again", true)) }},
	} {
		e.SetJob(job(hasher.SHA256d, "first", true))
		receive(t, shares)
		rest.stop()
		// Whatever was in hand is finished within a batch; then the count stands
		// still. Two equal readings half a second apart are taken as still.
		deadline := time.Now().Add(time.Minute)
		for before := uint64(math.MaxUint64); ; {
			now := e.Snapshot().Hashes
			if now == before {
				break
			}
			if before = now; time.Now().After(deadline) {
				t.Fatal("the lanes do not rest")
			}
			<-time.After(meterInterval)
		}
		if rate := e.Snapshot().Hashrate; rate != 0 {
			t.Errorf("%f hashes a second at rest", rate)
		}
		for len(shares) > 0 {
			<-shares
		}
		rest.resume()
		receive(t, shares)
	}
}

func TestConfigIsChecked(t *testing.T) {
	take := func(pow.Share) {}
	for _, c := range []Config{
		{Algorithm: hasher.SHA256d, Share: take},
		{Algorithm: hasher.SHA256d, Lanes: 1},
		{Algorithm: "x11", Lanes: 1, Share: take},
		{Algorithm: hasher.SHA256d, Lanes: 1, Limit: 101, Share: take},
		{Algorithm: hasher.SHA256d, Lanes: 1, Limit: -1, Share: take},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("took %+v", c)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	at := time.Unix(0, 0)
	if m.add(at, 100); m.rate() != 0 {
		t.Error("a rate from one sample")
	}
	for i := 1; i <= 50; i++ { // 200 a second, then 400
		hashes := uint64(100 + 100*i)
		if i > 25 {
			hashes = uint64(100 + 100*25 + 200*(i-25))
		}
		m.add(at.Add(time.Duration(i)*meterInterval), hashes)
	}
	if got := m.rate(); got != 400 {
		t.Errorf("%f hashes a second over the window, want 400", got)
	}
}

func Example() {
	found := make(chan pow.Share, 1)
	var once sync.Once
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 1, Share: func(s pow.Share) { once.Do(func() { found <- s }) }})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.SetJob(job(hasher.SHA256d, "example", true))
	go func() { <-found; cancel() }()
	if err := e.Run(ctx); err != nil {
		panic(err)
	}
	// Output:
}
