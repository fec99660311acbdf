//go:build !js

package vault

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// provider is somebody's API, on this machine.
func provider(t *testing.T, secure bool, handle http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are meant
	pool := x509.NewCertPool()
	if secure {
		s.StartTLS()
		pool.AddCert(s.Certificate())
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, pool
}

// keep adds a key for a provider's API.
func keep(t *testing.T, v *Vault, id, endpoint string, scheme Scheme, c Credential) Entry {
	t.Helper()
	e := Entry{ID: id, Name: id, Kind: KindExchange, Environment: Test, Endpoint: endpoint, Scheme: scheme}
	if scheme == SchemeHeader || scheme == SchemeQuery {
		e.Field = "X-Key"
	}
	return keepAs(t, v, e, c)
}

func keepAs(t *testing.T, v *Vault, e Entry, c Credential) Entry {
	t.Helper()
	secret, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err = v.Add(t.Context(), e, secret)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func brokerOf(t *testing.T, v *Vault, o BrokerOptions) *Broker {
	t.Helper()
	b := NewBroker(v, o)
	t.Cleanup(b.Close)
	return b
}

const planted = "planted-secret-4711"

func TestBroker(t *testing.T) {
	v, store, c := newVault(t)
	var got *http.Request
	var body []byte
	s, pool := provider(t, true, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("X-Ratelimit-Remaining", "7")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-Echo", r.Header.Get("X-Key"))
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"you":%q}`, r.Header.Get("X-Key"))
	})
	sum := sha256.Sum256(s.Certificate().RawSubjectPublicKeyInfo)
	e := Entry{ID: "x", Name: "x", Kind: KindPoolAPI, Environment: Test, Endpoint: s.URL, Scheme: SchemeHeader, Field: "X-Key", Pin: "sha256:" + base64.StdEncoding.EncodeToString(sum[:])}
	keepAs(t, v, e, credential("", planted, ""))
	b := brokerOf(t, v, BrokerOptions{roots: pool})
	r := Request{Method: "POST", URL: "/v1/do", Query: url.Values{"b": {"2"}, "a": {"1 &"}}, Header: http.Header{"Accept": {"application/json"}}, Body: []byte(`{}`), Purpose: "test it"}
	answer, err := b.Key("x").Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != 202 || string(answer.Body) != `{"you":"•••"}` {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
	if len(answer.Header) != 3 || answer.Header.Get("X-Ratelimit-Remaining") != "7" {
		t.Errorf("headers %v", answer.Header)
	}
	if got.Header.Get("X-Key") != planted || got.URL.RequestURI() != "/v1/do?a=1+%26&b=2" || string(body) != "{}" || got.Header.Get("Accept") != "application/json" || got.UserAgent() != "goldpan" {
		t.Errorf("%s %v %s", got.URL, got.Header, body)
	}
	// The whole address is taken too.
	r.URL, r.Method = s.URL+"/v1/look", "GET"
	if _, err := b.Do(t.Context(), "x", r); err != nil {
		t.Fatal(err)
	}
	records, err := v.Audit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.URL, "https://")
	var lines []string
	for _, rec := range records {
		if rec.Host != "" && rec.Host != host {
			t.Errorf("host %q", rec.Host)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(rec.Action, rec.Key, rec.Who, rec.Method, rec.Path, rec.Outcome)))
	}
	want := []string{"add x    ok", "alert x test it   new-host", "begin x test it POST /v1/do", "request x test it POST /v1/do status 202", "request x test it GET /v1/look status 202"}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("audit:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if e, _ := v.Show(t.Context(), "x"); e.UsedHost != host || !e.LastUsed.Equal(c.t.UTC().Truncate(time.Second)) {
		t.Errorf("entry %+v", e)
	}
	// Another pin: refused before the key is sent.
	e.ID, e.Pin = "y", "sha256:"+base64.StdEncoding.EncodeToString(make([]byte, 32))
	keepAs(t, v, e, credential("", planted, ""))
	got = nil
	if _, err := b.Do(t.Context(), "y", r); !errors.Is(err, ErrUnsent) || !strings.Contains(err.Error(), "pinned") || got != nil {
		t.Errorf("another pin: %v", err)
	}
	// A certificate that nobody vouches for.
	b2 := brokerOf(t, v, BrokerOptions{roots: x509.NewCertPool()})
	if _, err := b2.Do(t.Context(), "x", r); !errors.Is(err, ErrUnsent) || !strings.Contains(err.Error(), "not trusted") || Hint(err) == "" || got != nil {
		t.Errorf("an unknown certificate: %v", err)
	}
	_ = store
}

func TestBrokerRefuses(t *testing.T) {
	v, _, _ := newVault(t)
	asked := 0
	s, _ := provider(t, false, func(http.ResponseWriter, *http.Request) { asked++ })
	keep(t, v, "x", s.URL, SchemeQuery, credential("", planted, ""))
	add(t, v, "old", KindExchange, "added before there was a Broker")
	add(t, v, "pool", KindPool, "x")
	b := brokerOf(t, v, BrokerOptions{})
	good := Request{Method: "GET", URL: "/a"}
	for what, change := range map[string]func(*Request){
		"method":        func(r *Request) { r.Method = "CONNECT" },
		"no method":     func(r *Request) { r.Method = "" },
		"another host":  func(r *Request) { r.URL = "https://example.org/a" },
		"host suffix":   func(r *Request) { r.URL = s.URL + ".example.org/a" },
		"user":          func(r *Request) { r.URL = s.URL + "@example.org/a" },
		"two slashes":   func(r *Request) { r.URL = "//example.org/a" },
		"backslash":     func(r *Request) { r.URL = `/\example.org` },
		"no path":       func(r *Request) { r.URL = s.URL },
		"relative":      func(r *Request) { r.URL = "a" },
		"dots":          func(r *Request) { r.URL = "/a/../b" },
		"query":         func(r *Request) { r.URL = "/a?b=c" },
		"fragment":      func(r *Request) { r.URL = "/a#b" },
		"long":          func(r *Request) { r.URL = "/" + strings.Repeat("a", 1024) },
		"host header":   func(r *Request) { r.Header = http.Header{"Host": {"example.org"}} },
		"authorization": func(r *Request) { r.Header = http.Header{"authorization": {"x"}} },
		"demo trading":  func(r *Request) { r.Header = http.Header{"x-simulated-trading": {"1"}} },
		"cookie":        func(r *Request) { r.Header = http.Header{"Cookie": {"x"}} },
		"large":         func(r *Request) { r.Body = make([]byte, MaxRequest+1) },
		"two queries":   func(r *Request) { r.RawQuery, r.Query = "a=1", url.Values{"a": {"1"}} },
		"odd query":     func(r *Request) { r.RawQuery = "a=1 HTTP/1.1" },
	} {
		r := good
		change(&r)
		if _, err := b.Do(t.Context(), "x", r); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v, want ErrRequest", what, err)
		}
	}
	if _, err := b.Do(t.Context(), "nothing", good); !errors.Is(err, ErrNotFound) {
		t.Errorf("no key: %v", err)
	}
	for _, id := range []string{"old", "pool"} {
		if _, err := b.Do(t.Context(), id, good); err == nil {
			t.Errorf("a request with %s", id)
		}
	}
	if asked != 0 {
		t.Fatalf("%d requests arrived", asked)
	}
	if _, err := b.Do(t.Context(), "x", good); err != nil || asked != 1 {
		t.Fatalf("%d, %v", asked, err)
	}
	if ids, err := v.Lock(t.Context()); err != nil || len(ids) != 3 {
		t.Fatalf("locked %q, %v", ids, err)
	}
	if _, err := b.Do(t.Context(), "x", good); !errors.Is(err, ErrKeyLocked) || Hint(err) == "" {
		t.Errorf("a locked key: %v", err)
	}
	if _, err := v.PoolPassword(t.Context(), "pool"); !errors.Is(err, ErrKeyLocked) {
		t.Errorf("a locked password: %v", err)
	}
	if _, err := v.Unlock(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(t.Context(), "x", good); err != nil {
		t.Errorf("unlocked: %v", err)
	}
	if err := v.Revoke(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(t.Context(), "x", good); !errors.Is(err, ErrRevoked) {
		t.Errorf("a revoked key: %v", err)
	}
}

// Endpoints that are not the provider's own, and environments that do not fit.
func TestPlaces(t *testing.T) {
	v, _, _ := newVault(t)
	for what, c := range map[string]struct {
		change func(*Entry)
		is     error
	}{
		"clear text":       {func(e *Entry) { e.Endpoint = "http://api.example" }, nil},
		"name of loopback": {func(e *Entry) { e.Endpoint = "http://localhost:1" }, nil},
		"path":             {func(e *Entry) { e.Endpoint = "https://api.example/v1" }, nil},
		"slash":            {func(e *Entry) { e.Endpoint = "https://api.example/" }, nil},
		"user":             {func(e *Entry) { e.Endpoint = "https://a@api.example" }, nil},
		"upper case":       {func(e *Entry) { e.Endpoint = "https://API.example" }, nil},
		"other scheme":     {func(e *Entry) { e.Endpoint = "ftp://api.example" }, nil},
		"none":             {func(e *Entry) { e.Endpoint = "" }, nil},
		"no field":         {func(e *Entry) { e.Field = "" }, nil},
		"odd field":        {func(e *Entry) { e.Field = "X:Y" }, nil},
		"field too many":   {func(e *Entry) { e.Scheme = SchemeOKX }, nil},
		"unknown scheme":   {func(e *Entry) { e.Scheme = "md5" }, nil},
		"a pool password":  {func(e *Entry) { e.Kind = KindPool }, nil},
		"pin":              {func(e *Entry) { e.Pin = "sha256:AAAA" }, nil},
		"token address":    {func(e *Entry) { e.TokenURL = "https://api.example/token" }, nil},
		"clear token":      {func(e *Entry) { e.Scheme, e.Field, e.TokenURL = SchemeOAuth, "", "http://api.example/token" }, nil},
		"live at testnet":  {func(e *Entry) { e.Endpoint = "https://testnet.binance.vision" }, ErrEnvironment},
		"test at live":     {func(e *Entry) { e.Environment, e.Endpoint = Test, "https://api.binance.com" }, ErrEnvironment},
		"practice at live": {func(e *Entry) { e.Environment, e.Endpoint = Practice, "https://api.kraken.com" }, ErrEnvironment},
		"another's host":   {func(e *Entry) { e.Provider, e.Endpoint = "kraken", "https://api.binance.com" }, nil},
		"rotation":         {func(e *Entry) { e.RotateDays = -2 }, nil},
		"permission":       {func(e *Entry) { e.Permissions.Trade = "perhaps" }, nil},
	} {
		e := Entry{Name: "n", Kind: KindExchange, Environment: Live, Endpoint: "https://api.example", Scheme: SchemeHeader, Field: "X-Key"}
		c.change(&e)
		secret, _ := credential("", planted, "").Encode()
		if _, err := v.Add(t.Context(), e, secret); err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// One secret in two environments.
	keepAs(t, v, Entry{ID: "live", Name: "n", Kind: KindExchange, Environment: Live, Provider: "kraken", Endpoint: "https://api.kraken.com", Scheme: SchemeKraken}, credential("k", planted, ""))
	secret, _ := credential("k", planted, "").Encode()
	if _, err := v.Add(t.Context(), Entry{Name: "n", Kind: KindExchange, Environment: Test, Provider: "kraken", Endpoint: "http://127.0.0.1:1", Scheme: SchemeKraken}, secret); !errors.Is(err, ErrEnvironment) {
		t.Errorf("one secret twice: %v", err)
	}
	for _, p := range Providers() {
		if len(p.Steps) == 0 || len(p.Revoke) == 0 || p.Support == "" || p.Source == "" || len(p.Live) == 0 || p.Parts[1] == "" {
			t.Errorf("%s lacks words", p.Name)
		}
		if _, ok := signerOf(p.Scheme); !ok || (p.Field != "") != (p.Scheme == SchemeHeader || p.Scheme == SchemeQuery) {
			t.Errorf("%s cannot be signed for", p.Name)
		}
		for _, origin := range append(append([]string(nil), p.Live...), p.Test...) {
			if _, err := parseOrigin(origin); err != nil {
				t.Errorf("%s: %s: %v", p.Name, origin, err)
			}
		}
	}
}

// What goes wrong between here and the provider, and what the error says: never
// the address, which may hold the key.
func TestBrokerFailures(t *testing.T) {
	v, _, _ := newVault(t)
	done := make(chan struct{})
	s, _ := provider(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/elsewhere":
			t.Error("a redirect was followed")
		case "/large":
			_, _ = w.Write(make([]byte, MaxReply+1))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
		case "/drop":
			panic(http.ErrAbortHandler)
		case "/slow":
			select {
			case <-done:
			case <-r.Context().Done():
			}
		case "/error":
			w.WriteHeader(http.StatusTeapot)
		}
	})
	defer close(done)
	keep(t, v, "x", s.URL, SchemeQuery, credential("", planted, ""))
	b := brokerOf(t, v, BrokerOptions{})
	do := func(ctx context.Context, path string) error {
		_, err := b.Do(ctx, "x", Request{Method: "GET", URL: path})
		if err != nil && (strings.Contains(err.Error()+Hint(err), planted) || strings.Contains(err.Error(), "X-Key")) {
			t.Errorf("%s: the error tells of the key: %v", path, err)
		}
		return err
	}
	for path, is := range map[string]error{"/redirect": ErrRedirect, "/large": ErrUnanswered, "/cut": ErrUnanswered, "/drop": ErrUnanswered, "/error": nil} {
		if err := do(t.Context(), path); !errors.Is(err, is) {
			t.Errorf("%s: %v, want %v", path, err, is)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := do(ctx, "/slow"); !errors.Is(err, ErrUnanswered) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	// An address where nothing listens: the listener is held and never accepts
	// TLS; the port of a connection's own end refuses.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	keep(t, v, "none", "http://"+conn.LocalAddr().String(), SchemeQuery, credential("", planted+"2", ""))
	if _, err := b.Do(t.Context(), "none", Request{Method: "GET", URL: "/"}); !errors.Is(err, ErrUnsent) || strings.Contains(err.Error(), planted) {
		t.Errorf("refused connection: %v", err)
	}
	data, err := os.ReadFile(v.auditPath())
	if err != nil || strings.Contains(string(data), planted) {
		t.Errorf("the audit tells of the key, or %v", err)
	}
}

// limits that count.
type counter struct {
	mu   sync.Mutex
	uses []Use
	saw  []int
	err  error
}

func (c *counter) Wait(_ context.Context, u Use) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses = append(c.uses, u)
	return c.err
}

func (c *counter) Saw(_ Use, status int, _ http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saw = append(c.saw, status)
}

func TestBrokerLimits(t *testing.T) {
	v, _, _ := newVault(t)
	asked := 0
	s, _ := provider(t, false, func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(429) })
	keep(t, v, "x", s.URL, SchemeQuery, credential("", planted, ""))
	c := &counter{}
	b := brokerOf(t, v, BrokerOptions{Limits: c})
	if r, err := b.Do(t.Context(), "x", Request{Method: "GET", URL: "/a", Cost: 20}); err != nil || r.Status != 429 {
		t.Fatal(r, err)
	}
	if _, err := b.Open(Entry{Environment: Test, Endpoint: s.URL}).Do(t.Context(), Request{Method: "GET", URL: "/time"}); err != nil {
		t.Fatal(err)
	}
	c.err = errors.New("wait an hour")
	if _, err := b.Do(t.Context(), "x", Request{Method: "GET", URL: "/a"}); !errors.Is(err, ErrUnsent) || !errors.Is(err, c.err) {
		t.Errorf("%v", err)
	}
	if asked != 2 || len(c.saw) != 2 || c.saw[0] != 429 || len(c.uses) != 3 || c.uses[0].Cost != 20 || c.uses[0].Key != "x" || c.uses[0].Path != "/a" || c.uses[1].Key != "" || c.uses[1].Cost != 1 {
		t.Errorf("asked %d, saw %v, uses %+v", asked, c.saw, c.uses)
	}
}

// Nonces grow in the order in which requests arrive, also from many callers,
// with a clock that stands still, after a new start, and with a clock set back.
func TestNonces(t *testing.T) {
	v, store, c := newVault(t)
	var mu sync.Mutex
	var last uint64
	s, _ := provider(t, false, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		var n uint64
		_, _ = fmt.Sscan(form.Get("nonce"), &n)
		mu.Lock()
		defer mu.Unlock()
		if n <= last {
			t.Errorf("nonce %d after %d", n, last)
			w.WriteHeader(400)
		}
		last = n
	})
	keep(t, v, "k", s.URL, SchemeKraken, credential("name", base64.StdEncoding.EncodeToString([]byte(planted)), ""))
	b := brokerOf(t, v, BrokerOptions{})
	many := func(b *Broker) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 4 {
					if r, err := b.Do(t.Context(), "k", Request{Method: "POST", URL: "/0/private/Balance"}); err != nil || r.Status != 200 {
						t.Error(r.Status, err)
					}
				}
			})
		}
		wg.Wait()
	}
	many(b)
	c.t = c.t.Add(-time.Hour)
	many(brokerOf(t, openIn(t, v.path[:len(v.path)-len(FileName)], store, c), BrokerOptions{}))
}

func TestTry(t *testing.T) {
	v, _, _ := newVault(t)
	s, _ := provider(t, false, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Query().Get("X-Key")) })
	b := brokerOf(t, v, BrokerOptions{})
	e := Entry{Kind: KindExchange, Environment: Test, Endpoint: s.URL, Scheme: SchemeQuery, Field: "X-Key"}
	if r, err := b.Try(e, credential("", planted, "")).Do(t.Context(), Request{Method: "GET", URL: "/"}); err != nil || string(r.Body) != "•••" {
		t.Errorf("%s, %v", r.Body, err)
	}
	e.Endpoint = "http://example.org"
	if _, err := b.Try(e, credential("", planted, "")).Do(t.Context(), Request{Method: "GET", URL: "/"}); !errors.Is(err, ErrRequest) {
		t.Errorf("%v", err)
	}
}
