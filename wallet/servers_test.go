package wallet

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// several gives the rig a second server, which knows the same chain, and dials each by its name.
func (r *rig) several() (second *electrumtest.Server) {
	r.t.Helper()
	second = electrumtest.NewServer(r.chain.Clone()) // for each grows under a lock of its own
	r.t.Cleanup(second.Close)
	r.o.Dial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error) {
		switch url {
		case "first":
			return r.server.Dial(ctx, url, limit)
		case "second":
			return second.Dial(ctx, url, limit)
		}
		return nil, errors.New("no such server")
	}
	r.reopen()
	return second
}

// both lets the second server know what the first does.
func (r *rig) both(second *electrumtest.Server) {
	var pool [][]byte
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		r.chain, pool = c, *mempool
		return c
	})
	second.Update(func(_ *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = pool
		return r.chain.Clone()
	})
}

// hide has a server leave a transaction out of each history.
func hide(id pow.Hash) func(message.Request, message.Response) message.Response {
	var mu sync.Mutex
	told := map[string]message.Status{}
	return func(q message.Request, a message.Response) message.Response {
		mu.Lock()
		defer mu.Unlock()
		var h message.History
		switch q.Method {
		case message.ScriptHashSubscribe:
			// A status that is none of the wallet's has it ask for the history, whose own it is from then on.
			status, ok := told[string(q.Params)]
			if !ok {
				status = message.StatusOf(message.History{{Height: 1}})
			}
			a, _ = message.Reply(q, status)
		case message.ScriptHashHistory:
			if h.UnmarshalJSON(a.Result) != nil {
				return a
			}
			var kept message.History
			for _, e := range h {
				if pow.Hash(e.TxHash) != id {
					kept = append(kept, e)
				}
			}
			a, _ = message.Reply(q, kept)
			told[string(q.Params)] = message.StatusOf(kept)
		}
		return a
	}
}

// serverState is how the wallet stands with one of them.
func (r *rig) serverState(i int) ServerState {
	if list := r.w.State().Servers; i < len(list) {
		return list[i]
	}
	return ServerState{}
}

// run has the wallet in step with the servers until the test ends or stop is called.
func (r *rig) run(urls ...string) (watch *watcher, stop func() error) {
	r.t.Helper()
	watch = &watcher{changed: make(chan struct{})}
	r.o.Changed = watch.call
	r.o.wait = func(ctx context.Context, d time.Duration) error {
		if d >= dropFor { // a server that was dropped stays so for the test
			<-ctx.Done()
		}
		return sleep(ctx, time.Millisecond)
	}
	r.reopen()
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx, urls...) }()
	var err error
	done := false
	stop = func() error {
		if !done {
			cancel()
			err, done = <-ended, true
		}
		return err
	}
	r.t.Cleanup(func() { _ = stop() })
	return watch, stop
}

func TestServerThatHidesIsDropped(t *testing.T) {
	for _, liar := range []int{0, 1} {
		r := newRig(t)
		b := r.mine(0)
		r.mine(1)
		r.empty(5)
		second := r.several()
		r.both(second)
		servers := []*electrumtest.Server{r.server, second}
		servers[liar].Lie(hide(b.IDs[0]))
		watch, _ := r.run("first", "second")
		watch.until(t, "the one that hides is dropped", func() bool {
			return r.w.State().Synced && r.serverState(liar).Dropped && r.w.Balance().Confirmed == 2*reply
		})
		s := r.w.State()
		if !errors.Is(s.Servers[liar].Err, electrum.ErrHidden) || s.Servers[liar].Connected || s.Err != nil || s.Servers[1-liar].Dropped {
			t.Errorf("%+v", s)
		}
		if n := servers[liar].Dials(); n != 1 {
			t.Errorf("dialled %d times", n)
		}
	}
}

// A spend that one server hides counts when another proves it: the coin is gone.
func TestHiddenSpend(t *testing.T) {
	r := newRig(t)
	b := r.mine(0)
	r.empty(5)
	pay := electrumtest.Tx([]electrumtest.In{{TxID: b.IDs[0]}}, electrumtest.Out{Value: 50e8, Script: []byte{0x51}})
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.Mine([]byte{0x51}, pay)
		return c
	})
	second := r.several()
	r.both(second)
	second.Lie(hide(electrumtest.ID(pay)))
	watch, _ := r.run("second", "first")
	watch.until(t, "the spend shows", func() bool {
		return r.serverState(0).Dropped && r.serverState(1).Synced && r.w.Balance() == Balance{}
	})
}

// What was proven once stays proven: a server that hides it is not believed, were it the only one.
func TestHidingWhatIsKnown(t *testing.T) {
	r := newRig(t)
	b := r.mine(0)
	r.empty(5)
	r.sync()
	r.server.Lie(hide(b.IDs[0]))
	for _, reopen := range []bool{false, true} {
		if reopen {
			r.reopen()
		}
		if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrHidden) {
			t.Fatal(err)
		}
		r.want(reply, 0, 0)
	}
	// One that calls it unconfirmed does the same.
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		switch q.Method {
		case message.ScriptHashSubscribe:
			a, _ = message.Reply(q, message.StatusOf(message.History{{Height: 1}}))
		case message.ScriptHashHistory:
			a, _ = message.Reply(q, message.History{{Height: 0, TxHash: message.Hash(b.IDs[0])}})
		}
		return a
	})
	if err := r.w.Sync(t.Context(), url); err == nil {
		t.Fatal("a proven transaction was taken back")
	}
	r.want(reply, 0, 0)
	r.server.Lie(nil)
	r.sync()
	r.want(reply, 0, 0)
}

func TestServerWithForgedHeadersIsDropped(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.empty(20)
	second := r.several()
	r.both(second)
	second.Lie(func(q message.Request, a message.Response) message.Response {
		var h message.HeadersResult
		if q.Method == message.BlockHeaders && h.UnmarshalJSON(a.Result) == nil && len(h.Raw) > 0 {
			h.Raw[len(h.Raw)-6] ^= 1 // a target of its own
			a, _ = message.Reply(q, h)
		}
		var n message.HeaderNotice
		if q.Method == message.HeadersSubscribe && n.UnmarshalJSON(a.Result) == nil {
			n.Header[74] ^= 1
			n.Height += 100
			a, _ = message.Reply(q, n)
		}
		return a
	})
	watch, _ := r.run("first", "second")
	watch.until(t, "dropped", func() bool {
		return r.serverState(0).Synced && r.serverState(1).Dropped
	})
	if err := r.w.State().Servers[1].Err; !electrum.Cheated(err) {
		t.Error(err)
	}
	r.want(reply, 0, 0)
}

func TestOneOfTwoIsAway(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	second := r.several()
	r.both(second)
	if err := r.w.Sync(t.Context(), "nowhere", "second"); err != nil {
		t.Fatal(err)
	}
	s := r.w.State()
	if !s.Synced || s.Err != nil || s.Servers[0].Err == nil || s.Servers[0].Synced || !s.Servers[1].Synced {
		t.Errorf("%+v", s)
	}
	r.want(0, reply, 0)
	if err := r.w.Sync(t.Context(), "nowhere", "neither"); err == nil {
		t.Error("synced with nobody")
	}
	for _, urls := range [][]string{nil, make([]string, MaxServers+1)} {
		if err := r.w.Sync(t.Context(), urls...); !errors.Is(err, errServers) {
			t.Errorf("%d servers: %v", len(urls), err)
		}
	}
	// The second goes away, and the first comes back.
	watch, stop := r.run("first", "second")
	watch.until(t, "both", func() bool { return r.serverState(0).Synced && r.serverState(1).Synced })
	second.Hangup()
	r.mine(2)
	watch.until(t, "a reward", func() bool { return r.w.Balance().Total() == 2*reply })
	r.both(second)
	watch.until(t, "both again", func() bool {
		s := r.w.State()
		return second.Dials() > 2 && s.Servers[0].Synced && s.Servers[1].Synced
	})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s := r.w.State(); s.Connected {
		t.Errorf("%+v", s)
	}
}

// Servers hear of a reorganisation one after the other. Neither is to blame.
func TestReorganisationOverTwoServers(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.mine(0)
	}
	r.empty(4)
	second := r.several()
	r.both(second)
	watch, _ := r.run("first", "second")
	watch.until(t, "both", func() bool { return r.serverState(0).Synced && r.serverState(1).Synced })
	r.want(3*reply, 0, 0)
	script := r.script(hd.Receive, 1)
	for i := range 3 {
		r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			d := c.Clone()
			d.Cut(d.Height() - 5) // six blocks go
			d.Mine(script)
			d.MineEmpty(6 + i)
			return d
		})
		watch.until(t, "the first moves", func() bool {
			tip := int32(0)
			r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain { tip = c.Height(); return c })
			return r.w.Height() == tip
		})
		r.both(second)
		watch.until(t, "the second follows", func() bool {
			s := r.w.State()
			return s.Servers[0].Synced && s.Servers[1].Synced && s.Servers[0].Height == s.Servers[1].Height
		})
		for _, s := range r.w.State().Servers {
			if s.Dropped {
				t.Errorf("%+v", s)
			}
		}
	}
}

func TestAllServersOfAnotherChain(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.sync()
	second := r.several()
	other := electrumtest.NewChain(practice(t), 2, easy)
	for _, s := range []*electrumtest.Server{r.server, second} {
		s.Update(func(*electrumtest.Chain, *[][]byte) *electrumtest.Chain { return other })
	}
	if err := r.w.Run(t.Context(), "first", "second"); !errors.Is(err, electrum.ErrGenesis) {
		t.Fatal(err)
	}
	for _, s := range r.w.State().Servers {
		if !s.Dropped || !errors.Is(s.Err, electrum.ErrGenesis) {
			t.Errorf("%+v", s)
		}
	}
	r.want(0, reply, 0)
}

// A payment in no block that only one server knows shows while that server is connected, and not when none says so
// any more.
func TestUnconfirmedOfOneServer(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	second := r.several()
	r.both(second)
	incoming := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{7}}}, electrumtest.Out{Value: 3e8, Script: r.script(hd.Receive, 1)})
	second.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, incoming)
		return c
	})
	watch, _ := r.run("first", "second")
	watch.until(t, "it shows", func() bool { return r.w.Balance() == Balance{Immature: reply, Unconfirmed: 3e8} })
	second.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = nil
		return c
	})
	watch.until(t, "it is gone", func() bool { return r.w.Balance() == Balance{Immature: reply} })
}
