//go:build !js

package practice

import (
	"sync"
	"time"

	"github.com/btcsuite/btcd/blockchain"
)

// chainClock tells the chain what time it is. It follows the computer's clock
// but never runs back behind the chain's own newest block: if the computer's clock
// was set back, the chain goes on from that block at the true pace, so that
// block times, and with them the difficulty, stay sane. It is safe for
// concurrent use.
type chainClock struct {
	now func() time.Time // a monotonic reading is used when there is one

	mu    sync.Mutex
	from  time.Time // the computer's time when base was set
	base  time.Time // the chain's time at from
	floor time.Time // the newest block's time
}

var _ blockchain.MedianTimeSource = (*chainClock)(nil)

func newChainClock(now func() time.Time) *chainClock {
	t := now()
	return &chainClock{now: now, from: t, base: t.Round(0)}
}

// AdjustedTime is the chain's time, in whole seconds.
func (c *chainClock) AdjustedTime() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	chain := c.base.Add(now.Sub(c.from))
	if wall := now.Round(0); wall.After(chain) {
		chain = wall
	}
	if chain.Before(c.floor) { // set back while we run: go on from the floor
		c.from, c.base, chain = now, c.floor, c.floor
	}
	return time.Unix(chain.Unix(), 0)
}

// atLeast makes the chain's time t or later from now on.
func (c *chainClock) atLeast(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.floor) {
		c.floor = t.Round(0)
	}
}

// AddTimeSample does nothing: this chain has no peers to ask for the time.
func (c *chainClock) AddTimeSample(string, time.Time) {}

// Offset is always 0.
func (c *chainClock) Offset() time.Duration { return 0 }
