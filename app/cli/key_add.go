package main

import (
	"context"
	"errors"
	"flag"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
)

// keyParts are the flags that say where the parts of a provider's key are.
type keyParts struct{ key, secret, third *string }

func partFlags(f *flag.FlagSet) keyParts {
	return keyParts{
		f.String("key-file", "", "`FILE` that holds the part of a provider's key that names it; - is standard input; if not given it is asked for without echo"),
		f.String("secret-file", "", "`FILE` that holds the secret; - is standard input; if not given it is asked for without echo"),
		f.String("third-file", "", "`FILE` that holds the third part, where a provider has one, such as a passphrase"),
	}
}

// check says whether standard input would have to give more than one secret.
func (p keyParts) check(c storeChoice) error {
	n := 0
	for _, file := range []string{*p.key, *p.secret, *p.third, *c.passphraseFile} {
		if file == "-" {
			n++
		}
	}
	if n > 1 {
		return usagef("standard input can hold one secret, not two")
	}
	return nil
}

// read asks for the parts by the provider's own words.
func (p keyParts) read(ctx context.Context, t *terminal, e vault.Entry) (vault.Credential, error) {
	var parts [3]vault.Secret
	names := desk.KeyParts(e)
	for i, file := range []string{*p.key, *p.secret, *p.third} {
		if names[i] == "" {
			if file != "" {
				return vault.Credential{}, usagef("this provider's key has no such part: --%s", []string{"key-file", "secret-file", "third-file"}[i])
			}
			continue
		}
		text, err := t.secret(ctx, file, names[i])
		if err != nil {
			return vault.Credential{}, err
		}
		if e.Scheme != "" {
			text = strings.TrimSpace(text) // a password may begin with a space, a key never does
		}
		parts[i] = vault.NewSecret([]byte(text))
	}
	return vault.Credential{Key: parts[0], Secret: parts[1], Passphrase: parts[2]}, nil
}

func keyAddCommand() command {
	return command{
		name:    "key add",
		summary: "Keep a password or key in the keyring; Goldpan uses it and never shows it.",
		usage:   "ID [--kind pool|node|pool-api|exchange|token|gateway|oauth] [--provider NAME] [--environment live|test|practice] [--name TEXT] [--secret-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			kind := f.String("kind", "", "`KIND` of key: pool (a pool's password; the default), node, pool-api, exchange, token (for --api-token-key), gateway, or oauth (an account that you connect on its provider's page)")
			provider := f.String("provider", "", "`NAME` of the exchange or pool whose key it is: "+desk.ProviderNames()+"; tells how to make one with the least rights")
			environment := f.String("environment", string(vault.Live), "`WHERE` it is for: live, test or practice")
			name := f.String("name", "", "`TEXT` that tells you what it is; the id if not given")
			endpoint := f.String("endpoint", "", "`ADDRESS` that the key is sent to, https:// and a host; the provider's own if not given")
			scheme := f.String("scheme", "", "`HOW` requests are signed; the provider's own if not given")
			field := f.String("field", "", "`NAME` of the header or of the query's parameter, for --scheme header and query")
			pin := f.String("pin", "", "`PIN` of the endpoint's public key: sha256: and base64")
			expires := f.String("expires", "", "`DATE` on which its provider ends it, such as 2027-01-31")
			days := f.Int("rotate", 0, "`DAYS` until you are reminded to replace it; 90 if not given, -1 for never")
			untested := f.Bool("untested", false, "keep the key although its provider cannot be asked what it may do")
			override := f.Bool("although-it-can-withdraw", false, "keep the key although it can move money away; this is noted")
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
				e := vault.Entry{ID: id, Name: *name, Kind: vault.Kind(*kind), Environment: vault.Environment(*environment), Provider: *provider,
					Endpoint: *endpoint, Scheme: vault.Scheme(*scheme), Field: *field, Pin: *pin, RotateDays: *days, TokenURL: *oauth.token}
				if err := oauth.check(e.Kind); err != nil {
					return err
				}
				if err := desk.CompleteKey(&e); errors.Is(err, desk.ErrKeyForm) {
					return usagef("%v", err)
				} else if err != nil {
					return err
				}
				if *expires != "" {
					if e.Expires, err = time.Parse(time.DateOnly, *expires); err != nil {
						return usagef("--expires: a date such as 2027-01-31")
					}
				}
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					if e.Kind == vault.KindOAuth {
						return t.connect(ctx, d, v, e, oauth)
					}
					if title, steps := desk.KeySteps(e); len(steps) > 0 && !t.json {
						t.say("How to make a key at %s that can do as little as possible:", title)
						for i, step := range steps {
							t.say("  %d. %s", i+1, step)
						}
					}
					c, err := parts.read(ctx, t, e)
					if err != nil {
						return err
					}
					defer c.Wipe()
					e, words, err := d.AddKey(ctx, v, e, c, desk.KeyTerms{Untested: *untested, Override: *override})
					t.tell(words)
					if err != nil {
						return err
					}
					t.print(keyRecord(e), "%s is kept in the %s. Goldpan uses it and never shows it%s.", e.ID, v.StoreName(), namedWith(e))
					t.say("If you copied it from a page, your clipboard still holds it: copy something else.")
					return nil
				})
			}
		},
	}
}

// tell says what a person should know of a key.
func (t *terminal) tell(words desk.KeyWords) {
	for _, w := range append(words.Problems, words.Notes...) {
		t.say("%s", w)
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
