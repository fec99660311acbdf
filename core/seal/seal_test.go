package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSealOpen(t *testing.T) {
	k := GenerateKey()
	for _, plain := range [][]byte{nil, {0}, bytes.Repeat([]byte("gold"), 1000)} {
		a, b := k.Seal(plain, []byte("aad")), k.Seal(plain, []byte("aad"))
		if bytes.Equal(a, b) {
			t.Fatal("two seals are equal")
		}
		if len(a) != len(plain)+Overhead {
			t.Fatalf("length %d", len(a))
		}
		got, err := k.Open(a, []byte("aad"))
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	k := GenerateKey()
	sealed := k.Seal([]byte("nuggets"), []byte("wallet"))
	refused := func(what string, k Key, blob []byte, aad string) {
		t.Helper()
		if plain, err := k.Open(blob, []byte(aad)); !errors.Is(err, ErrOpen) || plain != nil {
			t.Errorf("%s: %q, %v", what, plain, err)
		}
	}
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			refused("a bit altered", k, bad, "wallet")
		}
	}
	for n := range sealed {
		refused("cut", k, sealed[:n], "wallet")
	}
	refused("longer", k, append(bytes.Clone(sealed), 0), "wallet")
	refused("another purpose", k, sealed, "vault")
	refused("another key", GenerateKey(), sealed, "wallet")
	refused("no key", Key{}, sealed, "wallet")
}

func TestKeyHides(t *testing.T) {
	k := Key(bytes.Repeat([]byte{0x41}, 32))
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q %x %X %d %o %b %t", k, k, k, k, k, k, k, k, k, k, k), k.String(), fmt.Sprintf("%v", struct{ K Key }{k})} {
		if strings.Contains(s, "65") || strings.Contains(s, "AA") || strings.Contains(s, "41") {
			t.Errorf("shows the key: %s", s)
		}
	}
	if b, err := json.Marshal(struct{ K Key }{k}); err == nil {
		t.Errorf("written as JSON: %s", b)
	}
}

func TestWrapKey(t *testing.T) {
	k := GenerateKey()
	wrapped, err := WrapKey(k, "correct horse", 4)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := UnwrapKey(wrapped, "correct horse"); err != nil || got != k {
		t.Fatalf("not the same key: %v", err)
	}
	for _, p := range []string{"Correct horse", "correct horse ", ""} {
		if _, err := UnwrapKey(wrapped, p); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: %v", p, err)
		}
	}
	for i := range wrapped {
		bad := bytes.Clone(wrapped)
		bad[i] ^= 4
		if got, err := UnwrapKey(bad, "correct horse"); err == nil {
			t.Errorf("byte %d altered: opened, same key %v", i, got == k)
		}
	}
}

func TestWrapKeyRefuses(t *testing.T) {
	k := GenerateKey()
	if _, err := WrapKey(k, "", 4); !errors.Is(err, ErrPassphrase) {
		t.Errorf("empty passphrase: %v", err)
	}
	for _, f := range []int{0, MaxWorkFactor + 1} {
		if _, err := WrapKey(k, "p", f); !errors.Is(err, ErrWorkFactor) {
			t.Errorf("factor %d: %v", f, err)
		}
	}
	if _, err := WrapKey(Key{}, "p", 4); err == nil {
		t.Error("no key was wrapped")
	}
}

// Age itself would begin a factor of 22; this must end before any of that work.
func TestUnwrapRefusesWork(t *testing.T) {
	wrapped, err := WrapKey(GenerateKey(), "p", 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []int{MaxWorkFactor + 1, 22, 30, 255} {
		lines := strings.SplitN(string(wrapped), "\n", 3)
		fields := strings.Split(lines[1], " ")
		fields[3] = fmt.Sprint(f)
		lines[1] = strings.Join(fields, " ")
		if _, err := UnwrapKey([]byte(strings.Join(lines, "\n")), "p"); !errors.Is(err, ErrWorkFactor) {
			t.Errorf("factor %d: %v", f, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := Key{1}
	f.Add(k.Seal([]byte("x"), nil), []byte(nil))
	f.Add([]byte{version}, []byte("a"))
	f.Fuzz(func(t *testing.T, blob, aad []byte) {
		if plain, err := k.Open(blob, aad); err != nil && !errors.Is(err, ErrOpen) || err != nil && plain != nil {
			t.Fatal(err)
		}
		again, err := k.Open(k.Seal(blob, aad), aad)
		if err != nil || !bytes.Equal(again, blob) {
			t.Fatal("does not come back")
		}
	})
}

func FuzzUnwrapKey(f *testing.F) {
	wrapped, err := WrapKey(Key{1}, "p", 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wrapped)
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := workFactor(b); err == nil && n > 8 && n <= MaxWorkFactor {
			return // would be slow
		}
		if _, err := UnwrapKey(b, "p"); err != nil &&
			!errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrWorkFactor) && !errors.Is(err, ErrWrapped) {
			t.Fatal(err)
		}
	})
}

func TestDerive(t *testing.T) {
	k := GenerateKey()
	a, b := k.Derive("a"), k.Derive("b")
	if a == b || a == k || a != k.Derive("a") || a == GenerateKey().Derive("a") {
		t.Error("keys of two purposes, or of two keys, are to differ, and one stays the same")
	}
	// RFC 5869, sections 2.2 and 2.3: without salt, one block.
	extract := hmac.New(sha256.New, make([]byte, 32))
	extract.Write(k[:])
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write(append([]byte("a"), 1))
	if want := expand.Sum(nil); !bytes.Equal(a[:], want) {
		t.Errorf("%x, want %x", a[:], want)
	}
}

func TestSealFile(t *testing.T) {
	sealed, err := SealFile([]byte("a backup"), "pass", 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenFile(sealed, "pass", 8); err != nil || string(got) != "a backup" {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := OpenFile(sealed, "pass", 7); !errors.Is(err, ErrWrapped) {
		t.Errorf("longer than the limit: %v", err)
	}
	if _, err := OpenFile(sealed, "other", 8); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if got, err := OpenFile(bad, "pass", 8); err == nil {
			t.Errorf("byte %d altered: %q", i, got)
		}
		if _, err := OpenFile(sealed[:i], "pass", 8); err == nil {
			t.Errorf("cut at %d", i)
		}
	}
	heavy := bytes.Replace(sealed, []byte(" 2\n"), fmt.Appendf(nil, " %d\n", MaxWorkFactor+1), 1)
	if _, err := OpenFile(heavy, "pass", 8); !errors.Is(err, ErrWorkFactor) {
		t.Errorf("too much work: %v", err)
	}
}
