package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"goldpan/vault"
)

// stopKeyring ends what serves secrets on the bus, if anything does, and waits until
// it is gone. Whoever asks for a secret meanwhile has the bus begin another.
func stopKeyring(t *testing.T, conn *dbus.Conn) {
	t.Helper()
	owner := func() (name string) {
		_ = conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, secretsName).Store(&name)
		return name // "" when nothing serves
	}
	before := owner()
	if before == "" {
		return
	}
	var pid uint32
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, before).Store(&pid); err != nil {
		t.Error(err)
		return
	}
	p, err := os.FindProcess(int(pid))
	if err != nil {
		t.Error(err)
		return
	}
	_ = p.Kill()
	if !poll(func() bool { return owner() != before }) {
		t.Error("the keyring does not go")
	}
}

// The keyring ends in the middle of use, at each of several moments, and comes
// back: meanwhile there are errors that say what to do, and afterwards everything
// is there and nothing looks like tampering.
func TestKeyringRestarted(t *testing.T) {
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	conn := connect(t)
	unlockKeyring(t, conn)
	dir, s := t.TempDir(), newReal(t, "goldpan-test")
	v, err := vault.Open(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(t.Context(), vault.Entry{ID: "pool", Name: "Pool", Kind: vault.KindPool, Environment: vault.Test}, vault.NewSecret([]byte("0"))); err != nil {
		t.Fatal(err)
	}
	value := "0"
	for round := range 3 {
		stopped := make(chan struct{})
		begun := make(chan struct{}, 1)
		go func() {
			defer close(stopped)
			<-begun
			stopKeyring(t, conn)
		}()
		failed := 0
		for n := 0; failed == 0 && n < 10_000; n++ {
			if n == round*3 {
				begun <- struct{}{}
			}
			next := fmt.Sprintf("%d-%d", round, n)
			err := v.Rotate(t.Context(), "pool", vault.NewSecret([]byte(next)), nil)
			if err == nil {
				value = next
				continue
			}
			failed++
			if vault.Hint(err) == "" || errors.Is(err, vault.ErrTampered) {
				t.Errorf("round %d: %v (hint %q)", round, err, vault.Hint(err))
			}
			value += " " + next // either
		}
		<-stopped
		if failed == 0 {
			t.Fatal("the keyring's end was not noticed")
		}
		if err := s.Check(t.Context()); err == nil || vault.Hint(err) == "" {
			t.Errorf("without a keyring: %v", err)
		}
		stopKeyring(t, conn) // the one that asking has activated
		unlockKeyring(t, conn)
		if err := v.Tidy(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		got, err := v.PoolPassword(t.Context(), "pool")
		if err != nil || !slices.Contains(strings.Fields(value), string(got)) {
			t.Fatalf("round %d: %q, %v, want one of %q", round, got, err, value)
		}
		value = string(got)
	}
	if _, err := v.Audit(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two programs write to one service at once, each with a vault of its own in it:
// no id is lost, and neither disturbs the other.
func TestTwoProcesses(t *testing.T) {
	const role = "GOLDPAN_KEYRING_ROLE"
	if name := os.Getenv(role); name != "" {
		dir := filepath.Join(os.Getenv("HOME"), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		connect(t)
		v, err := vault.Open(dir, lockedReal(t))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			id := fmt.Sprintf("%s-%d", name, i)
			if _, err := v.Add(t.Context(), vault.Entry{ID: id, Name: id, Kind: vault.KindPool, Environment: vault.Test}, vault.NewSecret([]byte(id))); err != nil {
				t.Fatal(err)
			}
			if got, err := v.PoolPassword(t.Context(), id); err != nil || string(got) != id {
				t.Fatalf("%q, %v", got, err)
			}
			if i%3 == 0 {
				if err := v.Revoke(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
		return
	}
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	unlockKeyring(t, connect(t))
	var programs []*exec.Cmd
	var said []*bytes.Buffer
	for _, name := range []string{"one", "two"} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), role+"="+name)
		out := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		programs, said = append(programs, cmd), append(said, out)
	}
	for i, cmd := range programs {
		if err := cmd.Wait(); err != nil {
			t.Errorf("program %d: %v\n%s", i+1, err, said[i])
		}
	}
	s := lockedReal(t)
	ids, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, id := range ids {
		if b, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		} else if strings.HasPrefix(string(b), "one-") || strings.HasPrefix(string(b), "two-") {
			kept++
		}
	}
	if kept != 12 || len(ids) != 16 { // and for each a root and an anchor
		t.Errorf("%d keys are listed, want 12, among %q", kept, ids)
	}
	for _, name := range []string{"one", "two"} {
		v, err := vault.Open(filepath.Join(os.Getenv("HOME"), name), s)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Tidy(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func lockedReal(t *testing.T) *Store {
	t.Helper()
	s, err := New(Options{Service: "goldpan-two", Timeout: patience, Lock: filepath.Join(os.Getenv("HOME"), "keyring.lock")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
