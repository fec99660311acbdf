//go:build !js

package practice

import (
	"fmt"
	"time"

	"goldpan/core/pow"
)

// Status is what the network is doing now.
type Status struct {
	Height     int32
	BlockHash  pow.Hash
	Difficulty float64   // of the next block, as pools count it
	LastBlock  time.Time // time of the newest block, UTC
	Devices    int       // that may mine now
	// Hashrate is what the devices' shares show, in hashes a second; 0 before
	// the first share.
	Hashrate float64
	// Interval is how long a block takes on average at that rate; 0 before the
	// first share.
	Interval time.Duration
	// Note says in one sentence why blocks are slow, or is "".
	Note string
}

// slow is how many times the intended interval blocks may take before it needs
// a word.
const slow = 3

// Status looks at the chain and the devices.
func (n *Network) Status() Status {
	c := n.chain
	tip := c.tip()
	s := Status{Height: tip.Height, BlockHash: pow.Hash(tip.Hash)}
	if h, err := c.header(tip.Height); err == nil {
		s.LastBlock = h.Timestamp.UTC()
	}
	now := c.clock.AdjustedTime()
	bits := tip.Bits
	if next, err := c.best.CalcNextRequiredDifficulty(now); err == nil {
		bits = next
	}
	var hashes float64
	if target, err := pow.TargetFromBits(bits); err == nil {
		hashes, s.Difficulty = target.Expected(), target.Difficulty(c.algorithm)
	}
	all := n.pool.measure()
	s.Hashrate, s.Devices = all.rate, all.devices
	if s.Hashrate > 0 {
		s.Interval = time.Duration(min(hashes/s.Hashrate, 1e9) * float64(time.Second))
	}
	s.Note = note(s, all, now)
	return s
}

// note explains a block that is slow to come. The time in which nobody mined,
// such as before the program was started, is not waiting. Before the devices'
// rate is sure it blames nobody.
func note(s Status, all measured, now time.Time) string {
	waited := min(now.Sub(s.LastBlock), all.watched)
	switch {
	case waited <= slow*blockInterval:
	case s.Devices == 0:
		return "No device is mining, so no new block can be found."
	case !all.sure:
		return "The devices have just begun, and their first shares will show how fast blocks come."
	case s.Interval > slow*blockInterval:
		next := (s.Height/retargetBlocks + 1) * retargetBlocks
		return fmt.Sprintf("Blocks take about %s now, because less is mining than when their difficulty was set; it is set anew at block %d and becomes easier then.",
			inWords(s.Interval), next)
	case waited > 4*s.Interval && s.Interval > 0:
		return "This block takes longer by plain bad luck, which happens now and then."
	}
	return ""
}

// inWords is a length of time as people say it, rounded.
func inWords(d time.Duration) string {
	count := func(n int64, unit string) string {
		if n == 1 {
			return "a " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	switch {
	case d < 90*time.Second:
		return count(int64(d.Seconds()+0.5), "second")
	case d < 90*time.Minute:
		return count(int64(d.Minutes()+0.5), "minute")
	case d < 36*time.Hour:
		if n := int64(d.Hours() + 0.5); n != 1 {
			return count(n, "hour")
		}
		return "an hour"
	case d < 365*24*time.Hour:
		return count(int64(d.Hours()/24+0.5), "day")
	}
	return "years"
}
