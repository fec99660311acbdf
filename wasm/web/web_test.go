//go:build !js

package web

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/coder/websocket"

	"goldpan/assets"
	"goldpan/core/jsonrpc"
)

var practiceInfo = Info{
	Network: "practice", Coin: "Practice Bitcoin", Algorithm: "sha256d",
	PayeeName: "Practice wallet", Payout: "pan1qexample", Worthless: true,
}

func testFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "\x00asm")
	z.Close()
	return fstest.MapFS{
		".keep":           {},
		"index.html":      {Data: []byte("<!doctype html>")},
		"page.js":         {Data: []byte("\"use strict\";")},
		"page.js.br":      {Data: []byte("as brotli")},
		"goldpan.wasm.gz": {Data: []byte(packed.String())},
	}
}

func get(t *testing.T, h http.Handler, path string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:8080"
	for k, v := range header {
		if k == "Host" {
			r.Host = v
		} else {
			r.Header.Set(k, v)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryAnswerIsStrict(t *testing.T) {
	h := newServer(testFiles(t), Options{Info: func() Info { return practiceInfo }})
	for _, path := range []string{"/", "/page.js", "/info.json", "/goldpan.wasm", "/stratum", "/electrum", "/nothing"} {
		r := get(t, h, path, nil)
		policy := r.Header.Get("Content-Security-Policy")
		if want := "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ws://localhost:8080; " +
			"style-src 'self'; img-src 'self'; media-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"; policy != want {
			t.Errorf("%s: the policy is %q, want %q", path, policy, want)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Access-Control-Allow-Origin":  "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if r.Header.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no Permissions-Policy", path)
		}
	}
}

func TestHosts(t *testing.T) {
	h := newServer(testFiles(t), Options{Allow: func(host string) bool { return host == "phone.test" || host == "::1" }})
	for host, want := range map[string]int{
		"phone.test":             http.StatusOK,
		"PHONE.test:8080":        http.StatusOK,
		"phone.test.:80":         http.StatusOK,
		"[::1]:8080":             http.StatusOK,
		"localhost:8080":         http.StatusMisdirectedRequest,
		"evil.example":           http.StatusMisdirectedRequest,
		"evil.example; x":        http.StatusBadRequest,
		"phone.test:80; img-src": http.StatusBadRequest,
		"phone.test:":            http.StatusOK,
		"[fe80::1%25eth0]:80":    http.StatusBadRequest,
		"":                       http.StatusBadRequest,
	} {
		r := get(t, h, "/", map[string]string{"Host": host})
		if r.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, r.StatusCode, want)
		}
		if policy := r.Header.Get("Content-Security-Policy"); want == http.StatusBadRequest && !strings.Contains(policy, "connect-src 'self';") {
			t.Errorf("host %q reached the policy: %s", host, policy)
		}
	}
	alone := newServer(testFiles(t), Options{})
	for host, want := range map[string]int{"127.0.0.1:8080": 200, "localhost": 200, "[::1]": 200, "192.168.1.2": 421} {
		if r := get(t, alone, "/", map[string]string{"Host": host}); r.StatusCode != want {
			t.Errorf("without Allow, host %q: %d, want %d", host, r.StatusCode, want)
		}
	}
}

func TestFiles(t *testing.T) {
	h := newServer(testFiles(t), Options{})
	for _, c := range []struct{ path, accept, coding, contentType, body string }{
		{"/", "", "", "text/html; charset=utf-8", "<!doctype html>"},
		{"/page.js", "gzip, br", "br", "text/javascript; charset=utf-8", "as brotli"},
		{"/page.js", "gzip, br;q=0", "", "text/javascript; charset=utf-8", "\"use strict\";"},
		{"/goldpan.wasm", "", "", "application/wasm", "\x00asm"},
		{"/goldpan.wasm", "gzip;q=0.0", "", "application/wasm", "\x00asm"},
		{"/goldpan.wasm", "deflate, gzip;q=0.5", "gzip", "application/wasm", ""},
	} {
		r := get(t, h, c.path, map[string]string{"Accept-Encoding": c.accept})
		if r.StatusCode != 200 || r.Header.Get("Content-Encoding") != c.coding || r.Header.Get("Content-Type") != c.contentType {
			t.Errorf("%s with %q: %d, coding %q, type %q", c.path, c.accept, r.StatusCode, r.Header.Get("Content-Encoding"), r.Header.Get("Content-Type"))
		}
		if got := body(t, r); c.body != "" && got != c.body {
			t.Errorf("%s with %q: %q", c.path, c.accept, got)
		}
		again := get(t, h, c.path, map[string]string{"If-None-Match": r.Header.Get("ETag")})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for what the browser has", c.path, again.StatusCode)
		}
	}
	for _, path := range []string{"/.keep", "/page.js.br", "/goldpan.wasm.gz", "/../web.go", "/nothing"} {
		if r := get(t, h, path, nil); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	empty := newServer(fstest.MapFS{".keep": {}}, Options{})
	if r := get(t, empty, "/", nil); r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body(t, r), "make build") {
		t.Errorf("a page that was not built: %d", r.StatusCode)
	}
	post := httptest.NewRequest(http.MethodPost, "/info.json", nil)
	post.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, post)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// An invitation whose # came as %23 is led back to what it was; nothing else that looks like it is.
func TestMangledInvitation(t *testing.T) {
	h, code := newServer(testFiles(t), Options{}), strings.Repeat("aB_-", 10)
	r := get(t, h, "/%23join="+code, nil)
	if at := r.Header.Get("Location"); r.StatusCode != http.StatusFound || at != "/#join="+code || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d to %q, %q", r.StatusCode, at, r.Header.Get("Cache-Control"))
	}
	for _, path := range []string{"/%23join=" + code[1:], "/%23join=" + code + "x", "/%23join=" + code[1:] + ":", "//%23join=" + code, "/x/%23join=" + code, "/%23join=" + code + "%0d%0aSet-Cookie:x"} {
		if r := get(t, h, path, nil); r.StatusCode != http.StatusNotFound || r.Header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
}

func TestInfo(t *testing.T) {
	h := newServer(testFiles(t), Options{Info: func() Info { return practiceInfo }})
	r := get(t, h, "/info.json", nil)
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	var got map[string]any
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"network": "practice", "coin": "Practice Bitcoin", "algorithm": "sha256d",
		"payee_name": "Practice wallet", "payee": "", "payout": "pan1qexample", "worthless": true, "join": false, "page": h.page, "relay": false,
	}
	if len(got) != len(want) {
		t.Errorf("info.json has %d fields: %v", len(got), got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if r := get(t, newServer(testFiles(t), Options{}), "/info.json", nil); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without Info: %d", r.StatusCode)
	}
}

func TestOnlyTheOwnPageConnects(t *testing.T) {
	served := make(chan string, 1)
	server := httptest.NewServer(newServer(testFiles(t), Options{
		Stratum: func(ctx context.Context, conn jsonrpc.Conn) error {
			msg, err := conn.ReadMessage(ctx)
			served <- string(msg)
			return err
		},
	}))
	defer server.Close()
	dial := func(origin string) (*websocket.Conn, int, error) {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, r, err := websocket.Dial(t.Context(), server.URL+"/stratum", &websocket.DialOptions{HTTPHeader: header})
		status := 0
		if r != nil {
			status = r.StatusCode
		}
		return ws, status, err
	}
	for _, origin := range []string{"null", "http://evil.example", "https" + strings.TrimPrefix(server.URL, "http"), server.URL + "0"} {
		if _, status, err := dial(origin); err == nil || status != http.StatusForbidden {
			t.Errorf("origin %q: %d, %v", origin, status, err)
		}
	}
	ws, status, err := dial(server.URL)
	if err != nil {
		t.Fatalf("the own page: %d, %v", status, err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(`{"id":1}`)); err != nil {
		t.Fatal(err)
	}
	if got := <-served; got != `{"id":1}` {
		t.Errorf("the pool read %q", got)
	}
	miner, status, err := dial("") // a program, for browsers always send an Origin
	if err != nil {
		t.Fatalf("a miner program: %d, %v", status, err)
	}
	miner.CloseNow()
	<-served
}

// A device is told apart by the origin that its connection came in for, in the form of browsers.
func TestDeviceOrigin(t *testing.T) {
	origins := make(chan string, 1)
	h := newServer(testFiles(t), Options{
		Stratum: func(context.Context, jsonrpc.Conn) error { origins <- "nobody asked"; return nil },
		Device:  func(_ context.Context, _ jsonrpc.Conn, origin string) error { origins <- origin; return nil },
		Allow:   func(string) bool { return true },
	})
	server := httptest.NewServer(h)
	defer server.Close()
	for host, want := range map[string]string{
		"":                "http" + strings.TrimPrefix(server.URL, "http"),
		"HOME.example:80": "http://home.example",
		"[::1]:8080":      "http://[::1]:8080",
	} {
		ws, _, err := websocket.Dial(t.Context(), server.URL+"/stratum", &websocket.DialOptions{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-origins; got != want {
			t.Errorf("host %q: origin %q, want %q", host, got, want)
		}
		ws.CloseNow()
	}
	secure := httptest.NewRequest(http.MethodGet, "/stratum", nil)
	secure.Host, secure.TLS = "Home.example:443", &tls.ConnectionState{}
	if got := origin(secure); got != "https://home.example" {
		t.Errorf("over tls: %q", got)
	}
}

// The manifest and the browser's own colours cannot read theme.css, so they are held to it here.
func TestColoursOutsideTheStyleSheet(t *testing.T) {
	look, err := assets.Theme()
	if err != nil {
		t.Fatal(err)
	}
	light, dark := string(look.Colors.Light.Background), string(look.Colors.Dark.Background)
	manifest, err := os.ReadFile("manifest.webmanifest")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Background string `json:"background_color"`
		Theme      string `json:"theme_color"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		t.Fatal(err)
	}
	if m.Background != light || m.Theme != light {
		t.Errorf("the manifest has %s and %s, the theme %s", m.Background, m.Theme, light)
	}
	index, err := os.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, color := range []string{light, dark} {
		if !strings.Contains(string(index), `name="theme-color" content="`+color+`"`) {
			t.Errorf("index.html does not name the background %s", color)
		}
	}
	for _, banned := range []string{"<script>", "style=", "onclick", "javascript:"} {
		if strings.Contains(string(index), banned) {
			t.Errorf("index.html has %q, which the policy refuses", banned)
		}
	}
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"localhost:8080", "[::1]:80", "a.b", "x;y", "::", "[::1", "a:b:c", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name := hostname(host)
		if name == "" {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		clean := httptest.NewRequest(http.MethodGet, "/", nil)
		if p := policy(r); strings.Count(p, ";") != strings.Count(policy(clean), ";") || strings.ContainsAny(p, "\r\n,*\"") {
			t.Errorf("host %q made the policy %q", host, p)
		}
	})
}
