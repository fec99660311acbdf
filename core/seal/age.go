package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// MaxEncrypted bounds what Decrypt takes and gives, in bytes.
const MaxEncrypted = 4 << 20

// ErrRecipient says that a text is no recipient of age, or no identity.
var ErrRecipient = errors.New("not an age recipient or identity")

// Encrypt gives plain as an armored age file, which the age tool opens too: for a recipient ("age1…") unless that is
// empty, and else under a passphrase, whose work factor is as in WrapKey.
func Encrypt(plain []byte, recipient, passphrase string, workFactor int) ([]byte, error) {
	var to age.Recipient
	switch {
	case recipient != "":
		r, err := age.ParseX25519Recipient(strings.TrimSpace(recipient))
		if err != nil {
			return nil, ErrRecipient
		}
		to = r
	case passphrase == "":
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	case workFactor < 1 || workFactor > MaxWorkFactor:
		return nil, fmt.Errorf("%w: factor %d, at most %d", ErrWorkFactor, workFactor, MaxWorkFactor)
	default:
		r, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		r.SetWorkFactor(workFactor)
		to = r
	}
	var buf bytes.Buffer
	text := armor.NewWriter(&buf)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := text.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return buf.Bytes(), nil
}

// Decrypt opens an age file, armored or not: with identities in the form of the age tool's key file
// ("AGE-SECRET-KEY-1…", a line each, comments after #) unless that is empty, and else with a passphrase. It fails
// with ErrPassphrase, ErrRecipient, ErrWorkFactor, ErrOpen or ErrTooMuch.
func Decrypt(data []byte, identities, passphrase string) ([]byte, error) {
	if len(data) > MaxEncrypted {
		return nil, ErrTooMuch
	}
	var with []age.Identity
	if identities != "" {
		list, err := age.ParseIdentities(strings.NewReader(identities))
		if err != nil {
			return nil, ErrRecipient // the error's text would repeat the identity
		}
		with = list
	} else {
		if passphrase == "" {
			return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
		}
		identity, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return nil, ErrPassphrase
		}
		identity.SetMaxWorkFactor(MaxWorkFactor)
		with = []age.Identity{identity}
	}
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	out, err := age.Decrypt(in, with...)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) || errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, ErrPassphrase
		}
		return nil, ErrOpen
	}
	plain, err := io.ReadAll(io.LimitReader(out, MaxEncrypted+1))
	if err != nil {
		return nil, ErrOpen
	}
	if len(plain) > MaxEncrypted {
		return nil, ErrTooMuch
	}
	return plain, nil
}

// ErrTooMuch says that an encrypted file is larger than MaxEncrypted.
var ErrTooMuch = errors.New("too much to open")
