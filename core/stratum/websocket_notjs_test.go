//go:build !js

package stratum

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"goldpan/core/jsonrpc"
)

// attachWebSocket is attach for a WebSocket through a pipe. Which end began it makes no difference to what is said.
func (d *dialogue) attachWebSocket(ours, theirs net.Conn) jsonrpc.Conn {
	accepted := make(chan jsonrpc.Conn, 1)
	ln := &oneConn{conn: ours, closed: make(chan struct{})}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := jsonrpc.AcceptWebSocket(w, r, MaxMessage, nil)
		if err != nil {
			d.t.Error(err)
		}
		accepted <- c
	})}
	go func() { _ = srv.Serve(ln) }()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return theirs, nil },
	}
	ws, _, err := websocket.Dial(context.Background(), "ws://pool.test/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		d.t.Fatal(err)
	}
	ln.Close()
	d.mu.Lock()
	d.peer = frames{ws}
	d.mu.Unlock()
	go func() {
		for {
			kind, text, err := ws.Read(context.Background())
			if err != nil {
				return
			}
			if kind != websocket.MessageText || strings.Contains(string(text), "\n") {
				d.t.Errorf("frame %v %q", kind, text)
			}
			d.said(string(text))
		}
	}()
	return <-accepted
}

// frames is a wire of WebSocket messages.
type frames struct{ ws *websocket.Conn }

func (f frames) say(text string, _ bool) {
	go func() { _ = f.ws.Write(context.Background(), websocket.MessageText, []byte(text)) }()
}

func (f frames) close() { f.ws.CloseNow() }
func (f frames) deaf()  { panic("a websocket always listens") }

// oneConn is a listener that has one connection to give.
type oneConn struct {
	mu     sync.Mutex
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	c := l.conn
	l.conn = nil
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	<-l.closed
	return nil, io.EOF
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
