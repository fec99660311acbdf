//go:build !js

package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"goldpan/core/seal"
)

// Move takes every entry that is not revoked from one vault into another, whose
// store is another one. Of each, the secret is stored, read back and compared,
// and the entry written, before anything of the old one is deleted; so whenever
// the program ends, each key is in one of the two, and Move again goes on. The
// old vault keeps its revoked entries and its audit. An id that another key has
// in to is ErrExists; nothing is deleted then.
func Move(ctx context.Context, from, to *Vault) (moved []string, err error) {
	if from == to || from.path == to.path {
		return nil, errors.New("vault: a vault cannot be moved into itself")
	}
	entries, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.State == Revoked {
			continue
		}
		if err := moveEntry(ctx, from, to, e); err != nil {
			return moved, err
		}
		moved = append(moved, e.ID)
	}
	return moved, nil
}

func moveEntry(ctx context.Context, from, to *Vault, e Entry) error {
	secret, err := from.peek(ctx, e.ID)
	if err != nil {
		return err
	}
	defer secret.Wipe()
	if err := to.adopt(ctx, e, secret, Record{Action: ActionMove, Note: "from the " + from.StoreName()}); err != nil {
		return err
	}
	check, err := to.peek(ctx, e.ID)
	if err != nil {
		return err
	}
	defer check.Wipe()
	if !check.Equal(secret) {
		return tampered("the secret that was moved is not the one that was kept")
	}
	return from.drop(ctx, e.ID, Record{Action: ActionMove, Note: "to the " + to.StoreName()})
}

// peek reads an entry's secret for moving, exporting and renewing, and for
// nothing else.
func (v *Vault) peek(ctx context.Context, id string) (Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return Secret{}, err
	}
	defer r.wipe()
	e := m.find(id)
	if e == nil || e.State == Revoked {
		return Secret{}, notFound()
	}
	b, err := v.store.Get(ctx, e.secretID(m.vault))
	if errors.Is(err, ErrNotFound) {
		return Secret{}, &Error{Store: vaultName, Detail: "the " + v.store.Name() + " no longer holds the key " + id, Hint: hintLost, Err: ErrNotFound}
	}
	if err != nil {
		return Secret{}, err
	}
	secret := NewSecret(b)
	if r.fingerprint(b) != e.Fingerprint {
		secret.Wipe()
		return Secret{}, tampered("the secret of " + id + " is not the one that was added")
	}
	return secret, nil
}

// adopt takes an entry of another vault with its dates. One that is there
// already with the same secret is left as it is.
func (v *Vault) adopt(ctx context.Context, e Entry, secret Secret, rec Record) error {
	return v.within(ctx, func(m *metadata, r *root) error {
		if err := v.begun(ctx, m, r); err != nil {
			return err
		}
		if old := m.find(e.ID); old != nil {
			if old.State != Revoked && old.Fingerprint == r.fingerprint(secret.Expose()) {
				return nil
			}
			return &Error{Store: vaultName, Detail: "another key has the id " + e.ID, Hint: "Revoke one of the two, or keep it where it is.", Err: ErrExists}
		}
		_, err := v.insert(ctx, m, r, e, secret, rec)
		return err
	})
}

// drop forgets an entry that another vault holds now, and deletes its secret.
func (v *Vault) drop(ctx context.Context, id string, rec Record) error {
	return v.within(ctx, func(m *metadata, r *root) error {
		e := m.find(id)
		if e == nil {
			return nil
		}
		secret := e.secretID(m.vault)
		m.Entries = slices.DeleteFunc(m.Entries, func(e Entry) bool { return e.ID == id })
		if err := v.save(ctx, m, r); err != nil {
			return err
		}
		if err := v.store.Delete(ctx, secret); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		rec.Key, rec.Outcome = id, OutcomeOK
		return v.note(ctx, m, r, rec)
	})
}

// exported is the form of an export inside its encryption: JSON.
type exported struct {
	Goldpan string        `json:"goldpan"` // exportMagic
	Keys    []exportedKey `json:"keys"`
}

// Format keeps the secrets out of whatever is printed.
func (exported) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(export)") }

type exportedKey struct {
	Entry  Entry  `json:"entry"`
	Secret []byte `json:"secret"`
}

const exportMagic = "keys 1"

// ExportOptions say for whom an export is encrypted: for an age recipient
// ("age1…"), or under a passphrase.
type ExportOptions struct {
	Recipient  string
	Passphrase Secret
	WorkFactor int // of a passphrase; zero means core/seal's default
}

// Export gives every key that is not revoked as an armored age file. It is the
// one way in which secrets leave the vault together, never in clear; each is in
// the audit.
func (v *Vault) Export(ctx context.Context, o ExportOptions) ([]byte, error) {
	entries, err := v.List(ctx)
	if err != nil {
		return nil, err
	}
	out := exported{Goldpan: exportMagic}
	defer out.wipe()
	for _, e := range entries {
		if e.State == Revoked {
			continue
		}
		secret, err := v.peek(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		out.Keys = append(out.Keys, exportedKey{e, secret.Expose()})
	}
	if len(out.Keys) == 0 {
		return nil, notFound()
	}
	plain, err := json.Marshal(out)
	if err != nil {
		return nil, errors.New("vault: the keys cannot be written")
	}
	defer Wipe(plain)
	if o.WorkFactor == 0 {
		o.WorkFactor = seal.DefaultWorkFactor
	}
	data, err := seal.Encrypt(plain, o.Recipient, string(o.Passphrase.Expose()), o.WorkFactor)
	if err != nil {
		return nil, explainAge(err)
	}
	for _, k := range out.Keys {
		if err := v.change(ctx, k.Entry.ID, func(*metadata, *root, *Entry) (Record, error) {
			return Record{Action: ActionExport, Note: "encrypted"}, nil
		}); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func (x *exported) wipe() {
	for _, k := range x.Keys {
		Wipe(k.Secret)
	}
}

// Import takes the keys of an Export, opened by age identities ("AGE-SECRET-KEY-1…",
// a line each) or by a passphrase. A key that is here already, with the same id
// and secret, is passed over; an id that another key has is ErrExists, and then
// nothing is taken at all. It returns the ids that are new.
func (v *Vault) Import(ctx context.Context, data []byte, identities, passphrase Secret) ([]string, error) {
	plain, err := seal.Decrypt(data, string(identities.Expose()), string(passphrase.Expose()))
	if err != nil {
		return nil, explainAge(err)
	}
	defer Wipe(plain)
	x, err := decodeExport(plain)
	if err != nil {
		return nil, &Error{Store: vaultName, Detail: "the file does not hold keys of Goldpan", Err: ErrDamaged}
	}
	defer x.wipe()
	have, err := v.List(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range x.Keys {
		i := slices.IndexFunc(have, func(e Entry) bool { return e.ID == k.Entry.ID })
		if i < 0 {
			ids = append(ids, k.Entry.ID)
			continue
		}
		if have[i].State == Revoked {
			return nil, &Error{Store: vaultName, Detail: "a revoked key has the id " + k.Entry.ID, Hint: "An id is not used again. Export from a vault in which it has another, or enter the key by hand.", Err: ErrExists}
		}
		own, err := v.peek(ctx, k.Entry.ID)
		if err != nil {
			return nil, err
		}
		same := own.Equal(NewSecret(k.Secret))
		own.Wipe()
		if !same {
			return nil, &Error{Store: vaultName, Detail: "another key has the id " + k.Entry.ID, Hint: "Revoke one of the two, or enter the key by hand under another id.", Err: ErrExists}
		}
	}
	for _, k := range x.Keys {
		if slices.Contains(ids, k.Entry.ID) {
			if err := v.adopt(ctx, k.Entry, NewSecret(k.Secret), Record{Action: ActionImport}); err != nil {
				return nil, err // those before are taken: importing again passes over them
			}
		}
	}
	return ids, nil
}

func decodeExport(plain []byte) (*exported, error) {
	var x exported
	if err := strict(plain, &x); err != nil {
		return nil, err
	}
	if x.Goldpan != exportMagic || len(x.Keys) == 0 || len(x.Keys) > maxEntries {
		return nil, errors.New("not an export")
	}
	seen := make(map[string]bool)
	for i := range x.Keys {
		k := &x.Keys[i]
		if err := k.Entry.check(); err != nil {
			return nil, err
		}
		if err := CheckSecret(k.Secret); err != nil {
			return nil, err
		}
		if k.Entry.State == Revoked || seen[k.Entry.ID] {
			return nil, errors.New("not an export")
		}
		seen[k.Entry.ID] = true
	}
	return &x, nil
}

func explainAge(err error) error {
	told := &Error{Store: vaultName, Detail: "the file cannot be opened", Err: ErrDamaged, Hint: "Look whether it is whole, and an export of Goldpan."}
	switch {
	case errors.Is(err, seal.ErrPassphrase):
		told.Err, told.Detail, told.Hint = ErrPassphrase, "the passphrase or identity does not open it", "Try again; capital letters and spaces count."
	case errors.Is(err, seal.ErrRecipient):
		told.Err, told.Detail, told.Hint = ErrRequest, "this is no recipient or identity of age", "A recipient begins with age1, an identity with AGE-SECRET-KEY-1."
	case errors.Is(err, seal.ErrWorkFactor):
		told.Detail, told.Hint = "opening it would take more memory than Goldpan allows", ""
	case errors.Is(err, seal.ErrTooMuch):
		told.Detail = "it is larger than any export of Goldpan"
	}
	return told
}
