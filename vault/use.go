//go:build !js

package vault

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"
)

// lend is not exported: a secret leaves the vault for one named purpose only.
// It checks the entry, fetches its secret and notes in the entry that it is
// used. rec says by whom and for what; a refusal is noted with it. v.mu is held.
func (v *Vault) lend(ctx context.Context, m *metadata, r *root, e *Entry, rec Record) (secret []byte, err error) {
	if err := v.loadAudit(ctx, m.vault, r); err != nil {
		return nil, err
	}
	now := v.now()
	rec.Key = e.ID
	standing := e.Standing(now)
	switch standing {
	case Revoked:
		err = fmt.Errorf("vault: %w", ErrRevoked)
	case Locked:
		err = &Error{Store: vaultName, Detail: "this key was locked", Hint: "If you trust it again, unlock it with goldpan key unlock.", Err: ErrKeyLocked}
	case Expired:
		err = &Error{Store: vaultName, Detail: "its provider ended this key", Hint: "Make a new one there, and enter it with goldpan key rotate.", Err: ErrExpired}
	}
	if err != nil {
		rec.Outcome, rec.Note = OutcomeRefused, string(standing)
		if noted := v.note(ctx, m, r, rec); noted != nil {
			return nil, noted
		}
		if standing == Expired && !v.audit.watch.pausing(e.ID, AlertExpired, now) {
			if noted := v.raise(ctx, m, r, Alert{now, e.ID, AlertExpired, "something tried to use it after its end"}, rec); noted != nil {
				return nil, noted
			}
		}
		return nil, err
	}
	secret, err = v.store.Get(ctx, e.secretID(m.vault))
	if errors.Is(err, ErrNotFound) {
		return nil, &Error{Store: vaultName, Detail: "the " + v.store.Name() + " no longer holds this key", Hint: hintLost, Err: ErrNotFound}
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			Wipe(secret)
			secret = nil
		}
	}()
	if !hmac.Equal([]byte(r.fingerprint(secret)), []byte(e.Fingerprint)) {
		return secret, tampered("the secret is not the one that was added")
	}
	if standing == Due && !v.audit.watch.pausing(e.ID, AlertDue, now) {
		if err := v.raise(ctx, m, r, Alert{now, e.ID, AlertDue, fmt.Sprintf("it is due to be replaced since %s", e.RotationDue().Format(time.DateOnly))}, rec); err != nil {
			return secret, err
		}
	}
	if rec.Host != "" && rec.Host != e.UsedHost {
		if err := v.raise(ctx, m, r, Alert{now, e.ID, AlertNewHost, "it is used at this host for the first time"}, rec); err != nil {
			return secret, err
		}
	}
	at := now.UTC().Truncate(time.Second)
	if age := at.Sub(e.LastUsed); age < 0 || age >= lastUsedStep || rec.Host != "" && rec.Host != e.UsedHost {
		e.LastUsed = at
		if rec.Host != "" {
			e.UsedHost = rec.Host
		}
		// A use that cannot be noted does not happen.
		if err := v.save(ctx, m, r); err != nil {
			return secret, err
		}
	}
	return secret, nil
}

// use hands out the secret of an entry of one kind.
func (v *Vault) use(ctx context.Context, id string, kind Kind) (secret []byte, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	defer r.wipe()
	e := m.find(id)
	if e == nil {
		return nil, notFound()
	}
	rec := Record{Action: ActionUse, Who: string(kind), Key: id}
	if e.State != Revoked && e.Kind != kind {
		rec.Outcome, rec.Note = OutcomeRefused, "added for another purpose"
		if err := v.note(ctx, m, r, rec); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("vault: %w", ErrWrongKind)
	}
	if secret, err = v.lend(ctx, m, r, e, rec); err != nil {
		return nil, err
	}
	rec.Outcome = OutcomeOK
	if err := v.note(ctx, m, r, rec); err != nil {
		Wipe(secret)
		return nil, err
	}
	return secret, nil
}

// grant is what the Broker gets for one request.
type grant struct {
	entry      Entry
	credential Credential
	nonce      uint64
}

// nonceAhead is how far the bound that is kept runs ahead of the nonces, so that
// it is not written for each: two minutes in microseconds.
const nonceAhead = 120_000_000

// begin checks that a request may be made with a key, and lends it. where gives
// the request's record, once it is known which entry it is for.
func (v *Vault) begin(ctx context.Context, id string, where func(Entry) (Record, error)) (g grant, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return grant{}, err
	}
	defer r.wipe()
	e := m.find(id)
	if e == nil {
		return grant{}, notFound()
	}
	rec, err := where(*e)
	rec.Key = id
	if err == nil && e.Scheme == "" {
		err = &Error{Store: vaultName, Detail: "this key was added without the provider that it is for", Hint: "Add it anew, and name the provider: goldpan key add --provider.", Err: ErrWrongKind}
	}
	if err != nil {
		rec.Outcome, rec.Note = OutcomeRefused, err.Error()
		if noted := v.note(ctx, m, r, rec); noted != nil {
			return grant{}, noted
		}
		return grant{}, err
	}
	if e.Scheme.ordered() && e.State == Active {
		if v.nonces == nil {
			v.nonces = make(map[string]uint64)
		}
		last, ok := v.nonces[id]
		if !ok {
			last = e.Nonce
		}
		g.nonce = max(uint64(max(v.now().UnixMicro(), 0)), last+1)
		if g.nonce >= e.Nonce {
			e.Nonce = g.nonce + nonceAhead
			e.LastUsed = time.Time{} // so that lend saves
		}
		v.nonces[id] = g.nonce
	}
	secret, err := v.lend(ctx, m, r, e, rec)
	if err != nil {
		return grant{}, err
	}
	defer Wipe(secret)
	if g.credential, err = decodeCredential(secret); err != nil {
		return grant{}, &Error{Store: vaultName, Detail: "this key has no parts to sign with", Hint: "Enter it anew with goldpan key rotate.", Err: ErrDamaged}
	}
	if rec.Action == ActionBegin {
		if err := v.note(ctx, m, r, rec); err != nil {
			g.credential.Wipe()
			return grant{}, err
		}
	}
	g.entry = *e
	return g, nil
}

// nextNonce gives a nonce above every one that was given for the entry so far.
func (v *Vault) nextNonce(g grant) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := max(uint64(max(v.now().UnixMicro(), 0)), v.nonces[g.entry.ID]+1, g.nonce)
	v.nonces[g.entry.ID] = n
	return n
}

// end notes how a request went.
func (v *Vault) end(ctx context.Context, rec Record) error {
	ctx = context.WithoutCancel(ctx)
	return v.within(ctx, func(m *metadata, r *root) error { return v.note(ctx, m, r, rec) })
}
