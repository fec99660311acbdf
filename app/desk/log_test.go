package desk

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"goldpan/app/desk/config"
)

func openLog(t *testing.T, c config.Log) (*Log, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := OpenLog(dir, c, func(err error) { t.Errorf("the log fails: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, dir
}

func readLog(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	names, err := filepath.Glob(filepath.Join(dir, LogName+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// TestLogHoldsNoSecret plants secrets wherever a record has room for one.
func TestLogHoldsNoSecret(t *testing.T) {
	l, dir := openLog(t, config.Log{Level: "debug", Size: 1, Keep: 1})
	const secret = `s3cr"et pass\word`
	l.Hide(secret)
	l.Hide("x") // would take the sense out of every sentence
	var also strings.Builder
	l.Also(&also)
	l.Info("before " + secret + " after")
	l.With("with", secret).WithGroup("group").Warn("named", "error", fmt.Errorf("pool refused %s", secret), slog.Group("inner", "deep", secret))
	l.Debug("by name", "password", "another", "PoolToken", "another", "any", struct{ Password string }{secret})
	text := readLog(t, dir)
	for _, planted := range []string{secret, `s3cr\"et`, "s3cr", "another"} {
		if strings.Contains(text, planted) {
			t.Errorf("%q is in the log:\n%s", planted, text)
		}
	}
	if also.String() != text {
		t.Errorf("the second place got\n%s", also.String())
	}
	if strings.Count(text, "\n") != 3 || !strings.Contains(text, "exp") && !strings.Contains(text, "before") {
		t.Errorf("the log is\n%s", text)
	}
}

// TestLogIsPlain: what a pool says cannot break out of its line, or fill the disk.
func TestLogIsPlain(t *testing.T) {
	l, dir := openLog(t, config.Log{Level: "info", Size: 1, Keep: 1})
	l.Info("pool", "said", "\x1b[31mred\nlevel=ERROR\u202e"+strings.Repeat("x", 1<<20))
	text := readLog(t, dir)
	if strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\x1b\u202e") || len(text) > 2000 {
		t.Errorf("%d bytes: %.500q", len(text), text)
	}
}

func TestLogLevelAndMode(t *testing.T) {
	l, dir := openLog(t, config.Log{Level: "warn", Size: 1, Keep: 1})
	l.Info("quiet")
	l.Set(config.Log{Level: "info", Size: 1, Keep: 1})
	l.Info("loud")
	if text := readLog(t, dir); strings.Contains(text, "quiet") || !strings.Contains(text, "loud") {
		t.Errorf("%s", text)
	}
	info, err := os.Stat(filepath.Join(dir, LogName))
	if err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestLogRotates: full files are set aside, the oldest is dropped, and no line is torn.
func TestLogRotates(t *testing.T) {
	l, dir := openLog(t, config.Log{Level: "info", Keep: 2})
	l.file.limits(2000, 2)
	other, err := OpenLog(dir, config.Log{Level: "info", Keep: 2}, nil) // another copy of Goldpan
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.file.limits(2000, 2)
	var writers sync.WaitGroup
	for _, w := range []*Log{l, l, other} {
		writers.Go(func() {
			for i := range 100 {
				w.Info("a record of some length", "number", i)
			}
		})
	}
	writers.Wait()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil || len(b) > 4000 {
			t.Errorf("%s has %d bytes, %v", n, len(b), err)
		}
		for line := range strings.Lines(string(b)) {
			if !strings.HasPrefix(line, "time=") || !strings.HasSuffix(line, "\n") {
				t.Errorf("torn: %q", line)
			}
		}
	}
}

// TestLogFailsOnce: a disk that takes nothing is told once, and stops nothing.
func TestLogFailsOnce(t *testing.T) {
	dir, told := t.TempDir(), 0
	if runtime.GOOS == "linux" {
		if err := os.Symlink("/dev/full", filepath.Join(dir, LogName)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := OpenLog(dir, config.Log{Level: "info", Size: 1, Keep: 1}, func(error) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" { // a closed file refuses as a full disk does
		if err := l.file.f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		l.Info("lost")
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if err := l.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	l.Info("after the end")
	if l.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug is enabled at level info")
	}
}
