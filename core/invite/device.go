package invite

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// What a handshake is refused for, beside ErrMessage and ErrOrigin.
var (
	ErrUnknown   = errors.New("this invitation or device is not known here")
	ErrSpent     = errors.New("this invitation was used already")
	ErrExpired   = errors.New("this invitation is older than ten minutes")
	ErrProof     = errors.New("the proof is wrong")
	ErrReplayed  = errors.New("the answer belongs to another attempt")
	ErrReflected = errors.New("what was sent came back as an answer")
	ErrOrder     = errors.New("the message comes out of its order")
	ErrFull      = errors.New("there are as many devices or invitations as may be")
)

// ErrCredential is returned for a text that is no credential of that origin.
var ErrCredential = errors.New("the credential is damaged, or for another address")

// Credential is what a device keeps to log in with.
type Credential struct {
	Origin string
	ID     ID
	Key    Key
}

// Export is the credential with its key, for the device's own store and no log: 62
// characters. The origin is not in it, but its check is over the origin too.
func (c Credential) Export() string {
	b := append([]byte{version}, c.ID[:]...)
	b = append(b, c.Key.bytes[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, check("goldpan/1 credential", []byte(c.Origin), b)...))
}

// ParseCredential reads what Export wrote, for the same origin.
func ParseCredential(origin, text string) (Credential, error) {
	c := Credential{Origin: origin}
	body := 1 + len(c.ID) + len(c.Key.bytes)
	if len(text) > 100 || checkOrigin(origin) != nil {
		return Credential{}, ErrCredential
	}
	b, err := decode(text64, text)
	if err != nil || len(b) != body+checkSize || b[0] != version || !bytes.Equal(b[body:], check("goldpan/1 credential", []byte(origin), b[:body])) {
		return Credential{}, ErrCredential
	}
	copy(c.ID[:], b[1:])
	copy(c.Key.bytes[:], b[1+len(c.ID):])
	return c, nil
}

// Caller is a device's side of one attempt: Hello, Answer, Finish, in this order and
// once each. It is used by one goroutine.
type Caller struct {
	h     handshake
	key   []byte // the invitation's secret or the device's key
	own   Credential
	state int
}

const (
	fresh = iota
	greeted
	answered
	done
)

// NewJoin begins with an invitation.
func NewJoin(i Invitation) (*Caller, error) {
	if checkOrigin(i.Origin) != nil {
		return nil, ErrOrigin
	}
	return newCaller(handshake{kind: Join, id: i.ID, origin: i.Origin}, i.Secret.bytes[:]), nil
}

// NewLogin begins with a device's credential.
func NewLogin(c Credential) (*Caller, error) {
	if checkOrigin(c.Origin) != nil {
		return nil, ErrOrigin
	}
	a := newCaller(handshake{kind: Login, id: c.ID, origin: c.Origin}, c.Key.bytes[:])
	a.own = c
	return a, nil
}

func newCaller(h handshake, key []byte) *Caller {
	fill(h.device[:])
	return &Caller{h: h, key: bytes.Clone(key)}
}

// Hello is the first message.
func (c *Caller) Hello() Hello {
	c.state = greeted
	return Hello{Version: version, Kind: c.h.kind, ID: c.h.id, Nonce: c.h.device, Origin: c.h.origin}
}

// Answer checks the gateway's proof and gives the device's, with the credential to
// keep before it is sent. Errors are ErrReplayed, ErrReflected, ErrProof, ErrOrder;
// after one the attempt is over.
func (c *Caller) Answer(ch Challenge) (Proof, Credential, error) {
	if c.state != greeted {
		return Proof{}, Credential{}, ErrOrder
	}
	c.state = done
	if ch.Echo != c.h.device {
		return Proof{}, Credential{}, ErrReplayed
	}
	c.h.gate = ch.Nonce
	mine := c.h.deviceTag(c.key)
	switch {
	case ch.Nonce == c.h.device, equal(ch.Proof, mine):
		return Proof{}, Credential{}, ErrReflected
	case !equal(ch.Proof, c.h.gateTag(c.key)):
		return Proof{}, Credential{}, ErrProof
	}
	if c.h.kind == Join {
		id, key, err := c.h.derive(c.key)
		if err != nil {
			return Proof{}, Credential{}, err
		}
		c.own = Credential{Origin: c.h.origin, ID: id, Key: key}
	}
	c.state = answered
	return Proof{Echo: ch.Nonce, Proof: mine}, c.own, nil
}

// Finish checks the welcome. Errors are ErrProof and ErrOrder.
func (c *Caller) Finish(w Welcome) (Payee, error) {
	if c.state != answered {
		return Payee{}, ErrOrder
	}
	c.state = done
	if w.Device != c.own.ID || !equal(w.Proof, c.h.welcomeTag(c.own.Key.bytes[:], w.Device, w.Payee)) {
		return Payee{}, ErrProof
	}
	return w.Payee, nil
}
