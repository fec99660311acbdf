//go:build !js

package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A host has one spelling: another one of a known host would pass by the lists of
// real and test addresses, and one that looks like it would pass by the eye.
func TestHostSpellings(t *testing.T) {
	for _, s := range []string{
		"https://api.binance.com.", "https://api.binance.com:443", "https://api.binance.com:", "https://API.binance.com", "https://api.binance.com:0443",
		"https://api..binance.com", "https://a@api.binance.com", "https://api.binance.com@evil.example", "https://\u0430pi.binance.com", "https://api.binance.com%2eevil.example",
		"https://api.binance.com:70000", "https://api.binance.com:0", "https://api.binance.com:-1", "https://api.binance.com/", "https://api.binance.com?", "https://api.binance.com#",
		"https://api.binance.com\\@evil.example", "https:api.binance.com", "//api.binance.com", "https://", "https://.", "https://[::1", "https://[::0001]", "https://[fe80::1%25eth0]",
		"http://127.0.0.1.evil.example", "http://localhost", "http://127.1", "http://2130706433", "http://0x7f000001", "http://[::ffff:127.0.0.1]", "http://127.0.0.1:80", "http://0.0.0.0:8080", "http://10.0.0.1",
		"https://api.binance.com\r\nX: y", "https://api binance.com", "ftp://api.binance.com",
	} {
		if _, err := parseOrigin(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for _, s := range []string{"https://api.binance.com", "https://api.binance.com:8443", "https://xn--80ak6aa92e.com", "http://127.0.0.1:8080", "http://[::1]:8080", "http://127.0.0.1", "https://[2001:db8::1]"} {
		if _, err := parseOrigin(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, field := range []string{"Host", "content-LENGTH", "Transfer-Encoding", "Connection", "User-Agent", "Cookie", "X Key", "X:Key", "X\r\nKey"} {
		e := Entry{ID: "a", Name: "a", Kind: KindPoolAPI, Environment: Live, Endpoint: "https://example.org", Scheme: SchemeHeader, Field: field}
		if e.checkNew() == nil {
			t.Errorf("the field %q is taken", field)
		}
	}
}

// A provider that switches protocols sends what never ends, and what a context does
// not end.
func TestSwitchingProtocols(t *testing.T) {
	v, _, _ := newVault(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, c) // until the other end closes it
	}()
	defer func() { l.Close(); <-done }()
	keep(t, v, "k", "http://"+l.Addr().String(), SchemeHeader, credential("", planted, ""))
	if _, err := brokerOf(t, v, BrokerOptions{}).Do(t.Context(), "k", Request{Method: "GET", URL: "/"}); !errors.Is(err, ErrUnanswered) {
		t.Errorf("%v, want ErrUnanswered", err)
	}
}

// A key with a line end in it is told as such, and is sent to nobody.
func TestHeadersOfKeys(t *testing.T) {
	v, _, _ := newVault(t)
	asked := false
	s, _ := provider(t, false, func(http.ResponseWriter, *http.Request) { asked = true })
	b := brokerOf(t, v, BrokerOptions{})
	for i, bad := range []string{"name\r\nX-Evil: 1", "name\x00", "name\x7f", "näme"} {
		for scheme, c := range map[Scheme]Credential{
			SchemeBinance: credential(bad, planted, ""), SchemeOKX: credential("name", planted, bad), SchemeViaBTC: credential(bad, planted, ""),
			SchemeKraken: credential(bad, "cGxhbnRlZC1zZWNyZXQ=", ""), SchemeHeader: credential("", bad, ""),
		} {
			id := fmt.Sprintf("k%d-%s", i, scheme)
			keep(t, v, id, s.URL, scheme, c)
			_, err := b.Do(t.Context(), id, Request{Method: "GET", URL: "/"})
			if !errors.Is(err, ErrCredential) || Hint(err) == "" || strings.Contains(err.Error(), "name") {
				t.Errorf("%s with %q: %v", scheme, bad, err)
			}
		}
	}
	if asked {
		t.Error("something was sent")
	}
}

// However a provider repeats a key, its caller does not see it.
func TestRepeatedKeys(t *testing.T) {
	secret := "-----BEGIN X-----\nplanted/line+one0000001\nplanted/line+two0000002\n-----END X-----\n"
	c := credential("planted name&1", secret, "pl\"nted\\third")
	for _, part := range c.parts() {
		text := string(part.Expose())
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{text, string(quoted), strings.ReplaceAll(string(quoted), "/", `\/`)} {
			if got := string(c.mask([]byte("<" + form + ">"))); strings.Contains(got, "planted") || strings.Contains(got, "nted") {
				t.Errorf("%q shows %q", form, got)
			}
		}
	}
	if got := string(c.mask([]byte("planted/line+two0000002"))); got != redacted {
		t.Errorf("a line alone shows %q", got)
	}
}

// What holds keys says nothing of them, however it is printed.
func TestPrinted(t *testing.T) {
	v, store, _ := newVault(t)
	add(t, v, "pool", KindPool, planted)
	m, r, err := v.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := &Outgoing{Query: "key=" + planted, Body: []byte(planted), Header: http.Header{"X": {planted}}}
	x := exported{Keys: []exportedKey{{Secret: []byte(planted)}}}
	root := string(r.Key)
	for name, value := range map[string]any{"store": store.Memory, "root": r, "metadata": m, "outgoing": o, "export": x, "secret": NewSecret([]byte(planted)),
		"credential": credential(planted, planted, planted), "grant": grant{credential: credential("", planted, "")}, "token": token{access: NewSecret([]byte(planted))}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			got := fmt.Sprintf(verb, value)
			for _, s := range []string{planted, root} {
				if strings.Contains(got, s) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", s)) || strings.Contains(got, strings.Trim(fmt.Sprint([]byte(s)), "[]")) {
					t.Errorf("%s printed by %s tells", name, verb)
				}
			}
		}
	}
}

// A clock that jumps raises no false alarm, and lets no key live longer.
func TestClockJumps(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	use := func(n int) {
		for range n {
			if _, err := v.PoolPassword(t.Context(), "pool"); err != nil {
				t.Fatal(err)
			}
		}
	}
	var alerts []Alert
	v.Alert = func(a Alert) { alerts = append(alerts, a) }
	for range burstUses - 1 {
		use(1)
		c.t = c.t.Add(time.Minute)
	}
	c.t = c.t.Add(-48 * time.Hour) // set back by two days
	use(5)
	if len(alerts) > 0 {
		t.Errorf("a clock set back gives %+v", alerts)
	}
	if e, err := v.Show(t.Context(), "pool"); err != nil || !e.LastUsed.Equal(c.t.UTC().Truncate(time.Second)) {
		t.Errorf("last used %v, %v", e.LastUsed, err)
	}
	if err := v.SetRotation(t.Context(), "pool", 0, c.t.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(2 * time.Hour)
	if _, err := v.PoolPassword(t.Context(), "pool"); !errors.Is(err, ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
	// Nonces go on growing over a jump and a new start.
	s, _ := provider(t, false, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	keep(t, v, "k", s.URL, SchemeKraken, credential("name", "cGxhbnRlZC1zZWNyZXQ=", ""))
	last := ""
	for _, jump := range []time.Duration{0, time.Hour, -24 * time.Hour, 0, time.Minute} {
		c.t = c.t.Add(jump)
		v = fresh(t, v, store, c)
		r, err := brokerOf(t, v, BrokerOptions{}).Do(t.Context(), "k", Request{Method: "POST", URL: "/"})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.TrimPrefix(string(r.Body), "nonce="); len(n) < len(last) || len(n) == len(last) && n <= last {
			t.Errorf("after %v the nonce is %s, before %s", jump, n, last)
		} else {
			last = n
		}
	}
}

// What a revoked entry was is not changed any more.
func TestRevokedIsForGood(t *testing.T) {
	v, store, _ := newVault(t)
	e := add(t, v, "pool", KindPool, "x")
	if err := v.Revoke(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"permissions": v.SetPermissions(t.Context(), e.ID, Permissions{Read: Yes}), "override": v.Override(t.Context(), e.ID),
		"dates": v.SetRotation(t.Context(), e.ID, 5, time.Time{}), "lock": second(v.Lock(t.Context(), e.ID)), "unlock": second(v.Unlock(t.Context(), e.ID)),
		"rotate": v.Rotate(t.Context(), e.ID, NewSecret([]byte("y")), nil), "use": second(v.PoolPassword(t.Context(), e.ID)), "check": v.CheckKey(t.Context(), e.ID),
	} {
		if !errors.Is(err, ErrRevoked) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if list, _ := store.List(t.Context()); slices.ContainsFunc(list, func(id string) bool { return ownerOf(id) != "" }) {
		t.Errorf("a secret is left: %q", list)
	}
	if locked, err := v.Lock(t.Context()); err != nil || len(locked) != 0 {
		t.Errorf("locking all locks %q, %v", locked, err)
	}
}

// A full list lets go of what was revoked first, and of nothing else.
func TestFullListForgets(t *testing.T) {
	m := &metadata{}
	for i := range maxEntries {
		m.Entries = append(m.Entries, Entry{ID: fmt.Sprint("k", i), State: Active})
	}
	if _, err := m.room(); !errors.Is(err, ErrFull) || Hint(err) == "" {
		t.Errorf("a list of live keys: %v", err)
	}
	for i, hour := range map[int]int{7: 3, 9: 1, 200: 2} {
		m.Entries[i].State, m.Entries[i].RevokedAt = Revoked, time.Unix(int64(hour)*3600, 0)
	}
	if gone, err := m.room(); err != nil || gone != "k9" || len(m.Entries) != maxEntries-1 || m.find("k9") != nil {
		t.Errorf("%q went, %v", gone, err)
	}
	if gone, err := m.room(); err != nil || gone != "" {
		t.Errorf("with room: %q, %v", gone, err)
	}
}

// An export or a move mixes no keys for real money with keys for tests.
func TestImportMixesNothing(t *testing.T) {
	a, _, _ := newVault(t)
	b, _, _ := newVault(t)
	c := credential("name", planted, "")
	keep(t, a, "k", "http://127.0.0.1:8080", SchemeBinance, c)
	keepAs(t, b, Entry{ID: "live", Name: "live", Kind: KindExchange, Environment: Live, Endpoint: "http://127.0.0.1:8080", Scheme: SchemeBinance}, c)
	if _, err := Move(t.Context(), a, b); !errors.Is(err, ErrEnvironment) {
		t.Errorf("moving: %v", err)
	}
	if err := a.CheckKey(t.Context(), "k"); err != nil {
		t.Errorf("after a refused move: %v", err)
	}
}

// The record of uses in the shapes that files have.
func TestAuditShapes(t *testing.T) {
	for what, spoil := range map[string]func(path string) error{
		"empty":         func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"one huge line": func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<20), 0o600) },
		"a huge line at its end": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.Write(bytes.Repeat([]byte("x"), 1<<20))
			return errors.Join(err, f.Close())
		},
		"zeros after a crash": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, append(data, make([]byte, 4096)...), 0o600)
		},
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		v, store, c := newVault(t)
		add(t, v, "pool", KindPool, "x")
		if err := spoil(v.auditPath()); err != nil {
			t.Fatal(err)
		}
		v = fresh(t, v, store, c)
		_, err := v.PoolPassword(t.Context(), "pool")
		if !errors.Is(err, ErrTampered) && !errors.Is(err, ErrDamaged) || Hint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
		if locked, err := v.Lock(t.Context()); len(locked) != 1 || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: locking gives %q, %v", what, locked, err)
		}
		if f, err := v.Repair(t.Context()); err != nil || f.Audit == "" || len(f.Kept) != 1 {
			t.Errorf("%s: repair %+v, %v", what, f, err)
		}
		if _, err := v.Audit(t.Context()); err != nil {
			t.Errorf("%s: after the repair %v", what, err)
		}
	}
}

// A record that cannot be written to, here for a folder in its place, which stops
// root too: no use goes by without its record, and when it can be written to again
// nothing looks like tampering.
func TestRecordOutOfReach(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	path := v.auditPath()
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if secret, err := v.PoolPassword(t.Context(), "pool"); err == nil || secret != nil {
		t.Error("a use without its record")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if _, err := v.PoolPassword(t.Context(), "pool"); err != nil {
		t.Error(err)
	}
	if err := fresh(t, v, store, c).Tidy(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever shows an old refresh token again looks like a thief: a request that was
// lent one before it was replaced takes the new one.
func TestOldRefreshToken(t *testing.T) {
	v, _, _ := newVault(t)
	s := &authServer{t: t, challenge: make(map[string]string), redirect: make(map[string]string), refresh: "planted-refresh-0", life: 3600}
	server, _ := provider(t, false, s.ServeHTTP)
	e := keepAs(t, v, Entry{ID: "o", Name: "o", Kind: KindOAuth, Environment: Test, Endpoint: server.URL, Scheme: SchemeOAuth, TokenURL: server.URL + "/token"}, credential("own-client", "planted-refresh-0", ""))
	b := brokerOf(t, v, BrokerOptions{})
	early := credential("own-client", "planted-refresh-0", "")
	if _, err := b.Do(t.Context(), "o", Request{Method: "GET", URL: "/me"}); err != nil {
		t.Fatal(err)
	}
	b.forgetToken("o")
	access, err := b.accessToken(t.Context(), e, early)
	if err != nil || access.Len() == 0 {
		t.Fatalf("with a token that was replaced meanwhile: %v", err)
	}
	access.Wipe() // the Broker's own stays
	if _, err := b.Do(t.Context(), "o", Request{Method: "GET", URL: "/me"}); err != nil {
		t.Error(err)
	}
	// The renewal stands in the record, with its host.
	records, err := v.Audit(t.Context())
	if err != nil || !slices.ContainsFunc(records, func(r Record) bool { return r.Who == "renew the token" && r.Path == "/token" && r.Host != "" }) {
		t.Errorf("%+v, %v", records, err)
	}
	// After the person connected another account, the old one's token is not used.
	next, err := credential("own-client", "another-refresh", "").Encode()
	if err != nil {
		t.Fatal(err)
	}
	before := s.renewed
	if err := v.Rotate(t.Context(), "o", next, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(context.Background(), "o", Request{Method: "GET", URL: "/me"}); !errors.Is(err, ErrExpired) || s.renewed != before+1 {
		t.Errorf("the old account's token is used after a rotation: %v", err)
	}
}
