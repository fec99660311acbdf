//go:build !js

package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"goldpan/core/seal"
)

// AuditName is the audit file in a vault's folder. Full ones before it stand
// beside it, with the number of their last record behind the name.
const AuditName = "vault.audit"

// audit is what a Vault knows of its audit file after it has read it once.
type audit struct {
	loaded bool
	size   int64 // of the file
	n      uint64
	mac    mac
	watch  watch
}

const hintAudit = "If you did not do this yourself, someone else may have used this computer: revoke your keys where they were issued. goldpan key audit --set-aside keeps the altered file and begins a new one."

func auditTampered(detail string) error {
	return &Error{Store: vaultName, Detail: AuditName + ": " + detail, Hint: hintAudit, Err: ErrTampered}
}

func auditID(vault string) string { return auditPrefix + vault }

func (v *Vault) auditPath() string { return v.path[:len(v.path)-len(FileName)] + AuditName }

// note writes a record. It returns nil once the record is in the file and the
// store knows it; what it tells of has then happened for good. v.mu is held.
//
// The store gets the whole line first, as the anchor, and the file second. So a
// program that ends in between leaves a file that lacks one line, which the
// anchor gives back; and a file that somebody cut lacks it too, and gets it back.
func (v *Vault) note(ctx context.Context, m *metadata, r *root, rec Record) error {
	if err := v.loadAudit(ctx, m.vault, r); err != nil {
		return err
	}
	if rec.Time.IsZero() {
		rec.Time = v.now()
	}
	if err := v.append(ctx, m.vault, r, rec); err != nil {
		return err
	}
	for _, a := range v.audit.watch.see(rec, false) {
		if err := v.append(ctx, m.vault, r, a.record(rec)); err != nil {
			return err
		}
		if v.Alert != nil {
			v.Alert(a)
		}
	}
	return nil
}

func (v *Vault) append(ctx context.Context, vault string, r *root, rec Record) error {
	a := &v.audit
	if a.size > v.auditLimit-maxLine {
		if err := v.nextAudit(vault, r); err != nil {
			return err
		}
	}
	rec.N = a.n + 1
	rec.clip()
	key := r.derive("audit")
	defer Wipe(key)
	line, m, err := encodeRecord(rec, key, a.mac)
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	// What was begun is ended: a person who interrupts leaves no half.
	ctx = context.WithoutCancel(ctx)
	if err := v.store.Put(ctx, auditID(vault), line); err != nil {
		a.loaded = false // whether the store has it is found out next time
		return err
	}
	if err := v.appendLine(line); err != nil {
		a.loaded = false
		return fmt.Errorf("vault: %w", err)
	}
	a.size, a.n, a.mac = a.size+int64(len(line)), rec.N, m
	return nil
}

func (v *Vault) appendLine(line []byte) error {
	f, err := os.OpenFile(v.auditPath(), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// nextAudit sets a full file aside and begins another that goes on from it.
func (v *Vault) nextAudit(vault string, r *root) error {
	a, key := &v.audit, r.derive("audit")
	defer Wipe(key)
	full := v.archivePath(a.n)
	// A copy first: at no time is there no file of this name.
	data, err := readBounded(v.auditPath(), maxAudit)
	if err != nil {
		return err
	}
	if err := seal.WriteFile(full, data, 0o600); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	os.Remove(full + seal.Previous)
	head := auditHead(vault, a.n, a.mac)
	if err := v.writeAudit(head); err != nil {
		return err
	}
	a.mac, a.size = link(key, a.mac, head), int64(len(head))
	return nil
}

// writeAudit replaces the whole file. The copy that is kept of the one before
// is of no use: the anchor tells it from the newest.
func (v *Vault) writeAudit(data []byte) error {
	if err := seal.WriteFile(v.auditPath(), data, 0o600); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	os.Remove(v.auditPath() + seal.Previous)
	return nil
}

// loadAudit reads the file and the anchor, unless nothing but this Vault can
// have changed them, and mends what a cut-off write left.
func (v *Vault) loadAudit(ctx context.Context, vault string, r *root) error {
	a := &v.audit
	if a.loaded {
		if info, err := os.Stat(v.auditPath()); err == nil && info.Size() == a.size {
			return nil
		}
		a.loaded = false
	}
	t, mended, err := v.readAudit(ctx, vault, r)
	if err != nil {
		return err
	}
	a.watch = watch{}
	for _, rec := range t.records {
		a.watch.see(rec, true)
	}
	a.n, a.mac = t.n, t.mac
	info, err := os.Stat(v.auditPath())
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	a.size, a.loaded = info.Size(), true
	if mended != "" {
		return v.append(ctx, vault, r, Record{Time: v.now(), Action: ActionRepair, Outcome: OutcomeOK, Note: mended})
	}
	return nil
}

// readAudit gives what the audit file says, after it was held against the
// anchor. mended tells what was done to it, if anything.
func (v *Vault) readAudit(ctx context.Context, vault string, r *root) (t *trail, mended string, err error) {
	key := r.derive("audit")
	defer Wipe(key)
	anchor, err := v.store.Get(ctx, auditID(vault))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, "", err
	}
	data, err := readBounded(v.auditPath(), maxAudit)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing:
		data = auditHead(vault, 0, mac{})
	case err != nil:
		return nil, "", err
	}
	if t, err = readTrail(data, vault, key); err != nil {
		return nil, "", auditTampered(err.Error())
	}
	if err := v.checkArchive(t, vault, key, false); err != nil {
		return nil, "", err
	}
	state, detail := t.against(anchor, key)
	switch {
	case state == trailTampered && missing:
		return nil, "", auditTampered("it was removed")
	case state == trailTampered:
		return nil, "", auditTampered(detail)
	case state == trailSame:
		if missing {
			err = v.writeAudit(data)
		}
		return t, "", err
	case state == trailAhead:
		// The newest line stands in the file and is genuine; the store lagged.
		line := data[bytes.LastIndexByte(data[:len(data)-1], '\n')+1:]
		return t, "the key store lacked the last record", v.store.Put(ctx, auditID(vault), line)
	}
	// trailBehind: the store gives back the line that the file lacks.
	data = append(bytes.Clone(data[:len(data)-len(t.tail)]), anchor...)
	if err := v.writeAudit(data); err != nil {
		return nil, "", err
	}
	if t, err = readTrail(data, vault, key); err != nil {
		return nil, "", auditTampered(err.Error())
	}
	return t, "the last record was put back from the key store", nil
}

type trailState int

const (
	trailSame trailState = iota
	trailAhead
	trailBehind
	trailTampered
)

// against holds a trail against the anchor: the newest line, or nothing.
func (t *trail) against(anchor, key []byte) (trailState, string) {
	const cut = "lines at its end were cut off, added, or the file was replaced by another copy"
	if len(anchor) == 0 {
		switch {
		case len(t.tail) > 0:
			return trailTampered, cut
		case t.n == 0:
			return trailSame, ""
		case t.n == 1 && len(t.records) == 1:
			return trailAhead, ""
		}
		return trailTampered, "the key store has no record of it"
	}
	last := anchor[max(0, len(anchor)-macDigits-1) : len(anchor)-1]
	switch {
	case len(t.tail) == 0 && len(t.records) > 0 && hmac.Equal(last, hexed(t.mac)):
		return trailSame, ""
	case len(t.tail) == 0 && len(t.records) > 1 && hmac.Equal(last, hexed(t.before)):
		return trailAhead, ""
	}
	rec, _, err := decodeRecord(bytes.TrimSuffix(anchor, []byte{'\n'}), key, t.mac)
	if err == nil && rec.N == t.n+1 && bytes.HasPrefix(anchor, t.tail) {
		return trailBehind, ""
	}
	// A new file of which nothing but its head is written yet: the anchor is
	// the last line of the file before, which the head names.
	if len(t.records) == 0 && len(t.tail) == 0 && t.n > 0 && hmac.Equal(last, hexed(t.prior)) {
		return trailSame, ""
	}
	return trailTampered, cut
}

// checkArchive looks whether the file is there that came before t, and ends
// where t begins; without it, whoever cuts t could pass it off as a new one.
// With all, it goes back to the first.
func (v *Vault) checkArchive(t *trail, vault string, key []byte, all bool) error {
	for t.first > 0 {
		path := v.archivePath(t.first)
		data, err := readBounded(path, maxAudit)
		if errors.Is(err, fs.ErrNotExist) {
			return auditTampered("the file before it, " + filepath.Base(path) + ", was removed")
		}
		if err != nil {
			return err
		}
		before, err := readTrail(data, vault, key)
		if err != nil {
			return auditTampered(filepath.Base(path) + ": " + err.Error())
		}
		if len(before.tail) > 0 || before.n != t.first || before.mac != t.prior || before.first >= t.first {
			return auditTampered(filepath.Base(path) + ": it does not end where the next file begins")
		}
		if !all {
			return nil
		}
		t = before
	}
	return nil
}

func (v *Vault) archivePath(n uint64) string { return fmt.Sprintf("%s.%d", v.auditPath(), n) }

func hexed(m mac) []byte { return []byte(hex.EncodeToString(m[:])) }

// Audit returns the records of the newest audit file in order, after it checked
// them all and the files before, and mended the end where a write was cut off.
// An error that is
// ErrTampered says what was altered.
func (v *Vault) Audit(ctx context.Context) ([]Record, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return nil, err
	}
	defer r.wipe()
	if m.vault == "" {
		return nil, nil
	}
	v.audit.loaded = false
	if err := v.loadAudit(ctx, m.vault, r); err != nil {
		return nil, err
	}
	data, err := readBounded(v.auditPath(), maxAudit)
	if err != nil {
		return nil, err
	}
	key := r.derive("audit")
	defer Wipe(key)
	t, err := readTrail(data, m.vault, key)
	if err != nil {
		return nil, auditTampered(err.Error())
	}
	return t.records, v.checkArchive(t, m.vault, key, true)
}

// Alerts are those of a time and after, the oldest first, as the record of uses
// tells them. Like Audit it checks the record.
func (v *Vault) Alerts(ctx context.Context, since time.Time) ([]Alert, error) {
	records, err := v.Audit(ctx)
	var alerts []Alert
	for _, r := range records {
		if r.Action == ActionAlert && !r.Time.Before(since) {
			alerts = append(alerts, Alert{Time: r.Time, Key: r.Key, Reason: AlertReason(r.Outcome), Text: r.Note})
		}
	}
	return alerts, err
}

// SetAuditAside is the way out of an audit that was tampered with: it keeps the
// file under another name, which it returns, and begins a new one that says so.
func (v *Vault) SetAuditAside(ctx context.Context) (aside string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, r, err := v.load(ctx)
	if err != nil {
		return "", err
	}
	defer r.wipe()
	if m.vault == "" {
		return "", notFound()
	}
	if aside, err = v.moveAuditAside(); err != nil {
		return "", err
	}
	if err := v.store.Delete(ctx, auditID(m.vault)); err != nil && !errors.Is(err, ErrNotFound) {
		return aside, err
	}
	return aside, v.note(ctx, m, r, Record{Action: ActionRepair, Outcome: OutcomeOK, Note: "the audit before this was set aside by the person"})
}

// moveAuditAside makes room for a new audit. A file without records goes.
func (v *Vault) moveAuditAside() (aside string, err error) {
	v.audit = audit{}
	if data, err := readBounded(v.auditPath(), maxLine); err == nil && bytes.Count(data, []byte{'\n'}) <= 1 && bytes.HasPrefix(data, []byte(auditMagic)) {
		return "", os.Remove(v.auditPath())
	}
	return v.setAside(v.auditPath())
}
