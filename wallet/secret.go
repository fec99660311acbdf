package wallet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet/hd"
)

// maxWalletFile bounds a wallet file, in bytes. One is about 1 KB.
const maxWalletFile = 64 << 10

// envelope is the wallet file: JSON, with the sealed parts in base64. Sum is the SHA-256 of the others, so that
// damage is told from a wrong passphrase.
type envelope struct {
	Goldpan string       `json:"goldpan"` // "wallet"
	Version int          `json:"version"`
	Network coin.Network `json:"network"`
	Key     []byte       `json:"key,omitempty"`    // the file key under the passphrase; none: in the key file
	Unlock  []byte       `json:"unlock,omitempty"` // the file key under one that the system's keyring keeps
	Secret  []byte       `json:"secret"`           // under the file key
	Notes   []byte       `json:"notes,omitempty"`  // under the key derived of it
	Sum     []byte       `json:"sum"`
}

// Version 1 had neither unlock nor notes, and what was learned lay under the file key itself.
const (
	oldestEnvelope = 1
	thisEnvelope   = 2
)

func (e envelope) sum() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%d\n%q\n%d\n%s%d\n%s", e.Goldpan, e.Version, e.Network, len(e.Key), e.Key, len(e.Secret), e.Secret)
	if e.Version > oldestEnvelope {
		fmt.Fprintf(h, "\n%d\n%s%d\n%s", len(e.Unlock), e.Unlock, len(e.Notes), e.Notes)
	}
	return h.Sum(nil)
}

var errLater = errors.New("the wallet file was written by a later version")

// checkEnvelope holds for a whole wallet file, though it be of a later version: its previous copy, which may be of
// this one, must not be taken instead.
func checkEnvelope(b []byte, n coin.Network) error {
	if _, err := parseEnvelope(b, n); err != nil && !errors.Is(err, errLater) {
		return err
	}
	return nil
}

func parseEnvelope(b []byte, n coin.Network) (envelope, error) {
	var e envelope
	if len(b) > maxWalletFile || json.Unmarshal(b, &e) != nil {
		return envelope{}, ErrDamaged
	}
	if e.Goldpan != "wallet" || e.Network != n || !bytes.Equal(e.Sum, e.sum()) {
		return envelope{}, ErrDamaged
	}
	if e.Version > thisEnvelope {
		return envelope{}, errLater
	}
	if e.Version < oldestEnvelope {
		return envelope{}, ErrDamaged
	}
	return e, nil
}

// secret is what the wallet file keeps: words, or what a wallet without them watches.
type secret struct {
	Words      hd.Mnemonic
	Passphrase string // BIP39's own
	Created    time.Time
	Watch      watched
}

// watched is an account of which the wallet has the public key alone.
type watched struct {
	Coin string  `json:"coin,omitempty"`
	Key  string  `json:"key,omitempty"` // an extended public key or a descriptor
	Kind hd.Kind `json:"kind,omitempty"`
}

type secretJSON struct {
	Words      string    `json:"words,omitempty"`
	Passphrase string    `json:"passphrase,omitempty"`
	Created    time.Time `json:"created"`
	Watch      watched   `json:"watch,omitzero"`
}

// notes are what is known of a wallet beside its secret.
type notes struct {
	Words time.Time `json:"words,omitzero"` // when they were last proven to be written down
	File  time.Time `json:"file,omitzero"`  // when a backup file was last proven
	// Paths are the accounts beside the coin's own that were found to have a history, or were asked for.
	Paths map[string][]hd.Path `json:"paths,omitempty"` // by coin
}

// maxPaths bounds the accounts of one coin.
const maxPaths = 64

// base is what the names of a wallet's blobs begin with.
func (o Options) base() string {
	if o.Name == "" {
		return string(o.Params.Network)
	}
	return string(o.Params.Network) + "." + o.Name
}

func (o Options) fileName() string { return o.base() + ".wallet" }

func (o Options) lockName() string { return o.base() + ".state" }

func (o Options) accountName() string {
	return fmt.Sprintf("%s.state/%s-%s", o.base(), o.Params.Coin.ID, o.account)
}

func (o Options) check(b []byte) error { return checkEnvelope(b, o.Params.Network) }

// purpose binds a sealed part of the wallet file to its place.
func (o Options) purpose(part string) []byte {
	return []byte("goldpan wallet " + part + " " + o.base())
}

// What is merely private is sealed under a key of its own, which a locked wallet keeps.
const privatePurpose = "goldpan wallet private"

// writeSecret makes the wallet file, and never over another.
func writeSecret(o Options, s secret, n notes) (_ seal.Key, err error) {
	release, err := o.Storage.Lock(o.lockName())
	if err != nil {
		return seal.Key{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	_, err = o.Storage.Read(o.fileName(), maxWalletFile, func([]byte) error { return nil })
	if err == nil {
		return seal.Key{}, ErrExists
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return seal.Key{}, err
	}
	e := envelope{Goldpan: "wallet", Version: thisEnvelope, Network: o.Params.Network}
	var key seal.Key
	if o.Passphrase == "" {
		key, err = o.Storage.PracticeKey(true)
	} else {
		key = seal.GenerateKey()
		e.Key, err = seal.WrapKey(key, o.Passphrase, o.WorkFactor)
	}
	if err != nil {
		return seal.Key{}, err
	}
	plain, err := json.Marshal(secretJSON{strings.Join(s.Words.Words(), " "), s.Passphrase, s.Created, s.Watch})
	if err != nil {
		return seal.Key{}, err
	}
	e.Secret = key.Seal(plain, o.purpose("secret"))
	clear(plain)
	if e.Notes, err = o.sealNotes(key.Derive(privatePurpose), n); err != nil {
		return seal.Key{}, err
	}
	// Twice, so that the previous copy is there from the beginning, and is this one.
	for range 2 {
		if err := o.write(e); err != nil {
			return seal.Key{}, err
		}
	}
	return key, nil
}

func (o Options) write(e envelope) error {
	e.Version = thisEnvelope
	e.Sum = e.sum()
	b, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	if len(b) >= maxWalletFile {
		return errors.New("wallet: the wallet file is full")
	}
	return o.Storage.Write(o.fileName(), append(b, '\n'))
}

func (o Options) sealNotes(private seal.Key, n notes) ([]byte, error) {
	plain, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	return private.Seal(plain, o.purpose("notes")), nil
}

func (o Options) openNotes(private seal.Key, e envelope) (notes, error) {
	var n notes
	if e.Notes == nil {
		return n, nil // of version 1: nothing was proven yet
	}
	plain, err := private.Open(e.Notes, o.purpose("notes"))
	if err != nil || json.Unmarshal(plain, &n) != nil {
		return notes{}, ErrDamaged
	}
	for id, list := range n.Paths {
		if len(list) > maxPaths {
			n.Paths[id] = list[:maxPaths]
		}
	}
	return n, nil
}

func (o Options) read() (envelope, error) {
	b, err := o.Storage.Read(o.fileName(), maxWalletFile, o.check)
	if errors.Is(err, fs.ErrNotExist) {
		return envelope{}, ErrMissing
	}
	if err != nil {
		return envelope{}, err
	}
	return parseEnvelope(b, o.Params.Network)
}

// alter changes the wallet file. Where what was there must not stay in its previous copy either, it writes twice.
func (o Options) alter(twice bool, change func(*envelope) error) (err error) {
	release, err := o.lockFile()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	e, err := o.read()
	if err != nil {
		return err
	}
	if err := change(&e); err != nil {
		return err
	}
	if err := o.write(e); err != nil {
		return err
	}
	if !twice {
		return nil
	}
	if err := o.write(e); err != nil {
		return fmt.Errorf("it is changed, but the previous copy of the wallet file still has what was there before: %w", err)
	}
	return nil
}

// lockFile waits a moment for another change to end.
func (o Options) lockFile() (release func() error, err error) {
	for range 40 {
		if release, err = o.Storage.Lock(o.lockName()); !errors.Is(err, ErrInUse) {
			return release, err
		}
		if err := o.wait(context.Background(), 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// openKey opens the file key: with the key that was handed in, else with the passphrase, else from the key file.
func (o Options) openKey(e envelope) (seal.Key, error) {
	if o.UnlockKey != (seal.Key{}) && len(e.Unlock) > 0 {
		plain, err := o.UnlockKey.Open(e.Unlock, o.purpose("unlock"))
		if err == nil && len(plain) == len(seal.Key{}) {
			defer clear(plain)
			return seal.Key(plain), nil
		}
	}
	switch {
	case len(e.Key) > 0 && o.Passphrase == "" && o.UnlockKey != (seal.Key{}):
		return seal.Key{}, ErrUnlockKey
	case len(e.Key) > 0:
		return seal.UnwrapKey(e.Key, o.Passphrase)
	case o.Params.Network == coin.Practice:
		return o.Storage.PracticeKey(false)
	}
	return seal.Key{}, ErrDamaged
}

// readSecret opens the wallet file.
func readSecret(o Options) (key seal.Key, s secret, n notes, err error) {
	fail := func(err error) (seal.Key, secret, notes, error) { return seal.Key{}, secret{}, notes{}, err }
	e, err := o.read()
	if err != nil {
		return fail(err)
	}
	if key, err = o.openKey(e); err != nil {
		return fail(err)
	}
	if s, err = o.openSecret(key, e); err != nil {
		return fail(err)
	}
	if n, err = o.openNotes(key.Derive(privatePurpose), e); err != nil {
		return fail(err)
	}
	return key, s, n, nil
}

func (o Options) openSecret(key seal.Key, e envelope) (secret, error) {
	plain, err := key.Open(e.Secret, o.purpose("secret"))
	if err != nil {
		return secret{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer clear(plain)
	var j secretJSON
	if json.Unmarshal(plain, &j) != nil {
		return secret{}, ErrDamaged
	}
	s := secret{Passphrase: j.Passphrase, Created: j.Created, Watch: j.Watch}
	if j.Watch.Key != "" {
		return s, nil
	}
	if s.Words, err = hd.ParseMnemonic(j.Words); err != nil {
		return secret{}, ErrDamaged // the reason would tell of the words
	}
	return s, nil
}
