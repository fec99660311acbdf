// Package engine turns jobs into shares: it gives every lane work of its own,
// checks what the lanes find, and counts what they hash.
//
// A new job raises the epoch and reaches every lane by one store of a pointer
// (one message in a browser). Each lane owns an extranonce2 that no other lane
// has, so lanes share no counter and search nothing twice. A lane reports
// nonces; the engine hashes each again with the reference code, so a faulty
// kernel can miss a share but never send a bad one.
//
// The engine governs itself by the person's [Rules]: how much of the machine it
// uses, and when. Every pause says why. A rule that needs a figure which the
// machine does not tell has no effect, and the [Snapshot] says so.
//
// The engine knows nothing of pools: whoever owns it hands jobs in and takes
// shares out.
package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Share takes checked shares. It is called from lanes, possibly from
	// several at once, and must not block.
	Share func(pow.Share)
	// Rules hold until SetRules.
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
	paused  bool // by the owner
	working int  // lanes that have work
	epoch   uint64
	counter uint64 // the next extranonce2; it goes on across jobs
	given   uint64 // how many extranonce2 values are given out with the present roll
	roll    roll
	clean   uint64 // hits of epochs before this one are of no use
	header  hasher.Header
	best    float64
	meter   meter
	governor

	faults atomic.Uint64 // hits that the reference code did not confirm
}

// lane hashes what it is assigned until it is assigned something else. assign
// and limit must not block; nil is rest.
type lane interface {
	assign(*assignment)
	// limit sets the share of its time that the lane may work, 0 to 1, and how far
	// it lets others go first, 0 to 19.
	limit(share float64, nice int)
	hashes() uint64 // so far
	// busy returns the processor time that the lane has worked so far, or false
	// where that is not measured.
	busy() (time.Duration, bool)
	run(context.Context) error
}

// assignment is the work of one lane in one epoch.
type assignment struct {
	epoch       uint64
	job         *pow.Job
	extranonce2 []byte
	version     uint32
	time        uint32
	work        *hasher.Work
}

// solution returns what is sent for a nonce of a.
func (a *assignment) solution(nonce uint32) pow.Solution {
	return pow.Solution{Extranonce2: a.extranonce2, Version: a.version, Time: a.time, Nonce: nonce}
}

// New makes an engine and chooses its kernel. Nothing runs yet.
func New(c Config) (*Engine, error) {
	if c.Lanes < 1 {
		return nil, fmt.Errorf("engine: %d lanes; at least one is needed", c.Lanes)
	}
	if c.Share == nil {
		return nil, errors.New("engine: nobody takes the shares")
	}
	if err := c.Rules.Validate(); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	c.Rules.Schedule = slices.Clone(c.Rules.Schedule)
	e := &Engine{config: c, governor: governor{rules: c.Rules, began: time.Now(), now: time.Now}}
	var err error
	if e.lanes, e.kernel, err = newLanes(e); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if c.Machine == nil { // else no lane works before Run has asked how the machine fares
		e.govern()
	}
	return e, nil
}

// Run runs the lanes until ctx ends, which is no error, or one of them fails. It
// keeps to the rules all the while.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer addProcessors(len(e.lanes))()
	failed := make(chan error, len(e.lanes))
	var parts sync.WaitGroup
	if e.config.Machine != nil {
		e.read(ctx) // before a lane begins: it may not be allowed to
		parts.Go(func() { e.keepReading(ctx) })
	}
	e.govern()
	for _, l := range e.lanes {
		parts.Go(func() {
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
			e.govern()
		case <-ctx.Done():
		}
	}
	parts.Wait()
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
	e.job = j
	e.deal()
}

// SetPaused lets the lanes rest until it is called with false. It comes before
// all rules. What a lane finds in the batch it has in hand is still a share.
func (e *Engine) SetPaused(paused bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if paused != e.paused {
		e.paused = paused
		e.rouse()
	}
}

// allowed returns how many lanes may work now.
func (e *Engine) allowed() int {
	if e.job == nil || e.paused {
		return 0
	}
	return e.verdict.lanes
}

// deal raises the epoch and assigns every lane.
func (e *Engine) deal() {
	e.epoch++
	e.given, e.roll = 0, roll{}
	e.working = e.allowed()
	for i, l := range e.lanes {
		if i < e.working {
			l.assign(e.next())
		} else {
			l.assign(nil)
		}
	}
	if e.working == 0 {
		e.meter = meter{}
	}
}

// rouse gives work to lanes that may work and have none, and takes it from those
// that may no longer.
func (e *Engine) rouse() {
	allowed := e.allowed()
	for ; e.working < allowed; e.working++ {
		e.lanes[e.working].assign(e.next())
	}
	for ; e.working > allowed; e.working-- {
		e.lanes[e.working-1].assign(nil)
	}
	if allowed == 0 {
		e.meter = meter{}
	}
}

// next returns work of the present epoch that no lane has had, or nil when the
// job has none left.
func (e *Engine) next() *assignment {
	j := e.job
	if j.Extranonce2Size < 8 && e.given >= 1<<(8*j.Extranonce2Size) {
		if !e.roll.next(j) {
			return nil
		}
		e.given = 0
	}
	extranonce2 := make([]byte, j.Extranonce2Size)
	for i, v := len(extranonce2)-1, e.counter; i >= 0; i, v = i-1, v>>8 {
		extranonce2[i] = byte(v)
	}
	e.counter++
	e.given++
	a := &assignment{epoch: e.epoch, job: j, extranonce2: extranonce2, version: e.roll.version(j), time: j.Time + e.roll.seconds}
	header := j.Header(a.solution(0)).Bytes()
	e.header = header
	a.work = hasher.NewWork(j.Algorithm, &header, j.Target)
	return a
}

// exhausted is called by a lane that has scanned every nonce of a. It returns
// more work of the same epoch; nil when there is none, when the lane is to rest,
// or when other work is on its way.
func (e *Engine) exhausted(a *assignment, lane int) *assignment {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.epoch != e.epoch || lane >= e.working {
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
	stale := a.epoch < e.clean
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
	e.report(&s)
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
	if e.working > 0 {
		e.meter.add(now, total)
	}
}
