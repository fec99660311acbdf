//go:build !js

package wallet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
	spend "goldpan/wallet/tx"
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

// full takes so many writes more of the wallet file.
type full struct {
	*MemoryStorage
	left int
}

func (f *full) Write(name string, data []byte) error {
	if strings.HasSuffix(name, ".wallet") {
		if f.left--; f.left < 0 {
			return errors.New("no room")
		}
	}
	return f.MemoryStorage.Write(name, data)
}

// A passphrase that was changed, though its file's copy was not, is not called unchanged.
func TestPassphraseChangedOnAFullDisk(t *testing.T) {
	disk := &full{&MemoryStorage{}, 2}
	o := Options{Storage: disk, Params: bitcoinMain(t), Passphrase: "p", WorkFactor: 1}
	w, err := Restore(o, words(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.ChangePassphrase("p", "q"); err == nil || strings.Contains(err.Error(), "changed") || w.Unlock("p") != nil {
		t.Errorf("nothing was written: %v", err)
	}
	disk.left = 1
	if err := w.ChangePassphrase("p", "q"); err == nil || !strings.Contains(err.Error(), "it is changed") || w.Unlock("q") != nil {
		t.Errorf("half was written: %v", err)
	}
}

// refusing has every payment refused until it is told otherwise.
func refusing(r *rig) *judge {
	j := &judge{}
	r.server.Take(j.take)
	j.say(message.Errorf(message.CodeRejected, "min relay fee not met"))
	return j
}

// The very payment that was given up, made once more, is one payment, and the file of payments stays whole.
func TestGivenUpAndMadeAgain(t *testing.T) {
	r := rich(t, 2)
	j := refusing(r)
	p := r.plan(Everything)
	id, err := r.w.Pay(t.Context(), p, url)
	if _, refused := errors.AsType[*electrum.RefusedError](err); !refused {
		t.Fatal(err)
	}
	if err := r.w.GiveUp(id); err != nil {
		t.Fatal(err)
	}
	j.say(nil)
	again, err := r.w.Pay(t.Context(), r.plan(Everything), url)
	if err != nil || again != id {
		t.Fatalf("%v %v, want %v", again, err, id)
	}
	r.reopen()
	if err := r.w.State().Damaged; err != nil {
		t.Fatal(err)
	}
	r.stands(id, PaySent)
	if list := r.w.Payments(); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	r.confirm()
	r.sync()
	r.stands(id, PayConfirmed)
	r.want(0, 0, 0)
}

// What was given up never stands beside the next payment, whatever the labels say of its coins.
func TestGivenUpAndFrozen(t *testing.T) {
	r := rich(t, 3)
	refusing(r)
	p := r.plan(60 * coin.Unit)
	id, err := r.w.Pay(t.Context(), p, url)
	if id == (pow.Hash{}) {
		t.Fatal(err)
	}
	if err := r.w.GiveUp(id); err != nil {
		t.Fatal(err)
	}
	freeze := func(c spend.Coin) {
		t.Helper()
		if _, err := r.w.ImportLabels(strings.NewReader(fmt.Sprintf(`{"type":"output","ref":"%s:%d","spendable":false}`, c.TxID, c.Index))); err != nil {
			t.Fatal(err)
		}
	}
	freeze(p.plan.Inputs[0])
	next := r.plan(coin.Unit)
	if !slices.ContainsFunc(next.plan.Inputs, func(c spend.Coin) bool { return c.TxID == p.plan.Inputs[1].TxID }) {
		t.Error("both payments could be in a block")
	}
	freeze(p.plan.Inputs[1])
	if _, err := r.w.PlanPayment(p.To, coin.Unit, Fee{}); !errors.Is(err, ErrFrozen) {
		t.Errorf("planned: %v", err)
	}
	if _, err := r.w.Pay(t.Context(), next, url); !errors.Is(err, ErrFrozen) {
		t.Errorf("paid: %v", err)
	}
}

// What is signed is what was shown: whoever changes what is shown pays nothing.
func TestOnlyWhatWasShownIsPaid(t *testing.T) {
	r := rich(t, 1)
	p := r.plan(coin.Unit)
	own, err := r.w.Address(7)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Payment){
		"to another":     func(p *Payment) { p.To = own },
		"to nobody":      func(p *Payment) { p.To = "" },
		"another amount": func(p *Payment) { p.Amount, p.Leaves = p.Amount-1, p.Leaves-1 },
		"another fee":    func(p *Payment) { p.Fee, p.Leaves = p.Fee-1, p.Leaves-1 },
		"less leaves":    func(p *Payment) { p.Leaves-- },
		"no change":      func(p *Payment) { p.Change = 0 },
		"other change":   func(p *Payment) { p.change.index++ },
	} {
		bad := p
		change(&bad)
		if id, err := r.w.Pay(t.Context(), bad, url); !errors.Is(err, spend.ErrSign) || id != (pow.Hash{}) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := r.w.Pay(t.Context(), p, url); err != nil {
		t.Error(err)
	}
}

// A wallet that is closed while a payment is signed writes nothing under a key that is gone.
func TestClosedWhilePaying(t *testing.T) {
	for range 5 {
		r := rich(t, 1)
		p := r.plan(coin.Unit)
		paid := make(chan pow.Hash)
		go func() {
			id, _ := r.w.Pay(t.Context(), p)
			paid <- id
		}()
		if err := r.w.Close(); err != nil {
			t.Fatal(err)
		}
		id := <-paid
		r.reopen()
		if err := r.w.State().Damaged; err != nil {
			t.Fatal(err)
		}
		if list := r.w.Payments(); len(list) > 1 || (len(list) == 1) != (id != (pow.Hash{})) {
			t.Fatalf("%v: %+v", id, list)
		}
	}
}
