//go:build !js

// Package accounts keeps what each device at home has done: its shares, its work, its
// best share, the time it was on line, and so its part of the household's work.
//
// It is exact. Each share gets a number when it is added, one more than the last one,
// also after a restart. All that belongs to a group of shares goes to the disk in one
// transaction, together with the last one's number. So whenever the process dies, and
// however, the accounts are those of the shares 1 to Book.Committed: none of them is
// missing, none counts twice, and no later one counts. A share is acknowledged once
// Committed has reached its number, which takes about Config.Every; whoever must know
// waits for that with Wait. Of the time on line, no more than Config.Every is lost.
//
// The file is a SQLite database (write-ahead log, synchronous=FULL: a commit is on the
// disk). It stays small: minutes become hours after three of them, hours become days
// after 90 days, days go after ten years; totals stay. While the disk is full, what is
// added waits in memory, and what waits is told by Err.
//
// It judges no share, knows no pool, and opens nothing but its own file.
package accounts

import (
	"context"
	"errors"
	"math"
	"time"
)

// Accounts is what a gateway needs of them. A Book is one.
type Accounts interface {
	// Add counts a share and gives its number. It never waits for the disk.
	Add(Share) uint64
	// Connect and Disconnect say that one of a device's connections begins and ends.
	Connect(device string)
	Disconnect(device string)
	// Report is what is known of every device, with rates over the last window.
	Report(ctx context.Context, window time.Duration) ([]Account, error)
}

var _ Accounts = (*Book)(nil)

// Result is what became of a share.
type Result int

// The results.
const (
	Accepted Result = iota
	Stale
	Rejected
)

// Share is one share of a device.
type Share struct {
	Device string // its id: at most MaxDevice bytes, the rest is cut
	Result Result
	Credit float64 // the difficulty that was asked of it, which is what it counts when accepted
	Best   float64 // the difficulty that it really has
	At     time.Time
}

// MaxDevice is the length of the longest device id that is kept, in bytes.
const MaxDevice = 64

// Account is what is known of one device.
type Account struct {
	Device                    string
	Accepted, Stale, Rejected uint64
	Work                      Work // of all accepted shares
	Best                      float64
	BestAt                    time.Time // zero: no best share yet
	Online                    time.Duration
	First, Last               time.Time // of its shares; zero before the first

	Recent   Work    // of the shares accepted in the window
	Hashrate float64 // hashes a second that Recent implies
	Part     float64 // of the household's Recent, 0 to 1; 0 when nobody has any
}

// Work is a sum of difficulties, exact in any order: whole ones and 2⁻³² parts.
type Work struct {
	Whole int64
	Parts uint32
}

// WorkOf rounds a difficulty to Work. What is not a positive number is none, and 2⁴⁰ the most.
func WorkOf(difficulty float64) Work {
	if !(difficulty > 0) {
		return Work{}
	}
	whole, frac := math.Modf(min(difficulty, 1<<40))
	parts := math.Round(frac * (1 << 32))
	if parts >= 1<<32 {
		return Work{Whole: int64(whole) + 1}
	}
	return Work{Whole: int64(whole), Parts: uint32(parts)}
}

// Plus is the sum.
func (w Work) Plus(o Work) Work {
	parts := uint64(w.Parts) + uint64(o.Parts)
	return Work{Whole: w.Whole + o.Whole + int64(parts>>32), Parts: uint32(parts & math.MaxUint32)}
}

// Float is the nearest float.
func (w Work) Float() float64 { return float64(w.Whole) + float64(w.Parts)/(1<<32) }

// Errors of Open.
var (
	// ErrNewer is returned for a file of a later version; it is left as it is.
	ErrNewer = errors.New("the accounts were written by a later version of Goldpan")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the accounts are closed")
)

// delta is what is to be added to a device, or to one of its stretches of time.
type delta struct {
	counts [3]uint64 // by Result
	work   Work
	best   float64
	bestAt int64 // milliseconds since 1970
	first  int64
	last   int64
	online time.Duration
}

func (d *delta) add(s Share, at int64) {
	d.counts[s.Result]++
	if d.first == 0 || at < d.first {
		d.first = at
	}
	d.last = max(d.last, at)
	if s.Result != Accepted {
		return
	}
	d.work = d.work.Plus(WorkOf(s.Credit))
	if s.Best > d.best && !math.IsInf(s.Best, 0) {
		d.best, d.bestAt = s.Best, at
	}
}

// stretch is one device's minute, hour or day; start is in seconds since 1970.
type stretch struct {
	device      string
	span, start int64
}

const (
	minute = 60
	hour   = 3600
	day    = 86400
)

// group is what one transaction adds.
type group struct {
	number  uint64 // of the transaction
	last    uint64 // number of the last share in it or before it
	devices map[string]*delta
	times   map[stretch]*delta
}

func newGroup() *group {
	return &group{devices: map[string]*delta{}, times: map[stretch]*delta{}}
}

func (g *group) device(id string) *delta {
	d := g.devices[id]
	if d == nil {
		d = &delta{}
		g.devices[id] = d
	}
	return d
}

// manyStretches is where memory is saved, because nothing went to the disk for long.
const manyStretches = 50_000

func (g *group) add(s Share) {
	at := max(s.At.UnixMilli(), 1)
	g.device(s.Device).add(s, at)
	key := stretch{s.Device, minute, at / 1000 / minute * minute}
	d := g.times[key]
	if d == nil && len(g.times) >= manyStretches {
		key.span, key.start = day, at/1000/day*day
		d = g.times[key]
	}
	if d == nil {
		d = &delta{}
		g.times[key] = d
	}
	d.add(s, at)
}
