package jsonrpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/coder/websocket"
)

// DialTCP is refused: a browser opens no TCP connections.
func DialTCP(_ context.Context, _ string, _ int) (Conn, error) {
	return nil, fmt.Errorf("a browser opens no tcp connections: %w", ErrUnsupportedScheme)
}

func dialWebSocket(ctx context.Context, url string) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err == nil {
		return ws, nil
	}
	if ctx.Err() != nil {
		return nil, dialError(ctx, ctx.Err())
	}
	return nil, dialError(ctx, ErrRefused)
}

// isRefused: a browser tells a page nothing about why a connection failed.
func isRefused(err error) bool { return errors.Is(err, ErrRefused) }

// closeWebSocket must not wait: the library's Close blocks until the browser reports the end, and a browser lets
// a page close with no code but 1000.
func closeWebSocket(ws *websocket.Conn) {
	go ws.Close(websocket.StatusNormalClosure, "")
}
