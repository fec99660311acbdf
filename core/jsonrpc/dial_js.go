package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/coder/websocket"
)

// dial speaks ws and wss: a browser opens no TCP connections, and tells a page neither keys nor proxies.
func (d *Dialer) dial(ctx context.Context, t target, limit int) (Conn, error) {
	if err := d.browserRefuses(t); err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, t.url, nil)
	if err == nil {
		return newWebSocketConn(ws, t.url, limit), nil
	}
	if ctx.Err() != nil {
		return nil, dialError(ctx, ctx.Err())
	}
	return nil, dialError(ctx, ErrRefused)
}

// open is for what a browser cannot do.
func (d *Dialer) open(_ context.Context, t target) (net.Conn, error) {
	return nil, fmt.Errorf("dial: %w", d.browserRefuses(t))
}

// isRefused: a browser tells a page nothing about why a connection failed.
func isRefused(err error) bool { return errors.Is(err, ErrRefused) }

// closeWebSocket must not wait: the library's Close blocks until the browser reports the end, and a browser lets
// a page close with no code but 1000.
func closeWebSocket(ws *websocket.Conn) {
	go ws.Close(websocket.StatusNormalClosure, "")
}
