//go:build !js

package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func whole(want string) func([]byte) error {
	return func(b []byte) error {
		if !strings.HasPrefix(string(b), want) {
			return errors.New("damaged")
		}
		return nil
	}
}

func TestWriteFileKeepsThePrevious(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for i, text := range []string{"good one", "good two", "good three"} {
		if err := WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, restored, err := ReadFile(path, 100, whole("good"))
		if err != nil || restored || string(got) != text {
			t.Fatalf("%d: %q %v %v", i, got, restored, err)
		}
	}
	for _, p := range []string{path, path + Previous} {
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(p), st.Mode())
		}
	}
	if got, _ := os.ReadFile(path + Previous); string(got) != "good two" {
		t.Errorf("previous holds %q", got)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 {
		t.Errorf("temporary files stay: %v", left)
	}
}

func TestReadFileRestores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, _, err := ReadFile(path, 100, whole("")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("nothing there: %v", err)
	}
	for _, text := range []string{"good one", "good two"} {
		if err := WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range []func() error{
		func() error { return os.WriteFile(path, []byte("go"), 0o600) },
		func() error { return os.WriteFile(path, nil, 0o600) },
		func() error { return os.WriteFile(path, bytes.Repeat([]byte("good"), 99), 0o600) },
		func() error { return os.Remove(path) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		got, restored, err := ReadFile(path, 100, whole("good"))
		if err != nil || !restored || string(got) != "good one" {
			t.Fatalf("%q %v %v", got, restored, err)
		}
	}
	if err := os.WriteFile(path+Previous, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadFile(path, 100, whole("good")); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a damaged copy passes for none: %v", err)
	}
}

func TestWriteFileErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no", "f")
	if err := WriteFile(missing, []byte("x"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	// A folder in the file's place fails for root too, unlike a mode.
	taken := filepath.Join(t.TempDir(), "f")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder was overwritten")
	}
	if err := same(strings.NewReader("gold"), []byte("golden")); err == nil {
		t.Error("a short file passes")
	}
	if err := same(strings.NewReader("golden"), []byte("gold")); err == nil {
		t.Error("a long file passes")
	}
}

func TestMend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, text := range []string{"good one", "good two"} {
		if err := WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name, text string) {
		t.Helper()
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%s holds %q, want %q, %v", filepath.Base(name), got, text, err)
		}
	}
	for _, damage := range []func() error{
		func() error { return os.WriteFile(path, []byte("bad"), 0o600) },
		func() error { return os.Remove(path) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		data, restored, err := ReadFile(path, 100, whole("good"))
		if err != nil || !restored {
			t.Fatal(restored, err)
		}
		if err := Mend(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		want(path, "good one")
		want(path+Previous, "good one")
		want(path+Damaged, "bad") // of the first round
	}
	if err := Mend(filepath.Join(t.TempDir(), "no", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}
