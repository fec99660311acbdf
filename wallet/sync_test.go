package wallet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/seal"
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
	if got, want := r.w.Balance(), (Balance{Confirmed: confirmed, Immature: immature, Unconfirmed: unconfirmed}); got != want {
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
		if fmt.Sprint(s.balance(5, 0)) != fmt.Sprint(u.balance(5, 0)) || s.used(0) != u.used(0) {
			t.Fatal("not the same state")
		}
		s.entries(5)
		_ = s.watched(0)
	})
}
