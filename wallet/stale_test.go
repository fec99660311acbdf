package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// A server whose history is not the one that it announces is asked again: it may have learned more meanwhile. One that
// never gives what it announces is not in step, whatever it says.
func TestOldHistory(t *testing.T) {
	for times, want := range map[int]error{1: nil, maxDiffer - 1: nil, 1000: electrum.ErrOldHistory} {
		r := newRig(t)
		r.mine(0)
		r.sync()
		r.mine(0)
		var old atomic.Int32
		r.server.Lie(func(q message.Request, a message.Response) message.Response {
			var h message.History
			if q.Method == message.ScriptHashHistory && h.UnmarshalJSON(a.Result) == nil && len(h) == 2 && int(old.Add(1)) <= times {
				a, _ = message.Reply(q, h[:1])
			}
			return a
		})
		err := r.w.Sync(t.Context(), url)
		if !errors.Is(err, want) {
			t.Errorf("old %d times: %v", times, err)
		}
		if want == nil {
			r.want(0, 2*reply, 0)
			continue
		}
		if !electrum.Cheated(err) || old.Load() != maxDiffer {
			t.Errorf("asked %d times", old.Load())
		}
		r.want(0, reply, 0)
	}
}

// What a spend took away comes back when a reorganisation undoes it; and a transaction that moves to another height is
// proved there.
func TestReorganisationOfASpend(t *testing.T) {
	r := newRig(t)
	b := r.mine(0)
	r.empty(5)
	pay := electrumtest.Tx([]electrumtest.In{{TxID: b.IDs[0]}}, electrumtest.Out{Value: 20e8, Script: []byte{0x51}},
		electrumtest.Out{Value: 29e8, Script: r.script(hd.Change, 0)})
	// branch parts from the chain at height 6, has the payment, if any, after some empty blocks, and more work.
	branch := func(empty int, txs ...[]byte) {
		r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			d := c.Clone()
			d.Cut(6)
			d.MineEmpty(empty)
			d.Mine([]byte{0x51}, txs...)
			d.MineEmpty(max(0, int(c.Height()-d.Height()+1)))
			return d
		})
	}
	branch(0, pay)
	r.sync()
	r.want(29e8, 0, 0)
	for n, reopen := range []bool{false, true} {
		branch(n+1, pay) // to another height
		if reopen {
			r.reopen()
		}
		r.sync()
		r.want(29e8, 0, 0)
		if h := r.w.History(); len(h) != 2 || h[0].Height != int32(7+n) || h[0].TxID != electrumtest.ID(pay) {
			t.Errorf("%+v", h)
		}
		branch(0) // it is gone
		if reopen {
			r.reopen()
		}
		r.sync()
		r.want(reply, 0, 0)
	}
	// It waits to be mined again.
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, pay)
		return c
	})
	r.sync()
	r.want(0, 0, 29e8)
	// The reward itself is undone, and with it what spent it.
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = nil
		d := c.Clone()
		d.Cut(1)
		d.MineEmpty(60)
		return d
	})
	r.sync()
	r.want(0, 0, 0)
	if h := r.w.History(); len(h) != 0 {
		t.Errorf("%+v", h)
	}
}

// Histories without end take no memory without end, though each alone is within its limit. However long a busy machine
// reads them, no call is late: the clock stands still meanwhile.
func TestManyLongHistories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.mine(0)
		long := make(message.History, 60_000)
		for i := range long {
			long[i].TxHash = message.Hash{byte(i), byte(i >> 8), byte(i >> 16), 1}
		}
		written, err := json.Marshal(long) // once: it takes its time
		if err != nil {
			t.Fatal(err)
		}
		var asked atomic.Int32
		r.server.Lie(func(q message.Request, a message.Response) message.Response {
			switch q.Method {
			case message.ScriptHashSubscribe:
				a, _ = message.Reply(q, message.StatusOf(long[:1]))
			case message.ScriptHashHistory:
				asked.Add(1)
				a.Result = written
			}
			return a
		})
		if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrLongHistory) {
			t.Fatal(err)
		}
		if n := asked.Load(); n > maxEntries/60_000+1+askAtOnce {
			t.Errorf("%d of 40 histories were asked for", n)
		}
		r.want(0, 0, 0)
	})
}

// The inputs and outputs that are kept are bounded, whatever transactions a server invents.
func TestManyParts(t *testing.T) {
	r := newRig(t)
	script := r.script(hd.Receive, 0)
	outs := make([]electrumtest.Out, 100)
	for i := range outs {
		outs[i] = electrumtest.Out{Value: 1, Script: script}
	}
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{7}}}, outs...))
		return c
	})
	full := &tx{outputs: make([]output, maxParts-50)}
	s := r.w.state.clone()
	s.txs[pow.Hash{9}] = full
	r.w.put(s)
	if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrLongHistory) {
		t.Fatal(err)
	}
	s = r.w.state.clone()
	full.outputs = full.outputs[:maxParts-100]
	r.w.put(s)
	r.sync()
	r.want(0, 0, 100)
}

// What no coin's rules allow is not credited, in a block or not.
func TestImpossibleTransactions(t *testing.T) {
	for name, v := range map[string]struct {
		ins  []electrumtest.In
		outs []int64
	}{
		"more than there are":   {[]electrumtest.In{{TxID: pow.Hash{7}}}, []int64{21e14 + 1}},
		"more in sum":           {[]electrumtest.In{{TxID: pow.Hash{7}}}, []int64{21e14, 1}},
		"beyond 63 bits in sum": {[]electrumtest.In{{TxID: pow.Hash{7}}}, []int64{1 << 62, 1 << 62, 1 << 62}},
		"one coin spent twice":  {[]electrumtest.In{{TxID: pow.Hash{7}}, {TxID: pow.Hash{7}}}, []int64{5}},
	} {
		r := newRig(t)
		var outs []electrumtest.Out
		for i, value := range v.outs {
			outs = append(outs, electrumtest.Out{Value: value, Script: r.script(hd.Receive, uint32(i))})
		}
		r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
			*mempool = append(*mempool, electrumtest.Tx(v.ins, outs...))
			return c
		})
		err := r.w.Sync(t.Context(), url)
		if err != nil && !errors.Is(err, electrum.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
		if b := r.w.Balance(); b != (Balance{}) {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// A server that is of another chain, beside others, is asked again later: it may have been put right.
func TestOtherChainIsAskedAgain(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	second := r.several()
	r.both(second)
	wrong := electrumtest.NewChain(practice(t), 2, easy).Genesis()
	second.Lie(func(q message.Request, a message.Response) message.Response {
		if q.Method == message.ServerFeatures {
			a, _ = message.Reply(q, message.Features{Genesis: message.Hash(wrong), Min: message.MinVersion, Max: message.MaxVersion})
		}
		return a
	})
	watch := &watcher{changed: make(chan struct{})}
	var mu sync.Mutex
	var waited []time.Duration
	hour := make(chan struct{})
	genesis := r.chain.Genesis()
	r.o.Changed, r.o.Genesis = watch.call, &genesis
	r.o.wait = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		waited = append(waited, d)
		mu.Unlock()
		select {
		case <-hour:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	r.reopen()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.w.Run(ctx, "first", "second") }()
	watch.until(t, "one in step, one dropped", func() bool { return r.serverState(0).Synced && r.serverState(1).Dropped })
	second.Lie(nil)
	close(hour)
	watch.until(t, "both in step", func() bool { return r.serverState(1).Synced && !r.serverState(1).Dropped })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(waited) != 1 || waited[0] != dropFor {
		t.Errorf("waited %v", waited)
	}
}

// A server that goes quiet between two answers is left after a while, and nothing half-learned counts.
func TestQuietInTheMiddle(t *testing.T) {
	for _, method := range []string{message.BlockHeaders, message.ScriptHashSubscribe, message.ScriptHashHistory, message.TransactionGet, message.TransactionMerkle} {
		r := newRig(t)
		r.mine(0)
		r.mine(1)
		r.empty(2)
		r.server.Lie(func(q message.Request, a message.Response) message.Response {
			if q.Method == method {
				r.server.Hangup()
			}
			return a
		})
		if err := r.w.Sync(t.Context(), url); err == nil || electrum.Cheated(err) {
			t.Errorf("%s: %v", method, err)
		}
		r.want(0, 0, 0)
		r.server.Lie(nil)
		r.sync()
		r.want(0, 2*reply, 0)
	}
}
