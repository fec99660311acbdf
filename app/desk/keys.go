package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/vault/keyring"
	"goldpan/vault/sealed"
)

const (
	// keyringService is the name under which the keyring files Goldpan's entries.
	keyringService = "goldpan"
	// sealedIdle is after how long without use a sealed file is locked again.
	sealedIdle = 15 * time.Minute
)

// KeyStore says where keys are kept.
type KeyStore string

// The stores.
const (
	AutoStore    KeyStore = ""        // the keyring, or a sealed file where there is none
	KeyringStore KeyStore = "keyring" // the operating system's keyring alone
	FileStore    KeyStore = "file"    // a sealed file alone
)

// Keys opens the vault. passphrase is asked for a sealed file's passphrase, with
// create set when the file is new. note, which may be nil, is told where the keys are when that was not the
// person's choice. From here on the process writes no core file.
func (d *Desk) Keys(ctx context.Context, choice KeyStore, passphrase func(context.Context, bool) (vault.Secret, error), note func(string)) (*vault.Vault, error) {
	_ = seal.NoDumps() // where the system forbids even that, keys are as safe as the system
	// Each store has a folder of its own: a list of keys belongs to one store.
	dir := func(name string) (string, error) {
		path := filepath.Join(d.dir, "vault", name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return "", fmt.Errorf("%w: %w", ErrDataDir, err)
		}
		return path, nil
	}
	if choice != FileStore {
		lock, err := keyringLock()
		if err != nil {
			return nil, err
		}
		store, err := keyring.New(keyring.Options{Service: keyringService, Lock: lock})
		if err != nil {
			return nil, err
		}
		err = store.Check(ctx)
		if err == nil {
			path, err := dir("keyring")
			if err != nil {
				return nil, err
			}
			return vault.Open(path, store)
		}
		if choice == KeyringStore || !errors.Is(err, vault.ErrUnavailable) {
			return nil, err
		}
		if note != nil {
			note("This session has no keyring, so keys are kept in a file sealed by a passphrase.")
		}
	}
	path, err := dir("file")
	if err != nil {
		return nil, err
	}
	store, err := sealed.Open(sealed.Options{Path: filepath.Join(path, "keys.sealed"), Passphrase: passphrase, Idle: sealedIdle, WorkFactor: d.work})
	if err != nil {
		return nil, err
	}
	return vault.Open(path, store)
}

// keyringLock is a file that all data directories of a person share, for they
// share the keyring. Without a home there is none.
func keyringLock() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil
	}
	dir := filepath.Join(cache, "goldpan")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	return filepath.Join(dir, "keyring.lock"), nil
}
