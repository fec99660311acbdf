package desk

import (
	"fmt"
	"io"
	"os"

	"goldpan/wallet"
)

// maxBackup bounds a backup file that is read, in bytes.
const maxBackup = 17 << 20

// ReadBackup reads a backup file of a wallet; one that is longer than they are is wallet.ErrBackup.
func ReadBackup(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBackup+1))
	if err == nil && len(b) > maxBackup {
		err = wallet.ErrBackup
	}
	return b, err
}

// WriteNew writes a file that must not be there yet, for its owner alone; one that could not be written whole is taken
// away again.
func WriteNew(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// WriteBackup writes a new backup file of a wallet, reads it again, and so proves that it brings the wallet back.
func WriteBackup(w *wallet.Wallet, path, passphrase string) error {
	b, err := w.WriteBackup(passphrase)
	if err != nil {
		return err
	}
	if err := WriteNew(path, func(to io.Writer) error { _, err := to.Write(b); return err }); err != nil {
		return err
	}
	if b, err = ReadBackup(path); err != nil {
		return err
	}
	if err := w.VerifyBackup(b, passphrase); err != nil {
		return fmt.Errorf("the backup file was written, but does not read back: %w", err)
	}
	return nil
}
