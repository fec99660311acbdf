package stratum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Config is what a Client needs. URL, User, Algorithm and Handler must be set; the rest has defaults.
type Config struct {
	URL            URL
	User, Password string // as the pool wants them; an address often, with the worker's name behind a point
	Agent          string // how we introduce ourselves; default "goldpan"
	Algorithm      hasher.Algorithm
	Handler        pow.Handler

	// Suggest is the difficulty of shares to ask the pool for; 0 asks for none.
	Suggest float64
	// MinDifficulty asks the pool for no share below this difficulty (BIP 310); 0 does not ask.
	MinDifficulty float64
	// VersionRolling asks the pool which bits of a header's version may be rolled (BIP 310). Without it, or where
	// the pool does not answer, none may.
	VersionRolling bool
	// Message, if not nil, hears what the pool wants a person to read: plain text of at most 200 characters, which
	// are still the pool's words. It is called from the goroutine of Run and must not block.
	Message func(text string)

	// Dialer opens connections: proxies, roots, trusted keys; nil for the zero value.
	Dialer *jsonrpc.Dialer
	// Dial makes a connection; default URL.Dial with Dialer. It is asked for the URL above, or for one of the same
	// owner to which the pool has sent us. It is the seam for tests.
	Dial func(context.Context, URL) (jsonrpc.Conn, error)
	// Greet, if not nil, has a connection to itself before anything of Stratum is said on it, at each attempt, for as
	// long as Handshake allows. It may not keep the connection. Its error ends the attempt; one that wraps
	// ErrRefusedForGood ends the Client.
	Greet func(ctx context.Context, conn jsonrpc.Conn) error
	// Backoff is how long to wait before the attempt that follows n failed ones, n from 1; default Backoff.
	Backoff func(n int) time.Duration
	// Handshake is how long the pool may take to answer subscribe; default 30 s.
	Handshake time.Duration
	// Silence is how long a connected pool may say nothing before it counts as down; default 3 minutes.
	Silence time.Duration
}

// Client keeps one connection to one pool. It is safe for concurrent use.
type Client struct {
	cfg Config

	// Of the goroutine of Run alone.
	away URL  // where the pool has sent us; the next attempt goes there
	bare bool // the next attempt asks for nothing that is optional

	mu   sync.Mutex
	link *link // nil while there is no connection
	lost *lost // of the connection before; nil when there is nothing to resume
}

// NewClient returns a Client that connects when Run is called.
func NewClient(cfg Config) *Client {
	if cfg.Handler == nil {
		panic("stratum: Config.Handler is nil")
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, u URL) (jsonrpc.Conn, error) { return u.Dial(ctx, cfg.Dialer) }
	}
	if cfg.Backoff == nil {
		cfg.Backoff = Backoff
	}
	if cfg.Agent == "" {
		cfg.Agent = "goldpan"
	}
	if cfg.Handshake <= 0 {
		cfg.Handshake = 30 * time.Second
	}
	if cfg.Silence <= 0 {
		cfg.Silence = 3 * time.Minute
	}
	return &Client{cfg: cfg}
}

// Backoff is exponential with full jitter: a random time below a bound that begins at one second, doubles with
// each attempt, and stays at one minute. Jitter keeps a thousand miners from knocking at once when their pool
// comes back.
func Backoff(n int) time.Duration {
	bound := time.Minute
	if n < 7 {
		bound = min(bound, time.Second<<max(n-1, 0))
	}
	return time.Duration(rand.Int64N(int64(bound)))
}

// steady is how long a connection must have had jobs to count as good again: a pool that drops us after each job
// is not to be asked every second.
const steady = time.Minute

// Run connects, and connects again whenever the connection is lost, until ctx ends; then it returns nil. It ends
// with an error when trying again is of no use: ErrUser, ErrAddress, jsonrpc.ErrUnsupportedScheme, ErrRefusedForGood, or
// ErrUnauthorized from a pool that has never accepted the user. One that has, and refuses it later, is likelier to be
// in trouble itself: it is asked again. Run may be called once.
func (c *Client) Run(ctx context.Context) error {
	if err := c.checkLogin(); err != nil {
		c.down(err, 0)
		return err
	}
	defer c.forget()
	failed, known := 0, false
	for {
		c.cfg.Handler.State(pow.State{Phase: pow.Connecting, Pool: c.cfg.URL.String()})
		lasted, accepted, err := c.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		// Pools that never answer a login show by their jobs that they know the user.
		known = known || accepted || lasted >= steady
		if final(err, known) {
			c.down(err, 0)
			return err
		}
		if lasted >= steady {
			failed = 0
		}
		failed++
		wait := c.cfg.Backoff(failed)
		if move, ok := errors.AsType[*moveError](err); ok {
			c.away, wait = move.to, max(wait, move.wait)
		}
		c.down(err, wait)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		c.expire()
	}
}

// down tells why there is no connection, and when the next attempt will be; never, if wait is 0.
func (c *Client) down(err error, wait time.Duration) {
	c.cfg.Handler.State(pow.State{Phase: pow.Down, Pool: c.cfg.URL.String(), Reason: reason(err), Err: err, Retry: wait})
}

func (c *Client) checkLogin() error {
	for _, s := range []string{c.cfg.User, c.cfg.Password} {
		if strings.ContainsFunc(s, unprintable) || s != strings.TrimSpace(s) {
			return fmt.Errorf("%w: it holds an invisible character, or a blank at an end", ErrUser)
		}
		if len(s) > MaxName {
			return fmt.Errorf("%w: over %d bytes", ErrUser, MaxName)
		}
	}
	if c.cfg.User == "" {
		return fmt.Errorf("%w: no user given", ErrUser)
	}
	return nil
}

// unprintable tells characters that are not seen, or move what is seen.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// final reports whether an error will be the same at the next attempt; known says that the pool has accepted the user
// before.
func final(err error, known bool) bool {
	return errors.Is(err, ErrUnauthorized) && !known ||
		errors.Is(err, ErrAddress) || errors.Is(err, jsonrpc.ErrUnsupportedScheme) || errors.Is(err, ErrRefusedForGood)
}

// connect lives through one connection, and returns for how long it had jobs, and whether the pool accepted us.
func (c *Client) connect(ctx context.Context) (lasted time.Duration, accepted bool, err error) {
	at := c.cfg.URL
	if !c.away.IsZero() {
		at, c.away = c.away, URL{} // once: what does not work there leads home again
	}
	conn, err := c.cfg.Dial(ctx, at)
	if err != nil {
		return 0, false, err
	}
	if err := c.greet(ctx, conn); err != nil {
		conn.Close()
		return 0, false, err
	}
	l := newLink(&c.cfg, conn)
	l.at, l.bare, l.ready = at, c.bare, func() { c.resume(l) }
	if !c.bare {
		l.resuming = c.session()
	}
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
	err = l.run(ctx)
	c.lose(l)
	c.cfg.Handler.Job(nil)
	// A pool may take offence at what is optional, and say so by hanging up.
	c.bare = l.asked() && !l.subscribed
	if !l.since.IsZero() {
		lasted = time.Since(l.since)
	}
	return lasted, l.accepted, err
}

// greet lets the owner speak first, within bounds.
func (c *Client) greet(ctx context.Context, conn jsonrpc.Conn) error {
	if c.cfg.Greet == nil {
		return nil
	}
	greetCtx, cancel := context.WithTimeout(ctx, c.cfg.Handshake)
	defer cancel()
	err := c.cfg.Greet(greetCtx, conn)
	if err != nil && ctx.Err() == nil && greetCtx.Err() != nil {
		return fmt.Errorf("%w: no greeting in time", ErrSilent)
	}
	return err
}

// Submit sends a share, and calls done once with its fate: from Submit itself when it is not sent, else from the
// goroutine of Run, which must not be blocked. It never waits. A share is not sent twice, nor over another connection
// than its job's; but one that could not be sent is sent, for up to two minutes, over the next, if the pool resumes
// the session there with the same extranonce.
func (c *Client) Submit(s pow.Share, done func(pow.Result)) {
	if refused := c.submit(s, done); refused != nil {
		done(*refused)
	}
}

func (c *Client) submit(s pow.Share, done func(pow.Result)) *pow.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.Job == nil:
	case c.link != nil && c.link.takes(s.Job):
		return c.link.submit(s, done)
	case c.lost != nil && s.Job.Conn == c.lost.link.id:
		return c.lost.hold(s, done)
	}
	return c.cfg.refuse(s, pow.Stale, reasonGone)
}

const reasonGone = "its connection is gone"

// refuse is the fate of a share that is not sent, or not answered.
func (c *Config) refuse(s pow.Share, status pow.Status, why string) *pow.Result {
	r := c.result(s)
	r.Status, r.Reason = status, why
	return &r
}

// result begins a Result with what holds for all of them.
func (c *Config) result(s pow.Share) pow.Result {
	r := pow.Result{Difficulty: s.Difficulty, Pool: c.URL.String()}
	if s.Job != nil {
		r.Target = s.Job.Difficulty
	}
	return r
}

// cause is why a connection ended: a word that never changes, for who translates, and words for people.
type cause struct {
	err        error
	word, text string
}

// causes stand in the order in which they are looked for. They hold nothing of the peer's words.
func causes() []cause {
	return []cause{
		{ErrUnauthorized, "unauthorized", "the pool does not accept this user"},
		{ErrRefusedForGood, "unauthorized", "what answers at this address does not let this device mine"},
		{ErrUser, "user", "the user name or the password holds characters that cannot be right"},
		{ErrAddress, "address", "the pool's address is not complete"},
		{jsonrpc.ErrUnsupportedScheme, "scheme", "this kind of connection is not available here"},
		{jsonrpc.ErrChanged, "changed", "the pool has another key than the one trusted before: somebody may stand in between"},
		{jsonrpc.ErrPinned, "pinned", "the pool has another key than the pinned one: somebody may stand in between"},
		{jsonrpc.ErrExpired, "certificate-expired", "the pool's certificate is out of date, or this machine's clock is wrong"},
		{jsonrpc.ErrWrongHost, "certificate-host", "the pool's certificate is made for another name"},
		{jsonrpc.ErrCertificate, "certificate", "nobody whom this system trusts vouches for the pool's certificate"},
		{jsonrpc.ErrProxy, "proxy", "the proxy does not serve"},
		{jsonrpc.ErrUnreachable, "proxy-unreachable", "the proxy cannot reach the pool"},
		{jsonrpc.ErrTLS, "tls", "what answers at this address speaks no TLS"},
		{jsonrpc.ErrRefused, "unreachable", "nothing answers at the pool's address"},
		{jsonrpc.ErrNoHost, "unreachable", "the pool's name could not be found; is the network up?"},
		{jsonrpc.ErrTimeout, "timeout", "the pool's address did not answer in time"},
		{jsonrpc.ErrHandshake, "protocol", "what answers at this address is not a WebSocket"},
		{jsonrpc.ErrTooLong, "protocol", "the pool sent a message that is too long to be one"},
		{ErrProtocol, "protocol", "what answers at this address does not speak Stratum"},
		{ErrSilent, "silent", "the pool is connected, but has been silent for too long"},
		{ErrUnanswered, "unanswered", "the pool gives work, but has answered no share for minutes"},
		{ErrSlow, "slow", "the pool does not take what we send"},
		{errMoved, "moved", "the pool asked us to connect again"},
		{ErrRedirect, "redirect", "the pool wanted to send us to an address that is not surely its own; Goldpan did not follow"},
		{io.EOF, "closed", "the pool closed the connection"},
		{io.ErrUnexpectedEOF, "closed", "the pool closed the connection in the middle of a message"},
	}
}

func causeOf(err error) cause {
	for _, c := range causes() {
		if errors.Is(err, c.err) {
			return c
		}
	}
	if _, ok := errors.AsType[*Rejection](err); ok {
		return cause{err, "rejected", "the pool refused us"}
	}
	return cause{err, "broken", "the connection broke"}
}

// reason says for people why a connection ended. It holds nothing of the peer's words.
func reason(err error) string { return causeOf(err).text }

// Cause is the same as a word that never changes, as unreachable, closed or silent: for who says it in another
// language.
func Cause(err error) string { return causeOf(err).word }
