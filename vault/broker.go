//go:build !js

package vault

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits of one request.
const (
	// MaxRequest is the largest body that a caller may send, in bytes.
	MaxRequest = 64 << 10
	// MaxReply is the largest body that is read of a reply, in bytes, after
	// decompression.
	MaxReply = 4 << 20
	// RequestTimeout is how long a request may take, waiting for Limits apart.
	RequestTimeout = 30 * time.Second
)

// Errors of a Broker that callers branch on.
var (
	// ErrRequest: the request is not one that the Broker makes. Nothing was sent.
	ErrRequest = errors.New("not allowed")
	// ErrUnsent: nothing reached the provider. It is safe to try again.
	ErrUnsent = errors.New("not sent")
	// ErrUnanswered: the request was sent, and what came of it is unknown. An
	// order is looked up before it is sent again.
	ErrUnanswered = errors.New("no answer")
	// ErrRedirect: the provider points elsewhere, and a key does not follow.
	ErrRedirect = errors.New("redirected")
)

// Request is what a caller wants to be asked of a provider.
type Request struct {
	// Method is GET, POST, PUT or DELETE.
	Method string
	// URL is a path, which is taken below the entry's endpoint, or a whole
	// address there. It is sent as it is escaped here, and has no query.
	URL string
	// Query is encoded in the order of its names. RawQuery, if not empty, goes
	// out as it is, in its place.
	Query    url.Values
	RawQuery string
	// Header may hold Accept, Content-Type, and names that begin with X- or CB-;
	// no other.
	Header http.Header
	Body   []byte
	// Purpose says in a few words what it is for, and stands in the audit: "read
	// balances".
	Purpose string
	// Cost is what the request takes of the provider's rate limit, in its own
	// units; zero counts as one.
	Cost float64
	// Lead is how far the provider's clock is ahead of this machine's.
	Lead time.Duration
	// Unsigned names the key and does not sign, for the few endpoints that want
	// that.
	Unsigned bool
}

// Response is a provider's answer of any status but a redirect.
type Response struct {
	Status int
	// Header holds what tells of type, time and rate limits, and nothing else.
	Header http.Header
	// Body has at most MaxReply bytes. Where it repeats a part of the key,
	// "•••" stands instead.
	Body []byte
}

// A Doer makes requests. *Broker gives one for each key: see Key, Try and Open.
// A client of a provider is written against it alone.
type Doer interface {
	Do(ctx context.Context, r Request) (Response, error)
}

// Use is a request as rate limits see it.
type Use struct {
	Provider    string
	Environment Environment
	Key         string // the entry's id; "" for public data and for keys that are tried
	Host        string
	Method      string
	Path        string
	Cost        float64
}

// Limits keep a Broker within what a provider allows. Its methods may be called
// from several goroutines at once.
type Limits interface {
	// Wait returns nil when the request may be sent, or an error, which ends
	// the request before it is sent.
	Wait(ctx context.Context, u Use) error
	// Saw is told of every answer: its status, and the headers of a Response.
	Saw(u Use, status int, header http.Header)
}

// BrokerOptions say how a Broker reaches providers.
type BrokerOptions struct {
	// Limits may be nil: then nothing waits.
	Limits Limits
	// Dial connects, for a proxy; nil dials directly. Addresses on this machine
	// are always dialled directly.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	roots *x509.CertPool // instead of the system's, for tests
}

// Broker makes requests with the keys of a Vault. A caller gets the response,
// and never the key.
//
// It sends a key to its entry's own endpoint alone, by https with a certificate
// that the system trusts and that the entry's Pin fits, if it has one; by clear
// text to loopback alone. It follows no redirect, takes no proxy from the
// environment, keeps no cookies, and bounds what it reads. Every use is in the
// Vault's audit before its response is returned; one that may change something
// is there before it is sent, too.
//
// A Broker may be used by several goroutines at once. Requests with a key whose
// provider wants its nonces in order are made one after another.
type Broker struct {
	v *Vault
	o BrokerOptions

	mu         sync.Mutex
	transports map[string]*http.Transport
	turns      map[string]chan struct{} // by entry
	tokens     map[string]token         // by entry
}

// NewBroker returns a Broker for v's keys.
func NewBroker(v *Vault, o BrokerOptions) *Broker {
	return &Broker{v: v, o: o, transports: make(map[string]*http.Transport), turns: make(map[string]chan struct{}), tokens: make(map[string]token)}
}

// Close ends idle connections and forgets tokens.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.transports {
		t.CloseIdleConnections()
	}
	for id, t := range b.tokens {
		t.access.Wipe()
		delete(b.tokens, id)
	}
}

// Vault returns the vault whose keys the Broker uses.
func (b *Broker) Vault() *Vault { return b.v }

// Do makes a request with a key of the vault. Beside this file's errors it
// returns those of the Vault: ErrNotFound, ErrRevoked, ErrKeyLocked, ErrExpired,
// ErrTampered and those of its store.
func (b *Broker) Do(ctx context.Context, keyID string, r Request) (Response, error) {
	var o *Outgoing
	rec := Record{Who: r.Purpose, Method: r.Method}
	g, err := b.v.begin(ctx, keyID, func(e Entry) (_ Record, err error) {
		rec.Action = ActionRequest
		o, err = prepare(e, r)
		if err != nil {
			return rec, err
		}
		rec.Host, rec.Path = o.Host, o.Path
		asked := rec
		if r.Method != http.MethodGet {
			asked.Action = ActionBegin
		}
		return asked, nil
	})
	if err != nil {
		return Response{}, err
	}
	defer func() { g.credential.Wipe() }()
	rec.Key = keyID
	rec.Path = string(g.credential.mask([]byte(rec.Path)))
	started := b.v.now()
	response, err := b.ordered(ctx, g, r, o)
	rec.Millis = b.v.now().Sub(started).Milliseconds()
	rec.Outcome = outcomeOf(response, err)
	if noted := b.v.end(ctx, rec); noted != nil {
		if err == nil || errors.Is(err, ErrUnanswered) {
			// It was sent; without a record nobody is told what came of it.
			noted = fmt.Errorf("%w: %w", ErrUnanswered, noted)
		}
		return Response{}, noted
	}
	return response, err
}

func outcomeOf(r Response, err error) string {
	switch {
	case err == nil:
		return fmt.Sprintf("status %d", r.Status)
	case errors.Is(err, ErrUnsent):
		return OutcomeUnsent
	case errors.Is(err, ErrUnanswered):
		return OutcomeUnanswered
	case errors.Is(err, ErrRequest):
		return OutcomeRefused
	}
	return OutcomeFailed
}

// ordered waits for the key's turn where its provider counts nonces.
func (b *Broker) ordered(ctx context.Context, g grant, r Request, o *Outgoing) (Response, error) {
	o.Nonce = g.nonce
	if !g.entry.Scheme.ordered() {
		return b.send(ctx, g.entry, g.credential, r, o)
	}
	release, err := b.turn(ctx, g.entry.ID)
	if err != nil {
		return Response{}, err
	}
	defer release()
	// Whoever came first need not have got its turn first.
	o.Nonce = b.v.nextNonce(g)
	return b.send(ctx, g.entry, g.credential, r, o)
}

// turn waits until nobody else has an entry's turn.
func (b *Broker) turn(ctx context.Context, id string) (release func(), err error) {
	b.mu.Lock()
	turn := b.turns[id]
	if turn == nil {
		turn = make(chan struct{}, 1)
		b.turns[id] = turn
	}
	b.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnsent, ctx.Err())
	}
}

// Key returns a Doer for one key of the vault.
func (b *Broker) Key(keyID string) Doer {
	return doer(func(ctx context.Context, r Request) (Response, error) { return b.Do(ctx, keyID, r) })
}

// Try returns a Doer for a key that is not kept yet, to test it before Add and
// Rotate. e needs Provider, Environment, Endpoint and Scheme, and what belongs to
// them. Its requests are not in the audit, for no key of the vault is used.
func (b *Broker) Try(e Entry, c Credential) Doer {
	return doer(func(ctx context.Context, r Request) (Response, error) {
		if err := e.checkPlace(); err != nil {
			return Response{}, fmt.Errorf("%w: %w", ErrRequest, err)
		}
		if e.Scheme == "" || e.Scheme == SchemeOAuth {
			return Response{}, fmt.Errorf("%w: a key like this cannot be tried", ErrRequest)
		}
		o, err := prepare(e, r)
		if err != nil {
			return Response{}, err
		}
		e.ID = ""
		o.Nonce = uint64(max(b.v.now().UnixMicro(), 0))
		return b.send(ctx, e, c, r, o)
	})
}

// Open returns a Doer for public data, which needs no key. Of e it takes
// Provider, Environment, Endpoint and Pin.
func (b *Broker) Open(e Entry) Doer {
	return doer(func(ctx context.Context, r Request) (Response, error) {
		e := Entry{Provider: e.Provider, Environment: e.Environment, Endpoint: e.Endpoint, Pin: e.Pin}
		if err := e.checkPlace(); err != nil {
			return Response{}, fmt.Errorf("%w: %w", ErrRequest, err)
		}
		o, err := prepare(e, r)
		if err != nil {
			return Response{}, err
		}
		return b.send(ctx, e, Credential{}, r, o)
	})
}

type doer func(context.Context, Request) (Response, error)

func (d doer) Do(ctx context.Context, r Request) (Response, error) { return d(ctx, r) }

func refuse(detail string) error {
	return &Error{Store: vaultName, Detail: detail, Err: ErrRequest}
}

// prepare checks a request against the entry that it is for.
func prepare(e Entry, r Request) (*Outgoing, error) {
	origin, err := parseOrigin(e.Endpoint)
	if err != nil {
		return nil, refuse("the key has no endpoint")
	}
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		return nil, refuse("this method")
	}
	path, ok := strings.CutPrefix(r.URL, e.Endpoint)
	if !ok && strings.Contains(r.URL, "://") {
		return nil, refuse("a key is sent to its own host alone")
	}
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || u.Host != "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(path, "..") || strings.ContainsAny(path, "\\\r\n") || len(path) > 1024 {
		return nil, refuse("this path")
	}
	if len(r.Body) > MaxRequest {
		return nil, refuse("a body of this size")
	}
	header := make(http.Header)
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name)
		if name != "Accept" && name != "Content-Type" && !strings.HasPrefix(name, "X-") && !strings.HasPrefix(name, "Cb-") || name == "X-Forwarded-For" ||
			name == "X-Simulated-Trading" { // the entry's environment says that
			return nil, refuse("the header " + clip(name, 40))
		}
		for _, value := range values {
			header.Add(name, value)
		}
	}
	query := r.RawQuery
	if query == "" {
		query = r.Query.Encode()
	} else if len(r.Query) > 0 || strings.ContainsAny(query, "#\r\n ") {
		return nil, refuse("this query")
	}
	return &Outgoing{Method: r.Method, Scheme: origin.Scheme, Host: origin.Host, Path: u.EscapedPath(), Query: query, Header: header,
		Body: bytes.Clone(r.Body), Field: e.Field, Unsigned: r.Unsigned, Test: e.Environment != Live}, nil
}
