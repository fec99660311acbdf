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

	// Dialer opens connections: proxies, roots, trusted keys; nil for the zero value.
	Dialer *jsonrpc.Dialer
	// Dial makes a connection; default URL.Dial with Dialer. It is the seam for tests.
	Dial func(context.Context, URL) (jsonrpc.Conn, error)
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

	mu   sync.Mutex
	link *link // nil while there is no connection
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
// with an error when trying again is of no use: ErrUser, ErrAddress, jsonrpc.ErrUnsupportedScheme, or
// ErrUnauthorized from a pool that has never accepted the user. One that has, and refuses it later, is likelier to be
// in trouble itself: it is asked again. Run may be called once.
func (c *Client) Run(ctx context.Context) error {
	if err := c.checkLogin(); err != nil {
		c.cfg.Handler.State(pow.State{Phase: pow.Down, Reason: reason(err), Err: err})
		return err
	}
	failed, known := 0, false
	for {
		c.cfg.Handler.State(pow.State{Phase: pow.Connecting})
		lasted, accepted, err := c.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		// Pools that never answer a login show by their jobs that they know the user.
		known = known || accepted || lasted >= steady
		if final(err, known) {
			c.cfg.Handler.State(pow.State{Phase: pow.Down, Reason: reason(err), Err: err})
			return err
		}
		if lasted >= steady {
			failed = 0
		}
		failed++
		wait := c.cfg.Backoff(failed)
		c.cfg.Handler.State(pow.State{Phase: pow.Down, Reason: reason(err), Err: err, Retry: wait})
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
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
		errors.Is(err, ErrAddress) || errors.Is(err, jsonrpc.ErrUnsupportedScheme)
}

// connect lives through one connection, and returns for how long it had jobs, and whether the pool accepted us.
func (c *Client) connect(ctx context.Context) (lasted time.Duration, accepted bool, err error) {
	conn, err := c.cfg.Dial(ctx, c.cfg.URL)
	if err != nil {
		return 0, false, err
	}
	l := newLink(&c.cfg, conn)
	c.setLink(l)
	err = l.run(ctx)
	c.setLink(nil)
	l.abandon()
	c.cfg.Handler.Job(nil)
	if !l.since.IsZero() {
		lasted = time.Since(l.since)
	}
	return lasted, l.accepted, err
}

func (c *Client) setLink(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = l
}

// Submit sends a share, and calls done once with its fate: from Submit itself when it is not sent, else from the
// goroutine of Run, which must not be blocked. It never waits. A share whose job came over another connection
// than the present one is not sent, nor is one that was sent before.
func (c *Client) Submit(s pow.Share, done func(pow.Result)) {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l == nil || s.Job == nil || s.Job.Conn != l.id {
		done(pow.Result{Status: pow.Stale, Reason: "its connection is gone", Difficulty: s.Difficulty})
		return
	}
	if refused := l.submit(s, done); refused != nil {
		done(*refused)
	}
}

// reason says for people why a connection ended. It holds nothing of the peer's words.
func reason(err error) string {
	for _, r := range []struct {
		err  error
		text string
	}{
		{ErrUnauthorized, "the pool does not accept this user"},
		{ErrUser, "the user name or the password holds characters that cannot be right"},
		{ErrAddress, "the pool's address is not complete"},
		{jsonrpc.ErrUnsupportedScheme, "this kind of connection is not available here yet"},
		{jsonrpc.ErrRefused, "nothing answers at the pool's address"},
		{jsonrpc.ErrNoHost, "the pool's name could not be found; is the network up?"},
		{jsonrpc.ErrTimeout, "the pool's address did not answer in time"},
		{jsonrpc.ErrHandshake, "what answers at this address is not a WebSocket"},
		{jsonrpc.ErrTooLong, "the pool sent a message that is too long to be one"},
		{ErrProtocol, "what answers at this address does not speak Stratum"},
		{ErrSilent, "the pool is connected, but has been silent for too long"},
		{ErrSlow, "the pool does not take what we send"},
		{errMoved, "the pool asked us to connect again"},
		{io.EOF, "the pool closed the connection"},
		{io.ErrUnexpectedEOF, "the pool closed the connection in the middle of a message"},
	} {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	var rejection *Rejection
	if errors.As(err, &rejection) {
		return "the pool refused us"
	}
	return "the connection broke"
}
