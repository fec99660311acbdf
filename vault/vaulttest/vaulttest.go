// Package vaulttest holds the one conformance suite that every vault.Store
// passes. It is for tests only.
package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"goldpan/vault"
)

// TestStore checks that a store keeps the promises of vault.Store. Each call of
// open must return a new, empty store.
func TestStore(t *testing.T, open func(t *testing.T) vault.Store) {
	t.Run("RoundTrip", func(t *testing.T) { testRoundTrip(t, open(t)) })
	t.Run("Bytes", func(t *testing.T) { testBytes(t, open(t)) })
	t.Run("Missing", func(t *testing.T) { testMissing(t, open(t)) })
	t.Run("Copies", func(t *testing.T) { testCopies(t, open(t)) })
	t.Run("List", func(t *testing.T) { testList(t, open(t)) })
	t.Run("BadIDs", func(t *testing.T) { testBadIDs(t, open(t)) })
	t.Run("Sizes", func(t *testing.T) { testSizes(t, open(t)) })
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, open(t)) })
	t.Run("Parallel", func(t *testing.T) { testParallel(t, open(t)) })
}

func put(t *testing.T, s vault.Store, id string, secret []byte) {
	t.Helper()
	if err := s.Put(t.Context(), id, secret); err != nil {
		t.Fatalf("Put(%q): %v (hint: %s)", id, err, vault.Hint(err))
	}
}

func want(t *testing.T, s vault.Store, id string, secret []byte) {
	t.Helper()
	got, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get(%q): %v", id, err)
	}
	if !bytes.Equal(got, secret) {
		t.Fatalf("Get(%q) = %d bytes that differ from the %d stored", id, len(got), len(secret))
	}
}

func wantList(t *testing.T, s vault.Store, ids ...string) {
	t.Helper()
	got, err := s.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("List = %q, want %q", got, ids)
	}
}

func testRoundTrip(t *testing.T, s vault.Store) {
	if s.Name() == "" {
		t.Error("the store has no name")
	}
	put(t, s, "pool", []byte("first"))
	want(t, s, "pool", []byte("first"))
	put(t, s, "pool", []byte("second, longer than the first"))
	want(t, s, "pool", []byte("second, longer than the first"))
	wantList(t, s, "pool")
	if err := s.Delete(t.Context(), "pool"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if _, err := s.Get(t.Context(), "pool"); !errors.Is(err, vault.ErrNotFound) {
		t.Fatalf("Get after Delete: %v, want ErrNotFound", err)
	}
	wantList(t, s)
	put(t, s, "pool", []byte("third"))
	want(t, s, "pool", []byte("third"))
}

func testBytes(t *testing.T, s vault.Store) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, secret := range [][]byte{
		all,
		{0},
		[]byte("line one\nline two\n"),
		[]byte("  spaces kept  "),
		[]byte(`quotes ' " and \ $HOME`),
		[]byte("goldpan1:looks encoded"),
		[]byte("\xff\xfe not UTF-8"),
		[]byte("-w"),
	} {
		id := fmt.Sprintf("bytes-%d", i)
		put(t, s, id, secret)
		want(t, s, id, secret)
	}
}

func testMissing(t *testing.T, s vault.Store) {
	wantList(t, s)
	if _, err := s.Get(t.Context(), "nothing"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Get of nothing: %v, want ErrNotFound", err)
	}
	if err := s.Delete(t.Context(), "nothing"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("Delete of nothing: %v, want ErrNotFound", err)
	}
	put(t, s, "a.b", []byte("x"))
	for _, near := range []string{"a", "a.", "a.bc", "a-b", "a_b"} {
		if _, err := s.Get(t.Context(), near); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("Get(%q) beside \"a.b\": %v, want ErrNotFound", near, err)
		}
	}
}

func testCopies(t *testing.T, s vault.Store) {
	secret := []byte("mine")
	put(t, s, "copy", secret)
	vault.Wipe(secret)
	want(t, s, "copy", []byte("mine"))
	got, err := s.Get(t.Context(), "copy")
	if err != nil {
		t.Fatal(err)
	}
	vault.Wipe(got)
	want(t, s, "copy", []byte("mine"))
}

func testList(t *testing.T, s vault.Store) {
	var ids []string
	for i := range 60 { // more than fit one part of a keyring's index
		id := fmt.Sprintf("%02d-%s", i, strings.Repeat("x", vault.MaxID-3))
		ids = append(ids, id)
	}
	for _, i := range []int{59, 0, 31} {
		put(t, s, ids[i], []byte("x"))
	}
	wantList(t, s, ids[0], ids[31], ids[59])
	for _, id := range ids {
		put(t, s, id, []byte(id))
	}
	wantList(t, s, ids...)
	for _, id := range ids[10:50] {
		if err := s.Delete(t.Context(), id); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	left := append(slices.Clone(ids[:10]), ids[50:]...)
	wantList(t, s, left...)
	for _, id := range left {
		want(t, s, id, []byte(id))
	}
}

func testBadIDs(t *testing.T, s vault.Store) {
	for _, id := range []string{
		"", "#index", "-a", ".a", "_a", "A", "a b", "a:b", "a/b", "../a", "a\x00", "ä", "a\n",
		strings.Repeat("a", vault.MaxID+1),
	} {
		if _, err := s.Get(t.Context(), id); !errors.Is(err, vault.ErrBadID) {
			t.Errorf("Get(%q): %v, want ErrBadID", id, err)
		}
		if err := s.Put(t.Context(), id, []byte("x")); !errors.Is(err, vault.ErrBadID) {
			t.Errorf("Put(%q): %v, want ErrBadID", id, err)
		}
		if err := s.Delete(t.Context(), id); !errors.Is(err, vault.ErrBadID) {
			t.Errorf("Delete(%q): %v, want ErrBadID", id, err)
		}
	}
	wantList(t, s)
}

func testSizes(t *testing.T, s vault.Store) {
	largest := bytes.Repeat([]byte{0xA5}, vault.MaxSecret)
	put(t, s, "largest", largest)
	want(t, s, "largest", largest)
	mark := []byte("do-not-print-me")
	over := append(bytes.Repeat(mark, vault.MaxSecret/len(mark)), make([]byte, len(mark))...)
	for _, id := range []string{"largest", "new"} {
		err := s.Put(t.Context(), id, over)
		if !errors.Is(err, vault.ErrTooLarge) {
			t.Fatalf("Put of %d bytes: %v, want ErrTooLarge", len(over), err)
		}
		if strings.Contains(err.Error()+vault.Hint(err), string(mark)) {
			t.Error("the error shows the secret")
		}
	}
	if err := s.Put(t.Context(), "new", nil); err == nil {
		t.Error("Put took an empty secret")
	}
	want(t, s, "largest", largest)
	wantList(t, s, "largest")
}

func testCancelled(t *testing.T, s vault.Store) {
	put(t, s, "kept", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ctx, "kept"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want context.Canceled", err)
	}
	if err := s.Put(ctx, "kept", []byte("y")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want context.Canceled", err)
	}
	if err := s.Delete(ctx, "kept"); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v, want context.Canceled", err)
	}
	if _, err := s.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
	want(t, s, "kept", []byte("x"))
}

func testParallel(t *testing.T, s vault.Store) {
	const workers = 8
	var wg sync.WaitGroup
	var ids []string
	for w := range workers {
		ids = append(ids, fmt.Sprintf("kept-%d", w))
		wg.Go(func() {
			kept, gone := fmt.Sprintf("kept-%d", w), fmt.Sprintf("gone-%d", w)
			for _, err := range []error{
				s.Put(t.Context(), kept, []byte(kept)),
				s.Put(t.Context(), gone, []byte(gone)),
				s.Put(t.Context(), "shared", []byte("same")),
				s.Delete(t.Context(), gone),
			} {
				if err != nil {
					t.Errorf("worker %d: %v", w, err)
				}
			}
			if got, err := s.Get(t.Context(), kept); err != nil || string(got) != kept {
				t.Errorf("worker %d: Get: %v", w, err)
			}
			if _, err := s.List(t.Context()); err != nil {
				t.Errorf("worker %d: List: %v", w, err)
			}
		})
	}
	wg.Wait()
	wantList(t, s, append(ids, "shared")...)
}
