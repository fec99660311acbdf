//go:build !js

package wallet_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet"
	"goldpan/wallet/electrum/message"
)

// relay has the wallet server hand what is broadcast to the node, which judges it.
func (n *node) relay() {
	n.server.Take(func(raw []byte) error {
		if err := n.try(nil, "sendrawtransaction", hex.EncodeToString(raw)); err != nil {
			return message.Errorf(message.CodeRejected, "%v", err)
		}
		return nil
	})
}

// account is the known words' account of a purpose.
func (n *node) account(purpose uint32) *wallet.Wallet {
	n.t.Helper()
	o := n.options()
	o.Purpose = purpose
	w, err := wallet.Restore(o, knownWords(n.t))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { w.Close() })
	return w
}

func (n *node) address(w *wallet.Wallet, i uint32) string {
	n.t.Helper()
	a, err := w.Address(i)
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

// pays makes a payment, which the node must take into its mempool.
func (n *node) pays(w *wallet.Wallet, to string, amount coin.Amount, fee wallet.Fee) (wallet.Payment, pow.Hash) {
	n.t.Helper()
	p, err := w.PlanPayment(to, amount, fee)
	if err != nil {
		n.t.Fatalf("%s pays: %v", w.Kind(), err)
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	id, err := w.Pay(ctx, p, "node")
	if err != nil {
		n.t.Fatalf("%s pays: %v", w.Kind(), err)
	}
	var pool []string
	if n.call(&pool, "getrawmempool"); !slices.Contains(pool, id.String()) {
		n.t.Fatalf("%s: the node's mempool is %v, without %s", w.Kind(), pool, id)
	}
	return p, id
}

func (n *node) height() (height int) { n.call(&height, "getblockcount"); return height }

// back takes the last six blocks away.
func (n *node) back() {
	n.t.Helper()
	var sixth string
	n.call(&sixth, "getblockhash", n.height()-5)
	n.call(nil, "invalidateblock", sixth)
}

func (n *node) sync(w *wallet.Wallet) {
	n.t.Helper()
	n.serve()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	if err := w.Sync(ctx, "node"); err != nil {
		n.t.Fatal(err)
	}
}

// TestLitecoinNodeTakesPayments: every kind of address spends its reward, at Debian's litecoind.
func TestLitecoinNodeTakesPayments(t *testing.T) {
	t.Parallel()
	n := newNode(t, "litecoin")
	n.litecoind()
	n.serve()
	n.relay()
	var theirs string
	if n.try(&theirs, "getnewaddress") != nil {
		n.call(nil, "createwallet", "w")
		n.call(&theirs, "getnewaddress")
	}
	const reward = 50 * coin.Unit
	var all []*wallet.Wallet
	for _, purpose := range []uint32{44, 49, 84, 86} {
		w := n.account(purpose)
		all = append(all, w)
		n.call(nil, "generatetoaddress", 1, n.address(w, 0))
		n.call(nil, "generatetoaddress", 1, n.address(w, 1))
	}
	n.call(nil, "generatetoaddress", 100, theirs)
	left := map[*wallet.Wallet]coin.Amount{}
	for _, w := range all {
		n.agree(w, "two rewards", wallet.Balance{Confirmed: 2 * reward})
		p, _ := n.pays(w, theirs, 70*coin.Unit, wallet.Fee{})
		left[w] = 2*reward - p.Leaves
		if p.Coins != 2 || p.Change != left[w] {
			t.Errorf("%+v", p)
		}
		n.agree(w, "paid", wallet.Balance{Unconfirmed: left[w]})
		// The change is the wallet's own: it is spent before it is in a block.
		if w == all[2] {
			q, _ := n.pays(w, theirs, 5*coin.Unit, wallet.Fee{Rate: 20_000})
			left[w] -= q.Leaves
			n.agree(w, "paid again", wallet.Balance{Unconfirmed: left[w]})
		}
	}
	n.call(nil, "generatetoaddress", 1, theirs)
	for _, w := range all {
		n.agree(w, "in a block", wallet.Balance{Confirmed: left[w]})
	}
	n.call(nil, "generatetoaddress", 5, theirs)

	// Six blocks go. The payments are on their way again, and no other ones ever were.
	n.back()
	n.call(&theirs, "getnewaddress")
	n.call(nil, "generateblock", theirs, []string{}) // without them
	for range 7 {
		n.call(nil, "generateblock", theirs, []string{})
	}
	for _, w := range all {
		n.sync(w)
		n.agree(w, "reorganised", wallet.Balance{Unconfirmed: left[w]})
	}
	n.call(nil, "generatetoaddress", 1, theirs)
	for i, w := range all {
		n.agree(w, "in another block", wallet.Balance{Confirmed: left[w]})
		again := n.account([]uint32{44, 49, 84, 86}[i])
		n.agree(again, "restored from words", wallet.Balance{Confirmed: left[w]})
		everything, _ := n.pays(w, theirs, wallet.Everything, wallet.Fee{})
		if everything.Leaves != left[w] || everything.Remains != 0 {
			t.Errorf("%+v", everything)
		}
	}
	n.call(nil, "generatetoaddress", 1, theirs)
	for _, w := range all {
		n.agree(w, "everything", wallet.Balance{})
		for _, p := range w.Payments() {
			if p.State != wallet.PayConfirmed {
				t.Errorf("%s: %+v", w.Kind(), p)
			}
		}
	}
}

// TestBitcoinNodeTakesPayments does the same with btcd, which mines to one account alone: that pays the others, and
// they pay back.
func TestBitcoinNodeTakesPayments(t *testing.T) {
	t.Parallel()
	n := newNode(t, "bitcoin")
	n.btcd(addresses(t, n.params)(0))
	n.serve()
	n.relay()
	const reward = 50 * coin.Unit
	bank := n.account(84)
	n.call(nil, "generate", 100)
	n.agree(bank, "one reward is ripe", wallet.Balance{Confirmed: reward, Immature: 99 * reward})
	spent := coin.Amount(0)
	others := map[uint32]*wallet.Wallet{44: n.account(44), 49: n.account(49), 86: n.account(86)}
	for _, purpose := range []uint32{44, 49, 86} {
		p, _ := n.pays(bank, n.address(others[purpose], 0), 10*coin.Unit, wallet.Fee{Rate: 10_000})
		spent += p.Leaves
		n.sync(bank)
	}
	if got := bank.Balance(); got.Confirmed != 0 || got.Unconfirmed != reward-spent {
		t.Errorf("%+v", got)
	}
	n.call(nil, "generate", 1)
	to := n.address(bank, 7)
	fees := coin.Amount(0)
	for _, purpose := range []uint32{44, 49, 86} {
		w := others[purpose]
		n.agree(w, "was paid", wallet.Balance{Confirmed: 10 * coin.Unit})
		p, _ := n.pays(w, to, 4*coin.Unit, wallet.Fee{})
		n.agree(w, "pays back", wallet.Balance{Unconfirmed: 10*coin.Unit - p.Leaves})
		fees += p.Fee
		// btcd takes no second transaction of the same coins.
		if _, err := w.Pay(t.Context(), p, "node"); !errors.Is(err, wallet.ErrStale) {
			t.Errorf("twice: %v", err)
		}
	}
	n.call(nil, "generate", 1)
	for _, purpose := range []uint32{44, 49, 86} {
		p := others[purpose].Payments()
		if n.sync(others[purpose]); len(p) != 1 || others[purpose].Payments()[0].State != wallet.PayConfirmed {
			t.Errorf("%+v", others[purpose].Payments())
		}
	}
	n.call(nil, "generate", 4)
	n.back() // both blocks with payments go
	n.call(nil, "generate", 8)
	for _, purpose := range []uint32{44, 49, 86} {
		n.sync(others[purpose])
	}
	n.sync(bank)
	for range 4 { // what spends what another brought is sent after it
		n.call(nil, "generate", 1)
		for _, purpose := range []uint32{44, 49, 86} {
			n.sync(others[purpose])
		}
		n.sync(bank)
	}
	for purpose, w := range others {
		left := 10*coin.Unit - w.Payments()[0].Amount - w.Payments()[0].Fee
		n.agree(w, "after another chain", wallet.Balance{Confirmed: left})
		n.agree(n.account(purpose), "restored", wallet.Balance{Confirmed: left})
	}
	n.sync(bank)
	again := n.account(84)
	n.sync(again)
	if a, b := fmt.Sprint(bank.Balance()), fmt.Sprint(again.Balance()); a != b {
		t.Errorf("restored: %s, %s", b, a)
	}
	for _, p := range bank.Payments() {
		if p.State != wallet.PayConfirmed {
			t.Errorf("%+v", p)
		}
	}
}
