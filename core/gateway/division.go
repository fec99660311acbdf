package gateway

import (
	"encoding/binary"

	"goldpan/core/pow"
)

// A pool has its miner fill in size bytes of the coinbase, the extranonce2. A division cuts them into three:
//
//	coinbase1 | extranonce1 | zeros | prefix | device's extranonce2 | coinbase2
//
// The prefix, which is all that a device sees as its extranonce1, is its own; so no two devices of a connection ever
// make the same coinbase. The pool's extranonce1 and the zeros are handed to devices as the end of coinbase1: when the
// pool is lost and comes back with another extranonce1, devices keep theirs, which many miners could not change.
//
// A whole division has no prefix: one device has all of it. Its extranonce1 is the last byte of the pool's, for one of
// no bytes cannot be said.
type division struct {
	prefix int // bytes; 0 for a whole division
	own    int // bytes of the device's extranonce2
}

const (
	minOwn    = 4 // bytes of extranonce2 that a miner gets where possible: some know no other number
	minLane   = 2 // bytes that a page, or our own client on a WebSocket, can do with
	maxPrefix = 2 // bytes: 65,536 devices
)

// divide decides how size bytes of extranonce2 are divided where the first device is a miner's program, or one that can
// do with less. Where there is too little to divide it returns a whole division.
func divide(size int, lanes bool) division {
	least := minOwn
	if lanes {
		least = minLane
	}
	if size <= least {
		return division{own: size}
	}
	d := division{prefix: min(maxPrefix, size-least)}
	d.own = min(size-d.prefix, minOwn)
	return d
}

// usual is what is assumed of a pool that has not been reached yet.
var usual = division{prefix: maxPrefix, own: minOwn}

func (d division) whole() bool { return d.prefix == 0 }

// fits reports whether the division can be laid over a pool's extranonce2 of size bytes.
func (d division) fits(size int) bool {
	if d.whole() {
		return d.own == size
	}
	return d.prefix+d.own <= size
}

// serves reports whether a device can do with what it would get. A pool may leave too little for any miner; then a
// whole division has to do.
func (d division) serves(lanes bool) bool { return lanes || d.own >= minOwn || d.whole() }

// slots is how many devices the division has room for.
func (d division) slots() int { return 1 << (8 * d.prefix) }

// head is what devices get as coinbase1 of a job of the pool.
func (d division) head(j *pow.Job) []byte {
	first := j.Extranonce1
	if d.whole() {
		first = first[:len(first)-1]
	}
	head := make([]byte, 0, len(j.Coinbase1)+len(first)+j.Extranonce2Size)
	head = append(append(head, j.Coinbase1...), first...)
	return append(head, d.zeros(j)...)
}

// zeros are the bytes of the pool's extranonce2 that nobody needs.
func (d division) zeros(j *pow.Job) []byte { return make([]byte, j.Extranonce2Size-d.prefix-d.own) }

// extranonce1 is what the device in a slot gets; j may be nil unless the division is whole.
func (d division) extranonce1(slot int, j *pow.Job) []byte {
	if d.whole() {
		return j.Extranonce1[len(j.Extranonce1)-1:]
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(slot))
	return append([]byte(nil), b[8-d.prefix:]...)
}

// extranonce2 is what the pool is told, of what the device in a slot chose; nil if it chose too many bytes or too few.
func (d division) extranonce2(slot int, own []byte, j *pow.Job) []byte {
	if len(own) != d.own || !d.fits(j.Extranonce2Size) {
		return nil
	}
	if d.whole() {
		return own
	}
	return append(append(d.zeros(j), d.extranonce1(slot, nil)...), own...)
}

// slots hands out the places of a division. A place that was left is dead until the next clean job, unless its device had
// no work: what it had searched is not searched again, and no share of its is taken for another's.
type slots struct {
	total int
	next  int   // never handed out yet
	free  []int // left, and good again
	dead  []int
	taken int
}

// take returns a free place.
func (s *slots) take() (slot int, ok bool) {
	switch {
	case s.next < s.total:
		slot = s.next
		s.next++
	case len(s.free) > 0:
		slot = s.free[len(s.free)-1]
		s.free = s.free[:len(s.free)-1]
	default:
		return 0, false
	}
	s.taken++
	return slot, true
}

// leave gives a place back, of which something may have been searched.
func (s *slots) leave(slot int, searched bool) {
	s.taken--
	if searched {
		s.dead = append(s.dead, slot)
	} else {
		s.free = append(s.free, slot)
	}
}

// clean makes all dead places good: there is new work.
func (s *slots) clean() {
	s.free = append(s.free, s.dead...)
	s.dead = nil
}
