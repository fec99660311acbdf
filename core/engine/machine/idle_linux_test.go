package machine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"goldpan/core/engine"
)

func environment(pairs ...string) func(string) string {
	return func(key string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// isolated is an environment that leads to no bus and no display of the person who
// runs the tests.
func isolated(t *testing.T, pairs ...string) func(string) string {
	nothing := "unix:path=" + filepath.Join(t.TempDir(), "nothing")
	return environment(append(pairs, sessionBus, nothing, systemBus, nothing, "XAUTHORITY", "/dev/null")...)
}

func need(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: install the package %s", program, install)
	}
	return path
}

// serve starts a program, waits for the first line that it writes to descriptor 3,
// and ends it with the test.
func serve(t *testing.T, program string, args ...string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(program, args...)
	cmd.ExtraFiles = []*os.File{w}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", program, err, stderr.Bytes())
	}
	return strings.TrimSpace(line)
}

// TestDisplay asks a real X server, which keeps out those without its cookie, and
// moves its mouse.
func TestDisplay(t *testing.T) {
	xdotool := need(t, "xdotool", "xdotool")
	xvfb := need(t, "Xvfb", "xvfb")
	secret := []byte("0123456789abcdef")
	authority := filepath.Join(t.TempDir(), "authority")
	var entry []byte
	entry = binary.BigEndian.AppendUint16(entry, familyWild)
	for _, field := range []string{"", "", cookieName, string(secret)} {
		entry = append(binary.BigEndian.AppendUint16(entry, uint16(len(field))), field...)
	}
	if err := os.WriteFile(authority, entry, 0o600); err != nil {
		t.Fatal(err)
	}
	display := ":" + serve(t, xvfb, "-displayfd", "3", "-screen", "0", "64x64x8", "-nolisten", "tcp", "-noreset", "-auth", authority)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	person := &input{env: isolated(t, "XAUTHORITY", authority, "DISPLAY", display), now: time.Now}
	// The idle time grows, falls with input, and grows again.
	for range 2 {
		for {
			if idle, ok := person.idle(ctx); !ok {
				t.Fatal("the display does not tell")
			} else if idle > 2*time.Second { // far more than the second that the answer below may take
				break
			}
			<-time.After(20 * time.Millisecond)
		}
		move := exec.Command(xdotool, "mousemove", "1", "1", "mousemove", "9", "7")
		move.Env = append(os.Environ(), "DISPLAY="+display, "XAUTHORITY="+authority)
		before := time.Now()
		if out, err := move.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if idle, ok := person.idle(ctx); !ok || idle > time.Since(before)+time.Second {
			t.Errorf("idle for %v, %v after input", idle, time.Since(before))
		}
	}
	for name, env := range map[string]func(string) string{
		"without the cookie": isolated(t, "DISPLAY", display),
		"on Wayland":         isolated(t, "DISPLAY", display, "XAUTHORITY", authority, "WAYLAND_DISPLAY", "wayland-0"),
		"by its session":     isolated(t, "DISPLAY", display, "XAUTHORITY", authority, "XDG_SESSION_TYPE", "wayland"),
		"elsewhere":          isolated(t, "DISPLAY", "remote.example"+display, "XAUTHORITY", authority),
		"nowhere":            isolated(t),
	} {
		stranger := &input{env: env, now: time.Now}
		if idle, ok := stranger.idle(ctx); ok {
			t.Errorf("%s: idle for %v", name, idle)
		}
	}
}

func TestCookie(t *testing.T) {
	entry := func(family uint16, fields ...string) (b []byte) {
		b = binary.BigEndian.AppendUint16(b, family)
		for _, f := range fields {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
		}
		return b
	}
	file := bytes.Join([][]byte{
		entry(0, "\x7f\x00\x00\x01", "0", cookieName, "internet"),
		entry(familyLocal, "other", "0", cookieName, "other"),
		entry(familyLocal, "here", "0", "XDM-AUTHORIZATION-1", "xdm"),
		entry(familyLocal, "here", "1", cookieName, "one"),
		entry(familyLocal, "here", "0", cookieName, "zero"),
		entry(familyWild, "", "", cookieName, "wild"),
	}, nil)
	for number, want := range []string{"zero", "one", "wild"} {
		if got := findCookie(file, "here", number); string(got) != want {
			t.Errorf("display %d: %q, want %q", number, got, want)
		}
	}
	if got := findCookie(file[:len(file)-1], "elsewhere", 0); got != nil {
		t.Errorf("%q of a torn file", got)
	}
	for _, display := range []string{"", "0", "host:0", ":", ":x", ":-1", ":70000", "/tmp/launch-x:0"} {
		if n, err := displayNumber(display); err == nil {
			t.Errorf("%q is display %d", display, n)
		}
	}
	for display, want := range map[string]int{":0": 0, ":10.1": 10, "unix:3": 3} {
		if n, err := displayNumber(display); err != nil || n != want {
			t.Errorf("%q is display %d: %v", display, n, err)
		}
	}
}

// script answers reads with what a server says, and takes all writes.
type script struct{ io.Reader }

func (script) Write(b []byte) (int, error) { return len(b), nil }

// FuzzDisplay: a hostile server is refused or tells some time.
func FuzzDisplay(f *testing.F) {
	greeting := append([]byte{1, 0, 11, 0, 0, 0, 12, 0}, make([]byte, 48)...)
	extension := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 140}, make([]byte, 22)...)
	info := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x27}, make([]byte, 14)...)
	f.Add(append(append(greeting, extension...), info...))
	f.Add([]byte{0, 5, 11, 0, 0, 0, 2, 0})
	f.Fuzz(func(t *testing.T, answers []byte) {
		idle, err := askIdle(script{bytes.NewReader(answers)}, nil)
		if err == nil && (idle < 0 || idle > maxIdleTime) {
			t.Errorf("idle for %v", idle)
		}
		findCookie(answers, "host", 0)
	})
}

func TestDisplayAnswers(t *testing.T) {
	greeting := append([]byte{1, 0, 11, 0, 0, 0, 12, 0}, make([]byte, 48)...)
	extension := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 140}, make([]byte, 22)...)
	info := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x27}, make([]byte, 14)...)
	if idle, err := askIdle(script{bytes.NewReader(bytes.Join([][]byte{greeting, extension, info}, nil))}, []byte("secret")); err != nil || idle != 10*time.Second {
		t.Errorf("%v, %v", idle, err)
	}
	absent := bytes.Clone(extension)
	absent[8] = 0
	wrong := bytes.Clone(info)
	wrong[0] = 0
	for name, answers := range map[string][][]byte{
		"refused":         {{0, 5, 11, 0, 0, 0, 2, 0}},
		"without it":      {greeting, absent},
		"an error":        {greeting, extension, wrong},
		"cut off":         {greeting, extension, info[:31]},
		"a short setup":   {{1, 0, 11, 0, 0, 0, 1, 0}, make([]byte, 4)},
		"a long vendor":   {{1, 0, 11, 0, 0, 0, 8, 0}, append(append(make([]byte, 16), 255, 255), make([]byte, 14)...)},
		"nothing":         {},
		"too long by far": {{1, 0, 11, 0, 0, 0, 255, 255}},
	} {
		if idle, err := askIdle(script{bytes.NewReader(bytes.Join(answers, nil))}, nil); err == nil {
			t.Errorf("%s: idle for %v", name, idle)
		}
	}
}

// busConfig is a bus of its own that offers to start the screen saver: nothing may.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:dir=DIR</listen><servicedir>DIR</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`

// bus starts a real bus and returns its address.
func bus(t *testing.T, started string) string {
	t.Helper()
	daemon := need(t, "dbus-daemon", "dbus-x11")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bus.conf":      strings.ReplaceAll(busConfig, "DIR", dir),
		"saver.service": "[D-BUS Service]\nName=" + saverName + "\nExec=" + need(t, "touch", "coreutils") + " " + started + "\n",
		"gnome.service": "[D-BUS Service]\nName=" + mutterName + "\nExec=" + need(t, "touch", "coreutils") + " " + started + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, daemon, "--nofork", "--nosyslog", "--config-file="+filepath.Join(dir, "bus.conf"), "--print-address=3")
}

// own puts an object on a bus under a name until the test ends.
func own(t *testing.T, address, name string, path dbus.ObjectPath, methods map[string]any) {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for method, f := range methods {
		iface := method[:strings.LastIndexByte(method, '.')]
		if err := conn.ExportMethodTable(map[string]any{method[len(iface)+1:]: f}, path, iface); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
}

func TestBus(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	session, system := bus(t, started), bus(t, started)
	person := &input{env: environment(sessionBus, session, systemBus, system), now: time.Now}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if idle, ok := person.idle(ctx); ok {
		t.Fatalf("idle for %v, told by nobody", idle)
	}
	if _, err := os.Stat(started); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a service was started")
	}

	// Least to best: each takes the place of the one before.
	since := time.Now().Add(-7 * time.Minute)
	properties := map[string]dbus.Variant{"Type": dbus.MakeVariant("x11"), "IdleHint": dbus.MakeVariant(true), "IdleSinceHint": dbus.MakeVariant(uint64(since.UnixMicro()))}
	own(t, system, loginName, loginPath, map[string]any{getAll: func(iface string) (map[string]dbus.Variant, *dbus.Error) {
		if iface != loginIface {
			return nil, dbus.MakeFailedError(errors.New("another interface"))
		}
		return properties, nil
	}})
	if idle, ok := person.idle(ctx); !ok || idle < 7*time.Minute || idle > 9*time.Minute {
		t.Errorf("logind: idle for %v, %v", idle, ok)
	}
	own(t, session, saverName, saverPaths[1], map[string]any{saverCall: func() (uint32, *dbus.Error) { return 5000, nil }})
	if idle, ok := person.idle(ctx); !ok || idle != 5*time.Second {
		t.Errorf("screen saver: idle for %v, %v", idle, ok)
	}
	var answer atomic.Uint64
	answer.Store(90_500)
	own(t, session, mutterName, mutterPath, map[string]any{mutterCall: func() (uint64, *dbus.Error) { return answer.Load(), nil }})
	var r engine.Reading
	if c := person.read(ctx); c == nil {
		t.Fatal("nothing")
	} else if c(&r); r.Idle != engine.Known(90500*time.Millisecond) {
		t.Errorf("desktop: %+v", r.Idle)
	}
	for _, hostile := range []uint64{1 << 63, 1<<64 - 1, 1 << 44} {
		answer.Store(hostile)
		if c := person.read(ctx); c != nil {
			if c(&r); r.Idle.Value > maxIdleTime || r.Idle.Value < 0 {
				t.Errorf("%+v", r.Idle)
			}
		}
	}
}

// TestNoStrangeBus: an address that leads off this computer, or that starts a
// program, is not followed.
func TestNoStrangeBus(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "started")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	called := make(chan struct{})
	go func() {
		if c, err := listener.Accept(); err == nil {
			c.Close()
			close(called)
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"autolaunch:", "unixexec:path=" + need(t, "touch", "coreutils") + ",argv1=" + marker, "tcp:host=127.0.0.1,port=" + port,
		"unix:path=/nowhere;tcp:host=127.0.0.1,port=" + port, "",
	} {
		if conn, ok := connect(context.Background(), address); ok {
			conn.Close()
			t.Errorf("%q was followed", address)
		}
	}
	select {
	case <-called:
		t.Error("a bus behind an address on the network was called")
	default:
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a program was started")
	}
}

// TestSilentBus: one that takes the call and says nothing is left when the time is up.
func TestSilentBus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var open []net.Conn
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
		}
	}()
	m := &Machine{sensors: sensorsAt(string(plant(t, "laptop-charging")), environment(sessionBus, "unix:path="+path, systemBus, "unix:path="+path))}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if r := m.Read(ctx); r.Idle.Known {
		t.Errorf("%+v", r)
	}
	listener.Close()
	<-accepted
	for _, c := range open {
		c.Close()
	}
}

func TestUnit(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		name  string
		count []uint32 // every two seconds
		want  time.Duration
	}{
		{"milliseconds", []uint32{100, 2100, 4100}, 4100 * time.Millisecond},
		{"seconds", []uint32{10, 12, 14}, 14 * time.Second},
		{"seconds, with input", []uint32{10, 12, 0}, 0},
		{"not known yet", []uint32{3000}, 3 * time.Second},
		{"it jumps", []uint32{10, 4_000_000_000}, 4_000_000 * time.Second},
	} {
		var u unit
		var got time.Duration
		for i, n := range c.count {
			got, _ = u.idle(n, at.Add(time.Duration(2*i)*time.Second))
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHint(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	make := func(kind any, idle any, since any) map[string]dbus.Variant {
		return map[string]dbus.Variant{"Type": dbus.MakeVariant(kind), "IdleHint": dbus.MakeVariant(idle), "IdleSinceHint": dbus.MakeVariant(since)}
	}
	for _, c := range []struct {
		name string
		p    map[string]dbus.Variant
		want time.Duration // -1: not known
	}{
		{"idle", make("wayland", true, uint64(now.Add(-time.Hour).UnixMicro())), time.Hour},
		{"in use", make("x11", false, uint64(0)), 0},
		{"the clock went back", make("x11", true, uint64(now.Add(time.Hour).UnixMicro())), 0},
		{"a terminal", make("tty", true, uint64(5)), -1},
		{"since never", make("x11", true, uint64(0)), -1},
		{"since too long", make("x11", true, uint64(1<<63)), -1},
		{"of another sort", make(7, "yes", "no"), -1},
		{"half of another sort", make("x11", "yes", uint64(5)), -1},
		{"nothing", nil, -1},
	} {
		if got, ok := hinted(c.p, now); ok != (c.want >= 0) || ok && got != c.want {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
	}
}
