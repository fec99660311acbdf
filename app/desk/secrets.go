package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"goldpan/vault"
)

// Passphrase asks the person for the passphrase of the file that keeps passwords
// where there is no keyring; create is set when the file is new.
type Passphrase func(ctx context.Context, create bool) (string, error)

// ErrDeclined says that the person did not give what was asked for.
var ErrDeclined = errors.New("no passphrase was given")

// secrets opens the vault for a window, which asks by ask.
func (d *Desk) secrets(ctx context.Context, ask Passphrase) (*vault.Vault, error) {
	return d.Keys(ctx, AutoStore, func(ctx context.Context, create bool) (vault.Secret, error) {
		s, err := ask(ctx, create)
		return vault.NewSecret([]byte(s)), err
	}, nil)
}

// PoolPassword fetches a pool's password from the vault.
func (d *Desk) PoolPassword(ctx context.Context, ask Passphrase, id string) (string, error) {
	v, err := d.secrets(ctx, ask)
	if err != nil {
		return "", err
	}
	return exposed(v.PoolPassword(ctx, id))
}

// NodePassword fetches the password of the person's own node from the vault.
func (d *Desk) NodePassword(ctx context.Context, ask Passphrase, id string) (string, error) {
	v, err := d.secrets(ctx, ask)
	if err != nil {
		return "", err
	}
	return exposed(v.NodePassword(ctx, id))
}

func exposed(b []byte, err error) (string, error) {
	s := string(b)
	vault.Wipe(b)
	return s, err
}

// KeepPoolPassword gives a pool's password into the vault and returns its id
// there. name says whose it is, for the person.
func (d *Desk) KeepPoolPassword(ctx context.Context, ask Passphrase, name, password string) (id string, err error) {
	return d.keep(ctx, ask, vault.KindPool, name, password)
}

// KeepNodePassword gives the password of the person's own node into the vault and
// returns its id there.
func (d *Desk) KeepNodePassword(ctx context.Context, ask Passphrase, name, password string) (id string, err error) {
	return d.keep(ctx, ask, vault.KindNode, name, password)
}

// maxSameName is how many passwords of one name are kept: revoked ids are not
// used again.
const maxSameName = 100

func (d *Desk) keep(ctx context.Context, ask Passphrase, kind vault.Kind, name, password string) (string, error) {
	v, err := d.secrets(ctx, ask)
	if err != nil {
		return "", err
	}
	base := string(kind) + "-" + keyID(name)
	for i := range maxSameName {
		id := base
		if i > 0 {
			id = fmt.Sprintf("%s-%d", base, i+1)
		}
		_, err = v.Add(ctx, vault.Entry{ID: id, Name: keyName(name), Kind: kind, Environment: vault.Live}, vault.NewSecret([]byte(password)))
		if !errors.Is(err, vault.ErrExists) {
			return id, err
		}
	}
	return "", err
}

// keyID makes a name fit for an id.
func keyID(name string) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-.")
	if len(id) > 28 {
		id = strings.TrimRight(id[:28], "-.")
	}
	if id == "" {
		return "own"
	}
	return id
}

// keyName makes a name fit for the vault, which takes 64 characters.
func keyName(name string) string {
	if r := []rune(printable(name)); len(r) > 64 {
		return string(r[:64])
	}
	return printable(name)
}
