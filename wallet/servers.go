package wallet

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
)

const (
	firstWait = time.Second
	longWait  = time.Minute
	// dropFor is how long a server that was caught cheating is left alone while there are others.
	dropFor = time.Hour
	// MaxServers is the most servers that are asked at once.
	MaxServers = 8
)

var (
	errRunning = errors.New("wallet: it is being synced already")
	errServers = errors.New("wallet: give one to 8 servers")
)

// State says how the wallet stands with its servers.
type State struct {
	Connected bool
	Synced    bool  // what is shown is what at least one server knows
	Err       error // why nothing is synced, or what could not be saved; in our own words
	Damaged   error // ErrPayments, naming its file, where the payments that were made here cannot be read
	// Headers is the height of the last verified header, -1 before the first. It grows while a first sync runs,
	// towards Announced: the greatest height that a server of this Run or Sync claims, unproven; 0 for none yet.
	Headers, Announced int32
	// Progress is what the first server that is not in step yet keeps a person waiting for; the zero value once one is.
	Progress Progress
	Servers  []ServerState // in the order in which they were given
}

// Phase is a part of a sync, in the order in which they come; "" is none.
type Phase string

// The phases.
const (
	PhaseHeaders      Phase = "headers"      // block headers are fetched and checked
	PhaseAddresses    Phase = "addresses"    // the server is told which addresses to watch
	PhaseHistories    Phase = "histories"    // of addresses that were used
	PhaseBlocks       Phase = "blocks"       // headers of old blocks, up to the next checkpoint
	PhaseTransactions Phase = "transactions" // are fetched and proved
)

// Progress is how many of a phase's items are done. Of is 0 where that is not known before.
type Progress struct {
	Phase    Phase
	Done, Of int
}

// ServerState says how the wallet stands with one server.
type ServerState struct {
	URL       string
	Connected bool
	Synced    bool
	Progress  Progress
	Announced int32 // the height of its chain's tip as it claims, 0 before it did
	Height    int32 // of its chain's tip, 0 before it was followed
	// Err says why the last connection ended, or nil; in our own words.
	Err error
	// Dropped says that it was caught cheating, and is not asked for a while.
	Dropped bool
}

// servers is what a Wallet knows of those that it talks to.
type servers struct {
	mu     sync.Mutex
	list   []ServerState
	shown  time.Time         // when progress was told last
	live   map[*session]bool // whose claims count; guarded by the wallet's mu
	saving sync.Mutex
}

// State is the present one.
func (w *Wallet) State() State {
	w.mu.Lock()
	chain := w.chain
	w.mu.Unlock()
	w.servers.mu.Lock()
	defer w.servers.mu.Unlock()
	s := State{Headers: -1, Damaged: w.pays.damaged, Servers: slices.Clone(w.servers.list)}
	if chain != nil {
		s.Headers = chain.Height()
	}
	for _, x := range s.Servers {
		s.Announced = max(s.Announced, x.Announced)
		s.Connected = s.Connected || x.Connected
		if s.Progress.Phase == "" {
			s.Progress = x.Progress
		}
		switch {
		case x.Synced && !s.Synced:
			s.Synced, s.Err = true, x.Err
		case !s.Synced && s.Err == nil:
			s.Err = x.Err
		}
	}
	if s.Synced {
		s.Progress = Progress{}
	}
	return s
}

// showEvery is how often progress is told.
const showEvery = 200 * time.Millisecond

// progress remembers how far a server's session is, and tells it now and then.
func (s *session) progress(phase Phase, done, of int) {
	w, now := s.w, s.w.o.now()
	w.servers.mu.Lock()
	w.servers.list[s.number].Progress = Progress{phase, done, of}
	due := now.Sub(w.servers.shown) >= showEvery || now.Before(w.servers.shown)
	if due {
		w.servers.shown = now
	}
	w.servers.mu.Unlock()
	if due {
		w.o.Changed()
	}
}

// each is parallel, and tells its progress.
func (s *session) each(ctx context.Context, phase Phase, n int, f func(ctx context.Context, i int) error) error {
	if n == 0 {
		return ctx.Err()
	}
	s.progress(phase, 0, n)
	var done atomic.Int64
	return parallel(ctx, n, func(ctx context.Context, i int) error {
		err := f(ctx, i)
		if err == nil {
			s.progress(phase, int(done.Add(1)), n)
		}
		return err
	})
}

// told replaces what is known of a server, and tells whoever listens.
func (w *Wallet) told(i int, change func(*ServerState)) {
	w.servers.mu.Lock()
	w.servers.list[i].Progress = Progress{}
	change(&w.servers.list[i])
	w.servers.mu.Unlock()
	w.o.Changed()
}

// Sync learns once what the servers at the URLs know: tcp://, tls://, ws:// or wss://, and the port. It fails when
// none of them could be synced with, with what the first failed with; State tells of each. A server of another chain
// is electrum.ErrGenesis, one that hides what another proves is electrum.ErrHidden.
func (w *Wallet) Sync(ctx context.Context, urls ...string) error {
	return w.exclusive(urls, func(i int) error {
		_, err := w.session(ctx, i, urls[i], true)
		return err
	}, func(errs []error) error {
		if slices.Contains(errs, nil) {
			return nil
		}
		return errs[0]
	})
}

// Run stays in step with the servers at the URLs until ctx ends, and then gives its error. It connects again, after
// a growing while, whenever a connection ends or is ended because the server was caught cheating; State tells. Where
// there are several, what one proves counts, and one that contradicts it, or is of another chain, is left alone for an
// hour. Only when all are servers of another chain it ends, with electrum.ErrGenesis.
func (w *Wallet) Run(ctx context.Context, urls ...string) error {
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	var lost atomic.Int32 // servers that were of another chain when last asked
	return w.exclusive(urls, func(i int) error {
		return w.stay(running, i, urls[i], len(urls) == 1, func() func() {
			if int(lost.Add(1)) == len(urls) {
				end(electrum.ErrGenesis)
			}
			return func() { lost.Add(-1) }
		})
	}, func(errs []error) error {
		if ctx.Err() == nil && running.Err() != nil {
			return context.Cause(running)
		}
		return errs[0]
	})
}

// stay is Run for one server. It calls lost when the server is of another chain, and what that gives before it is asked
// again.
func (w *Wallet) stay(ctx context.Context, i int, url string, only bool, lost func() (again func())) error {
	wait := firstWait
	for {
		synced, err := w.session(ctx, i, url, false)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case synced:
			wait = firstWait
		}
		// With jitter, so that not all wallets come back to a server at once.
		pause := wait/2 + rand.N(wait)
		again := func() {}
		other := errors.Is(err, electrum.ErrGenesis)
		if other || !only && electrum.Cheated(err) {
			w.told(i, func(s *ServerState) { s.Dropped = true })
			pause = dropFor
		}
		if other {
			again = lost()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := w.o.wait(ctx, pause); err != nil {
			return err
		}
		again()
		wait = min(2*wait, longWait)
	}
}

// exclusive does something with each server at once, while nobody else does.
func (w *Wallet) exclusive(urls []string, each func(i int) error, sum func([]error) error) error {
	if len(urls) == 0 || len(urls) > MaxServers {
		return errServers
	}
	return w.alone(func() error {
		w.servers.mu.Lock()
		w.servers.list = make([]ServerState, len(urls))
		for i, url := range urls {
			w.servers.list[i].URL = url
		}
		w.servers.mu.Unlock()
		errs := make([]error, len(urls))
		var group sync.WaitGroup
		for i := range urls {
			group.Go(func() { errs[i] = each(i) })
		}
		group.Wait()
		return sum(errs)
	})
}

// alone does something while neither Run nor Sync does, and saves what came of it.
func (w *Wallet) alone(f func() error) error {
	if !w.running.TryLock() {
		return errRunning
	}
	defer w.running.Unlock()
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return ErrClosed
	}
	err := f()
	return errors.Join(err, w.save(true))
}

// claimed tells whether a server that is connected says that there is such a transaction, in no block yet. The caller
// holds w.mu.
func (w *Wallet) claimed(id pow.Hash) bool {
	for s := range w.servers.live {
		if s.loose[id] {
			return true
		}
	}
	return false
}

// stir wakes the sessions. The caller holds w.mu.
func (w *Wallet) stir() {
	for s := range w.servers.live {
		s.stir()
	}
}
