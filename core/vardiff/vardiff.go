// Package vardiff finds the difficulty at which a miner sends a share every few seconds, whatever its speed.
//
// It does arithmetic alone: it has no clock, no connection and no opinion on what a share is. It follows no
// specification; pools and gateways are free in it.
package vardiff

import (
	"math"
	"time"
)

// Vardiff finds the difficulty at which one device sends a share about every
// Interval, and keeps it there.
//
// It holds evidence: hashes that shares have proved, and the seconds in which
// they were proved. Their quotient is the estimated hash rate. It begins with
// a guess worth priorSeconds, so each of the first shares can at most triple
// the estimate; when three in a row show that the guess is far too low, what
// they show becomes the next guess. As time passes
// without a share only the seconds grow, so the estimate falls by itself. Old
// evidence fades, and is dropped at once when the device has clearly changed.
//
// Difficulty is counted in expected hashes a share, so that the arithmetic is
// the same for every algorithm. All times come from the caller. A Vardiff is
// not safe for concurrent use.
type Vardiff struct {
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

	// While it climbs: shares at the present difficulty, since when, and what they proved.
	climbing bool
	steps    int
	from     time.Time
	climbed  float64

	current float64 // expected hashes a share, as last announced
}

const (
	// Interval is how often a miner shall send a share.
	Interval = 4 * time.Second

	priorSeconds  = 2.0
	fadeSeconds   = 60.0 // evidence keeps 1/e of its weight this long
	silence       = 5    // share intervals without a share that say "it became slower"
	recentShares  = 8
	minShareHash  = 64.0                 // hashes a share, at least: 16 H/s
	jumpRatio     = 2.0                  // worth a new job at once
	settleRatio   = 1.25                 // worth a change when a new job goes out anyway
	climbShares   = 3                    // show that a first guess is far too low
	climbSpan     = 5 * time.Millisecond // that they take, at least: a network delivers several at once
	surpriseRatio = 6.0                  // recent shares this much too fast say "it became faster"
)

// New starts from a guess of the device's rate, in hashes a second.
func New(now time.Time, rate float64) *Vardiff {
	v := &Vardiff{}
	v.Restart(now, rate)
	return v
}

// Restart forgets everything and starts from a guess, as New does.
func (v *Vardiff) Restart(now time.Time, rate float64) {
	*v = Vardiff{
		hashes:    rate * priorSeconds,
		seconds:   priorSeconds,
		at:        now,
		begun:     now,
		lastShare: now,
		climbing:  true,
		from:      now,
		current:   math.Max(rate*Interval.Seconds(), minShareHash),
	}
}

// Advance lets time pass over the evidence.
func (v *Vardiff) Advance(now time.Time) {
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
	if quiet > silence*Interval.Seconds() && !v.forgot {
		v.forgot = true
		if v.hashes > v.current {
			v.hashes, v.seconds = v.current, math.Min(v.seconds, quiet)
		}
	}
}

// Share takes in an accepted share that was worth so many expected hashes.
func (v *Vardiff) Share(now time.Time, hashes float64) {
	v.Advance(now)
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
	v.climb(now, hashes)
	if !full {
		return
	}
	span := math.Max(now.Sub(oldest).Seconds(), 0.05)
	var sum float64
	for _, r := range v.recent {
		sum += r.hashes
	}
	if sum/span > surpriseRatio*v.Rate() && span < v.seconds {
		v.hashes, v.seconds = sum, math.Max(span, priorSeconds/4)
	}
}

// climb takes a share as one of those that show how far off the first guess is. Those that were on their way when the
// difficulty changed show nothing of it.
func (v *Vardiff) climb(now time.Time, hashes float64) {
	if !v.climbing || hashes < v.current/settleRatio {
		return
	}
	v.climbed += hashes
	if v.steps++; v.steps < climbShares {
		return
	}
	rate := v.climbed / max(now.Sub(v.from), climbSpan).Seconds()
	if v.climbing = rate > surpriseRatio/2*v.Rate(); v.climbing {
		v.hashes, v.seconds = rate*priorSeconds, priorSeconds
		v.steps, v.climbed, v.from = 0, 0, now
	}
}

// Rate is the estimated hash rate at the last time that was passed in.
func (v *Vardiff) Rate() float64 { return v.hashes / v.seconds }

// Next says which difficulty to announce now, in expected hashes a share, never
// above limit (the block's own), and whether the change is large enough to
// send the device a new job at once. The caller that announces it calls
// Announced.
func (v *Vardiff) Next(now time.Time, limit float64) (hashes float64, atOnce bool) {
	v.Advance(now)
	want := math.Max(v.Rate()*Interval.Seconds(), minShareHash)
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

// Announced takes note of what was announced.
func (v *Vardiff) Announced(hashes float64) { v.current = hashes }

// Current is what was announced last, in expected hashes a share; before, the first guess.
func (v *Vardiff) Current() float64 { return v.current }

// Shares is how many shares there were since the start.
func (v *Vardiff) Shares() uint64 { return v.shares }

// Since tells since when the miner has worked without a long silence, and how many shares it has sent since then.
func (v *Vardiff) Since() (time.Time, uint64) { return v.begun, v.fresh }
