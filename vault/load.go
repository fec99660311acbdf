//go:build !js

package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// room makes place for one more entry, and says which revoked one went for it.
func (m *metadata) room() (forgotten string, err error) {
	if len(m.Entries) < maxEntries {
		return "", nil
	}
	oldest := -1
	for i, e := range m.Entries {
		if e.State == Revoked && (oldest < 0 || e.RevokedAt.Before(m.Entries[oldest].RevokedAt)) {
			oldest = i
		}
	}
	if oldest < 0 {
		return "", &Error{Store: vaultName, Detail: fmt.Sprintf("it holds %d keys, and no more", maxEntries), Hint: "Revoke one that you no longer use.", Err: ErrFull}
	}
	forgotten = m.Entries[oldest].ID
	m.Entries = slices.Delete(m.Entries, oldest, oldest+1)
	return forgotten, nil
}

// within loads, and lets do work while nobody else does. It wipes what do was
// lent.
func (v *Vault) within(ctx context.Context, do func(m *metadata, r *root) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return err
	}
	defer r.wipe()
	return do(m, r)
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
		return nil, r, otherVersion()
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
	removed := tampered(FileName + " was removed")
	if exists(v.path + seal.Previous) {
		return nil, nil, removed
	}
	// The folder may have been moved since the store was told of it: the record
	// of uses says too which vault is at home here.
	named, used := v.auditOwner()
	spare, owned := "", false
	for _, id := range ids {
		vault, ok := strings.CutPrefix(id, rootPrefix)
		if !ok {
			owned = owned || checkVaultID(ownerOf(id))
			continue
		}
		r, err := v.root(ctx, vault)
		mine := v.Sole || vault == named
		switch {
		case errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) && !mine:
			continue // not ours to judge: it may belong to another folder
		case errors.Is(err, ErrDamaged):
			return nil, nil, removed
		case err != nil:
			return nil, nil, err
		}
		mine = mine || r.Folder == v.dir
		generation := r.Generation
		r.wipe()
		// Generation 0 and no record: the program ended before it wrote its first file.
		if mine && (generation > 0 || slices.Contains(ids, auditID(vault))) {
			return nil, nil, removed
		}
		if mine {
			spare = vault
		}
	}
	switch {
	case used:
		return nil, nil, &Error{Store: vaultName, Detail: FileName + " is gone, and so is its key in the " + v.store.Name() + "; the record of uses, " + AuditName + ", is left", Hint: hintReset, Err: ErrTampered}
	case v.Sole && owned && spare == "":
		return nil, nil, removed
	}
	return &metadata{spare: spare}, &root{}, nil
}

// auditOwner reads, before anything is authenticated, to which vault the record
// of uses in the folder belongs, and whether it holds anything.
func (v *Vault) auditOwner() (vault string, used bool) {
	data, err := readBounded(v.auditPath(), maxAudit)
	if err != nil {
		return "", !errors.Is(err, fs.ErrNotExist)
	}
	head, rest, _ := bytes.Cut(data, []byte{'\n'})
	if f := strings.Fields(string(head[:min(len(head), 200)])); len(f) == 6 && checkVaultID(f[3]) {
		return f[3], len(rest) > 0 || f[4] != "0"
	}
	return "", len(data) > 0
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
	// Before it is opened: opening a pipe waits for ever.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Store: vaultName, Detail: filepath.Base(path) + " is not a file", Hint: hintReset, Err: ErrDamaged}
	}
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
