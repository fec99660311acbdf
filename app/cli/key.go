package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
	"goldpan/vault/sealed"
)

// storeChoice are the flags that say where keys are.
type storeChoice struct {
	store, passphraseFile *string
	passphraseFD          *uint
}

func storeFlags(f *flag.FlagSet) storeChoice {
	return storeChoice{
		f.String("store", "", "`WHERE` keys are kept: keyring, or file for a file sealed by a passphrase; if not given, the keyring where there is one"),
		f.String("passphrase-file", "", "`FILE` that holds the passphrase of a sealed file; - is standard input"),
		f.Uint("passphrase-fd", 0, "`NUMBER` of an open file descriptor that gives the passphrase of a sealed file, 3 or more"),
	}
}

// keys opens the vault for the length of work.
func (t *terminal) keys(ctx context.Context, c storeChoice, work func(*vault.Vault) error) error {
	return t.deskKeys(ctx, c, func(_ *desk.Desk, v *vault.Vault) error { return work(v) })
}

// deskKeys opens the vault and the desk for the length of work.
func (t *terminal) deskKeys(ctx context.Context, c storeChoice, work func(*desk.Desk, *vault.Vault) error) error {
	switch desk.KeyStore(*c.store) {
	case desk.AutoStore, desk.KeyringStore, desk.FileStore:
	default:
		return usagef("--store: keyring or file")
	}
	d, err := desk.Open(t.data)
	if err != nil {
		return err
	}
	defer d.Close()
	v, err := t.openKeys(ctx, d, desk.KeyStore(*c.store), c)
	if err != nil {
		return err
	}
	return work(d, v)
}

// openKeys opens the vault of one store.
func (t *terminal) openKeys(ctx context.Context, d *desk.Desk, choice desk.KeyStore, c storeChoice) (*vault.Vault, error) {
	ask := func(ctx context.Context, create bool) (vault.Secret, error) {
		s, err := t.newSecret(ctx, *c.passphraseFile, "Passphrase of the sealed keys", create)
		if err != nil {
			return vault.Secret{}, err
		}
		return vault.NewSecret([]byte(s)), nil
	}
	if given := sealed.FromCredentials(); given != nil && *c.passphraseFile == "" {
		ask = given // systemd handed it to this service
	}
	if *c.passphraseFD != 0 {
		if *c.passphraseFD < 3 || *c.passphraseFile != "" {
			return nil, usagef("--passphrase-fd: 3 or more, and not with --passphrase-file")
		}
		ask = sealed.FromDescriptor(uintptr(*c.passphraseFD))
	}
	d.OnKeyAlert(func(a vault.Alert) { t.say("%s", desk.AlertWords(a)) })
	return d.Keys(ctx, choice, ask, func(note string) { t.say("%s", note) })
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
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					keys, err := d.ListKeys(ctx, v)
					alerts := 0
					for _, k := range keys {
						t.print(viewRecord(k), "%-24s %-9s %-9s %-8s %s", k.ID, k.Kind, k.Environment, k.Standing(time.Now()), k.Name)
						for _, a := range k.Alerts {
							t.say("  ! %s", alertLine(a))
							alerts++
						}
					}
					if len(keys) == 0 && err == nil {
						t.say("No key is kept yet. Add one with goldpan key add ID.")
					}
					if err != nil {
						return err
					}
					t.emit(record{"type": "done", "keys": len(keys), "alerts": alerts})
					return nil
				})
			}
		},
	}
}

// onKey is a command about one key that is kept.
func onKey(name, summary string, work func(ctx context.Context, t *terminal, d *desk.Desk, v *vault.Vault, k desk.KeyView) error) command {
	return command{
		name: name, summary: summary, usage: "ID [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					k, altered := d.ShowKey(ctx, v, id)
					if k.ID == "" {
						return altered
					}
					// A record that was altered hides no key, and stops no revoking; it is told.
					return errors.Join(work(ctx, t, d, v, k), altered)
				})
			}
		},
	}
}

func keyShowCommand() command {
	return onKey("key show", "Show everything about a key but its secret.", func(_ context.Context, t *terminal, _ *desk.Desk, v *vault.Vault, k desk.KeyView) error {
		t.print(viewRecord(k), "%s", describe(k, v.StoreName()))
		return nil
	})
}

func keyRevokeCommand() command {
	return onKey("key revoke", "Delete a key's secret for good. The entry stays as a record.", func(ctx context.Context, t *terminal, _ *desk.Desk, v *vault.Vault, k desk.KeyView) error {
		if err := v.Revoke(ctx, k.ID); err != nil {
			return err
		}
		e, err := v.Show(ctx, k.ID)
		if err != nil {
			return err
		}
		t.print(keyRecord(e), "%s is revoked here: its secret is deleted. Change or delete it at the pool or exchange too.", k.ID)
		return nil
	})
}

// alertLine tells of an alert on one line.
func alertLine(a vault.Alert) string {
	return a.Time.Local().Format(time.DateTime) + "  " + a.Text
}

// viewRecord is keyRecord with the key's alerts.
func viewRecord(k desk.KeyView) record {
	r := keyRecord(k.Entry)
	if len(k.Alerts) > 0 {
		var list []record
		for _, a := range k.Alerts {
			list = append(list, record{"time": a.Time.UTC().Format(time.RFC3339), "reason": a.Reason, "text": a.Text})
		}
		r["alerts"] = list
	}
	return r
}

// describe says everything about a key but its secret.
func describe(k desk.KeyView, store string) string {
	e := k.Entry
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s  %s\n", name, value)
		}
	}
	date := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format(time.RFC3339)
	}
	used := "never"
	if !e.LastUsed.IsZero() {
		used = date(e.LastUsed)
	}
	line("id", e.ID)
	line("name", e.Name)
	line("kind", string(e.Kind))
	line("environment", string(e.Environment))
	line("state", string(e.Standing(time.Now())))
	line("provider", e.Provider)
	line("used at", e.Endpoint)
	if e.Scheme != "" {
		may := "not asked yet"
		if !e.Permissions.Seen.IsZero() {
			may = fmt.Sprintf("%s (asked %s)", e.Permissions, date(e.Permissions.Seen))
		}
		line("may", may)
	}
	line("created", date(e.Created))
	line("replaced", date(e.Rotated))
	line("last used", used)
	line("replace by", date(e.RotationDue()))
	line("ends", date(e.Expires))
	line("fingerprint", e.Fingerprint)
	line("kept in", store)
	line("secret", "never shown")
	for _, a := range k.Alerts {
		line("watch out", alertLine(a))
	}
	return strings.TrimRight(b.String(), "\n")
}

func keyRecord(e vault.Entry) record {
	r := record{"type": "key", "id": e.ID, "name": e.Name, "kind": e.Kind, "environment": e.Environment, "state": e.Standing(time.Now()),
		"created": e.Created.UTC().Format(time.RFC3339), "fingerprint": e.Fingerprint}
	for name, at := range map[string]time.Time{"last_used": e.LastUsed, "rotated": e.Rotated, "due": e.RotationDue(), "expires": e.Expires} {
		if !at.IsZero() {
			r[name] = at.UTC().Format(time.RFC3339)
		}
	}
	for name, text := range map[string]string{"provider": e.Provider, "endpoint": e.Endpoint, "scheme": string(e.Scheme)} {
		if text != "" {
			r[name] = text
		}
	}
	if !e.Permissions.Seen.IsZero() {
		r["permissions"] = e.Permissions
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
