package vardiff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// start is a guess of a device's rate, made at begin.
const start = 25e3

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// device finds shares with the luck of a real one, from a fixed seed.
type device struct {
	rate   float64
	delay  time.Duration // until a new difficulty reaches it
	random *rand.Rand
}

// simulate runs a device against a vardiff for so long and returns when each
// share came.
func simulate(v *Vardiff, d device, from time.Time, span time.Duration, limit float64) (shares []time.Time) {
	now, end := from, from.Add(span)
	working := v.current // what the device works on
	var next []struct {
		at     time.Time
		hashes float64
	}
	announce := func(h float64) {
		v.Announced(h)
		next = append(next, struct {
			at     time.Time
			hashes float64
		}{now.Add(d.delay), h})
	}
	tick, job := from.Add(time.Second), from.Add((15 * time.Second))
	for {
		// Luck has no memory, so the wait can be drawn anew at every event.
		share := now.Add(time.Duration(math.Min(d.random.ExpFloat64()*working/d.rate, 1e6) * float64(time.Second)))
		at := share
		for _, t := range []time.Time{tick, job, end} {
			if t.Before(at) {
				at = t
			}
		}
		if len(next) > 0 && next[0].at.Before(at) {
			at = next[0].at
		}
		now = at
		switch {
		case len(next) > 0 && at.Equal(next[0].at):
			working, next = next[0].hashes, next[1:]
		case at.Equal(share):
			shares = append(shares, now)
			v.Share(now, working)
			if h, atOnce := v.Next(now, limit); atOnce {
				announce(h)
			}
		case at.Equal(end):
			return shares
		case at.Equal(tick):
			tick = tick.Add(time.Second)
			if h, atOnce := v.Next(now, limit); atOnce {
				announce(h)
			}
		case at.Equal(job):
			job = job.Add((15 * time.Second))
			if h, _ := v.Next(now, limit); h != v.current {
				announce(h)
			}
		}
	}
}

func TestVardiffOfAnyDevice(t *testing.T) {
	for _, start := range []float64{2e3, 25e3} {
		for rate := 1e3; rate <= 1e9; rate *= 10 {
			t.Run(fmt.Sprintf("%.0e/%.0e", start, rate), func(t *testing.T) {
				var settled, early, first float64
				const runs = 40
				for seed := range uint64(runs) {
					now := begin
					v := New(now, start)
					d := device{rate: rate, delay: 30 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 1))}
					shares := simulate(v, d, now, 5*time.Minute, math.Inf(1))
					if len(shares) == 0 {
						t.Fatal("no share in five minutes")
					}
					first += shares[0].Sub(now).Seconds() / runs
					for _, s := range shares {
						switch at := s.Sub(now); {
						case at < time.Minute:
							early += 1.0 / runs
						default:
							settled += 1.0 / runs
						}
					}
				}
				// One every 4 seconds is 60 in the four settled minutes.
				if settled < 40 || settled > 90 {
					t.Errorf("%.1f shares in the last four minutes, want about 60", settled)
				}
				if first > 20 {
					t.Errorf("the first share takes %.1f s", first)
				}
				// The climb may cost few shares besides those that a fast device
				// sends before the first new difficulty has reached it.
				flight := rate * 0.03 / (start * Interval.Seconds())
				if early > 60+1.5*flight {
					t.Errorf("%.0f shares in the first minute", early)
				}
			})
		}
	}
}

func TestVardiffIsSensibleAfterAFewShares(t *testing.T) {
	for rate := 1e3; rate <= 1e14; rate *= 10 {
		now := begin
		v := New(now, start)
		shares := 0
		for off := math.Inf(1); off > 3; {
			if shares++; shares > 10 {
				t.Fatalf("%.0e H/s: still off by %.1f after %d shares", rate, off, shares)
			}
			// A device of average luck; while it waits the pool looks on.
			need := v.current
			for need > 0 {
				step := math.Min(need/rate, 1)
				now = now.Add(time.Duration(step * float64(time.Second)))
				need -= step * rate
				if h, atOnce := v.Next(now, math.Inf(1)); atOnce {
					need *= h / v.current
					v.Announced(h)
				}
			}
			v.Share(now, v.current)
			if h, atOnce := v.Next(now, math.Inf(1)); atOnce {
				v.Announced(h)
			}
			off = v.current / (rate * Interval.Seconds())
			off = math.Max(off, 1/off)
		}
		t.Logf("%.0e H/s: sensible after %d shares", rate, shares)
	}
}

func TestVardiffNeverAboveTheBlock(t *testing.T) {
	now := begin
	v := New(now, start)
	const limit = 5000.0
	d := device{rate: 1e6, delay: time.Millisecond, random: rand.New(rand.NewPCG(1, 2))}
	simulate(v, d, now, 10*time.Second, limit)
	if v.current > limit {
		t.Fatalf("%.0f hashes a share, above the block's %.0f", v.current, limit)
	}
}

func TestVardiffFollowsAChange(t *testing.T) {
	for _, factor := range []float64{100, 1.0 / 100} {
		t.Run(fmt.Sprint(factor), func(t *testing.T) {
			var late float64
			const runs = 40
			for seed := range uint64(runs) {
				now := begin
				v := New(now, start)
				d := device{rate: 1e6, delay: 30 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 3))}
				simulate(v, d, now, 3*time.Minute, math.Inf(1))
				now = now.Add(3 * time.Minute)
				d.rate *= factor
				simulate(v, d, now, 2*time.Minute, math.Inf(1))
				now = now.Add(2 * time.Minute)
				late += float64(len(simulate(v, d, now, 2*time.Minute, math.Inf(1)))) / runs
			}
			if late < 18 || late > 50 { // 30 is right
				t.Fatalf("%.1f shares in two minutes, two minutes after the change", late)
			}
		})
	}
}

func TestVardiffFallsBySilence(t *testing.T) {
	now := begin
	v := New(now, 1e9)
	last := v.current
	for range 120 {
		now = now.Add(time.Second)
		if h, atOnce := v.Next(now, math.Inf(1)); atOnce {
			if h >= last {
				t.Fatal("difficulty rose without a share")
			}
			last = h
			v.Announced(h)
		}
	}
	if fall := 4e9 / last; fall < 20 {
		t.Fatalf("two silent minutes lowered the difficulty by %.1f only", fall)
	}
}
