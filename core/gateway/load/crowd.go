//go:build !js

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// crowd is the devices of a house.
type crowd struct {
	at      doors
	begun   time.Time
	devices []*device
	reading sync.WaitGroup
}

func newCrowd(at doors) *crowd { return &crowd{at: at, begun: time.Now()} }

// join lets count more devices come in, and waits until each has a job.
func (c *crowd) join(ctx context.Context, k kind, count int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	from := len(c.devices)
	c.devices = append(c.devices, make([]*device, count)...)
	var next atomic.Int64
	var dialing sync.WaitGroup
	failed := make(chan error, 1)
	for range min(count, 64) {
		dialing.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				d, err := dial(ctx, c.at, k, string(k)+strconv.Itoa(from+i))
				if err != nil {
					select {
					case failed <- err:
					default:
					}
					cancel()
					return
				}
				c.devices[from+i] = d
				c.reading.Go(func() { d.follow(c.begun) })
			}
		})
	}
	dialing.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	for _, d := range c.devices[from:] {
		select {
		case <-d.ready:
		case <-ctx.Done():
			return fmt.Errorf("device %s got no job", d.user)
		}
	}
	return nil
}

func (c *crowd) leave() {
	for _, d := range c.devices {
		if d != nil {
			_ = d.conn.Close()
		}
	}
	c.reading.Wait()
}

// delivered waits until all devices have a job, and returns how long after sent each got it, from the soonest to the
// latest.
func (c *crowd) delivered(ctx context.Context, number uint32, sent time.Time) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	from := sent.Sub(c.begun)
	took := make([]time.Duration, 0, len(c.devices))
	for _, d := range c.devices {
		for d.seen.Load() != number {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil, fmt.Errorf("only %d of %d devices got the job", len(took), len(c.devices))
			}
		}
		took = append(took, time.Duration(d.at.Load())-from)
	}
	slices.Sort(took)
	return took, nil
}

// burst is what came of many shares at once.
type burst struct {
	shares  int // that were sent
	forPool int // of them, good enough for the pool
	taken   int // answered with yes
	refused int
	took    time.Duration
}

// mine has every device send count shares of its job, each after the answer to the one before.
func (c *crowd) mine(ctx context.Context, count int) (burst, error) {
	b := burst{shares: count * len(c.devices)}
	wanted := pow.TargetFromDifficulty(hasher.SHA256d, easy*hard)
	var done sync.WaitGroup
	for _, d := range c.devices {
		forPool, err := d.find(count, wanted)
		if err != nil {
			return b, err
		}
		b.forPool += forPool
		d.taken, d.refused, d.done = 0, 0, done.Done
	}
	done.Add(len(c.devices))
	begun := time.Now()
	for _, d := range c.devices {
		if !d.submit() {
			return b, errors.New("a device was sent away")
		}
	}
	all := make(chan struct{})
	go func() { done.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(patience):
		return b, errors.New("shares were not answered")
	case <-ctx.Done():
		return b, ctx.Err()
	}
	b.took = time.Since(begun)
	for _, d := range c.devices {
		b.taken += d.taken
		b.refused += d.refused
	}
	return b, nil
}
