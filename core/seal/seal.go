// Package seal keeps secrets at rest: it seals bytes under a random key, and that key under a passphrase.
//
// A sealed blob is one version byte, a random 24-byte nonce, and the XChaCha20-Poly1305 ciphertext. A wrapped key
// is an ordinary age file with a passphrase (scrypt) that holds the 32 key bytes, so that the age tool can open it
// too.
//
// SealFile does the same for a whole small file, such as a backup.
//
// It refuses an empty passphrase, work factors over MaxWorkFactor before any of that work is done, blobs over
// MaxPlain, and anything that was altered by a single bit. It keeps no state and writes nothing by itself but
// through WriteFile.
//
// Specifications: RFC 8439 and draft-irtf-cfrg-xchacha-03; age-encryption.org/v1.
package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/chacha20poly1305"
)

// MaxPlain bounds what one Seal takes and one Open gives, in bytes.
const MaxPlain = 64 << 20

// Overhead is how much longer a sealed blob is than what it holds, in bytes.
const Overhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

const (
	version    = 1
	maxWrapped = 4 << 10
)

var (
	// ErrOpen says that a blob is damaged, or was sealed under another key or for another purpose.
	ErrOpen = errors.New("sealed data is damaged or belongs to another key")
	// ErrPassphrase says that the passphrase does not open the key.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrWorkFactor says that opening a key would take more memory and time than is allowed here.
	ErrWorkFactor = errors.New("sealed key asks for too much work")
	// ErrWrapped says that the bytes are no wrapped key.
	ErrWrapped = errors.New("not a sealed key")
)

// Key is a random file key. The zero value is no key: it neither seals nor opens.
type Key [chacha20poly1305.KeySize]byte

// GenerateKey makes a Key from the system's random source.
func GenerateKey() Key {
	var k Key
	rand.Read(k[:]) // never fails: crypto/rand ends the program instead
	return k
}

// Derive makes another key of this one for a purpose. Whoever has it does not have this one: a program can drop the
// key of what is secret and keep that of what is merely private. It panics when the key is zero.
//
// It is HKDF-SHA256 (RFC 5869) without salt.
func (k Key) Derive(purpose string) Key {
	if k == (Key{}) {
		panic("seal: no key")
	}
	b, err := hkdf.Key(sha256.New, k[:], nil, purpose, len(Key{}))
	if err != nil {
		panic(err)
	}
	defer clear(b)
	return Key(b)
}

// Format hides the key from logs, whatever the verb. It cannot in an unexported field of another struct, which fmt
// reads by itself: such a struct hides itself.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(key)") }

// String hides the key from logs.
func (Key) String() string { return "(key)" }

// MarshalJSON refuses: a key is written by WrapKey alone.
func (Key) MarshalJSON() ([]byte, error) { return nil, errors.New("a key is not written as JSON") }

// Seal encrypts plain and binds it to aad, which says what the blob is for and is not kept in it. Two calls never
// give the same blob. It panics when plain is longer than MaxPlain or the key is zero: both are mistakes of the
// caller.
func (k Key) Seal(plain, aad []byte) []byte {
	if len(plain) > MaxPlain {
		panic("seal: too long")
	}
	if k == (Key{}) {
		panic("seal: no key")
	}
	aead, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic(err)
	}
	out := make([]byte, 1+aead.NonceSize(), Overhead+len(plain))
	out[0] = version
	rand.Read(out[1:])
	return aead.Seal(out, out[1:], plain, bind(aad))
}

// Open decrypts what Seal made under the same key and aad; else it fails with ErrOpen.
func (k Key) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < Overhead || len(sealed) > MaxPlain+Overhead || sealed[0] != version || k == (Key{}) {
		return nil, ErrOpen
	}
	aead, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		return nil, ErrOpen
	}
	nonce := sealed[1 : 1+aead.NonceSize()]
	plain, err := aead.Open(nil, nonce, sealed[1+aead.NonceSize():], bind(aad))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// bind puts the version under authentication too, so that a later version cannot be passed off as this one.
func bind(aad []byte) []byte { return append([]byte{version}, aad...) }

// WrapKey seals a key under a passphrase. Each step of workFactor doubles time and memory (2^workFactor KiB): 18
// takes about a second and 256 MiB. DefaultWorkFactor suits the platform.
func WrapKey(k Key, passphrase string, workFactor int) ([]byte, error) {
	if k == (Key{}) {
		return nil, errors.New("seal: no key")
	}
	return SealFile(k[:], passphrase, workFactor)
}

// SealFile seals a small file under a passphrase, as WrapKey does a key: an age file, which the age tool opens too.
func SealFile(plain []byte, passphrase string, workFactor int) ([]byte, error) {
	if passphrase == "" {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	if workFactor < 1 || workFactor > MaxWorkFactor {
		return nil, fmt.Errorf("%w: factor %d, at most %d", ErrWorkFactor, workFactor, MaxWorkFactor)
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	recipient.SetWorkFactor(workFactor)
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, recipient)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return buf.Bytes(), nil
}

// UnwrapKey opens what WrapKey made. It fails with ErrPassphrase, ErrWorkFactor (before any work) or ErrWrapped.
func UnwrapKey(wrapped []byte, passphrase string) (Key, error) {
	if len(wrapped) > maxWrapped {
		return Key{}, ErrWrapped
	}
	plain, err := OpenFile(wrapped, passphrase, len(Key{}))
	if err != nil {
		return Key{}, err
	}
	defer clear(plain)
	if len(plain) != len(Key{}) || Key(plain) == (Key{}) {
		return Key{}, ErrWrapped
	}
	return Key(plain), nil
}

// OpenFile opens what SealFile made, if it holds at most limit bytes. It fails with ErrPassphrase, ErrWorkFactor
// (before any work) or ErrWrapped.
func OpenFile(sealed []byte, passphrase string, limit int) ([]byte, error) {
	factor, err := workFactor(sealed[:min(len(sealed), maxWrapped)])
	if err != nil {
		return nil, err
	}
	if factor > MaxWorkFactor {
		return nil, fmt.Errorf("%w: factor %d, at most %d", ErrWorkFactor, factor, MaxWorkFactor)
	}
	if passphrase == "" {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	identity.SetMaxWorkFactor(MaxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) || errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, ErrPassphrase
		}
		return nil, ErrWrapped
	}
	plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil || len(plain) > limit {
		clear(plain)
		return nil, ErrWrapped
	}
	return plain, nil
}

// workFactor reads the factor from an age header of exactly one scrypt stanza, which its second line is.
func workFactor(wrapped []byte) (int, error) {
	first, rest, ok := strings.Cut(string(wrapped), "\n")
	if !ok || first != "age-encryption.org/v1" {
		return 0, ErrWrapped
	}
	stanza, _, _ := strings.Cut(rest, "\n")
	fields := strings.Split(stanza, " ")
	if len(fields) != 4 || fields[0] != "->" || fields[1] != "scrypt" {
		return 0, ErrWrapped
	}
	n, err := strconv.ParseUint(fields[3], 10, 8)
	if err != nil || n < 1 {
		return 0, ErrWrapped
	}
	return int(n), nil
}
