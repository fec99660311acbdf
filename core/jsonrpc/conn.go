// Package jsonrpc carries JSON messages between two programs, over TCP lines and over WebSocket alike.
//
// On TCP a newline ends a message; on a WebSocket a text message is a message, and newlines, which some bridges
// add, are accepted as well (JSON-RPC 1.0 as Stratum V1 and the Electrum protocol use it; RFC 6455). The package
// knows framing alone: it never looks inside a message further than is needed to see where it ends.
//
// Both may be encrypted, and go through a proxy (TLS 1.2 and 1.3; SOCKS5, RFC 1928 and 1929; HTTP CONNECT, RFC 9110):
// see [Dialer].
//
// It refuses whatever is longer than the limit that the caller sets, before memory is spent on it, and a server whose
// certificate nobody vouches for. It follows no redirect, takes no proxy from the environment, keeps no name's
// address, and puts no text of the peer into an error.
package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Errors that callers branch on. Those of a failed dial also hold the system's own error where there is one.
var (
	// ErrTooLong says that the peer sent a message longer than the limit.
	ErrTooLong = errors.New("message too long")
	// ErrUnsupportedScheme says that this build cannot speak the address's transport.
	ErrUnsupportedScheme = errors.New("transport not supported")
	// ErrRefused says that nothing listens at the address (in a browser, which tells no reason: that it
	// could not connect).
	ErrRefused = errors.New("connection refused")
	// ErrNoHost says that the address's name could not be resolved.
	ErrNoHost = errors.New("host not found")
	// ErrTimeout says that the address did not answer in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrHandshake says that something answered, but that it is no WebSocket.
	ErrHandshake = errors.New("not a websocket")
	// ErrTLS says that something answered, but that no encrypted connection came about.
	ErrTLS = errors.New("no encrypted connection")
)

// Conn is one connection that carries whole messages.
//
// ReadMessage may be called by one goroutine at a time; the others are safe for concurrent use. When ReadMessage
// or WriteMessage fails, or its context ends while it waits, the connection is closed: half a message cannot be
// taken back.
type Conn interface {
	// ReadMessage returns the next message, without its line end. It never returns an empty one. The bytes
	// are the caller's to keep. The error is io.EOF when the peer closed the connection between messages,
	// io.ErrUnexpectedEOF inside one, ErrTooLong, net.ErrClosed after Close, or the context's.
	ReadMessage(ctx context.Context) ([]byte, error)
	// WriteMessage sends one message, which must hold no line feed. It adds what the transport needs.
	WriteMessage(ctx context.Context, msg []byte) error
	// Close ends the connection at once and wakes who reads or writes.
	Close() error
	// RemoteAddr names the peer for people: host and port, or the URL in a browser.
	RemoteAddr() string
}

// A dial is bounded by these when its context has no nearer deadline. A proxy may be Tor, which takes its time.
const (
	dialTimeout  = 20 * time.Second
	proxyTimeout = time.Minute
)

var errLineFeed = errors.New("message holds a line feed")

// dialError gives a failed dial the sentinel that says why, and keeps the cause.
func dialError(ctx context.Context, err error) error {
	var dns *net.DNSError
	var ne net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("dial: %w", ctx.Err())
	case isRefused(err):
		return fmt.Errorf("dial: %w: %w", ErrRefused, err)
	case errors.As(err, &dns) && !dns.IsTimeout:
		return fmt.Errorf("dial: %w: %w", ErrNoHost, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return fmt.Errorf("dial: %w: %w", ErrTimeout, err)
	}
	return fmt.Errorf("dial: %w", err)
}
