//go:build !js

package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gokeyring "github.com/zalando/go-keyring"
	"go.uber.org/goleak"

	"goldpan/vault"
	"goldpan/vault/vaulttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a keyring in memory that can misbehave.
type fake struct {
	mu      sync.Mutex
	entries map[string]string
	calls   int
	fail    error         // returned by every call
	dismiss bool          // Set and Delete report success and do nothing
	crash   bool          // panics, as go-keyring does on an answer of the wrong type
	entered chan struct{} // if not nil, gets one value as a call begins
	block   chan struct{} // if not nil, every call waits until it is closed
}

func (f *fake) enter() error {
	f.mu.Lock()
	f.calls++
	entered, block := f.entered, f.block
	f.mu.Unlock()
	if entered != nil {
		entered <- struct{}{}
	}
	if block != nil {
		<-block
	}
	if f.crash {
		panic("interface conversion")
	}
	return f.fail
}

func (f *fake) called() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fake) Get(service, user string) (string, error) {
	if err := f.enter(); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, ok := f.entries[service+":"+user]
	if !ok {
		return "", gokeyring.ErrNotFound
	}
	return text, nil
}

func (f *fake) Set(service, user, password string) error {
	if err := f.enter(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(password) > 2560 { // as on Windows
		return gokeyring.ErrSetDataTooBig
	}
	if !f.dismiss {
		f.entries[service+":"+user] = password
	}
	return nil
}

func (f *fake) Delete(service, user string) error {
	if err := f.enter(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.entries[service+":"+user]; !ok {
		return gokeyring.ErrNotFound
	}
	if !f.dismiss {
		delete(f.entries, service+":"+user)
	}
	return nil
}

// newFake gives a store on a fake keyring. The time-out never strikes unless a
// test sets one.
func newFake(t *testing.T) (*Store, *fake) {
	t.Helper()
	s, err := New(Options{Service: "goldpan-test", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{entries: make(map[string]string)}
	s.backend, s.ready = f, nil
	return s, f
}

func TestFakeKeyring(t *testing.T) {
	vaulttest.TestStore(t, func(t *testing.T) vault.Store {
		s, _ := newFake(t)
		return s
	})
}

func TestServiceNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"goldpan": true, "goldpan-2.test": true, "": false, "a:b": false, "a b": false, "A": false,
		"-a": false, "ä": false, "a/b": false, strings.Repeat("a", 40): true, strings.Repeat("a", 41): false,
	} {
		if _, err := New(Options{Service: name}); (err == nil) != ok {
			t.Errorf("New(%q): %v", name, err)
		}
	}
	if _, err := New(Options{Service: "a", Timeout: -1}); err == nil {
		t.Error("a negative time-out passes")
	}
}

func TestErrorsAreMapped(t *testing.T) {
	for _, c := range []struct{ from, to error }{
		{gokeyring.ErrNotFound, vault.ErrNotFound},
		{gokeyring.ErrSetDataTooBig, vault.ErrTooLarge},
		{gokeyring.ErrUnsupportedPlatform, vault.ErrUnavailable},
		{fmt.Errorf("wrapped: %w", gokeyring.ErrUnsupportedPlatform), vault.ErrUnavailable},
		{errors.New("the peer's own <b>text</b>"), vault.ErrUnavailable},
	} {
		s, f := newFake(t)
		f.fail = c.from
		_, err := s.Get(t.Context(), "x")
		if !errors.Is(err, c.to) {
			t.Errorf("%v became %v, want %v", c.from, err, c.to)
		}
		if strings.Contains(err.Error(), "<b>") {
			t.Errorf("the peer's text is repeated: %v", err)
		}
		if errors.Is(err, vault.ErrUnavailable) && vault.Hint(err) == "" {
			t.Errorf("%v: no hint", err)
		}
	}
}

func TestCheck(t *testing.T) {
	s, f := newFake(t)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	s.ready = func(context.Context) error { return errors.New("no") }
	calls := f.calls
	if s.Check(t.Context()) == nil {
		t.Error("Check overlooks that the keyring is not ready")
	}
	if _, err := s.Get(t.Context(), "x"); err == nil || f.calls != calls {
		t.Error("a keyring that is not ready was asked")
	}
}

func TestHangingKeyringEnds(t *testing.T) {
	s, f := newFake(t)
	if err := s.Put(t.Context(), "old", []byte("x")); err != nil {
		t.Fatal(err)
	}
	before := len(f.entries)
	s.timeout = 500 * time.Millisecond
	release := make(chan struct{})
	f.entered, f.block = make(chan struct{}, 100), release
	var late *vault.Error
	if err := s.Put(t.Context(), "new", []byte("y")); !errors.Is(err, vault.ErrTimeout) || !errors.As(err, &late) || late.Hint == "" {
		t.Fatalf("Put on a hanging keyring: %v, want ErrTimeout with a hint", err)
	}
	// The first question is still open: no second one is put.
	<-f.entered
	// Who waited for its turn would meet the context's end instead.
	s.timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	calls := f.called()
	if _, err := s.Get(ctx, "old"); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("Get while another question hangs: %v, want ErrTimeout", err)
	}
	if f.called() != calls {
		t.Error("a second question was put to a hanging keyring")
	}
	f.mu.Lock()
	f.block = nil
	f.mu.Unlock()
	s.mu.Lock()
	stuck := s.stuck
	s.mu.Unlock()
	close(release)
	<-stuck.done
	if got, err := s.Get(t.Context(), "old"); err != nil || string(got) != "x" {
		t.Errorf("Get after the keyring came back: %v", err)
	}
	if len(f.entries) != before {
		t.Error("the operation that timed out went on writing")
	}
}

func TestCancelDoesNotWait(t *testing.T) {
	s, f := newFake(t)
	f.entered, f.block = make(chan struct{}, 10), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-f.entered
		cancel()
	}()
	if _, err := s.Get(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	// A cancelled question is no sign of a hanging keyring: the next one waits.
	wait := make(chan error)
	go func() {
		_, err := s.Get(t.Context(), "x")
		wait <- err
	}()
	close(f.block)
	if err := <-wait; !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}

func TestDismissedQuestionIsNoticed(t *testing.T) {
	s, f := newFake(t)
	if err := s.Put(t.Context(), "kept", []byte("x")); err != nil {
		t.Fatal(err)
	}
	f.dismiss = true
	if err := s.Put(t.Context(), "kept", []byte("y")); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("Put that was dismissed: %v", err)
	}
	if err := s.Put(t.Context(), "new", []byte("y")); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("Put that was dismissed: %v", err)
	}
	if err := s.Delete(t.Context(), "kept"); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("Delete that was dismissed: %v", err)
	}
	f.dismiss = false
	if ids, err := s.List(t.Context()); err != nil || !slices.Equal(ids, []string{"kept"}) {
		t.Errorf("List = %q, %v", ids, err)
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	s, f := newFake(t)
	f.crash = true
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	f.crash = false
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("after a panic: %v, want ErrNotFound", err)
	}
}

func TestForeignEntries(t *testing.T) {
	s, f := newFake(t)
	f.entries["goldpan-test:x"] = "written by hand"
	if _, err := s.Get(t.Context(), "x"); !errors.Is(err, vault.ErrDamaged) || strings.Contains(err.Error(), "by hand") {
		t.Errorf("%v, want ErrDamaged without the text", err)
	}
	if err := s.Put(t.Context(), "x", []byte("y")); err != nil {
		t.Errorf("a damaged entry cannot be replaced: %v", err)
	}
	f.entries["goldpan-test:#index"] = encode([]byte("a\n#index\n"))
	if _, err := s.List(t.Context()); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

func TestIndexIsFull(t *testing.T) {
	s, f := newFake(t)
	for i := range maxParts {
		ids := make([]string, 0, 27)
		for j := range cap(ids) {
			ids = append(ids, fmt.Sprintf("%02d-%02d%s", i, j, strings.Repeat("x", vault.MaxID-5)))
		}
		f.entries["goldpan-test:"+partName(i)] = encode(formatIndex(ids))
	}
	err := s.Put(t.Context(), strings.Repeat("z", vault.MaxID), []byte("x"))
	if !errors.Is(err, vault.ErrTooLarge) || vault.Hint(err) == "" {
		t.Errorf("%v, want ErrTooLarge with a hint", err)
	}
	if ids, err := s.List(t.Context()); err != nil || len(ids) != 27*maxParts {
		t.Errorf("%d ids, %v", len(ids), err)
	}
}

// An interrupted Put leaves an id without a secret; Delete clears it away.
func TestGhost(t *testing.T) {
	s, f := newFake(t)
	f.entries["goldpan-test:#index"] = encode(formatIndex([]string{"ghost"}))
	if _, err := s.Get(t.Context(), "ghost"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if err := s.Delete(t.Context(), "ghost"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Delete: %v", err)
	}
	if ids, err := s.List(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("List = %q, %v", ids, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode([]byte("secret")))
	f.Add(encode(nil))
	f.Add("goldpan1:")
	f.Add("go-keyring-base64:eA==")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := decode(text)
		if err != nil {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if encode(secret) != text {
			t.Fatal("does not come back")
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("a\nb\n"))
	f.Add([]byte("\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		ids, err := parseIndex(text)
		if err != nil {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if string(formatIndex(ids)) != string(text) {
			t.Fatal("does not come back")
		}
	})
}

func ExampleStore_Check() {
	store, err := New(Options{Service: "goldpan"})
	if err != nil {
		panic(err)
	}
	if err := store.Check(context.Background()); err != nil {
		// The keyring is missing or locked: say what happened, and what to do.
		_, _ = err.Error(), vault.Hint(err)
	}
}

func TestIndexNamesAnIDOnce(t *testing.T) {
	s, f := newFake(t)
	for range 3 {
		if err := s.Put(t.Context(), "pool", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.entries["goldpan-test:#index"]; got != encode([]byte("pool\n")) {
		t.Errorf("the index entry is %q", got)
	}
}
