package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

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
					reports, err := d.CheckKeys(ctx, v, args...)
					if err != nil {
						return err
					}
					wrong := 0
					for _, k := range reports {
						r := viewRecord(k.KeyView)
						r["problems"], r["notes"], r["permissions_told"] = wordList(k.Problems), wordList(k.Notes), k.Told
						words := "in order"
						if len(k.Problems) > 0 {
							wrong++
							words = strings.Join(k.Problems, "\n  ")
						}
						t.print(r, "%s: %s", k.ID, words)
						for _, note := range k.Notes {
							t.say("  Note: %s", note)
						}
					}
					t.emit(record{"type": "done", "keys": len(reports), "with_problems": wrong})
					if wrong > 0 {
						return fmt.Errorf("%d of %d keys need your attention", wrong, len(reports))
					}
					return nil
				})
			}
		},
	}
}

// wordList is a list as JSON has it: never null.
func wordList(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
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
			oauth := oauthFlags(f)
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
					if err := oauth.check(e.Kind); err != nil {
						return err
					}
					if e.Kind == vault.KindOAuth {
						return t.connect(ctx, d, v, e, oauth)
					}
					return t.rotate(ctx, d, v, e, parts, desk.KeyTerms{Untested: *untested, Override: *override})
				})
			}
		},
	}
}

func (t *terminal) rotate(ctx context.Context, d *desk.Desk, v *vault.Vault, e vault.Entry, parts keyParts, terms desk.KeyTerms) error {
	c, err := parts.read(ctx, t, e)
	if err != nil {
		return err
	}
	defer c.Wipe()
	e, words, err := d.RotateKey(ctx, v, e.ID, c, terms)
	t.tell(words)
	if err != nil {
		return err
	}
	t.print(keyRecord(e), "%s has its new secret; the old one is deleted here. End the old one where it was issued too.", e.ID)
	t.say("If you copied it from a page, your clipboard still holds it: copy something else.")
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
				told := false
				say := func(p desk.KeyPanic) {
					told = true
					t.print(record{"type": "key-panic", "locked": wordList(p.Locked), "steps": p.Steps, "audit": p.Audit}, "%s", numbered(p.Steps))
					if p.Audit != "" {
						t.say("The record of every use is in %s. It holds no secret; support may ask for it.", p.Audit)
					}
				}
				err := t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					p, err := d.Panic(ctx, v, *file, args...)
					say(p)
					return err
				})
				if err != nil && !told && !errors.Is(err, errUsage) {
					// The steps come whatever is wrong here.
					p, _ := new(desk.Desk).Panic(ctx, nil, "")
					say(p)
					if errors.Is(err, desk.ErrInUse) {
						t.say("Your keys are not locked yet: stop the other Goldpan, which uses them now, and run this again.")
					}
				}
				return err
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
