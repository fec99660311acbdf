package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"goldpan/app/desk/config"
)

// LogName is the log's name in the data directory. Old ones have a number added,
// the newest 1.
const LogName = "goldpan.log"

// Log writes what happens to a file in the data directory, for its owner alone,
// and begins a new file when one is full. Whatever it is given is stripped to
// plain text and shortened, secrets that it knows of are left out, and so is what
// stands under a name such as password. A disk that fails stops nothing: it is
// told once, and records are lost. It may be used by several at once.
type Log struct {
	*slog.Logger
	level  slog.LevelVar
	file   rotating
	hidden *hidden
}

// OpenLog opens the log in dir, which is made if it is missing. failed, which may be nil, is
// told once when a record cannot be written; it must not block or log.
func OpenLog(dir string, c config.Log, failed func(error)) (*Log, error) {
	l := &Log{hidden: new(hidden)}
	l.file = rotating{path: filepath.Join(dir, LogName), failed: failed}
	l.Set(c)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = l.file.open()
	}
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	l.Logger = slog.New(&plainHandler{slog.NewTextHandler(&l.file, &slog.HandlerOptions{Level: &l.level}), l.hidden})
	return l, nil
}

// Also writes every further record to w too, one call for each. It must not be
// called while the log is used.
func (l *Log) Also(w io.Writer) {
	options := &slog.HandlerOptions{Level: &l.level}
	both := slog.NewMultiHandler(slog.NewTextHandler(&l.file, options), slog.NewTextHandler(w, options))
	l.Logger = slog.New(&plainHandler{both, l.hidden})
}

// Set changes level, size and number of files from the next record on.
func (l *Log) Set(c config.Log) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	l.level.Set(level)
	l.file.limits(int64(c.Size)<<20, c.Keep)
}

// Hide leaves a secret out of every further record. One of under four
// characters, such as the x that pools take, is no secret.
func (l *Log) Hide(secret string) { l.hidden.add(secret) }

// Close ends the log; records that come later are lost.
func (l *Log) Close() error { return l.file.close() }

// hidden are the secrets that a log must not hold.
type hidden struct {
	mu      sync.RWMutex
	secrets []string
}

const (
	minHidden   = 4
	hiddenText  = "[secret]"
	maxLogValue = 400 // characters
)

func (h *hidden) add(secret string) {
	if len(secret) < minHidden {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, secret)
}

// clean makes s fit for the log.
func (h *hidden) clean(s string) string {
	h.mu.RLock()
	for _, secret := range h.secrets {
		s = strings.ReplaceAll(s, secret, hiddenText)
	}
	h.mu.RUnlock()
	return printable(s[:min(len(s), 4*maxLogValue)])
}

// plainHandler cleans what it hands on.
type plainHandler struct {
	next   slog.Handler
	hidden *hidden
}

func (h *plainHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *plainHandler) Handle(ctx context.Context, r slog.Record) error {
	plain := slog.NewRecord(r.Time, r.Level, h.hidden.clean(r.Message), 0)
	r.Attrs(func(a slog.Attr) bool {
		plain.AddAttrs(h.plain(a))
		return true
	})
	return h.next.Handle(ctx, plain)
}

func (h *plainHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	plain := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		plain[i] = h.plain(a)
	}
	return &plainHandler{h.next.WithAttrs(plain), h.hidden}
}

func (h *plainHandler) WithGroup(name string) slog.Handler {
	return &plainHandler{h.next.WithGroup(name), h.hidden}
}

func (h *plainHandler) plain(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	for _, word := range []string{"password", "passphrase", "secret", "token", "seed", "private"} {
		if strings.Contains(strings.ToLower(a.Key), word) {
			return slog.String(a.Key, hiddenText)
		}
	}
	switch v.Kind() {
	case slog.KindBool, slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindDuration, slog.KindTime:
		return slog.Attr{Key: a.Key, Value: v}
	case slog.KindGroup:
		group := make([]slog.Attr, 0, len(v.Group()))
		for _, inner := range v.Group() {
			group = append(group, h.plain(inner))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(group...)}
	}
	return slog.String(a.Key, h.hidden.clean(v.String()))
}

// rotating is a file that is set aside when it is full.
type rotating struct {
	path   string
	failed func(error)

	mu     sync.Mutex
	f      *os.File // nil after a failure, and at the end
	size   int64
	max    int64 // bytes
	keep   int   // old files
	told   bool
	closed bool
}

func (r *rotating) limits(size int64, keep int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.max, r.keep = max(size, 1<<10), keep
}

func (r *rotating) open() error {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 { // not a device that it was linked to
		err = f.Chmod(0o600)
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	r.f, r.size = f, info.Size()
	return nil
}

// Write takes one record. It never fails: that would stop nothing but the log.
func (r *rotating) Write(record []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return len(record), nil
	}
	if err := r.write(record); err != nil && !r.told {
		r.told = true
		if r.failed != nil {
			r.failed(fmt.Errorf("log: %w", err))
		}
	}
	return len(record), nil
}

func (r *rotating) write(record []byte) error {
	if r.f == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.size > 0 && r.size+int64(len(record)) > r.max {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	n, err := r.f.Write(record)
	r.size += int64(n)
	return err
}

// rotate sets the full file aside. Another copy of Goldpan that writes to the
// same log may have done so already; then the new file is used.
func (r *rotating) rotate() error {
	mine, err := r.f.Stat()
	if err != nil {
		return err
	}
	if err := r.f.Close(); err != nil {
		return err
	}
	r.f = nil
	if now, err := os.Stat(r.path); err == nil && os.SameFile(mine, now) && now.Mode().IsRegular() {
		if err := r.shift(); err != nil {
			return err
		}
	}
	return r.open()
}

func (r *rotating) shift() error {
	old := func(n int) string { return fmt.Sprintf("%s.%d", r.path, n) }
	if r.keep == 0 {
		return os.Remove(r.path)
	}
	for n := r.keep; n > 1; n-- {
		if err := os.Rename(old(n-1), old(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(r.path, old(1)); err != nil && !errors.Is(err, fs.ErrNotExist) { // the other copy was faster
		return err
	}
	return nil
}

func (r *rotating) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.f == nil {
		return nil
	}
	f := r.f
	r.f = nil
	return f.Close()
}
