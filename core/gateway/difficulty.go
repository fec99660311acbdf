package gateway

import (
	"math"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/vardiff"
)

// difficulty is what one device has to meet.
type difficulty struct {
	vardiff.Vardiff
	unit float64 // fixed: hashes that a share of difficulty 1 takes, on average
	told float64 // announced last
}

// unitOf is how many hashes a share of difficulty 1 takes, on average.
func unitOf(a hasher.Algorithm) float64 { return pow.TargetFromDifficulty(a, 1).Expected() }

func newDifficulty(now time.Time, a hasher.Algorithm, rate float64) difficulty {
	d := difficulty{unit: unitOf(a)}
	d.Restart(now, rate)
	return d
}

// limit is the highest difficulty for devices, in hashes: a hair easier than the pool's, so that no share that the pool
// would have taken is lost to rounding.
func limit(j *pow.Job) float64 { return j.Target.Expected() * (1 - 1e-9) }

// announce decides on the difficulty of a job that is about to be sent, and reports whether it is another than before.
func (d *difficulty) announce(now time.Time, limit float64) (value float64, changed bool) {
	hashes, _ := d.Next(now, limit)
	d.Announced(hashes)
	value = hashes / d.unit
	changed = value != d.told
	d.told = value
	return value, changed
}

// due reports whether the device should get its job again at another difficulty.
func (d *difficulty) due(now time.Time, limit float64) bool {
	_, atOnce := d.Next(now, limit)
	return atOnce
}

// suggest takes a device's own idea as the first guess. What it has proved counts for more.
func (d *difficulty) suggest(now time.Time, value float64) bool {
	if !(value > 0) || d.Shares() > 0 {
		return false
	}
	d.Restart(now, min(value*d.unit/vardiff.Interval.Seconds(), 1e18))
	return true
}

// reached is the highest difficulty whose target a hash meets, as pow.DifficultyOf has it, but for the last bits.
func (d *difficulty) reached(h pow.Hash) float64 {
	n := 0.0
	for i := len(h) - 1; i >= 0; i-- {
		n = n*256 + float64(h[i])
	}
	return math.Ldexp(1, 256) / d.unit / n
}
