package desk

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"goldpan/app/desk/config"
	"goldpan/vault"
	"goldpan/vault/exchange/fake"
)

// openFileKeys opens the vault of a sealed file in an own data directory.
func openFileKeys(t *testing.T) (*Desk, *vault.Vault) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent") // no keyring
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	d.work = lightWork
	v, err := d.Keys(t.Context(), FileStore, askedOnce, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d, v
}

func askedOnce(context.Context, bool) (vault.Secret, error) {
	return vault.NewSecret([]byte("four words that fit")), nil
}

// board is a clipboard.
type board struct {
	mu   sync.Mutex
	text string
}

func (b *board) Content() string     { b.mu.Lock(); defer b.mu.Unlock(); return b.text }
func (b *board) SetContent(s string) { b.mu.Lock(); defer b.mu.Unlock(); b.text = s }

func keyOf(name, secret string) vault.Credential {
	return vault.Credential{Key: vault.NewSecret([]byte(name)), Secret: vault.NewSecret([]byte(secret))}
}

// What a window needs of a key's whole life, without the terminal.
func TestKeyCare(t *testing.T) {
	d, v := openFileKeys(t)
	s := fake.Binance(fake.Account{Key: "planted-name", Secret: "planted-secret", Read: true, Withdraw: true, Allowlist: []string{"192.0.2.1"}})
	web := httptest.NewServer(s)
	defer web.Close()
	e := vault.Entry{ID: "b", Provider: "binance", Environment: vault.Live, Endpoint: web.URL}
	if err := CompleteKey(&e); err != nil {
		t.Fatal(err)
	}
	if title, steps := KeySteps(e); title != "Binance" || len(steps) < 3 || KeyParts(e)[1] == "" {
		t.Errorf("%q, %q", title, steps)
	}
	var heard []vault.Alert
	d.OnKeyAlert(func(a vault.Alert) { heard = append(heard, a) })
	if _, _, err := d.AddKey(t.Context(), v, e, keyOf("planted-name", "planted-secret"), KeyTerms{}); !errors.Is(err, ErrTooMuchPower) {
		t.Errorf("a key that can withdraw: %v", err)
	}
	s.Account.Withdraw = false
	pasted, other := &board{text: "planted-secret"}, &board{text: "a recipe"}
	added, words, err := d.AddKey(t.Context(), v, e, keyOf("planted-name", "planted-secret"), KeyTerms{Pasted: pasted})
	if err != nil || len(words.Problems) != 0 || len(words.Notes) == 0 || added.Name != "Binance" || added.Permissions.Read != vault.Yes {
		t.Fatalf("%+v, %+v, %v", added, words, err)
	}
	if pasted.Content() == "" {
		t.Error("the clipboard was emptied at once")
	}
	reports, err := d.CheckKeys(t.Context(), v)
	if err != nil || len(reports) != 1 || len(reports[0].Problems) != 0 || !reports[0].Told {
		t.Errorf("%+v, %v", reports, err)
	}
	if len(heard) != 1 || heard[0].Reason != vault.AlertNewHost || len(d.KeyAlerts()) != 1 || !strings.Contains(AlertWords(heard[0]), "key b") {
		t.Errorf("heard %+v", heard)
	}
	view, err := d.ShowKey(t.Context(), v, "b")
	if err != nil || len(view.Alerts) != 1 {
		t.Errorf("%+v, %v", view, err)
	}
	if _, err := d.ShowKey(t.Context(), v, "none"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("no such key: %v", err)
	}
	if _, err := d.CheckKeys(t.Context(), v, "none"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("no such key: %v", err)
	}
	// A new key that its provider does not take leaves the old one in its place.
	if _, _, err := d.RotateKey(t.Context(), v, "b", keyOf("planted-name", "wrong"), KeyTerms{}); !errors.Is(err, ErrUntested) {
		t.Errorf("a wrong new key: %v", err)
	}
	s.Account.Secret = "planted-next"
	rotated, _, err := d.RotateKey(t.Context(), v, "b", keyOf("planted-name", "planted-next"), KeyTerms{Pasted: other})
	if err != nil || rotated.Rotated.IsZero() || rotated.Permissions.Seen.IsZero() {
		t.Errorf("%+v, %v", rotated, err)
	}
	// Grown at its provider: the next check tells, and it is no longer in order.
	s.Account.Withdraw = true
	if reports, err := d.CheckKeys(t.Context(), v); err != nil || len(reports[0].Problems) == 0 {
		t.Errorf("%+v, %v", reports, err)
	}
	if last := d.KeyAlerts()[len(d.KeyAlerts())-1]; last.Reason != vault.AlertPermissions {
		t.Errorf("%+v", d.KeyAlerts())
	}
	p, err := d.Panic(t.Context(), v, "")
	if err != nil || len(p.Locked) != 1 || len(p.Steps) < 8 {
		t.Errorf("%+v, %v", p, err)
	}
	if data, err := os.ReadFile(p.Audit); err != nil || !strings.Contains(string(data), `"lock"`) || strings.Contains(string(data), "planted") {
		t.Errorf("the record: %v", err)
	}
	if reports, err := d.CheckKeys(t.Context(), v); err != nil || len(reports[0].Problems) == 0 {
		t.Errorf("a locked key: %+v, %v", reports, err)
	}
	if p, err := d.Panic(t.Context(), nil, ""); err != nil || len(p.Steps) < 8 {
		t.Errorf("without a vault: %+v, %v", p, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if pasted.Content() != "" || other.Content() != "a recipe" {
		t.Errorf("the clipboards hold %q and %q", pasted.Content(), other.Content())
	}
	log, err := os.ReadFile(filepath.Join(d.Dir(), LogName))
	if err != nil || !strings.Contains(string(log), "permissions") || strings.Contains(string(log), "planted") {
		t.Errorf("the log: %s, %v", log, err)
	}
}

func TestCompleteKey(t *testing.T) {
	for what, e := range map[string]vault.Entry{
		"provider": {Provider: "nobody", Environment: vault.Live}, "kind": {Kind: "gold", Environment: vault.Live}, "wallet": {Kind: vault.KindWallet, Environment: vault.Live},
		"nobody's": {Kind: vault.KindExchange, Environment: vault.Live}, "no tests": {Provider: "kraken", Environment: vault.Test},
		"environment": {Environment: "play"}, "no token's address": {Kind: vault.KindOAuth, Endpoint: "https://example.org", Environment: vault.Live},
	} {
		if err := CompleteKey(&e); !errors.Is(err, ErrKeyForm) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Exchanges and pools are asked through the settings' proxy, and not at all where it
// cannot be used.
func TestBrokerProxy(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan string, 1)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	go func() {
		defer enough() // nobody is asked again
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		line, _ := bufio.NewReader(c).ReadString('\n')
		asked <- line
	}()
	settings := func(text string) {
		if err := os.WriteFile(config.Path(d.Dir()), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings("proxy = \"http://" + l.Addr().String() + "\"\n")
	if _, _, err := d.AddressStats(ctx, "ckpool", "https://pool.invalid", "bc1qexample"); !errors.Is(err, vault.ErrUnsent) {
		t.Errorf("a proxy that is asked once: %v", err)
	}
	if line := <-asked; !strings.HasPrefix(line, "CONNECT pool.invalid:443 ") {
		t.Errorf("the proxy was asked %q", line)
	}
	settings("proxy = [\n")
	if _, _, err := d.AddressStats(t.Context(), "ckpool", "https://pool.invalid", "bc1qexample"); err == nil || errors.Is(err, vault.ErrUnsent) {
		t.Errorf("settings that cannot be read: %v", err)
	}
}

// Where the person moved their keys, there they are looked for.
func TestMovedKeys(t *testing.T) {
	d, v := openFileKeys(t)
	if d.movedTo() != AutoStore {
		t.Error("nothing was moved")
	}
	from, err := vault.Open(t.TempDir(), vault.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.Add(t.Context(), vault.Entry{ID: "a", Name: "a", Kind: vault.KindPool, Environment: vault.Live}, vault.NewSecret([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if moved, err := d.MoveKeys(t.Context(), from, v, FileStore); err != nil || len(moved) != 1 || d.movedTo() != FileStore {
		t.Errorf("%q, %v, %q", moved, err, d.movedTo())
	}
	// Keys that are in a keyring which this session lacks are not taken for none.
	other, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ring := filepath.Join(other.Dir(), "vault", "keyring")
	if err := os.MkdirAll(ring, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ring, vault.FileName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Keys(t.Context(), AutoStore, askedOnce, nil); !errors.Is(err, vault.ErrUnavailable) || !strings.Contains(vault.Hint(err), "sign in") {
		t.Errorf("%v", err)
	}
}
