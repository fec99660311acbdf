//go:build !js

package wallet

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/seal"
	"goldpan/wallet/hd"
)

// A backup file of what only watches has the same addresses, and proves nothing: it spends nothing.
func TestBackupOfAWatcherProvesNothing(t *testing.T) {
	dir := t.TempDir()
	o := Options{Dir: dir, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	o.Name = "watch"
	watcher, err := Watch(o, w.Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	b, err := watcher.WriteBackup("file")
	if err != nil {
		t.Fatal(err)
	}
	if err := watcher.VerifyBackup(b, "file"); err != nil {
		t.Error(err)
	}
	if err := w.VerifyBackup(b, "file"); !errors.Is(err, ErrOther) || w.BackedUp() {
		t.Errorf("proven by a file without its words: %v", err)
	}
}

// A backup file brings its own wallet back, whatever passphrase of words is at hand besides.
func TestBackupTakesNoOtherSeedPassphrase(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.WriteBackup("file")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.Storage, o.SeedPassphrase = &MemoryStorage{}, "another"
	if w, err = RestoreBackup(o, b, "file"); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, err := w.Address(0); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if err := w.VerifyBackup(b, "file"); err != nil {
		t.Error(err)
	}
}

// What JSON cannot keep as it is must not make addresses: they would be another wallet's once it is opened again.
func TestSeedPassphraseIsText(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, SeedPassphrase: "M\xfcller"}
	if _, err := Restore(o, words(t)); !errors.Is(err, ErrSeedPassphrase) {
		t.Error(err)
	}
	if _, err := Create(o); !errors.Is(err, ErrSeedPassphrase) {
		t.Error(err)
	}
	if err := Exists(o); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	o.SeedPassphrase = "Müller"
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for text, want := range map[string]bool{"": false, "Müller": true, "Mu\u0308ller": true, "müller": false, "Müller ": false} {
		if is, err := w.SeedPassphraseIs(text); err != nil || is != want {
			t.Errorf("%q: %v %v", text, is, err)
		}
	}
	w.Lock()
	if _, err := w.SeedPassphraseIs(""); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
}

// One account is one, however its path is written: else its payments were kept in two places, and one would not know
// what the other has sent.
func TestOnePathOneAccount(t *testing.T) {
	o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, steps := range []string{"84'/0'/0'", "84h/0h/0h", "084'/0h/00'"} {
		p := hd.Path{Kind: hd.WPKH, Steps: steps}
		if other, err := w.OpenPath(p); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: %v, %v", steps, other, err)
		}
		o.Path = p
		if _, err := Open(o); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: %v", steps, err)
		}
		if err := w.Remember(p, hd.Path{Kind: hd.PKH, Steps: strings.ReplaceAll(steps, "84", "44")}); err != nil {
			t.Error(err)
		}
	}
	want := []hd.Path{{Kind: hd.WPKH, Steps: "84'/0'/0'"}, {Kind: hd.PKH, Steps: "44'/0'/0'"}}
	if got := w.Paths(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	o.Path = hd.Path{Kind: hd.WPKH, Steps: "x"}
	if _, err := Open(o); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("no path: %v", err)
	}
}

// Where all that are watched were paid, no address is given that nobody watches.
func TestNoAddressBeyondWhatIsWatched(t *testing.T) {
	r := newRig(t)
	s := r.w.state.clone()
	s.scripts[hd.Receive] = make([]script, maxIndex)
	s.scripts[hd.Receive][maxIndex-1].history = append(s.scripts[hd.Receive][maxIndex-1].history, [32]byte{1})
	r.w.mu.Lock()
	r.w.put(s)
	r.w.mu.Unlock()
	if _, at, err := r.w.NextUnused(); err != nil || at != maxIndex-1 {
		t.Errorf("%d, %v", at, err)
	}
	if _, at, err := r.w.Fresh(); err != nil || at != maxIndex-1 {
		t.Errorf("%d, %v", at, err)
	}
}

// A machine that slept stops the timer, and not the clock on the wall.
func TestLockedAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1, AutoLock: 5 * time.Minute}
		w, err := Restore(o, words(t))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		slept := func() {
			w.mu.Lock()
			w.auto.Stop()
			w.mu.Unlock()
			time.Sleep(8 * time.Hour) // the bubble's clock
		}
		slept()
		if err := w.WithSeed(func([]byte) error { return nil }); !errors.Is(err, ErrLocked) {
			t.Errorf("the words are lent hours after it was to lock: %v", err)
		}
		if w.file != (seal.Key{}) {
			t.Error("the key is still there")
		}
		if err := w.Unlock("p"); err != nil {
			t.Fatal(err)
		}
		w.SetAutoLock(0)
		time.Sleep(8 * time.Hour)
		w.SetAutoLock(time.Minute)
		if w.Locked() {
			t.Error("locked though it was never to lock")
		}
		slept()
		if !w.Locked() {
			t.Error("it stays open")
		}
	})
}

// An account that is opened beside another locks when that one does.
func TestOtherAccountLocksAsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Storage: &MemoryStorage{}, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
		w, err := Restore(o, words(t))
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.SetAutoLock(time.Minute)
		other, err := w.OpenPath(hd.Path{Kind: hd.PKH, Steps: "44'/0'/0'"})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		time.Sleep(2 * time.Minute) // the bubble's clock
		synctest.Wait()
		if !other.Locked() {
			t.Error("it stays open")
		}
	})
}
