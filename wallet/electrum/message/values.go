package message

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Hash is a block hash, a txid or a script hash in internal byte order; JSON holds it reversed in hex, as Electrum
// does. It converts to pow.Hash and chainhash.Hash.
type Hash [32]byte

// ScriptHash is how Electrum names an address: the SHA-256 of its output script.
func ScriptHash(script []byte) Hash { return sha256.Sum256(script) }

// String is the reversed hex.
func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// MarshalText writes the reversed hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(b []byte) error {
	var v Hash
	if len(b) != 2*len(v) {
		return errors.New("electrum: a hash has 64 hex digits")
	}
	if _, err := hex.Decode(v[:], b); err != nil {
		return errors.New("electrum: a hash has 64 hex digits")
	}
	slices.Reverse(v[:])
	*h = v
	return nil
}

// Hex is bytes in their own order, as hex in JSON.
type Hex []byte

// MarshalText writes hex.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hex.
func (h *Hex) UnmarshalText(b []byte) error {
	v, err := hex.AppendDecode(make([]byte, 0, len(b)/2), b)
	if err != nil {
		return errors.New("electrum: not hex")
	}
	*h = v
	return nil
}

// Status sums up a script's history; "" is null: no history at all.
type Status string

// StatusOf is the status of a history in the order in which a server gives it: by height and place in the block,
// then what is unconfirmed.
func StatusOf(history []HistoryEntry) Status {
	if len(history) == 0 {
		return ""
	}
	d := sha256.New()
	for _, e := range history {
		fmt.Fprintf(d, "%s:%d:", e.TxHash, e.Height)
	}
	return Status(hex.EncodeToString(d.Sum(nil)))
}

// MarshalJSON writes null for "".
func (s Status) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads null or 64 hex digits.
func (s *Status) UnmarshalJSON(b []byte) error {
	var v *string
	if err := json.Unmarshal(b, &v); err != nil {
		return errors.New("electrum: a status is text or null")
	}
	if v == nil {
		*s = ""
		return nil
	}
	if d, err := hex.DecodeString(*v); err != nil || len(d) != sha256.Size {
		return errors.New("electrum: a status has 64 hex digits")
	}
	*s = Status(strings.ToLower(*v))
	return nil
}

// Version is a protocol version such as 1.4 or 1.4.2.
type Version struct{ Major, Minor, Patch int }

// The range that Goldpan speaks.
var (
	MinVersion = Version{1, 4, 0}
	MaxVersion = Version{1, 6, 0}
)

// ParseVersion reads "1.4" or "1.4.2".
func ParseVersion(s string) (Version, error) {
	parts := strings.Split(s, ".")
	if len(s) > 16 || len(parts) < 2 || len(parts) > 3 {
		return Version{}, errors.New("electrum: bad protocol version")
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, errors.New("electrum: bad protocol version")
		}
		n[i] = int(v)
	}
	return Version{n[0], n[1], n[2]}, nil
}

// String leaves out a patch of 0.
func (v Version) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Compare is -1, 0 or 1.
func (v Version) Compare(w Version) int {
	return slices.Compare([]int{v.Major, v.Minor, v.Patch}, []int{w.Major, w.Minor, w.Patch})
}

// MarshalText writes String.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what ParseVersion does.
func (v *Version) UnmarshalText(b []byte) error {
	w, err := ParseVersion(string(b))
	if err == nil {
		*v = w
	}
	return err
}

// Negotiate is the highest version that both ranges hold, and false when there is none.
func Negotiate(aMin, aMax, bMin, bMax Version) (Version, bool) {
	lo, hi := aMin, aMax
	if bMin.Compare(lo) > 0 {
		lo = bMin
	}
	if bMax.Compare(hi) < 0 {
		hi = bMax
	}
	return hi, lo.Compare(hi) <= 0
}
