package hasher

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// sham is a scanner that takes a certain time on a clock that nothing else
// moves, and counts its scans. Its first takes longer.
type sham struct {
	clock        *time.Duration
	first, takes time.Duration
	scans        int
}

func (s *sham) Scan(_ *Work, _, count uint32, hits *Hits) uint32 {
	*s.clock += s.takes
	if s.scans++; s.scans == 1 {
		*s.clock += s.first
	}
	hits.N = 0
	return count
}

func TestRank(t *testing.T) {
	const us = time.Microsecond
	for _, c := range []struct {
		what   string
		shams  []sham // the last is the generic one
		order  []int
		looked []int
	}{
		{"the listed order is right", []sham{{takes: 300 * us}, {takes: 900 * us}, {}}, []int{0, 1, 2}, []int{rankTurns, 1, 0}},
		{"the second is faster", []sham{{takes: 900 * us}, {takes: 300 * us}, {}}, []int{1, 0, 2}, []int{1, rankTurns, 0}},
		{"half as fast again", []sham{{takes: 300 * us}, {takes: 450 * us}, {}}, []int{0, 1, 2}, []int{rankTurns, 2, 0}},
		{"the third is faster by a little", []sham{{takes: 1000 * us}, {takes: 1000 * us}, {takes: 900 * us}, {}}, []int{2, 0, 1, 3}, []int{rankTurns, rankTurns, rankTurns, 0}},
		{"as good as equal", []sham{{takes: 1000 * us}, {takes: 980 * us}, {}}, []int{0, 1, 2}, []int{rankTurns, rankTurns, 0}},
		{"interrupted once", []sham{{takes: 1000 * us}, {first: 900 * us, takes: 800 * us}, {}}, []int{1, 0, 2}, []int{rankTurns, rankTurns, 0}},
		{"out of time after a look at each", []sham{{takes: 20000 * us}, {takes: 19000 * us}, {}}, []int{1, 0, 2}, []int{1, 1, 0}},
		{"out of time in between", []sham{{takes: 9000 * us}, {takes: 9000 * us}, {}}, []int{0, 1, 2}, []int{2, 1, 0}},
		{"one beside the generic", []sham{{takes: 1000 * us}, {}}, []int{0, 1}, []int{0, 0}},
		{"the generic alone", []sham{{}}, []int{0}, []int{0}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var all []Kernel
			clock := new(time.Duration)
			for i := range c.shams {
				c.shams[i].clock = clock
				all = append(all, Kernel{string(rune('0' + i)), SHA256d, 1, func() Scanner { return &c.shams[i] }})
			}
			var order []int
			for _, k := range rank(all, 1, func() time.Duration { return *clock }) {
				order = append(order, int(k.Name[0]-'0'))
			}
			if !slices.Equal(order, c.order) {
				t.Errorf("order %v, want %v", order, c.order)
			}
			for i, want := range c.looked {
				if got := c.shams[i].scans; got != want {
					t.Errorf("kernel %d was looked at %d times, want %d", i, got, want)
				}
				if all[i].Name[0] != byte('0'+i) {
					t.Error("the kernels handed in changed their order")
				}
			}
		})
	}
}

// TestRanked looks at this machine's kernels: ranked once, each there once, the
// generic one last, and chosen in that order.
func TestRanked(t *testing.T) {
	for _, a := range Algorithms() {
		start := tick()
		order := ranked[a]()
		took := tick() - start
		var names, listed []string
		for _, k := range order {
			names = append(names, k.Name)
		}
		t.Logf("%s: %v, ranked in %s", a, names, took)
		for _, k := range Kernels(a) {
			listed = append(listed, k.Name)
		}
		if last := names[len(names)-1]; last != "generic" {
			t.Errorf("%s: the last is %s", a, last)
		}
		if again := ranked[a](); &again[0] != &order[0] {
			t.Errorf("%s was ranked twice", a)
		}
		if chosen, err := choose(a, ""); err != nil || chosen.Name != names[0] {
			t.Errorf("%s: %s was chosen, %v; %s is first", a, chosen.Name, err, names[0])
		}
		slices.Sort(names)
		slices.Sort(listed)
		if !slices.Equal(names, listed) {
			t.Errorf("%s: ranked %v of %v", a, names, listed)
		}
	}
}

// TestTickRuns: while a thread works its clock runs, and never backward nor
// faster than the one on the wall.
func TestTickRuns(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var (
		w    = NewWork(SHA256d, new(Header), [32]byte{})
		hits Hits
		wall = time.Now()
	)
	start := tick()
	for last := start; last-start < 20*time.Millisecond; {
		sha256dGeneric{}.Scan(w, 0, 1000, &hits)
		now := tick()
		if now < last {
			t.Fatalf("the clock ran back from %s to %s", last, now)
		}
		if last = now; time.Since(wall) > time.Minute {
			t.Fatalf("%s passed in a minute of work", now-start)
		}
	}
	if passed, slept := tick()-start, time.Since(wall); passed > slept+20*time.Millisecond {
		t.Errorf("%s passed, by this clock %s", slept, passed)
	}
}
