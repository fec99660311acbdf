package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind says what a secret is for. It is handed out for that and nothing else.
type Kind string

// The kinds.
const (
	KindPool     Kind = "pool"     // a pool's password for mining
	KindNode     Kind = "node"     // the password of the person's own node
	KindExchange Kind = "exchange" // an exchange's API key
	KindPoolAPI  Kind = "pool-api" // a pool's API key, for its statistics
	KindToken    Kind = "token"    // what programs on this machine show to change things here
)

// Environment says whether real money is behind a key.
type Environment string

// The environments.
const (
	Live     Environment = "live"
	Test     Environment = "test"     // a test network or an exchange's sandbox
	Practice Environment = "practice" // Goldpan's own network
)

// State is where an entry stands in its life.
type State string

// The states.
const (
	Active  State = "active"
	Revoked State = "revoked" // its secret is deleted; the entry stays as a record
)

const (
	maxEntries = 256
	maxEntryID = 40 // leaves room for the vault's own name in the store's ids
	maxName    = 64 // characters
)

// Entry is everything about a secret but the secret.
type Entry struct {
	// ID names the entry in commands; see CheckID; at most 40 bytes.
	ID string `json:"id"`
	// Name is for the person: 1 to 64 printable characters.
	Name        string      `json:"name"`
	Kind        Kind        `json:"kind"`
	Environment Environment `json:"environment"`
	State       State       `json:"state"`
	// Times are in UTC, in whole seconds. LastUsed is exact to a minute, and
	// zero until the first use; RevokedAt is zero while the entry is active.
	Created   time.Time `json:"created"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	RevokedAt time.Time `json:"revoked,omitzero"`
	// Fingerprint is 16 hexadecimal digits that are equal for equal secrets of
	// one vault. They are keyed: without the store nothing can be guessed from
	// them.
	Fingerprint string `json:"fingerprint"`
}

// checkNew looks at what a caller of Add chooses.
func (e *Entry) checkNew() error {
	if err := CheckID(e.ID); err != nil {
		return err
	}
	if len(e.ID) > maxEntryID {
		return fmt.Errorf("%w: an entry's id has at most %d characters", ErrBadID, maxEntryID)
	}
	if n := utf8.RuneCountInString(e.Name); n < 1 || n > maxName || !utf8.ValidString(e.Name) || e.Name != strings.TrimSpace(e.Name) {
		return fmt.Errorf("a name has 1 to %d characters and no space around it", maxName)
	}
	for _, r := range e.Name {
		// IsPrint leaves out control and direction marks, which can make a
		// name look like another one.
		if !unicode.IsPrint(r) {
			return errors.New("a name has printable characters only")
		}
	}
	switch e.Kind {
	case KindPool, KindNode, KindExchange, KindPoolAPI, KindToken:
	default:
		return errors.New("unknown kind of key")
	}
	switch e.Environment {
	case Live, Test, Practice:
	default:
		return errors.New("unknown environment")
	}
	return nil
}

// check looks at an entry as it is stored.
func (e *Entry) check() error {
	if err := e.checkNew(); err != nil {
		return err
	}
	if e.State != Active && e.State != Revoked || e.RevokedAt.IsZero() != (e.State == Active) {
		return errors.New("a state that does not exist")
	}
	if e.Created.IsZero() {
		return errors.New("no time of creation")
	}
	if b, err := hex.DecodeString(e.Fingerprint); err != nil || len(b) != fingerprintSize {
		return errors.New("no fingerprint")
	}
	return nil
}

// idFor makes an id out of a name: "Pool (main)" becomes "pool-main".
func idFor(name string, kind Kind) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == maxEntryID-4 { // room for a number
			break
		}
	}
	id := strings.TrimRight(b.String(), "-")
	if id == "" {
		return string(kind)
	}
	return id
}
