//go:build !js

package vault

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// authServer is an OAuth 2.0 provider and its API in one, strict about PKCE and
// about refresh tokens, of which each can be used once.
type authServer struct {
	t         *testing.T
	mu        sync.Mutex
	challenge map[string]string // by code
	redirect  map[string]string
	refresh   string
	access    string
	renewed   int
	life      int
	keep      bool // the refresh token stays
}

func (s *authServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/token":
		_ = r.ParseForm()
		f := r.PostForm
		ok := f.Get("client_id") == "own-client"
		switch f.Get("grant_type") {
		case "authorization_code":
			sum := sha256.Sum256([]byte(f.Get("code_verifier")))
			ok = ok && s.challenge[f.Get("code")] == base64.RawURLEncoding.EncodeToString(sum[:]) && s.redirect[f.Get("code")] == f.Get("redirect_uri")
			delete(s.challenge, f.Get("code"))
		case "refresh_token":
			ok = ok && f.Get("refresh_token") == s.refresh
			s.renewed++
		default:
			ok = false
		}
		if !ok {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":"invalid_grant","hint":%q}`, f.Get("refresh_token"))
			return
		}
		if !s.keep || s.refresh == "" {
			s.refresh = fmt.Sprintf("planted-refresh-%d", s.renewed)
		}
		s.access = fmt.Sprintf("planted-access-%d", s.renewed)
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":%d,"refresh_token":%q}`, s.access, s.life, s.refresh)
	default:
		if r.Header.Get("Authorization") != "Bearer "+s.access {
			w.WriteHeader(401)
		}
		fmt.Fprint(w, r.Header.Get("Authorization"))
	}
}

// agree plays the person's browser on the provider's page.
func (s *authServer) agree(change func(url.Values)) func(string) error {
	return func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		q := u.Query()
		if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "read offline" || len(q.Get("state")) < 20 || q.Get("keep") != "1" {
			s.t.Errorf("the page is %s", address)
		}
		s.mu.Lock()
		s.challenge["code-1"], s.redirect["code-1"] = q.Get("code_challenge"), q.Get("redirect_uri")
		s.mu.Unlock()
		back := url.Values{"code": {"code-1"}, "state": {q.Get("state")}}
		change(back)
		reply, err := http.Get(q.Get("redirect_uri") + "?" + back.Encode())
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		_, err = io.Copy(io.Discard, reply.Body)
		return err
	}
}

func TestOAuth(t *testing.T) {
	v, store, c := newVault(t)
	s := &authServer{t: t, challenge: make(map[string]string), redirect: make(map[string]string), life: 3600}
	server, _ := provider(t, false, s.ServeHTTP)
	client := OAuthClient{AuthorizeURL: server.URL + "/authorize?keep=1", TokenURL: server.URL + "/token", Endpoint: server.URL, ID: "own-client", Scopes: []string{"read", "offline"}, Redirect: "/back"}
	b := brokerOf(t, v, BrokerOptions{})
	// A wrong state is no answer, and refusing is one.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := b.Authorize(ctx, client, s.agree(func(q url.Values) { q.Set("state", "x") })); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another state: %v", err)
	}
	if _, err := b.Authorize(t.Context(), client, s.agree(func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") })); !errors.Is(err, ErrDenied) || Hint(err) == "" {
		t.Errorf("denied: %v", err)
	}
	if _, err := b.Authorize(t.Context(), client, s.agree(func(q url.Values) { q.Set("code", "another") })); err == nil {
		t.Error("another code")
	}
	bad := client
	bad.AuthorizeURL = "http://example.org/authorize"
	if _, err := b.Authorize(t.Context(), bad, nil); !errors.Is(err, ErrRequest) {
		t.Errorf("a page in clear text: %v", err)
	}
	cred, err := b.Authorize(t.Context(), client, s.agree(func(url.Values) {}))
	if err != nil {
		t.Fatal(err)
	}
	keepAs(t, v, Entry{ID: "o", Name: "o", Kind: KindOAuth, Environment: Test, Endpoint: server.URL, Scheme: SchemeOAuth, TokenURL: server.URL + "/token"}, cred)
	look := func(b *Broker) Response {
		t.Helper()
		r, err := b.Do(t.Context(), "o", Request{Method: "GET", URL: "/me"})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(r.Body), "planted") {
			t.Errorf("the answer shows the token: %s", r.Body)
		}
		return r
	}
	look(b)
	look(b)
	if s.renewed != 1 {
		t.Errorf("renewed %d times for two requests", s.renewed)
	}
	b.forgetToken("o")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := b.Do(t.Context(), "o", Request{Method: "GET", URL: "/me"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s.renewed != 2 {
		t.Errorf("renewed %d times for four requests at once", s.renewed-1)
	}
	// Before its end it is renewed; the new refresh token is the one that is kept.
	c.t = c.t.Add(time.Hour - tokenEarly)
	look(b)
	look(brokerOf(t, fresh(t, v, store, c), BrokerOptions{}))
	if s.renewed != 4 {
		t.Errorf("renewed %d times", s.renewed)
	}
	// A token that the provider no longer takes is forgotten.
	s.mu.Lock()
	s.access = "another"
	s.mu.Unlock()
	last := brokerOf(t, v, BrokerOptions{})
	look(last)
	s.mu.Lock()
	s.access = "another"
	s.mu.Unlock()
	if r := look(last); r.Status != 401 {
		t.Errorf("status %d", r.Status)
	}
	if r := look(last); r.Status != 200 {
		t.Errorf("after 401 the status is %d", r.Status)
	}
	// The refresh token was used by somebody else.
	s.mu.Lock()
	s.refresh = "stolen"
	s.mu.Unlock()
	_, err = brokerOf(t, v, BrokerOptions{}).Do(t.Context(), "o", Request{Method: "GET", URL: "/me"})
	if !errors.Is(err, ErrExpired) || Hint(err) == "" || strings.Contains(err.Error(), "planted") {
		t.Errorf("a spent refresh token: %v", err)
	}
	if list, _ := store.List(t.Context()); len(list) != 3 {
		t.Errorf("the store holds %q", list)
	}
	if data := string(mustRead(t, v.path)) + string(readAuditFile(t, v)); strings.Contains(data, "planted") || !strings.Contains(data, `"renew"`) {
		t.Error("the files hold a token, or do not tell of its renewal")
	}
}

func TestTokenAnswers(t *testing.T) {
	v, _, _ := newVault(t)
	answer := ""
	server, _ := provider(t, false, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })
	cred := credential("own-client", planted, "")
	keepAs(t, v, Entry{ID: "o", Name: "o", Kind: KindOAuth, Environment: Test, Endpoint: server.URL, Scheme: SchemeOAuth, TokenURL: server.URL + "/token"}, cred)
	b := brokerOf(t, v, BrokerOptions{})
	for _, answer = range []string{"", "{}", "null", `{"access_token":"a","token_type":"mac","expires_in":1}`, `{"access_token":"","token_type":"bearer"}`,
		`{"access_token":"a\r\nX: y","token_type":"bearer"}`, `{"access_token":"a","token_type":"bearer","expires_in":-1}`, `{"access_token":"` + strings.Repeat("a", 17<<10) + `","token_type":"bearer"}`} {
		if _, err := b.Do(t.Context(), "o", Request{Method: "GET", URL: "/"}); !errors.Is(err, ErrDamaged) {
			t.Errorf("%.40s: %v", answer, err)
		}
	}
}
