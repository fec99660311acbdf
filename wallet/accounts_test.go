package wallet

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

// What lies on the paths that were found beside an account shows with it, and all of them follow one chain of headers.
func TestAccounts(t *testing.T) {
	r := newRig(t)
	old, err := hd.PathOf(r.o.Params, 44, 0)
	if err != nil {
		t.Fatal(err)
	}
	empty, err := hd.PathOf(r.o.Params, 49, 0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := r.w.OpenPath(old)
	if err != nil {
		t.Fatal(err)
	}
	script, err := other.account.Script(hd.Receive, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	r.mine(0)
	r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
		c.Mine(script)
		c.MineEmpty(3)
		return c
	})
	if err := r.w.Remember(old, empty); err != nil {
		t.Fatal(err)
	}
	headers := 0
	var mu sync.Mutex
	r.server.Lie(func(q message.Request, a message.Response) message.Response {
		var h message.HeadersResult
		if q.Method == message.BlockHeaders && h.UnmarshalJSON(a.Result) == nil {
			mu.Lock()
			headers += h.Count
			mu.Unlock()
		}
		return a
	})
	// Only the first of them was synced before: the others take its headers on.
	r.sync()
	a, err := r.w.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Sync(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if len(a.List()) != 3 || len(a.Held()) != 0 || a.List()[0] != r.w || a.List()[1].Account() != old {
		t.Fatalf("%d accounts, %v held", len(a.List()), a.Held())
	}
	want := Balance{Confirmed: reply, Immature: reply}
	if a.Balance() != want || a.List()[1].Balance() != (Balance{Immature: reply}) || a.List()[1].Height() != 5 {
		t.Errorf("%+v", a.Balance())
	}
	if headers != 6 {
		t.Errorf("%d headers were fetched of 6", headers)
	}
	if held, err := r.w.Accounts(); err != nil || len(held.Held()) != 2 || len(held.List()) != 1 {
		t.Errorf("while they are open: %+v, %v", held, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	// Each is kept by itself, and knows its balance without a server and without the others.
	name := ""
	for blob := range r.o.Storage.(*MemoryStorage).blobs {
		if strings.Contains(blob, "-49/headers") {
			t.Errorf("%s is kept for an account that nobody paid", blob)
		}
		if strings.Contains(blob, "-44/headers") {
			name = blob
		}
	}
	if name == "" {
		t.Error("the headers of an account that was paid are not kept")
	}
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	o := r.o
	o.Path = old
	alone, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if alone.Balance() != (Balance{Immature: reply}) || alone.Height() != 5 {
		t.Errorf("%+v at %d", alone.Balance(), alone.Height())
	}
	if err := alone.Close(); err != nil {
		t.Fatal(err)
	}
	if r.w, err = Open(r.o); err != nil {
		t.Fatal(err)
	}
	if a, err = r.w.Accounts(); err != nil || a.Balance() != want {
		t.Errorf("off line: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	r.w.Lock()
	if _, err := r.w.Accounts(); !errors.Is(err, ErrLocked) {
		t.Errorf("locked: %v", err)
	}
}

// A reorganisation that one account's sync brings undoes what another's knew, at its next sync.
func TestAccountsOverAReorganisation(t *testing.T) {
	r := newRig(t)
	old, err := hd.PathOf(r.o.Params, 44, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.w.Remember(old); err != nil {
		t.Fatal(err)
	}
	r.empty(2)
	r.sync()
	a, err := r.w.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	script, err := a.List()[1].account.Script(hd.Receive, 0)
	if err != nil {
		t.Fatal(err)
	}
	grow := func(cut int32, n int, script []byte) {
		r.server.Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			d := c.Clone()
			d.Cut(cut)
			d.Mine(script)
			d.MineEmpty(n)
			return d
		})
	}
	grow(3, 4, script)
	if err := a.Sync(t.Context(), url); err != nil || a.Balance() != (Balance{Confirmed: reply}) {
		t.Fatalf("%+v, %v", a.Balance(), err)
	}
	grow(3, 6, []byte{0x51})
	if err := a.Sync(t.Context(), url); err != nil || a.Balance() != (Balance{}) {
		t.Errorf("%+v, %v", a.Balance(), err)
	}
}

// A first sync tells what it does, and how far it is; once in step it does nothing.
func TestProgress(t *testing.T) {
	r := newRig(t)
	for i := range 30 {
		r.mine(uint32(i % 10))
	}
	var mu sync.Mutex
	seen := map[Phase]Progress{}
	now := time.Now()
	r.o.Changed = func() {
		s := r.w.State()
		mu.Lock()
		defer mu.Unlock()
		if p := s.Progress; p.Phase != "" {
			if p.Done < 0 || p.Of > 0 && p.Done > p.Of {
				t.Errorf("%+v", p)
			}
			seen[p.Phase] = p
		}
	}
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	o := r.o
	o.now = func() (at time.Time) { // each look at the clock is a second later, so that nothing is left untold
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(1e9)
		return now
	}
	w, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	r.w = w
	r.sync()
	mu.Lock()
	defer mu.Unlock()
	for phase, of := range map[Phase]int{PhaseHeaders: 31, PhaseAddresses: 10, PhaseHistories: 10, PhaseTransactions: 30} {
		p, ok := seen[phase]
		if !ok || p.Of != of || phase != PhaseHeaders && p.Done != of {
			t.Errorf("%s: %+v of %d", phase, p, of)
		}
	}
	if p := r.w.State().Progress; p != (Progress{}) {
		t.Errorf("in step: %+v", p)
	}
}
