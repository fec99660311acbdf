//go:build !js

package wallet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"goldpan/core/disk"
	"goldpan/core/seal"
)

// browser says that what is kept may be thrown away by others at any time.
const browser = false

// practiceKeyName is the file that opens practice wallets: 64 hex digits and a newline, for its owner alone.
const practiceKeyName = "practice.key"

// dir is a Storage of files, each for its owner alone.
type dir string

func dirStorage(path string) (Storage, error) {
	if path == "" {
		return nil, errors.New("wallet: no folder given")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("wallet folder: %w", err)
	}
	return dir(path), nil
}

func (d dir) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

func (d dir) Read(name string, limit int64, check func([]byte) error) ([]byte, error) {
	b, restored, err := seal.ReadFile(d.path(name), limit, check)
	if restored {
		_ = seal.Mend(d.path(name), b, 0o600) // on a disk that takes no writes the previous copy still serves
	}
	if errors.Is(err, seal.ErrTooLong) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return b, err
}

func (d dir) Write(name string, data []byte) error {
	path := d.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("wallet folder: %w", err)
	}
	return seal.WriteFile(path, data, 0o600)
}

func (d dir) Lock(name string) (func() error, error) {
	path := d.path(name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("wallet folder: %w", err)
	}
	lock, err := disk.LockDir(path)
	if errors.Is(err, disk.ErrLocked) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("wallet folder: %w", err)
	}
	return lock.Close, nil
}

func (d dir) PracticeKey(create bool) (seal.Key, error) {
	path := d.path(practiceKeyName)
	k, err := readPracticeKey(path)
	if !create || !errors.Is(err, fs.ErrNotExist) {
		if err != nil && !errors.Is(err, ErrKeyFile) {
			err = fmt.Errorf("%w: %w", ErrKeyFile, err)
		}
		return k, err
	}
	k = seal.GenerateKey()
	if err := seal.WriteFile(path, append(hex.AppendEncode(nil, k[:]), '\n'), 0o600); err != nil {
		return seal.Key{}, err
	}
	return k, nil
}

func readPracticeKey(path string) (seal.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return seal.Key{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return seal.Key{}, err
	}
	// Windows keeps no such modes; a user's own folder is closed to others there.
	if !st.Mode().IsRegular() || runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 {
		return seal.Key{}, ErrKeyFile
	}
	b, err := io.ReadAll(io.LimitReader(f, 100))
	if err != nil {
		return seal.Key{}, err
	}
	var k seal.Key
	b = bytes.TrimSpace(b)
	if len(b) != 2*len(k) {
		return seal.Key{}, ErrKeyFile
	}
	if _, err := hex.Decode(k[:], b); err != nil || k == (seal.Key{}) {
		return seal.Key{}, ErrKeyFile
	}
	return k, nil
}
