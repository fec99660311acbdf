//go:build !js

package vault

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// token is an access token, which is kept in memory alone.
type token struct {
	access Secret
	ends   time.Time
}

// tokenEarly is how long before its end a token is renewed.
const tokenEarly = 30 * time.Second

// accessToken gives the access token of an OAuth 2.0 entry, and renews it by
// the refresh token (RFC 6749, section 6) when it ends. A new refresh token
// takes the place of the old in the store before anything else is done with it.
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
	if ok && b.v.now().Before(t.ends.Add(-tokenEarly)) {
		return t.access, nil
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {string(c.Secret.Expose())}, "client_id": {string(c.Key.Expose())}}
	answer, err := b.tokenRequest(ctx, e, c, form)
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
	t = token{NewSecret([]byte(answer.AccessToken)), b.v.now().Add(time.Duration(answer.ExpiresIn) * time.Second)}
	b.mu.Lock()
	b.tokens[e.ID] = t
	b.mu.Unlock()
	return t.access, nil
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
		strings.ContainsAny(a.AccessToken, "\r\n ") || a.ExpiresIn < 0 {
		return tokenAnswer{}, &Error{Store: u.Host, Detail: "its answer is no token", Err: ErrDamaged}
	}
	a.ExpiresIn = min(a.ExpiresIn, 24*3600)
	return a, nil
}
