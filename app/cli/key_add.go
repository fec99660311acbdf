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
func (p keyParts) read(ctx context.Context, t *terminal, names [3]string) (vault.Credential, error) {
	var parts [3]vault.Secret
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
		parts[i] = vault.NewSecret([]byte(strings.TrimSpace(text)))
	}
	return vault.Credential{Key: parts[0], Secret: parts[1], Passphrase: parts[2]}, nil
}

// partNames are the words for an entry's parts.
func partNames(e vault.Entry) [3]string {
	if p, ok := vault.ProviderOf(e.Provider); ok {
		return p.Parts
	}
	switch e.Scheme {
	case vault.SchemeHeader, vault.SchemeQuery:
		return [3]string{"", "Secret to keep", ""}
	case vault.SchemeOKX:
		return [3]string{"Key name", "Secret to keep", "Passphrase"}
	}
	return [3]string{"Key name", "Secret to keep", ""}
}

func keyAddCommand() command {
	return command{
		name:    "key add",
		summary: "Keep a password or key in the keyring; Goldpan uses it and never shows it.",
		usage:   "ID [--kind pool|node|pool-api|exchange|token|gateway] [--provider NAME] [--environment live|test|practice] [--name TEXT] [--secret-file F] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			kind := f.String("kind", "", "`KIND` of key: pool (a pool's password; the default), node, pool-api, exchange, token (for --api-token-key) or gateway")
			provider := f.String("provider", "", "`NAME` of the exchange or pool whose key it is: "+providerNames()+"; tells how to make one with the least rights")
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
					Endpoint: *endpoint, Scheme: vault.Scheme(*scheme), Field: *field, Pin: *pin, RotateDays: *days}
				if err := completeEntry(&e); err != nil {
					return err
				}
				if *expires != "" {
					if e.Expires, err = time.Parse(time.DateOnly, *expires); err != nil {
						return usagef("--expires: a date such as 2027-01-31")
					}
				}
				return t.deskKeys(ctx, store, func(d *desk.Desk, v *vault.Vault) error {
					if e.Scheme == "" {
						return t.keepOne(ctx, v, e, *parts.secret)
					}
					if p, ok := vault.ProviderOf(e.Provider); ok && !t.json {
						t.say("How to make a key at %s that can do as little as possible:", p.Title)
						for i, step := range p.Steps {
							t.say("  %d. %s", i+1, step)
						}
					}
					c, err := parts.read(ctx, t, partNames(e))
					if err != nil {
						return err
					}
					defer c.Wipe()
					b := d.Broker(v)
					defer b.Close()
					if e.Permissions, err = t.judge(ctx, d, b, e, c, *untested, *override); err != nil {
						return err
					}
					if !e.Permissions.Expires.IsZero() {
						e.Expires = e.Permissions.Expires
					}
					e.Override = *override && (e.Permissions.Withdraw == vault.Yes || e.Permissions.Transfer == vault.Yes)
					secret, err := c.Encode()
					if err != nil {
						return err
					}
					defer secret.Wipe()
					e, err := v.Add(ctx, e, secret)
					if err != nil {
						return err
					}
					t.print(keyRecord(e), "%s is kept in the %s. Goldpan uses it and never shows it.", e.ID, v.StoreName())
					return nil
				})
			}
		},
	}
}

// completeEntry fills in what the provider's name tells.
func completeEntry(e *vault.Entry) error {
	if e.Provider != "" {
		p, ok := vault.ProviderOf(e.Provider)
		if !ok {
			return usagef("--provider: %s", providerNames())
		}
		if e.Kind == "" {
			e.Kind = p.Kind
		}
		if e.Scheme == "" {
			e.Scheme = p.Scheme
		}
		if e.Field == "" {
			e.Field = p.Field
		}
		if origins := p.Origins(e.Environment); e.Endpoint == "" {
			if len(origins) == 0 {
				return usagef("%s has nothing for tests: --environment live", p.Title)
			}
			e.Endpoint = origins[0]
		}
		if e.Name == "" {
			e.Name = p.Title
		}
	}
	if e.Kind == "" {
		e.Kind = vault.KindPool
	}
	if e.Name == "" {
		e.Name = e.ID
	}
	switch e.Kind {
	case vault.KindPool, vault.KindNode, vault.KindPoolAPI, vault.KindExchange, vault.KindToken, vault.KindGateway:
	default:
		return usagef("--kind: pool, node, pool-api, exchange, token or gateway")
	}
	if (e.Kind == vault.KindExchange || e.Kind == vault.KindPoolAPI) && e.Scheme == "" {
		return usagef("a key of an exchange or a pool needs --provider (%s), or --endpoint and --scheme", providerNames())
	}
	switch e.Environment {
	case vault.Live, vault.Test, vault.Practice:
	default:
		return usagef("--environment: live, test or practice")
	}
	return nil
}

func providerNames() string {
	var names []string
	for _, p := range vault.Providers() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// keepOne keeps a secret of one part.
func (t *terminal) keepOne(ctx context.Context, v *vault.Vault, e vault.Entry, file string) error {
	text, err := t.secret(ctx, file, "Secret to keep")
	if err != nil {
		return err
	}
	secret := vault.NewSecret([]byte(text))
	defer secret.Wipe()
	e, err = v.Add(ctx, e, secret)
	if err != nil {
		return err
	}
	t.print(keyRecord(e), "%s is kept in the %s. Goldpan uses it and never shows it%s.", e.ID, v.StoreName(), namedWith(e))
	return nil
}

var errUntested = errors.New("its provider could not be asked what this key may do")

// judge asks the provider what a new key may do, and refuses one that may do too
// much.
func (t *terminal) judge(ctx context.Context, d *desk.Desk, b *vault.Broker, e vault.Entry, c vault.Credential, untested, override bool) (vault.Permissions, error) {
	p, err := d.KeyPermissions(ctx, e, b.Try(e, c))
	if errors.Is(err, desk.ErrCannotTell) {
		t.say("What this key may do cannot be read from its provider. Look there yourself that it can look, and nothing more.")
		return vault.Permissions{}, nil
	}
	if err != nil && untested && (errors.Is(err, vault.ErrUnsent) || errors.Is(err, vault.ErrUnanswered)) {
		t.say("The key was not tested: %v.", err)
		return vault.Permissions{}, nil
	}
	if err != nil {
		return p, errors.Join(errUntested, err)
	}
	warnings, err := desk.JudgeKey(e.Provider, p, override)
	for _, w := range warnings {
		t.say("%s", w)
	}
	return p, err
}

// namedWith tells which option takes the id of a key, where there is one.
func namedWith(e vault.Entry) string {
	option := map[vault.Kind]string{vault.KindPool: "--password-key", vault.KindNode: "--node-password-key", vault.KindToken: "--api-token-key"}[e.Kind]
	if option == "" {
		return ""
	}
	return ": name it with " + option + " " + e.ID
}
