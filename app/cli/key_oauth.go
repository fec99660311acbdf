package main

import (
	"context"
	"flag"
	"strings"

	"goldpan/app/desk"
	"goldpan/vault"
)

// oauthChoice are the flags that say how an account is connected by OAuth 2.0.
type oauthChoice struct {
	client, authorize, token, scopes, redirect, secret *string
	port                                               *int
}

func oauthFlags(f *flag.FlagSet) oauthChoice {
	return oauthChoice{
		client:    f.String("client-id", "", "`ID` of the client that you registered with the provider, for --kind oauth; Goldpan has none of its own"),
		authorize: f.String("authorize-url", "", "`ADDRESS` of the page on which you agree, for --kind oauth"),
		token:     f.String("token-url", "", "`ADDRESS` at which tokens are exchanged, for --kind oauth"),
		scopes:    f.String("scopes", "", "`NAMES` of what is asked for, with spaces between, for --kind oauth; no more than you need"),
		redirect:  f.String("redirect-path", "/", "`PATH` of the address on this machine that the provider sends you back to, for --kind oauth"),
		port:      f.Int("redirect-port", 0, "`PORT` of that address, for a provider that wants to know it beforehand; a free one if not given"),
		secret:    f.String("client-secret-file", "", "`FILE` that holds the client's own secret, for providers that give out one; - is standard input"),
	}
}

// check refuses these flags for keys of other kinds, and asks for those that are needed.
func (o oauthChoice) check(kind vault.Kind) error {
	given := *o.client != "" || *o.authorize != ""
	switch {
	case kind != vault.KindOAuth && (given || *o.scopes != "" || *o.secret != "" || *o.token != "" || *o.port != 0):
		return usagef("these options are for --kind oauth")
	case kind == vault.KindOAuth && (*o.client == "" || *o.authorize == ""):
		return usagef("an account is connected with --client-id and --authorize-url, and when it is new --token-url and --endpoint")
	}
	return nil
}

// connect leads a person over the provider's page, and keeps what it gives.
func (t *terminal) connect(ctx context.Context, d *desk.Desk, v *vault.Vault, e vault.Entry, o oauthChoice) error {
	client := vault.OAuthClient{AuthorizeURL: *o.authorize, ID: *o.client, Scopes: strings.Fields(*o.scopes), Redirect: *o.redirect, Port: *o.port}
	if *o.secret != "" {
		text, err := t.secret(ctx, *o.secret, "The client's secret")
		if err != nil {
			return err
		}
		client.Secret = vault.NewSecret([]byte(text))
		defer client.Secret.Wipe()
	}
	e, err := d.ConnectKey(ctx, v, e, client, func(address string) error {
		t.emit(record{"type": "open", "url": address})
		t.say("Open this page in your browser on this machine, look that it is the provider's own, and agree there:\n\n  %s\n\nGoldpan waits for %d minutes.", address, int(vault.AuthorizeTimeout.Minutes()))
		return nil
	})
	if err != nil {
		return err
	}
	t.print(keyRecord(e), "The account is connected as %s, and its token is kept in the %s.", e.ID, v.StoreName())
	t.say("This was tried with no provider yet, only a double: if something is odd, look at the provider's own page.")
	return nil
}
