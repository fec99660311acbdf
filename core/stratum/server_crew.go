package stratum

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// crew does something for the peers of a Server, for one after the other as they stand in line. It is a few goroutines,
// which go when nobody waits: work for thousands at once needs no stack for each, and idle peers have none at all. Where
// all of the crew are kept waiting, by peers that do not read or by a Backend, more are called, so that nobody waits for
// another's sake.
type crew struct {
	do func(*Peer) // fixed

	mu      sync.Mutex
	line    []*Peer // those from next on wait
	next    int
	size    int    // of the crew
	passed  uint64 // peers that were taken out of the line
	watched bool   // a watch is due
}

// stall is how long nobody may come back to the line before more are called.
const stall = 10 * time.Millisecond

// add puts a peer in line.
func (c *crew) add(p *Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = append(c.line, p)
	if c.size <= runtime.GOMAXPROCS(0) {
		c.size++
		go c.work()
	} else if !c.watched {
		c.watched = true
		c.watchLater()
	}
}

// take returns who is next. When there is nobody it lets go of whoever asks.
func (c *crew) take() *Peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == len(c.line) {
		c.size--
		c.next, c.line = 0, c.line[:0]
		return nil
	}
	p := c.line[c.next]
	c.line[c.next] = nil
	c.next++
	c.passed++
	if c.next >= 1024 && 2*c.next >= len(c.line) {
		c.line = slices.Delete(c.line, 0, c.next)
		c.next = 0
	}
	return p
}

func (c *crew) work() {
	for p := c.take(); p != nil; p = c.take() {
		c.do(p)
	}
}

// watchLater looks again soon whether the line moves. It is called with the lock.
func (c *crew) watchLater() {
	passed := c.passed
	time.AfterFunc(stall, func() {
		// On a busy machine nothing may have moved because nobody had a turn. After these, all who can go on had one.
		for range 3 {
			runtime.Gosched()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		waiting := len(c.line) - c.next
		if waiting == 0 {
			c.watched = false
			return
		}
		if c.passed == passed { // nobody comes back: twice as many
			for range min(c.size, waiting) {
				c.size++
				go c.work()
			}
		}
		c.watchLater()
	})
}
