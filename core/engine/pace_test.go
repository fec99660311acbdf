//go:build !js

package engine

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// live paces a lane on paper for a while. Each batch takes about as long as batch;
// each rest is a little longer than asked. It returns the share of the time worked,
// the longest stretch of work and where in a period the stretches began at last.
func live(share float64, batch, late time.Duration, offset time.Duration, busyOthers float64) (got float64, longest, phase time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	around := func(d time.Duration) time.Duration { return time.Duration(float64(d) * (0.5 + random.Float64())) }
	p := pace{offset: offset}
	now := 1234567 * time.Nanosecond
	p.set(share, now)
	const span = time.Minute
	var worked, stretch time.Duration
	for end := now + span; now < end; {
		if rest := p.rest(now); rest > 0 {
			now += rest + around(late)
			stretch, phase = 0, now%period
			continue
		}
		took := around(batch)
		now += took
		worked += took
		if stretch += took; stretch > longest {
			longest = stretch
		}
		p.worked(now, took)
		if random.Float64() < busyOthers {
			now += 20 * time.Millisecond // put aside by the system
		}
	}
	return float64(worked) / float64(span), longest, phase
}

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	for _, share := range []float64{0.001, 0.01, 0.05, 0.3, 0.5, 0.75, 0.9, 0.99} {
		for _, batch := range []time.Duration{100 * time.Microsecond, ms, 5 * ms, 12 * ms, 40 * ms} {
			for _, late := range []time.Duration{0, 60 * time.Microsecond, ms} {
				got, longest, _ := live(share, batch, late, 0, 0)
				if got > share+0.005 || got < share-0.02 && !(share == 0.99 && late == ms) {
					t.Errorf("share %.3f with batches of %v and %v late: %.4f", share, batch, late, got)
				}
				// Only where the rest of a period is shorter than what a lane oversleeps
				// does it work longer than a few periods at once.
				if limit := time.Duration(share*float64(2*period)) + 3*batch; share <= 0.9 && longest > limit+time.Duration(share/(1-share)*float64(late)*3) {
					t.Errorf("share %.3f with batches of %v and %v late: %v at a stretch", share, batch, late, longest)
				}
			}
		}
		// One that is put aside often works less than its share, and never more.
		if got, _, _ := live(share, ms, ms, 0, 0.05); got > share+0.005 {
			t.Errorf("share %.3f beside others: %.4f", share, got)
		}
	}
	if got, _, _ := live(1, ms, 0, 0, 0); got < 0.999 {
		t.Errorf("without a limit: %.4f", got)
	}
	var idle pace
	if idle.rest(time.Second) < time.Minute {
		t.Error("the zero value works")
	}
}

// TestPaceTakesTurns: lanes that began at the same moment work at different times.
func TestPaceTakesTurns(t *testing.T) {
	for _, offset := range []time.Duration{0, period / 4, period / 2, period * 3 / 4} {
		_, _, phase := live(0.3, time.Millisecond, 60*time.Microsecond, offset, 0)
		if off := (phase - offset + period + period/2) % period; off < period/2-5*time.Millisecond || off > period/2+5*time.Millisecond {
			t.Errorf("a lane whose turn is at %v begins at %v", offset, phase)
		}
	}
}

// TestLimitIsKept: a real lane never uses more than its share. How much less, a busy
// machine decides.
func TestLimitIsKept(t *testing.T) {
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 2, Rules: Rules{Percent: 20, Nice: DefaultNice}, Share: func(pow.Share) {}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	e.SetJob(hard(hasher.SHA256d))
	start := time.Now()
	lane := e.lanes[0].(*thread)
	for changed := false; time.Since(start) < 2*time.Second || e.Snapshot().Hashes == 0; {
		<-time.After(100 * time.Millisecond)
		if !changed && time.Since(start) > time.Second {
			changed = true
			if err := e.SetRules(Rules{Percent: 20, Nice: 2}); err != nil { // on another thread
				t.Error(err)
			}
		}
	}
	worked, _ := lane.busy()
	if share := worked.Seconds() / time.Since(start).Seconds(); share > 0.23 {
		t.Errorf("%.3f of the time worked, the limit is 0.2", share)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestBatchAllocatesNothing: between two jobs a lane leaves the collector alone.
func TestBatchAllocatesNothing(t *testing.T) {
	e, err := New(Config{Algorithm: hasher.SHA256d, Lanes: 1, Share: func(pow.Share) {}})
	if err != nil {
		t.Fatal(err)
	}
	e.SetJob(hard(hasher.SHA256d))
	lane := e.lanes[0].(*thread)
	h := &hand{thread: lane, scanner: lane.kernel.New(), mine: lane.current.Load(), left: 1 << 32}
	h.pace.set(0.5, 0)
	began := time.Now()
	used := threadTime(began)
	if n := testing.AllocsPerRun(100, func() {
		h.scan()
		now := threadTime(began)
		h.pace.worked(time.Since(began), now-used)
		h.pace.rest(time.Since(began))
		used = now
	}); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}
