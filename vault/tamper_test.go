//go:build !js

package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTampering(t *testing.T) {
	v, store, c := newVault(t)
	e := add(t, v, "pool", KindPool, "x")
	read := func() []byte {
		data, err := os.ReadFile(v.path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(data []byte) {
		if err := os.WriteFile(v.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, is error, detail string) {
		t.Helper()
		for _, err := range []error{v.Check(t.Context()), second(v.PoolPassword(t.Context(), e.ID)), v.Revoke(t.Context(), e.ID),
			second(v.Add(t.Context(), Entry{Name: "new", Kind: KindPool, Environment: Live}, NewSecret([]byte("x"))))} {
			if !errors.Is(err, is) || !strings.Contains(err.Error(), detail) || Hint(err) == "" {
				t.Fatalf("%s: %v, want %v that names %q", what, err, is, detail)
			}
		}
	}
	old := read()
	add(t, v, "node", KindNode, "y")
	now := read()

	for i := range now {
		bad := bytes.Clone(now)
		bad[i] ^= 1
		write(bad)
		if err := v.Check(t.Context()); !errors.Is(err, ErrTampered) && !errors.Is(err, ErrForeign) {
			t.Fatalf("byte %d altered: %v", i, err)
		}
	}
	write(bytes.Replace(now, []byte(`"kind":"node"`), []byte(`"kind":"pool"`), 1))
	check("another kind", ErrTampered, "altered")
	write(bytes.ToUpper(now))
	check("upper case", ErrTampered, "altered")
	write(now[:len(now)-1])
	check("cut", ErrTampered, "altered")
	write(append(bytes.Clone(now), '\n'))
	check("longer", ErrTampered, "altered")
	write(nil)
	check("empty", ErrTampered, "altered")
	write(old)
	check("older copy", ErrTampered, "older copy")
	if err := os.Remove(v.path); err != nil {
		t.Fatal(err)
	}
	check("removed", ErrTampered, "removed")
	write(make([]byte, maxMetadata+1))
	check("too large", ErrDamaged, "larger")
	write(now)
	if err := v.Check(t.Context()); err != nil {
		t.Fatalf("the right file again: %v", err)
	}

	// The file with another store, and another vault's file with this store.
	other := openIn(t, filepath.Dir(v.path), NewMemory(), c)
	if err := other.Check(t.Context()); !errors.Is(err, ErrForeign) || Hint(err) == "" {
		t.Errorf("another store: %v, want ErrForeign with a hint", err)
	}
	stranger, _, _ := newVault(t)
	add(t, stranger, "pool", KindPool, "x")
	foreign, err := os.ReadFile(stranger.path)
	if err != nil {
		t.Fatal(err)
	}
	write(foreign)
	check("another vault's file", ErrForeign, "does not hold the key")
	write(now)

	// The secret in the store is exchanged, or removed.
	id, _ := vaultOf(now)
	if err := store.Put(t.Context(), secretID(id, 0, e.ID), []byte("z")); err != nil {
		t.Fatal(err)
	}
	if got, err := v.PoolPassword(t.Context(), e.ID); !errors.Is(err, ErrTampered) || got != nil {
		t.Errorf("an exchanged secret: %v, want ErrTampered", err)
	}
	if err := store.Delete(t.Context(), secretID(id, 0, e.ID)); err != nil {
		t.Fatal(err)
	}
	if err := second(v.PoolPassword(t.Context(), e.ID)); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "memory no longer holds") {
		t.Errorf("a secret that is gone: %v", err)
	}
	if err := store.Put(t.Context(), rootID(id), []byte(`{"key":"eA==","generation":1,"folder":""}`)); err != nil {
		t.Fatal(err)
	}
	check("another root", ErrDamaged, "the key to vault.meta")
}

// Two folders share a store, and one of them moves.
func TestFolders(t *testing.T) {
	store, c := NewMemory(), &clock{time.Unix(1e9, 0)}
	parent := t.TempDir()
	var dirs []string
	for _, name := range []string{"a", "b"} {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	a, b := openIn(t, dirs[0], store, c), openIn(t, dirs[1], store, c)
	add(t, a, "pool", KindPool, "of a")
	if got := ids(t, b); len(got) != 0 {
		t.Errorf("b sees %q", got)
	}
	add(t, b, "pool", KindPool, "of b")
	moved := filepath.Join(parent, "c")
	if err := os.Rename(dirs[0], moved); err != nil {
		t.Fatal(err)
	}
	a = openIn(t, moved, store, c)
	for v, want := range map[*Vault]string{a: "of a", b: "of b"} {
		if got, err := v.PoolPassword(t.Context(), "pool"); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	// The use above told the store where a is now.
	if err := os.Remove(a.path); err != nil {
		t.Fatal(err)
	}
	if err := a.Check(t.Context()); !errors.Is(err, ErrTampered) {
		t.Errorf("%v, want ErrTampered", err)
	}
}

// The program ends after it made the vault's key and before its first file:
// that is no removed file.
func TestCutOffCreation(t *testing.T) {
	v, store, _ := newVault(t)
	store.fail = func(op, id string) error {
		if op == "put" && !strings.HasPrefix(id, rootPrefix) {
			return errors.New("cut off")
		}
		return nil
	}
	if _, err := v.Add(t.Context(), Entry{Name: "pool", Kind: KindPool, Environment: Live}, NewSecret([]byte("x"))); err == nil {
		t.Fatal("the store did not fail")
	}
	store.fail = nil
	if left, _ := store.List(t.Context()); len(left) != 1 {
		t.Fatalf("the store holds %q, want a root", left)
	}
	if err := v.Check(t.Context()); err != nil {
		t.Error(err)
	}
	add(t, v, "pool", KindPool, "x")
	if _, err := v.PoolPassword(t.Context(), "pool"); err != nil {
		t.Error(err)
	}
}
