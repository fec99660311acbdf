//go:build unix

package sealed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/vault"
)

func TestFromCredentials(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if FromCredentials() != nil {
		t.Error("a source without a folder")
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if FromCredentials() != nil {
		t.Error("a source without a file")
	}
	path := filepath.Join(dir, ServiceFile)
	if err := os.WriteFile(path, []byte("correct horse\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), "keys"), Passphrase: FromCredentials(), WorkFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.Lock()
	if got, err := s.Get(t.Context(), "a"); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	source := FromCredentials()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := source(t.Context(), false); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), dir) {
		// The error wraps the system's reason, without the folder.
		t.Errorf("%v", err)
	}
}

func TestFromDescriptor(t *testing.T) {
	for text, want := range map[string]string{"correct horse\n": "correct horse", "one\r\n": "one", " spaces ": " spaces ", strings.Repeat("x", maxPassphrase+1): "-"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = w.WriteString(text)
			w.Close()
		}()
		// Its own number, as a parent program hands one down.
		source := FromDescriptor(dup(t, r))
		for range 2 {
			got, err := source(t.Context(), false)
			if (err != nil) != (want == "-") || err == nil && string(got.Expose()) != want {
				t.Errorf("%.20q: %v", text, err)
			}
			if want == "-" {
				break
			}
			got.Wipe() // what the store does; it is there again all the same
		}
	}
}

func TestIdle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s, err := Open(Options{Path: path, WorkFactor: 4, Idle: time.Minute, Passphrase: ask(&asked)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), "a", []byte("x")); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(50 * time.Second)
			if _, err := s.Get(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times while in use", asked)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if _, err := s.Get(t.Context(), "a"); err != nil || asked != 2 {
			t.Errorf("after a minute without use it was asked %d times, %v", asked, err)
		}
		s.Lock()
	})
}

// ask gives the same passphrase each time, and counts.
func ask(asked *int) func(context.Context, bool) (vault.Secret, error) {
	return func(context.Context, bool) (vault.Secret, error) {
		*asked++
		return vault.NewSecret([]byte("correct horse")), nil
	}
}

// dup gives a number of its own to a file, which it closes.
func dup(t *testing.T, f *os.File) uintptr {
	t.Helper()
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return uintptr(fd)
}
