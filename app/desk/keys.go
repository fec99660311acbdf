package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"goldpan/app/desk/config"
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
	if choice == AutoStore && d.movedTo() == FileStore {
		choice = FileStore
	}
	if choice != FileStore {
		store, err := systemKeyring()
		if err != nil {
			return nil, err
		}
		err = store.Check(ctx)
		if err == nil {
			path, err := dir("keyring")
			if err != nil {
				return nil, err
			}
			return d.watched(vault.Open(path, store))
		}
		if choice == KeyringStore || !errors.Is(err, vault.ErrUnavailable) {
			return nil, err
		}
		if exists(filepath.Join(d.dir, "vault", "keyring", vault.FileName)) && !exists(filepath.Join(d.dir, "vault", "file", vault.FileName)) {
			return nil, &vault.Error{Store: "keyring", Detail: "your keys are in it", Err: vault.ErrUnavailable,
				Hint: "Your keys are in it: sign in to your desktop, and try again. To begin a second place for keys, add --store file."}
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
	v, err := vault.Open(path, store)
	if err == nil {
		v.Sole = true
	}
	return d.watched(v, err)
}

// movedName is the file, beside the folders of the stores, that says where the person
// moved the keys.
const movedName = "store"

// MoveKeys moves all keys from one vault into another, that of the store to, and has
// Keys open that one from now on where no store is named.
func (d *Desk) MoveKeys(ctx context.Context, from, into *vault.Vault, to KeyStore) ([]string, error) {
	moved, err := vault.Move(ctx, from, into)
	if err != nil {
		return moved, err
	}
	return moved, seal.WriteFile(filepath.Join(d.dir, "vault", movedName), []byte(to+"\n"), 0o600)
}

// movedTo says where the keys were moved, or AutoStore.
func (d *Desk) movedTo() KeyStore {
	data, err := os.ReadFile(filepath.Join(d.dir, "vault", movedName))
	if to := KeyStore(strings.TrimSpace(string(data))); err == nil && to == FileStore {
		return to
	}
	return AutoStore
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// watched has a vault tell of what is out of the ordinary.
func (d *Desk) watched(v *vault.Vault, err error) (*vault.Vault, error) {
	if err == nil {
		v.Alert = d.heard
	}
	return v, err
}

// maxAlerts bounds what KeyAlerts gives.
const maxAlerts = 50

// heard keeps an alert, and tells of it in the log too: who runs Goldpan as a service
// looks nowhere else.
func (d *Desk) heard(a vault.Alert) {
	settings, err := config.Read(d.dir)
	if err != nil {
		settings = config.Default()
	}
	if log, err := OpenLog(d.dir, settings.Log, nil); err == nil {
		log.Warn("key out of the ordinary", "id", a.Key, "reason", string(a.Reason), "what", a.Text)
		log.Close()
	}
	d.watching.Lock()
	defer d.watching.Unlock()
	if d.alerts = append(d.alerts, a); len(d.alerts) > maxAlerts {
		d.alerts = d.alerts[1:]
	}
	if d.onAlert != nil {
		d.onAlert(a)
	}
}

// OnKeyAlert has tell told of whatever is out of the ordinary with the keys of the
// vaults that this desk opens: a log, a terminal. It must not call the vault or the
// desk.
func (d *Desk) OnKeyAlert(tell func(vault.Alert)) {
	d.watching.Lock()
	defer d.watching.Unlock()
	d.onAlert = tell
}

// KeyAlerts are the newest alerts since the desk was opened, for a screen.
func (d *Desk) KeyAlerts() []vault.Alert {
	d.watching.Lock()
	defer d.watching.Unlock()
	return slices.Clone(d.alerts)
}

// AlertWords say what is out of the ordinary, and where to look.
func AlertWords(a vault.Alert) string {
	return fmt.Sprintf("Watch out, key %s: %s. See goldpan key audit.", a.Key, a.Text)
}

// systemKeyring is the keyring, in which programs of all data directories write one after another.
func systemKeyring() (*keyring.Store, error) {
	lock, err := keyringLock()
	if err != nil {
		return nil, err
	}
	return keyring.New(keyring.Options{Service: keyringService, Lock: lock})
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
