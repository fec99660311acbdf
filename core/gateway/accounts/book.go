//go:build !js

package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"goldpan/core/disk"
)

// Config opens a Book.
type Config struct {
	Path string // of the database file
	// Every is how often what was added goes to the disk; 0 is 500 ms, and a second the most.
	Every time.Duration
	// Hashes is how many hashes a share of difficulty 1 takes on average; 0 is 2³², as for sha256d.
	Hashes float64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Book is the accounts in one file. It may be used by many goroutines.
type Book struct {
	every  time.Duration
	hashes float64
	now    func() time.Time
	lock   *disk.Lock
	db     *sql.DB
	aside  string

	writing sync.Mutex // one transaction at a time; taken before mu
	rolled  time.Time

	mu        sync.Mutex
	next      uint64 // number of the share that is added next
	committed uint64
	group     uint64 // number of the next group
	fresh     *group // what was added since the last attempt
	stuck     *group // what could not be written yet
	online    map[string]*presence
	err       error
	changed   chan struct{} // closed and replaced when committed grows, err changes or the Book is closed
	closed    bool
}

type presence struct {
	connections int
	since       time.Time
}

// Add counts a share and gives its number. It never waits for the disk.
func (b *Book) Add(s Share) uint64 {
	if len(s.Device) > MaxDevice {
		s.Device = s.Device[:MaxDevice]
	}
	if s.Result < Accepted || s.Result > Rejected {
		s.Result = Rejected
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.add(s)
	n := b.next
	b.fresh.last = n
	b.next++
	return n
}

// Connect says that a device has one connection more.
func (b *Book) Connect(device string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.online[device]
	if p == nil {
		p = &presence{since: b.now()}
		b.online[device] = p
	}
	p.connections++
}

// Disconnect says that a device has one connection less.
func (b *Book) Disconnect(device string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.online[device]
	if p == nil {
		return
	}
	b.credit(device, p)
	if p.connections--; p.connections == 0 {
		delete(b.online, device)
	}
}

// credit counts the time since a device was last credited. A clock set back counts nothing.
func (b *Book) credit(device string, p *presence) {
	now := b.now()
	if spent := now.Sub(p.since); spent > 0 {
		b.fresh.device(device).online += spent
	}
	p.since = now
}

// Committed is the number of the last share on the disk: the accounts are those of
// the shares up to it.
func (b *Book) Committed() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.committed
}

// Err is why what was added last is not on the disk; nil when all is well. Nothing is
// lost as long as the program runs, and mining need not stop.
func (b *Book) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// SetAside is where a damaged file was moved when the Book was opened, so that a
// person can be told; "" when there was none.
func (b *Book) SetAside() string { return b.aside }

// Wait waits until a share is on the disk. It returns ctx's error or ErrClosed otherwise.
func (b *Book) Wait(ctx context.Context, number uint64) error {
	for {
		b.mu.Lock()
		there, closed, changed := b.committed >= number, b.closed, b.changed
		b.mu.Unlock()
		switch {
		case there:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Run brings to the disk what is added, until ctx ends; then the rest, whose error it
// returns. A disk that is full does not end it.
func (b *Book) Run(ctx context.Context) error {
	tick := time.NewTicker(b.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return b.Flush()
		case <-tick.C:
			_ = b.Flush() // told by Err, and tried again
		}
	}
}

// Flush brings to the disk what was added so far.
func (b *Book) Flush() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	for {
		g, last := b.take()
		if g == nil {
			return nil
		}
		if err := b.write(g); err != nil {
			b.tell(fmt.Errorf("accounts are not on the disk: %w", err), false)
			return b.Err()
		}
		b.mu.Lock()
		b.committed, b.group, b.stuck = g.last, g.number+1, nil
		b.mu.Unlock()
		b.tell(nil, true)
		if last {
			break
		}
	}
	if now := b.now(); now.Sub(b.rolled) >= 10*time.Minute || now.Before(b.rolled) {
		if err := b.roll(now); err != nil {
			b.tell(fmt.Errorf("old accounts cannot be shortened: %w", err), false)
			return b.Err()
		}
		b.rolled = now
	}
	return nil
}

// take gives the group to write: the one that could not be written, which nothing is
// added to because it may have been written after all, or what came since.
func (b *Book) take() (g *group, last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, true
	}
	if b.stuck != nil {
		return b.stuck, false
	}
	for device, p := range b.online {
		b.credit(device, p)
	}
	if len(b.fresh.devices) == 0 {
		return nil, true
	}
	g = b.fresh
	g.number = b.group
	g.last = max(g.last, b.committed)
	b.fresh, b.stuck = newGroup(), g
	return g, true
}

func (b *Book) tell(err error, always bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !always && errors.Is(err, b.err) {
		return
	}
	b.err = err
	close(b.changed)
	b.changed = make(chan struct{})
}

// Close brings the rest to the disk and closes the file. It returns the error of that.
func (b *Book) Close() error {
	err := b.Flush()
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	b.tell(ErrClosed, true)
	return errors.Join(err, b.db.Close(), b.lock.Close())
}

// Report is what is on the disk of every device, in the order of their ids, with
// rates over the last window.
func (b *Book) Report(ctx context.Context, window time.Duration) ([]Account, error) {
	all, err := b.totals(ctx)
	if err != nil {
		return nil, err
	}
	now := b.now()
	recent, err := b.since(ctx, now.Add(-window))
	if err != nil {
		return nil, err
	}
	var household Work
	for i := range all {
		a := &all[i]
		a.Recent = recent[a.Device]
		household = household.Plus(a.Recent)
		span := window
		if known := now.Sub(a.First); known < span {
			span = max(known, time.Second)
		}
		if s := span.Seconds(); s > 0 {
			a.Hashrate = a.Recent.Float() * b.hashes / s
		}
	}
	if h := household.Float(); h > 0 {
		for i := range all {
			all[i].Part = all[i].Recent.Float() / h
		}
	}
	return all, nil
}
