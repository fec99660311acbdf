//go:build !js

package jsonrpc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// transports makes a connected pair over each transport: ours, and the peer's as raw writes.
var transports = map[string]func(*testing.T) (ours Conn, peer Conn, raw func(string)){
	"tcp": func(t *testing.T) (Conn, Conn, func(string)) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		ours, err := Dial(deadline(t), "stratum+tcp://"+ln.Addr().String(), 1024)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		peer := NewLineConn(c, 1024)
		t.Cleanup(func() { ours.Close(); peer.Close() })
		return ours, peer, func(s string) { io.WriteString(c, s) }
	},
	"ws": func(t *testing.T) (Conn, Conn, func(string)) {
		accepted := make(chan Conn, 1)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := AcceptWebSocket(w, r, 1024, nil)
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}))
		t.Cleanup(srv.Close)
		ours, err := Dial(deadline(t), strings.Replace(srv.URL, "http", "ws", 1)+"/stratum", 1024)
		if err != nil {
			t.Fatal(err)
		}
		peer := <-accepted
		t.Cleanup(func() { ours.Close(); peer.Close() })
		return ours, peer, func(s string) {
			peer.(*acceptedConn).ws.WriteMessage(int(websocket.MessageBinary), []byte(s))
		}
	},
}

func eachTransport(t *testing.T, f func(t *testing.T, ours, peer Conn, raw func(string))) {
	for name, dial := range transports {
		t.Run(name, func(t *testing.T) {
			ours, peer, raw := dial(t)
			f(t, ours, peer, raw)
		})
	}
}

func mustRead(t *testing.T, c Conn, want string) {
	t.Helper()
	got, err := c.ReadMessage(deadline(t))
	if err != nil || string(got) != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestBothWays(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, peer Conn, raw func(string)) {
		for _, msg := range []string{`{"id":1}`, `[]`, `not json at all`} {
			if err := ours.WriteMessage(deadline(t), []byte(msg)); err != nil {
				t.Fatal(err)
			}
			mustRead(t, peer, msg)
			if err := peer.WriteMessage(deadline(t), []byte(msg)); err != nil {
				t.Fatal(err)
			}
			mustRead(t, ours, msg)
		}
		if ours.RemoteAddr() == "" || peer.RemoteAddr() == "" {
			t.Error("a connection does not know its peer")
		}
	})
}

func TestLineEndsAndPieces(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, raw func(string)) {
		raw("{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":\"")
		raw("}\\\"")
		raw("\"}\n")
		for _, want := range []string{`{"a":1}`, `{"b":2}`, `{"c":"}\""}`} {
			mustRead(t, ours, want)
		}
	})
}

func TestTooLong(t *testing.T) {
	for name, text := range map[string]string{
		"oversized": strings.Repeat("x", 1025) + "\n",
		"endless":   strings.Repeat("[", 8192),
	} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, ours, _ Conn, raw func(string)) {
				raw(text)
				if _, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
					t.Fatalf("got %v", err)
				}
				if _, err := ours.ReadMessage(deadline(t)); err == nil {
					t.Error("read on after half a message")
				}
			})
		})
	}
}

// A connection that carries nothing but blank lines, or empty messages, ends; a blank line between messages, however
// often, does no harm.
func TestBlankLinesEnd(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, raw func(string)) {
		go func() {
			for range 3 {
				raw(strings.Repeat("\n", 900) + "{}\n")
			}
			for range 1100 {
				raw(" \r\n")
			}
		}()
		for range 3 {
			mustRead(t, ours, "{}")
		}
		if msg, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
			t.Fatalf("got %q, %v", msg, err)
		}
	})
}

// So it is with messages that hold nothing at all.
func TestEmptyMessagesEnd(t *testing.T) {
	ours, _, raw := transports["ws"](t)
	go func() {
		for range 1100 {
			raw("")
		}
	}()
	if msg, err := ours.ReadMessage(deadline(t)); !errors.Is(err, ErrTooLong) {
		t.Fatalf("got %q, %v", msg, err)
	}
}

func TestLimitItself(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, raw func(string)) {
		want := strings.Repeat("x", 1024)
		raw(want + "\r\n")
		mustRead(t, ours, want)
	})
}

func TestPeerCloses(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, peer Conn, raw func(string)) {
		raw("{}\n")
		peer.Close()
		mustRead(t, ours, "{}")
		if _, err := ours.ReadMessage(deadline(t)); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want io.EOF", err)
		}
	})
	eachTransport(t, func(t *testing.T, ours, peer Conn, raw func(string)) {
		raw(`{"half`)
		peer.Close()
		if _, err := ours.ReadMessage(deadline(t)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
		}
	})
}

func TestContextEndsRead(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, _ func(string)) {
		ctx, cancel := context.WithCancel(deadline(t))
		failed := make(chan error)
		go func() {
			_, err := ours.ReadMessage(ctx)
			failed <- err
		}()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := ours.WriteMessage(deadline(t), []byte("{}")); err == nil {
			t.Error("wrote on a connection whose read was given up")
		}
	})
}

func TestContextEndsWrite(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, _ func(string)) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		msg := make([]byte, 1<<20) // nobody reads it
		for {
			if err := ours.WriteMessage(ctx, msg); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				return
			}
		}
	})
}

func TestCloseWakes(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, _ Conn, _ func(string)) {
		failed := make(chan error)
		go func() {
			_, err := ours.ReadMessage(context.Background())
			failed <- err
		}()
		if err := ours.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if err := ours.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

// A line feed in a message would make two messages of it.
func TestLineFeedRefused(t *testing.T) {
	eachTransport(t, func(t *testing.T, ours, peer Conn, _ func(string)) {
		if err := ours.WriteMessage(deadline(t), []byte("{}\n{}")); err == nil {
			t.Fatal("taken")
		}
		if err := ours.WriteMessage(deadline(t), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		mustRead(t, peer, "{}")
	})
}

func TestDialErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	free := c.LocalAddr().String() // taken, so that nothing else can come to listen there
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	redirect := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer redirect.Close()
	for rawURL, want := range map[string]error{
		"stratum+tcp://" + free: ErrRefused,
		"ws://" + free:          ErrRefused,
		"stratum+tls://" + free: ErrRefused,
		"stratum+ssl://" + free: ErrRefused,
		"wss://" + free:         ErrRefused,
		"ftp://" + free:         ErrUnsupportedScheme,
		free:                    ErrUnsupportedScheme,
		strings.Replace(web.URL, "http", "ws", 1):         ErrHandshake,
		strings.Replace(redirect.URL, "http", "ws", 1):    ErrHandshake,
		strings.Replace(web.URL, "http", "WS", 1) + "/%z": ErrAddress,
	} {
		if c, err := Dial(deadline(t), rawURL, 1024); !errors.Is(err, want) {
			t.Errorf("%s: got %v, %v; want %v", rawURL, c, err, want)
		}
	}
}

// A server that answers with garbage gives an error without the garbage.
func TestDialGarbage(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "<b>garbage</b>\r\n\r\n")
		io.Copy(io.Discard, c)
	}()
	_, err = Dial(deadline(t), "ws://"+ln.Addr().String(), 1024)
	if !errors.Is(err, ErrHandshake) || strings.Contains(err.Error(), "garbage") {
		t.Errorf("got %v", err)
	}
}

func TestDialTimeoutAndNames(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, scheme := range []string{"tcp", "ws"} {
		if _, err := Dial(ctx, scheme+"://127.0.0.1:9", 1024); !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: got %v", scheme, err)
		}
	}
	// The system's resolver is not asked: this is the error that it gives.
	if err := dialError(t.Context(), &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}); !errors.Is(err, ErrNoHost) {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, "tcp://127.0.0.1:9", 1024); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAcceptRefuses(t *testing.T) {
	failed := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := AcceptWebSocket(w, r, 1024, []string{"friend.test"})
		if err == nil {
			c.Close()
		}
		failed <- err
	}))
	defer srv.Close()
	for origin, want := range map[string]bool{
		"": true, srv.URL: true, "https://friend.test": true, "https://foe.test": false, "null": false,
	} {
		opts := &websocket.DialOptions{HTTPHeader: http.Header{}}
		if origin != "" {
			opts.HTTPHeader.Set("Origin", origin)
		}
		c, _, err := websocket.Dial(deadline(t), srv.URL, opts)
		if err == nil {
			c.CloseNow()
		}
		if got := <-failed == nil; got != want {
			t.Errorf("origin %q: accepted %v, want %v", origin, got, want)
		}
	}
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := <-failed; !errors.Is(err, ErrHandshake) || resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a plain request: %v, status %d", err, resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}
