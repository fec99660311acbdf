//go:build !js

package wallet

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet/label"
)

// A wallet and what it had learned, as the program before wrote them (version 1), open as they did.
func TestVersionOneOpens(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/version1")); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: dir, Params: bitcoinMain(t), Passphrase: "of version 1"}
	w, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := w.Address(6); err != nil || a != "bc1qkqe85wg2dd52qacux4fzfym7mvf82n6ljrpx6z" {
		t.Errorf("%s %v", a, err)
	}
	if w.state.issued != 7 {
		t.Errorf("what was learned is gone: %d addresses asked for", w.state.issued)
	}
	if w.BackedUp() {
		t.Error("nothing was proven")
	}
	if err := w.VerifyWords(words(t), "TREZOR"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Address(7); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if !w.BackedUp() || w.state.issued != 8 {
		t.Errorf("as this version writes it: backed up %v, %d addresses", w.BackedUp(), w.state.issued)
	}
}

func TestLock(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	changes := 0
	o.Changed = func() { changes++ }
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	seeds := 0
	use := func(seed []byte) error {
		if bytes.Equal(seed, words(t).Seed("")) {
			seeds++
		}
		return nil
	}
	if err := w.WithSeed(use); err != nil || seeds != 1 {
		t.Fatalf("%d %v", seeds, err)
	}
	w.Lock()
	if !w.Locked() || changes == 0 || w.file != (seal.Key{}) {
		t.Fatal("it is not locked")
	}
	if _, err := w.Challenge(3); !errors.Is(err, ErrLocked) {
		t.Errorf("challenge: %v", err)
	}
	if _, err := w.WriteBackup("q"); !errors.Is(err, ErrLocked) {
		t.Errorf("backup: %v", err)
	}
	if _, err := w.NewUnlockKey(); !errors.Is(err, ErrLocked) {
		t.Errorf("unlock key: %v", err)
	}
	if err := w.WithSeed(use); !errors.Is(err, ErrLocked) || seeds != 1 {
		t.Errorf("seed: %v", err)
	}
	// It goes on watching, keeps what it learns, and takes labels.
	if _, err := w.Address(3); err != nil {
		t.Error(err)
	}
	if err := w.SetLabel(label.Address, "somewhere", "rent"); err != nil {
		t.Error(err)
	}
	if err := w.VerifyWords(words(t), ""); err != nil {
		t.Error(err)
	}
	if err := w.Unlock("wrong"); !errors.Is(err, seal.ErrPassphrase) || !w.Locked() {
		t.Errorf("%v", err)
	}
	if err := w.Unlock("p"); err != nil || w.Locked() {
		t.Fatal(err)
	}
	if err := w.WithSeed(use); err != nil || seeds != 2 {
		t.Errorf("%d %v", seeds, err)
	}
	w.Lock()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.key != (seal.Key{}) {
		t.Error("a key is left")
	}
	if err := w.Unlock("p"); !errors.Is(err, ErrClosed) {
		t.Errorf("unlocked when closed: %v", err)
	}
	if err := w.SetLabel(label.Address, "somewhere", "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("labelled when closed: %v", err)
	}
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if list, err := w.Labels(); err != nil || len(list) != 1 || w.state.issued != 4 {
		t.Errorf("what was learned while it was locked is gone: %v %d %v", list, w.state.issued, err)
	}
}

func TestAutoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, AutoLock: 5 * time.Minute}
		w, err := Restore(o, words(t))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() } // the bubble's clock
		pass(4 * time.Minute)
		if err := w.WithSeed(func([]byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		pass(4 * time.Minute)
		if w.Locked() {
			t.Error("locked though it was used a moment ago")
		}
		pass(2 * time.Minute)
		if !w.Locked() {
			t.Error("it stays open")
		}
		if err := w.Unlock("p"); err != nil {
			t.Fatal(err)
		}
		pass(6 * time.Minute)
		if !w.Locked() {
			t.Error("it stays open after it was unlocked")
		}
	})
}

func TestUnlockKey(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.NewUnlockKey()
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.NewUnlockKey()
	if err != nil {
		t.Fatal(err)
	}
	w.Lock()
	if err := w.UnlockWith(first); !errors.Is(err, ErrUnlockKey) {
		t.Errorf("a key that was replaced: %v", err)
	}
	if err := w.UnlockWith(second); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.Passphrase, o.UnlockKey = "", second
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	// Another passphrase leaves the key alone; the words still want the passphrase.
	if err := w.ChangePassphrase("wrong", "q"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("%v", err)
	}
	if err := w.ChangePassphrase("p", "q"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Mnemonic("p"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	if _, _, err := w.Mnemonic("q"); err != nil {
		t.Error(err)
	}
	if err := w.DropUnlockKey(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(o); !errors.Is(err, ErrUnlockKey) {
		t.Errorf("a key that was dropped: %v", err)
	}
	o.Passphrase = "q"
	if w, err = Open(o); err != nil {
		t.Fatalf("with key and passphrase: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// Neither a dropped key nor an old passphrase opens the previous copy.
	path := filepath.Join(o.Dir, "main.wallet")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, old := range []Options{{Passphrase: "p"}, {UnlockKey: second}} {
		old.Dir, old.Params = o.Dir, o.Params
		if _, err := Open(old); err == nil {
			t.Error("the previous copy opens as it did before")
		}
	}
}

// A wallet file that stood in another's place, or whose parts were swapped, opens nothing.
func TestPartsAreBoundToTheirPlace(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	other := o
	other.Name = "second"
	x, err := Create(other)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	b, err := os.ReadFile(filepath.Join(dir, "main.second.wallet"))
	if err != nil {
		t.Fatal(err)
	}
	w.Lock()
	if err := os.WriteFile(filepath.Join(dir, "main.wallet"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Unlock("p"); err == nil {
		t.Error("another wallet's file unlocked this one")
	}
	if _, _, err := w.Mnemonic("p"); !errors.Is(err, ErrDamaged) {
		t.Errorf("another wallet's words: %v", err)
	}
}

func TestNothingInClear(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Params: bitcoinMain(t), Passphrase: "sealing phrase", WorkFactor: 1, SeedPassphrase: "25th word"}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	addr, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel(label.Address, addr, "the secret hoard"); err != nil {
		t.Fatal(err)
	}
	plain, registered, err := w.Extended()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range []string{"abandon", "sealing phrase", "25th", addr, "hoard", plain, registered} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s holds %q in clear", filepath.Base(path), s)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzWalletFile(f *testing.F) {
	c, err := coin.ByID("bitcoin")
	if err != nil {
		f.Fatal(err)
	}
	p, err := c.Params(coin.Main)
	if err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile("testdata/version1/main.wallet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"goldpan":"wallet","version":2,"network":"main"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		store := &MemoryStorage{}
		if err := store.Write("main.wallet", b); err != nil {
			t.Fatal(err)
		}
		o := Options{Storage: store, Params: p, UnlockKey: seal.Key{1}}
		w, err := Open(o)
		if err == nil {
			w.Close()
			t.Fatal("it opened without its key")
		}
		if _, err := Create(Options{Storage: store, Params: p, Passphrase: "p", WorkFactor: 1}); err == nil {
			t.Fatal("a wallet was written over")
		}
	})
}

// A passphrase below the bar that the caller sets makes no wallet, no backup, and changes none; one that was kept
// before still opens.
func TestMinStrength(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "river", WorkFactor: 1}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.MinStrength = 40
	if w, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	const good = "quartz ladder violin marmalade"
	if _, err := w.WriteBackup("river"); !errors.Is(err, ErrWeak) {
		t.Errorf("a backup: %v", err)
	}
	if err := w.ChangePassphrase("river", "stream"); !errors.Is(err, ErrWeak) {
		t.Errorf("a change: %v", err)
	}
	if err := w.ChangePassphrase("river", good); err != nil {
		t.Error(err)
	}
	o.Name = "other"
	if _, err := Create(o); !errors.Is(err, ErrWeak) {
		t.Errorf("a new one: %v", err)
	}
	if _, err := Restore(o, words(t)); !errors.Is(err, ErrWeak) {
		t.Errorf("words: %v", err)
	}
	o.Params = practice(t)
	p, err := Create(o)
	if err != nil {
		t.Fatalf("of practice: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
