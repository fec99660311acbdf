//go:build !js

package wallet

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet/hd"
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

func TestChallenge(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, ProveFirst: true, Words: 24}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := w.Mnemonic("p")
	if err != nil {
		t.Fatal(err)
	}
	if w.BackedUp() {
		t.Error("a new wallet is backed up")
	}
	if _, err := w.Address(0); !errors.Is(err, ErrNotProven) {
		t.Errorf("an address before the words were proven: %v", err)
	}
	if _, _, err := w.NextUnused(); !errors.Is(err, ErrNotProven) {
		t.Errorf("an address before the words were proven: %v", err)
	}
	answers := func(at []int) (list []string) {
		for _, i := range at {
			list = append(list, m.Words()[i-1])
		}
		return list
	}
	for n, want := range map[int]int{0: 24, 1: 3, 4: 4, 24: 24, 99: 24} {
		at, err := w.Challenge(n)
		if err != nil || len(at) != want || !slices.IsSorted(at) || len(slices.Compact(at)) != want {
			t.Errorf("%d: %v %v", n, at, err)
		}
	}
	at, err := w.Challenge(4)
	if err != nil {
		t.Fatal(err)
	}
	bad := answers(at)
	bad[1], bad[3] = "zoo", ""
	if bad[1] == answers(at)[1] {
		bad[1] = "abandon"
	}
	if wrong, err := w.Answer(at, bad); err != nil || !slices.Equal(wrong, []int{at[1], at[3]}) || w.BackedUp() {
		t.Errorf("%v %v", wrong, err)
	}
	for _, few := range [][]int{nil, {1}, {1, 2}, {1, 1, 1}} {
		if _, err := w.Answer(few, answers(few)); !errors.Is(err, ErrFewWords) || w.BackedUp() {
			t.Errorf("%v proves it: %v", few, err)
		}
	}
	if wrong, err := w.Answer([]int{0, 25, -1}, []string{"a", "b", "c"}); err != nil || len(wrong) != 3 {
		t.Errorf("%v %v", wrong, err)
	}
	good := answers(at)
	good[0] = " " + strings.ToUpper(good[0]) + "\n"
	if wrong, err := w.Answer(at, good); err != nil || len(wrong) != 0 || !w.BackedUp() || w.Backup().Words.IsZero() || !w.Backup().File.IsZero() {
		t.Errorf("%v %v", wrong, err)
	}
	if _, err := w.Address(0); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(o); err != nil || !w.BackedUp() {
		t.Fatalf("it was not kept: %v", err)
	}
	defer w.Close()
}

func TestBackupFile(t *testing.T) {
	o := Options{Dir: t.TempDir(), Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, SeedPassphrase: "TREZOR"}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	first, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	path := hd.Path{Kind: hd.PKH, Steps: "0'"}
	if err := w.Remember(path, path); err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel(label.Address, first, "first gold"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteBackup(""); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("a backup under no passphrase: %v", err)
	}
	b, err := w.WriteBackup("of the backup")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("abandon")) || bytes.Contains(b, []byte("gold")) {
		t.Error("a backup in clear")
	}
	if err := w.VerifyBackup(b, "p"); !errors.Is(err, seal.ErrPassphrase) {
		t.Errorf("%v", err)
	}
	for _, bad := range [][]byte{nil, []byte("hello"), b[:len(b)-1], append(bytes.Clone(b), 0)} {
		if err := w.VerifyBackup(bad, "of the backup"); !errors.Is(err, ErrBackup) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if !w.Backup().File.IsZero() {
		t.Error("a bad file counts as a backup")
	}
	w.Lock()
	if err := w.VerifyBackup(b, "of the backup"); err != nil || w.Backup().File.IsZero() {
		t.Error(err)
	}

	n := Options{Dir: t.TempDir(), Params: o.Params, Passphrase: "new", WorkFactor: 1}
	back, err := RestoreBackup(n, b, "of the backup")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := back.Address(0); err != nil || a != first || !back.BackedUp() {
		t.Errorf("%s %v", a, err)
	}
	if list, err := back.Labels(); err != nil || len(list) != 1 || list[0].Label != "first gold" {
		t.Errorf("%v %v", list, err)
	}
	if got := back.Paths(); !slices.Equal(got, []hd.Path{path}) {
		t.Errorf("%v", got)
	}
	if err := back.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := RestoreBackup(n, b, "of the backup"); !errors.Is(err, ErrExists) {
		t.Errorf("over a wallet: %v", err)
	}
	n.Params, n.Dir = practice(t), t.TempDir()
	if _, err := RestoreBackup(n, b, "of the backup"); !errors.Is(err, ErrOther) {
		t.Errorf("on another network: %v", err)
	}

	other, err := hd.NewMnemonic(12)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyWords(other, "TREZOR"); !errors.Is(err, ErrOther) {
		t.Errorf("other words: %v", err)
	}
	if err := w.VerifyWords(words(t), "TREZOr"); !errors.Is(err, ErrOther) {
		t.Errorf("another passphrase of the words: %v", err)
	}
	if err := w.VerifyWords(hd.Mnemonic{}, ""); !errors.Is(err, hd.ErrLength) {
		t.Errorf("no words: %v", err)
	}
	if err := w.VerifyWords(words(t), "TREZOR"); err != nil {
		t.Error(err)
	}
}

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
