package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// The tests on Linux talk to real D-Bus daemons and to gnome-keyring. Each
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
