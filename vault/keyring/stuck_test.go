//go:build !js

package keyring

import (
	"context"
	"errors"
	"testing"
	"time"

	"goldpan/vault"
)

// hang makes a call of the store hang for ever, and gives what lets it end.
func hang(t *testing.T, s *Store, f *fake, call func() error) (release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	f.mu.Lock()
	f.block = release
	f.mu.Unlock()
	if err := call(); !errors.Is(err, vault.ErrTimeout) {
		t.Fatalf("%v, want ErrTimeout", err)
	}
	f.mu.Lock()
	f.block = nil // the keyring is there again, and its open question is not
	f.mu.Unlock()
	return release
}

// A keyring that ended with a question open never answers it: after a while it is
// asked again, and what the old question brings is nobody's.
func TestOpenQuestionIsLeftBehind(t *testing.T) {
	s, f := newFake(t)
	if err := s.Put(t.Context(), "kept", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.timeout = 300 * time.Millisecond
	release := hang(t, s, f, func() error { _, err := s.Get(t.Context(), "kept"); return err })
	s.timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := s.Get(ctx, "kept"); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("too early: %v", err)
	}
	s.mu.Lock()
	old := s.stuck
	old.late = time.Now().Add(-giveUp)
	s.mu.Unlock()
	// While the keyring is not there, nobody goes past.
	s.ready = func(context.Context) error { return errors.New("not there") }
	if _, err := s.Get(ctx, "kept"); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("without a keyring: %v", err)
	}
	s.ready = nil
	if got, err := s.Get(ctx, "kept"); err != nil || string(got) != "x" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
	if err := s.Put(ctx, "kept", []byte("y")); err != nil {
		t.Error(err)
	}
	close(release)
	<-old.done
	if got, err := s.Get(ctx, "kept"); err != nil || string(got) != "y" {
		t.Errorf("after the old answer: %q, %v", got, err)
	}
}

// A question that may still change something is not gone past: its secret would come
// after the newer one.
func TestOpenChangeIsWaitedFor(t *testing.T) {
	s, f := newFake(t)
	if err := s.Put(t.Context(), "kept", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.timeout = 300 * time.Millisecond
	release := hang(t, s, f, func() error {
		return s.do(t.Context(), func(ctx context.Context) error { return s.set(ctx, "kept", []byte("old")) })
	})
	s.timeout = time.Minute
	s.mu.Lock()
	old := s.stuck
	old.late = time.Now().Add(-time.Hour)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.Put(ctx, "kept", []byte("new")); !errors.Is(err, vault.ErrTimeout) {
		t.Errorf("past an open change: %v", err)
	}
	close(release)
	<-old.done
	if err := s.Put(ctx, "kept", []byte("new")); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(ctx, "kept"); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
}
