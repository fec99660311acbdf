package wallet

import (
	"errors"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

func TestRescan(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.mine(50) // past 20 unused ones
	r.sync()
	r.want(0, reply, 0)
	if r.w.GapLimit() != GapLimit {
		t.Errorf("gap limit %d", r.w.GapLimit())
	}
	for _, gap := range []int{-1, MaxGapLimit + 1} {
		if err := r.w.Rescan(gap); !errors.Is(err, errGap) {
			t.Errorf("%d: %v", gap, err)
		}
	}
	if err := r.w.Rescan(60); err != nil {
		t.Fatal(err)
	}
	r.sync()
	r.want(0, 2*reply, 0)
	r.reopen()
	if r.w.GapLimit() != 60 {
		t.Errorf("gap limit %d after a restart", r.w.GapLimit())
	}
	r.want(0, 2*reply, 0)
	// With the setting, a wallet that is made of the words finds it at once.
	o := r.o
	o.Storage, o.GapLimit = &MemoryStorage{}, 60
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Sync(t.Context(), url); err != nil || w.Balance().Immature != 2*reply {
		t.Errorf("%v, %+v", err, w.Balance())
	}
	o.GapLimit = MaxGapLimit + 1
	o.Storage = &MemoryStorage{}
	if _, err := Restore(o, words(t)); !errors.Is(err, errGap) {
		t.Error(err)
	}
	// A rescan asks anew for what a liar left out, and for what it made up.
	if err := r.w.Rescan(0); err != nil {
		t.Fatal(err)
	}
	r.want(0, 0, 0)
	r.sync()
	r.want(0, 2*reply, 0)
}

func TestMaturityOfEachCoin(t *testing.T) {
	for id, want := range map[string]int32{"bitcoin": 100, "litecoin": 100, "dogecoin": 240} {
		c, err := coin.ByID(id)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Params(coin.Main)
		if err != nil {
			t.Fatal(err)
		}
		s := newState()
		s.txs[pow.Hash{1}] = &tx{height: 1000, coinbase: true, outputs: []output{{value: 5e8}}}
		for _, v := range []struct {
			height   int32
			confirms int32
			mature   bool
		}{{1036, 37, false}, {999 + want - 1, want - 1, false}, {999 + want, want, true}} {
			s.height = v.height
			e := s.entries(p.Maturity)[0]
			if e.Confirmations != v.confirms || e.Mature != v.mature || e.Matures != want {
				t.Errorf("%s at %d: %+v", id, v.height, e)
			}
			if b := s.balance(p.Maturity, 0); (b.Confirmed > 0) != v.mature || (b.Immature > 0) == v.mature {
				t.Errorf("%s at %d: %+v", id, v.height, b)
			}
		}
	}
	// What comes out of Litecoin's extension block waits six blocks.
	s := newState()
	s.txs[pow.Hash{1}] = &tx{height: 10, pegout: true, outputs: []output{{value: 5}}}
	for height, want := range map[int32]Balance{14: {Immature: 5}, 15: {Confirmed: 5}} {
		s.height = height
		if b := s.balance(100, 0); b != want {
			t.Errorf("a payment out of the extension block at %d: %+v", height, b)
		}
	}
}

func TestDustStandsApart(t *testing.T) {
	r := newRig(t)
	dust := uneconomic(r.w.Params(), hd.WPKH)
	if dust != 294 {
		t.Fatalf("dust is below %d", dust)
	}
	pay := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{7}}}, electrumtest.Out{Value: 293, Script: r.script(hd.Receive, 1)},
		electrumtest.Out{Value: 294, Script: r.script(hd.Receive, 2)})
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.Mine([]byte{0x51}, pay)
		return c
	})
	r.sync()
	if b := r.w.Balance(); b != (Balance{Confirmed: 294, Dust: 293}) || b.Total() != 587 {
		t.Errorf("%+v", b)
	}
	for id, want := range map[string]coin.Amount{"litecoin": 2940, "dogecoin": 1_000_000} {
		c, err := coin.ByID(id)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Params(coin.Main)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := hd.KindOf(p.Purpose)
		if err != nil {
			t.Fatal(err)
		}
		if got := uneconomic(p, kind); got != want {
			t.Errorf("%s: %d", id, got)
		}
	}
}

// A wallet whose chain begins at a checkpoint proves what lies below it by headers that lead up to it.
func TestBelowTheCheckpoint(t *testing.T) {
	r := newRig(t)
	r.mine(0)
	r.empty(60)
	r.mine(1)
	r.empty(60)
	r.mine(2)
	anchor := func() {
		hash := r.chain.Blocks[100].Header.BlockHash()
		r.w.chain = electrum.NewChainAt(practice(t), r.chain.Genesis(), electrum.Checkpoint{Height: 100, Hash: hash})
		s := r.w.state.clone()
		s.genesis, s.start = r.chain.Genesis(), r.w.chain.Start()
		r.w.put(s)
	}
	anchor()
	start := r.w.chain.Start()
	if start < 50 || start > 90 {
		t.Fatalf("starts at %d", start)
	}
	asked := 0
	count := func(q message.Request, a message.Response) message.Response {
		var h message.HeadersResult
		if q.Method == message.BlockHeaders && h.UnmarshalJSON(a.Result) == nil {
			asked += h.Count
		}
		return a
	}
	r.server.Lie(count)
	r.sync()
	r.want(2*reply, reply, 0)
	if asked > 130 {
		t.Errorf("asked for %d headers of 123", asked)
	}
	r.reopen()
	r.want(2*reply, reply, 0)
	if r.w.chain.Start() != start || r.w.Height() != r.chain.Height() {
		t.Errorf("from %d to %d after a restart", r.w.chain.Start(), r.w.Height())
	}
	asked = 0
	r.sync()
	if asked != 0 {
		t.Errorf("asked for %d headers again", asked)
	}

	// Headers that do not lead there prove nothing.
	if err := r.w.Rescan(0); err != nil {
		t.Fatal(err)
	}
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		var p message.HeadersParams
		var h message.HeadersResult
		if q.Method == message.BlockHeaders && q.Decode(&p) == nil && p.Start < start && h.UnmarshalJSON(a.Result) == nil {
			h.Raw[36] ^= 1 // the merkle root of the first
			a, _ = message.Reply(q, h)
		}
		return a
	})
	if err := r.w.Sync(t.Context(), url); !errors.Is(err, electrum.ErrUnlinked) {
		t.Fatal(err)
	}
	r.want(0, 0, 0)
	r.server.Lie(nil)
	r.sync()
	r.want(2*reply, reply, 0)
}
