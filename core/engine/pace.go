//go:build !js

package engine

import "time"

// period is how often a lane with a limit works and rests. It is short, so that
// neither the fan nor the screen follows its beat, and long beside the time that
// it takes to fall asleep and wake.
const period = 50 * time.Millisecond

// pace shares a lane's time between work and rest. It counts processor time: a
// lane that had to wait for other programs has not worked. Its zero value rests
// for ever.
type pace struct {
	share  float64       // of the time, 0 to 1
	offset time.Duration // where in each period this lane begins: lanes take turns
	budget time.Duration // that may still be worked; what was worked too much is owed
	at     time.Duration // when the budget grew last
}

// set changes the share and begins anew.
func (p *pace) set(share float64, now time.Duration) {
	p.share, p.budget, p.at = share, 0, now
}

// worked takes what a lane has worked until now.
func (p *pace) worked(now, took time.Duration) {
	p.budget -= took
	p.grow(now)
}

// rest returns how long to rest from now on: nothing while there is budget, else
// until there is enough for a period.
func (p *pace) rest(now time.Duration) time.Duration {
	if p.share >= 1 {
		return 0
	}
	if p.share <= 0 {
		return time.Hour
	}
	if p.grow(now); p.budget > 0 {
		return 0
	}
	rest := time.Duration(min(float64(time.Hour), float64(p.full()-p.budget)/p.share))
	// Lanes drift. A little more or less of rest brings each back to its own turn.
	early := (p.offset - (now+rest)%period + period + period/2) % period
	nudge := time.Duration((1 - p.share) * float64(period) / 4)
	return max(time.Microsecond, rest+min(nudge, max(-nudge, early-period/2)))
}

// full is the budget that rest waits for: while it is worked off, it grows by as
// much as makes a period.
func (p *pace) full() time.Duration { return time.Duration(p.share * (1 - p.share) * float64(period)) }

// grow adds the share of the time that has passed. What a lane could not use
// while others had the processor is not made up for, but for one period.
func (p *pace) grow(now time.Duration) {
	p.budget = min(p.budget+time.Duration(p.share*float64(now-p.at)), 2*p.full())
	p.at = now
}
