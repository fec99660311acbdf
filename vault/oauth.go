//go:build !js

package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// token is an access token, which is kept in memory alone.
type token struct {
	access  Secret
	ends    time.Time
	rotated time.Time // when the entry's secret was last replaced by the person
}

// unsaidLife is how long a token is taken to hold whose provider does not say.
const unsaidLife = 300 // seconds

// tokenEarly is how long before its end a token is renewed.
const tokenEarly = 30 * time.Second

// accessToken gives the access token of an OAuth 2.0 entry, and renews it by
// the refresh token (RFC 6749, section 6) when it ends. A new refresh token
// takes the place of the old in the store before anything else is done with it. The
// caller wipes the token.
func (b *Broker) accessToken(ctx context.Context, e Entry, c Credential) (Secret, error) {
	// One at a time: most refresh tokens can be used once.
	release, err := b.turn(ctx, e.ID)
	if err != nil {
		return Secret{}, err
	}
	defer release()
	b.mu.Lock()
	t, ok := b.tokens[e.ID]
	b.mu.Unlock()
	if ok && t.rotated.Equal(e.Rotated) && b.v.now().Before(t.ends.Add(-tokenEarly)) {
		return NewSecret(bytes.Clone(t.access.Expose())), nil
	}
	// Another request may have renewed it since this one was lent the key: an old
	// refresh token, shown again, looks like a stolen one.
	kept, err := b.v.peek(ctx, e.ID)
	if err != nil {
		return Secret{}, err
	}
	c, err = decodeCredential(kept.Expose())
	kept.Wipe()
	if err != nil {
		return Secret{}, &Error{Store: vaultName, Detail: "this key has no parts to sign with", Hint: "Enter it anew with goldpan key rotate.", Err: ErrDamaged}
	}
	defer c.Wipe()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(c.Secret.Expose())}, "client_id": {string(c.Key.Expose())}}
	started := b.v.now()
	answer, err := b.tokenRequest(ctx, e, c, form)
	if noted := b.noteRenewal(ctx, e, started, err); noted != nil {
		return Secret{}, noted
	}
	if err != nil {
		return Secret{}, err
	}
	if answer.RefreshToken != "" && answer.RefreshToken != string(c.Secret.Expose()) {
		next := Credential{Key: c.Key, Secret: NewSecret([]byte(answer.RefreshToken)), Passphrase: c.Passphrase}
		encoded, err := next.Encode()
		if err != nil {
			return Secret{}, err
		}
		err = b.v.replace(context.WithoutCancel(ctx), e.ID, encoded, ActionRenew)
		encoded.Wipe()
		next.Secret.Wipe()
		if err != nil {
			return Secret{}, err
		}
	}
	t = token{NewSecret([]byte(answer.AccessToken)), b.v.now().Add(time.Duration(answer.ExpiresIn) * time.Second), e.Rotated}
	lent := NewSecret(bytes.Clone(t.access.Expose()))
	b.mu.Lock()
	b.tokens[e.ID] = t
	b.mu.Unlock()
	return lent, nil
}

// noteRenewal records that the refresh token was sent to the token's address: a use
// of the key like any other.
func (b *Broker) noteRenewal(ctx context.Context, e Entry, started time.Time, err error) error {
	u, bad := parseTokenURL(e.TokenURL)
	if bad != nil {
		return nil // nothing was sent
	}
	rec := Record{Action: ActionRequest, Key: e.ID, Who: "renew the token", Method: http.MethodPost, Host: u.Host, Path: u.EscapedPath(),
		Millis: b.v.now().Sub(started).Milliseconds(), Outcome: OutcomeOK}
	if err != nil {
		rec.Outcome = outcomeOf(Response{}, err)
	}
	return b.v.end(ctx, rec)
}

func (b *Broker) forgetToken(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Not wiped: another request may be using it just now.
	delete(b.tokens, id)
}

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
}

// tokenRequest asks the token endpoint (RFC 6749, section 3.2).
func (b *Broker) tokenRequest(ctx context.Context, e Entry, c Credential, form url.Values) (tokenAnswer, error) {
	u, err := parseTokenURL(e.TokenURL)
	if err != nil {
		return tokenAnswer{}, refuse("an address like this for tokens")
	}
	o := &Outgoing{Method: http.MethodPost, Scheme: u.Scheme, Host: u.Host, Path: u.EscapedPath(), Header: make(http.Header)}
	o.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	o.Header.Set("Accept", "application/json")
	if c.Passphrase.Len() > 0 {
		form.Set("client_secret", string(c.Passphrase.Expose()))
	}
	o.Body = []byte(form.Encode())
	defer Wipe(o.Body)
	place := Entry{Endpoint: u.Scheme + "://" + u.Host}
	if place.Endpoint == e.Endpoint {
		place.Pin = e.Pin
	}
	reply, err := b.exchange(ctx, place, o)
	if err != nil {
		return tokenAnswer{}, err
	}
	defer Wipe(reply.Body)
	if reply.Status != http.StatusOK {
		return tokenAnswer{}, &Error{Store: u.Host, Detail: "it did not renew the token", Hint: "Connect this account anew: its owner may have ended the connection.", Err: ErrExpired}
	}
	var a tokenAnswer
	if len(reply.Body) > 16<<10 || json.Unmarshal(reply.Body, &a) != nil || a.AccessToken == "" || !strings.EqualFold(a.TokenType, "Bearer") ||
		strings.ContainsFunc(a.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) || a.ExpiresIn < 0 {
		return tokenAnswer{}, &Error{Store: u.Host, Detail: "its answer is no token", Err: ErrDamaged}
	}
	if a.ExpiresIn == 0 {
		a.ExpiresIn = unsaidLife
	}
	a.ExpiresIn = min(a.ExpiresIn, 24*3600)
	return a, nil
}
