package wallet

import (
	"errors"
	"testing"

	"goldpan/core/coin"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
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
