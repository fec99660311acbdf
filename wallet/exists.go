package wallet

import (
	"errors"
	"io/fs"
)

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
