package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goldpan/app/desk"
)

// atTerminal starts goldpan at a terminal of its own. What it writes there is
// collected; what is written to the returned file is typed.
func atTerminal(t *testing.T, args ...string) (*exec.Cmd, *os.File, *transcript) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	cmd := exec.Command(goldpan, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=", "XDG_STATE_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		timer.Stop()
		_ = cmd.Process.Kill()
	})
	said := new(transcript)
	go func() { _, _ = io.Copy(said, master) }()
	return cmd, master, said
}

// waitFor waits until something was said.
func waitFor(t *testing.T, said *transcript, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !strings.Contains(said.String(), text); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in %q", text, said.String())
		}
	}
}

// TestTrustIsOffered: at a terminal a pool that nobody vouches for may be
// trusted, with its fingerprint shown; it is kept, and another key is refused.
func TestTrustIsOffered(t *testing.T) {
	t.Parallel()
	config, fingerprint := selfSigned(t)
	p, dir := newPool(t, config), t.TempDir()
	args := append(mineArgs(dir, "stratum+tls://"+p.addr), "--shares", "1")

	refused, keys, said := atTerminal(t, args...)
	waitFor(t, said, "y/N")
	if !strings.Contains(said.String(), fingerprint) || p.said() != "" {
		t.Errorf("the question is %q, and the pool heard %q", said.String(), p.said())
	}
	_, _ = io.WriteString(keys, "\n")
	if err := refused.Wait(); err == nil || refused.ProcessState.ExitCode() != 1 || p.said() != "" {
		t.Errorf("no answer is taken for yes: %v, %q", err, said.String())
	}

	kept, keys, said := atTerminal(t, args...)
	waitFor(t, said, "y/N")
	_, _ = io.WriteString(keys, "y\n")
	if err := kept.Wait(); err != nil {
		t.Errorf("%v, %q", err, said.String())
	}
	known, err := desk.OpenKnownServers(dir)
	if err != nil || len(known.List()) != 1 || known.List()[0].Fingerprint != fingerprint {
		t.Errorf("%v, %v", known.List(), err)
	}
	run(t, 0, "", args...) // without a question
}

// TestWordsAreShown: a new wallet's words are shown at a terminal, one a line, and bring it back.
func TestWordsAreShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	passphrase, file := filepath.Join(dir, "passphrase"), filepath.Join(dir, "words")
	if err := os.WriteFile(passphrase, []byte("five words that nobody guesses\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wallet := []string{"--network", "regtest", "--data", filepath.Join(dir, "data"), "--passphrase-file", passphrase}
	cmd, _, said := atTerminal(t, append([]string{"wallet", "create"}, wallet...)...)
	waitFor(t, said, "Its first address")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v, %q", err, said.String())
	}
	var words []string
	for _, line := range regexp.MustCompile(`(?m)^ +\d+  ([a-z]+)\r?$`).FindAllStringSubmatch(said.String(), -1) {
		words = append(words, line[1])
	}
	if err := os.WriteFile(file, []byte(strings.Join(words, " ")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 0, "", append([]string{"wallet", "verify", "--words-file", file}, wallet...)...)
}

// TestWordsAreAskedBack: at a terminal some of the words are asked for, none is
// shown, and a wrong one is named by its place and asked for again.
func TestWordsAreAskedBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "words")
	wallet := []string{"--network", "practice", "--data", filepath.Join(dir, "data")}
	run(t, 0, "", append([]string{"wallet", "create", "--words-file", file}, wallet...)...)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(b))
	cmd, keys, said := atTerminal(t, append([]string{"wallet", "verify", "--ask", "3"}, wallet...)...)
	answered := 0
	for deadline := time.Now().Add(patience); answered < 4; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q", said.String())
		}
		questions := regexp.MustCompile(`Word (\d+) of what you wrote down: `).FindAllStringSubmatch(said.String(), -1)
		if len(questions) <= answered {
			continue
		}
		at, err := strconv.Atoi(questions[answered][1])
		if err != nil {
			t.Fatal(err)
		}
		answer := words[at-1]
		if answered == 0 {
			answer = "wrong"
		}
		answered++
		_, _ = io.WriteString(keys, answer+"\n")
	}
	waitFor(t, said, "nobody else does") // what was said arrives in its own time
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "Wrong: word ") || !strings.Contains(said.String(), "brings this wallet back") {
		t.Errorf("%v, %q", err, said.String())
	}
	const ours = "Word of what you wrote down: Wrong: word. Look at your paper once more. That brings this wallet back. Keep it where you will find it, and nobody else does."
	for _, w := range words {
		if !strings.Contains(ours, w) && strings.Contains(said.String(), w) {
			t.Errorf("a word was shown: %q", said.String())
		}
	}
}

// TestEndAtHiddenPrompt: Ctrl-D ends a prompt that shows nothing, with or without
// something typed before it; nothing is taken, and the terminal shows what is typed again.
func TestEndAtHiddenPrompt(t *testing.T) {
	t.Parallel()
	const end = "\x04"
	for prompt, args := range map[string][]string{
		"separated by spaces:":      {"wallet", "restore", "--network", "practice"},
		"Passphrase of the wallet:": {"wallet", "create", "--network", "regtest"},
		"Secret to keep:":           {"key", "add", "a", "--store", "file"},
	} {
		for _, typed := range []string{end, "abandon" + end + end} {
			cmd, keys, said := atTerminal(t, append(args, "--data", t.TempDir())...)
			waitFor(t, said, prompt)
			_, _ = io.WriteString(keys, typed)
			waitFor(t, said, "--help tells how")
			_ = cmd.Wait()
			settings, err := unix.IoctlGetTermios(int(keys.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			if cmd.ProcessState.ExitCode() != 1 || settings.Lflag&unix.ECHO == 0 ||
				!strings.Contains(said.String(), "the input ended before Enter was pressed") || strings.Contains(said.String(), "abandon") {
				t.Errorf("%s %q: %v, echo %v, %q", prompt, typed, cmd.ProcessState, settings.Lflag&unix.ECHO != 0, said.String())
			}
		}
	}
}

// TestClosedTerminal: when the terminal's window is closed, mining ends; nothing
// mines on unseen.
func TestClosedTerminal(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	cmd, master, said := atTerminal(t, mineArgs(t.TempDir(), "stratum+tcp://"+p.addr)...)
	waitFor(t, said, "Mining at")
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the test's deadline kills one that mines on
	if cmd.ProcessState.ExitCode() != 0 && !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("%v", cmd.ProcessState)
	}
	if s := cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() && s.Signal() == syscall.SIGKILL {
		t.Error("it went on mining")
	}
}
