//go:build !js

package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"goldpan/core/seal"
)

func (m *metadata) find(id string) *Entry {
	for i := range m.Entries {
		if m.Entries[i].ID == id {
			return &m.Entries[i]
		}
	}
	return nil
}

func (r *root) wipe() {
	if r != nil {
		Wipe(r.Key)
	}
}

// load reads the file and the root, and holds one against the other. Where
// there is no vault yet it gives empty ones, with no id.
func (v *Vault) load(ctx context.Context) (*metadata, *root, error) {
	m, r, err := v.loadOnce(ctx)
	if errors.Is(err, ErrTampered) {
		// A reader in another process may have met the moment between the
		// writing of the file and of the generation.
		return v.loadOnce(ctx)
	}
	return m, r, err
}

func (v *Vault) loadOnce(ctx context.Context) (_ *metadata, r *root, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	data, err := readBounded(v.path, maxMetadata)
	if errors.Is(err, fs.ErrNotExist) {
		return v.loadNothing(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	id, err := vaultOf(data)
	if err != nil {
		return nil, nil, tampered("the first line of " + FileName + " was altered")
	}
	defer func() {
		if err != nil {
			r.wipe()
			r = nil
		}
	}()
	r, err = v.root(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, r, &Error{Store: vaultName, Detail: "the " + v.store.Name() + " does not hold the key to " + FileName, Hint: hintForeign, Err: ErrForeign}
	}
	if err != nil {
		return nil, r, err
	}
	m, err := decodeMetadata(data, r)
	switch {
	case errors.Is(err, errMAC):
		return nil, r, tampered(FileName + " was altered")
	case err != nil:
		return nil, r, &Error{Store: vaultName, Detail: FileName + " was written by another version of Goldpan", Hint: "Use the newest Goldpan.", Err: ErrDamaged}
	case m.Generation < r.Generation:
		return nil, r, tampered(FileName + " was replaced by an older copy")
	}
	return m, r, nil
}

// loadNothing is load without a file: is there no vault, or is its file gone?
func (v *Vault) loadNothing(ctx context.Context) (*metadata, *root, error) {
	ids, err := v.store.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	spare := ""
	for _, id := range ids {
		vault, ok := strings.CutPrefix(id, rootPrefix)
		if !ok {
			continue
		}
		r, err := v.root(ctx, vault)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
			continue // not ours to judge: it may belong to another folder
		}
		if err != nil {
			return nil, nil, err
		}
		folder, generation := r.Folder, r.Generation
		r.wipe()
		// Generation 0: the program ended before it wrote its first file.
		if folder == v.dir && generation > 0 {
			return nil, nil, tampered(FileName + " was removed")
		}
		if folder == v.dir {
			spare = vault
		}
	}
	return &metadata{spare: spare}, &root{}, nil
}

// root reads a vault's root from the store.
func (v *Vault) root(ctx context.Context, vault string) (*root, error) {
	if !checkVaultID(vault) {
		return nil, fmt.Errorf("vault: %w", ErrNotFound)
	}
	data, err := v.store.Get(ctx, rootID(vault))
	if err != nil {
		return nil, err
	}
	defer Wipe(data)
	r, err := decodeRoot(data)
	if err != nil {
		return nil, &Error{Store: vaultName, Detail: "the key to " + FileName + " in the " + v.store.Name() + " was altered", Hint: hintReset, Err: ErrDamaged}
	}
	return r, nil
}

// create gives a new vault its id and its root.
func (v *Vault) create(ctx context.Context, m *metadata, r *root) error {
	// An audit without its list of keys belongs to a vault that is no more.
	if _, err := v.moveAuditAside(); err != nil {
		return err
	}
	if m.spare != "" {
		left, err := v.root(ctx, m.spare)
		if err != nil {
			return err
		}
		m.vault, *r = m.spare, *left
		return nil
	}
	m.vault = newVaultID()
	r.Key = make([]byte, sha256.Size)
	rand.Read(r.Key) // never fails: crypto/rand ends the program instead
	r.Folder = v.dir
	return v.putRoot(ctx, m.vault, r)
}

func (v *Vault) putRoot(ctx context.Context, vault string, r *root) error {
	data, err := r.encode()
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	defer Wipe(data)
	return v.store.Put(ctx, rootID(vault), data)
}

// save writes the file, then its generation into the store.
func (v *Vault) save(ctx context.Context, m *metadata, r *root) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.Generation = max(m.Generation, r.Generation) + 1
	data, err := m.encode(r)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	if err := seal.WriteFile(v.path, data, 0o600); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	r.Generation, r.Folder = m.Generation, v.dir
	// The change is made and authentic. If the store fails just now, only its
	// knowledge of the generation lags, and the next change brings it up.
	_ = v.putRoot(context.WithoutCancel(ctx), m.vault, r)
	return nil
}

func tampered(detail string) error {
	return &Error{Store: vaultName, Detail: detail, Hint: hintReset, Err: ErrTampered}
}

func notFound() error {
	return &Error{Store: vaultName, Detail: "there is no key of this id", Hint: "Look at the list of keys for its id.", Err: ErrNotFound}
}

func readBounded(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if len(data) > limit {
		return nil, &Error{Store: vaultName, Detail: filepath.Base(path) + " is larger than any that Goldpan writes", Hint: hintReset, Err: ErrDamaged}
	}
	return data, nil
}
