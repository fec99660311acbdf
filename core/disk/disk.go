//go:build !js

// Package disk holds what Goldpan does to a disk that the standard library does
// not: it locks a folder for one process.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is returned when another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is a lock held on a folder.
type Lock struct{ f *os.File }

// LockDir takes the lock on dir, which must exist, by locking the file named
// "lock" in it; that file stays. The kernel gives the lock back when the process
// dies, however it dies, so a leftover file never locks anybody out.
func LockDir(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		if errors.Is(err, ErrLocked) {
			return nil, err
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return &Lock{f}, nil
}

// Close gives the lock back.
func (l *Lock) Close() error { return l.f.Close() }
