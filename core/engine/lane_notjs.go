//go:build !js

package engine

import (
	"context"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
)

// Platform is empty where lanes are goroutines.
type Platform struct{}

// thread is a lane on a goroutine of its own.
type thread struct {
	engine  *Engine
	kernel  hasher.Kernel
	limit   int
	current atomic.Pointer[assignment]
	wake    chan struct{} // holds a token after each assign
	count   atomic.Uint64
}

func newLanes(e *Engine) ([]lane, string, error) {
	k, err := hasher.Select(e.config.Algorithm)
	if err != nil {
		return nil, "", err
	}
	lanes := make([]lane, e.config.Lanes)
	for i := range lanes {
		lanes[i] = &thread{engine: e, kernel: k, limit: e.config.Limit, wake: make(chan struct{}, 1)}
	}
	return lanes, k.Name, nil
}

func (t *thread) assign(a *assignment) {
	t.current.Store(a)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *thread) hashes() uint64 { return t.count.Load() }

// slice is how long a lane with a limit hashes before it rests.
const slice = 10 * time.Millisecond

func (t *thread) run(ctx context.Context) error {
	scanner := t.kernel.New()
	var (
		hits  hasher.Hits
		mine  *assignment
		nonce uint32
		left  uint64 // nonces of mine not scanned yet
		busy  time.Duration
	)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		if a := t.current.Load(); a != mine {
			mine, nonce, left = a, 0, 1<<32
		}
		if mine == nil {
			select {
			case <-t.wake:
			case <-ctx.Done():
			}
			continue
		}
		start := time.Now()
		done := scanner.Scan(mine.work, nonce, uint32(min(left, uint64(t.kernel.Batch))), &hits)
		t.count.Add(uint64(done))
		nonce += done
		left -= uint64(done)
		for _, found := range hits.Nonces[:hits.N] {
			t.engine.hit(mine, found)
		}
		if left == 0 {
			// Other work that came meanwhile stays: it is newer.
			t.current.CompareAndSwap(mine, t.engine.exhausted(mine))
		}
		if t.limit == 100 {
			continue
		}
		if busy += time.Since(start); busy >= slice {
			rest := busy * time.Duration(100-t.limit) / time.Duration(t.limit)
			began := time.Now()
			timer.Reset(rest)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			// Rest that took too long is made up for by the next slice.
			busy = max(-time.Second, (rest-time.Since(began))*time.Duration(t.limit)/time.Duration(100-t.limit))
		}
	}
	return nil
}
