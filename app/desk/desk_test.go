package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/app/desk/home"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/practice"
	"goldpan/core/stratum"
	"goldpan/vault"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// inKeyring is set for a test that runs in a session with a keyring of its own.
const inKeyring = "GOLDPAN_TEST_KEYRING"

func TestMain(m *testing.M) {
	if os.Getenv(inKeyring) != "" {
		os.Exit(m.Run()) // go-keyring keeps its connection to the bus
	}
	goleak.VerifyTestMain(m)
}

const patience = 3 * time.Minute

// lightWork spares tests a derivation that sealed's own tests are about.
const lightWork = 10

func open(t testing.TB) *Desk {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestOpen(t *testing.T) {
	d := open(t)
	if _, err := Open(d.Dir()); !errors.Is(err, ErrInUse) {
		t.Errorf("a second copy: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "below")); !errors.Is(err, ErrDataDir) {
		t.Errorf("below a file: %v", err)
	}
	if runtime.GOOS == "linux" {
		t.Setenv("XDG_STATE_HOME", "/xdg")
		if dir, err := DefaultDir(); err != nil || dir != "/xdg/goldpan" {
			t.Errorf("with XDG_STATE_HOME: %q, %v", dir, err)
		}
		t.Setenv("XDG_STATE_HOME", "not/absolute")
		t.Setenv("HOME", "/home/ann")
		if dir, err := DefaultDir(); err != nil || dir != "/home/ann/.local/state/goldpan" {
			t.Errorf("without it: %q, %v", dir, err)
		}
	}
}

// running starts a practice and stops it when the test ends.
func running(t testing.TB, d *Desk, o PracticeOptions) *Practice {
	t.Helper()
	p, err := d.Practice(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came in time")
	}
	return v
}

func TestPractice(t *testing.T) {
	d := open(t)
	blocks, shares := make(chan Block, 100), make(chan pow.Result, 100000)
	p := running(t, d, PracticeOptions{Algorithm: hasher.SHA256d, Threads: 1, Web: "127.0.0.1:0", Listen: "127.0.0.1:0",
		Block: func(b Block) { blocks <- b }, Share: func(r pow.Result) { shares <- r }})
	for r := range shares {
		if r.Status == pow.Accepted {
			break
		}
	}
	b := receive(t, blocks)
	if !b.Mine || b.Height < 1 || len(b.Hash) != 64 || b.Worker != "desk" {
		t.Errorf("%+v", b)
	}
	s := p.Snapshot()
	for deadline := time.Now().Add(patience); (!s.Synced || s.Height < b.Height) && time.Now().Before(deadline); s = p.Snapshot() {
		<-time.After(20 * time.Millisecond)
	}
	if s.Balance.Immature <= 0 || s.Last == nil || !strings.HasPrefix(s.Address, "pan1") || s.Devices < 1 || s.Mining.Accepted == 0 {
		t.Errorf("%+v", s)
	}
	p.SetMining(false)
	if s := p.Snapshot(); s.Mining.State != "paused" || s.Mining.Reason == "" {
		t.Errorf("paused: %+v", s.Mining)
	}
	p.SetMining(true)
	if s := p.Snapshot(); s.Mining.State != "mining" {
		t.Errorf("resumed: %+v", s.Mining)
	}

	// The page says who is paid, and answers to this machine's names alone.
	get := func(host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.WebURL+"info.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	if code, body := get(""); code != http.StatusOK || !strings.Contains(body, s.Address) || !strings.Contains(body, `"worthless":true`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get("evil.example"); code != http.StatusMisdirectedRequest || strings.Contains(body, s.Address) {
		t.Errorf("under a foreign name: %d %s", code, body)
	}
	// A wallet of somebody else follows the chain over the page's address too.
	o := open(t).WalletOptions(p.params)
	other, err := wallet.Create(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	syncing, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := other.Sync(syncing, "ws"+strings.TrimPrefix(s.WebURL, "http")+"electrum"); err != nil || other.Height() < b.Height {
		t.Errorf("over WebSocket: height %d of %d, %v", other.Height(), b.Height, err)
	}
	pool, err := stratum.ParseURL(s.Listen)
	if err != nil || pool.String() == "" {
		t.Errorf("%q: %v", s.Listen, err)
	}
}

func TestBlockOfANamelessDevice(t *testing.T) {
	var told Block
	p := &Practice{address: "ours", options: PracticeOptions{Block: func(b Block) { told = b }}}
	p.found(practice.Event{Height: 3, Payee: "theirs"})
	if told.Mine || told.Worker == "" || *p.last != told {
		t.Errorf("%+v", told)
	}
}

// TestPageLetsNobodyInWhileClosing: a device that comes while the page is closed
// does not reach a chain that is closed next.
func TestPageLetsNobodyInWhileClosing(t *testing.T) {
	w := new(webServer)
	if !w.enter() {
		t.Fatal("a device was not let in")
	}
	left := make(chan struct{})
	go func() { w.leave(); close(left) }()
	for deadline := time.Now().Add(patience); w.enter(); w.devices.Done() {
		if time.Now().After(deadline) {
			t.Fatal("devices are let in all the time")
		}
		runtime.Gosched()
	}
	select {
	case <-left:
		t.Error("a device that is still there was not waited for")
	default:
	}
	w.devices.Done()
	receive(t, left)
}

func TestPracticeRefusals(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for name, o := range map[string]PracticeOptions{
		"web without a port":    {Web: "8080"},
		"listen without a port": {Listen: "localhost"},
		"web on a busy port":    {Web: busy.Addr().String()},
		"listen on a busy port": {Listen: busy.Addr().String()},
		"algorithm":             {Algorithm: "x11"},
		"limit":                 {Limit: 101},
	} {
		d := open(t)
		if p, err := d.Practice(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
			_ = p.Close()
		} else if message, hint := Explain(err); message == "" || (hint == "" && strings.Contains(name, "port")) {
			t.Errorf("%s: %q, %q from %v", name, message, hint, err)
		}
		// What was opened is closed again: the next one has the directory.
		p, err := d.Practice(t.Context(), PracticeOptions{Threads: 1})
		if err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPracticeWalletIsKept(t *testing.T) {
	d := open(t)
	address := ""
	for range 2 {
		p, err := d.Practice(t.Context(), PracticeOptions{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := p.Snapshot()
		if address != "" && s.Address != address {
			t.Errorf("the address was %s and is %s", address, s.Address)
		}
		address = s.Address
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	key := filepath.Join(d.Dir(), "wallets", "practice.key")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Practice(t.Context(), PracticeOptions{}); !errors.Is(err, wallet.ErrKeyFile) {
		t.Errorf("a key that others can read: %v", err)
	}
}

// TestChainThrownAway: the practice folder may be deleted to begin anew; the
// wallet keeps its words and follows the new chain.
func TestChainThrownAway(t *testing.T) {
	d := open(t)
	for round := range 2 {
		blocks := make(chan Block, 100)
		p, err := d.Practice(t.Context(), PracticeOptions{Threads: 1, Block: func(b Block) { blocks <- b }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		first := receive(t, blocks)
		if first.Height != 1 {
			t.Errorf("round %d: the first block has height %d", round, first.Height)
		}
		for deadline := time.Now().Add(patience); p.Snapshot().Balance.Immature == 0; <-time.After(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: the wallet does not see the reward: %+v", round, p.Snapshot())
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if err := os.RemoveAll(filepath.Join(d.Dir(), "practice")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOwnName(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.5.5.5": true, "::1": true, strings.ToLower(host): true,
		"": false, "evil.example": false, "localhost.evil.example": false, "192.0.2.1": false, "0.0.0.0": false,
	} {
		if got := home.OwnName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestKeysInAFile(t *testing.T) {
	d := open(t)
	d.work = lightWork
	asked := 0
	passphrase := func(context.Context, bool) (vault.Secret, error) {
		asked++
		return vault.NewSecret([]byte("correct horse battery staple")), nil
	}
	v, err := d.Keys(t.Context(), FileStore, passphrase, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(t.Context(), vault.Entry{ID: "pool", Name: "pool", Kind: vault.KindPool, Environment: vault.Test}, vault.NewSecret([]byte("hunter2"))); err != nil {
		t.Fatal(err)
	}
	got, err := v.PoolPassword(t.Context(), "pool")
	if err != nil || string(got) != "hunter2" || asked == 0 {
		t.Errorf("%q, %v, asked %d times", got, err, asked)
	}
	// Nothing in the data directory has the secret in clear.
	err = filepath.WalkDir(d.Dir(), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "hunter2") {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	for _, e := range explanations {
		message, _ := Explain(fmt.Errorf("while testing: %w", e.err))
		if message == "" || strings.ContainsAny(message, "\n\r") {
			t.Errorf("%v: %q", e.err, message)
		}
		if e.message != "" && message != e.message && !errors.Is(e.err, os.ErrNotExist) {
			t.Errorf("%v: %q instead of %q; a more general line stands before it", e.err, message, e.message)
		}
	}
	// What can befall anybody is told without the system's words, and with what to do.
	for _, err := range []error{
		io.EOF, io.ErrUnexpectedEOF, stratum.ErrSilent, stratum.ErrUnanswered, stratum.ErrSlow, stratum.ErrRedirect, stratum.ErrProtocol,
		syscall.ENOSPC, syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR, syscall.ECONNRESET, syscall.EPIPE,
	} {
		message, hint := Explain(&os.PathError{Op: "open", Path: "x", Err: err})
		if hint == "" || strings.Contains(message, err.Error()) && !strings.Contains(message, "the pool") {
			t.Errorf("%v: %q, %q", err, message, hint)
		}
	}
	// A key that is replaced by itself is told so, not that its id is taken.
	same := &vault.Error{Store: "vault", Detail: "this is the secret that is kept already", Hint: "Make a new key.", Err: vault.ErrExists}
	if message, hint := Explain(same); message != same.Detail || hint != same.Hint {
		t.Errorf("%q, %q", message, hint)
	}
	if _, hint := Explain(&os.PathError{Op: "open", Path: "backup", Err: os.ErrExist}); !strings.Contains(hint, "another name") {
		t.Errorf("%q", hint)
	}
	_, err := hd.ParseMnemonic(strings.Repeat("abandon ", 11) + "abuot")
	if message, hint := Explain(err); !strings.Contains(message, "abuot") || hint == "" {
		t.Errorf("%q, %q", message, hint)
	}
	if message, _ := Explain(errors.New("bad\x1b[2J\n" + strings.Repeat("x", 1000))); strings.ContainsAny(message, "\x1b\n") || len(message) > 320 {
		t.Errorf("%q", message)
	}
}

func TestDoctor(t *testing.T) {
	dir := t.TempDir()
	found := map[string]Finding{}
	for _, f := range Doctor(t.Context(), dir) {
		if f.Text == "" || (!f.OK && f.Hint == "") {
			t.Errorf("%+v", f)
		}
		found[f.Name] = f
	}
	for _, name := range []string{"machine", "kernel", "keyring", "display", "huge pages", "clock", "data directory", "network", "page"} {
		if found[name].Name == "" {
			t.Errorf("nothing about the %s", name)
		}
	}
	if !found["data directory"].OK {
		t.Errorf("%+v", found["data directory"])
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if f := dataFinding(filepath.Join(file, "below")); f.OK {
		t.Errorf("%+v", f)
	}
	if f := clockFinding(time.Unix(0, 0)); f.OK {
		t.Errorf("%+v", f)
	}
}
