package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

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
		}, electrum.ErrLongHistory},
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

	// Or that whatever chain the server has is the new one; that holds after a restart before the first server too.
	for _, restart := range []bool{false, true} {
		if err := r.w.FixGenesis(pow.Hash{}); err != nil {
			t.Fatal(err)
		}
		if restart {
			r.reopen()
		}
		if r.w.Height() > 0 {
			t.Errorf("height %d of no chain", r.w.Height())
		}
		r.sync()
		if r.w.Height() != 5 {
			t.Errorf("height %d", r.w.Height())
		}
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
