package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
)

// storeChoice are the flags that say where keys are.
type storeChoice struct{ store, passphraseFile *string }

func storeFlags(f *flag.FlagSet) storeChoice {
	return storeChoice{
		f.String("store", "", "`WHERE` keys are kept: keyring, or file for a file sealed by a passphrase; if not given, the keyring where there is one"),
		f.String("passphrase-file", "", "`FILE` that holds the passphrase of a sealed file; - is standard input"),
	}
}

// keys opens the vault for the length of work.
func (t *terminal) keys(ctx context.Context, c storeChoice, work func(*vault.Vault) error) error {
	choice := desk.KeyStore(*c.store)
	switch choice {
	case desk.AutoStore, desk.KeyringStore, desk.FileStore:
	default:
		return usagef("--store: keyring or file")
	}
	d, err := desk.Open(t.data)
	if err != nil {
		return err
	}
	defer d.Close()
	ask := func(ctx context.Context, create bool) (vault.Secret, error) {
		s, err := t.newSecret(ctx, *c.passphraseFile, "Passphrase of the sealed keys", create)
		if err != nil {
			return vault.Secret{}, err
		}
		return vault.NewSecret([]byte(s)), nil
	}
	v, err := d.Keys(ctx, choice, ask, func(note string) { t.say("%s", note) })
	if err != nil {
		return err
	}
	return work(v)
}

// poolPassword fetches the password that a pool is to be sent.
func (t *terminal) poolPassword(ctx context.Context, c storeChoice, id string) (password string, err error) {
	err = t.keys(ctx, c, func(v *vault.Vault) error {
		b, err := v.PoolPassword(ctx, id)
		password = string(b)
		vault.Wipe(b)
		return err
	})
	return password, err
}

// oneID takes the id that a key command is about.
func oneID(args []string) (string, error) {
	if len(args) != 1 {
		return "", usagef("the id of one key is needed")
	}
	return args[0], nil
}

func keyAddCommand() command {
	return command{
		name:    "key add",
		summary: "Keep a password or key in the keyring; Goldpan uses it and never shows it.",
		usage:   "ID [--kind pool|node|pool-api|exchange|token] [--environment live|test|practice] [--name TEXT] [--secret-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			kind := f.String("kind", string(vault.KindPool), "`KIND` of key: pool (a pool's password), node, pool-api, exchange or token (for --api-token-key)")
			environment := f.String("environment", string(vault.Live), "`WHERE` it is for: live, test or practice")
			name := f.String("name", "", "`TEXT` that tells you what it is; the id if not given")
			file := f.String("secret-file", "", "`FILE` that holds the secret; - is standard input; if not given it is asked for without echo")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				if *file == "-" && *store.passphraseFile == "-" {
					return usagef("standard input can hold one secret, not two")
				}
				switch vault.Kind(*kind) {
				case vault.KindPool, vault.KindNode, vault.KindPoolAPI, vault.KindExchange, vault.KindToken:
				default:
					return usagef("--kind: pool, node, pool-api, exchange or token")
				}
				switch vault.Environment(*environment) {
				case vault.Live, vault.Test, vault.Practice:
				default:
					return usagef("--environment: live, test or practice")
				}
				if *name == "" {
					*name = id
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					secret, err := t.secret(ctx, *file, "Secret to keep")
					if err != nil {
						return err
					}
					e, err := v.Add(ctx, vault.Entry{ID: id, Name: *name, Kind: vault.Kind(*kind), Environment: vault.Environment(*environment)}, vault.NewSecret([]byte(secret)))
					if err != nil {
						return err
					}
					t.print(keyRecord(e), "%s is kept in the %s. Goldpan uses it and never shows it%s.", e.ID, v.StoreName(), namedWith(e))
					return nil
				})
			}
		},
	}
}

// namedWith tells which option takes the id of a key, where there is one.
func namedWith(e vault.Entry) string {
	option := map[vault.Kind]string{vault.KindPool: "--password-key", vault.KindNode: "--node-password-key", vault.KindToken: "--api-token-key"}[e.Kind]
	if option == "" {
		return ""
	}
	return ": name it with " + option + " " + e.ID
}

func keyListCommand() command {
	return command{
		name:    "key list",
		summary: "List the keys that are kept, without their secrets.",
		usage:   "[--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					entries, err := v.List(ctx)
					if err != nil {
						return err
					}
					for _, e := range entries {
						t.print(keyRecord(e), "%-24s %-9s %-9s %-8s %s", e.ID, e.Kind, e.Environment, e.State, e.Name)
					}
					if len(entries) == 0 {
						t.say("No key is kept yet. Add one with goldpan key add ID.")
					}
					t.emit(record{"type": "done", "keys": len(entries)})
					return nil
				})
			}
		},
	}
}

func keyShowCommand() command {
	return command{
		name:    "key show",
		summary: "Show everything about a key but its secret.",
		usage:   "ID [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					e, err := v.Show(ctx, id)
					if err != nil {
						return err
					}
					used := "never"
					if !e.LastUsed.IsZero() {
						used = e.LastUsed.Format(time.RFC3339)
					}
					t.print(keyRecord(e), "id           %s\nname         %s\nkind         %s\nenvironment  %s\nstate        %s\ncreated      %s\nlast used    %s\nfingerprint  %s\nkept in      %s\nsecret       never shown",
						e.ID, e.Name, e.Kind, e.Environment, e.State, e.Created.Format(time.RFC3339), used, e.Fingerprint, v.StoreName())
					return nil
				})
			}
		},
	}
}

func keyRevokeCommand() command {
	return command{
		name:    "key revoke",
		summary: "Delete a key's secret for good. The entry stays as a record.",
		usage:   "ID [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					if err := v.Revoke(ctx, id); err != nil {
						return err
					}
					e, err := v.Show(ctx, id)
					if err != nil {
						return err
					}
					t.print(keyRecord(e), "%s is revoked here: its secret is deleted. Change or delete it at the pool or exchange too.", id)
					return nil
				})
			}
		},
	}
}

func keyRecord(e vault.Entry) record {
	r := record{"type": "key", "id": e.ID, "name": e.Name, "kind": e.Kind, "environment": e.Environment, "state": e.State,
		"created": e.Created.UTC().Format(time.RFC3339), "fingerprint": e.Fingerprint}
	if !e.LastUsed.IsZero() {
		r["last_used"] = e.LastUsed.UTC().Format(time.RFC3339)
	}
	return r
}

// newSecret asks for a secret; a new one is asked for twice when it is typed.
func (t *terminal) newSecret(ctx context.Context, file, prompt string, create bool) (string, error) {
	first, err := t.secret(ctx, file, prompt)
	if err != nil || !create {
		return first, err
	}
	if file == "" {
		second, err := t.secret(ctx, "", "The same again")
		if err != nil {
			return "", err
		}
		if second != first {
			return "", errDiffer
		}
	}
	if len([]rune(first)) < minPassphrase {
		return "", fmt.Errorf("%w: at least %d characters", desk.ErrPassphraseShort, minPassphrase)
	}
	return first, nil
}

const minPassphrase = 8

var errDiffer = errors.New("the two are not the same")
