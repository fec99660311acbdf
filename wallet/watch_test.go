//go:build !js

package wallet

import (
	"errors"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/wallet/hd"
)

func TestWatchOnly(t *testing.T) {
	seedful, err := Restore(Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, Purpose: 49}, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer seedful.Close()
	want, err := seedful.Address(2)
	if err != nil {
		t.Fatal(err)
	}
	plain, registered, err := seedful.Extended()
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{registered, seedful.Descriptor(), plain} {
		o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Name: "cold-1", Passphrase: "p", WorkFactor: 1, ProveFirst: true}
		if i == 2 {
			if _, err := Watch(o, key); !errors.Is(err, hd.ErrKind) {
				t.Errorf("a key that does not tell its kind: %v", err)
			}
			o.Path.Kind = hd.SHWPKH
		}
		w, err := Watch(o, key)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		o.Path = hd.Path{}
		if w, err = Open(o); err != nil {
			t.Fatal(err)
		}
		if a, err := w.Address(2); err != nil || a != want || !w.WatchOnly() || !w.BackedUp() || w.Kind() != hd.SHWPKH {
			t.Errorf("%s %v", a, err)
		}
		if _, _, err := w.Mnemonic("p"); !errors.Is(err, ErrWatchOnly) {
			t.Errorf("words: %v", err)
		}
		if _, err := w.Challenge(3); !errors.Is(err, ErrWatchOnly) {
			t.Errorf("challenge: %v", err)
		}
		if err := w.WithSeed(func([]byte) error { return nil }); !errors.Is(err, ErrWatchOnly) {
			t.Errorf("seed: %v", err)
		}
		if b, err := w.WriteBackup("q"); err != nil {
			t.Error(err)
		} else if err := w.VerifyBackup(b, "q"); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		dogecoin, err := coin.ByID("dogecoin")
		if err != nil {
			t.Fatal(err)
		}
		if o.Params, err = dogecoin.Params(coin.Main); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(o); !errors.Is(err, ErrMissing) {
			t.Errorf("opened for another coin: %v", err)
		}
	}
	for _, name := range []string{"A", "a b", "../x", strings.Repeat("a", 33), "a.b"} {
		if _, err := Watch(Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Name: name, Passphrase: "p"}, registered); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAccountsOfOneSeed(t *testing.T) {
	store := &MemoryStorage{}
	o := Options{Storage: store, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	seen := map[string]bool{}
	for _, f := range hd.Candidates(o.Params) {
		o.Path = f.Path
		open := func() (*Wallet, error) { return Open(o) }
		if len(seen)%2 == 1 {
			open = func() (*Wallet, error) { return w.OpenPath(f.Path) }
		}
		x, err := open()
		if f.Path.Steps == "84'/0'/0'" {
			if !errors.Is(err, ErrInUse) {
				t.Errorf("%s is open twice: %v", f, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		defer x.Close()
		a, err := x.Address(0)
		if err != nil || seen[a] || !strings.HasPrefix(x.Path(0), "m/"+f.Steps+"/0/") {
			t.Errorf("%s: %s %s %v", f, a, x.Path(0), err)
		}
		seen[a] = true
	}
	if len(seen) < 9 {
		t.Errorf("%d accounts", len(seen))
	}
	w.Lock()
	if _, err := w.OpenPath(hd.Path{Kind: hd.PKH, Steps: "1'"}); !errors.Is(err, ErrLocked) {
		t.Errorf("an account of a locked wallet: %v", err)
	}
}

func TestFreshAndMine(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	seen := map[string]bool{}
	for i := range uint32(GapLimit) {
		a, at, err := w.Fresh()
		if err != nil || seen[a] || at != i {
			t.Fatalf("%d: %s at %d, %v", i, a, at, err)
		}
		seen[a] = true
	}
	if a, at, err := w.Fresh(); err != nil || at != 0 || !seen[a] {
		t.Errorf("beyond the gap: %s at %d, %v", a, at, err)
	}
	change, err := w.account.Address(hd.Change, 499)
	if err != nil {
		t.Fatal(err)
	}
	if path, ok, err := w.Mine(change); err != nil || !ok || path != "m/84'/0'/0'/1/499" {
		t.Errorf("%s %v %v", path, ok, err)
	}
	if _, ok, err := w.Mine("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"); err != nil || ok {
		t.Errorf("another's: %v %v", ok, err)
	}
	if _, _, err := w.Mine("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"); !errors.Is(err, coin.ErrWrongNetwork) {
		t.Errorf("another coin's: %v", err)
	}
	if got := strings.Join(Groups("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"), " "); got != "bc1q cr8t e4kr 609g cawu tmrz a0j4 xv80 jy8z 306f yu" {
		t.Error(got)
	}
}
