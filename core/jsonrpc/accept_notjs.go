//go:build !js

package jsonrpc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// writeBuffers are lent to a connection while it writes a message.
var writeBuffers sync.Pool

const (
	writeSize = 4 << 10 // of one of writeBuffers: a job goes out at once
	farewell  = time.Second
)

// AcceptWebSocket makes a WebSocket of an HTTP request and answers the request with an error when it is none.
//
// A browser's request must come from the host that it asks; origins lists others that may, as host patterns.
// Programs, which send no Origin header, are let in. The limit is the longest message in bytes. Messages are text;
// nothing is compressed, so none grows after it was measured.
//
// The connection outlives the request. Who holds thousands lets its handler return and serves them elsewhere: what
// net/http keeps for a request, 15 KiB, it keeps until then. The Conn is Timed.
func AcceptWebSocket(w http.ResponseWriter, r *http.Request, limit int, origins []string) (Conn, error) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, http.StatusText(http.StatusUpgradeRequired), http.StatusUpgradeRequired)
		return nil, fmt.Errorf("accept: %w", ErrHandshake)
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: dialTimeout,
		ReadBufferSize:   idleSize / 2, WriteBufferSize: writeSize, WriteBufferPool: &writeBuffers,
		CheckOrigin: func(r *http.Request) bool { return allows(origins, r) },
	}
	h := &hijacker{ResponseWriter: w, most: 16*limit + 64<<10}
	ws, err := upgrader.Upgrade(h, r, nil)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", ErrHandshake)
	}
	ws.SetReadLimit(int64(limit) + slack)
	return &acceptedConn{pieces: pieces{in: lines{limit: limit}}, ws: ws, from: h.conn, remote: r.RemoteAddr}, nil
}

// allows reports whether a request's Origin is its own host, or one of others; or whether there is none.
func allows(others []string, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	for _, pattern := range others {
		host := u.Host
		if strings.Contains(pattern, "://") {
			host = u.Scheme + "://" + u.Host
		}
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(host)); err == nil && ok {
			return true
		}
	}
	return false
}

// hijacker hands out the connection below a request as a rationed one.
type hijacker struct {
	http.ResponseWriter
	most int
	conn *rationed
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &rationed{Conn: c, most: h.most}
	return h.conn, rw, nil
}

// rationed brings so many bytes a message and no more, whatever they are: pings, blank lines and empty frames without end
// would keep the reader busy, unseen by whoever counts messages.
//
// It also keeps why it failed, of which the library keeps the text.
type rationed struct {
	net.Conn
	most, used int   // of the reading goroutine
	ended      error // likewise
	broke      atomic.Pointer[net.OpError]
}

func (c *rationed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.used += n; c.used > c.most {
		n, err = 0, ErrTooLong
	}
	if err != nil {
		c.ended = err
	}
	return n, err
}

func (c *rationed) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	var op *net.OpError
	if errors.As(err, &op) {
		c.broke.Store(op)
	}
	return n, err
}

func (c *rationed) Close() error { return hangUp(c.Conn) }

// acceptedConn is a WebSocket that came to us.
type acceptedConn struct {
	pieces
	ws     *websocket.Conn
	from   *rationed
	remote string
	closed atomic.Bool
	timed  bool // a deadline stands; of the reader alone
	writes sync.Mutex
}

var _ Timed = (*acceptedConn)(nil)

var errNotText = errors.New("message is not text")

func (c *acceptedConn) ReadMessage(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.fail(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return c.read(ctx, time.Time{})
}

func (c *acceptedConn) ReadBefore(until time.Time) ([]byte, error) {
	return c.read(context.Background(), until)
}

func (c *acceptedConn) read(ctx context.Context, until time.Time) ([]byte, error) {
	if timed := !until.IsZero(); timed || c.timed {
		c.from.SetReadDeadline(until) // the read tells what is wrong
		c.timed = timed
	}
	for {
		msg, err := c.take()
		if err != nil {
			return nil, c.fail(ctx, err)
		}
		if msg != nil {
			c.from.used = 0
			return msg, nil
		}
		if msg, err = c.more(); msg != nil {
			c.from.used = 0
			return msg, nil
		}
		if err != nil {
			if c.from.ended != nil {
				err = c.from.ended
			}
			if err = c.fail(ctx, err); errors.Is(err, io.EOF) && !c.in.blank() {
				err = fmt.Errorf("connection: %w", io.ErrUnexpectedEOF)
			}
			return nil, err
		}
	}
}

// more reads one message of the WebSocket. It returns it where it is just one of ours.
func (c *acceptedConn) more() ([]byte, error) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage {
		no := websocket.FormatCloseMessage(websocket.CloseUnsupportedData, "")
		return nil, errors.Join(errNotText, c.ws.WriteControl(websocket.CloseMessage, no, time.Now().Add(farewell)))
	}
	chunk := scratch.Get().(*[]byte)
	defer giveBack(chunk)
	b := bytes.NewBuffer((*chunk)[:0])
	_, err = b.ReadFrom(r)
	*chunk = b.Bytes()
	if err != nil {
		return nil, err
	}
	msg := c.whole(*chunk)
	if msg == nil {
		c.in.add(*chunk)
	}
	return msg, nil
}

func (c *acceptedConn) WriteMessage(ctx context.Context, msg []byte) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	return c.write(ctx, time.Time{}, msg)
}

func (c *acceptedConn) WriteBefore(until time.Time, msg []byte) error {
	return c.write(context.Background(), until, msg)
}

func (c *acceptedConn) write(ctx context.Context, until time.Time, msg []byte) error {
	if bytes.IndexByte(msg, '\n') >= 0 {
		return errLineFeed
	}
	c.writes.Lock()
	defer c.writes.Unlock()
	if err := c.ws.SetWriteDeadline(until); err != nil {
		return c.fail(ctx, err)
	}
	if err := c.ws.WriteMessage(websocket.TextMessage, msg); err != nil {
		if op := c.from.broke.Load(); op != nil {
			err = op
		}
		return c.fail(ctx, err)
	}
	return nil
}

// fail closes the connection and says why. It may not look at what was read, which is the reader's alone. Of what the
// peer said as it left only the code is kept.
func (c *acceptedConn) fail(ctx context.Context, err error) error {
	wasClosed := c.closed.Load()
	c.Close()
	var closed *websocket.CloseError
	switch {
	case errors.Is(err, websocket.ErrReadLimit), errors.Is(err, ErrTooLong):
		return fmt.Errorf("connection: %w", ErrTooLong)
	case ctx.Err() != nil:
		return ctx.Err()
	case wasClosed:
		return net.ErrClosed
	case errors.As(err, &closed):
		if closed.Code == websocket.CloseMessageTooBig {
			return errors.New("connection: the peer found our message too long")
		}
		return io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, websocket.ErrCloseSent):
		return io.EOF
	}
	return errWebSocket(err)
}

func (c *acceptedConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.from.Close() // without the closing handshake, which would wait for a silent peer
}

func (c *acceptedConn) RemoteAddr() string { return c.remote }
