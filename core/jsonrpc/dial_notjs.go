//go:build !js

package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// DialTCP connects to host:port and carries messages as lines. See NewLineConn for the limit.
func DialTCP(ctx context.Context, addr string, limit int) (Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	return NewLineConn(c, limit), nil
}

func dialWebSocket(ctx context.Context, url string) (*websocket.Conn, error) {
	// A transport of its own: no proxy from the environment, and nothing left behind after a failed handshake.
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: handshakeOnly{transport},
		// A redirect would lead to a host that the person has not chosen.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
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

// AcceptWebSocket makes a WebSocket of an HTTP request and answers the request with an error when it is none.
//
// A browser's request must come from the host that it asks; origins lists others that may, as host patterns.
// Programs, which send no Origin header, are let in. The limit is the longest message in bytes.
func AcceptWebSocket(w http.ResponseWriter, r *http.Request, limit int, origins []string) (Conn, error) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: origins})
	if err != nil {
		return nil, fmt.Errorf("accept: %w", ErrHandshake)
	}
	return newWebSocketConn(ws, r.RemoteAddr, limit), nil
}

func closeWebSocket(ws *websocket.Conn) {
	// Without the closing handshake, which would wait up to ten seconds for a silent peer.
	ws.CloseNow()
}
