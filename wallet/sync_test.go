package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

const (
	easy  = 0x207fffff
	reply = 50 * coin.Unit // a block's reward
	url   = "test:"
)

func practice(t testing.TB) *coin.Params {
	t.Helper()
	p, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// words are BIP39's first test vector's, so that tests do not depend on chance.
func words(t testing.TB) hd.Mnemonic {
	t.Helper()
	m, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "about")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rig is a wallet, a chain and a server that it is dialled to.
type rig struct {
	t      *testing.T
	o      Options
	w      *Wallet
	chain  *electrumtest.Chain
	server *electrumtest.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, chain: electrumtest.NewChain(practice(t), 1, easy)}
	r.server = electrumtest.NewServer(r.chain)
	t.Cleanup(func() { r.server.Close() })
	r.o = Options{Storage: &MemoryStorage{}, Params: practice(t), Dial: r.server.Dial}
	w, err := Restore(r.o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	t.Cleanup(func() { r.w.Close() })
	return r
}

func (r *rig) script(chain, index uint32) []byte {
	r.t.Helper()
	s, err := r.w.account.Script(chain, index)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// mine gives the address number index a block's reward.
func (r *rig) mine(index uint32) electrumtest.Block {
	r.t.Helper()
	script := r.script(hd.Receive, index)
	var b electrumtest.Block
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		b = c.Mine(script)
		return c
	})
	return b
}

func (r *rig) empty(n int) {
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.MineEmpty(n)
		return c
	})
}

func (r *rig) sync() {
	r.t.Helper()
	if err := r.w.Sync(r.t.Context(), url); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) reopen() {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	w, err := Open(r.o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.w = w
}

func (r *rig) want(confirmed, immature, unconfirmed coin.Amount) {
	r.t.Helper()
	if got, want := r.w.Balance(), (Balance{confirmed, immature, unconfirmed}); got != want {
		r.t.Errorf("balance %v, want %v", got, want)
	}
}

func TestRewardsMature(t *testing.T) {
	r := newRig(t)
	r.want(0, 0, 0)
	r.mine(0)
	r.sync()
	r.want(0, reply, 0)
	r.empty(3)
	r.sync()
	r.want(0, reply, 0) // 4 deep of 5
	r.mine(0)
	r.sync()
	r.want(reply, reply, 0)
	if r.w.Height() != 5 {
		t.Errorf("height %d", r.w.Height())
	}
	h := r.w.History()
	if len(h) != 2 || h[0].Height != 5 || h[1].Height != 1 || !h[1].Mature || h[0].Mature || !h[0].Reward ||
		h[1].Confirmations != 5 || h[0].Confirmations != 1 || h[0].Amount != reply {
		t.Errorf("%+v", h)
	}
	if s := r.w.State(); !s.Synced || s.Connected || s.Err != nil {
		t.Errorf("%+v", s)
	}
}

func TestSpendingAndChange(t *testing.T) {
	r := newRig(t)
	b := r.mine(0)
	r.empty(5)
	pay := electrumtest.Tx([]electrumtest.In{{TxID: b.IDs[0]}},
		electrumtest.Out{Value: 20e8, Script: []byte{0x51}}, electrumtest.Out{Value: 29e8, Script: r.script(hd.Change, 2)})
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, pay)
		return c
	})
	r.sync()
	r.want(0, 0, 29e8)
	if h := r.w.History(); len(h) != 2 || h[0].Amount != -21e8 || h[0].Height != 0 || h[0].Reward {
		t.Errorf("%+v", h)
	}
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = nil
		c.Mine([]byte{0x51}, pay)
		return c
	})
	r.sync()
	r.want(29e8, 0, 0)
	r.reopen()
	r.want(29e8, 0, 0)
}

func TestUnconfirmedVanishes(t *testing.T) {
	r := newRig(t)
	incoming := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{7}}}, electrumtest.Out{Value: 3e8, Script: r.script(hd.Receive, 1)})
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, incoming)
		return c
	})
	r.sync()
	r.want(0, 0, 3e8)
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = nil
		return c
	})
	r.sync()
	r.want(0, 0, 0)
	if h := r.w.History(); len(h) != 0 {
		t.Errorf("%+v", h)
	}
}

func TestGapLimit(t *testing.T) {
	r := newRig(t)
	r.mine(19)
	r.mine(38) // within 20 of the first
	r.mine(59) // not within 20 of it
	r.sync()
	r.want(0, 2*reply, 0)
	addr, index, err := r.w.NextUnused()
	if err != nil || index != 39 {
		t.Fatalf("%s %d %v", addr, index, err)
	}
	if want, err := r.w.Address(39); err != nil || want != addr {
		t.Fatalf("%s %s %v", addr, want, err)
	}
	// An address that was asked for is watched, gap or not, and also after a restart.
	if _, err := r.w.Address(59); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	r.sync()
	r.want(0, 3*reply, 0)
}

func TestOffline(t *testing.T) {
	r := newRig(t)
	for range 6 {
		r.mine(0)
	}
	r.sync()
	r.reopen()
	r.want(2*reply, 4*reply, 0)
	if r.w.Height() != 6 || len(r.w.History()) != 6 || r.w.State().Synced {
		t.Errorf("height %d, %d entries, %+v", r.w.Height(), len(r.w.History()), r.w.State())
	}
	// What was saved is not asked for again.
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		switch q.Method {
		case message.TransactionGet, message.ScriptHashHistory, message.BlockHeaders:
			return message.Refuse(q, errors.New("not needed"))
		}
		return a
	})
	r.sync()
	r.want(2*reply, 4*reply, 0)
}

func TestReorganisation(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.empty(2)
	lost := r.mine(1)
	r.mine(0)
	r.sync()
	r.want(reply, 2*reply, 0)
	for _, reopen := range []bool{false, true} {
		if reopen {
			r.reopen() // the old branch is in storage then
		}
		script := r.script(hd.Receive, 2)
		r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			d := c.Clone()
			d.Cut(4)
			d.Mine(script)
			d.MineEmpty(2)
			if reopen {
				d.MineEmpty(2)
			}
			return d
		})
		r.sync()
		if reopen {
			r.want(2*reply, 0, 0)
		} else {
			r.want(reply, reply, 0)
		}
		for _, e := range r.w.History() {
			if e.TxID == lost.IDs[0] {
				t.Errorf("a reward of the lost branch stays: %+v", e)
			}
		}
	}
}

func TestOtherChainIsRefused(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.sync()
	other := electrumtest.NewServer(electrumtest.NewChain(practice(t), 2, easy))
	defer other.Close()
	r.o.Dial = other.Dial
	r.reopen()
	if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrGenesis) {
		t.Fatal(err)
	}
	if err := r.w.Run(t.Context(), url); !errors.Is(err, electrum.ErrGenesis) {
		t.Fatal(err)
	}
	r.want(0, reply, 0) // what is known stays

	// A server that claims the right chain and serves another is caught by its headers.
	genesis := r.chain.Genesis()
	other.Lie(func(q message.Request, a message.Response) message.Response {
		if q.Method == message.ServerFeatures {
			a, _ = message.Reply(q, message.Features{Genesis: message.Hash(genesis), Min: message.MinVersion, Max: message.MaxVersion})
		}
		return a
	})
	other.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.MineEmpty(5)
		return c
	})
	if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrGenesis) {
		t.Fatal(err)
	}

	// The person who starts a new practice chain may say so.
	other.Lie(nil)
	fresh := electrumtest.NewChain(practice(t), 2, easy).Genesis()
	r.o.Genesis = &fresh
	r.reopen()
	r.want(0, 0, 0)
	r.sync()
	if r.w.Height() != 5 {
		t.Errorf("height %d", r.w.Height())
	}
	r.o.Genesis = nil
	r.reopen()
	if r.w.Height() != 5 {
		t.Errorf("height %d after a restart", r.w.Height())
	}
	if err := r.w.FixGenesis(genesis); err != nil {
		t.Fatal(err)
	}
	if r.w.Height() != -1 {
		t.Errorf("height %d of a chain not seen yet", r.w.Height())
	}
}

func TestRealNetworksKnowTheirGenesis(t *testing.T) {
	server := electrumtest.NewServer(electrumtest.NewChain(practice(t), 1, easy))
	defer server.Close()
	for _, c := range coin.All() {
		p, err := c.Params(coin.Main)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Storage: &MemoryStorage{}, Params: p, Passphrase: "p", WorkFactor: 1, Dial: server.Dial}
		w, err := Restore(o, words(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrGenesis) {
			t.Errorf("%s: %v", c.ID, err)
		}
		if err := w.FixGenesis(pow.Hash{1}); !errors.Is(err, electrum.ErrGenesis) {
			t.Errorf("%s: %v", c.ID, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		o.Genesis = &pow.Hash{1}
		if _, err := Open(o); !errors.Is(err, electrum.ErrGenesis) {
			t.Errorf("%s: %v", c.ID, err)
		}
	}
}

func TestHostileServers(t *testing.T) {
	result := func(q message.Request, v any) message.Response {
		a, err := message.Reply(q, v)
		if err != nil {
			panic(err)
		}
		return a
	}
	change := func(a message.Response, v any, f func()) message.Response {
		if err := json.Unmarshal(a.Result, v); err != nil {
			panic(err)
		}
		f()
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		a.Result = b
		return a
	}
	foreign := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{9}}}, electrumtest.Out{Value: 1, Script: []byte{0x51}})
	for name, tt := range map[string]struct {
		method string
		lie    func(message.Request, message.Response) message.Response
		want   error
	}{
		"a wrong branch": {message.TransactionMerkle, func(q message.Request, a message.Response) message.Response {
			var m message.MerkleResult
			return change(a, &m, func() { m.Branch = append(m.Branch, message.Hash{1}) })
		}, electrum.ErrProof},
		"another place": {message.TransactionMerkle, func(q message.Request, a message.Response) message.Response {
			var m message.MerkleResult
			return change(a, &m, func() { m.Position++ })
		}, electrum.ErrProof},
		"another height in the proof": {message.TransactionMerkle, func(q message.Request, a message.Response) message.Response {
			var m message.MerkleResult
			return change(a, &m, func() { m.Height++ })
		}, electrum.ErrProof},
		"another height in the history": {message.ScriptHashHistory, func(q message.Request, a message.Response) message.Response {
			var h message.History
			return change(a, &h, func() {
				for i := range h {
					h[i].Height++
				}
			})
		}, nil}, // the server refuses its own proof then: any error does
		"a height past the tip": {message.ScriptHashHistory, func(q message.Request, a message.Response) message.Response {
			var h message.History
			return change(a, &h, func() {
				for i := range h {
					h[i].Height = 1 << 30
				}
			})
		}, electrum.ErrProof},
		"another transaction": {message.TransactionGet, func(q message.Request, a message.Response) message.Response {
			return result(q, message.Hex(foreign))
		}, electrum.ErrProof},
		"a transaction that is not ours": {message.ScriptHashHistory, func(q message.Request, a message.Response) message.Response {
			return result(q, message.History{{Height: 0, TxHash: message.Hash(electrumtest.ID(foreign))}})
		}, electrum.ErrProof},
		"a history too long": {message.ScriptHashHistory, func(q message.Request, a message.Response) message.Response {
			return result(q, json.RawMessage("["+strings.Repeat("{},", message.MaxHistory)+"{}]"))
		}, electrum.ErrProtocol},
		"headers cut short": {message.BlockHeaders, func(q message.Request, a message.Response) message.Response {
			var h message.HeadersResult
			return change(a, &h, func() { h.List, h.Raw = false, append(h.Raw, 0) })
		}, electrum.ErrHeader},
		"more headers than asked": {message.BlockHeaders, func(q message.Request, a message.Response) message.Response {
			var h message.HeadersResult
			return change(a, &h, func() {
				h.Raw = append(h.Raw, h.Raw...)
				h.Count *= 2
			})
		}, electrum.ErrProtocol},
		"an altered header": {message.BlockHeaders, func(q message.Request, a message.Response) message.Response {
			var h message.HeadersResult
			return change(a, &h, func() { h.Raw[3*message.HeaderSize-10] ^= 1 })
		}, nil},
		"a merge-mined tip": {message.HeadersSubscribe, func(q message.Request, a message.Response) message.Response {
			var n message.HeaderNotice
			return change(a, &n, func() { n.Header = append(n.Header, 1) })
		}, electrum.ErrHeader},
		"an old version": {message.ServerVersion, func(q message.Request, a message.Response) message.Response {
			return result(q, message.VersionResult{Software: "x", Version: message.Version{Major: 1, Minor: 2}})
		}, electrum.ErrVersion},
		"a refusal with a text": {message.ScriptHashSubscribe, func(q message.Request, a message.Response) message.Response {
			return message.Refuse(q, message.Errorf(1, "SERVERTEXT"))
		}, nil},
		"a status that is none": {message.ScriptHashSubscribe, func(q message.Request, a message.Response) message.Response {
			return result(q, "SERVERTEXT")
		}, electrum.ErrProtocol},
		"an answer to another question": {message.ServerPing, func(q message.Request, a message.Response) message.Response {
			a.ID = json.RawMessage("99999")
			return a
		}, electrum.ErrProtocol},
		"an id that is none": {message.ServerPing, func(q message.Request, a message.Response) message.Response {
			a.ID = json.RawMessage(`"SERVERTEXT"`)
			return a
		}, electrum.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.mine(0)
			r.mine(0)
			r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
				*mempool = append(*mempool, foreign)
				return c
			})
			r.server.Lie(func(q message.Request, a message.Response) message.Response {
				if q.Method == tt.method {
					return tt.lie(q, a)
				}
				return a
			})
			err := r.w.Sync(t.Context(), url)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if strings.Contains(err.Error(), "SERVERTEXT") {
				t.Errorf("shows the server's text: %v", err)
			}
			r.want(0, 0, 0)
			r.server.Lie(nil)
			r.sync() // and nothing of it stays
			r.want(0, 2*reply, 0)
		})
	}
}

// A forger without hash power can offer a longer chain only with easier blocks, which the retarget rule forbids, or
// a shorter one, which has less work.
func TestLowWork(t *testing.T) {
	r := newRig(t)
	for range 30 {
		r.mine(0)
	}
	r.sync()
	known := r.w.Balance()
	script := r.script(hd.Receive, 1)
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		d := c.Clone()
		d.Cut(10)
		for range 15 {
			d.MineAfter(100, script) // so slow that it becomes easier, by the rule
		}
		return d
	})
	if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrLowWork) {
		t.Fatal(err)
	}
	if r.w.Balance() != known || r.w.Height() != 30 {
		t.Errorf("%v at %d", r.w.Balance(), r.w.Height())
	}
}

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

// A history that names a block past the tip ends the connection even when the tip that is announced then lies behind:
// waiting for it would leave the history unread.
func TestHistoryPastAServersOwnTip(t *testing.T) {
	r := newRig(t)
	for range 6 {
		r.mine(0)
	}
	r.sync()
	r.mine(0)
	asked := 0
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		if q.Method == message.HeadersSubscribe {
			height, b := int32(6), r.chain.Blocks[6].Header.Bytes()
			if asked++; asked > 1 {
				b = r.chain.Blocks[3].Header.Bytes()
				height = 3
			}
			a, _ = message.Reply(q, message.HeaderNotice{Height: height, Header: b[:]})
		}
		return a
	})
	enough := errors.New("the connection ended")
	r.w.o.wait = func(context.Context, time.Duration) error { return enough }
	if err := r.w.Run(t.Context(), url); !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if err := r.w.State().Err; !errors.Is(err, electrum.ErrProof) {
		t.Fatal(err)
	}
	r.want(2*reply, 4*reply, 0)
}

// What a server gives for a transaction may be unreadable by right, and then it counts for nothing; but nobody can
// check that, so it must not hide the payment from the next server's answer.
func TestUnreadableTransaction(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		r := newRig(t)
		r.mine(0)
		r.mine(1)
		gets := 0
		lie := func(q message.Request, a message.Response) message.Response {
			if q.Method == message.TransactionGet {
				gets++
				a, _ = message.Reply(q, message.Hex{1, 0, 0, 0, 0, 8})
			}
			return a
		}
		r.server.Lie(lie)
		r.sync()
		r.want(0, 0, 0)
		if len(r.w.History()) != 0 {
			t.Errorf("%+v", r.w.History())
		}
		if gets != 2 {
			t.Errorf("asked %d times for two transactions", gets)
		}
		r.server.Lie(nil)
		if reopen {
			r.reopen()
		}
		r.sync()
		r.want(0, 2*reply, 0)
	}
}

// Only the first block's hash is read of what a server tells about itself.
func TestFeaturesOfAnyForm(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	genesis := r.chain.Genesis().String()
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		if q.Method == message.ServerFeatures {
			a.Result = json.RawMessage(`{"genesis_hash":"` + genesis + `","hosts":[[],[]],"pruning":"x"}`)
		}
		return a
	})
	r.sync()
	r.want(0, reply, 0)
}

// Each address that the wallet gives out below its limit is watched, however far ahead it was asked for.
func TestFarAddressIsWatched(t *testing.T) {
	r := newRig(t)
	for _, index := range []uint32{maxIndex - 1, maxIndex} {
		if _, err := r.w.Address(index); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.w.state.watched(hd.Receive); got != maxIndex {
		t.Fatalf("watches %d addresses, want %d", got, maxIndex)
	}
	plain, err := r.w.state.encode()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := decodeState(plain); err != nil || s.issued != maxIndex {
		t.Fatalf("read back: %v", err)
	}
}

func TestOldProtocol(t *testing.T) {
	r := newRig(t)
	r.server.Version = message.MinVersion
	for range 3 {
		r.mine(0)
	}
	r.sync()
	r.want(0, 3*reply, 0)
}

func TestManyHeaders(t *testing.T) {
	r := newRig(t)
	r.empty(2*chunkSize + 100)
	r.mine(0)
	r.sync()
	r.reopen()
	want := r.chain.Height()
	if r.w.Height() != want || len(r.w.saved.chunks) != 3 {
		t.Fatalf("height %d of %d, %d chunks", r.w.Height(), want, len(r.w.saved.chunks))
	}
	r.want(0, reply, 0)
	// A damaged chunk costs a download, nothing else.
	if err := r.o.Storage.Write(r.w.chunkName(1), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	if r.w.Height() != chunkSize-1 {
		t.Fatalf("height %d", r.w.Height())
	}
	r.sync()
	r.want(0, reply, 0)
	if r.w.Height() != want {
		t.Fatalf("height %d of %d", r.w.Height(), want)
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"issued":1,"scripts":[[{}],[]],"txs":[]}`))
	f.Add([]byte(`{"version":1,"scripts":[[{"h":["` + strings.Repeat("00", 32) + `"]}],[]],"txs":[{"id":"` + strings.Repeat("00", 32) + `","h":1,"o":[{"v":5}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeState(b)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		u, err := decodeState(again)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.balance(5)) != fmt.Sprint(u.balance(5)) || s.used(0) != u.used(0) {
			t.Fatal("not the same state")
		}
		s.entries(5)
		_ = s.watched(0)
	})
}

func FuzzEnvelope(f *testing.F) {
	e := envelope{Goldpan: "wallet", Version: 1, Network: coin.Practice, Secret: seal.Key{1}.Seal([]byte("{}"), nil)}
	e.Sum = e.sum()
	b, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parseEnvelope(b, coin.Practice); err == nil && e.Network != coin.Practice {
			t.Fatal("another network")
		}
	})
}
