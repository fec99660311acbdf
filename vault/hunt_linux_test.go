package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/vault/sealed"
	"goldpan/vault/vaulttest"
)

// hunted is set in the process that TestHunt looks through: it names a folder,
// with a file of secrets beside it.
const hunted = "GOLDPAN_TEST_VAULT_HUNT"

// plant is what the process is given to keep.
type plant struct {
	Endpoint   string
	Passphrase string
	Export     string
	Plain      map[vault.Kind]string
	Rotated    string
	Keys       map[vault.Scheme][3]string
}

func (p plant) secrets() []string {
	all := []string{p.Passphrase, p.Export, p.Rotated}
	for _, s := range p.Plain {
		all = append(all, s)
	}
	for _, parts := range p.Keys {
		for _, s := range parts {
			if block, _ := pem.Decode([]byte(s)); block != nil {
				s = strings.Split(s, "\n")[1] // a line of the key
			}
			if s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

// keepAll does with the secrets whatever the vault can do, and tells of all that
// it sees in every way that Go has. It ends by crashing.
func keepAll(dir string) error {
	if err := seal.NoDumps(); err != nil {
		return err
	}
	var p plant
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return err
	}
	ctx := context.Background()
	logs := []*slog.Logger{slog.New(slog.NewTextHandler(os.Stdout, nil)), slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	tell := func(what string, v any) {
		for _, l := range logs {
			l.Info(what, "v", v)
		}
		fmt.Printf("%s %v %+v %#v %s %x %q\n", what, v, v, v, v, v, v)
		if b, err := json.Marshal(v); err == nil {
			fmt.Printf("%s\n", b)
		}
	}
	store, err := sealed.Open(sealed.Options{Path: filepath.Join(dir, "keys.sealed"), WorkFactor: 4,
		Passphrase: func(context.Context, bool) (vault.Secret, error) { return vault.NewSecret([]byte(p.Passphrase)), nil }})
	if err != nil {
		return err
	}
	v, err := vault.Open(dir, store)
	if err != nil {
		return err
	}
	b := vault.NewBroker(v, vault.BrokerOptions{})
	tell("alert", "none yet")
	v.Alert = func(a vault.Alert) { tell("alert", a) }
	for kind, secret := range p.Plain {
		s := vault.NewSecret([]byte(secret))
		tell("secret", s)
		tell("in a struct", struct{ S vault.Secret }{s})
		e, err := v.Add(ctx, vault.Entry{ID: "plain-" + string(kind), Name: "n", Kind: kind, Environment: vault.Test}, s)
		tell("added", e)
		tell("error", err)
		_, err = v.Add(ctx, vault.Entry{ID: "plain-" + string(kind), Name: "n", Kind: kind, Environment: vault.Test}, s)
		tell("again", err)
		_, err = v.NodePassword(ctx, e.ID)
		tell("for a node", err)
	}
	// What is handed to Goldpan's own connections is handed to them alone: its length is told.
	for kind, take := range map[vault.Kind]func(context.Context, string) ([]byte, error){vault.KindPool: v.PoolPassword, vault.KindNode: v.NodePassword, vault.KindToken: v.Token, vault.KindWallet: v.WalletKey} {
		secret, err := take(ctx, "plain-"+string(kind))
		tell("error", err)
		tell("handed out", len(secret))
		vault.Wipe(secret)
	}
	tell("rotated", v.Rotate(ctx, "plain-pool", vault.NewSecret([]byte(p.Rotated)), nil))
	for scheme, parts := range p.Keys {
		c := vault.Credential{Key: vault.NewSecret([]byte(parts[0])), Secret: vault.NewSecret([]byte(parts[1])), Passphrase: vault.NewSecret([]byte(parts[2]))}
		tell("credential", c)
		e := vault.Entry{ID: "key-" + string(scheme), Name: "n", Kind: vault.KindExchange, Environment: vault.Test, Endpoint: p.Endpoint, Scheme: scheme}
		switch scheme {
		case vault.SchemeHeader, vault.SchemeQuery:
			e.Field = "X-Key"
		case vault.SchemeOAuth:
			e.Kind, e.TokenURL = vault.KindOAuth, p.Endpoint+"/token"
		}
		secret, err := c.Encode()
		tell("encoded", secret)
		tell("error", err)
		_, err = v.Add(ctx, e, secret)
		tell("error", err)
		for _, path := range []string{"/echo", "/redirect", "/drop", "/500", "//bad", "/echo?" + "a=b"} {
			for _, method := range []string{"GET", "POST"} {
				r := vault.Request{Method: method, URL: path, Purpose: "hunt", Body: []byte("a=b")}
				tell("request", r)
				answer, err := b.Do(ctx, e.ID, r)
				tell("answer", answer)
				tell("body", string(answer.Body))
				tell("error", err)
				tell("hint", vault.Hint(err))
				answer, err = b.Try(e, c).Do(ctx, r)
				tell("answer", string(answer.Body))
				tell("error", err)
			}
		}
		if scheme == vault.SchemeQuery {
			// Nobody listens there: the system's own error holds the address.
			e.Endpoint = "http://127.0.0.1:1"
			_, err = b.Try(e, c).Do(ctx, vault.Request{Method: "GET", URL: "/"})
			tell("error", err)
		}
	}
	data, err := v.Export(ctx, vault.ExportOptions{Passphrase: vault.NewSecret([]byte(p.Export)), WorkFactor: 4})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "export.age"), data, 0o600); err != nil {
		return err
	}
	_, err = v.Import(ctx, data, vault.Secret{}, vault.NewSecret([]byte("wrong "+p.Rotated)))
	tell("error", err)
	records, err := v.Audit(ctx)
	tell("audit", records)
	tell("error", err)
	entries, err := v.List(ctx)
	tell("list", entries)
	tell("error", err)
	found, err := v.Examine(ctx)
	tell("examined", found)
	tell("error", err)
	alerts, err := v.Alerts(ctx, time.Time{})
	tell("alerts", alerts)
	tell("error", err)
	tell("vault", v)
	tell("broker", b)
	tell("store", store)
	tell("steps", vault.PanicSteps(entries, true))
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has looked
	debug.SetTraceback("crash")
	go func() { panic("crash") }() // with every goroutine's stack and, if the system would, a core file
	select {}
}

// TestHunt plants a secret in every field, and then searches the folder, the
// logs, the errors, the crash's stacks, core files, environment, arguments and
// an export for each, in clear, in hexadecimal and in base64. make hunt shows
// what was looked at.
func TestHunt(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/echo?"+r.URL.RawQuery, http.StatusFound)
		case "/drop":
			panic(http.ErrAbortHandler)
		case "/token":
			fmt.Fprint(w, `{"access_token":"planted-access-0815","token_type":"bearer","expires_in":3600}`)
		case "/500":
			w.WriteHeader(500)
			fallthrough
		default: // a provider that repeats whatever it was told
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Ratelimit-Echo", r.Header.Get("X-Key")+r.Header.Get("Authorization"))
			fmt.Fprint(w, r.URL.String(), r.Header, string(body))
		}
	}))
	defer server.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ec := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE " + "KEY", Bytes: der}))
	p := plant{Endpoint: server.URL, Passphrase: "planted-passphrase-0", Export: "planted-export-1", Rotated: "planted-rotated-2", Plain: map[vault.Kind]string{}, Keys: map[vault.Scheme][3]string{}}
	for _, kind := range []vault.Kind{vault.KindPool, vault.KindNode, vault.KindToken, vault.KindGateway, vault.KindExchange, vault.KindPoolAPI, vault.KindOAuth, vault.KindWallet} {
		p.Plain[kind] = "planted-plain-" + rand.Text()
	}
	for _, scheme := range []vault.Scheme{vault.SchemeBinance, vault.SchemeBinanceEd25519, vault.SchemeKraken, vault.SchemeOKX, vault.SchemeCoinbase, vault.SchemeViaBTC, vault.SchemeHeader, vault.SchemeQuery, vault.SchemeOAuth} {
		parts := [3]string{"planted-name-" + rand.Text(), "planted-secret-" + rand.Text(), "planted-third-" + rand.Text()}
		switch scheme {
		case vault.SchemeKraken:
			parts[1] = base64.StdEncoding.EncodeToString([]byte(parts[1]))
		case vault.SchemeBinanceEd25519:
			parts[1] = base64.StdEncoding.EncodeToString([]byte(rand.Text() + "123456"))
		case vault.SchemeCoinbase:
			parts[1] = ec
		}
		p.Keys[scheme] = parts
	}
	cmd := exec.Command(os.Args[0])
	cmd.Dir = dir // where a core file would go
	cmd.Env = append(os.Environ(), hunted+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(in).Encode(p); err != nil {
		t.Fatal(err)
	}
	var logs bytes.Buffer
	lines := bufio.NewReader(io.TeeReader(out, &logs))
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("it ended: %v\n%s", err, stderr.String())
		}
		if line == "ready\n" {
			break
		}
	}
	seen := map[string][]byte{}
	for _, name := range []string{"environ", "cmdline"} {
		// Only root reads these of a process that no one may look into.
		if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", cmd.Process.Pid, name)); err == nil {
			seen[name] = data
		} else if name == "cmdline" {
			t.Error(err)
		}
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_CORE, nil, &limit); err != nil || limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("core files of %d bytes are allowed, %v", limit.Cur, err)
	}
	in.Close()
	_, _ = io.Copy(io.Discard, lines)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Error("it did not crash")
	}
	if !strings.Contains(stderr.String(), "goroutine") || strings.Contains(cmd.ProcessState.String(), "core dumped") {
		t.Errorf("%s\n%s", cmd.ProcessState, stderr.String())
	}
	seen["logs"], seen["stacks"] = logs.Bytes(), stderr.Bytes()
	secrets := append(p.secrets(), "planted-access-0815")
	for name, data := range seen {
		for i, s := range secrets {
			if form := vaulttest.Shown(data, s); form != "" {
				t.Errorf("%s: secret %d (%.14s…) in %s", name, i+1, s, form)
			}
		}
	}
	files, size := vaulttest.Search(t, dir, "", secrets...)
	if logs.Len() < 10_000 || files < 4 || !bytes.Contains(logs.Bytes(), []byte("•••")) {
		t.Errorf("%d bytes of logs and %d files: there was nothing to search", logs.Len(), files)
	}
	t.Logf("%d secrets were looked for, in %d files of %d bytes, %d bytes of logs and errors, %d bytes of a crash's stacks, arguments and %d bytes of environment: none was found",
		len(secrets), files, size, logs.Len(), stderr.Len(), len(seen["environ"]))
}
