package vault

import (
	"context"
	"errors"
	"fmt"
)

// Limits that every store applies alike, so that a vault moves between
// machines. They come from the narrowest keyring: Windows takes 2,560 bytes an
// entry, of which the text encoding uses a quarter.
const (
	// MaxSecret is the largest secret in bytes. A PKCS #8 key of RSA-2048 in
	// PEM form fits.
	MaxSecret = 1800
	// MaxID is the longest id in bytes.
	MaxID = 64
)

// Errors that callers branch on. A store wraps them in an [*Error], which adds
// what happened and what a person can do about it; test with errors.Is.
var (
	// ErrNotFound: the store or the vault has nothing under this id.
	ErrNotFound = errors.New("not found")
	// ErrLocked: the store is there, but a person must unlock it first.
	ErrLocked = errors.New("locked")
	// ErrPassphrase: the passphrase does not open the store.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrUnavailable: this machine or this session has no such store.
	ErrUnavailable = errors.New("unavailable")
	// ErrTimeout: the store gave no answer in time. What was asked may still
	// happen later.
	ErrTimeout = errors.New("no answer in time")
	// ErrTooLarge: the secret exceeds MaxSecret, or the store is full.
	ErrTooLarge = errors.New("too large")
	// ErrFull: the vault holds as many keys as it can, none of them revoked.
	ErrFull = errors.New("full")
	// ErrBadID: the id is not one that CheckID accepts.
	ErrBadID = errors.New("unusable id")
	// ErrDamaged: what was read is not what Goldpan writes.
	ErrDamaged = errors.New("damaged")
	// ErrTampered: the metadata or a secret was changed behind the vault's
	// back: altered, replaced by an older copy, or removed.
	ErrTampered = errors.New("tampered with")
	// ErrForeign: the metadata file belongs to another store: another person's,
	// another machine's, or one that has been reset since.
	ErrForeign = errors.New("belongs to another key store")
	// ErrExists: the id is taken, if only by a revoked entry.
	ErrExists = errors.New("already exists")
	// ErrRevoked: the entry was revoked and can never be used again.
	ErrRevoked = errors.New("revoked")
	// ErrKeyLocked: the person set the entry aside; Unlock lets it be used again.
	ErrKeyLocked = errors.New("set aside")
	// ErrExpired: the entry is past the date that its provider gave it.
	ErrExpired = errors.New("expired")
	// ErrWrongKind: the entry was added for another purpose.
	ErrWrongKind = errors.New("added for another purpose")
)

// A Store keeps small secrets under ids. All stores behave alike, which
// vaulttest.TestStore checks. A Store may be used by several goroutines at
// once. A context that has ended makes every method return its error.
type Store interface {
	// Get returns a copy of the secret, which the caller should Wipe, or
	// ErrNotFound.
	Get(ctx context.Context, id string) ([]byte, error)
	// Put stores a copy of secret and replaces what was there. It returns
	// ErrTooLarge for more than MaxSecret bytes, and refuses an empty secret.
	Put(ctx context.Context, id string, secret []byte) error
	// Delete removes the secret, or returns ErrNotFound.
	Delete(ctx context.Context, id string) error
	// List returns the ids in ascending order.
	List(ctx context.Context) ([]string, error)
	// Name says in a few words what this store is, for a person.
	Name() string
}

// Error is a failure of a store, in words of our own: neither a secret nor a
// peer's text is ever part of it.
type Error struct {
	Store  string // the store's Name
	Detail string // what happened, in lower case
	Hint   string // what the person can do: one sentence, or empty
	Err    error  // one of the errors above, or the system's own
}

// Error gives everything but the hint.
func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s: %v", e.Store, e.Err)
	}
	return fmt.Sprintf("%s: %v: %s", e.Store, e.Err, e.Detail)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the advice that comes with err, or "".
func Hint(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// CheckID returns nil if id is 1 to MaxID bytes of a–z, 0–9, '.', '_' and '-',
// and begins with a letter or a digit; otherwise an error that is ErrBadID.
// There is no upper case because Windows does not tell it apart, and no ':'
// because that separates service and id there.
func CheckID(id string) error {
	if id == "" || len(id) > MaxID {
		return fmt.Errorf("%w: an id has 1 to %d characters", ErrBadID, MaxID)
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return fmt.Errorf("%w: an id has a–z, 0–9, '.', '_' and '-', and begins with a letter or a digit", ErrBadID)
		}
	}
	return nil
}

// CheckSecret returns nil if a store may hold secret, and ErrTooLarge if it is
// over MaxSecret.
func CheckSecret(secret []byte) error {
	if len(secret) == 0 {
		return errors.New("the secret is empty")
	}
	if len(secret) > MaxSecret {
		return fmt.Errorf("%w: a secret has at most %d bytes", ErrTooLarge, MaxSecret)
	}
	return nil
}
