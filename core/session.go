package core

import (
	"context"
	"errors"
	"sync"
	"time"

	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// Config says what a session mines.
type Config struct {
	Pool           stratum.URL
	User, Password string
	Algorithm      hasher.Algorithm
	Threads        int // lanes, at least 1
	Limit          int // percent of each lane's time, 1 to 100; 0 means 100
	// Shares, if not nil, is told how each share fared. It is called from the
	// connection's goroutine and must not block.
	Shares   func(pow.Result)
	Platform engine.Platform
}

// States of a session, as scripts know them.
const (
	StateConnecting = "connecting"
	StateMining     = "mining"
	StatePaused     = "paused"
	StateDown       = "down"
)

// Session mines on one pool: it joins the pool's client and the engine, which do
// not know each other. The same code runs on the desktop and in the browser.
// Its methods may be called by several at once.
type Session struct {
	config Config
	client *stratum.Client
	engine *engine.Engine

	mu                        sync.Mutex
	started                   time.Time
	state                     pow.State
	lost                      error  // why the last attempt failed; nil once the pool works
	failures                  int    // attempts to reach the pool since it last worked
	worked                    bool   // the pool has given a job
	paused                    string // why, or nothing
	accepted, rejected, stale uint64
}

// NewSession prepares a session; Run starts it.
func NewSession(c Config) (*Session, error) {
	s := &Session{config: c, state: pow.State{Phase: pow.Connecting}}
	var err error
	s.engine, err = engine.New(engine.Config{
		Algorithm: c.Algorithm,
		Lanes:     c.Threads,
		Limit:     c.Limit,
		Share:     func(share pow.Share) { s.client.Submit(share, s.answered) },
		Platform:  c.Platform,
	})
	if err != nil {
		return nil, err
	}
	s.client = stratum.NewClient(stratum.Config{
		URL:       c.Pool,
		User:      c.User,
		Password:  c.Password,
		Agent:     Agent,
		Algorithm: c.Algorithm,
		Handler:   (*handler)(s),
	})
	return s, nil
}

// Agent is how Goldpan introduces itself to pools and servers.
const Agent = "goldpan/" + Version

// Version is this release.
const Version = "0.1.0"

// Run mines until ctx ends, which is no error. It returns an error where trying
// again would not help: the pool refuses the user, or a lane cannot work.
func (s *Session) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.started = time.Now()
	s.mu.Unlock()
	parts := make(chan error, 2)
	go func() { parts <- s.engine.Run(ctx) }()
	go func() { parts <- s.client.Run(ctx) }()
	first := <-parts
	cancel()
	return errors.Join(first, <-parts)
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

func (h *handler) Job(j *pow.Job) { h.engine.SetJob(j) }

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
	if s.config.Shares != nil {
		s.config.Shares(r)
	}
}

// Snapshot is all that a screen shows of a session.
type Snapshot struct {
	Pool                      string
	State                     string // connecting, mining, paused or down
	Reason                    string // why it is not mining, or mines badly, in words for the user
	Err                       error  // why the pool was down last; nil once it works
	Failures                  int    // attempts to reach the pool since it last worked
	Worked                    bool   // the pool has given a job at least once
	Algorithm                 hasher.Algorithm
	Kernel                    string
	Lanes                     int
	Hashrate                  float64 // hashes a second
	Hashes                    uint64  // since the session began
	Faults                    uint64  // hashes that this machine got wrong
	Accepted, Rejected, Stale uint64  // shares
	Difficulty                float64 // of the present job's shares
	Best                      float64 // the highest difficulty of a share
	Uptime                    time.Duration
	Header                    hasher.Header // being hashed, with its nonce zero
}

// Snapshot returns the session as it is now.
func (s *Session) Snapshot() Snapshot { return s.snapshot(s.engine.Snapshot()) }

// snapshot joins what the lanes do with how the pool stands.
func (s *Session) snapshot(e engine.Snapshot) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Snapshot{
		Pool:      s.config.Pool.String(),
		Reason:    s.state.Reason,
		Err:       s.lost,
		Algorithm: s.config.Algorithm,
		Kernel:    e.Kernel, Lanes: e.Lanes, Hashrate: e.Hashrate, Hashes: e.Hashes, Faults: e.Faults, Best: e.Best, Header: e.Header,
		Accepted: s.accepted, Rejected: s.rejected, Stale: s.stale,
		Difficulty: s.state.Difficulty, Failures: s.failures, Worked: s.worked,
	}
	if !s.started.IsZero() {
		v.Uptime = time.Since(s.started)
	}
	switch {
	case s.paused != "":
		v.State, v.Reason = StatePaused, s.paused
	case s.state.Phase == pow.Mining:
		v.State = StateMining
		if v.Faults > 0 {
			v.Reason = faultsReason
		}
	case s.state.Phase == pow.Down:
		v.State = StateDown
	default:
		v.State = StateConnecting
	}
	return v
}
