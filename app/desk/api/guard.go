package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// route is what a path answers, by method.
type route map[string]handler

// handler answers a request whose body it is given.
type handler func(w http.ResponseWriter, r *http.Request, body []byte)

// table is every route there is.
func (s *Server) table() map[string]route {
	return map[string]route{
		"/openapi.json": {http.MethodGet: s.description},
		"/metrics":      {http.MethodGet: s.metrics()},
		"/v1/status":    {http.MethodGet: s.status},
		"/v1/rates":     {http.MethodGet: s.rates},
		"/v1/pools":     {http.MethodGet: s.pools},
		"/v1/rules":     {http.MethodGet: s.rules, http.MethodPost: s.setRules},
		"/v1/pause":     {http.MethodPost: s.pause},
		"/v1/resume":    {http.MethodPost: s.resume},
	}
}

// refusal is a request that is not served.
type refusal struct {
	status int
	why    string
}

func (e *refusal) Error() string { return e.why }

// ServeHTTP serves what passes every check.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	serve, body, err := s.admit(w, r)
	if err != nil {
		refuse(w, err)
		return
	}
	serve(w, r, body)
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var e *refusal
	if errors.As(err, &e) {
		status = e.status
	}
	answer(w, status, Error{err.Error()})
}

// admit finds who answers the request, if anybody may, and reads its body.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (handler, []byte, error) {
	switch {
	case !s.ownHost(r.Host) || r.URL.Host != "":
		return nil, nil, &refusal{http.StatusMisdirectedRequest, "ask for localhost, 127.0.0.1 or [::1], with the port"}
	case crossOrigin(r):
		return nil, nil, &refusal{http.StatusForbidden, "web pages are not served"}
	case !s.rate.take(time.Now()):
		w.Header().Set("Retry-After", "1")
		return nil, nil, &refusal{http.StatusTooManyRequests, "too many requests; ask again in a second"}
	}
	paths, ok := s.routes[r.URL.Path]
	if !ok {
		return nil, nil, &refusal{http.StatusNotFound, "there is nothing here; see /openapi.json"}
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // the server sends no body
	}
	serve, ok := paths[method]
	if !ok {
		w.Header().Set("Allow", paths.allow())
		return nil, nil, &refusal{http.StatusMethodNotAllowed, "this method is not served here"}
	}
	if method == http.MethodPost {
		if err := s.authorize(w, r); err != nil {
			return nil, nil, err
		}
	}
	body, err := s.body(w, r)
	switch {
	case err != nil:
		return nil, nil, err
	case method == http.MethodGet && len(body) > 0:
		return nil, nil, &refusal{http.StatusBadRequest, "this request has no body"}
	}
	return serve, body, nil
}

// ownHost tells whether a request is for this server by a name that nobody else
// can give out. A web page whose name is made to lead here (DNS rebinding) asks
// for its own name.
func (s *Server) ownHost(asked string) bool {
	host, port, err := net.SplitHostPort(asked)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(asked, "["), "]"), "80" // what http leaves out
	}
	if port != s.port {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() && a.Zone() == ""
}

// crossOrigin tells whether a web page of elsewhere sent the request. There are
// no pages here, so a page's request is never of here; other programs send
// neither header, and somebody who types the address sends the second.
func crossOrigin(r *http.Request) bool {
	for _, o := range r.Header.Values("Origin") {
		if o != "http://"+r.Host {
			return true
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return true
		}
	}
	return false
}

func (p route) allow() string {
	var methods []string
	for m := range p {
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// authorize looks at the token. Digests are compared, so that neither the time
// nor a length says how near a guess was.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	if !s.writable {
		return &refusal{http.StatusForbidden, "nothing can be changed here: no token is set"}
	}
	given := r.Header.Values("Authorization")
	scheme, token, _ := strings.Cut(strings.Join(given, ","), " ")
	sum := sha256.Sum256([]byte(token))
	right := subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1
	if len(given) != 1 || !strings.EqualFold(scheme, "Bearer") || !right {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Goldpan"`)
		return &refusal{http.StatusUnauthorized, "the token is needed: Authorization: Bearer TOKEN"}
	}
	return nil
}

// body reads a request's body, which is short and JSON.
func (s *Server) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.bounds.body))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "the body is too long"}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "the body could not be read"}
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); len(b) > 0 && !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return nil, &refusal{http.StatusUnsupportedMediaType, "the body is to be application/json"}
	}
	return b, nil
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // an answer holds plain values alone
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // who asked may have gone
}

// rate lets so many requests pass a second, and as many at once.
type rate struct {
	mu   sync.Mutex
	most int
	left float64
	last time.Time
}

func (r *rate) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() {
		r.left = min(float64(r.most), r.left+max(0, now.Sub(r.last).Seconds())*float64(r.most))
	}
	r.last = now
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}
