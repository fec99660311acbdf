package ui

import (
	"math"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

// A grain is a round number of hashes, and about three pass each second.
func TestGrainOf(t *testing.T) {
	for rate := 0.5; rate < 1e15; rate *= 1.7 {
		n := grainOf(rate, 0)
		for n%10 == 0 {
			n /= 10
		}
		if n != 1 && n != 2 && n != 5 {
			t.Errorf("at %g a grain is %d hashes", rate, grainOf(rate, 0))
		}
		if perSecond := rate / float64(grainOf(rate, 0)); rate > 3 && (perSecond < 2.9 || perSecond > 7.6) {
			t.Errorf("at %g there are %g grains a second", rate, perSecond)
		}
	}
	if got := grainOf(4e6, 1_000_000); got != 1_000_000 {
		t.Errorf("a grain changed to %d though it suited", got)
	}
	if got := grainOf(0, 500); got != 500 {
		t.Errorf("at rest a grain became %d", got)
	}
}

// Grains are made of hashes that were done, and of no others.
func TestRiverCountsRealHashes(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	r := newRiver()
	now := time.Unix(1_800_000_000, 0)
	r.count(now, 5_000_000, 3e6) // done before anyone looked
	if len(r.grains) != 0 {
		t.Fatalf("%d grains of hashes that went before", len(r.grains))
	}
	total := uint64(5_000_000)
	for range 40 {
		now = now.Add(250 * time.Millisecond)
		total += 750_000
		r.count(now, total, 3e6)
	}
	if got, want := uint64(len(r.grains))*r.perGrain, total-5_000_000; want-got >= r.perGrain {
		t.Errorf("grains stand for %d hashes of %d", got, want)
	}
	if !r.flow(now) {
		t.Error("nothing is in sight")
	}
	if r.flow(now.Add(riverSpan + time.Second)) {
		t.Error("something stays in sight for ever")
	}
	r.count(now, 10, 3e6) // a new session counts from zero
	r.count(now.Add(time.Second), 3_000_010, 3e6)
	if got := uint64(len(r.grains)) * r.perGrain; got != 3_000_000 {
		t.Errorf("after a new start grains stand for %d hashes", got)
	}
}

// The picture keeps a bounded number of things.
func TestRiverIsBounded(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	r := newRiver()
	w := test.NewTempWindow(t, r)
	w.Resize(fyne.NewSize(400, 120))
	now := time.Unix(1_800_000_000, 0)
	for i := range 1000 {
		now = now.Add(time.Millisecond)
		r.count(now, uint64(i)*1e9, 1e3)
		r.share(now, float64(i+1), i%7 != 0)
		if i%10 == 0 {
			r.block(now)
		}
		r.flow(now)
	}
	if len(r.grains) > maxGrains || len(r.things) > maxThings {
		t.Errorf("%d grains and %d nuggets", len(r.grains), len(r.things))
	}
}

// Nuggets grow by the same step each time the difficulty doubles.
func TestRadiusIsLogarithmic(t *testing.T) {
	for i := range 5 {
		got := radius(0.01*math.Exp2(float64(i)), 0.01)
		if want := float32(smallest + perDoubling*float64(i)); math.Abs(float64(got-want)) > 1e-4 {
			t.Errorf("%d doublings: radius %v, want %v", i, got, want)
		}
	}
	for _, d := range []float64{0, -1, math.NaN(), 0.001} {
		if got := radius(d, 0.01); got != smallest {
			t.Errorf("difficulty %v: radius %v", d, got)
		}
	}
	if got := radius(math.Inf(1), 0.01); got != largest {
		t.Errorf("infinite difficulty: radius %v", got)
	}
}

// A block and the share that made it are one nugget, whichever is told first.
func TestBlockRingsTheShareThatMadeIt(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	now := time.Unix(1_800_000_000, 0)
	soon := now.Add(10 * time.Millisecond)
	for name, tell := range map[string]func(*river){
		"share first": func(r *river) { r.share(now, 2, true); r.block(soon) },
		"block first": func(r *river) { r.block(now); r.share(soon, 2, true) },
	} {
		r := newRiver()
		tell(r)
		if len(r.things) != 1 || !r.things[0].block || r.things[0].difficulty != 2 {
			t.Errorf("%s: %+v", name, r.things)
		}
		r.block(now.Add(5 * time.Second)) // found by another device
		r.share(now.Add(9*time.Second), 1, true)
		if len(r.things) != 3 {
			t.Errorf("%s, then a block of another device: %+v", name, r.things)
		}
	}
}
