package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"goldpan/vault"
	"goldpan/vault/vaulttest"
)

// The tests in this file talk to real D-Bus daemons and to gnome-keyring. Each
// one runs again as a child process with its own home, runtime folder and bus,
// so that they neither see nor touch the keyring of the person who runs them.
// When a program is missing they fail.

const (
	childKey = "GOLDPAN_KEYRING_CHILD" // names the test that the child runs
	markKey  = "GOLDPAN_KEYRING_MARK"  // every process begun by a child inherits it
	patience = 30 * time.Second
	aptHint  = "install the packages gnome-keyring, dbus-x11 and libsecret-tools"
)

// noServices is the configuration of a bus on which nothing can be activated.
const noServices = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: %s", name, aptHint)
	}
	return path
}

// inChild reports whether this is the child. Otherwise it runs the calling test
// as a child, below the command line before, and checks that no process is left
// when it has ended.
func inChild(t *testing.T, before ...string) bool {
	t.Helper()
	if os.Getenv(childKey) == t.Name() {
		return true
	}
	t.Parallel() // each child has a bus of its own, and mostly waits
	for _, name := range []string{"gnome-keyring-daemon", "dbus-daemon", "dbus-launch", "secret-tool"} {
		program(t, name)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A Unix socket's path has at most 108 bytes: not t.TempDir.
	home, err := os.MkdirTemp("", "gpk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	runtimeDir := filepath.Join(home, "run")
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	args := append(before, self, "-test.run=^"+t.Name()+"$", "-test.v")
	mark := rand.Text()
	cmd := exec.CommandContext(ctx, program(t, args[0]), args[1:]...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + runtimeDir, "TMPDIR=" + home,
		"LANG=C.UTF-8", childKey + "=" + t.Name(), markKey + "=" + mark,
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the child failed: %v\n%s", err, out)
	} else if !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("the child did not run the test:\n%s", out)
	}
	waitGone(t, mark)
	return false
}

// marked returns the processes whose environment holds the mark.
func marked(mark string) map[int]string {
	found := make(map[int]string)
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(env, []byte(markKey+"="+mark)) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		found[pid] = strings.TrimSpace(string(name))
	}
	return found
}

// waitGone gives daemons time to notice that their bus has ended, and no more.
func waitGone(t *testing.T, mark string) {
	t.Helper()
	var left map[int]string
	if !poll(func() bool { left = marked(mark); return len(left) == 0 }) {
		t.Errorf("processes were left behind: %v", left)
		for pid := range left {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
	}
}

func poll(done func() bool) bool {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

func newReal(t *testing.T, service string) *Store {
	t.Helper()
	s, err := New(Options{Service: service, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// connect gives a connection to the child's bus that ends with the test. It
// also ends the one that go-keyring shares, for the leak check.
func connect(t *testing.T) *dbus.Conn {
	t.Helper()
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err == nil {
		if err = conn.Auth(nil); err == nil {
			err = conn.Hello()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if shared, err := dbus.SessionBus(); err == nil {
			shared.Close()
		}
	})
	return conn
}

// unlockKeyring starts gnome-keyring with a new, unlocked login collection.
func unlockKeyring(t *testing.T, conn *dbus.Conn) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program(t, "gnome-keyring-daemon"), "--foreground", "--unlock", "--components=secrets")
	cmd.Stdin = strings.NewReader("a test's password")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// Not Check alone: before the name is owned it would activate another one.
	if !poll(func() bool {
		var owned bool
		err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned)
		return err == nil && owned
	}) {
		t.Fatalf("gnome-keyring did not start:\n%s", &out)
	}
	var err error
	if !poll(func() bool { err = newReal(t, "goldpan").Check(t.Context()); return err == nil }) {
		t.Fatalf("gnome-keyring does not unlock: %v\n%s", err, &out)
	}
}

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
	lock := func() {
		var locked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		err := conn.Object(secretsName, secretsPath).Call(serviceInterface+".Lock", 0, []dbus.ObjectPath{loginPath}).Store(&locked, &prompt)
		if err != nil || len(locked) != 1 {
			t.Fatalf("locked %v, %v", locked, err)
		}
	}
	lock()
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

// A secret service that never answers: at the first question, and, for a second
// one, only once go-keyring itself asks.
type silent struct {
	answerProperties bool
	asked            chan string
	end              chan struct{}
}

func (s silent) Get(iface, property string) (dbus.Variant, *dbus.Error) {
	switch {
	case !s.answerProperties:
		s.asked <- "Get"
		<-s.end
	case property == "Collections":
		return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
	case property == "Locked":
		return dbus.MakeVariant(false), nil
	}
	return dbus.Variant{}, dbus.MakeFailedError(errors.New("no such property"))
}

func (s silent) Unlock(objects []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	s.asked <- "Unlock"
	<-s.end
	return nil, "/", nil
}

func TestSilentKeyring(t *testing.T) {
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte(noServices), 0o600); err != nil {
		t.Fatal(err)
	}
	if !inChild(t, "dbus-run-session", "--config-file="+config, "--") {
		return
	}
	for _, answers := range []bool{false, true} {
		conn := connect(t)
		service := silent{answers, make(chan string, 8), make(chan struct{})}
		for _, path := range []dbus.ObjectPath{secretsPath, loginPath} {
			if err := conn.Export(service, path, "org.freedesktop.DBus.Properties"); err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.Export(service, secretsPath, serviceInterface); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RequestName(secretsName, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{Service: "goldpan-test", Timeout: 500 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Get(t.Context(), "pool")
		if !errors.Is(err, vault.ErrTimeout) || vault.Hint(err) == "" {
			t.Errorf("answers %v: %v, want ErrTimeout with a hint", answers, err)
		}
		want := "Get"
		if answers {
			want = "Unlock"
		}
		select {
		case got := <-service.asked:
			if got != want {
				t.Errorf("it hung at %s, want %s", got, want)
			}
		default:
			t.Error("the service was never asked: it ended for another reason")
		}
		close(service.end)
		if _, err := conn.ReleaseName(secretsName); err != nil {
			t.Fatal(err)
		}
	}
}
