//go:build !js

package engine

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
)

// Platform is empty where lanes are goroutines.
type Platform struct{}

// thread is a lane on a system thread of its own.
type thread struct {
	engine  *Engine
	kernel  hasher.Kernel
	number  int
	offset  time.Duration // where in a period its turn begins
	current atomic.Pointer[assignment]
	share   atomic.Uint64 // of its time, the bits of a float64
	nice    atomic.Int32
	wake    chan struct{} // holds a token after each assign and limit
	count   atomic.Uint64
	worked  atomic.Int64 // processor time, nanoseconds
}

func newLanes(e *Engine) ([]lane, string, error) {
	k, err := hasher.Select(e.config.Algorithm)
	if err != nil {
		return nil, "", err
	}
	lanes := make([]lane, e.config.Lanes)
	for i := range lanes {
		lanes[i] = &thread{engine: e, kernel: k, number: i, offset: period * time.Duration(i) / time.Duration(len(lanes)), wake: make(chan struct{}, 1)}
	}
	return lanes, k.Name, nil
}

func (t *thread) assign(a *assignment) {
	t.current.Store(a)
	t.rouse()
}

func (t *thread) limit(share float64, nice int) {
	bits := math.Float64bits(share)
	before, yielded := t.share.Swap(bits), t.nice.Swap(int32(nice))
	if before != bits || yielded != int32(nice) {
		t.rouse()
	}
}

func (t *thread) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *thread) hashes() uint64 { return t.count.Load() }

func (t *thread) busy() (time.Duration, bool) { return time.Duration(t.worked.Load()), true }

// run hashes on one system thread as long as the priority stays: a thread that has
// made way for others may not take its place back, so another one goes on.
func (t *thread) run(ctx context.Context) error {
	h := &hand{thread: t, scanner: t.kernel.New(), timer: time.NewTimer(time.Hour)}
	defer h.timer.Stop()
	for ctx.Err() == nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			nice := t.nice.Load()
			runtime.LockOSThread()
			if nice == 0 {
				defer runtime.UnlockOSThread() // the thread is as it was
			} else {
				yieldTo(int(nice))
			}
			h.work(ctx, nice)
		}()
		<-done
	}
	return nil
}

// hand is what one lane has in hand.
type hand struct {
	*thread
	scanner hasher.Scanner
	timer   *time.Timer
	hits    hasher.Hits
	mine    *assignment
	nonce   uint32
	left    uint64 // nonces of mine not scanned yet
	pace    pace
}

// work hashes until ctx ends or the lane is to have another priority. It runs on
// one system thread.
func (h *hand) work(ctx context.Context, nice int32) {
	began := time.Now()
	h.pace = pace{offset: h.offset}
	// Lanes that began at different moments take turns by the same clock.
	skew := time.Duration(began.UnixNano()) % period
	clock := func() time.Duration { return skew + time.Since(began) }
	used := threadTime(began)
	for ctx.Err() == nil && h.nice.Load() == nice {
		if share := math.Float64frombits(h.share.Load()); share != h.pace.share {
			h.pace.set(share, clock())
		}
		if a := h.current.Load(); a != h.mine {
			h.mine, h.nonce, h.left = a, 0, 1<<32
		}
		rest := time.Hour // without work, until woken
		if h.mine != nil {
			rest = h.pace.rest(clock())
		}
		if rest > 0 {
			h.timer.Reset(rest)
			select {
			case <-h.timer.C:
			case <-h.wake:
			case <-ctx.Done():
			}
			continue
		}
		h.scan()
		now := threadTime(began)
		h.worked.Add(int64(now - used))
		h.pace.worked(clock(), now-used)
		used = now
	}
}

// scan hashes one batch.
func (h *hand) scan() {
	done := h.scanner.Scan(h.mine.work, h.nonce, uint32(min(h.left, uint64(h.kernel.Batch))), &h.hits)
	h.count.Add(uint64(done))
	h.nonce += done
	h.left -= uint64(done)
	for _, found := range h.hits.Nonces[:h.hits.N] {
		h.engine.hit(h.mine, found)
	}
	if h.left == 0 {
		// Other work that came meanwhile stays: it is newer.
		h.current.CompareAndSwap(h.mine, h.engine.exhausted(h.mine, h.number))
	}
}

// processors guards the runtime's own setting, which all engines of a program share.
var processors sync.Mutex

// addProcessors lets n more threads run Go code at once, until the function that
// it returns is called. Each lane keeps one of them, also while the system has put
// the lane aside for another program; without more, the rest of the program would
// wait for the lanes, and a lane that goes last would hold up the window.
func addProcessors(n int) (undo func()) {
	add := func(n int) {
		processors.Lock()
		defer processors.Unlock()
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + n)
	}
	add(n)
	return func() { add(-n) }
}
