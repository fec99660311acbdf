package watch

import (
	"math/rand/v2"
	"testing"
	"time"
)

// device is one that is driven by Heat, a second at a time.
type device struct {
	heat   Heat
	at     time.Time
	hashes float64
	speed  func(second int, percent int) float64 // hashes a second
	second int
	steps  []int // each change of the percentage
	when   []int // and its second
}

func (d *device) run(seconds int) {
	for range seconds {
		was := d.heat.Percent()
		d.hashes += d.speed(d.second, was)
		d.second++
		d.at = d.at.Add(time.Second)
		d.heat.Sample(d.at, uint64(d.hashes))
		if now := d.heat.Percent(); now != was {
			d.steps, d.when = append(d.steps, now), append(d.when, d.second)
		}
	}
}

func newDevice(speed func(second, percent int) float64) *device {
	return &device{at: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), speed: speed}
}

// A device that keeps its speed is left alone, also one whose speed jumps and whose clock boosts at first.
func TestHeatLeavesCoolDevicesAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, speed := range map[string]func(int, int) float64{
		"steady": func(int, int) float64 { return 5000 },
		"noisy":  func(int, int) float64 { return 5000 * (0.7 + 0.6*random.Float64()) },
		"boosts for ten seconds": func(s, _ int) float64 {
			if s < 10 {
				return 7000
			}
			return 5000
		},
		"hiccups": func(s, _ int) float64 {
			if s%120 < 15 {
				return 1000
			}
			return 5000
		},
		"stands still": func(int, int) float64 { return 0 },
	} {
		d := newDevice(speed)
		d.run(3600)
		if len(d.steps) != 0 || d.heat.Why() != "" {
			t.Errorf("%s: slowed to %d at %d", name, d.steps, d.when)
		}
	}
}

// A hot device is slowed step by step, and comes back slowly.
func TestHeatSlowsAndRecovers(t *testing.T) {
	warmth := 0.0 // a model: work warms, time cools, warmth over 100 throttles
	d := newDevice(func(_ int, percent int) float64 {
		warmth += 1.2*float64(percent)/100 - warmth*0.006
		factor := 1.0
		if warmth > 100 {
			factor = max(0.4, 1-(warmth-100)/50)
		}
		return 5000 * factor * float64(percent) / 100
	})
	for len(d.steps) == 0 && d.second < 300 {
		d.run(1)
	}
	if len(d.steps) == 0 || d.steps[0] != 75 {
		t.Fatalf("it was not slowed: %d at %d, warmth %.0f", d.steps, d.when, warmth)
	}
	if d.heat.Why() == "" {
		t.Error("nobody is told")
	}
	first := d.when[0]
	d.run(3600)
	if len(d.when) < 2 || d.when[1]-first < int(heatRest.Seconds()) {
		t.Errorf("it changed its mind too soon: %d at %d", d.steps, d.when)
	}
	// It grows warm again each time, so it is tried less and less.
	var up []int
	for i := 1; i < len(d.steps); i++ {
		if d.steps[i] > d.steps[i-1] {
			up = append(up, d.when[i])
		}
	}
	if len(up) < 2 || len(up) > 12 {
		t.Errorf("it was tried with more %d times in an hour: %d", len(up), up)
	}
	d.speed = func(_ int, percent int) float64 { return 5000 * float64(percent) / 100 } // a window was opened
	d.run(4 * 3600)
	if d.heat.Percent() != 100 {
		t.Errorf("it does not come back: %d %%", d.heat.Percent())
	}
}

// A processor that clocks down when it is asked for less is not taken to be warm for that.
func TestHeatKnowsEachStep(t *testing.T) {
	throttled := true
	d := newDevice(func(s, percent int) float64 {
		share := float64(percent) / 100
		speed := 5000 * share * (0.4 + 0.6*share)
		if throttled && s > 60 && percent == 100 {
			speed *= 0.6
		}
		return speed
	})
	d.run(600)
	for _, step := range d.steps {
		if step < 75 {
			t.Fatalf("it was slowed to %d at %d", d.steps, d.when)
		}
	}
	if len(d.steps) == 0 {
		t.Fatal("it was not slowed")
	}
}

// Pauses and changes of the load begin anew.
func TestHeatBreaks(t *testing.T) {
	speed := 5000.0
	d := newDevice(func(int, int) float64 { return speed })
	d.run(60)
	for range 30 { // a pause of ten minutes, then ten slow seconds, again and again
		d.at = d.at.Add(10 * time.Minute)
		speed = 1000
		d.run(10)
		speed = 5000
		d.run(40)
	}
	if len(d.steps) != 0 {
		t.Errorf("pauses made it %d", d.steps)
	}
	speed = 1500
	d.heat.Forget() // the person chose fewer lanes
	d.run(600)
	if len(d.steps) != 0 {
		t.Errorf("fewer lanes made it %d", d.steps)
	}
	d.hashes = 0 // a new count
	d.run(100)
	d.at = d.at.Add(-time.Hour) // a clock set back
	d.run(100)
	if len(d.steps) != 0 {
		t.Errorf("a new count made it %d", d.steps)
	}
}

// At its slowest it stays there, whatever the speed does.
func TestHeatHasAFloor(t *testing.T) {
	level := 1.0
	d := newDevice(func(s, percent int) float64 { level *= 0.985; return 1e9 * level * float64(percent) })
	d.run(1000)
	if d.heat.Percent() != 20 {
		t.Errorf("%d %% after %d", d.heat.Percent(), d.steps)
	}
}
