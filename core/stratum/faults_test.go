//go:build !js

package stratum

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

var (
	faults    = flag.Int("faults", 220, "how many faults TestFaults makes")
	faultSeed = flag.Uint64("faultseed", 0, "what they are drawn from; 0 draws that, too")
)

// prospector finds shares of the job that it has, each with an extranonce2 that is used once in its life, and tries
// what must not be done, too: shares of former jobs, and shares once more.
type prospector struct {
	failover *Failover
	gates    []*gate

	mu      sync.Mutex
	job     *pow.Job
	former  []*pow.Job
	counter uint64
	finds   map[uint64]find
	atGate  map[uint64]bool // came out of the miner
	atPool  map[uint64]bool // reached a pool
	tries   int             // calls of Submit
	fates   map[pow.Status]int
	idle    time.Time // since when there is no job; zero while there is one
	first   bool      // there has been a job
	outages []time.Duration
	waits   []time.Duration // from the first attempt that nothing happened to
	events  map[EventKind]int
	wrong   []string
}

// find is what is remembered of a share: the connection that its job came from.
type find struct {
	pool        string
	extranonce1 uint32
}

func (m *prospector) fault(format string, a ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wrong = append(m.wrong, fmt.Sprintf(format, a...))
}

func (m *prospector) Job(j *pow.Job) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case j == nil && m.job != nil:
		m.idle = now
	case j != nil && m.job == nil && m.first:
		m.outages = append(m.outages, now.Sub(m.idle))
		m.waits = append(m.waits, now.Sub(m.healthy(now)))
	}
	if m.job != nil && (j == nil || j.Conn != m.job.Conn) {
		if m.former = append(m.former, m.job); len(m.former) > 8 {
			m.former = m.former[1:]
		}
	}
	m.first = m.first || j != nil
	m.job = j
}

// healthy is when the first connection was made that is there now, and that nothing has happened to; not before the
// outage began.
func (m *prospector) healthy(now time.Time) time.Time {
	first := now
	for _, g := range m.gates {
		for _, p := range g.healthy() {
			if p.begun.Before(first) {
				first = p.begun
			}
		}
	}
	if first.Before(m.idle) {
		return m.idle
	}
	return first
}

func (m *prospector) State(pow.State) {}

func (m *prospector) event(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[e.Kind]++
}

// run finds a share every few milliseconds.
func (m *prospector) run(ctx context.Context, random *rand.Rand) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		j := m.job
		if len(m.former) > 0 && (random.IntN(10) == 0 || j == nil) {
			j = m.former[random.IntN(len(m.former))]
		}
		m.mu.Unlock()
		if j == nil || j.Extranonce2Size != 8 || len(j.Extranonce1) != 4 { // the pools have no such; a garbled answer may
			continue
		}
		if s, ok := m.find(j); ok {
			m.submit(s)
			if random.IntN(20) == 0 {
				m.submit(s)
			}
		}
	}
}

func (m *prospector) find(j *pow.Job) (pow.Share, bool) {
	m.mu.Lock()
	m.counter++
	counter := m.counter
	pool, _, _ := strings.Cut(j.ID, "-")
	m.finds[counter] = find{pool, binary.BigEndian.Uint32(j.Extranonce1)}
	m.mu.Unlock()
	for nonce := range uint32(100) {
		s := pow.Solution{Extranonce2: binary.BigEndian.AppendUint64(nil, counter), Version: j.Version, Time: j.Time, Nonce: nonce}
		if share, ok := j.Check(s); ok {
			return share, true
		}
	}
	return pow.Share{}, false
}

func (m *prospector) submit(s pow.Share) {
	m.mu.Lock()
	m.tries++
	m.mu.Unlock()
	settled := false
	m.failover.Submit(s, func(r pow.Result) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if settled {
			m.wrong = append(m.wrong, "a share was answered twice")
		}
		settled = true
		m.fates[r.Status]++
	})
}

// passed hears of each share that comes out of the miner.
func (m *prospector) passed(extranonce2 string) {
	b, err := hex.DecodeString(extranonce2)
	if err != nil || len(b) != 8 {
		m.fault("a share with the extranonce2 %q was sent", extranonce2)
		return
	}
	n := binary.BigEndian.Uint64(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.atGate[n] {
		m.wrong = append(m.wrong, fmt.Sprintf("share %d left the miner twice", n))
	}
	m.atGate[n] = true
}

func (m *prospector) mining() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.job != nil
}

// serveRecorder opens a pool behind a gate, and returns it with its gate's address.
func serveRecorder(t *testing.T, name string, m *prospector, random *rand.Rand) (*recorder, Pool) {
	b := &recorder{name: name, miner: m, random: random, peers: make(map[*Peer]bool), kept: make(map[string][]byte), heard: make(map[uint32][]string)}
	ln := listen(t)
	b.gate = newGate(t, ln.Addr().String(), m.passed)
	m.gates = append(m.gates, b.gate)
	b.next(t, 0)
	ctx, cancel := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	ends.Go(func() {
		if err := NewServer(b, Options{Rate: 10_000, Burst: 10_000}).Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	ends.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for number := 1; ; number++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				b.next(t, number)
			}
		}
	})
	t.Cleanup(func() { cancel(); ends.Wait() })
	u, err := ParseURL("stratum+tcp://" + b.gate.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return b, Pool{URL: u, User: "panner." + name, Password: "x"}
}

// wait polls until what is true, for as long as the slowest machine may take.
func wait(t *testing.T, why string, what func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !what() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", why)
		}
	}
}

// pause lets a fault work for a while.
func pause(d time.Duration) { <-time.After(d) }

// TestFaults mines on two pools whose connections are dropped, delayed, split, garbled, half closed and silenced, and
// which go down and come up again. No share may be sent twice, to a connection that is not its own, or with an old
// extranonce; mining goes on soon after a pool works again; and nothing is left over.
func TestFaults(t *testing.T) {
	seed := *faultSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	m := &prospector{finds: make(map[uint64]find), atGate: make(map[uint64]bool), atPool: make(map[uint64]bool),
		fates: make(map[pow.Status]int), events: make(map[EventKind]int)}
	a, poolA := serveRecorder(t, "a", m, rand.New(rand.NewPCG(seed, 1)))
	b, poolB := serveRecorder(t, "b", m, rand.New(rand.NewPCG(seed, 2)))
	backoff := rand.New(rand.NewPCG(seed, 3))
	var backoffs sync.Mutex
	m.failover = NewFailover(FailoverConfig{
		Pools: []Pool{poolA, poolB},
		Client: Config{
			Algorithm: hasher.SHA256d, Handler: m, Handshake: time.Second, Silence: 700 * time.Millisecond,
			Backoff: func(n int) time.Duration {
				backoffs.Lock()
				defer backoffs.Unlock()
				return time.Duration(backoff.Int64N(int64(20*time.Millisecond) << min(n, 4)))
			},
		},
		Event: m.event, Healthy: 200 * time.Millisecond, Patience: 500 * time.Millisecond, Linger: 100 * time.Millisecond, Attempts: 1_000_000,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var ends sync.WaitGroup
	ends.Go(func() {
		if err := m.failover.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	ends.Go(func() { m.run(ctx, rand.New(rand.NewPCG(seed, 4))) })
	stop := sync.OnceFunc(func() { cancel(); ends.Wait() })
	defer stop()

	// quiet is when the first pool is used, and the other's connection is closed.
	quiet := func() bool {
		s := m.failover.Pools()
		onA, _ := a.gate.count()
		onB, _ := b.gate.count()
		return s[0].Active && s[1].Idle && onA == 1 && onB == 0
	}
	wait(t, "for the first pool", quiet)
	goroutines := runtime.NumGoroutine()
	begun := time.Now()
	made := make(map[string]int)
	kinds := []string{faultReset, faultClose, faultHalfPool, faultHalfMiner, faultDelay, faultSplit, faultGarblePool, faultGarbleMiner, faultSilent}
	var heap uint64
	for i := range *faults {
		if i == *faults/4 {
			heap = heapNow()
		}
		wait(t, "for mining", m.mining)
		span := time.Duration(5+random.IntN(100)) * time.Millisecond
		switch draw := random.IntN(20); {
		case draw == 0: // the first pool is away for a while
			a.gate.setDown(true)
			pause(3 * span)
			a.gate.setDown(false)
			made["pool down"]++
		case draw == 1: // all are
			a.gate.setDown(true)
			b.gate.setDown(true)
			pause(2 * span)
			gates := []*gate{a.gate, b.gate}
			first := random.IntN(2)
			gates[first].setDown(false)
			pause(span)
			gates[1-first].setDown(false)
			made["all down"]++
		case draw < 5:
			wait(t, "for the return", func() bool { return m.failover.Pools()[0].Active })
			fallthrough
		default:
			kind := kinds[random.IntN(len(kinds))]
			var live []*passage
			wait(t, "for a connection", func() bool {
				live = append(a.gate.usable(), b.gate.usable()...)
				return len(live) > 0
			})
			live[random.IntN(len(live))].inject(kind, span, rand.New(rand.NewPCG(seed, uint64(100+i))))
			made[kind]++
			pause(span / 2)
		}
	}
	wait(t, "for the first pool at the end", quiet)
	span := time.Since(begun)
	wait(t, "for the goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
	grown := int64(heapNow()) - int64(heap)
	stop()

	m.mu.Lock()
	defer m.mu.Unlock()
	for _, wrong := range m.wrong[:min(len(m.wrong), 20)] {
		t.Error(wrong)
	}
	settled := 0
	for _, n := range m.fates {
		settled += n
	}
	if settled != m.tries {
		t.Errorf("%d shares were handed in, and %d have a fate", m.tries, settled)
	}
	if m.fates[pow.Accepted] == 0 || m.events[Moved] == 0 || m.events[Returned] == 0 || len(m.waits) == 0 {
		t.Errorf("nothing was shown: %v, %v, %d recoveries", m.fates, m.events, len(m.waits))
	}
	// What the test itself remembers of each share is below 200 bytes.
	if most := int64(4<<20) + 200*int64(len(m.finds)); grown > most {
		t.Errorf("memory has grown by %d bytes, from %d", grown, heap)
	}
	slices.Sort(m.waits)
	slices.Sort(m.outages)
	if longest := m.waits[max(0, len(m.waits)-1)]; longest > 30*time.Second { // no measure of speed: a timer that nobody set would take longer
		t.Errorf("it took %v to mine again with a pool that works", longest)
	}
	var kindsMade bytes.Buffer
	for _, kind := range slices.Sorted(maps.Keys(made)) {
		fmt.Fprintf(&kindsMade, " %s %d,", kind, made[kind])
	}
	resumed := func(b *recorder) int {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.resumed
	}
	_, everA := a.gate.count()
	_, everB := b.gate.count()
	t.Logf("%d faults in %v:%s", *faults, span.Round(time.Second), strings.TrimSuffix(kindsMade.String(), ","))
	t.Logf("connections: %d and %d, resumed %d and %d; moved %d times, returned %d times", everA, everB, resumed(a), resumed(b), m.events[Moved], m.events[Returned])
	t.Logf("shares: %d handed in, %d left the miner, %d reached a pool; accepted %d, stale %d, rejected %d",
		m.tries, len(m.atGate), len(m.atPool), m.fates[pow.Accepted], m.fates[pow.Stale], m.fates[pow.Rejected])
	t.Logf("recoveries: %d; after the first attempt that a healthy pool answered: median %v, longest %v; without a job: median %v, longest %v",
		len(m.waits), m.waits[len(m.waits)/2], m.waits[len(m.waits)-1], m.outages[len(m.outages)/2], m.outages[len(m.outages)-1])
	t.Logf("goroutines: %d before, and after; memory: %+d KiB on %d KiB", goroutines, grown>>10, heap>>10)
}

func heapNow() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
