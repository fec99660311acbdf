//go:build !js

package jsonrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/coder/websocket"
)

func newWebSocketConn(ws *websocket.Conn, remote string, limit int) *webSocketConn {
	ws.SetReadLimit(int64(limit) + slack)
	return &webSocketConn{ws: ws, remote: remote, pieces: pieces{in: lines{limit: limit}}}
}

// webSocketConn is a WebSocket over a connection of our own.
type webSocketConn struct {
	pieces
	ws     *websocket.Conn
	remote string
	closed atomic.Bool
}

func (c *webSocketConn) ReadMessage(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.fail(ctx, err)
	}
	for {
		msg, err := c.take()
		if err != nil {
			return nil, c.fail(ctx, err)
		}
		if msg != nil {
			return msg, nil
		}
		_, chunk, err := c.ws.Read(ctx)
		if err != nil {
			if err = c.fail(ctx, err); errors.Is(err, io.EOF) && !c.in.blank() {
				err = fmt.Errorf("connection: %w", io.ErrUnexpectedEOF)
			}
			return nil, err
		}
		c.in.add(chunk)
	}
}

func (c *webSocketConn) WriteMessage(ctx context.Context, msg []byte) error {
	if bytes.IndexByte(msg, '\n') >= 0 {
		return errLineFeed
	}
	if err := c.ws.Write(ctx, websocket.MessageText, msg); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

// fail closes the connection and says why. It may not look at what was read, which is ReadMessage's alone. The close frame's reason is the peer's text: only its code is kept.
func (c *webSocketConn) fail(ctx context.Context, err error) error {
	wasClosed := c.closed.Load()
	c.Close()
	var closed websocket.CloseError
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig), errors.Is(err, ErrTooLong):
		return fmt.Errorf("connection: %w", ErrTooLong)
	case ctx.Err() != nil:
		return ctx.Err()
	case wasClosed:
		return net.ErrClosed
	case errors.As(err, &closed):
		if closed.Code == websocket.StatusMessageTooBig {
			return errors.New("connection: the peer found our message too long")
		}
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return io.EOF
	}
	return errWebSocket(err)
}

func (c *webSocketConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	closeWebSocket(c.ws)
	return nil
}

func (c *webSocketConn) RemoteAddr() string { return c.remote }

// errWebSocket keeps an error of the network below, and only the fact of one of the protocol, whose text may hold
// the peer's.
func errWebSocket(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return fmt.Errorf("connection: %w", op)
	}
	return errors.New("connection: websocket protocol broken")
}
