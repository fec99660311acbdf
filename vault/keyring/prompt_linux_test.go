package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"goldpan/core/disk"
	"goldpan/vault"
)

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

const promptPath = secretsPath + "/prompt/1"

// prompting is a secret service whose collection was locked since somebody looked: it
// asks the person.
type prompting struct {
	conn    *dbus.Conn
	dismiss bool // the person closes the question; otherwise nobody answers it
	asked   chan struct{}
}

func (p prompting) Get(_, property string) (dbus.Variant, *dbus.Error) {
	if property == "Collections" {
		return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
	}
	return dbus.MakeVariant(false), nil
}

func (p prompting) Unlock([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return []dbus.ObjectPath{}, promptPath, nil
}

func (p prompting) Prompt(string) *dbus.Error {
	if p.dismiss {
		_ = p.conn.Emit(promptPath, "org.freedesktop.Secret.Prompt.Completed", true, dbus.MakeVariant([]dbus.ObjectPath{}))
	}
	p.asked <- struct{}{}
	return nil
}

func (p prompting) serve(t *testing.T) {
	t.Helper()
	for path, name := range map[dbus.ObjectPath]string{secretsPath: "org.freedesktop.DBus.Properties", loginPath: "org.freedesktop.DBus.Properties", promptPath: "org.freedesktop.Secret.Prompt"} {
		if err := p.conn.Export(p, path, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.conn.Export(p, secretsPath, serviceInterface); err != nil {
		t.Fatal(err)
	}
	if _, err := p.conn.RequestName(secretsName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

// A question that the person closes is a keyring that stays locked, told at once. One
// that the keyring takes with it when it ends is gone past when another one is there.
func TestPrompts(t *testing.T) {
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte(noServices), 0o600); err != nil {
		t.Fatal(err)
	}
	if !inChild(t, "dbus-run-session", "--config-file="+config, "--") {
		return
	}
	conn := connect(t)
	p := prompting{conn, true, make(chan struct{}, 8)}
	p.serve(t)
	s := newReal(t, "goldpan-test")
	_, getErr := s.Get(t.Context(), "pool")
	for what, err := range map[string]error{"Get": getErr, "Put": s.Put(t.Context(), "pool", []byte("x")), "Delete": s.Delete(t.Context(), "pool")} {
		if !errors.Is(err, vault.ErrLocked) || vault.Hint(err) == "" {
			t.Errorf("%s: a question that was closed: %v (hint %q), want ErrLocked", what, err, vault.Hint(err))
		}
	}
	p.dismiss = false
	p.serve(t)
	s.timeout, s.giveUp = 500*time.Millisecond, 0
	if _, err := s.Get(t.Context(), "pool"); !errors.Is(err, vault.ErrTimeout) || vault.Hint(err) == "" {
		t.Errorf("a question that stays open: %v, want ErrTimeout", err)
	}
	if len(p.asked) != 4 {
		t.Errorf("the person was asked %d times", len(p.asked))
	}
	s.timeout = patience
	if _, err := conn.ReleaseName(secretsName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "pool"); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("without a keyring: %v, want ErrTimeout", err)
	}
	unlockKeyring(t, conn)
	if err := s.Put(t.Context(), "pool", []byte("gold")); err != nil {
		t.Fatalf("with another keyring: %v", err)
	}
	if got, err := s.Get(t.Context(), "pool"); err != nil || string(got) != "gold" {
		t.Errorf("%q, %v", got, err)
	}
}

// The real keyring is locked between our look and our question, as by a screen that
// locks: an error that says what to do, no hang, and afterwards all is there.
func TestLockedBetween(t *testing.T) {
	if !inChild(t, "dbus-run-session", "--") {
		return
	}
	conn := connect(t)
	unlockKeyring(t, conn)
	s := newReal(t, "goldpan-test")
	if err := s.Put(t.Context(), "pool", []byte("gold")); err != nil {
		t.Fatal(err)
	}
	look := s.ready
	s.ready = func(ctx context.Context) error {
		if err := look(ctx); err != nil {
			return err
		}
		lockLogin(t, conn)
		return nil
	}
	s.timeout, s.giveUp = 2*time.Second, 0
	if _, err := s.Get(t.Context(), "pool"); !errors.Is(err, vault.ErrLocked) && !errors.Is(err, vault.ErrTimeout) || vault.Hint(err) == "" {
		t.Errorf("%v (hint %q), want ErrLocked or ErrTimeout", err, vault.Hint(err))
	}
	s.ready, s.timeout = look, patience
	stopKeyring(t, conn)
	stopKeyring(t, conn)
	unlockKeyring(t, conn)
	if got, err := s.Get(t.Context(), "pool"); err != nil || string(got) != "gold" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

func lockLogin(t *testing.T, conn *dbus.Conn) {
	t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := conn.Object(secretsName, secretsPath).Call(serviceInterface+".Lock", 0, []dbus.ObjectPath{loginPath}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		t.Errorf("locked %v, %v", locked, err)
	}
}

// A program that hangs while it holds the lock keeps nobody waiting for ever.
func TestLockIsHeld(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	held, err := disk.LockFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	s, f := newFake(t)
	s.lock, s.timeout = lock, 300*time.Millisecond
	if err := s.Put(t.Context(), "pool", []byte("x")); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("%v, want ErrTimeout", err)
	}
	if len(f.entries) != 0 {
		t.Error("it wrote without the lock")
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	s.timeout = time.Minute
	if err := s.Put(t.Context(), "pool", []byte("x")); err != nil {
		t.Error(err)
	}
}
