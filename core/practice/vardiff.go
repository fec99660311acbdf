//go:build !js

package practice

import (
	"math"
	"time"

	"goldpan/core/hasher"
)

// vardiff finds the difficulty at which one device sends a share about every
// shareInterval, and keeps it there.
//
// It holds evidence: hashes that shares have proved, and the seconds in which
// they were proved. Their quotient is the estimated hash rate. It begins with
// a guess worth priorSeconds, so each of the first shares can at most triple
// the estimate and a fast device climbs in a handful of them; as time passes
// without a share only the seconds grow, so the estimate falls by itself. Old
// evidence fades, and is dropped at once when the device has clearly changed.
//
// Difficulty is counted in expected hashes a share, so that the arithmetic is
// the same for every algorithm. All times come from the caller. A vardiff is
// not safe for concurrent use.
type vardiff struct {
	hashes  float64 // evidence: proved hashes
	seconds float64 // evidence: the time they took
	at      time.Time

	begun     time.Time // since when it has mined without a long silence
	fresh     uint64    // shares since then
	lastShare time.Time
	forgot    bool // this silence has been acted on
	recent    [recentShares]struct {
		at     time.Time
		hashes float64
	}
	shares uint64

	current float64 // expected hashes a share, as last announced
}

const (
	shareInterval = 4 * time.Second

	priorSeconds  = 2.0
	fadeSeconds   = 60.0 // evidence keeps 1/e of its weight this long
	silence       = 5    // share intervals without a share that say "it became slower"
	recentShares  = 8
	minShareHash  = 64.0 // hashes a share, at least: 16 H/s
	jumpRatio     = 2.0  // worth a new job at once
	settleRatio   = 1.25 // worth a change when a new job goes out anyway
	surpriseRatio = 6.0  // recent shares this much too fast say "it became faster"
)

// startRate is the first guess of a device's hash rate. It is low, because a
// device that is slower than the guess waits, and one that is faster only
// sends a few shares more.
func startRate(a hasher.Algorithm) float64 {
	if a == hasher.Scrypt {
		return 2e3
	}
	return 25e3
}

// newVardiff starts from a guess of the device's rate, in hashes a second.
func newVardiff(now time.Time, rate float64) *vardiff {
	v := &vardiff{}
	v.restart(now, rate)
	return v
}

func (v *vardiff) restart(now time.Time, rate float64) {
	*v = vardiff{
		hashes:    rate * priorSeconds,
		seconds:   priorSeconds,
		at:        now,
		begun:     now,
		lastShare: now,
		current:   math.Max(rate*shareInterval.Seconds(), minShareHash),
	}
}

// advance lets time pass over the evidence.
func (v *vardiff) advance(now time.Time) {
	dt := now.Sub(v.at).Seconds()
	if dt <= 0 {
		return
	}
	v.at = now
	keep := math.Exp(-dt / fadeSeconds)
	v.hashes *= keep
	v.seconds = v.seconds*keep + fadeSeconds*(1-keep)

	// If silence has lasted longer than luck explains, what was before says
	// nothing about the device as it is now.
	quiet := now.Sub(v.lastShare).Seconds()
	if quiet > silence*shareInterval.Seconds() && !v.forgot {
		v.forgot = true
		if v.hashes > v.current {
			v.hashes, v.seconds = v.current, math.Min(v.seconds, quiet)
		}
	}
}

// share takes in an accepted share that was worth so many expected hashes.
func (v *vardiff) share(now time.Time, hashes float64) {
	v.advance(now)
	v.hashes += hashes
	if v.forgot { // it was paused, most likely, and begins again
		v.begun, v.fresh = now, 0
	}
	v.fresh++
	v.lastShare, v.forgot = now, false
	slot := &v.recent[v.shares%recentShares]
	oldest, full := slot.at, v.shares >= recentShares
	slot.at, slot.hashes = now, hashes
	v.shares++
	if !full {
		return
	}
	span := math.Max(now.Sub(oldest).Seconds(), 0.05)
	var sum float64
	for _, r := range v.recent {
		sum += r.hashes
	}
	if sum/span > surpriseRatio*v.rate() && span < v.seconds {
		v.hashes, v.seconds = sum, math.Max(span, priorSeconds/4)
	}
}

// rate is the estimated hash rate at the last time that was passed in.
func (v *vardiff) rate() float64 { return v.hashes / v.seconds }

// next says which difficulty to announce now, in expected hashes a share, never
// above limit (the block's own), and whether the change is large enough to
// send the device a new job at once. The caller that announces it calls
// announced.
func (v *vardiff) next(now time.Time, limit float64) (hashes float64, atOnce bool) {
	v.advance(now)
	want := math.Max(v.rate()*shareInterval.Seconds(), minShareHash)
	want = math.Min(want, limit)
	ratio := want / v.current
	switch {
	case ratio >= jumpRatio || ratio <= 1/jumpRatio:
		return want, true
	case ratio >= settleRatio || ratio <= 1/settleRatio:
		return want, false
	}
	return math.Min(v.current, limit), false
}

func (v *vardiff) announced(hashes float64) { v.current = hashes }
