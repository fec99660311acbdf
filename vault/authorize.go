//go:build !js

package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// OAuthClient is a program that the person registered with a provider. Goldpan
// has no client id of its own.
type OAuthClient struct {
	// AuthorizeURL is the page on which the person agrees: https, or a page of this
	// machine.
	AuthorizeURL string
	// TokenURL is where codes and refresh tokens are exchanged.
	TokenURL string
	// Endpoint is the API that the token is for.
	Endpoint string
	ID       string
	// Secret is for providers that want one although the client is a program on
	// somebody's own machine; it may be empty.
	Secret Secret
	// Scopes are what is asked for: no more than is needed.
	Scopes []string
	// Redirect is the path of the address that the provider sends the person
	// back to, on 127.0.0.1; "/" if empty.
	Redirect string
	// Port is for providers that know the port beforehand; zero takes a free one.
	Port int
}

// AuthorizeTimeout is how long the person has to agree.
const AuthorizeTimeout = 10 * time.Minute

// ErrDenied says that the person, or the provider, did not agree.
var ErrDenied = errors.New("not agreed to")

// Authorize lets the person connect an account: it listens on loopback (RFC 8252,
// section 7.3), hands open the address of the provider's page, and exchanges the
// code that comes back, with PKCE by S256 (RFC 7636) and a state that must
// return. It gives what to Add for an entry of KindOAuth: the refresh token. It
// was tested against a server of our own alone.
func (b *Broker) Authorize(ctx context.Context, c OAuthClient, open func(address string) error) (Credential, error) {
	page, err := url.Parse(c.AuthorizeURL)
	if err != nil || page.Fragment != "" || page.User != nil {
		return Credential{}, refuse("this page to agree on")
	}
	if _, err := parseOrigin(page.Scheme + "://" + page.Host); err != nil || c.ID == "" {
		return Credential{}, refuse("a page to agree on that is not https, or no client id")
	}
	if c.Redirect == "" {
		c.Redirect = "/"
	}
	if !strings.HasPrefix(c.Redirect, "/") || strings.ContainsAny(c.Redirect, "?#\\ \r\n") || c.Port < 0 || c.Port > 65535 {
		return Credential{}, refuse("a way back that is no path, or a port that there is not")
	}
	if _, err := parseTokenURL(c.TokenURL); err != nil {
		return Credential{}, refuse("an address like this for tokens")
	}
	ctx, cancel := context.WithTimeout(ctx, AuthorizeTimeout)
	defer cancel()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		return Credential{}, fmt.Errorf("vault: %w", err)
	}
	verifier, state := rand.Text()+rand.Text(), rand.Text() // 52 characters of 43 to 128
	challenge := sha256.Sum256([]byte(verifier))
	redirect := "http://" + l.Addr().String() + c.Redirect
	query := page.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": c.ID, "redirect_uri": redirect, "state": state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		query.Set(name, value)
	}
	if len(c.Scopes) > 0 {
		query.Set("scope", strings.Join(c.Scopes, " "))
	}
	page.RawQuery = query.Encode()

	type answer struct {
		code string
		err  error
	}
	answers := make(chan answer, 1)
	server := &http.Server{ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			// A page elsewhere may send the browser here; only the one that was
			// given this state has an answer.
			if r.Method != http.MethodGet || r.URL.Path != c.Redirect || r.Host != l.Addr().String() ||
				subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
				http.NotFound(w, r)
				return
			}
			a := answer{code: q.Get("code")}
			text := "Done. You can close this page and go back to Goldpan."
			if q.Get("error") != "" || a.code == "" || len(a.code) > 2048 {
				a = answer{err: &Error{Store: vaultName, Detail: "the account was not connected", Hint: "Try again, and agree on the provider's page.", Err: ErrDenied}}
				text = "The account was not connected. You can close this page."
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Referrer-Policy", "no-referrer")
			_, _ = w.Write([]byte(text))
			select {
			case answers <- a:
			default: // the first one counts
			}
		})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // it ends with Close
	}()
	defer func() {
		// The page gets its words first.
		short, end := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer end()
		if server.Shutdown(short) != nil {
			_ = server.Close()
		}
		<-served
	}()
	if err := open(page.String()); err != nil {
		return Credential{}, err
	}
	var a answer
	select {
	case a = <-answers:
	case <-ctx.Done():
		return Credential{}, fmt.Errorf("vault: waiting for the provider's page: %w", ctx.Err())
	}
	if a.err != nil {
		return Credential{}, a.err
	}
	place := Entry{Endpoint: c.Endpoint, TokenURL: c.TokenURL}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {a.code}, "redirect_uri": {redirect}, "client_id": {c.ID}, "code_verifier": {verifier}}
	given, err := b.tokenRequest(ctx, place, Credential{Passphrase: c.Secret}, form)
	if err != nil {
		return Credential{}, err
	}
	if given.RefreshToken == "" {
		return Credential{}, &Error{Store: vaultName, Detail: "the provider gave a token that cannot be renewed", Hint: "Some providers want the scope offline_access for it.", Err: ErrDenied}
	}
	return Credential{Key: NewSecret([]byte(c.ID)), Secret: NewSecret([]byte(given.RefreshToken)), Passphrase: c.Secret}, nil
}
