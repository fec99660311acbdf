package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"goldpan/vault"
)

// KeyPanic is what was done when keys may be in wrong hands, and what is to be done.
type KeyPanic struct {
	Locked []string // the ids of the keys that are locked now and were not before
	Steps  []string // for the person, in order; what belongs to a step begins with a space
	Audit  string   // the file that the record of every use is in, or empty
}

// Panic locks the keys of these ids, or all, writes the record of every use to a file
// (one with the date in the data directory, for an empty path), and says what to do
// now. The steps are there whatever becomes of the rest; v is nil when the vault could
// not even be opened.
func (d *Desk) Panic(ctx context.Context, v *vault.Vault, path string, ids ...string) (KeyPanic, error) {
	if v == nil {
		return KeyPanic{Steps: vault.PanicSteps(nil, false)}, nil
	}
	locked, failed := v.Lock(ctx, ids...)
	entries, err := v.List(ctx)
	failed = errors.Join(failed, err)
	if len(ids) > 0 {
		entries = slices.DeleteFunc(entries, func(e vault.Entry) bool { return !slices.Contains(ids, e.ID) })
	}
	p := KeyPanic{Locked: locked, Steps: vault.PanicSteps(entries, failed == nil)}
	records, err := v.Audit(ctx)
	if err == nil {
		p.Audit, err = writeRecord(path, d.dir, records)
	}
	if failed == nil {
		failed = err
	}
	return p, failed
}

// writeRecord writes the record of uses to a new file, or for an empty path to one
// with the date in dir.
func writeRecord(path, dir string, records []vault.Record) (string, error) {
	if path != "" {
		return path, WriteAudit(path, records)
	}
	base := filepath.Join(dir, "audit-"+time.Now().UTC().Format("20060102-150405"))
	for n := 1; ; n++ {
		path = base + ".jsonl"
		if n > 1 {
			path = fmt.Sprintf("%s-%d.jsonl", base, n)
		}
		if err := WriteAudit(path, records); !errors.Is(err, fs.ErrExist) || n == maxSameName {
			return path, err
		}
	}
}

// WriteAudit writes records, one JSON object a line, to a new file.
func WriteAudit(path string, records []vault.Record) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(f)
	for _, r := range records {
		if err = encoder.Encode(r); err != nil {
			break
		}
	}
	if e := f.Sync(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
