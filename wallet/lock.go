package wallet

import (
	"time"

	"goldpan/core/seal"
	"goldpan/wallet/hd"
)

// Locked tells whether the wallet only watches until it is unlocked.
func (w *Wallet) Locked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overslept()
	return w.file == (seal.Key{})
}

// overslept locks a wallet whose time ended while the machine slept, and the timer with it; the caller holds w.mu.
func (w *Wallet) overslept() {
	if w.auto != nil && w.after > 0 && time.Now().Round(0).After(w.until) {
		w.forget()
	}
}

// Lock forgets the key that opens the words. The wallet goes on watching: its addresses, balance and history stay,
// and Run goes on. What was locked before stays so.
func (w *Wallet) Lock() {
	w.mu.Lock()
	w.forget()
	w.mu.Unlock()
	w.o.Changed()
}

// forget overwrites the file key; the caller holds w.mu.
func (w *Wallet) forget() {
	clear(w.file[:])
	if w.auto != nil {
		w.auto.Stop()
	}
}

// arm has the wallet locked after a while.
func (w *Wallet) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.after <= 0 || w.closed {
		return
	}
	// Round takes the monotonic clock away, which stands still while the machine sleeps.
	w.until = time.Now().Round(0).Add(w.after)
	if w.auto == nil {
		w.auto = time.AfterFunc(w.after, w.Lock)
		return
	}
	w.auto.Reset(w.after)
}

// SetAutoLock changes Options.AutoLock of a wallet that is open; the time begins anew.
func (w *Wallet) SetAutoLock(after time.Duration) {
	w.mu.Lock()
	w.overslept()
	w.after = after
	if after <= 0 && w.auto != nil {
		w.auto.Stop()
	}
	open := w.file != (seal.Key{})
	w.mu.Unlock()
	if open {
		w.arm()
	}
}

// Unlock opens the words again with the passphrase; a practice wallet that has none takes "". It fails as Open does.
func (w *Wallet) Unlock(passphrase string) error {
	o := w.o
	o.Passphrase = passphrase
	return w.unlock(o)
}

// UnlockWith is Unlock with the key that NewUnlockKey gave.
func (w *Wallet) UnlockWith(key seal.Key) error {
	o := w.o
	o.UnlockKey = key
	return w.unlock(o)
}

func (w *Wallet) unlock(o Options) error {
	private, err := w.private()
	if err != nil {
		return err
	}
	e, err := o.read()
	if err != nil {
		return err
	}
	key, err := o.openKey(e)
	if err != nil {
		return err
	}
	if key.Derive(privatePurpose) != private {
		clear(key[:])
		return ErrDamaged // another wallet's file was put in its place
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.file = key
	w.mu.Unlock()
	w.arm()
	w.o.Changed()
	return nil
}

// fileKey is the key of the words, or ErrLocked.
func (w *Wallet) fileKey() (seal.Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overslept()
	if w.file == (seal.Key{}) {
		return seal.Key{}, ErrLocked
	}
	return w.file, nil
}

// secret opens the words with the key at hand, or fails with ErrLocked. The caller wipes them.
func (w *Wallet) secret() (secret, error) {
	key, err := w.fileKey()
	if err != nil {
		return secret{}, err
	}
	defer clear(key[:])
	e, err := w.o.read()
	if err != nil {
		return secret{}, err
	}
	return w.o.openSecret(key, e)
}

// WithSeed lends the BIP39 seed, 64 bytes, for the length of f, which keeps nothing of it: whoever signs derives the
// keys anew. It fails with ErrLocked or ErrWatchOnly, or as f does, and puts the automatic lock off.
func (w *Wallet) WithSeed(f func(seed []byte) error) error {
	if w.watches {
		return ErrWatchOnly
	}
	s, err := w.secret()
	if err != nil {
		return err
	}
	defer s.Words.Wipe()
	w.arm()
	seed := s.Words.Seed(s.Passphrase)
	defer clear(seed)
	return f(seed)
}

// OpenPath opens another account of the same words, without asking for the passphrase again. It fails with ErrLocked,
// ErrWatchOnly, or ErrInUse when that account is open.
func (w *Wallet) OpenPath(p hd.Path) (*Wallet, error) {
	if w.watches {
		return nil, ErrWatchOnly
	}
	key, err := w.fileKey()
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	private, err := w.private()
	if err != nil {
		return nil, err
	}
	defer clear(private[:])
	o := w.o
	w.mu.Lock()
	o.AutoLock = w.after
	w.mu.Unlock()
	o.Path = p
	if err := o.path(); err != nil {
		return nil, err
	}
	e, err := o.read()
	if err != nil {
		return nil, err
	}
	s, err := o.openSecret(key, e)
	if err != nil {
		return nil, err
	}
	defer s.Words.Wipe()
	n, err := o.openNotes(private, e)
	if err != nil {
		return nil, err
	}
	account, err := derive(&o, s)
	if err != nil {
		return nil, err
	}
	other, err := open(o, key, s, n, account)
	if err != nil {
		return nil, err
	}
	other.borrow(w)
	return other, nil
}

// NewUnlockKey makes a key that opens the wallet instead of its passphrase, for the system's keyring to keep. One
// made before opens it no more.
func (w *Wallet) NewUnlockKey() (seal.Key, error) {
	file, err := w.fileKey()
	if err != nil {
		return seal.Key{}, err
	}
	defer clear(file[:])
	key := seal.GenerateKey()
	err = w.o.alter(true, func(e *envelope) error {
		e.Unlock = key.Seal(file[:], w.o.purpose("unlock"))
		return nil
	})
	if err != nil {
		return seal.Key{}, err
	}
	return key, nil
}

// DropUnlockKey makes the passphrase the only way again.
func (w *Wallet) DropUnlockKey() error {
	return w.o.alter(true, func(e *envelope) error {
		e.Unlock = nil
		return nil
	})
}

// ChangePassphrase seals the wallet under another passphrase. Copies of the file that lie elsewhere still open with
// the old one.
func (w *Wallet) ChangePassphrase(old, passphrase string) error {
	o := w.o
	o.Passphrase = passphrase
	if err := o.mayKeep(); err != nil {
		return err
	}
	return w.o.alter(true, func(e *envelope) error {
		o.Passphrase = old
		key, err := o.openKey(*e)
		if err != nil {
			return err
		}
		defer clear(key[:])
		e.Key, err = seal.WrapKey(key, passphrase, w.o.WorkFactor)
		return err
	})
}
