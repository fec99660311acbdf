package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
)

func keyCheckCommand() command {
	return command{
		name:    "key check",
		summary: "Look whether keys are in order: kept, unaltered, not due, and with no more rights than they need.",
		usage:   "[ID …] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					if err := v.Tidy(ctx); err != nil {
						return err
					}
					entries, err := chosen(ctx, v, args)
					if err != nil {
						return err
					}
					b := d.Broker(v)
					defer b.Close()
					wrong := 0
					for _, e := range entries {
						if e.State == vault.Revoked {
							continue
						}
						problems, told := t.checkKey(ctx, d, v, b, e)
						r := keyRecord(e)
						r["problems"], r["permissions_told"] = problems, told
						words := "in order"
						if e.Scheme != "" && !told {
							words = "in order; what it may do cannot be read from its provider"
						}
						if len(problems) > 0 {
							wrong++
							words = strings.Join(problems, "\n  ")
						}
						t.print(r, "%s: %s", e.ID, words)
					}
					t.emit(record{"type": "done", "keys": len(entries), "with_problems": wrong})
					if wrong > 0 {
						return fmt.Errorf("%d of %d keys need your attention", wrong, len(entries))
					}
					return nil
				})
			}
		},
	}
}

// checkKey says what is wrong with a key, and keeps what its provider says, if
// it told.
func (t *terminal) checkKey(ctx context.Context, d *desk.Desk, v *vault.Vault, b *vault.Broker, e vault.Entry) (problems []string, told bool) {
	problems = []string{}
	if err := v.CheckKey(ctx, e.ID); err != nil {
		message, hint := desk.Explain(err)
		return append(problems, strings.TrimSpace(message+". "+hint)), false
	}
	switch e.Standing(time.Now()) {
	case vault.Due:
		problems = append(problems, fmt.Sprintf("It is %d days old or more. Make a new one where it was issued, and enter it with goldpan key rotate %s.", int(time.Since(newest(e)).Hours()/24), e.ID))
	case vault.Expired:
		return append(problems, "Its provider ended it. Make a new one there, and enter it with goldpan key rotate "+e.ID+"."), false
	case vault.Locked:
		return append(problems, "It is locked. If you trust it, unlock it with goldpan key unlock "+e.ID+"."), false
	}
	if e.Scheme == "" {
		return problems, false
	}
	p, err := d.KeyPermissions(ctx, e, b.Key(e.ID))
	switch {
	case errors.Is(err, desk.ErrCannotTell):
		return problems, false
	case err != nil:
		message, hint := desk.Explain(err)
		return append(problems, strings.TrimSpace(message+". "+hint)), false
	}
	if err := v.SetPermissions(ctx, e.ID, p); err != nil {
		return append(problems, err.Error()), true
	}
	warnings, err := desk.JudgeKey(e.Provider, p, e.Override)
	if err != nil {
		problems = append(problems, "It can move money away. End it where it was made, and make one that can look alone.")
	}
	return append(problems, warnings...), true
}

func newest(e vault.Entry) time.Time {
	if e.Rotated.After(e.Created) {
		return e.Rotated
	}
	return e.Created
}

// chosen returns the entries that are named, or all.
func chosen(ctx context.Context, v *vault.Vault, ids []string) ([]vault.Entry, error) {
	entries, err := v.List(ctx)
	if err != nil || len(ids) == 0 {
		return entries, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(entries, func(e vault.Entry) bool { return e.ID == id }) {
			return nil, fmt.Errorf("%s: %w", id, vault.ErrNotFound)
		}
	}
	return slices.DeleteFunc(entries, func(e vault.Entry) bool { return !slices.Contains(ids, e.ID) }), nil
}

func keyRotateCommand() command {
	return command{
		name:    "key rotate",
		summary: "Replace a key by a new one: the new one is tested before the old one goes.",
		usage:   "ID [--secret-file F] [--key-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			untested := f.Bool("untested", false, "take the new key although its provider cannot be asked")
			override := f.Bool("although-it-can-withdraw", false, "take the new key although it can move money away; this is noted")
			parts := partFlags(f)
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				if err := parts.check(store); err != nil {
					return err
				}
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					e, err := v.Show(ctx, id)
					if err != nil {
						return err
					}
					return t.rotate(ctx, d, v, e, parts, *untested, *override)
				})
			}
		},
	}
}

func (t *terminal) rotate(ctx context.Context, d *desk.Desk, v *vault.Vault, e vault.Entry, parts keyParts, untested, override bool) error {
	var secret vault.Secret
	var test func(context.Context) error
	var p vault.Permissions
	b := d.Broker(v)
	defer b.Close()
	if e.Scheme == "" {
		text, err := t.secret(ctx, *parts.secret, "New secret")
		if err != nil {
			return err
		}
		secret = vault.NewSecret([]byte(text))
	} else {
		c, err := parts.read(ctx, t, partNames(e))
		if err != nil {
			return err
		}
		defer c.Wipe()
		if secret, err = c.Encode(); err != nil {
			return err
		}
		test = func(ctx context.Context) (err error) {
			p, err = t.judge(ctx, d, b, e, c, untested, override)
			return err
		}
	}
	defer secret.Wipe()
	if err := v.Rotate(ctx, e.ID, secret, test); err != nil {
		return err
	}
	if !p.Seen.IsZero() {
		if err := v.SetPermissions(ctx, e.ID, p); err != nil {
			return err
		}
	}
	if p.Withdraw == vault.Yes || p.Transfer == vault.Yes {
		if err := v.Override(ctx, e.ID); err != nil {
			return err
		}
	}
	e, err := v.Show(ctx, e.ID)
	if err != nil {
		return err
	}
	t.print(keyRecord(e), "%s has its new secret; the old one is deleted here. End the old one where it was issued too.", e.ID)
	return nil
}

func keyLockCommand() command {
	return switchCommand("key lock", "Set keys aside: Goldpan does not use them until you unlock them.", "%s is locked.",
		func(ctx context.Context, v *vault.Vault, ids []string) ([]string, error) { return v.Lock(ctx, ids...) })
}

func keyUnlockCommand() command {
	return switchCommand("key unlock", "Let locked keys be used again.", "%s can be used again.",
		func(ctx context.Context, v *vault.Vault, ids []string) ([]string, error) {
			return v.Unlock(ctx, ids...)
		})
}

func switchCommand(name, summary, said string, do func(context.Context, *vault.Vault, []string) ([]string, error)) command {
	return command{
		name: name, summary: summary, usage: "ID … [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if len(args) == 0 {
					return usagef("the id of at least one key is needed")
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					changed, err := do(ctx, v, args)
					if err != nil {
						return err
					}
					for _, id := range changed {
						e, err := v.Show(ctx, id)
						if err != nil {
							return err
						}
						t.print(keyRecord(e), said, id)
					}
					t.emit(record{"type": "done", "keys": len(changed)})
					return nil
				})
			}
		},
	}
}

func keyPanicCommand() command {
	return command{
		name:    "key panic",
		summary: "When a key may be in wrong hands: lock all keys here, keep the record of their use, and say what to do now.",
		usage:   "[ID …] [--audit-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			file := f.String("audit-file", "", "`FILE` that the record of all uses is written to; one with the date in the data directory if not given")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					locked, err := v.Lock(ctx, args...)
					if err != nil {
						return err
					}
					entries, err := chosen(ctx, v, args)
					if err != nil {
						return err
					}
					path := *file
					if path == "" {
						path = filepath.Join(d.Dir(), "audit-"+time.Now().UTC().Format("20060102-150405")+".jsonl")
					}
					// The steps come whatever becomes of the record.
					records, auditErr := v.Audit(ctx)
					if auditErr == nil {
						auditErr = writeAudit(path, records)
					}
					steps := vault.PanicSteps(entries)
					t.print(record{"type": "key-panic", "locked": locked, "steps": steps, "audit": path}, "%s", numbered(steps))
					if auditErr != nil {
						return auditErr
					}
					t.say("The record of every use is in %s. It holds no secret; support may ask for it.", path)
					return nil
				})
			}
		},
	}
}

// numbered gives steps numbers; what belongs to a step begins with a space.
func numbered(steps []string) string {
	var b strings.Builder
	n := 0
	for _, step := range steps {
		if strings.HasPrefix(step, " ") {
			fmt.Fprintf(&b, "  %s\n", step)
			continue
		}
		n++
		fmt.Fprintf(&b, "%d. %s\n", n, step)
	}
	return strings.TrimRight(b.String(), "\n")
}

// writeAudit writes records, one JSON object a line, to a new file.
func writeAudit(path string, records []vault.Record) error {
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
