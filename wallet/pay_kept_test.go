package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/electrum/electrumtest"
)

// Payments that are kept read back as they were written, and nothing else is taken for one.
func FuzzPayments(f *testing.F) {
	raw := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{1}}}, electrumtest.Out{Value: 5, Script: []byte{0x51}}, electrumtest.Out{Value: 6, Script: []byte{0x52}})
	seed, err := encodePayments([]*payment{
		{id: electrumtest.ID(raw), to: "pan1", amount: 5, fee: 1, made: time.Unix(1_700_000_000, 0).UTC(), raw: raw, taken: true, outputs: []output{{1, place{1, 3}, 6}}},
		{id: pow.Hash{9}, to: "pan1", amount: 7, made: time.Unix(1_700_000_000, 0).UTC()},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"version":1,"payments":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodePayments(b)
		if err != nil {
			return
		}
		for _, p := range list {
			if p.raw != nil && len(p.inputs) == 0 || p.amount < 0 || p.fee < 0 {
				t.Fatalf("%+v", p)
			}
		}
		once, err := encodePayments(list)
		if err != nil {
			return // a year that JSON does not write
		}
		again, err := decodePayments(once)
		if err != nil || fmt.Sprint(len(again)) != fmt.Sprint(len(list)) {
			t.Fatalf("%v: %s", err, once)
		}
		twice, err := encodePayments(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s, %s", once, twice)
		}
	})
}

func TestPaymentsAreReadBack(t *testing.T) {
	raw := electrumtest.Tx([]electrumtest.In{{TxID: pow.Hash{1}}}, electrumtest.Out{Value: 5, Script: []byte{0x51}})
	good := payment{id: electrumtest.ID(raw), to: "pan1", raw: raw}
	for name, change := range map[string]func(p *payment){
		"another's id":       func(p *payment) { p.id[0]++ },
		"cut":                func(p *payment) { p.raw = p.raw[:len(p.raw)-1] },
		"less than nothing":  func(p *payment) { p.amount = -1 },
		"a line in it":       func(p *payment) { p.to = "pan1\n" },
		"another's change":   func(p *payment) { p.outputs = []output{{0, place{1, 0}, 6}} },
		"no such output":     func(p *payment) { p.outputs = []output{{1, place{1, 0}, 5}} },
		"no such chain":      func(p *payment) { p.outputs = []output{{0, place{2, 0}, 5}} },
		"an address too far": func(p *payment) { p.outputs = []output{{0, place{1, maxIndex}, 5}} },
	} {
		p := good
		change(&p)
		b, err := encodePayments([]*payment{&p})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodePayments(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	b, err := encodePayments([]*payment{&good, &good})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodePayments(b); err == nil {
		t.Error("one twice is taken")
	}
}

// A file of payments that cannot be read, and neither can its copy, is told and left as it is: one that no server has
// had yet may be in it.
func TestDamagedPayments(t *testing.T) {
	r := rich(t, 2)
	if _, err := r.w.Pay(t.Context(), r.plan(coin.Unit), url); err != nil {
		t.Fatal(err)
	}
	made := r.plan(coin.Unit)
	name := r.w.paymentsName()
	whole, err := r.o.Storage.Read(name, maxPayFile, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{
		"cut":        whole[:len(whole)-1],
		"empty":      {},
		"another's":  r.w.key.Seal([]byte(`{"version":1}`), r.w.purpose("another")),
		"of no kind": r.w.key.Seal([]byte(`{"version":2}`), r.w.purpose(name)),
		"too long":   make([]byte, maxPayFile+2048),
	} {
		if err := r.o.Storage.Write(name, bad); err != nil {
			t.Fatal(err)
		}
		r.reopen()
		if err := r.w.State().Damaged; !errors.Is(err, ErrPayments) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := r.w.PlanPayment(theirs(t, r.o.Params), coin.Unit, Fee{}); !errors.Is(err, ErrPayments) {
			t.Errorf("%s: planned: %v", what, err)
		}
		if id, err := r.w.Pay(t.Context(), made, url); !errors.Is(err, ErrPayments) || id != (pow.Hash{}) {
			t.Errorf("%s: paid %v: %v", what, id, err)
		}
		r.sync()
		if list := r.w.History(); len(list) != 3 || list[0].Height != 0 {
			t.Errorf("%s: what was sent is not seen at the server: %+v", what, list)
		}
		if err := r.w.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err := r.o.Storage.Read(name, 2*maxPayFile, func([]byte) error { return nil }); err != nil || !bytes.Equal(b, bad) {
			t.Errorf("%s: it was written over: %v", what, err)
		}
		r.reopen()
	}
	if err := r.o.Storage.Write(name, whole); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	if list := r.w.Payments(); r.w.State().Damaged != nil || len(list) != 1 || list[0].State != PaySent {
		t.Errorf("whole again: %v, %+v", r.w.State().Damaged, list)
	}
}
