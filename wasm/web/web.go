//go:build !js

// Package web serves Goldpan's page: a person opens it on a phone, a tablet or another computer, reads who is
// paid, taps Start, and mines.
//
// It serves four things and no more: the files that were built into dist, /info.json (what is mined and who is
// paid), and over a WebSocket each /stratum (the pool) and /electrum (the wallet server). It refuses to be shown in a frame, to answer
// for a host name it was not told about (DNS rebinding), to let another origin read it or open its WebSocket,
// and to run anything that is not in its own files.
//
// Specifications: Content Security Policy Level 3, RFC 6455 (WebSocket), RFC 9110 (421, content coding).
package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"goldpan/core/jsonrpc"
)

// The page is built by go run ./wasm/web/build, which make does before it compiles a program that serves it.
//
//go:embed all:dist
var embedded embed.FS

// Bounds of one message that is read, in bytes; those of the Stratum server and of the wallet server. A wallet
// may send a whole transaction.
const (
	maxMessage       = 16 << 10
	maxWalletMessage = 1 << 20
)

// Info is what the page shows before anything starts. All of it is public.
type Info struct {
	Network   string `json:"network"`    // "practice", later "main"
	Coin      string `json:"coin"`       // the coin's name for people
	Algorithm string `json:"algorithm"`  // "sha256d", "scrypt"
	PayeeName string `json:"payee_name"` // whose wallet it is, for people
	// Payee is for a name that Goldpan gives by itself, so that the page says it in its own language: "practice" (the
	// practice wallet of this computer), "household" (whoever set the gateway up named nobody); "" for any other.
	Payee     string `json:"payee"`
	Payout    string `json:"payout"`    // the address that is paid, also the Stratum user
	Worthless bool   `json:"worthless"` // practice coins: the page says so everywhere
	Join      bool   `json:"join"`      // a device needs an invitation before it may mine here
}

// Options join the page to the program that serves it. A nil Info, Stratum or Electrum answers 503, a nil Allow lets
// only loopback names through.
type Options struct {
	Info    func() Info
	Stratum func(ctx context.Context, conn jsonrpc.Conn) error // serves one device until it leaves; owns conn
	// Device is used instead of Stratum where it is set. origin is what the connection came in for, as browsers write
	// it: what a device proves is proved for it. It may return before the device leaves; ctx ends then.
	Device   func(ctx context.Context, conn jsonrpc.Conn, origin string) error
	Electrum func(ctx context.Context, conn jsonrpc.Conn) error // serves one wallet, likewise
	Allow    func(host string) bool                             // is the page served under this name? No port, no brackets, lower case
}

// Handler serves the embedded page. It is safe for concurrent use. Where the page was not built into the
// program, it says so with 503.
func Handler(o Options) http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic("web: dist is embedded, so it is there: " + err.Error())
	}
	return newServer(dist, o)
}

// Built reports whether the page was built into this program.
func Built() bool {
	f, err := embedded.Open("dist/index.html")
	if err != nil {
		return false
	}
	f.Close()
	return true
}

type server struct {
	options Options
	files   map[string]*file // by URL path, "/" included
	page    string           // names these files and no others
}

// file is one part of the page. A large part is kept only as gzip, which every browser asks for.
type file struct {
	contentType string
	plain       []byte // nil if only gzip is kept
	gzip, br    []byte // nil if not built
	etag        string
}

var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".wasm":        "application/wasm",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
	".txt":         "text/plain; charset=utf-8",
	".mp4":         "video/mp4",
}

func newServer(dist fs.FS, o Options) *server {
	if o.Allow == nil {
		o.Allow = loopback
	}
	s := &server{options: o, files: map[string]*file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		s.add(name, body)
		return nil
	})
	if err != nil {
		panic("web: the page's files cannot be read: " + err.Error())
	}
	if f := s.files["/index.html"]; f != nil {
		s.files["/"] = f
	}
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		io.WriteString(all, name+" "+s.files[name].etag+"\n")
	}
	s.page = hex.EncodeToString(all.Sum(nil)[:8])
	return s
}

func (s *server) add(name string, body []byte) {
	coding := ""
	switch path.Ext(name) {
	case ".gz", ".br":
		coding = path.Ext(name)
		name = strings.TrimSuffix(name, coding)
	}
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		return // .keep, and whatever else has no business on the page
	}
	f := s.files["/"+name]
	if f == nil {
		f = &file{contentType: contentType}
		s.files["/"+name] = f
	}
	switch coding {
	case ".gz":
		f.gzip = body
	case ".br":
		f.br = body
	default:
		f.plain = body
	}
	if coding != ".br" { // one tag a file, whatever the coding: Vary keeps caches apart
		sum := sha256.Sum256(body)
		f.etag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.header(w.Header(), r)
	host := hostname(r.Host)
	if host == "" {
		fail(w, http.StatusBadRequest, "this request names no host")
		return
	}
	if !s.options.Allow(host) {
		fail(w, http.StatusMisdirectedRequest, "Goldpan does not serve a page under this name. Open the address that Goldpan shows on its computer, or start it there with --web-host and this name.")
		return
	}
	switch r.URL.Path {
	case "/stratum":
		serve := closing(s.options.Stratum)
		if s.options.Device != nil {
			serve = func(ctx context.Context, conn jsonrpc.Conn) error { return s.options.Device(ctx, conn, origin(r)) }
		}
		s.socket(w, r, serve, maxMessage)
		return
	case "/electrum":
		s.socket(w, r, closing(s.options.Electrum), maxWalletMessage)
		return
	case "/info.json":
		if readOnly(w, r) {
			s.info(w, r)
		}
		return
	}
	if !readOnly(w, r) {
		return
	}
	if len(s.files) == 0 {
		fail(w, http.StatusServiceUnavailable, "the page was not built into this program: run make build")
		return
	}
	f := s.files[r.URL.Path]
	if mangled.MatchString(r.URL.Path) {
		// The secret has come here all the same, so the page may as well have it where it looks for it.
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return
	}
	if f == nil {
		fail(w, http.StatusNotFound, "there is no such page")
		return
	}
	f.serve(w, r)
}

// mangled is the path of an invitation whose # some program wrote as %23: as a URL it is the invitation again.
var mangled = regexp.MustCompile(`^/#join=[A-Za-z0-9_-]{40}$`)

// header sets what holds for every answer, scripts included: a worker takes its policy from its own script.
func (s *server) header(h http.Header, r *http.Request) {
	h.Set("Cache-Control", "no-store") // the page's own files say otherwise
	h.Set("Content-Security-Policy", policy(r))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "+
		"magnetometer=(), microphone=(), midi=(), payment=(), usb=(), screen-wake-lock=(self)")
	if r.TLS != nil || loopback(hostname(r.Host)) { // elsewhere browsers ignore it with a complaint
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
}

// walletWorker is the one script that may connect elsewhere, encrypted: where a person's own wallet server is.
const walletWorker = "/wallet-worker.js"

// policy is the page's content security policy. The WebSocket's own address is named as well, because older
// browsers do not find ws under 'self'.
func policy(r *http.Request) string {
	connect := "'self'"
	if h := hostname(r.Host); h != "" && !strings.Contains(h, ":") { // the grammar has no room for IPv6
		scheme := " ws://"
		if r.TLS != nil {
			scheme = " wss://"
		}
		connect += scheme + r.Host
	}
	if r.URL.Path == walletWorker {
		connect += " wss:" // to the wallet server that the person typed; a worker's policy is its own script's
	}
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src " + connect +
		"; style-src 'self'; img-src 'self'; media-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}

func (s *server) info(w http.ResponseWriter, r *http.Request) {
	if s.options.Info == nil {
		fail(w, http.StatusServiceUnavailable, "nothing is being mined yet")
		return
	}
	body, err := json.Marshal(struct {
		Info
		Page  string `json:"page"`  // which page goes with the workers that are served now
		Relay bool   `json:"relay"` // /electrum is there for a wallet of this coin and network
	}{s.options.Info(), s.page, s.options.Electrum != nil})
	if err != nil {
		fail(w, http.StatusInternalServerError, "the information could not be written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

// closing closes the connection after serve; nil stays nil.
func closing(serve func(context.Context, jsonrpc.Conn) error) func(context.Context, jsonrpc.Conn) error {
	if serve == nil {
		return nil
	}
	return func(ctx context.Context, conn jsonrpc.Conn) error {
		defer conn.Close()
		return serve(ctx, conn)
	}
}

// socket hands one WebSocket to serve, which owns it.
func (s *server) socket(w http.ResponseWriter, r *http.Request, serve func(context.Context, jsonrpc.Conn) error, limit int) {
	if serve == nil {
		fail(w, http.StatusServiceUnavailable, "nothing is being mined yet")
		return
	}
	if !sameOrigin(r) {
		fail(w, http.StatusForbidden, "only Goldpan's own page may connect here")
		return
	}
	conn, err := jsonrpc.AcceptWebSocket(w, r, limit, nil)
	if err != nil {
		return // the upgrade has answered
	}
	// The connection ends when the peer leaves; how it ended is the server's to tell.
	_ = serve(r.Context(), conn)
}

// sameOrigin demands that a page's Origin is the very host the request was sent to. Browsers always send one with
// a WebSocket, so a request without one is a miner program, which no foreign page can make connect.
func sameOrigin(r *http.Request) bool {
	if r.Header.Get("Origin") == "" {
		return true
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return strings.EqualFold(r.Header.Get("Origin"), scheme+r.Host)
}

// origin is where a request was sent to, in the form that browsers give an origin: lower case, and no port where it
// is the scheme's own.
func origin(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if r.TLS != nil {
		return "https://" + strings.TrimSuffix(host, ":443")
	}
	return "http://" + strings.TrimSuffix(host, ":80")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache") // keep it, and ask each time whether it is still the same
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	accepted := r.Header.Get("Accept-Encoding")
	switch {
	case f.contentType == contentTypes[".mp4"]: // Safari plays only what it can ask for in parts
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.plain))
	case f.br != nil && accepts(accepted, "br"):
		h.Set("Content-Encoding", "br")
		w.Write(f.br)
	case f.gzip != nil && accepts(accepted, "gzip"):
		h.Set("Content-Encoding", "gzip")
		w.Write(f.gzip)
	case f.plain != nil:
		w.Write(f.plain)
	default:
		z, err := gzip.NewReader(bytes.NewReader(f.gzip))
		if err != nil {
			fail(w, http.StatusInternalServerError, "a file of the page is damaged")
			return
		}
		io.Copy(w, z)
	}
}

// accepts reads Accept-Encoding as far as a precompressed file needs: a coding is named and not refused.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			weight = strings.ToLower(strings.ReplaceAll(weight, " ", ""))
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

func readOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	fail(w, http.StatusMethodNotAllowed, "this address can only be read")
	return false
}

func fail(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, reason+"\n")
}

// hostname is the lower-case name in a Host header, without port and brackets; "" if it is not a name or an
// address. Only such a Host is ever copied into a header.
func hostname(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		var missing *net.AddrError
		if !errors.As(err, &missing) || missing.Err != "missing port in address" {
			return ""
		}
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ""
	}
	for _, c := range port {
		if c < '0' || c > '9' {
			return ""
		}
	}
	if len(name) > 253 || len(port) > 5 {
		return ""
	}
	if strings.Contains(name, ":") {
		if addr, err := netip.ParseAddr(name); err != nil || addr.Zone() != "" {
			return ""
		}
		return strings.ToLower(name)
	}
	for _, c := range name {
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
