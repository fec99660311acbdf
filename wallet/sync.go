package wallet

import (
	"context"
	"errors"
	"sync"
	"time"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
)

const (
	pingEvery  = time.Minute
	askAtOnce  = 8 // calls under way at one time
	maxRounds  = 4 * maxIndex / GapLimit
	dialExpiry = 30 * time.Second
)

// session is the state of one connection. All but what mu guards belongs to the goroutine that calls run.
type session struct {
	w      *Wallet
	number int // of the server
	url    string
	client *electrum.Client
	chain  *electrum.Chain
	wake   chan struct{}
	synced bool
	height int32 // of the server's tip, once it was followed
	tipped pow.Hash
	shown  int32             // the height of the chain when it was told last
	from   int32             // the first height that was asked for, -1 for none, to follow the chain up to
	to     int32             // that height
	loose  map[pow.Hash]bool // what it claims and is in no block; guarded by the wallet's mu

	scripts map[place][]byte
	views   map[place]view
	dirty   map[place]bool
	// announced are the statuses that it told last, and differed how often in this pass a history was not of that status.
	announced map[place]message.Status
	differed  map[place]int
	asked     map[place]bool     // histories that were asked for in this pass
	found     map[pow.Hash]*tx   // and transactions
	opaque    map[pow.Hash]bool  // transactions that this server gave in a form that cannot be read
	offered   map[pow.Hash]int32 // payments that it was sent, at which height

	mu      sync.Mutex
	places  map[message.Hash]place
	tip     *message.HeaderNotice           // announced and not yet followed
	notices map[message.Hash]message.Status // the last of each script
}

// view is a script's history as one server tells it, with the heights; 0 for what is in no block.
type view struct {
	status message.Status
	claims map[pow.Hash]int32
}

// session is one connection, from dial to its end, and says whether it was ever in step.
func (w *Wallet) session(ctx context.Context, number int, url string, once bool) (synced bool, err error) {
	s := &session{
		w: w, number: number, url: url, wake: make(chan struct{}, 1),
		places: map[message.Hash]place{}, scripts: map[place][]byte{}, views: map[place]view{},
		announced: map[place]message.Status{}, differed: map[place]int{},
		dirty: map[place]bool{}, asked: map[place]bool{}, found: map[pow.Hash]*tx{}, opaque: map[pow.Hash]bool{},
	}
	defer func() {
		shown := err
		if ctx.Err() != nil {
			shown = nil // it was ended here
		}
		w.mu.Lock()
		delete(w.servers.live, s)
		w.mu.Unlock()
		w.told(number, func(t *ServerState) {
			t.Connected, t.Synced, t.Err = false, once && err == nil, shown
			if t.Synced {
				t.Height = s.height
			}
		})
	}()
	dialing, cancel := context.WithTimeout(ctx, dialExpiry)
	conn, err := w.dial(dialing, url)
	cancel()
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	if w.servers.live == nil {
		w.servers.live = map[*session]bool{}
	}
	w.servers.live[s] = true
	w.mu.Unlock()
	w.told(number, func(t *ServerState) { t.Dropped = false })
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
		if s.notices == nil {
			s.notices = map[message.Hash]message.Status{}
		}
		s.notices[n.ScriptHash] = n.Status
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
		case !once && electrum.Waits(err):
			// It may catch up: of two blocks found at one time, servers keep the one that they saw first, until
			// the next block tells.
			s.w.told(s.number, func(t *ServerState) { t.Connected, t.Synced, t.Err = true, false, err })
		case err != nil:
			return err
		default:
			s.synced = true
			sent, err := s.deliver(ctx)
			switch {
			case err != nil:
				return err
			case once && sent:
				continue // until the wallet has seen what it sent
			case once:
				s.learnFees(ctx)
				return nil
			}
			err = s.w.save(false) // a full disk is told, and does not stop the wallet from watching
			s.w.told(s.number, func(t *ServerState) {
				t.Connected, t.Synced, t.Err, t.Height = true, true, err, s.height
			})
			s.learnFees(ctx)
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
	w.mu.Lock()
	defer w.mu.Unlock()
	var refused *message.Error
	switch {
	case errors.As(err, &refused) && w.chain != nil:
		s.chain = w.chain // the headers will tell
		return nil
	case err != nil:
		return err
	case w.chain != nil && got != w.chain.Genesis():
		return electrum.ErrGenesis
	case w.chain == nil:
		w.chain = electrum.NewChain(w.o.Params, got)
		c := w.state.clone()
		c.genesis, c.start = got, w.chain.Start()
		w.put(c)
	}
	s.chain = w.chain
	return nil
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
		if err := s.reached(ctx, *tip); err != nil {
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

// reached follows a tip and remembers it.
func (s *session) reached(ctx context.Context, tip message.HeaderNotice) error {
	s.w.told(s.number, func(t *ServerState) { t.Announced = tip.Height })
	s.from, s.to = -1, tip.Height
	if err := s.chain.Follow(ctx, ranges{s}, tip); err != nil {
		return err
	}
	hash, err := tip.Hash()
	s.height, s.tipped = tip.Height, pow.Hash(hash)
	return err
}

// ranges asks the server for headers, and before each range saves those that came with the last and tells of them: a
// first sync takes minutes, and whoever ends it must not lose them.
type ranges struct{ s *session }

func (r ranges) Headers(ctx context.Context, start int32, count int, checkpoint int32) ([]byte, error) {
	w := r.s.w
	if r.s.from < 0 || start < r.s.from {
		r.s.from = start
	}
	r.s.progress(PhaseHeaders, int(start-r.s.from), max(0, int(r.s.to)-int(r.s.from)+1))
	if h := r.s.chain.Height(); h != r.s.shown {
		r.s.shown = h
		_ = w.saveAfter(headersEvery) // a full disk is told when the wallet is in step
		w.o.Changed()
	}
	return r.s.client.Headers(ctx, start, count, checkpoint)
}

// maxPasses bounds how often a server may change its chain before a pass comes to its end.
const maxPasses = 4

// pass brings the state in step with the server.
func (s *session) pass(ctx context.Context) error {
	for range maxPasses {
		err := s.learn(ctx)
		if !errors.Is(err, electrum.ErrHidden) {
			return err
		}
		// A reorganisation may have come while histories were read.
		tip, e := s.client.SubscribeTip(ctx)
		if e != nil {
			return e
		}
		if hash, e := tip.Hash(); e != nil || pow.Hash(hash) == s.tipped {
			return err
		}
		s.mu.Lock()
		s.tip = &tip
		s.mu.Unlock()
	}
	return electrum.ErrHidden
}

// learn is one pass. The wallet shows the whole of it or nothing.
func (s *session) learn(ctx context.Context) error {
	w := s.w
	if err := s.follow(ctx); err != nil {
		return err
	}
	if h, ok := s.chain.Hash(s.height); !ok || h != s.tipped {
		return electrum.ErrLowWork // another server's chain is the better one
	}
	w.mu.Lock()
	work := w.state.clone()
	w.mu.Unlock()
	clear(s.asked)
	clear(s.found)
	clear(s.differed)
	s.unsettle(work)
	for round := 0; ; round++ {
		if round == maxRounds {
			return electrum.ErrTooMuch
		}
		if err := s.subscribe(ctx, work); err != nil {
			return err
		}
		dirty := s.takeDirty()
		if len(dirty) == 0 {
			if err := s.audit(work); err != nil {
				return err
			}
			if dirty = s.takeDirty(); len(dirty) == 0 {
				break
			}
		}
		if err := s.fetch(ctx, work, dirty); err != nil {
			return err
		}
		if err := s.agree(ctx, dirty); err != nil {
			return err
		}
	}
	s.commit(work)
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
		if t.height < max(1, s.chain.Start()) {
			continue
		}
		if h, ok := s.chain.Hash(t.height); !ok || h != t.block {
			loose := *t
			loose.height, loose.block = 0, pow.Hash{}
			work.txs[id] = &loose
			s.found[id] = &loose
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
	err := s.each(ctx, PhaseAddresses, len(fresh), func(ctx context.Context, i int) (err error) {
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
		s.announced[at] = answers[i]
		x := work.scripts[at.chain][at.index]
		if answers[i] != x.status {
			s.dirty[at] = true
			continue
		}
		v := view{x.status, make(map[pow.Hash]int32, len(x.history))}
		for _, id := range x.history {
			v.claims[id] = work.txs[id].height
		}
		s.views[at] = v
	}
	return nil
}

// agree has the scripts asked for again whose history is not the one that was announced. The server may have learned
// more in between, and so it is asked what it announces now; one that never gives what it announces gives an old history.
func (s *session) agree(ctx context.Context, scripts []place) error {
	var odd []place
	for _, at := range scripts {
		if s.views[at].status != s.announced[at] {
			odd = append(odd, at)
		}
	}
	answers := make([]message.Status, len(odd))
	err := parallel(ctx, len(odd), func(ctx context.Context, i int) (err error) {
		answers[i], err = s.client.SubscribeScript(ctx, message.ScriptHash(s.scripts[odd[i]]))
		return err
	})
	if err != nil {
		return err
	}
	for i, at := range odd {
		s.announced[at] = answers[i]
		if s.views[at].status == answers[i] {
			continue
		}
		if s.differed[at]++; s.differed[at] == maxDiffer {
			return electrum.ErrOldHistory
		}
		s.dirty[at] = true
	}
	return nil
}

// maxDiffer is how often in one pass a script's history may be another than the one announced.
const maxDiffer = 4

// takeDirty is the scripts whose history is not the one that this server told last.
func (s *session) takeDirty() []place {
	s.mu.Lock()
	for hash, status := range s.notices {
		at := s.places[hash]
		s.announced[at] = status
		if v, ok := s.views[at]; !ok || v.status != status {
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
