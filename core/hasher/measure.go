package hasher

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Measurement is what a kernel did in a span of time.
type Measurement struct {
	Kernel    string
	Algorithm Algorithm
	Threads   int
	Hashes    uint64
	Wall      time.Duration // elapsed time
	CPU       time.Duration // processor time of the whole process in that span; zero where the system does not tell
	Clock     float64       // processor cycles a second, measured just before and just after; zero where it cannot be
}

// Hashrate returns hashes a second of elapsed time.
func (m Measurement) Hashrate() float64 {
	if m.Wall <= 0 {
		return 0
	}
	return float64(m.Hashes) / m.Wall.Seconds()
}

// CyclesPerHash returns processor cycles a hash: processor time times the
// clock. It is zero where either is unknown.
func (m Measurement) CyclesPerHash() float64 {
	if m.Hashes == 0 {
		return 0
	}
	return m.CPU.Seconds() * m.Clock / float64(m.Hashes)
}

// Measure runs k on that many threads for about d, or until ctx ends. Nothing
// it hashes can be a hit.
func Measure(ctx context.Context, k Kernel, threads int, d time.Duration) Measurement {
	m := Measurement{Kernel: k.Name, Algorithm: k.Algorithm, Threads: threads}
	var header Header
	w := NewWork(k.Algorithm, &header, [32]byte{})
	scanners := make([]Scanner, threads)
	for i := range scanners {
		scanners[i] = k.New()
		var hits Hits
		scanners[i].Scan(w, 0, 16, &hits) // touch the scratch memory before the watch runs
	}
	before := clockRate()
	var hashes atomic.Uint64
	var lanes sync.WaitGroup
	start, cpu := time.Now(), cpuTime()
	for i, s := range scanners {
		lanes.Go(func() {
			var hits Hits
			var done uint64
			// Lanes start far apart, so that they do not hash the same.
			for nonce := uint32(i) << 24; time.Since(start) < d && ctx.Err() == nil; nonce += k.Batch {
				done += uint64(s.Scan(w, nonce, k.Batch, &hits))
			}
			hashes.Add(done)
		})
	}
	lanes.Wait()
	m.Wall, m.CPU, m.Hashes = time.Since(start), cpuTime()-cpu, hashes.Load()
	if after := clockRate(); before > 0 && after > 0 {
		m.Clock = (before + after) / 2
	}
	return m
}

// clockRate returns the processor's cycles a second, timed over a chain of
// dependent multiplications, or zero where the length of a multiplication is
// not known. Of several short runs the shortest counts, because an interruption
// only makes a run longer.
func clockRate() float64 {
	if multiplyCycles == 0 {
		return 0
	}
	const steps, runs = 1 << 20, 7
	shortest := time.Hour
	for range runs {
		start := tick()
		x := chain(steps, 0x9e3779b1)
		elapsed := tick() - start
		// x is odd, as k is; the test keeps the chain from being removed.
		if x&1 == 1 && elapsed > 0 {
			shortest = min(shortest, elapsed)
		}
	}
	if shortest == time.Hour {
		return 0
	}
	return steps * multiplyCycles / shortest.Seconds()
}

// chain multiplies n times, each time the product before by k, and returns the
// last product. n is a multiple of sixteen. k is a parameter because the compiler
// gathers constant factors: with a constant k half of the chain would be gone,
// and the clock would seem to run twice as fast.
//
//go:noinline
func chain(n int, k uint32) uint32 {
	x := k
	for i := 0; i < n; i += 16 {
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
	}
	return x
}
