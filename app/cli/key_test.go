package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"goldpan/vault"
	"goldpan/vault/sealed"
	"goldpan/vault/vaulttest"
)

// keyBox is a data directory with a sealed file, and the flags that open it.
type keyBox struct {
	dir   string
	flags []string
	n     int
}

func newKeyBox(t *testing.T) *keyBox {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent") // no keyring
	b := &keyBox{dir: t.TempDir()}
	b.flags = []string{"--store", "file", "--passphrase-file", b.file(t, "four words that fit"), "--data", filepath.Join(b.dir, "data")}
	// A sealed file whose passphrase is tried in no time.
	folder := filepath.Join(b.dir, "data", "vault", "file")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := sealed.Open(sealed.Options{Path: filepath.Join(folder, "keys.sealed"), WorkFactor: 4,
		Passphrase: func(context.Context, bool) (vault.Secret, error) {
			return vault.NewSecret([]byte("four words that fit")), nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "first", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes a secret to a file and returns its name.
func (b *keyBox) file(t *testing.T, text string) string {
	t.Helper()
	b.n++
	path := filepath.Join(b.dir, "secret-"+string(rune('a'+b.n)))
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs a key command and returns its lines as JSON objects.
func (b *keyBox) run(t *testing.T, code int, args ...string) []map[string]any {
	t.Helper()
	var out, said transcript
	words := append(append([]string{"key"}, args[0]), b.flags...)
	if got := (&terminal{out: &out, err: &said, trying: 1}).run(t.Context(), append(append(words, "--json"), args[1:]...)); got != code {
		t.Fatalf("goldpan key %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, out.String(), said.String())
	}
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("not a line of the contract: %q, %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// A service gets the passphrase of its sealed keys from systemd, in a folder of
// its own, or by an open descriptor.
func TestPassphraseOfAService(t *testing.T) {
	b := newKeyBox(t)
	given := t.TempDir()
	if err := os.WriteFile(filepath.Join(given, sealed.ServiceFile), []byte("four words that fit\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	all := b.flags
	b.flags = []string{"--store", "file", "--data", filepath.Join(b.dir, "data")}
	b.run(t, 1, "add", "--secret-file", b.file(t, "x"), "my-pool")
	t.Setenv("CREDENTIALS_DIRECTORY", given)
	b.run(t, 0, "add", "--secret-file", b.file(t, "x"), "my-pool")
	b.run(t, 2, "list", "--passphrase-fd", "2")
	// What is named on the command line comes first.
	wrong := t.TempDir()
	if err := os.WriteFile(filepath.Join(wrong, sealed.ServiceFile), []byte("other words"), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", wrong)
	b.run(t, 1, "show", "my-pool")
	b.flags = all
	b.run(t, 0, "show", "my-pool")
}

func TestKeyLife(t *testing.T) {
	b := newKeyBox(t)
	first, next := "planted-first-4711", "planted-next-4712"
	b.run(t, 0, "add", "--secret-file", b.file(t, first), "--name", "My pool", "my-pool")
	added := b.run(t, 0, "add", "--provider", "litecoinpool", "--secret-file", b.file(t, first), "lp")
	if l := added[0]; l["kind"] != "pool-api" || l["endpoint"] != "https://www.litecoinpool.org" || l["scheme"] != "query" || l["due"] == nil {
		t.Errorf("%v", l)
	}
	for what, args := range map[string][]string{
		"provider":    {"add", "--provider", "nobody", "--secret-file", b.file(t, "x"), "a"},
		"kind":        {"add", "--kind", "gold", "--secret-file", b.file(t, "x"), "a"},
		"nobody's":    {"add", "--kind", "exchange", "--secret-file", b.file(t, "x"), "a"},
		"no tests":    {"add", "--provider", "kraken", "--environment", "test", "--secret-file", b.file(t, "x"), "a"},
		"date":        {"add", "--expires", "soon", "--secret-file", b.file(t, "x"), "a"},
		"part":        {"add", "--provider", "litecoinpool", "--key-file", b.file(t, "x"), "--secret-file", b.file(t, "x"), "a"},
		"store":       {"audit", "--last", "-1"},
		"no id":       {"lock"},
		"to":          {"move", "--to", "cloud"},
		"no file":     {"export"},
		"file of two": {"import", "a", "b"},
	} {
		lines := b.run(t, 2, args...)
		if lines[0]["type"] != "error" || lines[0]["hint"] == "" {
			t.Errorf("%s: %v", what, lines)
		}
	}
	b.run(t, 1, "add", "--provider", "binance", "--endpoint", "https://api.kraken.com", "--key-file", b.file(t, "k"), "--secret-file", b.file(t, "x"), "a")
	b.run(t, 0, "rotate", "--secret-file", b.file(t, next), "my-pool")
	b.run(t, 1, "rotate", "--secret-file", b.file(t, next), "my-pool") // the same again
	if l := b.run(t, 0, "show", "my-pool")[0]; l["rotated"] == nil || l["state"] != "active" {
		t.Errorf("%v", l)
	}
	if l := b.run(t, 0, "check"); len(l) != 3 || l[2]["with_problems"] != 0.0 {
		t.Errorf("%v", l)
	}
	b.run(t, 0, "lock", "my-pool")
	if l := b.run(t, 1, "check", "my-pool"); l[0]["state"] != "locked" || len(l[0]["problems"].([]any)) != 1 {
		t.Errorf("%v", l)
	}
	b.run(t, 0, "unlock", "my-pool")

	// Out, and into another place.
	out := filepath.Join(b.dir, "export.age")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "export", "--to", out, "--recipient", identity.Recipient().String())
	b.run(t, 1, "export", "--to", out, "--recipient", identity.Recipient().String()) // nothing is written over
	other := newKeyBox(t)
	mine := other.file(t, identity.String())
	if l := other.run(t, 0, "import", "--identity-file", mine, out); len(l[0]["keys"].([]any)) != 2 {
		t.Errorf("%v", l)
	}
	other.run(t, 1, "import", "--identity-file", other.file(t, "wrong"), out)

	lines := b.run(t, 0, "panic")
	steps, _ := json.Marshal(lines[0]["steps"])
	for _, word := range []string{"litecoinpool.org", "second factor", "payout address", "support", "My pool"} {
		if !strings.Contains(string(steps), word) {
			t.Errorf("nothing of %q in %s", word, steps)
		}
	}
	if len(lines[0]["locked"].([]any)) != 2 {
		t.Errorf("%v", lines[0]["locked"])
	}
	record, err := os.ReadFile(lines[0]["audit"].(string))
	if err != nil || !bytes.Contains(record, []byte(`"lock"`)) || !bytes.Contains(record, []byte(`"rotate"`)) {
		t.Errorf("the audit is %s, %v", record, err)
	}
	audit := b.run(t, 0, "audit", "--key", "my-pool", "--last", "0")
	var actions []string
	for _, l := range audit[:len(audit)-1] {
		actions = append(actions, l["action"].(string))
	}
	if got := strings.Join(actions, " "); got != "add rotate lock unlock export lock" {
		t.Errorf("audit %q", got)
	}
	b.run(t, 0, "revoke", "lp")

	// Somebody alters the record.
	path := filepath.Join(b.dir, "data", "vault", "file", vault.AuditName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(`"rotate"`), []byte(`"revoke"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if l := b.run(t, 1, "audit"); !strings.Contains(l[0]["message"].(string), "line 4") || !strings.Contains(l[0]["hint"].(string), "--set-aside") {
		t.Errorf("%v", l)
	}
	b.run(t, 0, "audit", "--set-aside")
	b.run(t, 0, "audit")

	for _, dir := range []string{b.dir, other.dir} {
		vaulttest.Search(t, dir, "secret-", first, next)
	}
}
