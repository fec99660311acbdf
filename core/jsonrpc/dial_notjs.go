//go:build !js

package jsonrpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

func (d *Dialer) dial(ctx context.Context, t target, limit int) (Conn, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	c, err := d.open(ctx, t)
	if err != nil {
		return nil, err
	}
	if t.webSocket() {
		ws, err := upgrade(ctx, c, t)
		if err != nil {
			c.Close()
			return nil, err
		}
		return newWebSocketConn(ws, t.url, limit), nil
	}
	l := newLineConn(c, limit)
	if !d.Proxy.IsZero() {
		l.remote = t.addr()
	}
	return l, nil
}

// bound ends a dial that takes too long.
func (d *Dialer) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := d.timeout
	if timeout == 0 {
		if timeout = dialTimeout; !d.Proxy.IsZero() {
			timeout = proxyTimeout
		}
	}
	return context.WithTimeout(ctx, timeout)
}

// open returns a connection to the server itself, through the proxy and encrypted as is wanted.
func (d *Dialer) open(ctx context.Context, t target) (net.Conn, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	next := t.addr()
	if !d.Proxy.IsZero() {
		next = net.JoinHostPort(d.Proxy.host, d.Proxy.port)
	}
	// It tries IPv6 and IPv4 in turn (RFC 8305) where a name has both.
	nd := net.Dialer{
		Resolver: d.resolver,
		// A router that forgets a connection tells nobody: within two minutes it is noticed.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4},
	}
	c, err := nd.DialContext(ctx, "tcp", next)
	if err != nil {
		if err = dialError(ctx, err); !d.Proxy.IsZero() && !errors.Is(err, context.Canceled) {
			err = fmt.Errorf("%w: %w", ErrProxy, err)
		}
		return nil, err
	}
	if !d.Proxy.IsZero() {
		if err := d.Proxy.tunnel(ctx, c, t); err != nil {
			c.Close()
			return nil, err
		}
	}
	if !t.encrypted() {
		return c, nil
	}
	secure, err := d.encrypt(ctx, c, t)
	if err != nil {
		c.Close()
		return nil, err
	}
	return secure, nil
}

// wakeAt ends what c waits for when ctx ends. The func that it returns must be called; it reports whether that has
// happened, and then c is of no more use.
func wakeAt(ctx context.Context, c net.Conn) func() bool {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	return func() bool { return !stop() }
}

func (d *Dialer) encrypt(ctx context.Context, c net.Conn, t target) (net.Conn, error) {
	config := &tls.Config{
		ServerName: t.host,
		MinVersion: tls.VersionTLS12,
		// Not unverified: verify decides, in every handshake, so that it can ask Trust and tell why.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
		VerifyConnection:   func(s tls.ConnectionState) error { return d.verify(t, s.PeerCertificates) },
	}
	if t.webSocket() {
		config.NextProtos = []string{"http/1.1"}
	}
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, tlsError(ctx, err)
	}
	return abruptConn{secure}, nil
}

// abruptConn closes without the farewell of TLS, which waits seconds for a peer that does not read. The framing shows
// where a message ends, so nothing can be cut off unseen.
type abruptConn struct{ *tls.Conn }

func (c abruptConn) Close() error { return c.NetConn().Close() }

// tlsError says why a handshake failed, without the peer's text.
func tlsError(ctx context.Context, err error) error {
	var refused *CertificateError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("dial: %w", refused)
	case ctx.Err() != nil:
		return dialError(ctx, ctx.Err())
	case errors.As(err, &record):
		return fmt.Errorf("dial: %w: the answer is not TLS", ErrTLS)
	case errors.As(err, &alert):
		return fmt.Errorf("dial: %w: %w", ErrTLS, alert)
	case errors.As(err, &op):
		return fmt.Errorf("dial: %w: %w", ErrTLS, op)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("dial: %w: the connection ended", ErrTLS)
	}
	return fmt.Errorf("dial: %w: no agreement", ErrTLS)
}

// upgrade makes a WebSocket of c.
func upgrade(ctx context.Context, c net.Conn, t target) (*websocket.Conn, error) {
	once := make(chan net.Conn, 1)
	once <- AnswersOnly(c)
	use := func(context.Context, string, string) (net.Conn, error) {
		select {
		case c := <-once:
			return c, nil
		default:
			return nil, net.ErrClosed
		}
	}
	// A transport of its own: no proxy from the environment, no connection but ours, and nothing left behind after
	// a failed handshake.
	transport := &http.Transport{
		DialContext: use, DialTLSContext: use,
		DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: handshakeOnly{transport},
		// A redirect would lead to a host that the person has not chosen.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, resp, err := websocket.Dial(ctx, t.url, &websocket.DialOptions{HTTPClient: client})
	if err == nil {
		return ws, nil
	}
	if resp != nil {
		return nil, fmt.Errorf("dial: %w: http status %d", ErrHandshake, resp.StatusCode)
	}
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return nil, dialError(ctx, ctx.Err())
	case errors.As(err, &op):
		return nil, dialError(ctx, op)
	}
	return nil, fmt.Errorf("dial: %w", ErrHandshake)
}

// handshakeOnly drops the page that a web server sends instead of a handshake: nobody wants to read it, and it may
// have no end.
type handshakeOnly struct{ http.RoundTripper }

func (h handshakeOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := h.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, err
}

func closeWebSocket(ws *websocket.Conn) {
	// Without the closing handshake, which would wait up to ten seconds for a silent peer.
	ws.CloseNow()
}
