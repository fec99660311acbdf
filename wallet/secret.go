package wallet

import (
	"bytes"
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
	Key     []byte       `json:"key,omitempty"` // the file key under the passphrase; none: in the key file
	Secret  []byte       `json:"secret"`        // under the file key
	Sum     []byte       `json:"sum"`
}

func (e envelope) sum() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%d\n%q\n%d\n%s%d\n%s", e.Goldpan, e.Version, e.Network, len(e.Key), e.Key, len(e.Secret), e.Secret)
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
	if e.Version != 1 {
		return envelope{}, errLater
	}
	return e, nil
}

// secret is what the wallet file keeps.
type secret struct {
	Words      hd.Mnemonic
	Passphrase string // BIP39's own
	Created    time.Time
}

type secretJSON struct {
	Words      string    `json:"words"`
	Passphrase string    `json:"passphrase,omitempty"`
	Created    time.Time `json:"created"`
}

func walletName(n coin.Network) string { return string(n) + ".wallet" }

func accountName(o Options) string {
	return fmt.Sprintf("%s.state/%s-%d", o.Params.Network, o.Params.Coin.ID, o.Purpose)
}

func secretPurpose(n coin.Network) []byte { return []byte("goldpan wallet secret " + string(n)) }

// writeSecret makes the wallet file, and never over another.
func writeSecret(o Options, s secret) (_ seal.Key, err error) {
	n := o.Params.Network
	release, err := o.Storage.Lock(string(n) + ".state")
	if err != nil {
		return seal.Key{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	_, err = o.Storage.Read(walletName(n), maxWalletFile, func([]byte) error { return nil })
	if err == nil {
		return seal.Key{}, ErrExists
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return seal.Key{}, err
	}
	e := envelope{Goldpan: "wallet", Version: 1, Network: n}
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
	plain, err := json.Marshal(secretJSON{strings.Join(s.Words.Words(), " "), s.Passphrase, s.Created})
	if err != nil {
		return seal.Key{}, err
	}
	e.Secret = key.Seal(plain, secretPurpose(n))
	clear(plain)
	e.Sum = e.sum()
	b, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return seal.Key{}, err
	}
	// Twice, so that the previous copy is there from the beginning, and is this one.
	for range 2 {
		if err := o.Storage.Write(walletName(n), append(b, '\n')); err != nil {
			return seal.Key{}, err
		}
	}
	return key, nil
}

func readSecret(o Options) (seal.Key, secret, error) {
	fail := func(err error) (seal.Key, secret, error) { return seal.Key{}, secret{}, err }
	n := o.Params.Network
	b, err := o.Storage.Read(walletName(n), maxWalletFile, func(b []byte) error { return checkEnvelope(b, n) })
	if errors.Is(err, fs.ErrNotExist) {
		return fail(ErrMissing)
	}
	if err != nil {
		return fail(err)
	}
	e, err := parseEnvelope(b, n)
	if err != nil {
		return fail(err)
	}
	var key seal.Key
	switch {
	case len(e.Key) > 0:
		key, err = seal.UnwrapKey(e.Key, o.Passphrase)
	case n == coin.Practice:
		key, err = o.Storage.PracticeKey(false)
	default:
		err = ErrDamaged
	}
	if err != nil {
		return fail(err)
	}
	plain, err := key.Open(e.Secret, secretPurpose(n))
	if err != nil {
		return fail(fmt.Errorf("%w: %w", ErrDamaged, err))
	}
	defer clear(plain)
	var j secretJSON
	if json.Unmarshal(plain, &j) != nil {
		return fail(ErrDamaged)
	}
	m, err := hd.ParseMnemonic(j.Words)
	if err != nil {
		return fail(ErrDamaged) // the reason would tell of the words
	}
	return key, secret{m, j.Passphrase, j.Created}, nil
}
