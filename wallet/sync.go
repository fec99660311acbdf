package wallet

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

const (
	firstWait  = time.Second
	longWait   = time.Minute
	pingEvery  = time.Minute
	askAtOnce  = 8 // calls under way at one time
	maxRounds  = 4 * maxIndex / GapLimit
	dialExpiry = 30 * time.Second
)

var errRunning = errors.New("wallet: it is being synced already")

// Sync learns once what the server at the URL knows: tcp:// or ws://, and the port. A server of another chain is
// electrum.ErrGenesis.
func (w *Wallet) Sync(ctx context.Context, url string) error {
	return w.exclusive(func() error {
		_, err := w.session(ctx, url, true)
		return err
	})
}

// Run stays in step with the server at the URL until ctx ends, and then gives its error. It connects again, after
// a growing while, whenever a connection ends or is ended because the server was caught cheating; State tells. Only
// a server of another chain ends it, with electrum.ErrGenesis.
func (w *Wallet) Run(ctx context.Context, url string) error {
	return w.exclusive(func() error {
		wait := firstWait
		for {
			synced, err := w.session(ctx, url, false)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, electrum.ErrGenesis):
				return err
			case synced:
				wait = firstWait
			}
			// With jitter, so that not all wallets come back to a server at once.
			if err := w.o.wait(ctx, wait/2+rand.N(wait)); err != nil {
				return err
			}
			wait = min(2*wait, longWait)
		}
	})
}

func (w *Wallet) exclusive(f func() error) error {
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

// session is one connection, from dial to its end, and says whether it was ever in step.
func (w *Wallet) session(ctx context.Context, url string, once bool) (synced bool, err error) {
	defer func() {
		shown := err
		if ctx.Err() != nil {
			shown = nil // it was ended here
		}
		w.setState(State{Synced: once && err == nil, Err: shown})
	}()
	dialing, cancel := context.WithTimeout(ctx, dialExpiry)
	conn, err := w.dial(dialing, url)
	cancel()
	if err != nil {
		return false, err
	}
	s := &session{
		w: w, wake: make(chan struct{}, 1),
		places: map[message.Hash]place{}, scripts: map[place][]byte{}, dirty: map[place]bool{}, opaque: map[pow.Hash]bool{},
	}
	w.mu.Lock()
	w.stir = s.stir
	w.mu.Unlock()
	s.client = electrum.NewClient(conn, s)
	connected, stop := context.WithCancel(ctx) // not ctx, which tells the end above who ended it
	ended := make(chan error, 1)
	go func() {
		err := s.client.Run(connected)
		stop()
		ended <- err
	}()
	err = s.run(connected, once)
	stop()
	if e := <-ended; err != nil && errors.Is(err, context.Canceled) {
		err = e // why the connection ended
	}
	return s.synced, err
}

// session is the state of one connection. All but what mu guards belongs to the goroutine that calls run.
type session struct {
	w      *Wallet
	client *electrum.Client
	wake   chan struct{}
	synced bool

	scripts map[place][]byte
	dirty   map[place]bool
	opaque  map[pow.Hash]bool // transactions that this server gave in a form that cannot be read

	mu      sync.Mutex
	places  map[message.Hash]place
	tip     *message.HeaderNotice // announced and not yet followed
	notices []message.StatusNotice
}

// Tip implements electrum.Handler.
func (s *session) Tip(n message.HeaderNotice) {
	s.mu.Lock()
	s.tip = &n
	s.mu.Unlock()
	s.stir()
}

// Status implements electrum.Handler. Only scripts that were asked for count, so a server cannot fill the memory.
func (s *session) Status(n message.StatusNotice) {
	s.mu.Lock()
	_, known := s.places[n.ScriptHash]
	if known {
		for i := range s.notices {
			if s.notices[i].ScriptHash == n.ScriptHash {
				s.notices[i] = n
				known = false
			}
		}
	}
	if known {
		s.notices = append(s.notices, n)
	}
	s.mu.Unlock()
	s.stir()
}

func (s *session) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) run(ctx context.Context, once bool) error {
	if _, err := s.client.Hello(ctx); err != nil {
		return err
	}
	if err := s.genesis(ctx); err != nil {
		return err
	}
	tip, err := s.client.SubscribeTip(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.tip == nil {
		s.tip = &tip
	}
	s.mu.Unlock()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		err := s.pass(ctx)
		switch {
		case !once && (errors.Is(err, electrum.ErrBehind) || errors.Is(err, electrum.ErrLowWork)):
			// It may catch up: of two blocks found at one time, servers keep the one that they saw first, until
			// the next block tells.
			s.w.setState(State{Connected: true, Err: err})
		case err != nil:
			return err
		default:
			s.synced = true
			if once {
				return nil
			}
			err := s.w.save(false) // a full disk is told, and does not stop the wallet from watching
			s.w.setState(State{Connected: true, Synced: true, Err: err})
		}
		select {
		case <-s.wake:
		case <-ping.C:
			if err := s.client.Ping(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// genesis holds the server to the wallet's chain, or takes the server's when there is none yet.
func (s *session) genesis(ctx context.Context) error {
	w := s.w
	got, err := s.client.Genesis(ctx)
	var refused *message.Error
	if errors.As(err, &refused) && w.chain != nil {
		return nil // the headers will tell
	}
	if err != nil {
		return err
	}
	if w.chain != nil {
		if got != w.chain.Genesis() {
			return electrum.ErrGenesis
		}
		return nil
	}
	w.chain = electrum.NewChain(w.o.Params, got)
	w.mu.Lock()
	c := w.state.clone()
	c.genesis = got
	w.put(c)
	w.mu.Unlock()
	return w.save(false)
}

// follow brings the headers up to the last announced tip.
func (s *session) follow(ctx context.Context) error {
	for {
		s.mu.Lock()
		tip := s.tip
		s.tip = nil
		s.mu.Unlock()
		if tip == nil {
			return nil
		}
		if err := s.w.chain.Follow(ctx, s.client, *tip); err != nil {
			// Still to be followed: what the server tells of scripts counts for nothing until its chain does.
			s.mu.Lock()
			if s.tip == nil {
				s.tip = tip
			}
			s.mu.Unlock()
			return err
		}
		// A round trip: notices about scripts that came with this tip are in after it, so that a block's
		// rewards show as soon as its height does.
		if err := s.client.Ping(ctx); err != nil {
			return err
		}
	}
}

// pass brings the state in step with the server. The wallet shows the whole of it or nothing.
func (s *session) pass(ctx context.Context) error {
	w := s.w
	if err := s.follow(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	work := w.state.clone()
	w.mu.Unlock()
	s.unsettle(work)
	for round := 0; ; round++ {
		if round == maxRounds {
			return electrum.ErrTooMuch
		}
		if err := s.subscribe(ctx, work); err != nil {
			return err
		}
		dirty := s.takeDirty(work)
		if len(dirty) == 0 {
			break
		}
		if err := s.fetch(ctx, work, dirty); err != nil {
			return err
		}
	}
	prune(work)
	work.height = w.chain.Height()
	w.mu.Lock()
	work.issued = w.state.issued // may have grown meanwhile
	if work.watched(hd.Receive) > len(work.scripts[hd.Receive]) {
		s.stir()
	}
	w.put(work)
	w.mu.Unlock()
	return nil
}

// unsettle takes back what a reorganisation has undone, and has those scripts asked for again, and those with a
// transaction that an earlier server gave in a form that cannot be read.
func (s *session) unsettle(work *state) {
	undone := map[pow.Hash]bool{}
	for id, t := range work.txs {
		if t.opaque && !s.opaque[id] {
			undone[id] = true
		}
		if t.height == 0 {
			continue
		}
		if h, ok := s.w.chain.Hash(t.height); !ok || h != t.block {
			loose := *t
			loose.height, loose.block = 0, pow.Hash{}
			work.txs[id] = &loose
			undone[id] = true
		}
	}
	if len(undone) == 0 {
		return
	}
	for c, list := range work.scripts {
		for i, x := range list {
			for _, id := range x.history {
				if undone[id] {
					s.dirty[place{uint32(c), uint32(i)}] = true
					break
				}
			}
		}
	}
}

// subscribe watches the addresses that are to be watched and are not yet.
func (s *session) subscribe(ctx context.Context, work *state) error {
	var fresh []place
	for c := range work.scripts {
		for len(work.scripts[c]) < work.watched(uint32(c)) {
			work.scripts[c] = append(work.scripts[c], script{})
		}
		for i := range work.scripts[c] {
			at := place{uint32(c), uint32(i)}
			if s.scripts[at] != nil {
				continue
			}
			b, err := s.w.account.Script(at.chain, at.index)
			if err != nil {
				return err
			}
			s.scripts[at] = b
			fresh = append(fresh, at)
		}
	}
	answers := make([]message.Status, len(fresh))
	err := parallel(ctx, len(fresh), func(ctx context.Context, i int) (err error) {
		hash := message.ScriptHash(s.scripts[fresh[i]])
		s.mu.Lock()
		s.places[hash] = fresh[i]
		s.mu.Unlock()
		answers[i], err = s.client.SubscribeScript(ctx, hash)
		return err
	})
	if err != nil {
		return err
	}
	for i, at := range fresh {
		if answers[i] != work.scripts[at.chain][at.index].status {
			s.dirty[at] = true
		}
	}
	return nil
}

// takeDirty is the scripts whose history is not the one known.
func (s *session) takeDirty(work *state) []place {
	s.mu.Lock()
	for _, n := range s.notices {
		at := s.places[n.ScriptHash]
		if work.scripts[at.chain][at.index].status != n.Status {
			s.dirty[at] = true
		}
	}
	s.notices = nil
	s.mu.Unlock()
	var list []place
	for at := range s.dirty {
		list = append(list, at)
	}
	clear(s.dirty)
	return list
}
