package hasher

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// ranked returns, for each algorithm, the kernels in the order in which they are
// chosen on this machine: as [Kernels] lists them, unless a measurement that is
// made once per process says otherwise. AVX2 and SHA-NI, for one, change
// places between processors.
var ranked = map[Algorithm]func() []Kernel{
	SHA256d: sync.OnceValue(func() []Kernel { return rankHere(SHA256d, 1<<13) }),
	Scrypt:  sync.OnceValue(func() []Kernel { return rankHere(Scrypt, 48) }),
}

// rankHere ranks on one thread, because tick may be that thread's own clock.
func rankHere(a Algorithm, nonces uint32) []Kernel {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return rank(Kernels(a), nonces, tick)
}

const (
	// rankBudget is how long ranking may take; a look under way is finished, and
	// every kernel gets one.
	rankBudget = 25 * time.Millisecond
	// rankTurns is how many looks a kernel gets at most. Its shortest counts:
	// noise, a first touch of memory and a clock that is still rising all make a
	// look longer.
	rankTurns = 5
	// A kernel that takes closePercent of the best one's time is not close, and
	// is looked at no more; after one look alone, which may just have been
	// interrupted, twice that much.
	closePercent = 140
	// One that takes no less than clearPercent of the time of a kernel that is
	// listed before it does not pass it, so that the choice is the same from
	// run to run.
	clearPercent = 97
)

// rank puts the kernel first that hashes that many nonces in the least time by
// clock. The last kernel, the generic one, stays where it is and is not timed.
func rank(all []Kernel, nonces uint32, clock func() time.Duration) []Kernel {
	rivals := all[:len(all)-1]
	if len(rivals) < 2 {
		return all
	}
	var (
		w        = NewWork(all[0].Algorithm, new(Header), [32]byte{}) // nothing is a hit
		hits     Hits
		begun    = clock()
		scanners = make([]Scanner, len(rivals))
		shortest = make([]time.Duration, len(rivals))
	)
	for i, k := range rivals {
		scanners[i], shortest[i] = k.New(), time.Hour
	}
	for turn := range rankTurns {
		limit := slices.Min(shortest) * closePercent
		if turn == 1 {
			limit *= 2
		}
		for i, s := range scanners {
			if turn > 0 && (shortest[i]*100 >= limit || clock()-begun >= rankBudget) {
				continue
			}
			start := clock()
			s.Scan(w, 0, nonces, &hits)
			shortest[i] = min(shortest[i], clock()-start)
		}
	}
	first := 0
	for i := range rivals {
		if shortest[i]*100 < shortest[first]*clearPercent {
			first = i
		}
	}
	order := []Kernel{all[first]}
	order = append(order, all[:first]...)
	return append(order, all[first+1:]...)
}
