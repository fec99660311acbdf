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
	KindGateway  Kind = "gateway"  // what a gateway shows upstream
	KindOAuth    Kind = "oauth"    // tokens of OAuth 2.0
	KindWallet   Kind = "wallet"   // what opens a wallet of this machine instead of its passphrase
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

// The states. An entry is kept as active, locked or revoked; due and expired
// follow from the clock: see Standing.
const (
	Active  State = "active"
	Due     State = "due"     // to be rotated; it can still be used
	Expired State = "expired" // past its provider's date; it is not used
	Locked  State = "locked"  // set aside by the person until Unlock
	Revoked State = "revoked" // its secret is deleted; the entry stays as a record
)

// RotateAfter is how many days a secret is used before it is due, unless its
// entry says otherwise.
const RotateAfter = 90

const (
	maxEndpoint = 128
	maxTokenURL = 256
	maxField    = 64
	maxProvider = 32
	maxRotate   = 3650
	maxEntries  = 256
	maxEntryID  = 40 // leaves room for the vault's own name in the store's ids
	maxName     = 64 // characters
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

	// Provider names who issued it, as in providers.json, or is empty.
	Provider string `json:"provider,omitzero"`
	// Endpoint is the one origin that the Broker sends it to: "https://" and a
	// host, or "http://" and a loopback address.
	Endpoint string `json:"endpoint,omitzero"`
	// Scheme says how the Broker signs with it; empty means that it does not.
	Scheme Scheme `json:"scheme,omitzero"`
	// Field is the name of the header or of the query's parameter, for
	// SchemeHeader and SchemeQuery.
	Field string `json:"field,omitzero"`
	// Pin is "sha256:" and the base64 of the hash of the public key that the
	// endpoint must show (RFC 7469, section 2.4), or empty.
	Pin string `json:"pin,omitzero"`
	// TokenURL is where an OAuth 2.0 client exchanges its refresh token.
	TokenURL string `json:"token_url,omitzero"`
	// Permissions are those that the provider named last.
	Permissions Permissions `json:"permissions,omitzero"`
	// Override says that the person took the key although it may move money.
	Override bool `json:"override,omitzero"`
	// Rotated is when its secret was last replaced, or zero.
	Rotated time.Time `json:"rotated,omitzero"`
	// RotateDays is after how many days it is due; zero means RotateAfter, and
	// -1 never.
	RotateDays int `json:"rotate_days,omitzero"`
	// Expires is when the provider ends it, if that is known.
	Expires time.Time `json:"expires,omitzero"`
	// UsedHost is the host that it was last sent to.
	UsedHost string `json:"used_host,omitzero"`
	// Nonce is a bound that no nonce sent so far has passed.
	Nonce uint64 `json:"nonce,omitzero"`
	// Slot tells apart the secrets that the entry has had.
	Slot uint32 `json:"slot,omitzero"`
}

func (e *Entry) secretID(vault string) string { return secretID(vault, e.Slot, e.ID) }

// Answer is yes, no, or "" for unknown.
type Answer string

// The answers.
const (
	Yes Answer = "yes"
	No  Answer = "no"
)

// Permissions are what a provider says that a key may do.
type Permissions struct {
	Seen      time.Time `json:"seen,omitzero"`      // when the provider was asked
	Read      Answer    `json:"read,omitzero"`      // look at balances
	Trade     Answer    `json:"trade,omitzero"`     // place orders
	Transfer  Answer    `json:"transfer,omitzero"`  // move money between accounts
	Withdraw  Answer    `json:"withdraw,omitzero"`  // send money away
	Allowlist Answer    `json:"allowlist,omitzero"` // it works from named addresses alone
	Expires   time.Time `json:"expires,omitzero"`   // when the provider ends it
}

// Grown names what p allows and before did not, in words; none where before was
// never asked for.
func (p Permissions) Grown(before Permissions) []string {
	if before.Seen.IsZero() {
		return nil
	}
	var grown []string
	for _, c := range []struct {
		name     string
		was, now Answer
	}{
		{"read", before.Read, p.Read}, {"trade", before.Trade, p.Trade},
		{"transfer", before.Transfer, p.Transfer}, {"withdraw", before.Withdraw, p.Withdraw},
	} {
		if c.now == Yes && c.was != Yes {
			grown = append(grown, c.name)
		}
	}
	if before.Allowlist == Yes && p.Allowlist == No {
		grown = append(grown, "any address")
	}
	return grown
}

func (p Permissions) check() error {
	for _, a := range []Answer{p.Read, p.Trade, p.Transfer, p.Withdraw, p.Allowlist} {
		if a != "" && a != Yes && a != No {
			return errors.New("an unknown permission")
		}
	}
	return nil
}

// RotationDue is when the secret is to be replaced, or zero for never.
func (e Entry) RotationDue() time.Time {
	days := e.RotateDays
	switch {
	case days < 0:
		return time.Time{}
	case days == 0:
		days = RotateAfter
	}
	since := e.Created
	if e.Rotated.After(since) {
		since = e.Rotated
	}
	return since.AddDate(0, 0, days)
}

// Standing is the entry's state at a time: the one that is kept, or for an
// active entry Due or Expired.
func (e Entry) Standing(now time.Time) State {
	if e.State != Active {
		return e.State
	}
	if !e.Expires.IsZero() && !now.Before(e.Expires) {
		return Expired
	}
	if due := e.RotationDue(); !due.IsZero() && !now.Before(due) {
		return Due
	}
	return Active
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
	case KindPool, KindNode, KindExchange, KindPoolAPI, KindToken, KindGateway, KindOAuth, KindWallet:
	default:
		return errors.New("unknown kind of key")
	}
	switch e.Environment {
	case Live, Test, Practice:
	default:
		return errors.New("unknown environment")
	}
	if e.RotateDays < -1 || e.RotateDays > maxRotate {
		return fmt.Errorf("a key is due after 1 to %d days, or -1 for never", maxRotate)
	}
	if err := e.Permissions.check(); err != nil {
		return err
	}
	return e.checkPlace()
}

// check looks at an entry as it is stored.
func (e *Entry) check() error {
	if err := e.checkNew(); err != nil {
		return err
	}
	if e.State != Active && e.State != Locked && e.State != Revoked || e.RevokedAt.IsZero() != (e.State != Revoked) {
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

// checkPlace looks at where and how a key is used.
func (e *Entry) checkPlace() error {
	if e.Provider != "" && (CheckID(e.Provider) != nil || len(e.Provider) > maxProvider) {
		return errors.New("a provider's name has a–z, 0–9, '.', '_' and '-'")
	}
	if len(e.UsedHost) > maxEndpoint {
		return errors.New("the host is too long")
	}
	if e.Pin != "" {
		if _, err := parsePin(e.Pin); err != nil {
			return err
		}
	}
	if e.Endpoint != "" {
		if _, err := parseOrigin(e.Endpoint); err != nil {
			return err
		}
		if err := checkProviderHost(e.Provider, e.Environment, e.Endpoint); err != nil {
			return err
		}
	}
	if e.Scheme == "" {
		return nil
	}
	if e.Kind != KindExchange && e.Kind != KindPoolAPI && e.Kind != KindOAuth {
		return errors.New("this kind of key is not signed with")
	}
	if _, ok := signerOf(e.Scheme); !ok && e.Scheme != SchemeOAuth {
		return errors.New("unknown way to sign")
	}
	if e.Endpoint == "" {
		return errors.New("a key that signs belongs to an address: it needs an endpoint")
	}
	if (e.Scheme == SchemeHeader || e.Scheme == SchemeQuery) != (e.Field != "") || !plainField(e.Field) {
		return errors.New("a key in a header or a query, and no other, needs that field's name: letters, digits, '-' and '_'")
	}
	if (e.Scheme == SchemeOAuth) != (e.TokenURL != "") {
		return errors.New("a token of OAuth, and no other key, needs the address that renews it")
	}
	if e.TokenURL != "" {
		if _, err := parseTokenURL(e.TokenURL); err != nil {
			return err
		}
	}
	return nil
}

func plainField(s string) bool {
	switch strings.ToLower(s) {
	case "host", "content-length", "content-type", "transfer-encoding", "connection", "trailer", "te", "upgrade", "user-agent", "cookie", "expect":
		return false // these are the connection's own
	}
	return len(s) <= maxField && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
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
