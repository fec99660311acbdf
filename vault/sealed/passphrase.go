//go:build !js

package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"goldpan/vault"
)

const (
	// ServiceFile is the name under which systemd hands the passphrase to a
	// service: LoadCredentialEncrypted=goldpan.passphrase:… in its unit.
	ServiceFile   = "goldpan.passphrase"
	maxPassphrase = 1 << 10
)

// FromCredentials returns a source of the passphrase for Options: the file
// ServiceFile in the folder that systemd names in $CREDENTIALS_DIRECTORY. It
// returns nil where there is none.
func FromCredentials() func(context.Context, bool) (vault.Secret, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return nil
	}
	path := filepath.Join(dir, ServiceFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return func(context.Context, bool) (vault.Secret, error) {
		f, err := os.Open(path)
		if err != nil {
			return vault.Secret{}, fmt.Errorf("%s: reading the credential %s: %w", storeName, ServiceFile, errors.Unwrap(err))
		}
		defer f.Close()
		return readPassphrase(f)
	}
}

// FromDescriptor returns a source of the passphrase for Options: what can be
// read from an open file descriptor, such as a pipe, up to its end. It is read
// once, when it is first needed, and closed; what went wrong then is told each
// time, for its number may be another file's since. It may be called by several
// goroutines at once.
func FromDescriptor(fd uintptr) func(context.Context, bool) (vault.Secret, error) {
	read := sync.OnceValues(func() (vault.Secret, error) {
		f := os.NewFile(fd, "passphrase")
		if f == nil {
			return vault.Secret{}, fmt.Errorf("%s: there is no open file of this number", storeName)
		}
		defer f.Close()
		return readPassphrase(f)
	})
	return func(context.Context, bool) (vault.Secret, error) {
		kept, err := read()
		if err != nil {
			return vault.Secret{}, err
		}
		return vault.NewSecret(bytes.Clone(kept.Expose())), nil
	}
}

// readPassphrase reads one line or a whole file; line ends at its end are cut
// off.
func readPassphrase(r io.Reader) (vault.Secret, error) {
	b := make([]byte, maxPassphrase+1)
	n, err := io.ReadFull(r, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		vault.Wipe(b)
		return vault.Secret{}, fmt.Errorf("%s: the passphrase could not be read", storeName)
	}
	if n > maxPassphrase {
		vault.Wipe(b)
		return vault.Secret{}, fmt.Errorf("%s: a passphrase has at most %d bytes", storeName, maxPassphrase)
	}
	return vault.NewSecret(bytes.TrimRight(b[:n], "\r\n")), nil
}
