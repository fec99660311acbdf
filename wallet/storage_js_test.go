package wallet

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/seal"
)

// These run in a browser alone: see TestInBrowser.

func keepAlone() {} // no process is killed there
func payAlone()  {}

func browserStorage(t *testing.T) Storage {
	t.Helper()
	s, persistent, err := BrowserStorage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("persistent: %v", persistent)
	return s
}

func TestBrowserStorage(t *testing.T) {
	s := browserStorage(t)
	any := func([]byte) error { return nil }
	if _, err := s.Read("nothing", 100, any); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for _, b := range [][]byte{[]byte("first"), []byte("second"), {}, bytes.Repeat([]byte{7}, 1<<20)} {
		if err := s.Write("blob", b); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read("blob", 1<<20, any); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%d bytes: %d, %v", len(b), len(got), err)
		}
	}
	if err := s.Write("copy", []byte("good")); err != nil {
		t.Fatal(err)
	}
	if err := s.Write("copy", []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	good := func(b []byte) error {
		if string(b) != "good" {
			return ErrDamaged
		}
		return nil
	}
	for range 2 { // from the previous copy, and then mended
		if got, err := s.Read("copy", 100, good); err != nil || string(got) != "good" {
			t.Errorf("%q %v", got, err)
		}
	}
	if got, err := s.Read("copy", 100, any); err != nil || string(got) != "good" {
		t.Errorf("not mended: %q %v", got, err)
	}
	if _, err := s.Read("blob", 100, good); !errors.Is(err, ErrDamaged) {
		t.Errorf("beyond the limit: %v", err)
	}
	release, err := s.Lock("x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock("x"); !errors.Is(err, ErrInUse) {
		t.Errorf("locked twice: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; { // the browser lets go in its own time
		again, err := s.Lock("x")
		if err == nil {
			_ = again()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestWalletInBrowser(t *testing.T) {
	c, err := coin.ByID("litecoin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Params(coin.Main)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Storage: browserStorage(t), Params: p, Passphrase: "river"}
	if _, err := Restore(o, words(t)); !errors.Is(err, ErrWeak) {
		t.Errorf("a short passphrase: %v", err)
	}
	o.Passphrase, o.WorkFactor = "teal walrus hums under copper moons", 1 // all but the last step is not about time
	w, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Address(0); !errors.Is(err, ErrNotProven) {
		t.Errorf("an address before the words were proven: %v", err)
	}
	m, _, err := w.Mnemonic(o.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.VerifyWords(m, ""); err != nil {
		t.Fatal(err)
	}
	want, err := w.Address(0)
	if err != nil {
		t.Fatal(err)
	}
	w.o.WorkFactor = seal.DefaultWorkFactor
	if err := w.ChangePassphrase(o.Passphrase, o.Passphrase); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for deadline := time.Now().Add(time.Minute); ; {
		if w, err = Open(o); err == nil || !errors.Is(err, ErrInUse) || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("opened at work factor %d in %d ms", seal.DefaultWorkFactor, time.Since(begin).Milliseconds())
	if got, err := w.Address(0); err != nil || got != want {
		t.Errorf("%s, want %s, %v", got, want, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
