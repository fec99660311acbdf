//go:build !js

// Package disk holds what Goldpan does to a disk that the standard library does
// not: it locks a folder, or a file, for one process.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is returned when another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is a lock held on a folder or a file.
type Lock struct{ f *os.File }

// LockDir takes the lock on dir, which must exist, by locking the file named
// "lock" in it; that file stays. The kernel gives the lock back when the process
// dies, however it dies, so a leftover file never locks anybody out.
func LockDir(dir string) (*Lock, error) { return LockFile(filepath.Join(dir, "lock")) }

// LockFile takes a lock by the name of a file, which is made if it is missing, and
// stays. It is given back as that of LockDir is.
func LockFile(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		if errors.Is(err, ErrLocked) {
			return nil, err
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// Close gives the lock back.
func (l *Lock) Close() error { return l.f.Close() }
