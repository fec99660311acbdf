//go:build !js

package engine

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// model is a lane that hashes on paper: speed hashes a second of the time that it
// may work.
type model struct {
	mu      sync.Mutex
	speed   float64
	share   float64
	nice    int
	work    *assignment
	at      time.Time
	done    float64
	worked  time.Duration
	changes int // from rest to work
}

func (m *model) update() {
	now := time.Now()
	if m.work != nil {
		busy := time.Duration(m.share * float64(now.Sub(m.at)))
		m.worked += busy
		m.done += m.speed * busy.Seconds()
	}
	m.at = now
}

func (m *model) assign(a *assignment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.update()
	if m.work == nil && a != nil {
		m.changes++
	}
	m.work = a
}

func (m *model) limit(share float64, nice int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.update()
	m.share, m.nice = share, nice
}

func (m *model) hashes() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.update()
	return uint64(m.done)
}

func (m *model) busy() (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.update()
	return m.worked, true
}

func (m *model) run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// has returns the lane's work.
func (m *model) has() *assignment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.work
}

// pretend is a machine of which the test says how it fares.
type pretend struct {
	mu      sync.Mutex
	reading Reading
	hang    bool // until the context ends
	reads   int
}

func (p *pretend) set(r Reading) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = r
}

func (p *pretend) Read(ctx context.Context) Reading {
	p.mu.Lock()
	r, hang := p.reading, p.hang
	p.reads++
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return Reading{}
	}
	return r
}

// governed runs an engine with lanes on paper, in a bubble where time passes by
// itself, and ends it.
func governed(t *testing.T, r Rules, machine Machine, live func(*Engine, []*model)) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 3, Share: func(pow.Share) {}, Rules: r, Machine: machine})
		if err != nil {
			t.Fatal(err)
		}
		models := make([]*model, len(e.lanes))
		for i := range models {
			models[i] = &model{speed: 1000, at: time.Now()}
			e.lanes[i] = models[i]
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		e.SetJob(job(hasher.SHA256d, "one", true))
		synctest.Wait()
		live(e, models)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// after lets time pass in a bubble.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func working(lanes []*model) (n int) {
	for _, l := range lanes {
		if l.has() != nil {
			n++
		}
	}
	return n
}

func TestPausesAndComesBack(t *testing.T) {
	p := &pretend{reading: Reading{Power: Battery}}
	governed(t, Rules{}, p, func(e *Engine, lanes []*model) {
		if s := e.Snapshot(); working(lanes) != 0 || !strings.Contains(s.Paused, "on battery") || s.Active != 0 || s.Percent != 0 || !s.Resumed.IsZero() || s.Reading.Power != Battery {
			t.Fatalf("%d lanes work at the start: %+v", working(lanes), s)
		}
		after(20 * time.Second)
		p.set(Reading{Power: Mains})
		before := time.Now()
		after(3 * time.Second)
		s := e.Snapshot()
		if working(lanes) != 3 || s.Paused != "" || s.Active != 3 || s.Percent != 100 || s.Resumed.Before(before) || s.Resumed.After(time.Now()) {
			t.Errorf("%d lanes work after the plug is in: %+v", working(lanes), s)
		}
		for _, l := range lanes {
			if l.has().epoch != lanes[0].has().epoch || l.changes != 1 {
				t.Error("a lane was dealt another epoch")
			}
		}
		p.set(Reading{Power: Battery})
		after(3 * time.Second)
		if s := e.Snapshot(); working(lanes) != 0 || s.Paused == "" || s.Hashrate != 0 {
			t.Errorf("%d lanes work after the plug is out: %+v", working(lanes), s)
		}
	})
}

// TestThePersonFirst: the owner's pause holds whatever the rules say, and ends in
// what they say.
func TestThePersonFirst(t *testing.T) {
	p := &pretend{reading: Reading{Power: Battery}}
	governed(t, Rules{}, p, func(e *Engine, lanes []*model) {
		after(20 * time.Second)
		e.SetPaused(true)
		if s := e.Snapshot(); s.Paused != "" || s.Active != 0 {
			t.Errorf("%+v", s)
		}
		p.set(Reading{Power: Mains})
		after(time.Minute)
		if s := e.Snapshot(); working(lanes) != 0 || !s.Resumed.IsZero() {
			t.Errorf("%d lanes work though the person paused: %+v", working(lanes), s)
		}
		e.SetPaused(false)
		if working(lanes) != 3 {
			t.Error("the lanes rest when the person goes on")
		}
		e.SetPaused(true)
		p.set(Reading{Power: Battery})
		after(time.Minute)
		e.SetPaused(false)
		if s := e.Snapshot(); working(lanes) != 0 || !strings.Contains(s.Paused, "battery") {
			t.Errorf("%d lanes work on battery: %+v", working(lanes), s)
		}
	})
}

// TestRulesChangeLive: lanes join and leave at once, and the others go on with the
// work that they have.
func TestRulesChangeLive(t *testing.T) {
	governed(t, Rules{Threads: 1, Percent: 50}, nil, func(e *Engine, lanes []*model) {
		first := lanes[0].has()
		if working(lanes) != 1 || first == nil {
			t.Fatalf("%d lanes work, want 1", working(lanes))
		}
		if err := e.SetRules(Rules{Percent: 25, Nice: 12}); err != nil {
			t.Fatal(err)
		}
		if working(lanes) != 3 || lanes[0].has() != first || lanes[2].share != 0.25 || lanes[2].nice != 12 {
			t.Errorf("%d lanes work: %+v", working(lanes), lanes[2])
		}
		seen := map[string]bool{}
		for _, l := range lanes {
			seen[string(l.has().extranonce2)] = true
		}
		third := lanes[2].has()
		if err := e.SetRules(Rules{Threads: 2}); err != nil {
			t.Fatal(err)
		}
		if s := e.Snapshot(); working(lanes) != 2 || lanes[2].has() != nil || s.Active != 2 || s.Percent != 100 {
			t.Errorf("%d lanes work: %+v", working(lanes), s)
		}
		if e.exhausted(third, 2) != nil {
			t.Error("a lane that is to rest got more work")
		}
		if err := e.SetRules(Rules{}); err != nil {
			t.Fatal(err)
		}
		seen[string(lanes[2].has().extranonce2)] = true
		if len(seen) != 4 {
			t.Errorf("%d different assignments, want 4", len(seen))
		}
		if err := e.SetRules(Rules{Percent: 200}); err == nil || working(lanes) != 3 {
			t.Errorf("200 percent: %v", err)
		}
	})
}

// TestShareInHand: what a lane finds in the batch that it has in hand when a pause
// comes is a share still.
func TestShareInHand(t *testing.T) {
	var shares []pow.Share
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 1, Share: func(s pow.Share) { shares = append(shares, s) }})
	if err != nil {
		t.Fatal(err)
	}
	e.SetJob(job(hasher.SHA256d, "one", true))
	a := e.lanes[0].(*thread).current.Load()
	e.SetPaused(true)
	for nonce := uint32(0); nonce < 1<<20 && len(shares) == 0; nonce++ {
		e.hit(a, nonce)
	}
	if len(shares) != 1 {
		t.Error("it was lost")
	}
}

// TestHangingMachine: the engine governs by what it knew, and ends in time.
func TestHangingMachine(t *testing.T) {
	p := &pretend{reading: Reading{Power: Battery}}
	governed(t, Rules{}, p, func(e *Engine, lanes []*model) {
		p.mu.Lock()
		p.hang = true
		p.mu.Unlock()
		after(10 * time.Minute)
		if s := e.Snapshot(); working(lanes) != 0 || s.Reading.Power != Battery {
			t.Errorf("%d lanes work: %+v", working(lanes), s)
		}
		if p.reads < 10 {
			t.Errorf("it was asked %d times", p.reads)
		}
		start := time.Now()
		if err := e.SetRules(Rules{OnBattery: true}); err != nil || working(lanes) != 3 || time.Since(start) != 0 {
			t.Errorf("new rules wait for the machine: %d lanes work, %v", working(lanes), err)
		}
	})
}

// TestClockJumps: the schedule follows the clock on the wall wherever it goes; all
// else keeps its own time.
func TestClockJumps(t *testing.T) {
	r := Rules{Schedule: []Window{{Days: everyDay, From: 22 * time.Hour, To: 6 * time.Hour}}}
	governed(t, r, nil, func(e *Engine, lanes []*model) {
		var mu sync.Mutex
		var jump time.Duration
		base := time.Date(2025, 1, 15, 21, 59, 0, 0, time.UTC)
		start := time.Now()
		e.mu.Lock()
		e.now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return base.Add(time.Since(start) + jump)
		}
		e.mu.Unlock()
		to := func(d time.Duration) {
			mu.Lock()
			jump = d
			mu.Unlock()
			after(15 * time.Second)
		}
		to(0)
		if s := e.Snapshot(); working(lanes) != 0 || s.Paused != "outside its hours, until 22:00" {
			t.Errorf("%d lanes work at 21:59: %q", working(lanes), s.Paused)
		}
		after(time.Minute)
		if working(lanes) != 3 {
			t.Error("the lanes rest at 22:00")
		}
		to(9 * time.Hour) // asleep until seven
		if s := e.Snapshot(); working(lanes) != 0 || s.Paused != "outside its hours, until 22:00" {
			t.Errorf("%d lanes work after a night: %q", working(lanes), s.Paused)
		}
		to(time.Hour) // the clock was wrong: it is eleven in the evening
		if s := e.Snapshot(); working(lanes) != 3 || s.Hashrate < 2900 || s.Hashrate > 3100 {
			t.Errorf("%d lanes work after the clock went back, %f hashes a second", working(lanes), s.Hashrate)
		}
		to(-10 * 365 * 24 * time.Hour)
		after(time.Minute)
		if s := e.Snapshot(); working(lanes) != 3 || s.Hashrate < 2900 || s.Hashrate > 3100 {
			t.Errorf("%d lanes work ten years ago, %f hashes a second", working(lanes), s.Hashrate)
		}
	})
}

// TestMeterAfterSleep: where the computer's clock counts sleep, and where somebody
// stopped the program, the rate begins anew instead of showing nonsense.
func TestMeterAfterSleep(t *testing.T) {
	var m meter
	at := time.Unix(0, 0)
	hashes := uint64(0)
	run := func(n int) {
		for range n {
			at, hashes = at.Add(meterInterval), hashes+500
			m.add(at, hashes)
		}
	}
	run(30)
	at = at.Add(8 * time.Hour)
	hashes += 100
	m.add(at, hashes)
	if got := m.rate(); got != 0 {
		t.Errorf("%f hashes a second right after a sleep", got)
	}
	if run(1); m.rate() != 1000 {
		t.Errorf("%f hashes a second after a sleep, want 1000", m.rate())
	}
	at = at.Add(-time.Hour)
	m.add(at, hashes)
	if run(5); m.rate() != 1000 {
		t.Errorf("%f hashes a second after the clock went back, want 1000", m.rate())
	}
}

// TestHashrateIsHeld: the whole loop keeps a limit of hashes a second.
func TestHashrateIsHeld(t *testing.T) {
	governed(t, Rules{Hashrate: 600}, nil, func(e *Engine, lanes []*model) {
		after(5 * time.Second)
		before := e.Snapshot().Hashes
		after(time.Minute)
		if got := float64(e.Snapshot().Hashes-before) / 60; math.Abs(got-600) > 18 {
			t.Errorf("%f hashes a second, want 600", got)
		}
		if s := e.Snapshot(); s.Percent != 20 || !strings.Contains(s.Slowed, "limit of hashes") {
			t.Errorf("%+v", s)
		}
		if err := e.SetRules(Rules{Hashrate: 600, Threads: 1}); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		before = e.Snapshot().Hashes
		after(time.Minute)
		if got := float64(e.Snapshot().Hashes-before) / 60; math.Abs(got-600) > 18 {
			t.Errorf("%f hashes a second on one lane, want 600", got)
		}
	})
}
