package invite

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"unicode"
	"unicode/utf8"
)

// The methods that carry the messages.
const (
	MethodHello = "goldpan.hello"
	MethodProve = "goldpan.prove"
)

// MaxMessage is the length of the longest message that is read, in bytes.
const MaxMessage = 1024

// maxShown bounds the payee's name and address, in bytes.
const maxShown = 120

// ErrMessage is returned for a message that is cut short, too long, or not one.
var ErrMessage = errors.New("the message cannot be read")

// Nonce is drawn afresh by each side at each attempt.
type Nonce [32]byte

// Tag is a proof: an HMAC-SHA256.
type Tag [32]byte

// Kind is what a device says hello with.
type Kind string

// The kinds.
const (
	Join  Kind = "join"  // an invitation
	Login Kind = "login" // its own key
)

// Hello is a device's first message.
type Hello struct {
	Version int    `json:"v"`
	Kind    Kind   `json:"kind"`
	ID      ID     `json:"id"`
	Nonce   Nonce  `json:"nonce"`
	Origin  string `json:"origin"`
}

// Challenge is the gateway's answer to Hello, with its proof.
type Challenge struct {
	Echo  Nonce `json:"echo"` // the device's nonce
	Nonce Nonce `json:"nonce"`
	Proof Tag   `json:"proof"`
}

// Proof is the device's.
type Proof struct {
	Echo  Nonce `json:"echo"` // the gateway's nonce
	Proof Tag   `json:"proof"`
}

// Payee is who is paid for what a device hashes: what every device shows. Each is
// plain text of 120 bytes at most.
type Payee struct {
	Name    string `json:"payee"`
	Address string `json:"address"`
}

// Welcome is the gateway's last message.
type Welcome struct {
	Device ID `json:"device"`
	Payee
	Proof Tag `json:"proof"`
}

// Message is one of the four.
type Message interface {
	Hello | Challenge | Proof | Welcome
}

// Decode reads one message, strictly: of its size, with its fields and nothing after
// it. Its error is ErrMessage, or ErrNewer for a hello of a later version.
func Decode[M Message](b []byte) (M, error) {
	var m, none M
	if len(b) > MaxMessage || !utf8.Valid(b) {
		return none, ErrMessage
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return none, ErrMessage
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return none, ErrMessage
	}
	var err error
	switch m := any(m).(type) {
	case Hello:
		err = m.validate()
	case Challenge:
		err = nonZero(m.Echo != Nonce{} && m.Nonce != Nonce{} && m.Proof != Tag{})
	case Proof:
		err = nonZero(m.Echo != Nonce{} && m.Proof != Tag{})
	case Welcome:
		err = nonZero(m.Device != ID{} && m.Proof != Tag{} && m.Valid())
	}
	if err != nil {
		return none, err
	}
	return m, nil
}

func nonZero(ok bool) error {
	if !ok {
		return ErrMessage
	}
	return nil
}

func (h Hello) validate() error {
	switch {
	case h.Version > version:
		return ErrNewer
	case h.Version != version, h.Kind != Join && h.Kind != Login, h.ID == ID{}, h.Nonce == Nonce{}, checkOrigin(h.Origin) != nil:
		return ErrMessage
	}
	return nil
}

// Valid says whether a device can be shown it.
func (p Payee) Valid() bool { return plain(p.Name) && plain(p.Address) }

// plain says whether a text can be shown without moving the cursor or turning the text around.
func plain(s string) bool {
	if len(s) > maxShown || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

var text64 = base64.RawURLEncoding.Strict()

func unmarshal(into, text []byte) error {
	b, err := decode(text64, string(text))
	if err != nil || len(b) != len(into) {
		return ErrMessage
	}
	copy(into, b)
	return nil
}

// String is base64url, as in messages.
func (i ID) String() string { return base64.RawURLEncoding.EncodeToString(i[:]) }

// MarshalText is String.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (i *ID) UnmarshalText(text []byte) error { return unmarshal(i[:], text) }

// MarshalText is base64url.
func (n Nonce) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(n[:])), nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *Nonce) UnmarshalText(text []byte) error { return unmarshal(n[:], text) }

// MarshalText is base64url.
func (t Tag) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(t[:])), nil
}

// UnmarshalText reads what MarshalText wrote.
func (t *Tag) UnmarshalText(text []byte) error { return unmarshal(t[:], text) }
