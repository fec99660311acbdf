package invite

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"
	"sync"
	"time"
)

// MaxDevices is how many devices a Gate takes when nothing else is said.
const MaxDevices = 32

// remembered is how many invitations are kept to tell a used or late one from one
// that never was.
const remembered = 256

// Device is what a gateway keeps of one: a key, or a token's hash. It can be printed.
type Device struct {
	ID     ID
	Key    Key      // zero for a miner with a token
	Token  [32]byte // hash of the token; zero for a device with a key
	From   ID       // the invitation that it joined with; zero for a token
	Joined time.Time
}

// State is an invitation's.
type State int

// An invitation is pending until it is spent or has expired, and then for good.
const (
	Pending State = iota
	Spent
	Expired
)

func (s State) String() string { return [...]string{"pending", "spent", "expired"}[s] }

// Config makes a Gate.
type Config struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Kept is what the last Keep was given.
	Kept Kept
	// Max is how many devices there may be, invitations that are pending included; 0 is MaxDevices.
	Max int
	// Keep brings all of it to the disk as one: before an invitation is shown, before the device that just joined is
	// welcomed, and before one that is removed is gone; if it fails, nothing has changed. It is called by one goroutine at
	// a time, may not call the Gate, and may keep what it is given. Nil keeps nothing.
	Keep func(Kept) error
}

// Gate is the gateway's side: it makes invitations, spends each once, and knows the
// devices. It may be used by many goroutines.
type Gate struct {
	now  func() time.Time
	keep func(Kept) error
	max  int

	mu          sync.Mutex
	invitations []*Issued // oldest first
	devices     []Device
}

// Kept is what a gateway keeps: devices, and invitations, so that neither is lost with the program and none is good
// twice.
type Kept struct {
	Devices     []Device
	Invitations []Issued // oldest first
}

// Issued is an invitation as the gateway that made it keeps it. Once it is not pending, its secret is gone.
type Issued struct {
	Invitation
	State State
}

// NewGate makes a Gate.
func NewGate(c Config) *Gate {
	g := &Gate{now: c.Now, keep: c.Keep, max: c.Max, devices: slices.Clone(c.Kept.Devices)}
	if g.now == nil {
		g.now = time.Now
	}
	if g.max <= 0 {
		g.max = MaxDevices
	}
	if g.keep == nil {
		g.keep = func(Kept) error { return nil }
	}
	for _, i := range c.Kept.Invitations {
		if i.Expires.After(g.now().Add(Lifetime)) { // the clock was set back
			i.State, i.Secret = Expired, Secret{}
		}
		g.invitations = append(g.invitations, &i)
	}
	g.forget()
	return g
}

// Invite makes an invitation for one device, to be used at origin within Lifetime.
// Errors are ErrOrigin, ErrFull and Keep's.
func (g *Gate) Invite(origin string) (Invitation, error) {
	if checkOrigin(origin) != nil {
		return Invitation{}, ErrOrigin
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full() {
		return Invitation{}, ErrFull
	}
	i := Invitation{Origin: origin, Expires: g.now().Add(Lifetime)}
	fill(i.ID[:])
	fill(i.Secret.bytes[:])
	before := slices.Clone(g.invitations)
	g.invitations = append(g.invitations, &Issued{Invitation: i})
	g.forget()
	if err := g.set(g.devices); err != nil {
		g.invitations = before
		return Invitation{}, err
	}
	return i, nil
}

// full tells whether every place is taken or promised.
func (g *Gate) full() bool {
	taken := len(g.devices)
	for _, p := range g.invitations {
		if g.age(p) == Pending {
			taken++
		}
	}
	return taken >= g.max
}

// forget drops the oldest invitations that can no longer be used.
func (g *Gate) forget() {
	for k := 0; len(g.invitations) > remembered && k < len(g.invitations); {
		if g.age(g.invitations[k]) == Pending {
			k++
			continue
		}
		g.invitations = append(g.invitations[:k], g.invitations[k+1:]...)
	}
}

// age moves a pending invitation on when its time is over; its secret is gone then.
func (g *Gate) age(p *Issued) State {
	if p.State == Pending && !g.now().Before(p.Expires) {
		p.State = Expired
		p.Secret = Secret{}
	}
	return p.State
}

func (g *Gate) find(id ID) *Issued {
	for _, p := range g.invitations {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Invitation says how an invitation stands; false for one that never was, or was long ago.
func (g *Gate) Invitation(id ID) (State, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.find(id); p != nil {
		return g.age(p), true
	}
	return 0, false
}

// Withdraw ends a pending invitation. ErrUnknown if it is not one; Keep's error, and then it is ended as long as the
// program runs.
func (g *Gate) Withdraw(id ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.find(id)
	if p == nil || g.age(p) != Pending {
		return ErrUnknown
	}
	p.State, p.Secret = Expired, Secret{}
	return g.set(g.devices)
}

// Invitations are those that are pending, without their secrets, oldest first.
func (g *Gate) Invitations() []Invitation {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Invitation
	for _, p := range g.invitations {
		if g.age(p) == Pending {
			i := p.Invitation
			i.Secret = Secret{}
			all = append(all, i)
		}
	}
	return all
}

// Devices are those that may log in now.
func (g *Gate) Devices() []Device {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Device(nil), g.devices...)
}

func (g *Gate) device(id ID) (Device, bool) {
	for _, d := range g.devices {
		if d.ID == id {
			return d, true
		}
	}
	return Device{}, false
}

// Remove forgets a device: from now on it is refused, also in an attempt that has
// begun. ErrUnknown if there is none; otherwise Keep's error, and then it stays.
func (g *Gate) Remove(id ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.device(id); !ok {
		return ErrUnknown
	}
	left := make([]Device, 0, len(g.devices))
	for _, d := range g.devices {
		if d.ID != id {
			left = append(left, d)
		}
	}
	return g.set(left)
}

func (g *Gate) add(d Device) error {
	if len(g.devices) >= g.max {
		return ErrFull
	}
	return g.set(append(append([]Device(nil), g.devices...), d))
}

func (g *Gate) set(devices []Device) error {
	all := Kept{Devices: slices.Clone(devices)}
	for _, p := range g.invitations {
		g.age(p)
		all.Invitations = append(all.Invitations, *p)
	}
	if err := g.keep(all); err != nil {
		return err
	}
	g.devices = devices
	return nil
}

// Attempt is the gateway's side of one handshake, on one connection. It is used by
// one goroutine.
type Attempt struct {
	g   *Gate
	h   handshake
	key []byte
}

// Begin answers a hello that came in for origin, which is what the gateway knows of
// the connection and not what the device says. Errors are ErrMessage, ErrNewer,
// ErrOrigin, ErrUnknown, ErrSpent and ErrExpired.
func (g *Gate) Begin(origin string, m Hello) (*Attempt, Challenge, error) {
	if err := m.validate(); err != nil {
		return nil, Challenge{}, err
	}
	if m.Origin != origin {
		return nil, Challenge{}, ErrOrigin
	}
	a := &Attempt{g: g, h: handshake{kind: m.Kind, id: m.ID, device: m.Nonce, origin: origin}}
	g.mu.Lock()
	key, err := g.keyOf(a.h)
	g.mu.Unlock()
	if err != nil {
		return nil, Challenge{}, err
	}
	a.key = key
	fill(a.h.gate[:])
	return a, Challenge{Echo: m.Nonce, Nonce: a.h.gate, Proof: a.h.gateTag(a.key)}, nil
}

// keyOf gives what is to be proved, if it still can be.
func (g *Gate) keyOf(h handshake) ([]byte, error) {
	if h.kind == Login {
		d, ok := g.device(h.id)
		if !ok || d.Key == (Key{}) {
			return nil, ErrUnknown
		}
		return bytes.Clone(d.Key.bytes[:]), nil
	}
	p := g.find(h.id)
	if p == nil {
		return nil, ErrUnknown
	}
	switch g.age(p) {
	case Spent:
		return nil, ErrSpent
	case Expired:
		return nil, ErrExpired
	}
	if p.Origin != h.origin {
		return nil, ErrOrigin
	}
	return bytes.Clone(p.Secret.bytes[:]), nil
}

// Finish checks the device's proof, spends the invitation of a join, and welcomes the
// device; what it hashes is paid to the payee. Errors are ErrOrder, ErrReplayed,
// ErrReflected, ErrProof, ErrMessage for a payee that cannot be shown, Begin's, ErrFull and
// Keep's. After one the attempt is over, and the invitation as it was.
func (a *Attempt) Finish(m Proof, payee Payee) (Device, Welcome, error) {
	key := a.key
	a.key = nil
	switch {
	case key == nil:
		return Device{}, Welcome{}, ErrOrder
	case !payee.Valid():
		return Device{}, Welcome{}, ErrMessage
	case m.Echo != a.h.gate:
		return Device{}, Welcome{}, ErrReplayed
	case equal(m.Proof, a.h.gateTag(key)):
		return Device{}, Welcome{}, ErrReflected
	case !equal(m.Proof, a.h.deviceTag(key)):
		return Device{}, Welcome{}, ErrProof
	}
	g := a.g
	g.mu.Lock()
	defer g.mu.Unlock()
	now, err := g.keyOf(a.h) // another attempt, the clock or a person may have been faster
	if err != nil {
		return Device{}, Welcome{}, err
	}
	if subtle.ConstantTimeCompare(now, key) != 1 {
		return Device{}, Welcome{}, ErrUnknown
	}
	var d Device
	if a.h.kind == Login {
		d, _ = g.device(a.h.id)
	} else if d, err = g.spend(a.h, key); err != nil {
		return Device{}, Welcome{}, err
	}
	return d, Welcome{Device: d.ID, Payee: payee, Proof: a.h.welcomeTag(d.Key.bytes[:], d.ID, payee)}, nil
}

func (g *Gate) spend(h handshake, secret []byte) (Device, error) {
	d := Device{From: h.id, Joined: g.now().UTC().Round(0)}
	var err error
	if d.ID, d.Key, err = h.derive(secret); err != nil {
		return Device{}, err
	}
	p := g.find(h.id)
	before := *p
	p.State, p.Secret = Spent, Secret{} // on the disk together with the device
	if err := g.add(d); err != nil {
		*p = before
		return Device{}, err
	}
	return d, nil
}

// A device token, as the package comment draws it.
const tokenMark = "gp1"

var text32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// IssueToken makes a device for a miner that knows no handshake, and the token that it
// gives as its Stratum password: shown once, and kept nowhere. A place that an open invitation
// promises is not given to it. Errors are ErrFull and Keep's.
func (g *Gate) IssueToken() (Device, string, error) {
	var d Device
	var secret [16]byte
	fill(d.ID[:])
	fill(secret[:])
	d.Token = tokenHash(d.ID, secret)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.full() {
		return Device{}, "", ErrFull
	}
	d.Joined = g.now().UTC().Round(0)
	if err := g.add(d); err != nil {
		return Device{}, "", err
	}
	return d, formatToken(d.ID, secret), nil
}

func formatToken(id ID, secret [16]byte) string {
	b := append(append([]byte{version}, id[:]...), secret[:]...)
	return tokenMark + text32.EncodeToString(append(b, check("goldpan/1 token check", b)...))
}

func tokenHash(id ID, secret [16]byte) [32]byte {
	return sha256.Sum256(frames([]byte("goldpan/1 token"), id[:], secret[:]))
}

// parseToken takes any letter case: people type tokens.
func parseToken(token string) (ID, [16]byte, error) {
	var id ID
	var secret [16]byte
	body := 1 + len(id) + len(secret)
	if len(token) != len(tokenMark)+48 {
		return id, secret, ErrTypo
	}
	code, ok := strings.CutPrefix(strings.ToLower(token), tokenMark)
	b, err := decode(text32, code)
	if !ok || err != nil || len(b) != body+checkSize || b[0] != version || !bytes.Equal(b[body:], check("goldpan/1 token check", b[:body])) {
		return id, secret, ErrTypo
	}
	copy(id[:], b[1:])
	copy(secret[:], b[1+len(id):])
	return id, secret, nil
}

// CheckToken gives the device whose token this is. ErrTypo for what is no token or a
// mistyped one, ErrUnknown for one that was removed or never was, ErrProof for a wrong one.
func (g *Gate) CheckToken(token string) (Device, error) {
	id, secret, err := parseToken(token)
	if err != nil {
		return Device{}, err
	}
	hash := tokenHash(id, secret)
	g.mu.Lock()
	defer g.mu.Unlock()
	d, ok := g.device(id)
	if !ok || d.Token == ([32]byte{}) {
		return Device{}, ErrUnknown
	}
	if subtle.ConstantTimeCompare(hash[:], d.Token[:]) != 1 {
		return Device{}, ErrProof
	}
	return d, nil
}
