//go:build !js

package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/seal"
)

// flaky is a store that fails where a test says so.
type flaky struct {
	*Memory
	mu   sync.Mutex
	fail func(op, id string) error
}

func (f *flaky) check(op, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		return nil
	}
	return f.fail(op, id)
}

func (f *flaky) Put(ctx context.Context, id string, secret []byte) error {
	if err := f.check("put", id); err != nil {
		return err
	}
	return f.Memory.Put(ctx, id, secret)
}

func (f *flaky) Get(ctx context.Context, id string) ([]byte, error) {
	if err := f.check("get", id); err != nil {
		return nil, err
	}
	return f.Memory.Get(ctx, id)
}

func (f *flaky) Delete(ctx context.Context, id string) error {
	if err := f.check("delete", id); err != nil {
		return err
	}
	return f.Memory.Delete(ctx, id)
}

// clock is a time that a test moves.
type clock struct{ t time.Time }

func newVault(t *testing.T) (*Vault, *flaky, *clock) {
	t.Helper()
	store := &flaky{Memory: NewMemory()}
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 500, time.FixedZone("", 3600))}
	return openIn(t, t.TempDir(), store, c), store, c
}

func openIn(t *testing.T, dir string, store Store, c *clock) *Vault {
	t.Helper()
	v, err := Open(dir, store)
	if err != nil {
		t.Fatal(err)
	}
	v.now = func() time.Time { return c.t }
	return v
}

func add(t *testing.T, v *Vault, name string, kind Kind, secret string) Entry {
	t.Helper()
	e, err := v.Add(t.Context(), Entry{Name: name, Kind: kind, Environment: Live}, NewSecret([]byte(secret)))
	if err != nil {
		t.Fatalf("Add(%q): %v", name, err)
	}
	return e
}

func ids(t *testing.T, v *Vault) []string {
	t.Helper()
	entries, err := v.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.ID)
	}
	return got
}

func TestLife(t *testing.T) {
	v, store, c := newVault(t)
	if got := ids(t, v); len(got) != 0 {
		t.Fatalf("a new vault holds %q", got)
	}
	if _, err := os.Stat(v.path); !errors.Is(err, os.ErrNotExist) {
		t.Error("reading made a file")
	}
	e := add(t, v, "River pool (main)", KindPool, "hunter2")
	want := Entry{ID: "river-pool-main", Name: "River pool (main)", Kind: KindPool, Environment: Live, State: Active,
		Created: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), Fingerprint: e.Fingerprint}
	if e != want || len(e.Fingerprint) != 16 {
		t.Errorf("Add = %+v, want %+v", e, want)
	}

	c.t = c.t.Add(time.Hour)
	again := openIn(t, filepath.Dir(v.path), store, c)
	password, err := again.PoolPassword(t.Context(), e.ID)
	if err != nil || string(password) != "hunter2" {
		t.Fatalf("PoolPassword: %v", err)
	}
	shown, err := again.Show(t.Context(), e.ID)
	want.LastUsed = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if err != nil || shown != want {
		t.Errorf("Show = %+v, %v, want %+v", shown, err, want)
	}

	c.t = c.t.Add(time.Hour)
	if err := v.Revoke(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	want.State, want.RevokedAt = Revoked, time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
	if shown, err := v.Show(t.Context(), e.ID); err != nil || shown != want {
		t.Errorf("Show = %+v, %v, want %+v", shown, err, want)
	}
	if _, err := v.PoolPassword(t.Context(), e.ID); !errors.Is(err, ErrRevoked) {
		t.Errorf("use of a revoked key: %v, want ErrRevoked", err)
	}
	if left, _ := store.List(t.Context()); len(left) != 2 || !strings.HasPrefix(left[0], auditPrefix) || !strings.HasPrefix(left[1], rootPrefix) {
		t.Errorf("the store still holds %q", left)
	}
	if err := v.Revoke(t.Context(), e.ID); err != nil {
		t.Errorf("revoking again: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	v, _, _ := newVault(t)
	add(t, v, "pool", KindPool, "x")
	add(t, v, "binance", KindExchange, "exchange key")
	for what, err := range map[string]error{
		"unknown id":          second(v.PoolPassword(t.Context(), "nothing")),
		"unknown id to show":  second(v.Show(t.Context(), "nothing")),
		"unknown id to revok": v.Revoke(t.Context(), "nothing"),
	} {
		if !errors.Is(err, ErrNotFound) || Hint(err) == "" {
			t.Errorf("%s: %v, want ErrNotFound with a hint", what, err)
		}
	}
	// An exchange's key never leaves as a password, nor a pool's for a node.
	for _, err := range []error{second(v.PoolPassword(t.Context(), "binance")), second(v.NodePassword(t.Context(), "binance")),
		second(v.NodePassword(t.Context(), "pool"))} {
		if !errors.Is(err, ErrWrongKind) {
			t.Errorf("%v, want ErrWrongKind", err)
		}
	}
	good := Entry{Name: "n", Kind: KindPool, Environment: Live}
	for what, c := range map[string]struct {
		change func(*Entry)
		is     error
	}{
		"id taken":      {func(e *Entry) { e.ID = "pool" }, ErrExists},
		"bad id":        {func(e *Entry) { e.ID = "a:b" }, ErrBadID},
		"long id":       {func(e *Entry) { e.ID = strings.Repeat("a", 41) }, ErrBadID},
		"no name":       {func(e *Entry) { e.Name = "" }, nil},
		"long name":     {func(e *Entry) { e.Name = strings.Repeat("ä", 65) }, nil},
		"spaces":        {func(e *Entry) { e.Name = " a" }, nil},
		"newline":       {func(e *Entry) { e.Name = "a\nb" }, nil},
		"right-to-left": {func(e *Entry) { e.Name = "a\u202eb" }, nil},
		"not UTF-8":     {func(e *Entry) { e.Name = "a\xffb" }, nil},
		"kind":          {func(e *Entry) { e.Kind = "words" }, nil},
		"environment":   {func(e *Entry) { e.Environment = "" }, nil},
	} {
		e := good
		c.change(&e)
		if _, err := v.Add(t.Context(), e, NewSecret([]byte("s"))); err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := v.Add(t.Context(), good, Secret{}); err == nil {
		t.Error("an empty secret was added")
	}
	if _, err := v.Add(t.Context(), good, NewSecret(make([]byte, MaxSecret+1))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	if got := ids(t, v); !slices.Equal(got, []string{"pool", "binance"}) {
		t.Errorf("entries %q", got)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no"), NewMemory()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is missing: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestIDs(t *testing.T) {
	v, _, _ := newVault(t)
	for _, c := range [][2]string{
		{"Pool", "pool"}, {"pool!", "pool-2"}, {"POOL", "pool-3"}, {"Größe", "gr-e"}, {"川", "pool-4"}, {"…", "pool-5"},
		{"--a--b--", "a-b"}, {strings.Repeat("x y", 21), strings.Repeat("x-y", 12)}, {strings.Repeat("x y", 20), strings.Repeat("x-y", 12) + "-2"},
	} {
		if e := add(t, v, c[0], KindPool, "x"); e.ID != c[1] {
			t.Errorf("%q became %q, want %q", c[0], e.ID, c[1])
		}
	}
}

func TestFingerprints(t *testing.T) {
	v, _, _ := newVault(t)
	a, b, c := add(t, v, "a", KindPool, "x"), add(t, v, "b", KindPool, "x"), add(t, v, "c", KindPool, "y")
	if a.Fingerprint != b.Fingerprint || a.Fingerprint == c.Fingerprint {
		t.Error("fingerprints do not tell secrets apart")
	}
	other, _, _ := newVault(t)
	if add(t, other, "a", KindPool, "x").Fingerprint == a.Fingerprint {
		t.Error("a fingerprint can be guessed: two vaults agree on one")
	}
}

// TestTokenIsForPrograms: a token is no pool's password, and the reverse.
func TestTokenIsForPrograms(t *testing.T) {
	v, _, _ := newVault(t)
	add(t, v, "token", KindToken, "hunter2hunter2")
	add(t, v, "pool", KindPool, "hunter3hunter3")
	if got, err := v.Token(t.Context(), "token"); err != nil || string(got) != "hunter2hunter2" {
		t.Errorf("%v", err)
	}
	if _, err := v.Token(t.Context(), "pool"); !errors.Is(err, ErrWrongKind) {
		t.Errorf("a pool's password was given out as a token: %v", err)
	}
	if _, err := v.PoolPassword(t.Context(), "token"); !errors.Is(err, ErrWrongKind) {
		t.Errorf("a token was given out for a pool: %v", err)
	}
}

func TestNoSecretInTheFile(t *testing.T) {
	v, _, _ := newVault(t)
	add(t, v, "pool", KindPool, "hunter2hunter2")
	add(t, v, "node", KindNode, "hunter3hunter3")
	files, err := filepath.Glob(filepath.Join(filepath.Dir(v.path), "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if data, err := os.ReadFile(file); err != nil || bytes.Contains(data, []byte("hunter")) {
			t.Errorf("%s shows a secret, or %v", filepath.Base(file), err)
		}
	}
}

func TestStoreFailures(t *testing.T) {
	v, store, c := newVault(t)
	broken := errors.New("broken")
	new := Entry{Name: "new", Kind: KindPool, Environment: Live}
	// The store fails at each of its calls in turn; nothing half-made stays.
	for n := range 3 {
		calls := 0
		store.fail = func(op, _ string) error {
			if calls++; calls == n+1 {
				return broken
			}
			return nil
		}
		_, err := v.Add(t.Context(), new, NewSecret([]byte("x")))
		store.fail = nil
		made := ids(t, v)
		if err != nil && (!errors.Is(err, broken) || len(made) != 0) || err == nil && len(made) != 1 {
			t.Fatalf("failure of call %d: %v, entries %q", n+1, err, made)
		}
		if err == nil {
			if _, err := v.PoolPassword(t.Context(), "new"); err != nil {
				t.Fatalf("failure of call %d: Add succeeded, but: %v", n+1, err)
			}
		}
	}
	e := add(t, v, "old", KindPool, "x")
	store.fail = func(op, _ string) error {
		if op == "delete" {
			return broken
		}
		return nil
	}
	if err := v.Revoke(t.Context(), e.ID); !errors.Is(err, broken) {
		t.Fatalf("Revoke: %v", err)
	}
	if _, err := v.PoolPassword(t.Context(), e.ID); !errors.Is(err, ErrRevoked) {
		t.Errorf("a key whose revoking was cut off: %v, want ErrRevoked", err)
	}
	store.fail = nil
	if err := v.Revoke(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(v.path)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := vaultOf(data)
	if _, err := store.Get(t.Context(), secretID(id, 0, e.ID)); !errors.Is(err, ErrNotFound) {
		t.Errorf("the secret is still there: %v", err)
	}

	// The file cannot be written: a use that cannot be noted does not happen.
	add(t, v, "pool", KindPool, "x")
	c.t = c.t.Add(time.Hour)
	if err := os.Remove(v.path + seal.Previous); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(v.path+seal.Previous, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := v.PoolPassword(t.Context(), "pool"); err == nil || got != nil {
		t.Error("a use was not noted and happened")
	}
	before, _ := store.List(t.Context())
	if _, err := v.Add(t.Context(), Entry{Name: "more", Kind: KindPool, Environment: Live}, NewSecret([]byte("x"))); err == nil {
		t.Error("Add without a file")
	}
	if after, _ := store.List(t.Context()); !slices.Equal(before, after) {
		t.Errorf("a secret without an entry stays: %q, before %q", after, before)
	}
}

func TestLastUsedIsNotWrittenAllTheTime(t *testing.T) {
	v, store, c := newVault(t)
	add(t, v, "pool", KindPool, "x")
	puts := 0
	store.fail = func(op, id string) error {
		if op == "put" && strings.HasPrefix(id, rootPrefix) {
			puts++
		}
		return nil
	}
	for range 10 {
		if _, err := v.PoolPassword(t.Context(), "pool"); err != nil {
			t.Fatal(err)
		}
		c.t = c.t.Add(time.Second)
	}
	if puts != 1 {
		t.Errorf("%d writes for 10 uses in 10 seconds, want 1", puts)
	}
}

func TestParallel(t *testing.T) {
	v, _, _ := newVault(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			e, err := v.Add(t.Context(), Entry{Name: "pool", Kind: KindPool, Environment: Test}, NewSecret([]byte("x")))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := v.PoolPassword(t.Context(), e.ID); err != nil {
				t.Error(err)
			}
			if _, err := v.List(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := ids(t, v)
	slices.Sort(got)
	if want := []string{"pool", "pool-2", "pool-3", "pool-4", "pool-5", "pool-6", "pool-7", "pool-8"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
