//go:build !js

package wallet

import (
	"testing"

	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

// A wallet that watches one chain alone asks for no change, and knows what it was paid.
func TestOneChainIsWatched(t *testing.T) {
	p := practice(t)
	chain := electrumtest.NewChain(p, 1, easy)
	server := electrumtest.NewServer(chain)
	defer server.Close()
	account, err := hd.NewAccount(words(t).Seed(""), p, 84, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Storage: &MemoryStorage{}, Params: p, Name: "one", Dial: server.Dial}
	w, err := Watch(o, "wpkh("+account.Extended()+"/7/*)")
	if err != nil {
		t.Fatal(err)
	}
	script, err := w.account.Script(hd.Receive, 3)
	if err != nil {
		t.Fatal(err)
	}
	chain.Mine(script)
	if err := w.Sync(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if got := w.Balance(); got.Immature != reply || len(w.state.scripts[hd.Change]) != 0 {
		t.Errorf("%+v, %d scripts for change", got, len(w.state.scripts[hd.Change]))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := w.Balance(); got.Immature != reply {
		t.Errorf("after reopening: %+v", got)
	}
}
