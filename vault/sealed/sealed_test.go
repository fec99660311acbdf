//go:build !js

package sealed

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/vault/vaulttest"
)

const easy = 4 // a work factor that costs no time

// answer gives a passphrase whenever it is asked, and counts.
func answer(passphrase string, asked *int) func(context.Context, bool) (vault.Secret, error) {
	return func(context.Context, bool) (vault.Secret, error) {
		if asked != nil {
			*asked++
		}
		return vault.NewSecret([]byte(passphrase)), nil
	}
}

func open(t *testing.T, path, passphrase string) *Store {
	t.Helper()
	s, err := Open(Options{Path: path, Passphrase: answer(passphrase, nil), WorkFactor: easy})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPut(t *testing.T, s *Store, id, secret string) {
	t.Helper()
	if err := s.Put(t.Context(), id, []byte(secret)); err != nil {
		t.Fatal(err)
	}
}

func wantGet(t *testing.T, s *Store, id, secret string) {
	t.Helper()
	if got, err := s.Get(t.Context(), id); err != nil || string(got) != secret {
		t.Fatalf("Get(%q): %v", id, err)
	}
}

func TestSealed(t *testing.T) {
	vaulttest.TestStore(t, func(t *testing.T) vault.Store {
		return open(t, filepath.Join(t.TempDir(), "keys.sealed"), "open sesame")
	})
}

func TestKeyIsNotPrinted(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "keys.sealed"), "open sesame")
	mustPut(t, s, "a", "secret")
	if s.key == (seal.Key{}) {
		t.Fatal("no key to hide")
	}
	key := strings.Trim(fmt.Sprint(s.key[:]), "[]")
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x"} {
		if out := fmt.Sprintf(verb, s); strings.Contains(out, key) || strings.Contains(out, hex.EncodeToString(s.key[:])) {
			t.Errorf("%s shows the key", verb)
		}
	}
}

func TestPersists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.sealed")
	asked := 0
	s, err := Open(Options{Path: path, Passphrase: answer("open sesame", &asked), WorkFactor: easy})
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := s.List(t.Context()); err != nil || len(ids) != 0 || asked != 0 {
		t.Fatalf("an empty store: %q, %v, asked %d times", ids, err, asked)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("reading made a file")
	}
	mustPut(t, s, "pool", "gold")
	mustPut(t, s, "node", "silver")
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
	again := open(t, path, "open sesame")
	wantGet(t, again, "pool", "gold")
	wantGet(t, again, "node", "silver")
	s.Lock()
	wantGet(t, s, "pool", "gold")
	if asked != 2 {
		t.Errorf("asked %d times after Lock, want again", asked)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestCreateIsTold(t *testing.T) {
	var told []bool
	o := Options{Path: filepath.Join(t.TempDir(), "k"), WorkFactor: easy}
	o.Passphrase = func(_ context.Context, create bool) (vault.Secret, error) {
		told = append(told, create)
		return vault.NewSecret([]byte("p")), nil
	}
	for range 2 {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "a", "x")
	}
	if fmt.Sprint(told) != "[true false]" {
		t.Errorf("told %v", told)
	}
}

func TestWrongPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	mustPut(t, open(t, path, "right"), "a", "x")
	for _, wrong := range []string{"wrong", "", "right ", "Right"} {
		s := open(t, path, wrong)
		_, getErr := s.Get(t.Context(), "a")
		for _, err := range []error{getErr, s.Put(t.Context(), "a", []byte("y")), s.Delete(t.Context(), "a")} {
			if !errors.Is(err, vault.ErrPassphrase) || vault.Hint(err) == "" {
				t.Errorf("%q: %v, want ErrPassphrase with a hint", wrong, err)
			}
			if wrong != "" && strings.Contains(err.Error(), "\""+wrong) {
				t.Errorf("the error repeats the passphrase: %v", err)
			}
		}
	}
	wantGet(t, open(t, path, "right"), "a", "x")
	if err := open(t, filepath.Join(t.TempDir(), "new"), "").Put(t.Context(), "a", []byte("x")); !errors.Is(err, vault.ErrPassphrase) {
		t.Errorf("an empty passphrase seals: %v", err)
	}
}

func TestNobodyToAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	mustPut(t, open(t, path, "p"), "a", "x")
	s, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, vault.ErrLocked) || vault.Hint(err) == "" {
		t.Errorf("%v, want ErrLocked with a hint", err)
	}
	refused := errors.New("no terminal")
	s, err = Open(Options{Path: path, Passphrase: func(context.Context, bool) (vault.Secret, error) { return vault.Secret{}, refused }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, refused) {
		t.Errorf("%v, want the callback's error", err)
	}
}

func TestPassphraseIsWiped(t *testing.T) {
	given := []byte("a passphrase")
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "k"), WorkFactor: easy,
		Passphrase: func(context.Context, bool) (vault.Secret, error) { return vault.NewSecret(given), nil }})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a", "x")
	if !bytes.Equal(given, make([]byte, len(given))) {
		t.Error("the passphrase stays in memory")
	}
}

func TestChangePassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	s := open(t, path, "old")
	mustPut(t, s, "a", "x")
	if err := s.ChangePassphrase(t.Context(), vault.NewSecret([]byte("new"))); err != nil {
		t.Fatal(err)
	}
	wantGet(t, s, "a", "x")
	wantGet(t, open(t, path, "new"), "a", "x")
	for _, p := range []string{path, path + seal.Previous} {
		if _, err := open(t, p, "old").Get(t.Context(), "a"); !errors.Is(err, vault.ErrPassphrase) {
			t.Errorf("%s: the old passphrase: %v", filepath.Base(p), err)
		}
	}
	if err := s.ChangePassphrase(t.Context(), vault.NewSecret(nil)); !errors.Is(err, vault.ErrPassphrase) {
		t.Errorf("an empty passphrase: %v", err)
	}
}

func TestNothingInClear(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "k"), "open sesame")
	mustPut(t, s, "pool-account", "a very secret secret")
	mustPut(t, s, "other", "x")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"very secret", "pool-account", "sesame"} {
			if bytes.Contains(data, []byte(clear)) {
				t.Errorf("%s shows %q", e.Name(), clear)
			}
		}
	}
}

func TestDeletedIsGoneFromTheCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	s := open(t, path, "p")
	mustPut(t, s, "a", "old")
	mustPut(t, s, "b", "x")
	mustPut(t, s, "a", "new")
	wantGet(t, open(t, path+seal.Previous, "p"), "a", "new")
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path+seal.Previous, "p").Get(t.Context(), "a"); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the kept copy: %v, want ErrNotFound", err)
	}
}

func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	mustPut(t, open(t, path, "p"), "a", "x")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path, "p")
		_, err := s.Get(t.Context(), "a")
		// A changed scrypt salt or body cannot be told from a wrong passphrase.
		if !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrPassphrase) || vault.Hint(err) == "" {
			t.Fatalf("%s: %v, want ErrDamaged", what, err)
		}
		if err := s.Put(t.Context(), "b", []byte("y")); err == nil {
			t.Fatalf("%s: a damaged file was overwritten", what)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x20
		check(fmt.Sprintf("byte %d altered", i), bad)
	}
	for _, n := range []int{0, 1, len(magic), len(magic) + 2, len(good) / 2, len(good) - 1} {
		check(fmt.Sprintf("cut to %d", n), good[:n])
	}
	check("longer", append(bytes.Clone(good), 0))
	check("too large", make([]byte, maxFile+1))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, "p")
	wantGet(t, s, "a", "x")
	mustPut(t, s, "b", "y")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context()); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("the file is gone and its copy there: %v, want ErrDamaged", err)
	}
}

func TestFailedWriteKeepsTheOld(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "k"), "p")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is missing: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a", "x")
	wantGet(t, open(t, filepath.Join(dir, "k"), "p"), "a", "x")
}

func TestFull(t *testing.T) {
	secrets := make(map[string][]byte)
	for i := range maxSecrets {
		secrets[fmt.Sprintf("%04d%s", i, strings.Repeat("x", vault.MaxID-4))] = bytes.Repeat([]byte{1}, vault.MaxSecret)
	}
	s := open(t, filepath.Join(t.TempDir(), "k"), "p")
	if err := s.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.save(secrets, false); err != nil {
		t.Fatal(err)
	}
	if ids, err := s.List(t.Context()); err != nil || len(ids) != maxSecrets {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	if err := s.Put(t.Context(), "more", []byte("x")); !errors.Is(err, vault.ErrTooLarge) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
}

// TestBodyIsStrict: what Goldpan never writes is not read, even sealed.
func TestBodyIsStrict(t *testing.T) {
	entry := func(id, secret string) string {
		return string([]byte{byte(len(id))}) + id + string([]byte{byte(len(secret) >> 8), byte(len(secret))}) + secret
	}
	if got, err := parse([]byte(entry("a", "x") + entry("b", "y"))); err != nil || len(got) != 2 {
		t.Fatalf("%d secrets, %v", len(got), err)
	}
	for what, body := range map[string]string{
		"twice":     entry("a", "x") + entry("a", "y"),
		"order":     entry("b", "x") + entry("a", "y"),
		"empty":     entry("a", ""),
		"bad id":    entry("A", "x"),
		"no id":     entry("", "x"),
		"too large": entry("a", strings.Repeat("x", vault.MaxSecret+1)),
		"cut":       entry("a", "xyz")[:5],
		"longer":    entry("a", "x") + "\x01",
	} {
		if _, err := parse([]byte(body)); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(append(header([]byte("wrapped")), "body"...))
	f.Add([]byte(magic))
	f.Add([]byte(magic + "\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		wrapped, body, err := split(data)
		if err != nil {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(append(header(wrapped), body...), data) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(format(map[string][]byte{"a": []byte("x"), "b.c": []byte("yz")}))
	f.Add([]byte{})
	f.Add([]byte{1, 'a', 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		secrets, err := parse(data)
		if err != nil {
			if !errors.Is(err, vault.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(format(secrets), data) {
			t.Fatal("does not come back")
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := Open(Options{
		Path: filepath.Join(dir, "keys.sealed"),
		Passphrase: func(_ context.Context, create bool) (vault.Secret, error) {
			fmt.Println("asked for the passphrase, new:", create)
			return vault.NewSecret([]byte("a long passphrase")), nil
		},
		WorkFactor: 4, // for examples; leave it out
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	fmt.Println(store.Put(ctx, "pool", []byte("gold")))
	ids, err := store.List(ctx)
	fmt.Println(ids, err)
	// Output:
	// asked for the passphrase, new: true
	// <nil>
	// [pool] <nil>
}
