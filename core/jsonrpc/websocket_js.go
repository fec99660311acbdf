package jsonrpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall/js"
)

// A browser's WebSocket keeps what nobody has read or the network has not taken yet: so many messages of full length.
const maxWaiting = 8

var (
	errFlood = errors.New("connection: the peer sends faster than is read")
	errTaken = errors.New("connection: the network takes nothing")
)

// webSocketConn is the browser's own WebSocket (WHATWG WebSockets Standard).
type webSocketConn struct {
	pieces
	ws     js.Value
	remote string
	limit  int
	hear   js.Func

	opened chan struct{}
	news   chan struct{} // holds one when there is something new to read
	closed chan struct{}

	mu      sync.Mutex
	waiting [][]byte
	size    int   // of waiting, in bytes
	why     error // the connection is closed; nil while it is not
}

// openWebSocket begins to connect.
func openWebSocket(url string, limit int) (c *webSocketConn, err error) {
	defer func() {
		if thrown := recover(); thrown != nil { // the page may not connect there
			c, err = nil, ErrRefused
		}
	}()
	c = &webSocketConn{
		pieces: pieces{in: lines{limit: limit}}, remote: url, limit: limit,
		opened: make(chan struct{}), news: make(chan struct{}, 1), closed: make(chan struct{}),
		ws: js.Global().Get("WebSocket").New(url),
	}
	c.ws.Set("binaryType", "arraybuffer")
	c.hear = js.FuncOf(func(_ js.Value, args []js.Value) any {
		c.event(args[0])
		return nil
	})
	for _, name := range events() {
		c.ws.Call("addEventListener", name, c.hear)
	}
	return c, nil
}

func events() []string { return []string{"open", "message", "close"} }

// event takes what the browser tells.
func (c *webSocketConn) event(e js.Value) {
	switch e.Get("type").String() {
	case "open":
		close(c.opened)
	case "message":
		c.message(e.Get("data"))
	case "close":
		if e.Get("code").Int() == 1009 {
			c.end(errors.New("connection: the peer found our message too long"))
			return
		}
		c.end(io.EOF)
	}
}

// message keeps what came until it is read. Its size is looked at before it is copied.
func (c *webSocketConn) message(data js.Value) {
	var b []byte
	switch {
	case data.Type() == js.TypeString && js.Global().Get("Object").Invoke(data).Length() <= c.limit+slack: // in units of UTF-16
		b = []byte(data.String())
	case data.Type() == js.TypeObject && data.Get("byteLength").Int() <= c.limit+slack:
		b = make([]byte, data.Get("byteLength").Int())
		js.CopyBytesToGo(b, js.Global().Get("Uint8Array").New(data))
	default:
		c.end(ErrTooLong)
		return
	}
	c.mu.Lock()
	flood := c.size+len(b) > maxWaiting*(c.limit+slack)
	if !flood && c.why == nil {
		c.waiting, c.size = append(c.waiting, b), c.size+len(b)
	}
	c.mu.Unlock()
	if flood {
		c.end(errFlood)
		return
	}
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// end closes the connection once, and keeps why.
func (c *webSocketConn) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.why = why
	for _, name := range events() {
		c.ws.Call("removeEventListener", name, c.hear)
	}
	c.hear.Release()
	c.ws.Call("close") // it does not wait
	close(c.closed)
}

// next returns the first that waits; nil and why there will be no more, or nil and nil.
func (c *webSocketConn) next() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.why != nil && !errors.Is(c.why, io.EOF) {
		return nil, c.why
	}
	b := c.waiting[0]
	c.waiting[0] = nil
	c.waiting, c.size = c.waiting[1:], c.size-len(b)
	return b, nil
}

func (c *webSocketConn) ReadMessage(ctx context.Context) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			c.end(net.ErrClosed)
			return nil, err
		}
		msg, err := c.take()
		if msg != nil {
			return msg, nil
		}
		if err != nil {
			c.end(err)
			return nil, fmt.Errorf("connection: %w", err)
		}
		chunk, err := c.next()
		switch {
		case errors.Is(err, io.EOF) && !c.in.blank():
			return nil, fmt.Errorf("connection: %w", io.ErrUnexpectedEOF)
		case errors.Is(err, ErrTooLong):
			return nil, fmt.Errorf("connection: %w", ErrTooLong)
		case err != nil:
			return nil, err
		case chunk != nil:
			if msg := c.whole(chunk); msg != nil {
				return msg, nil
			}
			c.in.add(chunk)
			continue
		}
		select {
		case <-ctx.Done():
		case <-c.closed:
		case <-c.news:
		}
	}
}

func (c *webSocketConn) WriteMessage(ctx context.Context, msg []byte) error {
	if bytes.IndexByte(msg, '\n') >= 0 {
		return errLineFeed
	}
	if err := ctx.Err(); err != nil {
		c.end(net.ErrClosed)
		return err
	}
	c.mu.Lock()
	why := c.why
	c.mu.Unlock()
	if why != nil {
		return why
	}
	if c.ws.Get("bufferedAmount").Int() > maxWaiting*(c.limit+slack) {
		c.end(errTaken)
		return errTaken
	}
	c.ws.Call("send", string(msg))
	return nil
}

func (c *webSocketConn) Close() error {
	c.end(net.ErrClosed)
	return nil
}

func (c *webSocketConn) RemoteAddr() string { return c.remote }
