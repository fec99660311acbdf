//go:build !js

package vault

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"goldpan/core/seal"
)

// Finding is what Examine and Repair say of a vault, in words for a person.
type Finding struct {
	// List and Audit say what is wrong with the list of keys and with the record
	// of uses; empty where nothing is.
	List, Audit string
	// Kept are the entries whose secrets are those that were added, by the newest
	// list that can be trusted.
	Kept []Entry
	// Lost are the other entries that are not revoked: their secrets are gone, or
	// are not those that were added.
	Lost []Entry
	// Strays are the ids under which the store holds secrets that the newest list
	// that can be trusted does not know: what they are for has to be said again.
	// They are deleted by Tidy.
	Strays []string
	// Evidence is the folder in which Repair kept copies of what it found.
	Evidence string
}

// Fine says that there is nothing to repair.
func (f Finding) Fine() bool { return f.List == "" && f.Audit == "" && len(f.Lost) == 0 }

// salvage is what can still be trusted of a vault.
type salvage struct {
	Finding
	m *metadata // the newest authentic list; without an id where there is none
	r *root
}

// Examine looks at a vault that may have been tampered with, and changes nothing.
// Errors are those of the store, and ErrDamaged for a list that a newer Goldpan
// wrote: these are no cause to repair.
func (v *Vault) Examine(ctx context.Context) (Finding, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.examine(ctx)
	if err != nil {
		return Finding{}, err
	}
	s.r.wipe()
	return s.Finding, nil
}

func (v *Vault) examine(ctx context.Context) (s salvage, err error) {
	defer func() {
		if err != nil {
			s.r.wipe()
		}
	}()
	s.m, s.r, err = v.load(ctx)
	switch {
	case errors.Is(err, ErrTampered), errors.Is(err, ErrForeign), errors.Is(err, ErrDamaged):
		if s.List = detailOf(err); s.List == "" {
			s.List = FileName + " cannot be trusted"
		}
		if s.m, s.r, err = v.trusted(ctx); err != nil {
			return s, err
		}
	case err != nil:
		return s, err
	}
	if s.m.vault == "" {
		if s.List != "" && exists(v.auditPath()) {
			s.Audit = AuditName + " cannot be checked without a list that can be trusted"
		}
		return s, nil
	}
	for _, e := range s.m.Entries {
		if e.State == Revoked {
			continue
		}
		secret, err := v.store.Get(ctx, e.secretID(s.m.vault))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return s, err
		}
		if err == nil && hmac.Equal([]byte(s.r.fingerprint(secret)), []byte(e.Fingerprint)) {
			s.Kept = append(s.Kept, e)
		} else {
			s.Lost = append(s.Lost, e)
		}
		Wipe(secret)
	}
	if s.List != "" {
		if err := s.findStrays(ctx, v.store); err != nil {
			return s, err
		}
	}
	v.audit.loaded = false
	switch err := v.loadAudit(ctx, s.m.vault, s.r); {
	case errors.Is(err, ErrTampered), errors.Is(err, ErrDamaged):
		s.Audit = detailOf(err)
	case err != nil:
		return s, err
	}
	return s, nil
}

// findStrays looks for secrets that no entry of the list names.
func (s *salvage) findStrays(ctx context.Context, store Store) error {
	ids, err := store.List(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, entry, _ := strings.Cut(id, ".")
		if ownerOf(id) == s.m.vault && s.m.find(entry) == nil {
			s.Strays = append(s.Strays, entry)
		}
	}
	return nil
}

// trusted finds the newest list that the holder of the key wrote: the file, or the
// copy that is kept of the one before. Where there is neither it gives an empty one.
func (v *Vault) trusted(ctx context.Context) (*metadata, *root, error) {
	m, r := &metadata{}, &root{}
	for _, path := range []string{v.path, v.path + seal.Previous} {
		data, err := readBounded(path, maxMetadata)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return m, r, err
		}
		id, err := vaultOf(data)
		if err != nil {
			continue
		}
		own, err := v.root(ctx, id)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return m, r, err
		}
		found, err := decodeMetadata(data, own)
		switch {
		case errors.Is(err, errMAC):
			own.wipe()
			continue
		case err != nil:
			own.wipe()
			return m, r, otherVersion()
		}
		if m.vault == "" || found.Generation > m.Generation {
			r.wipe()
			m, r = found, own
		} else {
			own.wipe()
		}
	}
	return m, r, nil
}

// Repair is the way out of ErrTampered, ErrForeign and ErrDamaged, once the person
// has seen what Examine found. It copies the files as they are into a folder, as
// evidence; keeps the entries whose secrets are those that were added, and revokes
// the rest; sets a record of uses that was altered aside; and notes all that in the
// record. Where the list was altered it locks what it keeps: the newest list that
// can be trusted may be older than the last change, and a key may be unlocked once
// a person has looked at it. Where no list can be trusted it deletes the vault's
// secrets, and an empty vault begins.
func (v *Vault) Repair(ctx context.Context) (Finding, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, err := v.examine(ctx)
	if err != nil {
		return Finding{}, err
	}
	defer func() { s.r.wipe() }()
	if s.Fine() {
		return s.Finding, nil
	}
	if s.Evidence, err = v.keepEvidence(s.Finding); err != nil {
		return s.Finding, err
	}
	// What was begun is ended.
	ctx = context.WithoutCancel(ctx)
	if s.m.vault == "" {
		if err := v.clear(ctx); err != nil {
			return s.Finding, err
		}
		s.m, s.r = &metadata{}, &root{}
		if err := v.create(ctx, s.m, s.r); err != nil {
			return s.Finding, err
		}
	} else if s.Audit != "" {
		if err := v.dropAudit(ctx, s.m.vault); err != nil {
			return s.Finding, err
		}
	}
	now := v.now().UTC().Truncate(time.Second)
	lost := make(map[string]bool)
	for _, e := range s.Lost {
		lost[e.ID] = true
	}
	for i := range s.m.Entries {
		switch e := &s.m.Entries[i]; {
		case lost[e.ID]:
			e.State, e.RevokedAt = Revoked, now
		case e.State == Active && s.List != "":
			e.State = Locked
		}
	}
	for i := range s.Kept {
		s.Kept[i] = *s.m.find(s.Kept[i].ID)
	}
	// Twice, so that the copy of the file before is one that can be trusted too.
	for range 2 {
		if err := v.save(ctx, s.m, s.r); err != nil {
			return s.Finding, err
		}
	}
	for _, e := range s.Lost {
		if err := v.store.Delete(ctx, e.secretID(s.m.vault)); err != nil && !errors.Is(err, ErrNotFound) {
			return s.Finding, err
		}
	}
	found := strings.TrimPrefix(s.List+"; "+s.Audit, "; ")
	return s.Finding, v.note(ctx, s.m, s.r, Record{Action: ActionAccept, Outcome: OutcomeOK,
		Note: fmt.Sprintf("the person saw what was found; %d keys kept, %d lost: %s", len(s.Kept), len(s.Lost), strings.TrimSuffix(found, "; "))})
}

// clear deletes the secrets of every vault that is at home in the folder.
func (v *Vault) clear(ctx context.Context) error {
	vaults := make(map[string]bool)
	if named, _ := v.auditOwner(); named != "" {
		vaults[named] = true
	}
	for _, path := range []string{v.path, v.path + seal.Previous} {
		if data, err := readBounded(path, maxMetadata); err == nil {
			if id, err := vaultOf(data); err == nil {
				vaults[id] = true
			}
		}
	}
	ids, err := v.store.List(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		vault, ok := strings.CutPrefix(id, rootPrefix)
		if owner := ownerOf(id); v.Sole && checkVaultID(owner) {
			vaults[owner] = true
		}
		if !ok || !checkVaultID(vault) {
			continue
		}
		r, err := v.root(ctx, vault)
		if err == nil && r.Folder == v.dir || v.Sole {
			vaults[vault] = true
		}
		r.wipe()
	}
	// The files first: a list whose secrets are gone would look like a theft.
	for _, path := range []string{v.path, v.path + seal.Previous, v.auditPath(), v.auditPath() + seal.Previous} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("vault: %w", err)
		}
	}
	v.audit = audit{}
	for _, id := range ids {
		// The root last, so that a repair that was cut off can go on.
		if audit, ok := strings.CutPrefix(id, auditPrefix); vaults[ownerOf(id)] || ok && vaults[audit] {
			if err := v.store.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
	for vault := range vaults {
		if err := v.store.Delete(ctx, rootID(vault)); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// dropAudit makes room for a new record of uses: a copy of the old one is kept.
func (v *Vault) dropAudit(ctx context.Context, vault string) error {
	v.audit = audit{}
	if err := os.Remove(v.auditPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("vault: %w", err)
	}
	if err := v.store.Delete(ctx, auditID(vault)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// keepEvidence copies the vault's files into a new folder beside them, with a few
// lines that say what was found. None of them holds a secret.
func (v *Vault) keepEvidence(f Finding) (string, error) {
	base := filepath.Join(filepath.Dir(v.path), "evidence-"+v.now().UTC().Format("20060102-150405"))
	folder := base
	for n := 2; exists(folder); n++ {
		folder = fmt.Sprintf("%s-%d", base, n)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	paths := []string{v.path, v.path + seal.Previous, v.auditPath(), v.auditPath() + seal.Previous}
	if older, err := filepath.Glob(v.auditPath() + ".[0-9]*"); err == nil {
		paths = append(paths, older...)
	}
	for _, path := range paths {
		data, err := readBounded(path, maxAudit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if errors.Is(err, ErrDamaged) {
			// Too large to copy, or no file: it is moved, and out of the way.
			if err := os.Rename(path, filepath.Join(folder, filepath.Base(path))); err != nil {
				return "", fmt.Errorf("vault: %w", err)
			}
			continue
		}
		if err != nil {
			return "", err
		}
		if err := seal.WriteFile(filepath.Join(folder, filepath.Base(path)), data, 0o600); err != nil {
			return "", fmt.Errorf("vault: %w", err)
		}
	}
	if err := seal.WriteFile(filepath.Join(folder, "found.txt"), []byte(v.now().UTC().Format(time.RFC3339)+"\n"+f.String()), 0o600); err != nil {
		return "", fmt.Errorf("vault: %w", err)
	}
	return folder, nil
}

// String says what was found, a line each.
func (f Finding) String() string {
	var b strings.Builder
	line := func(what, how string) {
		if how != "" {
			fmt.Fprintf(&b, "%s: %s\n", what, how)
		}
	}
	line("list of keys", f.List)
	line("record of uses", f.Audit)
	for _, e := range f.Kept {
		line("key "+e.ID, "its secret is the one that was added")
	}
	for _, e := range f.Lost {
		line("key "+e.ID, "its secret is gone, or another one")
	}
	for _, id := range f.Strays {
		line("key "+id, "its secret is there, but the newest list that can be trusted does not know it: add it again")
	}
	return b.String()
}

func detailOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

func otherVersion() error {
	return &Error{Store: vaultName, Detail: FileName + " was written by another version of Goldpan", Hint: "Use the newest Goldpan.", Err: ErrDamaged}
}
