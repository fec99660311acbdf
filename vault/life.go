//go:build !js

package vault

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// change loads, lets do work on an entry, and saves. do says what happened.
func (v *Vault) change(ctx context.Context, id string, do func(m *metadata, r *root, e *Entry) (Record, error)) error {
	return v.within(ctx, func(m *metadata, r *root) error {
		e := m.find(id)
		if e == nil {
			return notFound()
		}
		if err := v.loadAudit(ctx, m.vault, r); err != nil {
			return err
		}
		rec, err := do(m, r, e)
		if err != nil {
			return err
		}
		return v.saveAndNote(ctx, m, r, id, rec)
	})
}

// saveAndNote saves, and notes what happened to an entry.
func (v *Vault) saveAndNote(ctx context.Context, m *metadata, r *root, id string, rec Record) error {
	if err := v.save(ctx, m, r); err != nil {
		return err
	}
	rec.Key, rec.Outcome = id, OutcomeOK
	return v.note(ctx, m, r, rec)
}

// changeLive is change for an entry that is not revoked.
func (v *Vault) changeLive(ctx context.Context, id string, do func(m *metadata, r *root, e *Entry) (Record, error)) error {
	return v.change(ctx, id, func(m *metadata, r *root, e *Entry) (Record, error) {
		if e.State == Revoked {
			return Record{}, fmt.Errorf("vault: %w", ErrRevoked)
		}
		return do(m, r, e)
	})
}

// Revoke ends an entry for good: it is marked first, so that it can no longer be
// used, and then its secret is deleted. After an error from the store, Revoke
// again deletes what is left. It works although the audit was tampered with.
func (v *Vault) Revoke(ctx context.Context, id string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return err
	}
	defer r.wipe()
	e := m.find(id)
	if e == nil {
		return notFound()
	}
	fresh := e.State != Revoked
	if fresh {
		e.State, e.RevokedAt = Revoked, v.now().UTC().Truncate(time.Second)
		if err := v.save(ctx, m, r); err != nil {
			return err
		}
	}
	if err := v.store.Delete(ctx, e.secretID(m.vault)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if !fresh {
		return nil
	}
	return unlessTampered(v.note(ctx, m, r, Record{Action: ActionRevoke, Key: id, Outcome: OutcomeOK}))
}

// unlessTampered is for what must work all the more when somebody has altered
// the audit, which is told at every other occasion.
func unlessTampered(err error) error {
	if errors.Is(err, ErrTampered) {
		return nil
	}
	return err
}

// Lock sets entries aside: they are not used until Unlock. Without ids it locks
// every entry that is active. It returns the ids that it locked. It works
// although the audit was tampered with.
func (v *Vault) Lock(ctx context.Context, ids ...string) ([]string, error) {
	return v.switchState(ctx, Active, Locked, ActionLock, ids)
}

// Unlock lets locked entries be used again.
func (v *Vault) Unlock(ctx context.Context, ids ...string) ([]string, error) {
	return v.switchState(ctx, Locked, Active, ActionUnlock, ids)
}

func (v *Vault) switchState(ctx context.Context, from, to State, action Action, ids []string) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	defer r.wipe()
	for _, id := range ids {
		if e := m.find(id); e == nil {
			return nil, notFound()
		} else if e.State == Revoked {
			return nil, fmt.Errorf("vault: %w", ErrRevoked)
		}
	}
	var changed []string
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.State == from && (len(ids) == 0 || slices.Contains(ids, e.ID)) {
			e.State = to
			changed = append(changed, e.ID)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	if err := v.save(ctx, m, r); err != nil {
		return nil, err
	}
	for _, id := range changed {
		if err := unlessTampered(v.note(ctx, m, r, Record{Action: action, Key: id, Outcome: OutcomeOK})); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// SetPermissions keeps what a provider said of a key just now, and until when
// the key holds. A permission that it did not have before is an Alert.
func (v *Vault) SetPermissions(ctx context.Context, id string, p Permissions) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	var grown []string
	err := v.changeLive(ctx, id, func(_ *metadata, _ *root, e *Entry) (Record, error) {
		if p.Seen.IsZero() {
			p.Seen = v.now()
		}
		p.Seen, p.Expires = p.Seen.UTC().Truncate(time.Second), p.Expires.UTC().Truncate(time.Second)
		grown = p.Grown(e.Permissions)
		if !p.Expires.IsZero() {
			e.Expires = p.Expires
		}
		e.Permissions = p
		return Record{Action: ActionCheck, Note: p.String()}, nil
	})
	if err != nil || len(grown) == 0 {
		return err
	}
	return v.alert(ctx, id, AlertPermissions, "it may do more than before: "+strings.Join(grown, ", "))
}

// String says what is allowed, in words.
func (p Permissions) String() string {
	var words []string
	for _, c := range []struct {
		name string
		a    Answer
	}{{"read", p.Read}, {"trade", p.Trade}, {"transfer", p.Transfer}, {"withdraw", p.Withdraw}, {"allowlist", p.Allowlist}} {
		a := c.a
		if a == "" {
			a = "unknown"
		}
		words = append(words, c.name+" "+string(a))
	}
	return strings.Join(words, ", ")
}

// Override notes that the person keeps a key that may move money.
func (v *Vault) Override(ctx context.Context, id string) error {
	return v.changeLive(ctx, id, func(_ *metadata, _ *root, e *Entry) (Record, error) {
		e.Override = true
		return Record{Action: ActionOverride, Note: "the person keeps a key that may move money"}, nil
	})
}

// SetRotation says after how many days a key is due: 0 for RotateAfter, -1 for
// never; and when the provider ends it, or zero.
func (v *Vault) SetRotation(ctx context.Context, id string, days int, expires time.Time) error {
	return v.changeLive(ctx, id, func(_ *metadata, _ *root, e *Entry) (Record, error) {
		e.RotateDays, e.Expires = days, expires.UTC().Truncate(time.Second)
		return Record{Action: ActionCheck, Note: "its dates were changed"}, e.check()
	})
}

func (v *Vault) alert(ctx context.Context, id string, reason AlertReason, text string) error {
	return v.within(ctx, func(m *metadata, r *root) error {
		return v.raise(ctx, m, r, Alert{Time: v.now(), Key: id, Reason: reason, Text: text}, Record{})
	})
}

// raise notes an alert and tells of it. v.mu is held.
func (v *Vault) raise(ctx context.Context, m *metadata, r *root, a Alert, cause Record) error {
	cause.Time = a.Time
	if err := v.note(ctx, m, r, a.record(cause)); err != nil {
		return err
	}
	if v.Alert != nil {
		v.Alert(a)
	}
	return nil
}

// Rotate replaces an entry's secret: the new one is put beside the old, test is
// asked whether it works, and only then the entry changes over and the old one
// is deleted. test may be nil, and must not call the Vault about this entry.
// Whenever the program ends, the entry has one of the two.
func (v *Vault) Rotate(ctx context.Context, id string, secret Secret, test func(context.Context) error) error {
	if err := CheckSecret(secret.Expose()); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	e, err := v.Show(ctx, id)
	if err != nil {
		return err
	}
	if e.State == Revoked {
		return fmt.Errorf("vault: %w", ErrRevoked)
	}
	// Before anything is stored: a key that does not work leaves no trace.
	if test != nil {
		if err := test(ctx); err != nil {
			return err
		}
	}
	return v.replace(ctx, id, secret, ActionRotate)
}

// replace puts a new secret in the place of an entry's own.
func (v *Vault) replace(ctx context.Context, id string, secret Secret, action Action) error {
	var old string
	err := v.changeLive(ctx, id, func(m *metadata, r *root, e *Entry) (Record, error) {
		fingerprint := r.fingerprint(secret.Expose())
		if action == ActionRotate && hmac.Equal([]byte(fingerprint), []byte(e.Fingerprint)) {
			return Record{}, &Error{Store: vaultName, Detail: "this is the secret that is kept already", Hint: "Make a new key where it was issued, and enter that.", Err: ErrExists}
		}
		if err := m.notMixed(*e, fingerprint); err != nil {
			return Record{}, err
		}
		old = e.secretID(m.vault)
		e.Slot++
		if err := v.store.Put(ctx, e.secretID(m.vault), secret.Expose()); err != nil {
			return Record{}, err
		}
		kept, err := v.store.Get(ctx, e.secretID(m.vault))
		if err != nil {
			return Record{}, err
		}
		same := hmac.Equal(kept, secret.Expose())
		Wipe(kept)
		if !same {
			return Record{}, &Error{Store: vaultName, Detail: "the " + v.store.Name() + " did not keep the new secret", Hint: "The old one is still in use. Try again.", Err: ErrUnavailable}
		}
		e.Fingerprint = fingerprint
		if action == ActionRotate {
			e.Rotated = v.now().UTC().Truncate(time.Second)
			e.Expires, e.Permissions, e.Override = time.Time{}, Permissions{}, false
		}
		return Record{Action: action}, nil
	})
	if old == "" {
		return err
	}
	if err != nil {
		// Before the file was written the old secret is still the entry's, and
		// after it the new one: Tidy tells which, and deletes the other.
		return err
	}
	if err := v.store.Delete(ctx, old); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Tidy mends what a program that ended in between left behind: it checks the
// list of keys and the audit, brings the key store's knowledge of the list up to
// date, and deletes secrets of this vault that no entry uses. Programs call it
// when they start.
func (v *Vault) Tidy(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return err
	}
	defer r.wipe()
	if m.vault == "" {
		return nil
	}
	if m.Generation > r.Generation {
		r.Generation, r.Folder = m.Generation, v.dir
		if err := v.putRoot(ctx, m.vault, r); err != nil {
			return err
		}
	}
	v.audit.loaded = false
	if err := v.loadAudit(ctx, m.vault, r); err != nil {
		return err
	}
	ids, err := v.store.List(ctx)
	if err != nil {
		return err
	}
	used := make(map[string]bool)
	for i := range m.Entries {
		if m.Entries[i].State != Revoked {
			used[m.Entries[i].secretID(m.vault)] = true
		}
	}
	for _, id := range ids {
		if ownerOf(id) == m.vault && !used[id] {
			if err := v.store.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// CheckKey looks whether the store still holds an entry's secret, and the one
// that was added.
func (v *Vault) CheckKey(ctx context.Context, id string) error {
	e, err := v.Show(ctx, id)
	if err != nil {
		return err
	}
	if e.State == Revoked {
		return fmt.Errorf("vault: %w", ErrRevoked)
	}
	// A secret that is gone or another one is told apart from a key that is not there.
	secret, err := v.peek(ctx, id)
	if err != nil {
		return err
	}
	secret.Wipe()
	return nil
}
