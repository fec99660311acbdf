package wallet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
	spend "goldpan/wallet/tx"
	"goldpan/wallet/uri"
)

// theirs is an address of nobody's.
func theirs(t testing.TB, p *coin.Params) string {
	t.Helper()
	seed := make([]byte, 32)
	a, err := hd.NewAccount(seed, p, p.Purpose, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.Address(hd.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rich is a rig whose wallet has n rewards to spend.
func rich(t *testing.T, n int) *rig {
	t.Helper()
	r := newRig(t)
	for i := range n {
		r.mine(uint32(i))
	}
	r.empty(coin.PracticeMaturity)
	r.sync()
	r.want(coin.Amount(n)*reply, 0, 0)
	return r
}

func (r *rig) plan(amount coin.Amount) Payment {
	r.t.Helper()
	p, err := r.w.PlanPayment(theirs(r.t, r.o.Params), amount, Fee{})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// confirm mines everything that waits.
func (r *rig) confirm() {
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		c.Mine([]byte{0x51}, *mempool...)
		*mempool = nil
		return c
	})
}

func TestPay(t *testing.T) {
	r := rich(t, 3)
	p := r.plan(60 * coin.Unit)
	if p.Amount != 60*coin.Unit || p.Fee <= 0 || p.Change != 40*coin.Unit-p.Fee || p.Coins != 2 || p.Leaves != p.Amount+p.Fee || p.Remains != 3*reply-p.Leaves {
		t.Fatalf("%+v", p)
	}
	r.want(3*reply, 0, 0) // planned, and nothing else
	id, err := r.w.Pay(t.Context(), p, url)
	if err != nil {
		t.Fatal(err)
	}
	r.want(reply, 0, p.Change)
	if list := r.w.Payments(); len(list) != 1 || list[0].State != PaySent || list[0].TxID != id || list[0].To != p.To {
		t.Errorf("%+v", list)
	}
	if e := r.w.History()[0]; e.TxID != id || e.Amount != -p.Leaves || e.To != p.To || e.Fee != p.Fee || e.Height != 0 {
		t.Errorf("%+v", e)
	}
	if _, err := r.w.Pay(t.Context(), p, url); !errors.Is(err, ErrStale) {
		t.Errorf("the same payment again: %v", err)
	}
	r.confirm()
	r.sync()
	r.want(reply+p.Change, 0, 0)
	r.reopen()
	r.want(reply+p.Change, 0, 0)
	if list := r.w.Payments(); len(list) != 1 || list[0].State != PayConfirmed || list[0].Fee != p.Fee {
		t.Errorf("%+v", list)
	}
}

// judge refuses what is broadcast as refuse says, and remembers it.
type judge struct {
	mu     sync.Mutex
	refuse error
	heard  [][]byte
}

func (j *judge) take(raw []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.heard = append(j.heard, bytes.Clone(raw))
	return j.refuse
}

func (j *judge) say(refuse error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refuse = refuse
}

// one tells whether only one payment was ever heard of, however often.
func (j *judge) one(t *testing.T, least int) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.heard) < least {
		t.Errorf("it was sent %d times, and was to be %d at least", len(j.heard), least)
	}
	for _, raw := range j.heard {
		if !bytes.Equal(raw, j.heard[0]) {
			t.Error("two payments were sent")
		}
	}
}

func (r *rig) stands(id pow.Hash, want PayState) {
	r.t.Helper()
	for _, p := range r.w.Payments() {
		if p.TxID == id {
			if p.State != want {
				r.t.Errorf("the payment is %s, want %s", p.State, want)
			}
			return
		}
	}
	r.t.Errorf("the payment is not known")
}

// What is signed is on the disk before a server hears of it, and is sent again as it was, until it is in a block.
func TestPaymentSurvives(t *testing.T) {
	r := rich(t, 2)
	r.o.Dir, r.o.Storage = "", r.w.o.Storage
	var j judge
	r.server.Take(j.take)
	p := r.plan(60 * coin.Unit)
	after := 2*reply - p.Leaves

	// No server is there: it waits.
	id, err := r.w.Pay(t.Context(), p)
	if !errors.Is(err, ErrUnsent) {
		t.Fatal(err)
	}
	r.stands(id, PayWaiting)
	r.want(0, 0, after)
	r.reopen()
	r.stands(id, PayWaiting)
	r.want(0, 0, after)
	if _, err := r.w.PlanPayment(theirs(t, r.o.Params), coin.Unit, Fee{}); !errors.Is(err, spend.ErrFunds) {
		t.Errorf("its coins are reserved, and its change is not there yet: %v", err)
	}

	// The server refuses it: it is kept, and offered again.
	j.say(message.Errorf(message.CodeRejected, "SERVERTEXT 66: mempool full"))
	r.sync()
	r.stands(id, PayRefused)
	r.want(0, 0, after)
	r.reopen()
	r.stands(id, PayWaiting) // who refused it may not do so again

	// It takes it, and forgets it: it is sent again.
	j.say(nil)
	r.sync()
	r.stands(id, PaySent)
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = nil
		return c
	})
	r.reopen()
	r.stands(id, PaySent)
	r.want(0, 0, after)
	r.sync()
	r.want(0, 0, after)
	if err := r.w.GiveUp(id); !errors.Is(err, ErrGiveUp) {
		t.Errorf("a server had it: %v", err)
	}
	j.one(t, 3)
	r.confirm()
	r.sync()
	r.stands(id, PayConfirmed)
	r.want(after, 0, 0)
	r.empty(settledAt)
	r.sync()
	r.reopen()
	r.stands(id, PayConfirmed)
	j.one(t, 3)
	if k := r.w.find(id); k.raw != nil {
		t.Error("it is settled, and is kept to be sent again")
	}
	if e := r.w.History(); e[len(e)-1].To != "" || !slices.ContainsFunc(e, func(e Entry) bool { return e.To == p.To }) {
		t.Errorf("%+v", e)
	}
}

// A reorganisation takes a payment out of its block: it is on its way again, and sent again.
func TestPaymentReorganised(t *testing.T) {
	r := rich(t, 1)
	p := r.plan(20 * coin.Unit)
	id, err := r.w.Pay(t.Context(), p, url)
	if err != nil {
		t.Fatal(err)
	}
	r.confirm()
	r.empty(2)
	r.sync()
	r.stands(id, PayConfirmed)
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		d := c.Clone()
		d.Cut(c.Height() - 2)
		d.MineEmpty(6)
		return d
	})
	r.sync()
	r.stands(id, PaySent)
	r.want(0, 0, reply-p.Leaves)
	r.confirm() // that it is in the mempool anew is what this shows
	r.sync()
	r.stands(id, PayConfirmed)
	r.want(reply-p.Leaves, 0, 0)
}

// Another payment of the same coins, by the same words elsewhere, is in a block: this one never will be.
func TestPaymentReplaced(t *testing.T) {
	r := rich(t, 2)
	p := r.plan(60 * coin.Unit)
	var j judge
	r.server.Take(j.take)
	j.say(message.Errorf(message.CodeRejected, "SERVERTEXT txn-mempool-conflict"))
	id, err := r.w.Pay(t.Context(), p, url)
	var refused *electrum.RefusedError
	if !errors.As(err, &refused) || refused.Reason != electrum.ReasonSpent {
		t.Fatal(err)
	}
	in := p.plan.Inputs[0]
	rival := electrumtest.Tx([]electrumtest.In{{TxID: in.TxID, Index: in.Index}}, electrumtest.Out{Value: 49e8, Script: []byte{0x51}})
	r.server.Update(func(c *electrumtest.Chain, mempool *[][]byte) *electrumtest.Chain {
		*mempool = append(*mempool, rival)
		return c
	})
	r.sync()
	r.stands(id, PayRefused) // the rival is in no block: who knows
	r.want(reply, 0, 0)
	r.confirm()
	r.sync()
	r.stands(id, PayReplaced)
	r.want(reply, 0, 0) // the other coin is free again
	if p, err := r.w.PlanPayment(theirs(t, r.o.Params), coin.Unit, Fee{}); err != nil || p.Coins != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	j.one(t, 1)
}

// A payment that nobody takes can be given up, and the next one can never be in a block beside it.
func TestGiveUp(t *testing.T) {
	r := rich(t, 3)
	p := r.plan(10 * coin.Unit)
	var j judge
	r.server.Take(j.take)
	j.say(message.Errorf(message.CodeRejected, "SERVERTEXT min relay fee not met"))
	id, err := r.w.Pay(t.Context(), p, url)
	var refused *electrum.RefusedError
	if !errors.As(err, &refused) || refused.Reason != electrum.ReasonFee || strings.Contains(err.Error(), "SERVERTEXT") {
		t.Fatal(err)
	}
	before := r.plan(120 * coin.Unit / 2) // spends the two others
	if err := r.w.GiveUp(id); err != nil {
		t.Fatal(err)
	}
	if err := r.w.GiveUp(pow.Hash{1}); !errors.Is(err, ErrNoPayment) {
		t.Error(err)
	}
	r.stands(id, PayGivenUp)
	r.want(3*reply, 0, 0)
	if _, err := r.w.Pay(t.Context(), before, url); !errors.Is(err, ErrStale) {
		t.Errorf("planned before it was given up, without its coins: %v", err)
	}
	r.reopen()
	r.stands(id, PayGivenUp)
	j.say(nil)
	second := r.plan(10 * coin.Unit)
	again, err := r.w.Pay(t.Context(), second, url)
	if err != nil {
		t.Fatal(err)
	}
	shared := false
	for _, a := range p.plan.Inputs {
		for _, b := range second.plan.Inputs {
			shared = shared || a.TxID == b.TxID && a.Index == b.Index
		}
	}
	if !shared {
		t.Error("both payments could be in a block")
	}
	r.confirm()
	r.sync()
	r.stands(again, PayConfirmed)
	r.stands(id, PayReplaced)
	r.want(3*reply-second.Leaves, 0, 0)
}

// What wait for one another: change that a server has told of can be spent at once.
func TestOwnChangeIsSpent(t *testing.T) {
	r := rich(t, 1)
	first := r.plan(5 * coin.Unit)
	if _, err := r.w.Pay(t.Context(), first, url); err != nil {
		t.Fatal(err)
	}
	second := r.plan(7 * coin.Unit)
	if _, err := r.w.Pay(t.Context(), second, url); err != nil {
		t.Fatal(err)
	}
	if first.change == second.change {
		t.Error("an address is used twice")
	}
	r.want(0, 0, reply-first.Leaves-second.Leaves)
	r.confirm()
	r.sync()
	r.want(reply-first.Leaves-second.Leaves, 0, 0)
	everything := r.plan(Everything)
	if everything.Change != 0 || everything.Remains != 0 || everything.Leaves != r.w.Balance().Confirmed {
		t.Errorf("%+v", everything)
	}
	if _, err := r.w.Pay(t.Context(), everything, url); err != nil {
		t.Fatal(err)
	}
	r.want(0, 0, 0)
}

// While Run is connected, a payment goes out through it.
func TestPayWhileRunning(t *testing.T) {
	r := rich(t, 2)
	watch, stop := r.run(url)
	watch.until(t, "in step", func() bool { return r.w.State().Synced }) // else paying syncs, and Run finds it taken
	id, err := r.w.Pay(t.Context(), r.plan(coin.Unit), url)
	if err != nil {
		t.Fatal(err)
	}
	r.stands(id, PaySent)
	if _, err := r.w.Pay(t.Context(), r.plan(2*coin.Unit)); err != nil {
		t.Fatal(err)
	}
	r.server.Take(func([]byte) error { return message.Errorf(message.CodeRejected, "SERVERTEXT") })
	var refused *electrum.RefusedError
	if _, err := r.w.Pay(t.Context(), r.plan(3*coin.Unit)); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	_ = stop()
}

func TestWhomToPay(t *testing.T) {
	r := rich(t, 1)
	own, err := r.w.Address(3)
	if err != nil {
		t.Fatal(err)
	}
	good := theirs(t, r.o.Params)
	p, err := r.w.PlanPayment(" bitcoin:"+good+"?amount=1.5&label=Much%20obliged \n", 0, Fee{})
	if err != nil || p.Amount != 150_000_000 || p.Label != "Much obliged" || p.To != good {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := r.w.PlanPayment("bitcoin:"+good+"?amount=1.5", 2*coin.Unit, Fee{}); err != nil || p.Amount != 2*coin.Unit {
		t.Errorf("what the person says goes before a link: %+v, %v", p, err)
	}
	for to, want := range map[string]error{
		own:                                  ErrOwnAddress,
		"bitcoin:" + own:                     ErrOwnAddress,
		good[:len(good)-1]:                   coin.ErrChecksum,
		"litecoin:" + good:                   uri.ErrCoin,
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa": coin.ErrWrongNetwork,
		"ltcmweb1qqw27tk8ctwqm2amtmjhppl8gnaay2rlxmht03kwsfkcyn4f5ryq57qnvg2c3n8hj2l5d5hn0l7v3ey8j7xkzzs0c6gc5vy3skyy5ezs6yvsuf5r": ErrExtensionAddress,
		"": coin.ErrBadAddress,
	} {
		if _, err := r.w.PlanPayment(to, coin.Unit, Fee{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", to, err, want)
		}
	}
	if _, err := r.w.PlanPayment(good, 0, Fee{}); !errors.Is(err, spend.ErrAmount) {
		t.Errorf("no amount: %v", err)
	}
	if _, err := r.w.PlanPayment(good, coin.Unit, Fee{Blocks: MaxBlocks + 1}); err == nil {
		t.Error("a fee for ever")
	}
	if _, err := r.w.PlanPayment(good, 51*coin.Unit, Fee{}); !errors.Is(err, spend.ErrFunds) {
		t.Errorf("more than there is: %v", err)
	}
	r.w.Lock()
	p = r.plan(coin.Unit)
	if id, err := r.w.Pay(t.Context(), p, url); !errors.Is(err, ErrLocked) || id != (pow.Hash{}) || len(r.w.Payments()) != 0 {
		t.Errorf("a locked wallet: %v", err)
	}
	lines := strings.Join(p.Words(), "\n")
	for _, want := range []string{"1 practice BTC arrives at pan1", "is the fee", "leaves your wallet", "worth nothing"} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q does not say %q", lines, want)
		}
	}
}

// An output that a label of another wallet has frozen is not spent.
func TestFrozenCoin(t *testing.T) {
	r := rich(t, 2)
	list := r.w.History()
	_, err := r.w.ImportLabels(strings.NewReader(fmt.Sprintf(`{"type":"output","ref":"%s:0","spendable":false}`, list[0].TxID)))
	if err != nil {
		t.Fatal(err)
	}
	if p := r.plan(Everything); p.Coins != 1 || p.plan.Inputs[0].TxID != list[1].TxID {
		t.Errorf("%+v", p)
	}
}

// The fee is what servers agree on, within what is sane.
func TestFeeRate(t *testing.T) {
	r := rich(t, 1)
	if rate, guessed := r.w.FeeRate(6); rate != spend.Floor(r.o.Params) || !guessed {
		t.Errorf("nobody told: %v", rate)
	}
	told := map[string]float64{"one": 0.00002, "two": 0.00003, "three": 900}
	servers := map[string]*electrumtest.Server{}
	for name, coins := range told {
		s := electrumtest.NewServer(r.chain)
		defer s.Close()
		s.Lie(func(q message.Request, a message.Response) message.Response {
			if q.Method != message.EstimateFee {
				return a
			}
			a, err := message.Reply(q, coins)
			if err != nil {
				t.Error(err)
			}
			return a
		})
		servers[name] = s
	}
	r.w.o.Dial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error) {
		return servers[url].Dial(ctx, url, limit)
	}
	if err := r.w.Sync(t.Context(), "one", "two", "three"); err != nil {
		t.Fatal(err)
	}
	if rate, guessed := r.w.FeeRate(6); rate != 3000 || guessed {
		t.Errorf("the median: %v", rate)
	}
	if p := r.plan(coin.Unit); p.Rate != 3000 || p.Fee != spend.Rate(3000).Fee(p.VSize) || p.Guessed || p.Blocks != defaultBlocks {
		t.Errorf("%+v", p)
	}
	if p, err := r.w.PlanPayment(theirs(t, r.o.Params), coin.Unit, Fee{Rate: 1500}); err != nil || p.Rate != 1500 || p.Blocks != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}
