package home

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

// Another program of the same person reaches the gateway by its socket; nobody else can open it.
func TestControl(t *testing.T) {
	for name, deep := range map[string]string{"as it is": "", "in a folder of a long name": strings.Repeat("long", 40)} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "", "")
			o.Dir = filepath.Join(o.Dir, deep, "gateway")
			o.MaxDevices = 3
			if _, err := Ask(t.Context(), o.Dir, Command{Do: "snapshot"}); !errors.Is(err, ErrNotRunning) {
				t.Errorf("before it runs: %v", err)
			}
			g := serve(t, o)
			at := g.listeners.control.Addr().String()
			for _, path := range []string{at, filepath.Dir(at), o.Dir} {
				if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s: %v, %v", path, info.Mode(), err)
				}
			}
			ask := func(c Command) Answer {
				t.Helper()
				a, err := Ask(t.Context(), o.Dir, c)
				if err != nil {
					t.Fatalf("%+v: %v", c, err)
				}
				return a
			}
			i := ask(Command{Do: "invite", Name: "Phone"}).Invitation
			if _, err := invite.ParseLink(i.Link()); err != nil || i.Name != "Phone" {
				t.Errorf("invited %+v to %q: %v", i, i.Link(), err)
			}
			box := ask(Command{Do: "token", Name: "Box"})
			if _, err := g.gate.CheckToken(box.Token); err != nil || box.Device.Name != "Box" {
				t.Errorf("%+v: %v", box.Device, err)
			}
			ask(Command{Do: "rename", Device: "Box", Name: "Big box"})
			ask(Command{Do: "pause", Device: "Big box", On: true})
			ask(Command{Do: "limit", Device: box.Device.ID[:8], Limit: 1e6})
			s := ask(Command{Do: "snapshot"}).Snapshot
			if len(s.Devices) != 1 || s.Devices[0].Name != "Big box" || !s.Devices[0].Paused || s.Devices[0].Limit != 1e6 || len(s.Invitations) != 1 || s.Page != g.page() {
				t.Errorf("%+v", s)
			}
			ask(Command{Do: "token"})
			for c, want := range map[Command]error{
				{Do: "invite"}: invite.ErrFull, {Do: "token"}: invite.ErrFull, {Do: "remove", Device: "nobody"}: ErrNoDevice,
				{Do: "rename", Device: "Big box", Name: "\x1b"}: ErrName, {Do: "limit", Device: "Big box", Limit: -1}: ErrLimit,
			} {
				if _, err := Ask(t.Context(), o.Dir, c); !errors.Is(err, want) {
					t.Errorf("%+v: %v", c, err)
				}
			}
			ask(Command{Do: "withdraw", Device: i.ID})
			ask(Command{Do: "remove", Device: "Big box"})
			if _, err := Ask(t.Context(), o.Dir, Command{Do: "dance"}); err == nil {
				t.Error("it dances")
			}
			if _, err := New(o); !errors.Is(err, ErrRunning) {
				t.Errorf("a second gateway: %v", err)
			}
			ask(Command{Do: "snapshot"}) // the second left the first's socket alone
			g.stop()
			if _, err := Ask(t.Context(), o.Dir, Command{Do: "snapshot"}); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after it has ended: %v", err)
			}
			if _, err := os.Stat(at); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is still there: %v", err)
			}
		})
	}
}

// Without a page nobody can be invited to it.
func TestNoPage(t *testing.T) {
	o := options(t, "", "")
	o.Web = ""
	g := serve(t, o)
	if _, err := Ask(t.Context(), o.Dir, Command{Do: "invite"}); !errors.Is(err, ErrNoPage) {
		t.Errorf("%v", err)
	}
	if _, _, err := g.Token(""); err != nil {
		t.Errorf("a miner needs no page: %v", err)
	}
}

// Whatever is said on the socket, the gateway goes on.
func TestControlIsBounded(t *testing.T) {
	g := serve(t, options(t, "", ""))
	for _, line := range []string{"", "[]", `{"do":"snapshot"}{}`, `{"do":"snapshot","more":1}`, strings.Repeat("x", 5000), `{"do":"` + strings.Repeat("x", 1<<20) + `"}`} {
		raw, err := dialUnix(g.listeners.control.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn := jsonrpc.NewLineConn(raw, maxControl)
		if err := conn.WriteMessage(t.Context(), []byte(line)); err == nil && line != "" {
			if b, err := conn.ReadMessage(t.Context()); err == nil && !strings.Contains(string(b), `"error"`) {
				t.Errorf("%.40q: answered %.80s", line, b)
			}
		}
		_ = conn.Close()
	}
	if _, err := Ask(t.Context(), g.options.Dir, Command{Do: "snapshot"}); err != nil {
		t.Error(err)
	}
}

// A socket in the folder for temporary files is trusted only where nobody else can have made it; and what a gateway that
// was killed has left there, the next one takes away.
func TestControlElsewhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder for temporary files is a person's own")
	}
	dir := t.TempDir()
	at, err := os.MkdirTemp("", "goldpan-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(at) })
	path := filepath.Join(at, controlName)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // another's, who would hand out invitations of his own
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(`{"link":"http://192.0.2.1/#join=x","invitation":{"Name":"Phone"}}` + "\n"))
			_ = c.Close()
		}
	}()
	if err := os.WriteFile(filepath.Join(dir, controlPath), []byte(path), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func() error { _, err := Ask(t.Context(), dir, Command{Do: "invite"}); return err }
	if err := ask(); errors.Is(err, ErrNotRunning) {
		t.Errorf("our own: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(at, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if err := ask(); !errors.Is(err, ErrNotRunning) {
			t.Errorf("in a folder of another: %v", err)
		}
		if err := os.Chown(at, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ask(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("in a folder that is open to others: %v", err)
	}
	if err := os.Chmod(at, 0o700); err != nil {
		t.Fatal(err)
	}
	o := options(t, "", "")
	o.Dir = dir
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if _, err := os.Lstat(at); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// An invitation shows its link to nobody who only prints it; and one that cannot be withdrawn on the disk is not unknown.
func TestInvitationIsDiscreet(t *testing.T) {
	o := options(t, "", "")
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	i, err := g.Invite("Phone")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, what := range []any{i, &i, Answer{Invitation: &i, Link: i.Link(), Token: "join="}, []Invitation{i}} {
			if text := fmt.Sprintf(verb, what); strings.Contains(text, "join=") || strings.Contains(text, fmt.Sprintf("%x", i.Link())) {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
	if err := g.Withdraw("none"); !errors.Is(err, ErrNoDevice) {
		t.Errorf("none: %v", err)
	}
	g.register.dir = filepath.Join(o.Dir, "gone")
	if err := g.Withdraw(i.ID); err == nil || errors.Is(err, ErrNoDevice) {
		t.Errorf("without a disk: %v", err)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"do":"limit","device":"x","limit":1}`))
	f.Add([]byte(`{"do":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if c, err := parseCommand(line); err == nil && len(c.Do)+len(c.Device)+len(c.Name) > 3*maxCommand {
			t.Errorf("%d bytes became a command of more", len(line))
		}
	})
}

func dialUnix(path string) (net.Conn, error) { return net.Dial("unix", path) }

// TestProblemsAreNamed: an error that people are told about in words of their own is known at the other end too, the system's
// as well.
func TestProblemsAreNamed(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "devices.json", Err: syscall.ENOSPC}
	for _, err := range []error{full, ErrNoDevice, ErrSeveral, invite.ErrFull} {
		name := problem(fmt.Errorf("keep the device: %w", err))
		if known := problems()[name]; known == nil || !errors.Is(err, known) {
			t.Errorf("%v goes by %q", err, name)
		}
	}
	if got := problem(errors.New("another")); got != "another" {
		t.Errorf("%q", got)
	}
}
