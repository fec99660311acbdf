// Package desk joins the core, the wallet and the vault, which do not know each
// other, once for the window and once more for the terminal: what both can do
// is here, and how it looks is not.
//
// A desk owns one data directory. It holds a lock there, so that two copies of
// Goldpan never write over each other.
package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"goldpan/core/disk"
	"goldpan/vault"
	"goldpan/vault/limit"
)

// Desk is an open data directory.
type Desk struct {
	dir  string
	lock *disk.Lock
	work int // of scrypt, for the passphrase of a new file of keys; 0 is what sealed takes

	limiting sync.Mutex
	limits   *limit.Limits // nil until they are asked for

	ending   context.Context // ends with Close
	end      context.CancelFunc
	clearing sync.WaitGroup // of clipboards

	watching sync.Mutex
	alerts   []vault.Alert     // the newest of the vaults that were opened
	onAlert  func(vault.Alert) // or nil
}

// Errors of this package; those of the parts it joins come through.
var (
	// ErrInUse: another copy of Goldpan works in the data directory.
	ErrInUse = errors.New("another copy of Goldpan is using this data directory")
	// ErrDataDir: the data directory cannot be made or written to.
	ErrDataDir = errors.New("cannot write to the data directory")
)

// DefaultDir returns where state lives unless the user says otherwise: goldpan
// under the XDG state directory, and where there is no such thing the system's
// place for an application's settings.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "goldpan"), nil
	}
	return defaultDir()
}

// Open locks dir, which is made if it is missing. An empty dir is the default.
func Open(dir string) (*Desk, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	lock, err := disk.LockDir(dir)
	switch {
	case errors.Is(err, disk.ErrLocked):
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	d := &Desk{dir: dir, lock: lock}
	d.ending, d.end = context.WithCancel(context.Background())
	return d, nil
}

// Dir returns the data directory.
func (d *Desk) Dir() string { return d.dir }

// Close gives the data directory free. A clipboard that holds a key is emptied first.
func (d *Desk) Close() error {
	d.end()
	d.clearing.Wait()
	return d.lock.Close()
}
