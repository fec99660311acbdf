package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Roots has no values here: a browser has its own.
type Roots struct{ _ byte }

// Leaf has no values here: a browser shows a page no certificate.
type Leaf struct{ _ byte }

// dial speaks ws and wss: a browser opens no TCP connections, and tells a page neither keys nor proxies.
func (d *Dialer) dial(ctx context.Context, t target, limit int) (Conn, error) {
	if err := d.browserRefuses(t); err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := openWebSocket(t.url, limit)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	select {
	case <-c.opened:
		return c, nil
	case <-c.closed:
		return nil, dialError(ctx, ErrRefused)
	case <-ctx.Done():
		c.end(net.ErrClosed)
		return nil, dialError(ctx, ctx.Err())
	}
}

// open is for what a browser cannot do.
func (d *Dialer) open(_ context.Context, t target) (net.Conn, error) {
	return nil, fmt.Errorf("dial: %w", d.browserRefuses(t))
}

// isRefused: a browser tells a page nothing about why a connection failed.
func isRefused(err error) bool { return errors.Is(err, ErrRefused) }
