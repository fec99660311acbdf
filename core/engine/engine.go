// Package engine turns jobs into shares: it gives every lane work of its own,
// checks what the lanes find, and counts what they hash.
//
// A new job raises the epoch and reaches every lane by one store of a pointer
// (one message in a browser). Each lane owns an extranonce2 that no other lane
// has, so lanes share no counter and search nothing twice. A lane reports
// nonces; the engine hashes each again with the reference code, so a faulty
// kernel can miss a share but never send a bad one.
//
// The engine knows nothing of pools: whoever owns it hands jobs in and takes
// shares out.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// Config says how an engine works.
type Config struct {
	Algorithm hasher.Algorithm
	Lanes     int // at least 1
	Limit     int // percent of each lane's time, 1 to 100; 0 means 100
	// Share takes checked shares. It is called from lanes, possibly from
	// several at once, and must not block.
	Share func(pow.Share)
	// Rules hold until SetRules. If Rules.Percent is 0, Limit stands for it.
	Rules Rules
	// Machine tells how the machine fares; nil: nothing is known of it, and the
	// rules that need to know have no effect.
	Machine Machine
	// Platform is what lanes need from the place they run in.
	Platform Platform
}

// Engine runs the lanes. Its methods may be called by several at once.
type Engine struct {
	config Config
	kernel string
	lanes  []lane

	mu      sync.Mutex
	job     *pow.Job
	paused  bool
	rules   Rules
	epoch   uint64
	counter uint64 // the next extranonce2; it goes on across jobs
	given   uint64 // how many of the present job's extranonce2 values are given out
	clean   uint64 // hits of epochs before this one are of no use
	header  hasher.Header
	best    float64
	meter   meter

	faults atomic.Uint64 // hits that the reference code did not confirm
}

// lane hashes what it is assigned until it is assigned something else. assign
// must not block; nil is rest.
type lane interface {
	assign(*assignment)
	hashes() uint64 // so far
	run(context.Context) error
}

// assignment is the work of one lane in one epoch.
type assignment struct {
	epoch       uint64
	job         *pow.Job
	extranonce2 []byte
	work        *hasher.Work
}

// solution returns what is sent for a nonce of a.
func (a *assignment) solution(nonce uint32) pow.Solution {
	return pow.Solution{Extranonce2: a.extranonce2, Version: a.job.Version, Time: a.job.Time, Nonce: nonce}
}

// New makes an engine and chooses its kernel. Nothing runs yet.
func New(c Config) (*Engine, error) {
	if c.Limit == 0 {
		c.Limit = 100
	}
	if c.Lanes < 1 || c.Limit < 1 || c.Limit > 100 {
		return nil, fmt.Errorf("engine: %d lanes at %d percent; at least one lane and 1 to 100 percent are needed", c.Lanes, c.Limit)
	}
	if c.Share == nil {
		return nil, errors.New("engine: nobody takes the shares")
	}
	e := &Engine{config: c}
	var err error
	if e.lanes, e.kernel, err = newLanes(e); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return e, nil
}

// Run runs the lanes until ctx ends, which is no error, or one of them fails.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, len(e.lanes))
	var lanes sync.WaitGroup
	for _, l := range e.lanes {
		lanes.Go(func() {
			if err := l.run(ctx); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	tick := time.NewTicker(meterInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case now := <-tick.C:
			e.sample(now)
		case <-ctx.Done():
		}
	}
	lanes.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// SetJob gives all lanes work on j at once; nil lets them rest. It is a plain
// call that does not wait for the lanes.
func (e *Engine) SetJob(j *pow.Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if j == nil || j.Clean || e.job == nil || e.job.Conn != j.Conn {
		e.clean = e.epoch + 1
	}
	e.job, e.given = j, 0
	e.deal()
}

// SetPaused lets the lanes rest until it is called with false.
func (e *Engine) SetPaused(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if paused != e.paused {
		e.paused = paused
		e.deal()
	}
}

// SetRules changes the rules at once, without a restart and without losing a
// share. Rules that are out of range change nothing and are an error.
func (e *Engine) SetRules(r Rules) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rules = r
	return nil
}

// deal raises the epoch and assigns every lane.
func (e *Engine) deal() {
	e.epoch++
	working := e.job != nil && !e.paused
	if !working {
		e.meter = meter{}
	}
	for _, l := range e.lanes {
		if working {
			l.assign(e.next())
		} else {
			l.assign(nil)
		}
	}
}

// next returns work of the present epoch that no lane has had, or nil when the
// job has none left.
func (e *Engine) next() *assignment {
	j := e.job
	if j == nil || e.paused {
		return nil
	}
	if j.Extranonce2Size < 8 && e.given >= 1<<(8*j.Extranonce2Size) {
		return nil
	}
	extranonce2 := make([]byte, j.Extranonce2Size)
	for i, v := len(extranonce2)-1, e.counter; i >= 0; i, v = i-1, v>>8 {
		extranonce2[i] = byte(v)
	}
	e.counter++
	e.given++
	a := &assignment{epoch: e.epoch, job: j, extranonce2: extranonce2}
	header := j.Header(a.solution(0)).Bytes()
	e.header = header
	a.work = hasher.NewWork(j.Algorithm, &header, j.Target)
	return a
}

// exhausted is called by a lane that has scanned every nonce of a. It returns
// more work of the same epoch; nil when there is none, or when other work is on
// its way.
func (e *Engine) exhausted(a *assignment) *assignment {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.epoch != e.epoch {
		return nil
	}
	return e.next()
}

// hit is called by a lane for each nonce that it found for a.
func (e *Engine) hit(a *assignment, nonce uint32) {
	share, ok := a.job.Check(a.solution(nonce))
	if !ok {
		e.faults.Add(1)
		return
	}
	e.mu.Lock()
	stale := a.epoch < e.clean || e.paused
	if !stale && share.Difficulty > e.best {
		e.best = share.Difficulty
	}
	e.mu.Unlock()
	if !stale {
		e.config.Share(share)
	}
}

// Snapshot is what an engine does at a moment.
type Snapshot struct {
	Kernel   string
	Lanes    int
	Hashes   uint64        // in all
	Hashrate float64       // hashes a second over the last ten seconds
	Best     float64       // the highest difficulty of a share
	Faults   uint64        // hits that the reference code did not confirm
	Header   hasher.Header // the last one given out; its nonce is zero

	// Paused says why the rules let all lanes rest and what ends that, in words for
	// the person; "" where they do not, and while the owner's own pause (SetPaused)
	// lasts, which comes before all rules.
	Paused string
	// Slowed says why the lanes work less than Rules.Percent, in words; "" where they do not.
	Slowed string
	// Unmeasured names the rules that have no effect because the machine does not tell, in words.
	Unmeasured []string
	Resumed    time.Time // when a pause by the rules ended last; zero if none has
	Percent    int       // of each lane's time, in force; 0 at rest
	Active     int       // lanes that may work; 0 at rest
	Reading    Reading   // of the machine
}

// Snapshot returns what the engine does now.
func (e *Engine) Snapshot() Snapshot {
	s := Snapshot{Kernel: e.kernel, Lanes: len(e.lanes), Hashes: e.total(), Faults: e.faults.Load()}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Hashrate, s.Best, s.Header = e.meter.rate(), e.best, e.header
	return s
}

func (e *Engine) total() (n uint64) {
	for _, l := range e.lanes {
		n += l.hashes()
	}
	return n
}

func (e *Engine) sample(now time.Time) {
	total := e.total()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.job != nil && !e.paused {
		e.meter.add(now, total)
	}
}
