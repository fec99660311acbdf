package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"goldpan/app/desk"
	"goldpan/vault"
	"goldpan/vault/exchange/fake"
)

// A key that only looks, from one address, is in order although it has no end; and
// Kraken's words for deposit addresses fit its steps.
func TestKeyInOrder(t *testing.T) {
	b := newKeyBox(t)
	s := fake.Kraken(fake.Account{Key: "planted-name-4711", Secret: "cGxhbnRlZC1zZWNyZXQ=", Read: true, Allowlist: []string{"192.0.2.1"}, Addresses: map[string]string{"XBT": "bc1qexample"}})
	web := httptest.NewServer(s)
	defer web.Close()
	b.runAs(t, 0, "key add", b.flags, "--provider", "kraken", "--endpoint", web.URL, "--key-file", b.file(t, "planted-name-4711"), "--secret-file", b.file(t, "cGxhbnRlZC1zZWNyZXQ="), "k")
	l := b.run(t, 0, "check", "k")[0]
	if notes := fmt.Sprint(l["notes"]); len(l["problems"].([]any)) != 0 || !strings.Contains(notes, "no end") || l["permissions_told"] != true {
		t.Errorf("%v", l)
	}
	lines, _ := b.runAs(t, 1, "exchange deposit-address", b.flags, "k", "XBT")
	if hint := fmt.Sprint(lines[len(lines)-1]["hint"]); !strings.Contains(hint, "Deposit under Funds permissions") {
		t.Errorf("%v", lines)
	}
	p, _ := vault.ProviderOf("kraken")
	if steps := strings.Join(p.Steps, " "); !strings.Contains(steps, "Tick Deposit too only if") || strings.Contains(steps, "Leave Deposit") {
		t.Errorf("the steps %s", steps)
	}
	s.Account.Deposit = true
	if l := b.run(t, 0, "check", "k")[0]; len(l["problems"].([]any)) != 0 {
		t.Errorf("with Deposit: %v", l)
	}
	// What was out of the ordinary stands beside the key, and in the log of the data directory.
	if l := b.run(t, 0, "show", "k")[0]; !strings.Contains(fmt.Sprint(l["alerts"]), "new-host") {
		t.Errorf("%v", l)
	}
	if l := b.run(t, 0, "list"); !strings.Contains(fmt.Sprint(l[0]["alerts"]), "first time") || l[1]["alerts"] != 1.0 {
		t.Errorf("%v", l)
	}
	if log, err := os.ReadFile(filepath.Join(b.dir, "data", desk.LogName)); err != nil || !strings.Contains(string(log), "new-host") || strings.Contains(string(log), "planted") {
		t.Errorf("the log says %s, %v", log, err)
	}
}

// Tampering is shown, and goes away only when the person accepts it.
func TestKeyRepair(t *testing.T) {
	b := newKeyBox(t)
	b.run(t, 0, "add", "--secret-file", b.file(t, "hunter2-hunter2"), "my-pool")
	if l := b.run(t, 0, "repair")[0]; l["fine"] != true {
		t.Errorf("%v", l)
	}
	path := filepath.Join(b.dir, "data", "vault", "file", vault.FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "lock", "my-pool") // so that the copy of the list knows the key
	if err := os.WriteFile(path, append(data, 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if l := b.run(t, 1, "list")[0]; !strings.Contains(l["hint"].(string), "goldpan key repair") {
		t.Errorf("%v", l)
	}
	// A panic gives its steps all the same.
	if l := b.run(t, 1, "panic"); !strings.Contains(fmt.Sprint(l[0]["steps"]), "could not lock") || l[1]["type"] != "error" {
		t.Errorf("%v", l)
	}
	l := b.run(t, 1, "repair")
	if l[0]["accepted"] != false || !strings.Contains(fmt.Sprint(l[0]["list"]), "altered") || fmt.Sprint(l[0]["kept"]) != "[my-pool]" || l[1]["type"] != "error" {
		t.Errorf("%v", l)
	}
	b.run(t, 1, "list") // nothing was changed
	accepted := b.run(t, 0, "repair", "--accept")[0]
	if found, err := os.ReadFile(filepath.Join(accepted["evidence"].(string), "found.txt")); err != nil || !strings.Contains(string(found), "altered") {
		t.Errorf("the evidence says %s, %v", found, err)
	}
	if l := b.run(t, 0, "show", "my-pool")[0]; l["state"] != "locked" {
		t.Errorf("%v", l)
	}
	if l := b.run(t, 0, "audit"); !strings.Contains(fmt.Sprint(l), "accept") {
		t.Errorf("%v", l)
	}
	b.run(t, 0, "unlock", "my-pool")
	b.run(t, 0, "check")
	// Both copies of the list are deleted: that is no new vault.
	for _, name := range []string{path, path + ".previous"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if l := b.run(t, 1, "list")[0]; !strings.Contains(fmt.Sprint(l), "removed") {
		t.Errorf("%v", l)
	}
	b.run(t, 1, "add", "--secret-file", b.file(t, "x"), "another")
}

// While another Goldpan works in the data directory, a panic cannot lock, and says so
// after the steps; two panics at once do not write over each other's record.
func TestPanicInUse(t *testing.T) {
	b := newKeyBox(t)
	b.run(t, 0, "add", "--secret-file", b.file(t, "x"), "my-pool")
	d, err := desk.Open(filepath.Join(b.dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	lines, text := b.runAs(t, 1, "key panic", b.flags)
	if !strings.Contains(fmt.Sprint(lines[0]["steps"]), "Change the account's password") || !strings.Contains(text, "not locked yet") {
		t.Errorf("%s", text)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	first, second := b.run(t, 0, "panic")[0], b.run(t, 0, "panic")[0]
	if first["audit"] == second["audit"] || len(first["locked"].([]any)) != 1 || len(second["locked"].([]any)) != 0 {
		t.Errorf("%v, then %v", first["audit"], second["audit"])
	}
}

// agreeing is a terminal's output on which a person opens the page that they are shown.
type agreeing struct {
	transcript
	once sync.Once
	done chan error
}

func (a *agreeing) Write(p []byte) (int, error) {
	var l struct{ Type, URL string }
	if json.Unmarshal(p, &l) == nil && l.Type == "open" {
		a.once.Do(func() {
			go func() {
				u, err := url.Parse(l.URL)
				if err == nil {
					q := u.Query()
					var reply *http.Response
					if reply, err = http.Get(q.Get("redirect_uri") + "?" + url.Values{"code": {"c"}, "state": {q.Get("state")}}.Encode()); err == nil {
						err = reply.Body.Close()
					}
				}
				a.done <- err
			}()
		})
	}
	return a.transcript.Write(p)
}

// An account is connected on its provider's page, here a double's, and connected anew.
func TestKeyOAuth(t *testing.T) {
	b := newKeyBox(t)
	given := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given++
		if r.FormValue("client_id") != "own-client" || r.FormValue("code_verifier") == "" || r.FormValue("client_secret") != "planted-client-1" {
			w.WriteHeader(http.StatusBadRequest)
		}
		fmt.Fprintf(w, `{"access_token":"planted-access-%d","token_type":"Bearer","expires_in":60,"refresh_token":"planted-refresh-%d"}`, given, given)
	}))
	defer web.Close()
	connect := func(code int, words string, args ...string) string {
		t.Helper()
		out, said := &agreeing{done: make(chan error, 1)}, transcript{}
		line := append(append(append(strings.Fields(words), b.flags...), "--json", "--client-id", "own-client", "--client-secret-file", b.file(t, "planted-client-1"), "--authorize-url", web.URL+"/agree", "--scopes", "read"), args...)
		if got := (&terminal{out: out, err: &said, trying: 1}).run(t.Context(), line); got != code {
			t.Fatalf("goldpan %s: exit code %d, want %d\n%s\n%s", words, got, code, out.String(), said.String())
		}
		if code == 0 {
			if err := <-out.done; err != nil {
				t.Error(err)
			}
		}
		return out.String() + said.String()
	}
	said := connect(0, "key add", "--kind", "oauth", "--environment", "test", "--endpoint", web.URL, "--token-url", web.URL+"/token", "acct")
	said += connect(0, "key rotate", "acct")
	if strings.Contains(said, "planted") || !strings.Contains(said, "only a double") || !strings.Contains(said, "code_challenge_method=S256") {
		t.Errorf("%s", said)
	}
	if l := b.run(t, 0, "show", "acct")[0]; l["kind"] != "oauth" || l["rotated"] == nil {
		t.Errorf("%v", l)
	}
	connect(2, "key add", "--kind", "pool", "x")
	connect(2, "key add", "--kind", "oauth", "x")
	connect(1, "key add", "--kind", "oauth", "--endpoint", "http://example.org", "--token-url", "http://example.org/token", "x")
}
