package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/core/watch"
)

// Config says what a session mines, and how much of the machine it may use.
type Config struct {
	// Pools are tried in order: a worse one is used while the better ones are down.
	Pools []stratum.Pool
	// Source, if not nil, is mined from instead of pools: a node. It is called once, by NewSession.
	Source func(pow.Handler) (pow.Source, error)
	// Client is what the connections to all pools share. Its URL, User, Password,
	// Agent, Algorithm, Handler and Message are the session's own.
	Client stratum.Config
	// Healthy is how long a better pool must have worked before it is mined on
	// again; 0 means a minute.
	Healthy   time.Duration
	Algorithm hasher.Algorithm
	Lanes     int // at least 1; Rules may let fewer work
	Rules     engine.Rules
	Machine   engine.Machine // nil: rules that need to know of the machine have no effect
	// SoloPool says that the pools promise to pay a block that is found here to
	// Payout, a script. Each job is then held to it.
	SoloPool bool
	Payout   []byte
	// Shares, if not nil, is told how each share fared. It is called from the
	// connection's goroutine and must not block.
	Shares func(pow.Result)
	// Notice, if not nil, is told what the person should hear of. It is called from
	// several goroutines and must not block.
	Notice   func(Notice)
	Platform engine.Platform
}

// States of a session, as scripts know them.
const (
	StateConnecting = "connecting"
	StateMining     = "mining"
	StatePaused     = "paused"
	StateDown       = "down"
)

// Session mines: it joins a source of work and the engine, which do not know each
// other. The same code runs on the desktop and in the browser. Its methods may be
// called by several at once.
type Session struct {
	config   Config
	source   pow.Source
	failover *stratum.Failover // the source, if it is pools
	engine   *engine.Engine
	watch    *watch.Watch

	mu                        sync.Mutex
	started                   time.Time
	state                     pow.State
	lost                      error  // why the last attempt failed; nil once the source works
	failures                  int    // attempts to reach the source since it last worked
	worked                    bool   // the source has given a job
	paused                    string // why, or nothing
	warning                   string // of the payout, or nothing
	accepted, rejected, stale uint64
}

// NewSession prepares a session; Run starts it.
func NewSession(c Config) (*Session, error) {
	s := &Session{config: c, state: pow.State{Phase: pow.Connecting}, watch: watch.New(c.Algorithm)}
	if c.SoloPool && len(c.Payout) == 0 {
		return nil, errors.New("core: a pool that promises solo mining needs a payout script to be held to")
	}
	if err := c.Rules.Validate(); err != nil {
		return nil, fmt.Errorf("core: %w", err)
	}
	var err error
	s.engine, err = engine.New(engine.Config{
		Algorithm: c.Algorithm,
		Lanes:     c.Lanes,
		Rules:     c.Rules,
		Machine:   c.Machine,
		Share:     func(share pow.Share) { s.source.Submit(share, s.answered) },
		Platform:  c.Platform,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case c.Source != nil && len(c.Pools) > 0:
		return nil, errors.New("core: either pools or another source")
	case c.Source != nil:
		if s.source, err = c.Source((*handler)(s)); err != nil {
			return nil, err
		}
	case len(c.Pools) == 0:
		return nil, errors.New("core: no pool to mine on")
	default:
		client := c.Client
		client.Agent, client.Algorithm, client.Handler = Agent, c.Algorithm, (*handler)(s)
		s.failover = stratum.NewFailover(stratum.FailoverConfig{Pools: c.Pools, Client: client, Event: s.moved, Healthy: c.Healthy})
		s.source = s.failover
	}
	return s, nil
}

// Agent is how Goldpan introduces itself to pools and servers.
const Agent = "goldpan/" + Version

// Version is this release.
const Version = "0.1.0"

// Run mines until ctx ends, which is no error. It returns an error where trying
// again would not help: every pool refuses the user, or a lane cannot work.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.started = time.Now()
	s.mu.Unlock()
	parts := []func(context.Context) error{s.engine.Run, s.source.Run, s.look}
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() { ended <- run(ctx) }()
	}
	var all error
	for range parts {
		all = errors.Join(all, <-ended)
		cancel() // one that ends takes the others with it
	}
	return all
}

// lookInterval is how often a session looks at what its lanes do.
const lookInterval = time.Second

// look notes what was hashed, and tells that the lanes work again after the rules
// let them rest: mining that begins unseen would be mining that hides.
func (s *Session) look(ctx context.Context) error {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	s.watch.Sample(s.engine.Snapshot().Hashes)
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		v := s.engine.Snapshot()
		s.watch.Sample(v.Hashes)
		told = s.tellResumed(v.Resumed, told)
	}
}

// tellResumed tells that the lanes work again since a moment, unless that was
// told before, and returns what has been told.
func (s *Session) tellResumed(at, told time.Time) time.Time {
	if !at.IsZero() && !at.Equal(told) { // the clock may have been set back
		s.notice(Info, "Mining has resumed.", "")
		return at
	}
	return told
}

// SetRules changes how much of the machine is used, at once. Rules that are out
// of range change nothing and are an error.
func (s *Session) SetRules(r engine.Rules) error {
	s.mu.Lock()
	defer s.mu.Unlock() // two calls at once must not cross
	if err := s.engine.SetRules(r); err != nil {
		return err
	}
	s.config.Rules = r
	return nil
}

// Rules returns those in force.
func (s *Session) Rules() engine.Rules {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Rules
}

// SetPools mines on other pools from now on. One that stays keeps its connection.
// It is an error to give none, or to give pools to a session with another source.
func (s *Session) SetPools(pools []stratum.Pool) error {
	if s.failover == nil {
		return errors.New("core: this session does not mine on pools")
	}
	return s.failover.SetPools(pools)
}

// Retry tries those pools again at once whose certificate was not accepted before.
func (s *Session) Retry() {
	if s.failover != nil {
		s.failover.Retry()
	}
}

// SetPaused lets the lanes rest, for a reason in words for the user, until it
// is called with nothing. The connection is kept.
func (s *Session) SetPaused(why string) {
	s.mu.Lock()
	defer s.mu.Unlock() // until the lanes know it too: two calls at once must not cross
	s.paused = why
	s.engine.SetPaused(why != "")
}

// faultsReason stands while the session mines with a kernel that has reported
// what the reference code does not confirm. The pool never sees such a share.
const faultsReason = "this machine gets some hashes wrong; heat, overclocking or memory may be at fault"

// handler is what the client calls, from its read goroutine.
type handler Session

func (h *handler) Job(j *pow.Job) {
	if j != nil && h.config.SoloPool {
		(*Session)(h).checkPayout(j)
	}
	h.engine.SetJob(j)
}

func (h *handler) State(state pow.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = state
	switch state.Phase {
	case pow.Down:
		h.lost = state.Err
		h.failures++
	case pow.Mining:
		h.lost, h.failures, h.worked = nil, 0, true
		h.watch.Difficulty(state.Difficulty)
	}
}

// answered counts how a share fared.
func (s *Session) answered(r pow.Result) {
	s.mu.Lock()
	switch r.Status {
	case pow.Accepted:
		s.accepted++
	case pow.Stale:
		s.stale++
	default:
		s.rejected++
	}
	s.mu.Unlock()
	s.watch.Share(r)
	if s.config.Shares != nil {
		s.config.Shares(r)
	}
}
