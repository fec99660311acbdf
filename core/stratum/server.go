package stratum

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"goldpan/core/jsonrpc"
)

// Backend decides what a Server answers. Calls for one peer come one after the other, from one goroutine; those for
// different peers come at once. What a call queues for its own peer (SetDifficulty, Notify) is sent after the
// answer to the request that caused the call.
type Backend interface {
	// Connected is the first call for a peer, Disconnected the last.
	Connected(*Peer)
	// Subscribe sets the peer's extranonce1, which must be its alone, and the size of its extranonce2 in
	// bytes. agent is how the miner introduces itself, as plain text; it may be empty.
	Subscribe(p *Peer, agent string) (extranonce1 []byte, extranonce2Size int, err error)
	// Authorize checks a user, whose name holds printable characters alone. A *Rejection is told to the miner;
	// any other error is one without a reason.
	Authorize(p *Peer, user, password string) error
	// Submit judges a share of an authorized user: nil, or a *Rejection. Its extranonce2 has the right size.
	Submit(p *Peer, s Submission) error
	// SuggestDifficulty hears what the miner would like; it may come before Subscribe.
	SuggestDifficulty(p *Peer, d float64)
	Disconnected(*Peer)
}

// Options are the limits of a Server. The zero value of each means its default.
type Options struct {
	MaxMessage     int           // longest message in bytes for Serve; default MaxMessage
	MaxConnections int           // at once; default 1,024
	Handshake      time.Duration // until a user must be authorized; default 30 s
	Idle           time.Duration // that an authorized miner may say nothing; default 30 minutes
	Queue          int           // messages that may wait for a slow reader; default 64
	Rate           float64       // messages a second that a peer may send on and on; default 100
	Burst          float64       // messages that it may send at once; default 400
}

const (
	// maxUsers is how many users one connection may authorize: proxies carry several.
	maxUsers = 64
	// maxFailures is how many refused logins end a connection.
	maxFailures = 5
	// drainTimeout bounds the last messages to a peer that is sent away.
	drainTimeout = 5 * time.Second
)

// Server speaks with miners on behalf of a Backend. It is safe for concurrent use.
type Server struct {
	backend Backend
	opts    Options
	conns   atomic.Int64
	peers   atomic.Uint64
}

// NewServer returns a Server.
func NewServer(b Backend, opts Options) *Server {
	setDefault(&opts.MaxMessage, MaxMessage)
	setDefault(&opts.MaxConnections, 1024)
	setDefault(&opts.Handshake, 30*time.Second)
	setDefault(&opts.Idle, 30*time.Minute)
	setDefault(&opts.Queue, 64)
	setDefault(&opts.Rate, 100)
	setDefault(&opts.Burst, 400)
	return &Server{backend: b, opts: opts}
}

func setDefault[T int | float64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// ServeConn speaks with one miner until ctx ends or the miner leaves; then it returns nil. Otherwise it returns
// why the miner was sent away: ErrFull, ErrProtocol, ErrSilent, ErrSlow, ErrUnauthorized, or an error of the
// connection. The connection is closed in any case.
func (s *Server) ServeConn(ctx context.Context, conn jsonrpc.Conn) error {
	defer conn.Close()
	if s.conns.Add(1) > int64(s.opts.MaxConnections) {
		s.conns.Add(-1)
		return ErrFull
	}
	defer s.conns.Add(-1)

	server := ctx
	ctx, cancel := context.WithCancelCause(server)
	defer cancel(nil)
	p := &Peer{
		id:     s.peers.Add(1),
		server: s,
		conn:   conn,
		out:    make(chan []byte, s.opts.Queue),
		cancel: cancel,
		begun:  time.Now(),
	}
	w := startWriter(ctx, conn, p.out)
	s.backend.Connected(p)
	err := p.serve(ctx)
	s.backend.Disconnected(p)
	p.finish()
	// Whoever is sent away for what it said shall read why.
	drain := time.AfterFunc(drainTimeout, func() { cancel(nil) })
	err = w.cause(err)
	drain.Stop()
	if server.Err() != nil || errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serve reads and answers until the end.
func (p *Peer) serve(ctx context.Context) error {
	limiter := limiter{rate: p.server.opts.Rate, burst: p.server.opts.Burst, tokens: p.server.opts.Burst, last: time.Now()}
	for {
		if err := limiter.wait(ctx); err != nil {
			return context.Cause(ctx)
		}
		line, err := p.read(ctx)
		if err != nil {
			return err
		}
		m, err := parseMessage(line)
		if err != nil {
			return errors.Join(err, p.queue(message{id: null, result: json.RawMessage(null), err: &Rejection{Code: CodeOther, Reason: "not understood"}}))
		}
		if m.method == "" {
			continue // an answer, and we asked nothing
		}
		if err := p.handle(&m); err != nil {
			return err
		}
	}
}

// read waits for the next message, for as long as this miner may take.
func (p *Peer) read(ctx context.Context) ([]byte, error) {
	until := time.Now().Add(p.server.opts.Idle)
	if len(p.users) == 0 {
		until = p.begun.Add(p.server.opts.Handshake)
	}
	return readUntil(ctx, p.conn, until)
}

// handle answers one request. What the backend queues meanwhile follows the answer.
func (p *Peer) handle(m *message) error {
	p.hold()
	result, err := p.answer(m)
	reply := message{id: m.id, result: result}
	if err != nil {
		reply.result, reply.err = json.RawMessage(null), rejectionOf(err)
	}
	if m.id == null && errors.Is(err, errUnknown) {
		p.release(nil) // a notification, and not for us
	} else {
		p.release(reply.append(nil))
	}
	if fatal, ok := errors.AsType[*fatalError](err); ok {
		return fatal.cause
	}
	return nil
}

// fatalError is a refusal after which the connection ends.
type fatalError struct {
	told  error
	cause error
}

func (e *fatalError) Error() string { return e.cause.Error() }
func (e *fatalError) Unwrap() error { return e.told }

// errUnknown answers a method that the server does not know. Miners ask for much that is optional.
var errUnknown = &Rejection{Code: CodeOther, Reason: "unknown method"}

// rejectionOf is what the miner is told of an error: the rejection in it, and nothing of any other.
func rejectionOf(err error) *Rejection {
	if r, ok := errors.AsType[*Rejection](err); ok {
		return r
	}
	if errors.Is(err, ErrProtocol) {
		return &Rejection{Code: CodeOther, Reason: "parameters not understood"}
	}
	return &Rejection{Code: CodeOther, Reason: "not possible now"}
}

// answer is the result of a request, as JSON, or why there is none.
func (p *Peer) answer(m *message) (json.RawMessage, error) {
	yes := json.RawMessage("true")
	switch m.method {
	case methodSubscribe:
		return p.subscribe(m)
	case methodAuthorize:
		return yes, p.authorize(m)
	case methodSubmit:
		return yes, p.submit(m)
	case methodSuggestDifficulty:
		d, err := parseSetDifficulty(m.params)
		if err == nil {
			p.server.backend.SuggestDifficulty(p, d)
		}
		return yes, err
	case methodExtranonceSubscribe:
		return json.RawMessage("false"), nil // the extranonce of a connection stays
	case methodConfigure:
		return configure(m)
	case methodPing:
		return json.RawMessage(`"pong"`), nil
	}
	return nil, errUnknown
}

func (p *Peer) subscribe(m *message) (json.RawMessage, error) {
	args, err := m.args()
	if err != nil {
		return nil, malformed(methodSubscribe, err)
	}
	var agent string
	if len(args) > 0 && !isNull(args[0]) {
		if agent, err = parseString(args[0], MaxName); err != nil {
			return nil, malformed(methodSubscribe, err)
		}
	}
	if !p.Subscribed() {
		first, size, err := p.server.backend.Subscribe(p, plain(agent, MaxName))
		if err != nil {
			return nil, &fatalError{told: err, cause: fmt.Errorf("subscribe: %w", err)}
		}
		if len(first) < MinExtranonce1 || len(first) > MaxExtranonce1 || size < MinExtranonce2 || size > MaxExtranonce2 {
			panic(fmt.Sprintf("stratum: backend gave an extranonce of %d and %d bytes", len(first), size))
		}
		p.setExtranonce(extranonce{first: first, size: size})
	}
	return appendSubscribed(nil, p.extranonce, fmt.Sprintf("%x", p.id)), nil
}

func (p *Peer) authorize(m *message) error {
	user, password, err := parseAuthorize(m.params)
	if err != nil {
		return err
	}
	if !p.users[user] && len(p.users) >= maxUsers {
		return &Rejection{Code: CodeUnauthorized, Reason: "too many users on one connection"}
	}
	// Names of workers are shown to people, on terminals too.
	err = error(&Rejection{Code: CodeUnauthorized, Reason: "the user name holds characters that cannot be shown"})
	if !strings.ContainsFunc(user, unprintable) {
		err = p.server.backend.Authorize(p, user, password)
	}
	if err != nil {
		if _, ok := errors.AsType[*Rejection](err); !ok {
			err = &Rejection{Code: CodeUnauthorized, Reason: "user refused"}
		}
		if p.failures++; p.failures >= maxFailures {
			return &fatalError{told: err, cause: fmt.Errorf("%w: %d times", ErrUnauthorized, p.failures)}
		}
		return err
	}
	if p.users == nil {
		p.users = make(map[string]bool)
	}
	p.users[user] = true
	return nil
}

func (p *Peer) submit(m *message) error {
	s, err := parseSubmit(m.params)
	switch {
	case err != nil:
		return err
	case !p.Subscribed():
		return &Rejection{Code: CodeNotSubscribed, Reason: "not subscribed"}
	case !p.users[s.User]:
		return &Rejection{Code: CodeUnauthorized, Reason: "user not authorized"}
	case len(s.Extranonce2) != p.extranonce.size:
		return &Rejection{Code: CodeOther, Reason: "wrong size of extranonce2"}
	}
	return p.server.backend.Submit(p, s)
}

// configure declines each extension by name, as BIP310 wants it.
func configure(m *message) (json.RawMessage, error) {
	args, err := m.args()
	if err != nil || len(args) == 0 {
		return nil, malformed(methodConfigure, errList)
	}
	names, err := parseList(args[0], 16)
	if err != nil {
		return nil, malformed(methodConfigure, err)
	}
	result := json.RawMessage{'{'}
	for i, raw := range names {
		name, err := parseString(raw, 64)
		if err != nil {
			return nil, malformed(methodConfigure, err)
		}
		if i > 0 {
			result = append(result, ',')
		}
		result = append(appendString(result, name), ":false"...)
	}
	return append(result, '}'), nil
}

// limiter is a token bucket. Who empties it is read later, which the peer feels as a full pipe.
type limiter struct {
	rate, burst, tokens float64
	last                time.Time
}

func (l *limiter) wait(ctx context.Context) error {
	now := time.Now()
	l.tokens = min(l.burst, l.tokens+l.rate*now.Sub(l.last).Seconds())
	l.last = now
	l.tokens--
	if l.tokens >= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(-l.tokens / l.rate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
