package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldpan/vault"
	"goldpan/vault/policy"
)

// ErrKeyForm says that what was given makes no key.
var ErrKeyForm = errors.New("this makes no key")

// ErrUntested says that a provider could not be asked what a key may do.
var ErrUntested = errors.New("its provider could not be asked what this key may do")

// KeyTerms are what a person says of a key that is to be kept.
type KeyTerms struct {
	Untested bool // keep it although its provider cannot be reached
	Override bool // keep it although it can move money away; this is noted
	// Pasted, if not nil, is the clipboard that the key may have been pasted from: it
	// is emptied after a while if it still holds a part of it.
	Pasted Clipboard
}

// KeyWords are what a person is told of a key.
type KeyWords struct {
	Problems []string // they want something done, and say what
	Notes    []string // they want nothing done
}

func formError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrKeyForm, fmt.Sprintf(format, args...))
}

// ProviderNames lists those whose keys Goldpan knows, as in Entry.Provider.
func ProviderNames() string {
	var names []string
	for _, p := range vault.Providers() {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// CompleteKey fills in what the provider's name tells of a key, and otherwise what is
// common. An error is ErrKeyForm.
func CompleteKey(e *vault.Entry) error {
	if e.Provider != "" {
		p, ok := vault.ProviderOf(e.Provider)
		if !ok {
			return formError("the provider is one of %s", ProviderNames())
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
				return formError("%s has nothing for tests: its keys are live", p.Title)
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
	case vault.KindPool, vault.KindNode, vault.KindToken, vault.KindGateway:
	case vault.KindExchange, vault.KindPoolAPI:
		if e.Scheme == "" {
			return formError("a key of an exchange or a pool needs its provider (%s), or an endpoint and how it signs", ProviderNames())
		}
	case vault.KindOAuth:
		e.Scheme = vault.SchemeOAuth
		if e.Endpoint == "" || e.TokenURL == "" {
			return formError("an account that is connected by OAuth needs the address of the API and the one for tokens")
		}
	default:
		return formError("the kind is pool, node, pool-api, exchange, token, gateway or oauth")
	}
	switch e.Environment {
	case vault.Live, vault.Test, vault.Practice:
	default:
		return formError("the environment is live, test or practice")
	}
	return nil
}

// KeySteps tell a person how to make a key with the least rights at its provider, in
// order; none where nothing is known.
func KeySteps(e vault.Entry) (title string, steps []string) {
	p, ok := vault.ProviderOf(e.Provider)
	if !ok {
		return "", nil
	}
	return p.Title, p.Steps
}

// KeyParts are the words for the parts of a key, in the order of vault.Credential; ""
// for a part that it does not have.
func KeyParts(e vault.Entry) [3]string {
	if p, ok := vault.ProviderOf(e.Provider); ok {
		return p.Parts
	}
	switch e.Scheme {
	case "", vault.SchemeHeader, vault.SchemeQuery:
		return [3]string{"", "Secret to keep", ""}
	case vault.SchemeOKX:
		return [3]string{"Key name", "Secret to keep", "Passphrase"}
	}
	return [3]string{"Key name", "Secret to keep", ""}
}

// encode makes of a key's parts what the vault keeps.
func encode(e vault.Entry, c vault.Credential) (vault.Secret, error) {
	if e.Scheme == "" {
		return c.Secret, nil
	}
	return c.Encode()
}

// AddKey keeps a key that CompleteKey completed, after its provider said what it may
// do. One that may move money is ErrTooMuchPower unless the terms allow it. The caller
// wipes c.
func (d *Desk) AddKey(ctx context.Context, v *vault.Vault, e vault.Entry, c vault.Credential, terms KeyTerms) (vault.Entry, KeyWords, error) {
	p, words, err := d.judgeNew(ctx, v, e, c, terms)
	if err != nil {
		return e, words, err
	}
	if e.Permissions = p; !p.Expires.IsZero() {
		e.Expires = p.Expires
	}
	e.Override = terms.Override && powerful(p)
	secret, err := encode(e, c)
	if err != nil {
		return e, words, err
	}
	defer secret.Wipe()
	if e, err = v.Add(ctx, e, secret); err == nil {
		d.forgetPasted(terms.Pasted, c)
	}
	return e, words, err
}

// RotateKey puts a new secret in the place of a key's own, after its provider took it.
// The caller wipes c.
func (d *Desk) RotateKey(ctx context.Context, v *vault.Vault, id string, c vault.Credential, terms KeyTerms) (vault.Entry, KeyWords, error) {
	e, err := v.Show(ctx, id)
	if err != nil {
		return e, KeyWords{}, err
	}
	secret, err := encode(e, c)
	if err != nil {
		return e, KeyWords{}, err
	}
	defer secret.Wipe()
	var p vault.Permissions
	var words KeyWords
	err = v.Rotate(ctx, id, secret, func(ctx context.Context) (err error) {
		p, words, err = d.judgeNew(ctx, v, e, c, terms)
		return err
	})
	if err != nil {
		return e, words, err
	}
	d.forgetPasted(terms.Pasted, c)
	if !p.Seen.IsZero() {
		if err := v.SetPermissions(ctx, id, p); err != nil {
			return e, words, err
		}
	}
	if powerful(p) {
		if err := v.Override(ctx, id); err != nil {
			return e, words, err
		}
	}
	e, err = v.Show(ctx, id)
	return e, words, err
}

func powerful(p vault.Permissions) bool { return p.Withdraw == vault.Yes || p.Transfer == vault.Yes }

// judgeNew asks the provider what a key may do that is not kept yet.
func (d *Desk) judgeNew(ctx context.Context, v *vault.Vault, e vault.Entry, c vault.Credential, terms KeyTerms) (vault.Permissions, KeyWords, error) {
	if e.Scheme == "" || e.Scheme == vault.SchemeOAuth {
		return vault.Permissions{}, KeyWords{}, nil
	}
	b := d.Broker(v)
	defer b.Close()
	p, err := d.KeyPermissions(ctx, e, b.Try(e, c))
	switch {
	case errors.Is(err, ErrCannotTell):
		return vault.Permissions{}, KeyWords{Notes: []string{cannotTell}}, nil
	case err != nil && terms.Untested && (errors.Is(err, vault.ErrUnsent) || errors.Is(err, vault.ErrUnanswered)):
		message, _ := Explain(err)
		return vault.Permissions{}, KeyWords{Problems: []string{"The key was not tested: " + message + ". Run goldpan key check later."}}, nil
	case err != nil:
		return p, KeyWords{}, errors.Join(ErrUntested, err)
	}
	words, err := judge(e.Provider, p, terms.Override)
	return p, words, err
}

const cannotTell = "What this key may do cannot be read from its provider. Look there yourself that it can look, and nothing more."

// judge says what is wrong with what a key may do.
func judge(provider string, p vault.Permissions, override bool) (words KeyWords, err error) {
	words.Problems, err = policy.Judge(provider, p, policy.Use{Override: override})
	words.Notes = policy.Notes(provider, p)
	return words, err
}

// ConnectKey lets a person connect an account by OAuth 2.0: open is given the address
// of the provider's page, on which they agree. It adds the entry, or where one of this
// id is kept gives it the new token. It was tried against a double alone.
func (d *Desk) ConnectKey(ctx context.Context, v *vault.Vault, e vault.Entry, client vault.OAuthClient, open func(address string) error) (vault.Entry, error) {
	kept, err := v.Show(ctx, e.ID)
	fresh := errors.Is(err, vault.ErrNotFound)
	switch {
	case err != nil && !fresh:
		return e, err
	case !fresh && kept.State == vault.Revoked:
		return e, fmt.Errorf("%s: %w", e.ID, vault.ErrRevoked)
	case !fresh && kept.Kind != vault.KindOAuth:
		return e, fmt.Errorf("%s: %w", e.ID, vault.ErrWrongKind)
	case !fresh:
		// A token goes to the addresses that the entry was made for.
		e = kept
	}
	client.Endpoint, client.TokenURL = e.Endpoint, e.TokenURL
	b := d.Broker(v)
	defer b.Close()
	c, err := b.Authorize(ctx, client, open)
	if err != nil {
		return e, err
	}
	defer c.Wipe()
	if fresh {
		e, _, err = d.AddKey(ctx, v, e, c, KeyTerms{})
	} else {
		e, _, err = d.RotateKey(ctx, v, e.ID, c, KeyTerms{})
	}
	return e, err
}

// AskPermissions asks the provider what a kept key may do, keeps the answer, and says
// what is more than it needs.
func (d *Desk) AskPermissions(ctx context.Context, v *vault.Vault, e vault.Entry) (vault.Permissions, KeyWords, error) {
	b := d.Broker(v)
	defer b.Close()
	p, err := d.KeyPermissions(ctx, e, b.Key(e.ID))
	if err != nil {
		return p, KeyWords{}, err
	}
	if err := v.SetPermissions(ctx, e.ID, p); err != nil {
		return p, KeyWords{}, err
	}
	words, err := judge(e.Provider, p, e.Override)
	return p, words, err
}

// KeyView is a key as a list shows it.
type KeyView struct {
	vault.Entry
	// Alerts are the newest of each reason within AlertSpan.
	Alerts []vault.Alert
}

// AlertSpan is how long an alert is shown beside its key. It stands in the record for
// good.
const AlertSpan = 30 * 24 * time.Hour

// ListKeys lists the keys, revoked ones too, with what was out of the ordinary. Where
// the record of uses was altered it gives the keys and the error.
func (d *Desk) ListKeys(ctx context.Context, v *vault.Vault) ([]KeyView, error) {
	entries, err := v.List(ctx)
	if err != nil {
		return nil, err
	}
	alerts, err := v.Alerts(ctx, time.Now().Add(-AlertSpan))
	views := make([]KeyView, len(entries))
	for i, e := range entries {
		views[i] = KeyView{Entry: e, Alerts: newestOf(alerts, e.ID)}
	}
	return views, err
}

func newestOf(alerts []vault.Alert, id string) (list []vault.Alert) {
	for _, a := range alerts {
		if a.Key == id {
			list = slices.DeleteFunc(list, func(b vault.Alert) bool { return b.Reason == a.Reason })
			list = append(list, a)
		}
	}
	return list
}

// ShowKey is ListKeys for one key.
func (d *Desk) ShowKey(ctx context.Context, v *vault.Vault, id string) (KeyView, error) {
	views, err := d.ListKeys(ctx, v)
	i := slices.IndexFunc(views, func(view KeyView) bool { return view.ID == id })
	if i < 0 {
		if err == nil {
			err = fmt.Errorf("%s: %w", id, vault.ErrNotFound)
		}
		return KeyView{}, err
	}
	return views[i], err
}

// KeyReport says how a key is.
type KeyReport struct {
	KeyView
	KeyWords
	Told bool // its provider says what it may do
}

// CheckKeys mends what a program that ended in between left behind, and looks after
// the keys of these ids, or all: whether they are kept, unaltered, not due, and what
// they may do. Revoked ones are passed over.
func (d *Desk) CheckKeys(ctx context.Context, v *vault.Vault, ids ...string) ([]KeyReport, error) {
	if err := v.Tidy(ctx); err != nil {
		return nil, err
	}
	views, err := d.ListKeys(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(views, func(view KeyView) bool { return view.ID == id }) {
			return nil, fmt.Errorf("%s: %w", id, vault.ErrNotFound)
		}
	}
	var reports []KeyReport
	for _, view := range views {
		if view.State == vault.Revoked || len(ids) > 0 && !slices.Contains(ids, view.ID) {
			continue
		}
		reports = append(reports, d.checkKey(ctx, v, view))
	}
	return reports, nil
}

func (d *Desk) checkKey(ctx context.Context, v *vault.Vault, view KeyView) KeyReport {
	r := KeyReport{KeyView: view}
	problem := func(format string, args ...any) { r.Problems = append(r.Problems, fmt.Sprintf(format, args...)) }
	failed := func(err error) {
		message, hint := Explain(err)
		problem("%s", strings.TrimSpace(message+". "+hint))
	}
	for _, a := range view.Alerts {
		switch a.Reason {
		case vault.AlertBurst, vault.AlertFailures, vault.AlertExpired:
			problem("On %s %s. If that was not you or Goldpan, replace it with goldpan key rotate %s; goldpan key audit --key %s shows each use.", a.Time.Local().Format(time.DateTime), a.Text, view.ID, view.ID)
		case vault.AlertNewHost:
			r.Notes = append(r.Notes, fmt.Sprintf("On %s %s.", a.Time.Local().Format(time.DateTime), a.Text))
		}
	}
	if err := v.CheckKey(ctx, view.ID); err != nil {
		failed(err)
		return r
	}
	switch view.Standing(time.Now()) {
	case vault.Due:
		since := view.Created
		if view.Rotated.After(since) {
			since = view.Rotated
		}
		problem("It is %d days old. Make a new one where it was issued, and enter it with goldpan key rotate %s.", int(time.Since(since).Hours()/24), view.ID)
	case vault.Expired:
		problem("Its provider ended it. Make a new one there, and enter it with goldpan key rotate %s.", view.ID)
		return r
	case vault.Locked:
		problem("It is locked. If you trust it, unlock it with goldpan key unlock %s.", view.ID)
		return r
	}
	if view.Scheme == "" {
		return r
	}
	_, words, err := d.AskPermissions(ctx, v, view.Entry)
	switch {
	case errors.Is(err, ErrCannotTell):
		r.Notes = append(r.Notes, cannotTell)
		return r
	case errors.Is(err, ErrTooMuchPower):
		problem("It can move money away. End it where it was made, and make one that can look alone.")
	case err != nil:
		failed(err)
		return r
	}
	r.Told = true
	r.Problems, r.Notes = append(r.Problems, words.Problems...), append(r.Notes, words.Notes...)
	return r
}
