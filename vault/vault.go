//go:build !js

package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// FileName is the metadata file in a vault's folder.
const FileName = "vault.meta"

// lastUsedStep keeps a connection that is made again and again from writing to
// the keyring each time.
const lastUsedStep = time.Minute

const (
	vaultName   = "vault"
	hintReset   = "If you did not do this yourself, someone else may have: revoke these keys where they were issued. goldpan key repair shows what was found, keeps it as evidence, and saves what can still be trusted."
	hintForeign = "Open it as the person and on the machine that made it. If that is gone, goldpan key repair keeps the old list as evidence and begins anew."
	hintLost    = "Revoke this entry and add the key again."
)

// Vault joins a Store with what a person knows about each secret.
//
// The secrets are in the store, under the vault's own id, a dot and the entry's
// id. Everything else is in the file vault.meta: one line "goldpan vault 1" and
// the vault's id; one line of JSON, the entries and a generation that grows with
// each change; one line with the HMAC-SHA-256 of the two, in hexadecimal. Its
// key is in the store, with the newest generation and a hash of the folder's
// path. So the vault notices, and says as ErrTampered, when the file was
// altered, replaced by an older copy, or removed, and when a secret in the store
// is not the one that was added. A list that is gone together with its secrets,
// its key and the record of uses leaves nothing to notice. Where the program ended between writing the
// file and the generation, a copy older by one change would pass.
//
// A Vault may be used by several goroutines at once. One folder belongs to one
// process at a time: the caller holds a lock on it.
type Vault struct {
	store Store
	path  string
	dir   string           // hash of the folder's path
	now   func() time.Time // the clock, for tests

	// Sole says that the store holds the secrets of this vault and of no other, as
	// a sealed file beside the list of keys does: secrets without a list then mean
	// that the list was removed. Set it before the first use.
	Sole bool

	// Alert, if not nil, is told what is out of the ordinary. Set it before the
	// first use. It must not call the Vault.
	Alert func(Alert)

	mu    sync.Mutex
	audit audit
	// auditLimit is the size in bytes at which an audit file is full.
	auditLimit int64
	nonces     map[string]uint64 // the newest that each entry was given
}

// Open returns the vault in dir, which must exist. It touches neither the file
// nor the store, so it asks nothing of the person; the first method that needs
// them does, and makes them when the first entry is added.
func Open(dir string, store Store) (*Vault, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if !info.IsDir() {
		return nil, errors.New("vault: not a folder")
	}
	sum := sha256.Sum256([]byte(abs))
	return &Vault{store: store, path: filepath.Join(abs, FileName), dir: hex.EncodeToString(sum[:8]), now: time.Now, auditLimit: maxAudit}, nil
}

// StoreName says where the secrets are, for a person.
func (v *Vault) StoreName() string { return v.store.Name() }

// Check reads and authenticates everything but the secrets.
func (v *Vault) Check(ctx context.Context) error {
	_, err := v.List(ctx)
	return err
}

// List returns all entries in the order in which they were added, revoked ones
// too.
func (v *Vault) List(ctx context.Context) ([]Entry, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	r.wipe()
	return m.Entries, nil
}

// Show returns one entry: everything but the secret.
func (v *Vault) Show(ctx context.Context, id string) (Entry, error) {
	entries, err := v.List(ctx)
	if err != nil {
		return Entry{}, err
	}
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == id })
	if i < 0 {
		return Entry{}, notFound()
	}
	return entries[i], nil
}

// Add keeps a secret. Of e it takes what a person chooses: Name, Kind,
// Environment, ID (made out of the name if it is empty), how and where the key
// is used, RotateDays, Expires, Permissions and Override. It returns the whole
// entry. A secret that is kept for another environment already is
// ErrEnvironment. For a Credential, add what its Encode returns. The caller wipes
// secret. An id that is taken, if only by a revoked entry, is ErrExists. A list
// that is full forgets the entry that was the first to be revoked.
func (v *Vault) Add(ctx context.Context, e Entry, secret Secret) (Entry, error) {
	if err := CheckSecret(secret.Expose()); err != nil {
		return Entry{}, fmt.Errorf("vault: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return Entry{}, err
	}
	defer r.wipe()
	taken := func(id string) bool {
		return slices.ContainsFunc(m.Entries, func(other Entry) bool { return other.ID == id })
	}
	if e.ID == "" {
		base := idFor(e.Name, e.Kind)
		e.ID = base
		for n := 2; taken(e.ID); n++ {
			e.ID = fmt.Sprintf("%s-%d", base, n)
		}
	}
	e.State, e.Created = Active, v.now().UTC().Truncate(time.Second)
	e.LastUsed, e.RevokedAt, e.Rotated = time.Time{}, time.Time{}, time.Time{}
	e.UsedHost, e.Nonce, e.Slot = "", 0, 0
	e.Expires = e.Expires.UTC().Truncate(time.Second)
	if err := e.checkNew(); err != nil {
		return Entry{}, fmt.Errorf("vault: %w", err)
	}
	if taken(e.ID) {
		return Entry{}, fmt.Errorf("vault: %w", ErrExists)
	}
	if err := v.begun(ctx, m, r); err != nil {
		return Entry{}, err
	}
	if e, err = v.insert(ctx, m, r, e, secret, Record{Action: ActionAdd, Note: e.Name}); err != nil {
		return e, err
	}
	if e.Override {
		return e, v.note(ctx, m, r, Record{Action: ActionOverride, Key: e.ID, Outcome: OutcomeOK, Note: "the person took a key that may move money"})
	}
	return e, nil
}

// begun makes a vault where there is none yet, and reads its record of uses.
func (v *Vault) begun(ctx context.Context, m *metadata, r *root) error {
	if m.vault == "" {
		if err := v.create(ctx, m, r); err != nil {
			return err
		}
	}
	return v.loadAudit(ctx, m.vault, r)
}

// insert puts an entry that is whole but for its fingerprint and slot into the
// list, and its secret into the store. An entry without an id was not kept.
func (v *Vault) insert(ctx context.Context, m *metadata, r *root, e Entry, secret Secret, rec Record) (Entry, error) {
	e.Fingerprint, e.Slot = r.fingerprint(secret.Expose()), 0
	if err := m.notMixed(e, e.Fingerprint); err != nil {
		return Entry{}, err
	}
	forgotten, err := m.room()
	if err != nil {
		return Entry{}, err
	}
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("vault: %w", err)
	}
	// The secret first: one without an entry is never used, an entry without
	// its secret puzzles its owner.
	if err := v.store.Put(ctx, e.secretID(m.vault), secret.Expose()); err != nil {
		return Entry{}, err
	}
	m.Entries = append(m.Entries, e)
	if err := v.save(ctx, m, r); err != nil {
		_ = v.store.Delete(context.WithoutCancel(ctx), e.secretID(m.vault))
		return Entry{}, err
	}
	rec.Key, rec.Outcome = e.ID, OutcomeOK
	if err := v.note(ctx, m, r, rec); err != nil || forgotten == "" {
		return e, err
	}
	return e, v.note(ctx, m, r, Record{Action: ActionForget, Key: forgotten, Outcome: OutcomeOK, Note: "the list was full, and this was the first to be revoked"})
}

// PoolPassword returns the secret of an entry of KindPool, for a connection to
// that pool and nothing else, and notes the use in the audit. The caller wipes
// it. ErrRevoked, ErrKeyLocked and ErrExpired say that the entry is not used.
func (v *Vault) PoolPassword(ctx context.Context, id string) ([]byte, error) {
	return v.use(ctx, id, KindPool)
}

// NodePassword is PoolPassword for an entry of KindNode and a connection to that
// node.
func (v *Vault) NodePassword(ctx context.Context, id string) ([]byte, error) {
	return v.use(ctx, id, KindNode)
}

// WalletKey is PoolPassword for an entry of KindWallet and the wallet that it opens.
func (v *Vault) WalletKey(ctx context.Context, id string) ([]byte, error) {
	return v.use(ctx, id, KindWallet)
}

// Token is PoolPassword for an entry of KindToken, to compare with what a program
// on this machine shows.
func (v *Vault) Token(ctx context.Context, id string) ([]byte, error) {
	return v.use(ctx, id, KindToken)
}

// setAside renames a file, if it is there, and returns its new name.
func (v *Vault) setAside(path string) (aside string, err error) {
	if !exists(path) {
		return "", nil
	}
	base := path + v.now().UTC().Format(".20060102-150405")
	aside = base
	for n := 2; exists(aside); n++ {
		aside = fmt.Sprintf("%s-%d", base, n)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	return aside, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
