package stratum

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Backend decides what a Server answers. Calls for one peer come one after the other; those for different peers come at
// once. What a call queues for its own peer (SetDifficulty, Notify) is sent after the
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

// VersionRoller is a Backend that lets miners roll bits of the header's version (BIP 310). VersionMask says which; it is
// called when a miner asks for it, which may be before Subscribe. Jobs for a peer must then have its VersionMask.
type VersionRoller interface {
	VersionMask(*Peer) uint32
}

// Resumer is a Backend that keeps what a lost peer had for a while. Resume gives its extranonce to p, which takes its
// place, if session is the name that Peer.Session had; ok is false when it is not known, or its peer is still there,
// and then Subscribe is called.
type Resumer interface {
	Resume(p *Peer, session string) (extranonce1 []byte, extranonce2Size int, ok bool)
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
	Agent          string        // how the server introduces itself; default "goldpan"

	// Algorithm is what targets that miners suggest are for; default SHA256d.
	Algorithm hasher.Algorithm
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
	session func() string // a name that nobody can guess
	readers crew          // answer
	writers crew
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
	if opts.Agent == "" {
		opts.Agent = "goldpan"
	}
	if opts.Algorithm == "" {
		opts.Algorithm = hasher.SHA256d
	}
	return &Server{backend: b, opts: opts, session: newSession, readers: crew{do: (*Peer).take}, writers: crew{do: (*Peer).flush}}
}

// newSession returns 64 random bits: who names a session takes its place.
func newSession() string {
	var b [8]byte
	_, _ = cryptorand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

func setDefault[T int | float64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// ServeConn speaks with one miner until ctx ends or the miner leaves; then it returns nil. Otherwise it returns
// why the miner was sent away: ErrFull, ErrProtocol, ErrSilent, ErrSlow, ErrUnauthorized, or an error of the
// connection. The connection is closed in any case.
//
// A miner that waits for work costs a small goroutine, its own, and no more: where conn is a jsonrpc.Timed, there are
// neither timers nor buffers, and a few goroutines answer for all.
func (s *Server) ServeConn(ctx context.Context, conn jsonrpc.Conn) error {
	return s.ServeFor(ctx, conn, s.backend)
}

// ServeFor is ServeConn with another Backend for this miner, within the same limits.
func (s *Server) ServeFor(ctx context.Context, conn jsonrpc.Conn, b Backend) error {
	defer conn.Close()
	if s.conns.Add(1) > int64(s.opts.MaxConnections) {
		s.conns.Add(-1)
		return ErrFull
	}
	defer s.conns.Add(-1)

	p := s.newPeer(b, timedOf(conn))
	stop := context.AfterFunc(ctx, p.Close)
	defer stop()
	b.Connected(p)
	err := p.serve()
	b.Disconnected(p)
	p.finish()
	if errors.Is(err, net.ErrClosed) { // by ourselves
		err = p.why()
	}
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// serve reads and answers until the end. Its stack is kept for as long as the connection: what needs more of one runs
// elsewhere.
func (p *Peer) serve() error {
	for {
		if err := p.throttle(); err != nil {
			return err
		}
		line, err := p.conn.ReadBefore(p.patience())
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = errSilent
			}
			return err
		}
		p.asked = line
		p.server.readers.add(p)
		if err := <-p.handled; err != nil {
			return err
		}
	}
}

var errSilent = fmt.Errorf("%w: nothing heard in time", ErrSilent)

// patience is until when this miner may say nothing.
func (p *Peer) patience() time.Time {
	if len(p.users) == 0 {
		return p.begun.Add(p.server.opts.Handshake)
	}
	return time.Now().Add(p.server.opts.Idle)
}

// throttle waits until another message may be read.
func (p *Peer) throttle() error {
	wait := p.limiter.next(time.Now())
	if wait <= 0 {
		return nil
	}
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return net.ErrClosed
	}
	if p.ended == nil {
		p.ended = make(chan struct{})
	}
	ended := p.ended
	p.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ended:
		return net.ErrClosed
	case <-timer.C:
		return nil
	}
}

// take answers what was asked, and says when it is done.
func (p *Peer) take() {
	line := p.asked
	p.asked = nil
	p.handled <- p.judge(line)
}

func (p *Peer) judge(line []byte) error {
	m, err := parseMessage(line)
	if err != nil {
		return errors.Join(err, p.queue(message{id: null, result: json.RawMessage(null), err: &Rejection{Code: CodeOther, Reason: "not understood"}}))
	}
	if m.method == "" {
		return nil // an answer, and we asked nothing
	}
	return p.handle(&m)
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
			p.backend.SuggestDifficulty(p, d)
		}
		return yes, err
	case methodSuggestTarget:
		d, err := p.parseSuggestTarget(m)
		if err == nil {
			p.backend.SuggestDifficulty(p, d)
		}
		return yes, err
	case methodExtranonceSubscribe:
		p.follow()
		return yes, nil
	case methodConfigure:
		return p.configure(m)
	case methodGetVersion:
		return appendString(nil, p.server.opts.Agent), nil
	case methodPing, methodClientPing:
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
	var session string
	if len(args) > 1 && !isNull(args[1]) {
		if session, err = parseString(args[1], maxSession); err != nil {
			return nil, malformed(methodSubscribe, err)
		}
	}
	if !p.Subscribed() {
		first, size, err := p.extranonceFor(pow.Plain(agent, MaxName), session)
		if err != nil {
			return nil, &fatalError{told: err, cause: fmt.Errorf("subscribe: %w", err)}
		}
		checkExtranonce(first, size)
		p.setExtranonce(extranonce{first: first, size: size})
	}
	return appendSubscribed(nil, p.current(), p.session), nil
}

// extranonceFor asks the backend for the peer's extranonce: that of an earlier connection if it may have it.
func (p *Peer) extranonceFor(agent, session string) ([]byte, int, error) {
	if r, ok := p.backend.(Resumer); ok && session != "" {
		if first, size, ok := r.Resume(p, session); ok {
			return first, size, nil
		}
	}
	return p.backend.Subscribe(p, agent)
}

func checkExtranonce(first []byte, size int) {
	if len(first) < MinExtranonce1 || len(first) > MaxExtranonce1 || size < MinExtranonce2 || size > MaxExtranonce2 {
		panic(fmt.Sprintf("stratum: backend gave an extranonce of %d and %d bytes", len(first), size))
	}
}

func (p *Peer) authorize(m *message) error {
	user, password, err := parseAuthorize(m.params)
	if err != nil {
		return err
	}
	known := slices.Contains(p.users, user)
	if !known && len(p.users) >= maxUsers {
		return &Rejection{Code: CodeUnauthorized, Reason: "too many users on one connection"}
	}
	// Names of workers are shown to people, on terminals too.
	err = error(&Rejection{Code: CodeUnauthorized, Reason: "the user name holds characters that cannot be shown"})
	if !strings.ContainsFunc(user, unprintable) {
		err = p.backend.Authorize(p, user, password)
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
	if !known {
		p.users = append(p.users, user)
	}
	return nil
}

func (p *Peer) submit(m *message) error {
	s, err := parseSubmit(m.params)
	switch {
	case err != nil:
		return err
	case !p.Subscribed():
		return &Rejection{Code: CodeNotSubscribed, Reason: "not subscribed"}
	case !slices.Contains(p.users, s.User):
		return &Rejection{Code: CodeUnauthorized, Reason: "user not authorized"}
	case !p.fits(len(s.Extranonce2)):
		return &Rejection{Code: CodeOther, Reason: "wrong size of extranonce2"}
	case s.Version != nil && *s.Version&^p.VersionMask() != 0:
		return &Rejection{Code: CodeOther, Reason: "version bits outside the mask"}
	}
	return p.backend.Submit(p, s)
}

// configure answers each extension by name, as BIP 310 wants it.
func (p *Peer) configure(m *message) (json.RawMessage, error) {
	c, err := parseConfigure(m.params)
	if err != nil {
		return nil, err
	}
	if r, ok := p.backend.(VersionRoller); ok && c.rolling {
		p.setMask(r.VersionMask(p) & c.mask)
	}
	if slices.Contains(c.asked, extExtranonce) {
		p.follow()
	}
	return appendConfigured(nil, c, p.VersionMask()), nil
}

// parseSuggestTarget reads a target as the difficulty that it is for the backend's algorithm.
func (p *Peer) parseSuggestTarget(m *message) (float64, error) {
	args, err := m.args()
	if err != nil || len(args) == 0 {
		return 0, malformed(methodSuggestTarget, errList)
	}
	text, err := parseString(args[0], 64)
	if err != nil {
		return 0, malformed(methodSuggestTarget, err)
	}
	// Leading zeros may be missing.
	h, err := pow.ParseHash(strings.Repeat("0", 64-len(text)) + text)
	if err != nil {
		return 0, malformed(methodSuggestTarget, errHex)
	}
	d := pow.DifficultyOf(p.server.opts.Algorithm, h)
	if !(d >= MinDifficulty && d <= MaxDifficulty) {
		return 0, malformed(methodSuggestTarget, errNumber)
	}
	return d, nil
}

// limiter is a token bucket. Who empties it is read later, which the peer feels as a full pipe.
type limiter struct {
	rate, burst, tokens float64
	last                time.Time
}

// newLimiter returns one that gives rate tokens a second, and burst at once.
func newLimiter(rate, burst float64) limiter {
	return limiter{rate: rate, burst: burst, tokens: burst, last: time.Now()}
}

// take reports whether there is a token, and takes it.
func (l *limiter) take(now time.Time) bool {
	l.refill(now)
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// next takes the next token, and returns how long it is until there is one.
func (l *limiter) next(now time.Time) time.Duration {
	l.refill(now)
	l.tokens--
	return time.Duration(-l.tokens / l.rate * float64(time.Second))
}

func (l *limiter) refill(now time.Time) {
	l.tokens = min(l.burst, l.tokens+l.rate*now.Sub(l.last).Seconds())
	l.last = now
}
