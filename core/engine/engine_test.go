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

// TestWorkRunsOut: every extranonce2 is given out with every version that the
// job leaves free, and those with every second that the time may go forward; no
// two alike, none outside of what the job allows, and then there is none.
func TestWorkRunsOut(t *testing.T) {
	for _, c := range []struct {
		name          string
		size          int
		version, mask uint32
		time          uint32
		want          int
	}{
		{"two bytes", 2, 0x20000000, 0, 1<<32 - 1, 1 << 16},
		{"versions", 1, 0x20000000, 0x1fffe000 & 0x0000e000, 1<<32 - 1, 256 * 8},
		{"a bit of the mask is set in the job", 1, 0x20002000, 0x0000e000, 1<<32 - 1, 256 * 4},
		{"no extranonce2, 7,000 seconds", 0, 0x20000000, 0x00006000, 1700000000, 4 * 7001},
		{"the end of time", 1, 0x20000000, 0, 1<<32 - 3, 256 * 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 2, Share: func(pow.Share) {}})
			if err != nil {
				t.Fatal(err)
			}
			j := job(hasher.SHA256d, "small", true)
			j.Extranonce2Size, j.Version, j.VersionMask, j.Time = c.size, c.version, c.mask, c.time
			e.counter = 1<<16 - 9 // wraps on the way
			e.SetJob(j)
			type key struct {
				extranonce2   string
				version, time uint32
			}
			seen := map[key]bool{}
			take := func(a *assignment) {
				t.Helper()
				k := key{string(a.extranonce2), a.version, a.time}
				if seen[k] {
					t.Fatalf("%x with version %08x at %d twice", a.extranonce2, a.version, a.time)
				}
				seen[k] = true
				if len(a.extranonce2) != c.size || (a.version^c.version)&^c.mask != 0 || a.version&c.version != c.version || a.time < c.time || a.time-c.time > 7000 {
					t.Fatalf("%x with version %08x at %d is not what the job allows", a.extranonce2, a.version, a.time)
				}
			}
			for _, l := range e.lanes {
				take(l.(*thread).current.Load())
			}
			first := e.lanes[0].(*thread).current.Load()
			for {
				next := e.exhausted(first, 0)
				if next == nil {
					break
				}
				take(next)
			}
			if len(seen) != c.want {
				t.Errorf("%d assignments, want %d", len(seen), c.want)
			}
			j2 := *j
			j2.ID = "next"
			if e.SetJob(&j2); e.lanes[0].(*thread).current.Load() == nil {
				t.Error("the next job is taken for exhausted")
			}
		})
	}
}

// TestRolledShare: a share of rolled work carries what was rolled.
func TestRolledShare(t *testing.T) {
	var shares []pow.Share
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 3, Share: func(s pow.Share) { shares = append(shares, s) }})
	if err != nil {
		t.Fatal(err)
	}
	j := job(hasher.SHA256d, "small", true)
	j.Extranonce2Size, j.VersionMask = 0, 0x2000
	e.SetJob(j)
	a := e.lanes[2].(*thread).current.Load() // the job's, its other version, a second later
	for nonce := uint32(0); len(shares) == 0; nonce++ {
		e.hit(a, nonce)
	}
	if s := shares[0]; s.Version != j.Version || s.Time != j.Time+1 || s.Hash != j.Header(s.Solution).PoWHash(hasher.SHA256d) {
		t.Errorf("%+v", s)
	}
	if b := e.lanes[1].(*thread).current.Load(); b.version != j.Version|0x2000 || b.time != j.Time {
		t.Errorf("version %08x at %d", b.version, b.time)
	}
}

func TestRest(t *testing.T) {
	e, shares := start(t, Config{Algorithm: hasher.SHA256d, Lanes: 2, Rules: Rules{Percent: 50}})
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
		{Algorithm: hasher.SHA256d, Lanes: 1, Rules: Rules{Percent: 101}, Share: take},
		{Algorithm: hasher.SHA256d, Lanes: 1, Rules: Rules{Percent: -1}, Share: take},
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
