package wallet

import (
	"errors"
	"io/fs"
)

// TakesUnlockKey tells whether a key that NewUnlockKey made opens the wallet. It fails as Exists does, and needs no
// passphrase.
func TakesUnlockKey(o Options) (bool, error) {
	if err := o.defaults(); err != nil {
		return false, err
	}
	e, err := o.read()
	return len(e.Unlock) > 0, err
}

// Exists returns nil if there is a wallet that Open could try, and ErrMissing or
// ErrDamaged if there is none. It needs no passphrase.
func Exists(o Options) error {
	if err := o.defaults(); err != nil {
		return err
	}
	_, err := o.Storage.Read(o.fileName(), maxWalletFile, o.check)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrMissing
	}
	return err
}
