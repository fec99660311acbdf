package invite

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Lifetime is how long an invitation is good.
const Lifetime = 10 * time.Minute

// MaxLink is the length of the longest link that is read.
const MaxLink = 400

const (
	version   = 1
	checkSize = 4
	linkMark  = "/#join="
)

// What a link is refused for.
var (
	ErrLink  = errors.New("this is no invitation link")
	ErrTypo  = errors.New("the invitation link is mistyped or incomplete")
	ErrNewer = errors.New("the invitation link is of a later version")
)

// ID names an invitation or a device. It is random and no secret.
type ID [9]byte

// Secret is what an invitation proves. It prints as nothing.
type Secret struct{ bytes [16]byte }

// Key is a device's own. It prints as nothing.
type Key struct{ bytes [32]byte }

const hidden = "(secret)"

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret.
func (Secret) GoString() string { return hidden }

// Format hides the secret from every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// String hides the key.
func (Key) String() string { return hidden }

// GoString hides the key.
func (Key) GoString() string { return hidden }

// Format hides the key from every verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// Equal compares in constant time.
func (k Key) Equal(o Key) bool { return subtle.ConstantTimeCompare(k.bytes[:], o.bytes[:]) == 1 }

// Invitation is for one device. The zero value is none.
type Invitation struct {
	Origin  string // of the gateway
	ID      ID
	Secret  Secret
	Expires time.Time // zero in an invitation that was read from a link: the gateway keeps the clock
}

// Link is the invitation with its secret: for the person it is made for, and no log.
func (i Invitation) Link() string {
	b := append([]byte{version}, i.ID[:]...)
	b = append(b, i.Secret.bytes[:]...)
	return i.Origin + linkMark + base64.RawURLEncoding.EncodeToString(append(b, check("goldpan/1 link", []byte(i.Origin), b)...))
}

// ParseLink reads a link. It returns ErrLink for something else, ErrTypo for a link whose check is wrong, and
// ErrNewer for one that a later Goldpan made; no error repeats any of it.
func ParseLink(link string) (Invitation, error) {
	if len(link) > MaxLink {
		return Invitation{}, ErrLink
	}
	origin, code, ok := strings.Cut(link, linkMark)
	if !ok || checkOrigin(origin) != nil {
		return Invitation{}, ErrLink
	}
	b, err := decode(base64.RawURLEncoding.Strict(), code)
	if err != nil || len(b) == 0 {
		return Invitation{}, ErrTypo
	}
	if b[0] > version {
		return Invitation{}, ErrNewer
	}
	i := Invitation{Origin: origin}
	body := 1 + len(i.ID) + len(i.Secret.bytes)
	if b[0] != version || len(b) != body+checkSize || !bytes.Equal(b[body:], check("goldpan/1 link", []byte(origin), b[:body])) {
		return Invitation{}, ErrTypo
	}
	copy(i.ID[:], b[1:])
	copy(i.Secret.bytes[:], b[1+len(i.ID):])
	return i, nil
}

// encoding is base64 or base32.
type encoding interface {
	DecodeString(string) ([]byte, error)
}

// decode refuses the line breaks that the standard decoders pass over.
func decode(e encoding, s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrTypo
	}
	return e.DecodeString(s)
}

// frames joins parts so that no other list of parts gives the same bytes.
func frames(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
		b = append(b, p...)
	}
	return b
}

func check(label string, parts ...[]byte) []byte {
	sum := sha256.Sum256(frames(append([][]byte{[]byte(label)}, parts...)...))
	return sum[:checkSize]
}

// fill never fails: crypto/rand ends the program rather than give bad numbers.
func fill(b []byte) { _, _ = rand.Read(b) }
