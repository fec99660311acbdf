package invite

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

const home = "http://192.168.1.20:8080"

var payee = Payee{Name: "Home", Address: "bc1qexample"}

// clock is one that tests set.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func gate(t *testing.T) (*Gate, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	return NewGate(Config{Now: c.now}), c
}

func mustInvite(t *testing.T, g *Gate) Invitation {
	t.Helper()
	i, err := g.Invite(home)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// dial goes through one handshake by way of JSON.
func dial(g *Gate, c *Caller) (Credential, Payee, error) {
	a, ch, err := g.Begin(home, wire(c.Hello()))
	if err != nil {
		return Credential{}, Payee{}, err
	}
	p, own, err := c.Answer(wire(ch))
	if err != nil {
		return Credential{}, Payee{}, err
	}
	_, w, err := a.Finish(wire(p), payee)
	if err != nil {
		return own, Payee{}, err
	}
	who, err := c.Finish(wire(w))
	return own, who, err
}

func wire[M Message](m M) M {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	got, err := Decode[M](b)
	if err != nil {
		panic(fmt.Sprintf("%v: %s", err, b))
	}
	if got != m {
		panic("changed on the way")
	}
	return got
}

func join(t *testing.T, g *Gate, i Invitation) (Credential, error) {
	t.Helper()
	c, err := NewJoin(i)
	if err != nil {
		t.Fatal(err)
	}
	own, who, err := dial(g, c)
	if err == nil && who != payee {
		t.Errorf("payee %v", who)
	}
	return own, err
}

func login(t *testing.T, g *Gate, own Credential) error {
	t.Helper()
	c, err := NewLogin(own)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = dial(g, c)
	return err
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestJoinAndLogin(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	read, err := ParseLink(i.Link())
	if err != nil {
		t.Fatal(err)
	}
	own, err := join(t, g, read)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := g.Invitation(i.ID); !ok || s != Spent {
		t.Errorf("the invitation is %v", s)
	}
	kept, err := ParseCredential(home, own.Export())
	if err != nil || kept != own {
		t.Fatalf("credential %v %v", kept, err)
	}
	for range 3 {
		want(t, "login", login(t, g, kept), nil)
	}
	// A gateway that is started again knows the device from what it kept.
	b, err := g.Devices()[0].Export()
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDevice(b)
	if err != nil || d != g.Devices()[0] {
		t.Fatalf("device %v %v", d, err)
	}
	again := NewGate(Config{Kept: Kept{Devices: []Device{d}}})
	want(t, "login after a restart", login(t, again, kept), nil)
	want(t, "remove", again.Remove(d.ID), nil)
	want(t, "login of a removed device", login(t, again, kept), ErrUnknown)
	want(t, "remove twice", again.Remove(d.ID), ErrUnknown)
}

func TestInvitationIsUsedOnceAndInTime(t *testing.T) {
	g, c := gate(t)
	i := mustInvite(t, g)
	_, err := join(t, g, i)
	want(t, "first use", err, nil)
	_, err = join(t, g, i)
	want(t, "second use", err, ErrSpent)

	late := mustInvite(t, g)
	c.t = c.t.Add(Lifetime - 1)
	if s, _ := g.Invitation(late.ID); s != Pending {
		t.Errorf("it is %v a moment before its end", s)
	}
	// It expires between hello and proof.
	a, ch, caller := begin(t, g, late)
	p, _, err := caller.Answer(ch)
	want(t, "answer", err, nil)
	c.t = c.t.Add(1)
	_, _, err = a.Finish(p, payee)
	want(t, "proof too late", err, ErrExpired)
	_, err = join(t, g, late)
	want(t, "late use", err, ErrExpired)
	c.t = c.t.Add(-time.Hour)
	_, err = join(t, g, late)
	want(t, "late use, the clock set back", err, ErrExpired)

	never := late
	never.ID[0]++
	_, err = join(t, g, never)
	want(t, "never made", err, ErrUnknown)

	gone := mustInvite(t, g)
	want(t, "withdraw", g.Withdraw(gone.ID), nil)
	want(t, "withdraw again", g.Withdraw(gone.ID), ErrUnknown)
	_, err = join(t, g, gone)
	want(t, "withdrawn", err, ErrExpired)
}

func begin(t *testing.T, g *Gate, i Invitation) (*Attempt, Challenge, *Caller) {
	t.Helper()
	c, err := NewJoin(i)
	if err != nil {
		t.Fatal(err)
	}
	a, ch, err := g.Begin(home, c.Hello())
	if err != nil {
		t.Fatal(err)
	}
	return a, ch, c
}

func TestTwoUseOneInvitationAtOnce(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	a1, ch1, c1 := begin(t, g, i)
	a2, ch2, c2 := begin(t, g, i)
	p1, _, err := c1.Answer(ch1)
	want(t, "answer", err, nil)
	p2, _, err := c2.Answer(ch2)
	want(t, "answer", err, nil)
	_, _, err = a1.Finish(p1, payee)
	want(t, "first", err, nil)
	_, _, err = a2.Finish(p2, payee)
	want(t, "second", err, ErrSpent)
	if n := len(g.Devices()); n != 1 {
		t.Errorf("%d devices", n)
	}
}

func TestReplayedAndReflected(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	a, ch, c := begin(t, g, i)
	p, _, err := c.Answer(ch)
	want(t, "answer", err, nil)
	_, _, err = c.Answer(ch)
	want(t, "the same challenge twice", err, ErrOrder)

	// An old challenge for another attempt, and with the echo altered.
	_, _, other := begin(t, g, i)
	_, _, err = other.Answer(ch)
	want(t, "a challenge replayed", err, ErrReplayed)
	_, _, other = begin(t, g, i)
	forged := ch
	forged.Echo = other.h.device
	_, _, err = other.Answer(forged)
	want(t, "a challenge replayed under another echo", err, ErrProof)

	// A proof for another attempt, and with the echo altered.
	b, _, _ := begin(t, g, i)
	_, _, err = b.Finish(p, payee)
	want(t, "a proof replayed", err, ErrReplayed)
	b, chb, _ := begin(t, g, i)
	_, _, err = b.Finish(Proof{Echo: chb.Nonce, Proof: p.Proof}, payee)
	want(t, "a proof replayed under another echo", err, ErrProof)

	// Each side's own words sent back to it.
	b, chb, _ = begin(t, g, i)
	_, _, err = b.Finish(Proof{Echo: chb.Nonce, Proof: chb.Proof}, payee)
	want(t, "the gateway's proof reflected", err, ErrReflected)
	_, chb, cb := begin(t, g, i)
	chb.Nonce = cb.h.device
	_, _, err = cb.Answer(chb)
	want(t, "the device's nonce reflected", err, ErrReflected)
	_, chb, cb = begin(t, g, i)
	cb.h.gate = chb.Nonce
	chb.Proof = cb.h.deviceTag(cb.key)
	_, _, err = cb.Answer(chb)
	want(t, "the device's proof reflected", err, ErrReflected)

	_, _, err = a.Finish(p, payee)
	want(t, "the right proof, after all of that", err, nil)
	_, _, err = a.Finish(p, payee)
	want(t, "and again", err, ErrOrder)
}

func TestWrongSecretEitherSide(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	guess := i
	guess.Secret.bytes[3] ^= 1
	_, err := join(t, g, guess)
	want(t, "the gateway does not know our secret", err, ErrProof)
	a, ch, _ := begin(t, g, i)
	liar, _ := NewJoin(guess)
	liar.h.device, liar.h.gate = a.h.device, ch.Nonce
	_, _, err = a.Finish(Proof{Echo: ch.Nonce, Proof: liar.h.deviceTag(liar.key)}, payee)
	want(t, "the device does not know the secret", err, ErrProof)
	if s, _ := g.Invitation(i.ID); s != Pending {
		t.Error("a wrong guess spent the invitation")
	}
	own, err := join(t, g, i)
	want(t, "join", err, nil)
	own.Key.bytes[31] ^= 1
	want(t, "another key", login(t, g, own), ErrProof)
}

func TestWrongOrigin(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	// The device stands at another address, and says so, or is made to say ours.
	stray := i
	stray.Origin = "http://evil.example"
	c, err := NewJoin(stray)
	want(t, "new", err, nil)
	h := c.Hello()
	_, _, err = g.Begin(home, h)
	want(t, "it says so", err, ErrOrigin)
	_, _, err = g.Begin(stray.Origin, h)
	want(t, "the gateway is reached there too", err, ErrOrigin)
	h.Origin = home
	a, ch, err := g.Begin(home, h)
	want(t, "altered on the way", err, nil)
	_, _, err = c.Answer(ch)
	want(t, "the device notices", err, ErrProof)
	c.h.gate = ch.Nonce
	_, _, err = a.Finish(Proof{Echo: ch.Nonce, Proof: c.h.deviceTag(c.key)}, payee)
	want(t, "and so does the gateway", err, ErrProof)

	own, err := join(t, g, i)
	want(t, "join", err, nil)
	if _, err := ParseCredential("http://evil.example", own.Export()); !errors.Is(err, ErrCredential) {
		t.Errorf("a credential for another origin: %v", err)
	}
}

func TestWelcomeIsProved(t *testing.T) {
	g, _ := gate(t)
	for what, alter := range map[string]func(*Welcome){
		"address": func(w *Welcome) { w.Address = "bc1qother" },
		"name":    func(w *Welcome) { w.Name += "!" },
		"moved":   func(w *Welcome) { w.Name, w.Address = w.Name+w.Address, "" },
		"device":  func(w *Welcome) { w.Device[0]++ },
		"proof":   func(w *Welcome) { w.Proof[0]++ },
	} {
		a, ch, c := begin(t, g, mustInvite(t, g))
		p, _, err := c.Answer(ch)
		want(t, what, err, nil)
		_, w, err := a.Finish(p, payee)
		want(t, what, err, nil)
		alter(&w)
		_, err = c.Finish(w)
		want(t, what, err, ErrProof)
		_, err = c.Finish(w)
		want(t, what+" again", err, ErrOrder)
	}
	_, _, c := begin(t, g, mustInvite(t, g))
	_, err := c.Finish(Welcome{})
	want(t, "a welcome before the challenge", err, ErrOrder)
}

func TestLostWelcome(t *testing.T) {
	g, _ := gate(t)
	a, ch, c := begin(t, g, mustInvite(t, g))
	p, own, err := c.Answer(ch)
	want(t, "answer", err, nil)
	want(t, "login before the proof came", login(t, g, own), ErrUnknown)
	_, _, err = a.Finish(p, payee)
	want(t, "finish", err, nil)
	want(t, "login after the welcome was lost", login(t, g, own), nil)
}

func TestRemovedWhileLoggingIn(t *testing.T) {
	g, _ := gate(t)
	own, err := join(t, g, mustInvite(t, g))
	want(t, "join", err, nil)
	c, _ := NewLogin(own)
	a, ch, err := g.Begin(home, c.Hello())
	want(t, "begin", err, nil)
	p, _, err := c.Answer(ch)
	want(t, "answer", err, nil)
	want(t, "remove", g.Remove(own.ID), nil)
	_, _, err = a.Finish(p, payee)
	want(t, "finish", err, ErrUnknown)
}

func TestLimits(t *testing.T) {
	g, c := gate(t)
	for range MaxDevices {
		mustInvite(t, g)
	}
	_, err := g.Invite(home)
	want(t, "one more", err, ErrFull)
	_, _, err = g.IssueToken()
	want(t, "a token in the place of an invitation", err, ErrFull)
	c.t = c.t.Add(Lifetime)
	_, _, err = g.IssueToken()
	want(t, "a token, once the invitations are over", err, nil)
	for range 5000 {
		i := mustInvite(t, g)
		want(t, "withdraw", g.Withdraw(i.ID), nil)
	}
	if n := len(g.invitations); n > remembered {
		t.Errorf("%d invitations are remembered", n)
	}
	var kept Kept
	two := NewGate(Config{Max: 2, Keep: func(k Kept) error { kept = k; return nil }})
	i := mustInvite(t, two)
	_, _, err = two.IssueToken()
	want(t, "token", err, nil)
	_, err = join(t, NewGate(Config{Max: 1, Kept: kept}), i)
	want(t, "no place left", err, ErrFull)
	_, err = g.Invite("http://192.168.1.20:8080/")
	want(t, "no origin", err, ErrOrigin)
}

func TestKeptBeforeWelcome(t *testing.T) {
	full := errors.New("no space")
	var kept []Device
	broken := false
	g := NewGate(Config{Keep: func(k Kept) error {
		if broken {
			return full
		}
		kept = k.Devices
		return nil
	}})
	i := mustInvite(t, g)
	broken = true
	_, err := join(t, g, i)
	want(t, "disk full", err, full)
	if s, _ := g.Invitation(i.ID); s != Pending || len(g.Devices()) != 0 {
		t.Error("something changed although it was not kept")
	}
	broken = false
	own, err := join(t, g, i)
	want(t, "disk mended", err, nil)
	if len(kept) != 1 || kept[0].ID != own.ID {
		t.Errorf("kept %v", kept)
	}
	broken = true
	want(t, "remove", g.Remove(own.ID), full)
	want(t, "it stayed", login(t, g, own), nil)
}

func TestToken(t *testing.T) {
	g, _ := gate(t)
	d, token, err := g.IssueToken()
	want(t, "issue", err, nil)
	got, err := g.CheckToken(token)
	if err != nil || got != d {
		t.Fatalf("%v %v", got, err)
	}
	_, err = g.CheckToken(strings.ToUpper(token))
	want(t, "typed in capitals", err, nil)
	for k := range token {
		other := []byte(token)
		other[k] = 'a' + (other[k]-'a'+1)%26
		if _, err := g.CheckToken(string(other)); !errors.Is(err, ErrTypo) {
			t.Errorf("mistyped at %d: %v", k, err)
		}
	}
	id, secret, _ := parseToken(token)
	secret[0]++
	_, err = g.CheckToken(formatToken(id, secret))
	want(t, "another secret", err, ErrProof)
	id[0]++
	_, err = g.CheckToken(formatToken(id, secret))
	want(t, "another device", err, ErrUnknown)
	b, err := d.Export()
	want(t, "export", err, nil)
	if strings.Contains(string(b), token[12:]) || d.Key != (Key{}) {
		t.Error("the token is kept")
	}
	back, err := ParseDevice(b)
	if err != nil || back != d {
		t.Errorf("%v %v", back, err)
	}
	// A token's device has no key to log in with, and a device with a key no token.
	want(t, "login", login(t, g, Credential{Origin: home, ID: d.ID}), ErrUnknown)
	own, err := join(t, g, mustInvite(t, g))
	want(t, "join", err, nil)
	_, err = g.CheckToken(formatToken(own.ID, secret))
	want(t, "a token for a device with a key", err, ErrUnknown)
	want(t, "remove", g.Remove(d.ID), nil)
	_, err = g.CheckToken(token)
	want(t, "removed", err, ErrUnknown)
}

func TestNothingSecretPrints(t *testing.T) {
	g, _ := gate(t)
	i := mustInvite(t, g)
	own, err := join(t, g, Invitation{Origin: i.Origin, ID: i.ID, Secret: i.Secret})
	want(t, "join", err, nil)
	d := g.Devices()[0]
	for _, v := range []any{i, &i, own, &own, d, i.Secret, own.Key, &own.Key} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			s := fmt.Sprintf(verb, v)
			for _, secret := range [][]byte{i.Secret.bytes[:], own.Key.bytes[:]} {
				if strings.Contains(s, fmt.Sprintf("%x", secret[:4])) || strings.Contains(s, strings.Trim(fmt.Sprint(secret[:4]), "[]")) {
					t.Errorf("%s of %T: %s", verb, v, s)
				}
			}
			if !strings.Contains(s, hidden) {
				t.Errorf("%s of %T: %s", verb, v, s)
			}
		}
	}
	// Nor is it in what goes over the wire.
	c, _ := NewLogin(own)
	b, _ := json.Marshal(c.Hello())
	if strings.Contains(string(b), own.Export()[16:40]) {
		t.Error("the key is in the hello")
	}
}

func TestRefusalCodes(t *testing.T) {
	seen := map[int]bool{}
	for _, err := range refusals() {
		code := Code(fmt.Errorf("device: %w", err))
		if seen[code] || code < firstCode || !errors.Is(Refused(code), err) {
			t.Errorf("%v: %d, back %v", err, code, Refused(code))
		}
		seen[code] = true
	}
	if Code(errors.New("disk full")) != CodeBusy || Refused(CodeBusy) != nil || Refused(-1) != nil || Refused(1<<30) != nil {
		t.Error("a number for what has none")
	}
}
