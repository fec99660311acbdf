package wallet

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// watcher runs a wallet and waits for what it tells.
type watcher struct {
	mu      sync.Mutex
	changed chan struct{}
}

func (w *watcher) call() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watcher) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		ch := w.changed
		w.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-ch:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestRun(t *testing.T) {
	r := newRig(t)
	watch := &watcher{changed: make(chan struct{})}
	var waits []time.Duration
	r.o.Changed = watch.call
	r.o.wait = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	}
	r.reopen()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx, url) }()
	watch.until(t, "synced", func() bool { return r.w.State().Synced })
	if err := r.w.Sync(t.Context(), url); err == nil {
		t.Error("a second sync at once")
	}
	for i := range 6 {
		r.mine(0)
		watch.until(t, "a reward", func() bool { return r.w.Height() == int32(i+1) && r.w.Balance().Total() == coin.Amount(i+1)*reply })
	}
	r.want(2*reply, 4*reply, 0)

	// An address asked for now is watched now.
	if _, err := r.w.Address(100); err != nil {
		t.Fatal(err)
	}
	r.mine(100)
	watch.until(t, "the reward of a new address", func() bool { return r.w.Balance().Total() == 7*reply })

	// The connection comes back by itself.
	r.server.Hangup()
	watch.until(t, "connected again", func() bool { return r.server.Dials() == 2 && r.w.State().Synced })
	r.mine(3)
	watch.until(t, "a reward after that", func() bool { return r.w.Balance().Total() == 8*reply })

	// A server that lies is left, told of, and tried again.
	r.server.Send([]byte("SERVERTEXT"))
	watch.until(t, "the lie is told", func() bool { return r.server.Dials() == 3 && r.w.State().Synced })

	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if s := r.w.State(); s.Connected || s.Err != nil {
		t.Errorf("%+v", s)
	}
	if len(waits) != 2 || waits[0] < firstWait/2 || waits[0] > 2*firstWait {
		t.Errorf("waited %v", waits)
	}
	r.reopen()
	r.want(4*reply, 4*reply, 0)
	if r.w.Height() != 8 {
		t.Errorf("height %d", r.w.Height())
	}
}

func TestRunBacksOff(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var waits []time.Duration
	r.o.wait = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		if len(waits) == 12 {
			cancel()
		}
		return ctx.Err()
	}
	r.server.Lie(func(q message.Request, _ message.Response) message.Response {
		return message.Refuse(q, errors.New("no"))
	})
	r.reopen()
	if err := r.w.Run(ctx, url); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for i, d := range waits {
		low, high := firstWait<<i/2, firstWait<<i*3/2
		if i > 5 {
			low, high = longWait/2, longWait*3/2
		}
		if d < low || d > high {
			t.Errorf("wait %d is %v", i, d)
		}
	}
}

// A server that is behind is waited for: what is known stays shown, and it goes on when it has caught up.
func TestServerBehind(t *testing.T) {
	r := newRig(t)
	for range 6 {
		r.mine(0)
	}
	r.sync()
	var whole *electrumtest.Chain
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		whole = c
		d := c.Clone()
		d.Cut(3)
		return d
	})
	watch := &watcher{changed: make(chan struct{})}
	var changes atomic.Int64
	r.o.Changed = func() {
		changes.Add(1)
		watch.call()
	}
	r.reopen()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx, url) }()
	watch.until(t, "told", func() bool { return errors.Is(r.w.State().Err, electrum.ErrBehind) })
	r.want(2*reply, 4*reply, 0)
	for i := range uint32(3) { // whatever wakes the wallet meanwhile
		before := changes.Load()
		if _, err := r.w.Address(30 + i); err != nil {
			t.Fatal(err)
		}
		watch.until(t, "woken", func() bool { return changes.Load() > before })
	}
	if s := r.w.State(); s.Synced || !errors.Is(s.Err, electrum.ErrBehind) {
		t.Errorf("%+v of a server that is behind", s)
	}
	r.want(2*reply, 4*reply, 0)
	r.server.Update(func(*electrumtest.Chain, *[][]byte) *electrumtest.Chain { return whole })
	watch.until(t, "synced", func() bool { return r.w.State().Synced })
	r.want(2*reply, 4*reply, 0)
	cancel()
	<-ended
}

// Two blocks at one height are everyday: the wallet keeps the one it knows, and stays connected until a further
// block decides.
func TestRaceOfTwoBlocks(t *testing.T) {
	r := newRig(t)
	for range 6 {
		r.mine(0)
	}
	r.sync()
	watch := &watcher{changed: make(chan struct{})}
	r.o.Changed = watch.call
	r.reopen()
	dials := 0
	dial := r.w.o.Dial
	r.w.o.Dial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error) {
		dials++
		return dial(ctx, url, limit)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx, url) }()
	watch.until(t, "synced", func() bool { return r.w.State().Synced })
	script := r.script(hd.Receive, 1)
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		d := c.Clone()
		d.Cut(6)
		d.Mine(script)
		return d
	})
	watch.until(t, "told", func() bool {
		s := r.w.State()
		return s.Connected && errors.Is(s.Err, electrum.ErrLowWork)
	})
	r.want(2*reply, 4*reply, 0)
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.MineEmpty(1)
		return c
	})
	watch.until(t, "decided", func() bool { return r.w.State().Synced && r.w.Height() == 7 })
	r.want(3*reply, 3*reply, 0)
	cancel()
	<-ended
	if dials != 1 {
		t.Errorf("dialled %d times", dials)
	}
}

// long makes the chain n blocks longer, none of which pays the wallet. They come slowly, or each would be harder to
// mine than the last.
func (r *rig) long(n int) {
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		for range n {
			c.MineAfter(electrumtest.Interval+1, []byte{0x51})
		}
		return c
	})
}

// killed is what lies in storage now, as a kill would leave it.
func killed(m *MemoryStorage) *MemoryStorage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &MemoryStorage{blobs: maps.Clone(m.blobs), key: m.key}
}

// A first sync that takes long tells how far it is, and what it has is saved as it comes: whoever kills it begins
// there again.
func TestLongFirstSyncIsSaved(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.long(3 * message.MaxHeaders)
	store := r.o.Storage.(*MemoryStorage)
	now := time.Unix(1_800_000_000, 0)
	var mu sync.Mutex
	var told []State
	r.o.now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(headersEvery)
		return now
	}
	r.o.Changed = func() {
		s := r.w.State()
		mu.Lock()
		defer mu.Unlock()
		told = append(told, s)
	}
	var left []*MemoryStorage
	var asked []int32
	lie := func(q message.Request, a message.Response) message.Response {
		var h message.HeadersParams
		if q.Method == message.BlockHeaders && q.Decode(&h) == nil {
			asked = append(asked, h.Start)
			left = append(left, killed(store))
		}
		return a
	}
	r.server.Lie(lie)
	r.reopen()
	r.sync()
	r.want(reply, 0, 0)
	if len(left) != 4 {
		t.Fatalf("%d ranges", len(left))
	}
	mu.Lock()
	last, grew := int32(-1), 0
	for _, s := range told {
		if s.Headers < last || s.Announced != 0 && s.Announced != r.chain.Height() {
			t.Errorf("told %d of %d", s.Headers, s.Announced)
		}
		if s.Headers > last {
			grew++
		}
		last = s.Headers
	}
	mu.Unlock()
	if grew < 4 {
		t.Errorf("told of progress %d times", grew)
	}
	kills := left
	for i, store := range kills {
		o := r.o
		o.Storage, o.Changed = store, nil
		w, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if want := int32(i*message.MaxHeaders) - 1; w.State().Headers != want {
			t.Errorf("killed at range %d: %d headers, want up to %d", i, w.State().Headers, want)
		}
		asked = nil
		if err := w.Sync(t.Context(), url); err != nil {
			t.Error(err)
		}
		if len(asked) != len(kills)-i || asked[0] != int32(i*message.MaxHeaders) {
			t.Errorf("killed at range %d: asks for ranges at %v", i, asked)
		}
		if b := w.Balance(); b != r.w.Balance() || w.Height() != r.w.Height() {
			t.Errorf("killed at range %d: %+v at %d", i, b, w.Height())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}
