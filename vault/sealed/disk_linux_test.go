package sealed

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"goldpan/core/seal"
	"goldpan/vault"
)

// alone runs the calling test again as a process of its own, for what it does to the
// process cannot be taken back. It reports whether this is that process.
func alone(t *testing.T) bool {
	t.Helper()
	const inner = "GOLDPAN_TEST_ALONE"
	if os.Getenv(inner) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inner+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// unharmed checks that a write failed as it should, and that all is as it was.
func unharmed(t *testing.T, path string, err, is error, says string) {
	t.Helper()
	var told *vault.Error
	if !errors.Is(err, is) || !errors.As(err, &told) || !strings.Contains(told.Hint, says) || !strings.Contains(told.Detail, "nothing was changed") {
		t.Errorf("%v (%s), want %v", err, vault.Hint(err), is)
	}
	wantGet(t, open(t, path, "p"), "a", "x")
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != filepath.Base(path) && name != filepath.Base(path)+seal.Previous {
			t.Errorf("%s was left behind", name)
		}
	}
}

// A disk without room: the old file stays, whole, nothing is left half written, and
// later it goes on.
func TestFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "k")
	s := open(t, path, "p")
	mustPut(t, s, "a", "x")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// The system refuses every byte of a file beyond this length, as a full disk does.
	signal.Ignore(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()) + 10, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	unharmed(t, path, s.Put(t.Context(), "b", bytes.Repeat([]byte("y"), 500)), syscall.EFBIG, "disk is full")
	change := s.ChangePassphrase(t.Context(), vault.NewSecret([]byte("another one that is longer")))
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if change != nil { // there is room for it: a passphrase makes the file no longer
		t.Errorf("a change of the passphrase: %v", change)
	}
	s = open(t, path, "another one that is longer")
	mustPut(t, s, "b", "y")
	wantGet(t, s, "a", "x")
	wantGet(t, s, "b", "y")
}

// A folder that may be read alone: keys are used, and none can be added.
func TestReadOnlyFolder(t *testing.T) {
	if !alone(t) {
		return
	}
	dir, err := os.MkdirTemp("", "sealed")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "k")
	mustPut(t, open(t, path, "p"), "a", "x")
	if os.Geteuid() == 0 { // who may everything becomes somebody who may not
		const nobody = 65534
		for _, name := range []string{dir, path} {
			if err := os.Chown(name, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Setuid(nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = os.Chmod(dir, 0o700)
		_ = os.RemoveAll(dir)
	}()
	s := open(t, path, "p")
	wantGet(t, s, "a", "x")
	unharmed(t, path, s.Put(t.Context(), "b", []byte("y")), fs.ErrPermission, "may not write")
	unharmed(t, path, s.Delete(t.Context(), "a"), fs.ErrPermission, "may not write")
	if err := open(t, filepath.Join(dir, "new"), "p").Put(t.Context(), "a", []byte("x")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a new file: %v", err)
	}
	// A file that may not even be read is not one that is damaged.
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, fs.ErrPermission) || errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a file that may not be read: %v", err)
	}
}

// Whoever asks again after a descriptor could not be read does not read, nor close,
// the file that has its number since.
func TestDescriptorIsReadOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = w.WriteString(strings.Repeat("x", maxPassphrase+1))
		w.Close()
	}()
	fd := dup(t, r)
	source := FromDescriptor(fd)
	if _, err := source(t.Context(), false); err == nil {
		t.Fatal("a passphrase that is too long passes")
	}
	path := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(path, []byte("of somebody else"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if int(other.Fd()) != int(fd) {
		if err := unix.Dup3(int(other.Fd()), int(fd), unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(int(fd))
	}
	if got, err := source(t.Context(), false); err == nil {
		t.Errorf("it read %d bytes of another file", got.Len())
	}
	if _, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil {
		t.Errorf("it closed another file: %v", err)
	}
	// Several at once get the same.
	r2, w2, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = w2.WriteString("correct horse\n")
		w2.Close()
	}()
	source = FromDescriptor(dup(t, r2))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := source(t.Context(), false)
			if err != nil || string(got.Expose()) != "correct horse" {
				t.Errorf("%v", err)
			}
			got.Wipe()
		})
	}
	wg.Wait()
}

// Programs that write to one file one after another, as those that hold a lock do, see
// what the other wrote; a passphrase that another one changed is asked for again.
func TestOneAfterAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	one, two := open(t, path, "p"), open(t, path, "p")
	for i, s := range []*Store{one, two, one, two} {
		mustPut(t, s, string(rune('a'+i)), "x")
	}
	if ids, err := one.List(t.Context()); err != nil || len(ids) != 4 {
		t.Errorf("%q, %v", ids, err)
	}
	if err := one.ChangePassphrase(t.Context(), vault.NewSecret([]byte("new"))); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Get(t.Context(), "a"); !errors.Is(err, vault.ErrPassphrase) {
		t.Errorf("after a change by another program: %v", err)
	}
	wantGet(t, one, "a", "x")
}

// A file that asks for more work than is allowed is refused before any of it is done,
// and is not taken for one with another passphrase.
func TestHugeFactor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	mustPut(t, open(t, path, "p"), "a", "x")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, body, err := split(data)
	if err != nil {
		t.Fatal(err)
	}
	line, rest, ok := bytes.Cut(wrapped[bytes.Index(wrapped, []byte("-> scrypt")):], []byte("\n"))
	if !ok || !bytes.HasSuffix(line, []byte(" 4")) {
		t.Fatalf("the key is wrapped otherwise: %q", line)
	}
	for _, factor := range []string{"21", "22", "30", "63"} {
		before := wrapped[:bytes.Index(wrapped, line)]
		huge := slices.Concat(before, bytes.TrimSuffix(line, []byte("4")), []byte(factor+"\n"), rest)
		if err := os.WriteFile(path, append(header(huge), body...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, path, "p").Get(t.Context(), "a"); !errors.Is(err, vault.ErrDamaged) || !strings.Contains(err.Error(), "memory") {
			t.Errorf("factor %s: %v", factor, err)
		}
	}
}
