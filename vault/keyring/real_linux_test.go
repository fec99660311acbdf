package keyring

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"goldpan/vault"
	"goldpan/vault/vaulttest"
)

func TestGnomeKeyring(t *testing.T) {
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	unlockKeyring(t, connect(t))
	n := 0
	vaulttest.TestStore(t, func(t *testing.T) vault.Store {
		n++
		return newReal(t, fmt.Sprintf("goldpan-test-%d", n))
	})
	// Another program finds the entry where it should be.
	s := newReal(t, "goldpan-other")
	if err := s.Put(t.Context(), "pool", []byte("gold")); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program(t, "secret-tool"), "lookup", "service", "goldpan-other", "username", "pool").Output()
	if err != nil || string(out) != "goldpan1:Z29sZA==" {
		t.Errorf("secret-tool finds %q, %v", out, err)
	}
	// The whole vault stands on it.
	v, err := vault.Open(t.TempDir(), newReal(t, "goldpan-whole"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Add(t.Context(), vault.Entry{Name: "River pool", Kind: vault.KindPool, Environment: vault.Live}, vault.NewSecret([]byte("hunter2")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.PoolPassword(t.Context(), e.ID); err != nil || string(got) != "hunter2" {
		t.Errorf("PoolPassword: %v", err)
	}
	if err := v.Revoke(t.Context(), e.ID); err != nil {
		t.Error(err)
	}
	// A second store, as another process would open it, sees the same.
	if got, err := newReal(t, "goldpan-other").Get(t.Context(), "pool"); err != nil || string(got) != "gold" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLockedKeyring(t *testing.T) {
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	conn := connect(t)
	unlockKeyring(t, conn)
	s := newReal(t, "goldpan-test")
	if err := s.Put(t.Context(), "pool", []byte("gold")); err != nil {
		t.Fatal(err)
	}
	lockLogin(t, conn)
	_, getErr := s.Get(t.Context(), "pool")
	_, listErr := s.List(t.Context())
	for what, err := range map[string]error{
		"Get": getErr, "List": listErr, "Check": s.Check(t.Context()),
		"Put": s.Put(t.Context(), "pool", []byte("x")), "Delete": s.Delete(t.Context(), "pool"),
	} {
		if !errors.Is(err, vault.ErrLocked) || !strings.Contains(vault.Hint(err), "Unlock") {
			t.Errorf("%s of a locked keyring: %v (hint %q), want ErrLocked with a hint", what, err, vault.Hint(err))
		}
	}
}

// Without an unlocked keyring the bus activates gnome-keyring, which then has
// no collection at all.
func TestKeyringWithoutCollection(t *testing.T) {
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	connect(t)
	err := newReal(t, "goldpan-test").Put(t.Context(), "pool", []byte("x"))
	if !errors.Is(err, vault.ErrUnavailable) || !strings.Contains(vault.Hint(err), "default keyring") {
		t.Errorf("%v (hint %q), want ErrUnavailable with a hint", err, vault.Hint(err))
	}
}

// A bus that takes the connection and never speaks.
func TestSilentBus(t *testing.T) {
	dir, err := os.MkdirTemp("", "gpk")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv(busAddressKey, "unix:path="+filepath.Join(dir, "bus"))
	s, err := New(Options{Service: "goldpan-test", Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "pool"); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("%v, want ErrTimeout", err)
	}
}

// A session whose bus is named by XDG_RUNTIME_DIR alone: go-keyring by itself
// would not find it and start another one.
func TestBusInRuntimeDir(t *testing.T) {
	if !inChild(t, "env") {
		return
	}
	address := "unix:path=" + filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	startBus(t, "--session", "--address="+address)
	if got, err := busAddress(); err != nil || got != address {
		t.Fatalf("busAddress = %q, %v, want %q", got, err, address)
	}
	t.Setenv(busAddressKey, "") // restores it
	if err := newReal(t, "goldpan-test").Check(t.Context()); !errors.Is(err, vault.ErrUnavailable) {
		t.Fatalf("%v, want ErrUnavailable from a keyring without a collection", err)
	}
	conn := connect(t)
	if os.Getenv(busAddressKey) != address {
		t.Fatal("go-keyring was not told which bus to use")
	}
	// The keyring that the check activated goes, an unlocked one comes.
	var owner uint32
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretsName).Store(&owner); err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(int(owner))
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Kill()
	if !poll(func() bool {
		var owned bool
		err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned)
		return err == nil && !owned
	}) {
		t.Fatal("the first keyring does not go")
	}
	unlockKeyring(t, conn)
	s := newReal(t, "goldpan-test")
	if err := s.Put(t.Context(), "pool", []byte("gold")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "pool"); err != nil || string(got) != "gold" {
		t.Errorf("%q, %v", got, err)
	}
	onlyDaemons(t, "dbus-daemon", "gnome-keyring-d")
}

// startBus runs a bus until the test ends.
func startBus(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(program(t, "dbus-daemon"), append(args, "--nofork", "--nopidfile", "--print-address")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 256)); err != nil { // it listens once it prints
		t.Fatalf("dbus-daemon did not start: %v", err)
	}
}

// onlyDaemons fails if a child of this test is more than one of each of names.
func onlyDaemons(t *testing.T, names ...string) {
	t.Helper()
	left := marked(os.Getenv(markKey))
	delete(left, os.Getpid())
	for _, name := range names {
		for pid, other := range left {
			if other == name {
				delete(left, pid)
				break
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("stray processes: %v", left)
	}
}

func TestNoBus(t *testing.T) {
	if !inChild(t, "env") {
		return
	}
	for _, address := range []string{"", "autolaunch:", "unix:path=/nonexistent"} {
		t.Setenv(busAddressKey, address)
		err := newReal(t, "goldpan-test").Put(t.Context(), "pool", []byte("x"))
		hint := vault.Hint(err)
		if !errors.Is(err, vault.ErrUnavailable) || !strings.Contains(err.Error(), "bus") ||
			!strings.Contains(hint, "dbus-run-session") || !strings.Contains(hint, "sealed file") {
			t.Errorf("address %q: %v (hint %q), want ErrUnavailable that says what to do", address, err, hint)
		}
	}
	onlyDaemons(t)
}

// The control for TestNoBus: dbus-launch, which go-keyring would run without a
// bus, works here, and what it starts is seen.
func TestStrayBusWouldBeSeen(t *testing.T) {
	if !inChild(t, "env") {
		return
	}
	out, err := exec.Command(program(t, "dbus-launch")).Output()
	if err != nil {
		t.Fatalf("dbus-launch: %v", err)
	}
	for pid, name := range marked(os.Getenv(markKey)) {
		if name == "dbus-daemon" {
			p, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			_ = p.Kill()
			return
		}
	}
	t.Errorf("the daemon is not seen, so TestNoBus proves nothing:\n%s", out)
}

func TestBusWithoutKeyring(t *testing.T) {
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte(noServices), 0o600); err != nil {
		t.Fatal(err)
	}
	if !inChild(t, "dbus-run-session", "--config-file="+config, "--") {
		return
	}
	connect(t)
	_, err := newReal(t, "goldpan-test").Get(t.Context(), "pool")
	if !errors.Is(err, vault.ErrUnavailable) || !strings.Contains(vault.Hint(err), "gnome-keyring") {
		t.Errorf("%v (hint %q), want ErrUnavailable with a hint", err, vault.Hint(err))
	}
}
