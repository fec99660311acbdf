package stratum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Pool is one pool and who mines there. It is comparable: equal pools are the same connection.
type Pool struct {
	URL            URL
	User, Password string
}

// String returns the address alone.
func (p Pool) String() string { return p.URL.String() }

// FailoverConfig is what a Failover needs. Pools and Client must be set; the rest has defaults.
type FailoverConfig struct {
	Pools []Pool // in order of preference
	// Client is what all pools share. Its URL, User, Password and Message are not looked at. Its Handler hears of the
	// pool in use alone, or, while there is none, how the attempts go.
	Client Config
	// Event, if not nil, hears what a person may want to know. It is called as the Handler is, and must not block.
	Event func(Event)

	// Healthy is how long a better pool must have had jobs, more than one, before it is used again; default 1 minute.
	Healthy time.Duration
	// Patience is how long a pool may take to give its first job before the next is tried beside it; default 10 s.
	Patience time.Duration
	// Linger is how long the connection to a pool is kept for the answers that are still to come after a better one
	// has taken its place; default 10 s.
	Linger time.Duration
	// Attempts is how many attempts to connect are made in a minute at most, over all pools; default 30.
	Attempts int
}

// EventKind is what an Event tells of.
type EventKind int

// The kinds of events.
const (
	Moved    EventKind = iota // a worse pool is used, for the better ones do not work
	Returned                  // a better pool is used again
	Refused                   // a pool refuses the user for good, and is left out
	Said                      // a pool has something to say to a person
)

// Event is what a Failover tells a person.
type Event struct {
	Kind EventKind
	Pool string // the address that is used now, that is left out, or that speaks
	From string // the address that was used before; "" when none was
	// Reason is why the pool is left out, or why the best one does not work, in our own words. Err is the same for
	// programs.
	Reason string
	Err    error
	// Text is what the pool says, as Config.Message hears it: plain, bounded, and the pool's words.
	Text string
}

// PoolState is how one of several pools stands.
type PoolState struct {
	Pool     string // its address
	Phase    pow.Phase
	Active   bool   // shares go there
	Idle     bool   // not connected, for a better one works
	Refused  bool   // it refuses the user, and is left out
	Reason   string // why it was down last, in our own words; "" once it works
	Err      error  // the same for programs
	Failures int    // attempts since it last worked
}

// Failover mines on the first pool that works, of several in order. Each pool has a Client of its own, with its own
// attempts and back-off; the Failover is the Handler of all, and passes on the jobs of one, the active. A share goes
// to the connection that its job came from, and to no other.
//
// A pool is connected only when those before it are down. While a worse one is used the better ones go on being
// tried, and the first that has had jobs for a while takes its place; until then the lanes work for the worse one, so
// they never rest on the way back. A pool that refuses the user is left out. One that gives work and answers no shares
// looks as if it worked: it is left for a while, and for longer each time, where there is another.
//
// It is safe for concurrent use.
type Failover struct {
	cfg    FailoverConfig
	budget *budget
	wake   chan struct{} // tells Run that deadlines or the end are to be looked at again

	serial sync.Mutex // held while handlers are called, so that they are called one at a time; taken before mu

	mu     sync.Mutex
	pools  []*member // in order
	start  func(*member) *run
	active *member
	last   *member // that was active last
	told   pow.State
	next   time.Time // when settle has to look again; zero never
	over   error     // all pools refuse
	calls  []func()  // for the handler, to be made without mu
}

// member is one pool of a Failover.
type member struct {
	pool     Pool
	run      *run      // nil while it is not connected
	job      *pow.Job  // its last; nil while it has none
	since    time.Time // of the first job of this connection
	jobs     int       // since then
	started  time.Time // of run
	idle     time.Time // since when a better one is active
	again    time.Time // not to be started before
	state    pow.State
	lost     pow.State // its last failure; zero once it works
	failures int
	known    bool  // it has accepted a share of ours
	mute     int   // times that it was left for answering no shares, since it answered one
	refused  error // it is left out
}

// run is one life of a pool's Client. It is the Client's Handler.
type run struct {
	f       *Failover
	m       *member
	client  *Client
	cancel  context.CancelFunc
	stopped bool     // nobody listens any more
	conns   []uint64 // the last connections that jobs came from
}

// maxConns is how many connections of a Client are remembered: the present one, and one that it may resume.
const maxConns = 4

// NewFailover returns a Failover that connects when Run is called.
func NewFailover(cfg FailoverConfig) *Failover {
	if cfg.Client.Handler == nil {
		panic("stratum: FailoverConfig.Client.Handler is nil")
	}
	if cfg.Client.Backoff == nil {
		cfg.Client.Backoff = Backoff
	}
	setDefault(&cfg.Healthy, time.Minute)
	setDefault(&cfg.Patience, 10*time.Second)
	setDefault(&cfg.Linger, 10*time.Second)
	setDefault(&cfg.Attempts, 30)
	f := &Failover{cfg: cfg, budget: newBudget(cfg.Attempts), wake: make(chan struct{}, 1)}
	f.pools = f.members(cfg.Pools)
	return f
}

// members returns the members for pools, those that there are already as they are. It is called with the lock.
func (f *Failover) members(pools []Pool) []*member {
	var all []*member
	for _, p := range pools {
		same := func(m *member) bool { return m.pool == p }
		if slices.ContainsFunc(all, same) {
			continue // named twice
		}
		m := &member{pool: p}
		if i := slices.IndexFunc(f.pools, same); i >= 0 {
			m = f.pools[i]
		}
		all = append(all, m)
	}
	return all
}

// Run mines on the best pool that works until ctx ends, and then returns nil. It returns an error when every pool
// refuses the user, or cannot be used at all. Run may be called once.
func (f *Failover) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var runs sync.WaitGroup
	defer func() {
		cancel()
		f.act(func() { f.start = nil }) // none begins while the others end
		runs.Wait()
	}()
	f.act(func() {
		f.start = func(m *member) *run { return f.begin(ctx, m, &runs) }
		f.settle(true)
	})
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		f.mu.Lock()
		next, over := f.next, f.over
		f.mu.Unlock()
		if over != nil {
			return over
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		case <-timer.C:
			f.act(func() { f.settle(true) })
		}
	}
}

// begin starts a Client for m. It is called with the lock, while Run runs.
func (f *Failover) begin(ctx context.Context, m *member, runs *sync.WaitGroup) *run {
	r := &run{f: f, m: m}
	cfg := f.cfg.Client
	cfg.URL, cfg.User, cfg.Password, cfg.Handler = m.pool.URL, m.pool.User, m.pool.Password, r
	cfg.Message = func(text string) {
		f.act(func() {
			if !r.stopped {
				f.event(Event{Kind: Said, Pool: m.pool.String(), Text: text})
			}
		})
	}
	dial := cfg.Dial
	if dial == nil {
		dial = func(ctx context.Context, u URL) (jsonrpc.Conn, error) { return u.Dial(ctx, cfg.Dialer) }
	}
	cfg.Dial = func(ctx context.Context, u URL) (jsonrpc.Conn, error) {
		if err := f.budget.wait(ctx); err != nil {
			return nil, err
		}
		return dial(ctx, u)
	}
	r.client = NewClient(cfg)
	ctx, r.cancel = context.WithCancel(ctx)
	runs.Go(func() {
		defer r.cancel()
		err := r.client.Run(ctx)
		f.act(func() { r.ended(err) })
	})
	return r
}

// ended takes note that the Client has given up. It is called with the lock.
func (r *run) ended(err error) {
	f, m := r.f, r.m
	if r.stopped || err == nil {
		return
	}
	r.stopped = true
	m.run, m.job = nil, nil
	if errors.Is(err, ErrUnauthorized) && m.known {
		// It has paid this user before: it is likelier to be in trouble itself.
		m.again = time.Now().Add(f.cfg.Client.Backoff(max(m.failures, 1)))
	} else {
		m.refused = err
		f.event(Event{Kind: Refused, Pool: m.pool.String(), Reason: reason(err), Err: err})
	}
	f.settle(true)
}

// act runs do with the lock, and then makes the calls that it left, one at a time over all goroutines.
func (f *Failover) act(do func()) {
	f.serial.Lock()
	defer f.serial.Unlock()
	f.mu.Lock()
	do()
	calls := f.calls
	f.calls = nil
	f.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

// Job takes a job of one pool, or its loss.
func (r *run) Job(j *pow.Job) {
	r.f.act(func() {
		m := r.m
		if r.stopped {
			return
		}
		m.job = j
		if j == nil {
			r.f.settle(false) // the state, which follows, says why
			return
		}
		if !slices.Contains(r.conns, j.Conn) {
			if r.conns = append(r.conns, j.Conn); len(r.conns) > maxConns {
				r.conns = slices.Delete(r.conns, 0, 1)
			}
		}
		if m.since.IsZero() {
			m.since = time.Now()
		}
		m.jobs++
		m.failures, m.lost = 0, pow.State{}
		if r.f.active == m {
			r.f.hand(j)
			return
		}
		r.f.settle(true)
	})
}

// State takes a change of one pool.
func (r *run) State(s pow.State) {
	r.f.act(func() {
		if r.stopped {
			return
		}
		s.Pool = r.m.pool.String()
		r.m.state = s
		if s.Phase == pow.Down {
			r.m.failures++
			r.m.lost = s
			if errors.Is(s.Err, ErrUnanswered) {
				r.f.leave(r.m)
			}
		}
		r.f.settle(true)
	})
}

// hand passes a job on.
func (f *Failover) hand(j *pow.Job) {
	h := f.cfg.Client.Handler
	f.calls = append(f.calls, func() { h.Job(j) })
}

func (f *Failover) event(e Event) {
	if tell := f.cfg.Event; tell != nil {
		f.calls = append(f.calls, func() { tell(e) })
	}
}

// Submit sends a share to the pool that its job came from, and calls done once with its fate, as Client.Submit does.
func (f *Failover) Submit(s pow.Share, done func(pow.Result)) {
	r := f.route(s.Job)
	if r == nil {
		result := pow.Result{Status: pow.Stale, Reason: reasonGone, Difficulty: s.Difficulty}
		if s.Job != nil {
			result.Target = s.Job.Difficulty
		}
		done(result)
		return
	}
	r.client.Submit(s, func(result pow.Result) {
		result.Pool = r.m.pool.String()
		if result.Status == pow.Accepted || result.Code != 0 { // the pool has answered
			f.mu.Lock()
			r.m.known = r.m.known || result.Status == pow.Accepted
			r.m.mute = 0
			f.mu.Unlock()
		}
		done(result)
	})
}

// route finds whose job j is; nil when its connection is gone.
func (f *Failover) route(j *pow.Job) *run {
	if j == nil || j.Conn == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.pools {
		if m.run != nil && slices.Contains(m.run.conns, j.Conn) {
			return m.run
		}
	}
	return nil
}

// SetPools puts other pools in the place of the present ones, at once. A pool that stays keeps its connection; one that
// was left out is asked again. It must not be called by a Handler.
func (f *Failover) SetPools(pools []Pool) error {
	if len(pools) == 0 {
		return fmt.Errorf("%w: no pool given", ErrAddress)
	}
	f.act(func() {
		before := f.pools
		f.pools = f.members(pools)
		for _, m := range before {
			if !slices.Contains(f.pools, m) {
				m.stop()
			}
			m.refused, m.again, m.mute = nil, time.Time{}, 0 // the person may have put it right
		}
		f.settle(true)
	})
	return nil
}

// Retry tries those pools again at once whose certificate was not accepted: the person may have come to trust it. It
// must not be called by a Handler.
func (f *Failover) Retry() {
	f.act(func() {
		for _, m := range f.pools {
			if m.run == nil || m.state.Phase != pow.Down || !errors.Is(m.lost.Err, jsonrpc.ErrCertificate) {
				continue
			}
			failures := m.failures
			m.stop()
			m.failures, m.again = failures, time.Time{}
		}
		f.settle(true)
	})
}

// Pools returns how each pool stands, in their order.
func (f *Failover) Pools() []PoolState {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, now := make([]PoolState, len(f.pools)), time.Now()
	for i, m := range f.pools {
		all[i] = PoolState{
			Pool: m.pool.String(), Phase: m.state.Phase, Active: m == f.active, Idle: m.run == nil && m.refused == nil && !now.Before(m.again),
			Refused: m.refused != nil, Reason: m.lost.Reason, Err: m.lost.Err, Failures: m.failures,
		}
	}
	return all
}
