package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
)

func keyAuditCommand() command {
	return command{
		name:    "key audit",
		summary: "Show every use of your keys, after looking that nobody altered the record.",
		usage:   "[--key ID] [--last N] [--export FILE] [--set-aside] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			key := f.String("key", "", "`ID` of the one key to show")
			last := f.Int("last", 50, "`NUMBER` of newest lines to show; 0 for all")
			export := f.String("export", "", "`FILE` to write all of it to, a JSON object a line")
			aside := f.Bool("set-aside", false, "keep a record that was altered under another name, and begin a new one")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *last < 0 {
					return usagef("--last: 0 or more")
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					if *aside {
						path, err := v.SetAuditAside(ctx)
						if err != nil {
							return err
						}
						t.print(record{"type": "audit-aside", "file": path}, "A new record begins. The old one is kept as %s.", path)
						return nil
					}
					records, err := v.Audit(ctx)
					if err != nil {
						return err
					}
					if *export != "" {
						if err := desk.WriteAudit(*export, records); err != nil {
							return err
						}
						t.say("%d lines are in %s. They hold no secret.", len(records), *export)
					}
					alerts := t.showAudit(records, *key, *last)
					t.emit(record{"type": "done", "records": len(records), "alerts": alerts})
					t.say("%s, none altered. %s", some(len(records), "line"), storeLimits(v))
					return nil
				})
			}
		},
	}
}

// storeLimits says what the record cannot show.
func storeLimits(v *vault.Vault) string {
	if v.StoreName() == "keyring" {
		return "The keyring holds the newest, so that a line cut off or an older copy would show."
	}
	return "The newest is held beside the keys in the sealed file: a cut or altered record shows, but not an older copy of the whole folder."
}

// showAudit prints the newest records, and counts alerts.
func (t *terminal) showAudit(records []vault.Record, key string, last int) (alerts int) {
	var shown []vault.Record
	for _, r := range records {
		if r.Action == vault.ActionAlert {
			alerts++
		}
		if key == "" || r.Key == key {
			shown = append(shown, r)
		}
	}
	if last > 0 && len(shown) > last {
		shown = shown[len(shown)-last:]
	}
	for _, r := range shown {
		line := record{"type": "audit", "n": r.N, "time": r.Time.UTC().Format(time.RFC3339Nano), "action": r.Action}
		for name, text := range map[string]string{"who": r.Who, "key": r.Key, "host": r.Host, "method": r.Method, "path": r.Path, "outcome": r.Outcome, "note": r.Note} {
			if text != "" {
				line[name] = text
			}
		}
		if r.Host != "" {
			line["ms"] = r.Millis
		}
		where := strings.TrimSpace(r.Method + " " + r.Host + r.Path)
		t.print(line, "%s", strings.Join(strings.Fields(fmt.Sprintln(r.Time.Local().Format(time.DateTime), r.Action, r.Key, where, r.Outcome, r.Who, r.Note)), " "))
	}
	return alerts
}

func keyMoveCommand() command {
	return command{
		name:    "key move",
		summary: "Move all keys to another store: each is checked there before it is deleted here.",
		usage:   "--to keyring|file [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			to := f.String("to", "", "`WHERE` the keys go: keyring, or file for a file sealed by a passphrase")
			passphrase := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				from := map[string]string{"keyring": "file", "file": "keyring"}[*to]
				if from == "" {
					return usagef("--to: keyring or file")
				}
				if *passphrase.store != "" && *passphrase.store != from {
					return usagef("the keys are moved from the %s", from)
				}
				source := passphrase
				source.store = &from
				return t.deskKeys(ctx, source, func(d *desk.Desk, a *vault.Vault) error {
					b, err := t.openKeys(ctx, d, desk.KeyStore(*to), passphrase)
					if err != nil {
						return err
					}
					moved, err := d.MoveKeys(ctx, a, b, desk.KeyStore(*to))
					if err != nil {
						return err
					}
					t.print(record{"type": "done", "moved": moved, "to": *to}, "Moved %s: in the %s now, and no longer in the %s.", some(len(moved), "key"), b.StoreName(), a.StoreName())
					return nil
				})
			}
		},
	}
}

// readExport reads a file of at most what an export can be.
func readExport(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxExport+1))
}

// maxExport bounds what is read of an export, in bytes; the vault refuses what is
// longer.
const maxExport = 4 << 20

func keyExportCommand() command {
	return command{
		name:    "key export",
		summary: "Write all keys to a file, encrypted: under a passphrase, or for an age recipient.",
		usage:   "--to FILE [--recipient age1… | --export-passphrase-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			to := f.String("to", "", "`FILE` to write; it must not be there yet")
			recipient := f.String("recipient", "", "`AGE1…` recipient of age who can open it; under a passphrase if not given")
			file := f.String("export-passphrase-file", "", "`FILE` that holds the passphrase of the export; - is standard input")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *to == "" {
					return usagef("--to FILE is needed")
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					o := vault.ExportOptions{Recipient: *recipient}
					if *recipient == "" {
						text, err := t.newSecret(ctx, *file, "Passphrase for the export", true)
						if err != nil {
							return err
						}
						o.Passphrase = vault.NewSecret([]byte(text))
						defer o.Passphrase.Wipe()
					}
					// The file first: an export that nobody has is in no record.
					out, err := os.OpenFile(*to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
					if err != nil {
						return err
					}
					data, err := v.Export(ctx, o)
					if err == nil {
						_, err = out.Write(data)
					}
					if e := out.Sync(); err == nil {
						err = e
					}
					if e := out.Close(); err == nil {
						err = e
					}
					if err != nil {
						os.Remove(*to)
						return err
					}
					t.print(record{"type": "done", "file": *to}, "Your keys are in %s, encrypted. Goldpan and the age program can open it; keep it and what opens it apart.", *to)
					return nil
				})
			}
		},
	}
}

func keyImportCommand() command {
	return command{
		name:    "key import",
		summary: "Take keys from an encrypted file that goldpan key export wrote.",
		usage:   "FILE [--identity-file F | --export-passphrase-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			identity := f.String("identity-file", "", "`FILE` with the age identity that opens it")
			file := f.String("export-passphrase-file", "", "`FILE` that holds the passphrase of the export; - is standard input")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if len(args) != 1 {
					return usagef("the name of one file is needed")
				}
				data, err := readExport(args[0])
				if err != nil {
					return err
				}
				return t.keys(ctx, store, func(v *vault.Vault) error {
					var identities, passphrase vault.Secret
					if *identity != "" {
						text, err := t.secret(ctx, *identity, "Identity")
						if err != nil {
							return err
						}
						identities = vault.NewSecret([]byte(text))
					} else {
						text, err := t.secret(ctx, *file, "Passphrase of the export")
						if err != nil {
							return err
						}
						passphrase = vault.NewSecret([]byte(text))
					}
					defer identities.Wipe()
					defer passphrase.Wipe()
					taken, err := v.Import(ctx, data, identities, passphrase)
					if err != nil {
						return err
					}
					t.print(record{"type": "done", "keys": taken}, "Took %s that the %s did not have.", some(len(taken), "key"), v.StoreName())
					return nil
				})
			}
		},
	}
}
