package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// goldpan is the program under test, built once as users get it.
var goldpan string

func TestMain(m *testing.M) {
	// Most of the time the tests wait, for blocks that take ten seconds each.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "goldpan-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goldpan = filepath.Join(dir, "goldpan")
	if runtime.GOOS == "windows" {
		goldpan += ".exe"
	}
	build := exec.Command("go", "build", "-o", goldpan, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
	} else {
		mindHangups()
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// patience bounds every wait. It is far beyond what a loaded machine takes.
const patience = 12 * time.Minute

// line is one JSON line of any type.
type line struct {
	Type, Message, Hint, Hash, Result, State, Address, Confirmed, Immature, Unconfirmed string
	Coin, Network, Kernel, Algorithm, ID, Path                                          string
	Height, Blocks, Accepted, Words, Index                                              int
	Hashrate, CyclesPerHash                                                             float64
	Pool, Reason, Text, Level, Key, Value, Name                                         string
	Hosts                                                                               []string
	OK                                                                                  bool
	Line, Problems, Lanes, Taken, Transactions                                          int
	Label, Descriptor, Extended, URI                                                    string
	Groups                                                                              []string
	Mine                                                                                bool
	To, Amount, Fee, Leaves, TxID                                                       string
	DryRun                                                                              bool `json:"dry_run"`
}

// process is a running goldpan.
type process struct {
	*exec.Cmd
	t     *testing.T
	lines *bufio.Scanner
	said  transcript // standard error
}

// transcript is a buffer that is read while it is written.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start runs goldpan with --json.
func start(t *testing.T, input string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(goldpan, append(args, "--json")...), t: t}
	p.Stdin, p.Stderr = strings.NewReader(input), &p.said
	p.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir())
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = p.Process.Kill() })
	t.Cleanup(func() {
		timer.Stop()
		_ = p.Process.Kill()
	})
	return p
}

// next returns the next line; false at the end.
func (p *process) next() (l line, ok bool) {
	p.t.Helper()
	if !p.lines.Scan() {
		return l, false
	}
	if err := json.Unmarshal(p.lines.Bytes(), &l); err != nil || l.Type == "" {
		p.t.Fatalf("not a line of the contract: %q, %v", p.lines.Text(), err)
	}
	return l, true
}

// until returns the first line of the type; the program must not end before.
func (p *process) until(kind string) line {
	p.t.Helper()
	for {
		l, ok := p.next()
		if !ok {
			err := p.Wait()
			p.t.Fatalf("ended without %q: %v\n%s", kind, err, p.said.String())
		}
		if l.Type == kind {
			return l
		}
	}
}

// end reads the rest and returns it with the exit code.
func (p *process) end() (rest []line, code int) {
	p.t.Helper()
	for {
		l, ok := p.next()
		if !ok {
			break
		}
		rest = append(rest, l)
	}
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return rest, p.ProcessState.ExitCode()
}

// run runs goldpan to its end and expects the exit code.
func run(t *testing.T, code int, input string, args ...string) []line {
	t.Helper()
	p := start(t, input, args...)
	lines, got := p.end()
	if got != code {
		t.Fatalf("goldpan %s: exit code %d, want %d\n%+v\n%s", strings.Join(args, " "), got, code, lines, p.said.String())
	}
	return lines
}

// inside does the same in this process, and gives up at once what does not work.
func inside(t *testing.T, code int, args ...string) (lines []line) {
	t.Helper()
	var out, said transcript
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got := (&terminal{out: &out, err: &said, trying: 1}).run(ctx, append(args, "--json")); got != code {
		t.Fatalf("goldpan %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, out.String(), said.String())
	}
	for text := range strings.Lines(out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("not a line of the contract: %q, %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines
}

func last(t *testing.T, lines []line, kind string) line {
	t.Helper()
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Type == kind {
			return lines[i]
		}
	}
	t.Fatalf("no %q among %+v", kind, lines)
	panic("unreachable")
}

// TestPractice is the whole journey: blocks are mined over a socket, accepted
// by the chain, and their rewards ripen in the wallet.
func TestPractice(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"sha256d", "scrypt"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lines := run(t, 0, "", "practice", "--algorithm", algorithm, "--blocks", "6", "--threads", "1", "--limit", "25", "--data", dir)
			heights, shares := 0, 0
			for _, l := range lines {
				switch l.Type {
				case "block":
					if heights++; l.Height != heights || len(l.Hash) != 64 {
						t.Errorf("block %+v after height %d", l, heights-1)
					}
				case "share":
					if l.Result == "accepted" {
						shares++
					}
				case "error":
					t.Errorf("%+v", l)
				}
			}
			if heights < 6 || shares == 0 {
				t.Errorf("%d blocks and %d shares", heights, shares)
			}
			if done := last(t, lines, "done"); done.Blocks != heights || done.Accepted != shares {
				t.Errorf("%d blocks and %d accepted shares were told, and in all %+v", heights, shares, done)
			}
			balance := last(t, lines, "balance")
			if balance.Network != "practice" || strings.Trim(balance.Confirmed, "0.") == "" || strings.Trim(balance.Immature, "0.") == "" {
				t.Errorf("the last balance is %+v", balance)
			}
			// The wallet tells the same when nothing runs.
			again := last(t, run(t, 0, "", "wallet", "balance", "--coin", balance.Coin, "--network", "practice", "--data", dir), "balance")
			if again.Confirmed != balance.Confirmed || again.Immature != balance.Immature {
				t.Errorf("off line the balance is %+v, before it was %+v", again, balance)
			}
			if algorithm == "sha256d" {
				payPractice(t, dir, again)
			}
		})
	}
}

// TestKill: after kill -9 the same directory goes on with the same chain and
// wallet, and meanwhile a second copy is refused.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"practice", "--threads", "1", "--limit", "25", "--data", dir}
	first := start(t, "", args...)
	var killed line
	for range 2 {
		killed = first.until("block")
	}
	refused := run(t, 1, "", args...)
	if e := last(t, refused, "error"); !strings.Contains(e.Message, "another copy") || e.Hint == "" {
		t.Errorf("a second copy: %+v", e)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	before := last(t, run(t, 0, "", "wallet", "address", "--index", "0", "--coin", "bitcoin", "--network", "practice", "--data", dir), "address")
	second := start(t, "", args...)
	b := second.until("block")
	if b.Height < killed.Height+1 || b.Height > killed.Height+2 {
		t.Errorf("after a kill at height %d the next block has height %d", killed.Height, b.Height)
	}
	if err := second.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, code := second.end()
	if code != 0 {
		t.Errorf("interrupted: exit code %d", code)
	}
	last(t, rest, "done")
	after := last(t, run(t, 0, "", "wallet", "address", "--index", "0", "--coin", "bitcoin", "--network", "practice", "--data", dir), "address")
	if after.Address != before.Address || !strings.HasPrefix(after.Address, "pan1") {
		t.Errorf("the address was %q and is %q", before.Address, after.Address)
	}
}

// TestMineAnotherPool: mine joins the practice pool of another process, over
// tcp and over WebSocket.
func TestMineAnotherPool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, "", "practice", "--threads", "1", "--limit", "20", "--data", dir, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0")
	server.until("status")
	if said := server.said.String(); !strings.Contains(said, "worth nothing") {
		t.Errorf("practice coins are not called worthless: %q", said)
	}
	address, port, web := "", "", "" // of the practice wallet, and where it listens, as it was said to people
	for deadline := time.Now().Add(patience); address == "" || port == "" || web == ""; {
		for _, word := range strings.Fields(server.said.String()) {
			if strings.HasPrefix(word, "pan1") {
				address = word
			}
			if at, ok := strings.CutPrefix(strings.TrimSuffix(word, ","), "stratum+tcp://"); ok {
				port = at
			}
			if at, ok := strings.CutPrefix(word, "http://"); ok {
				web = strings.TrimSuffix(at, "/")
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no address in %s", server.said.String())
		}
		server.until("status")
	}
	for _, pool := range []string{"stratum+tcp://" + port, "ws://" + web + "/stratum"} {
		lines := run(t, 0, "", "mine", "--pool", pool, "--user", address+".test", "--algorithm", "sha256d", "--threads", "1", "--shares", "2")
		if done := last(t, lines, "done"); done.Accepted < 2 {
			t.Errorf("%s: %+v", pool, done)
		}
	}
	e := last(t, run(t, 1, "", "mine", "--pool", "stratum+tcp://"+port, "--user", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "--algorithm", "sha256d"), "error")
	if !strings.Contains(e.Message, "refuses this user") || e.Hint == "" {
		t.Errorf("a mainnet address at the practice pool: %+v", e)
	}
}

// server answers every connection with what it is given, once it was asked
// something.
func server(t *testing.T, answer func(io.Writer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 1)); err == nil {
					answer(c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine := func(pool string) []string {
		return []string{"mine", "--pool", pool, "--user", "me", "--algorithm", "sha256d", "--threads", "1", "--limit", "1"}
	}
	garbage := server(t, func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 400 Bad Request\r\n\r\n<html>{{{\x00\xff\r\n") })
	endless := server(t, func(w io.Writer) {
		for chunk := bytes.Repeat([]byte("x"), 1<<16); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	words := strings.TrimSpace(strings.Repeat("abandon ", 11)) + " abuot"
	for _, c := range []struct {
		name  string
		code  int
		say   string // in the message
		input string
		args  []string
		down  bool // what is there never works
	}{
		{"no command", 2, "no command", "", nil, false},
		{"unknown command", 2, "no command", "", []string{"dig"}, false},
		{"unknown flag", 2, "no option --gold", "", []string{"practice", "--gold"}, false},
		{"no number", 2, "--threads cannot be", "", []string{"practice", "--threads", "many"}, false},
		{"half a command", 2, "create, restore, address, balance", "", []string{"wallet"}, false},
		{"flag of no command", 2, "\"dig\"", "", []string{"dig", "--fast"}, false},
		{"port", 1, "HOST:PORT", "", []string{"practice", "--listen", "127.0.0.1:99999", "--data", filepath.Join(dir, "port")}, false},
		{"wallet server", 2, "tcp://", "", []string{"wallet", "balance", "--server", "127.0.0.1:1", "--data", dir}, false},
		{"no passphrase", 1, "no secret", "", []string{"key", "add", "a", "--store", "file", "--data", filepath.Join(dir, "keys")}, false},
		{"kind of key", 2, "pool-api", "", []string{"key", "add", "a", "--kind", "gold", "--data", dir}, false},
		{"one word too many", 2, "too many", "", []string{"practice", "now"}, false},
		{"algorithm", 2, "sha256d or scrypt", "", []string{"practice", "--algorithm", "x11"}, false},
		{"limit", 2, "percentage", "", []string{"practice", "--limit", "0"}, false},
		{"time backwards", 2, "duration", "", append(mine("stratum+tcp://127.0.0.1:1"), "--for", "-5s"), false},
		{"seconds that are no number", 2, "seconds", "", []string{"bench", "--seconds", "NaN"}, false},
		{"pool scheme", 2, "scheme", "", mine("gopher://127.0.0.1:1"), false},
		{"refused port", 1, "nothing is listening", "", mine("stratum+tcp://" + refusing(t)), true},
		{"garbage from the pool", 1, "does not speak", "", mine("stratum+tcp://" + garbage), true},
		{"oversized line", 1, "more than it may", "", mine("stratum+tcp://" + endless), true},
		{"data directory", 1, "cannot write", "", []string{"practice", "--data", filepath.Join(file, "below")}, false},
		{"web address", 1, "HOST:PORT", "", []string{"practice", "--web", "8080", "--data", dir}, false},
		{"seed word", 1, "abuot", words, []string{"wallet", "restore", "--network", "practice", "--words-file", "-", "--data", dir}, false},
		{"too few words", 1, "12", "abandon about", []string{"wallet", "restore", "--network", "practice", "--words-file", "-", "--data", dir}, false},
		{"no wallet", 1, "no wallet", "", []string{"wallet", "balance", "--network", "main", "--data", dir}, false},
		{"coin", 2, "cannot be mined", "", []string{"wallet", "balance", "--coin", "ethereum", "--data", dir}, false},
		{"kernel", 2, "no kernel", "", []string{"bench", "--kernel", "abacus"}, false},
		{"no keyring", 1, "keyring", "", []string{"key", "list", "--store", "keyring", "--data", dir}, false},
		{"connection that ends", 1, "ended the connection", "", mine("stratum+tcp://" + server(t, func(io.Writer) {})), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var lines []line
			if c.down {
				lines = inside(t, c.code, append(c.args, "--data", t.TempDir())...)
			} else {
				lines = run(t, c.code, c.input, c.args...)
			}
			e := last(t, lines, "error")
			if !strings.Contains(e.Message, c.say) || e.Hint == "" {
				t.Errorf("message %q, hint %q; want %q in the message, and a hint", e.Message, e.Hint, c.say)
			}
			if strings.ContainsAny(e.Message+e.Hint, "\n\r\x00{<") {
				t.Errorf("a peer's text got through: %q", e.Message)
			}
		})
	}
}

// TestSecretEndsWithContext: Ctrl-C ends a command that waits for a secret that
// never comes.
func TestSecretEndsWithContext(t *testing.T) {
	t.Parallel()
	in, never, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer never.Close() // and with it the reading ends
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan error, 1)
	go func() {
		term := &terminal{in: in, out: io.Discard, err: io.Discard}
		_, err := term.secret(ctx, "-", "Seed words")
		answers <- err
	}()
	cancel()
	select {
	case err := <-answers:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(patience):
		t.Fatal("it waits on")
	}
}

// TestMainWalletIsCalledUnaudited: whoever makes or restores a wallet for real
// coins is told to keep little in it, and practice coins are called worthless.
func TestMainWalletIsCalledUnaudited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("four words that fit"), 0o600); err != nil {
		t.Fatal(err)
	}
	words := filepath.Join(dir, "words")
	for _, args := range [][]string{
		{"wallet", "create", "--words-file", words, "--passphrase-file", passphrase, "--data", filepath.Join(dir, "one")},
		{"wallet", "restore", "--words-file", words, "--passphrase-file", passphrase, "--data", filepath.Join(dir, "two")},
	} {
		p := start(t, "", args...)
		lines, code := p.end()
		said := p.said.String()
		if code != 0 || !strings.Contains(said, "has not been audited") || !strings.Contains(said, "small amounts") {
			t.Errorf("%v: exit code %d, %+v, said %q", args[:2], code, lines, said)
		}
		if strings.Contains(said, "worth nothing") {
			t.Errorf("%v calls real coins worthless: %q", args[:2], said)
		}
	}
}

// TestHelpLeavesJSONAlone: with --json, standard output has no line for people.
func TestHelpLeavesJSONAlone(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"help"}, {"practice", "--help"}, {"wallet", "create", "-h"}} {
		p := start(t, "", args...)
		if lines, code := p.end(); code != 0 || len(lines) != 0 || !strings.Contains(p.said.String(), "goldpan") {
			t.Errorf("%v: exit code %d, %+v, said %q", args, code, lines, p.said.String())
		}
	}
}

func TestBenchAndDoctor(t *testing.T) {
	t.Parallel()
	lines := run(t, 0, "", "bench", "--seconds", "0.05")
	all := 0.0 // one alone may not get to hash in so short a time
	for _, l := range lines {
		if all += l.Hashrate; l.Type == "bench" && l.Kernel == "" {
			t.Errorf("%+v", l)
		}
	}
	if last(t, lines, "bench"); all <= 0 {
		t.Errorf("%+v", lines)
	}
	lines = run(t, 0, "", "doctor", "--data", t.TempDir())
	last(t, lines, "finding")
	last(t, lines, "done")
}
