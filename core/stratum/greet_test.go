//go:build !js

package stratum

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
)

// greeter accepts connections, hears a greeting on each, answers it, and serves the pool on those that it likes.
func greeter(t *testing.T, srv *Server, answer func(greeting string) (text string, welcome bool)) string {
	ln := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conn := jsonrpc.NewLineConn(c, MaxMessage)
			heard, err := conn.ReadMessage(ctx)
			if err != nil {
				conn.Close()
				continue
			}
			text, welcome := answer(string(heard))
			if err := conn.WriteMessage(ctx, []byte(text)); err != nil || !welcome {
				conn.Close()
				continue
			}
			_ = srv.ServeConn(ctx, conn) // how it ended is the client's to tell
		}
	}()
	t.Cleanup(func() { cancel(); ln.Close(); <-served })
	return "stratum+tcp://" + ln.Addr().String()
}

var errTurnedAway = errors.New("turned away")

// The greeting comes first, on each connection, and nothing of the pool gets lost behind it.
func TestGreet(t *testing.T) {
	backend := newPool(t)
	heard := make(chan string, 10)
	address := greeter(t, NewServer(backend, Options{}), func(greeting string) (string, bool) {
		heard <- greeting
		return `"welcome"`, true
	})
	greeted := 0
	in, ended := greetWith(t, address, func(ctx context.Context, conn jsonrpc.Conn) error {
		greeted++
		if err := conn.WriteMessage(ctx, fmt.Appendf(nil, `"hello %d"`, greeted)); err != nil {
			return err
		}
		b, err := conn.ReadMessage(ctx)
		if err == nil && string(b) != `"welcome"` {
			err = fmt.Errorf("%w: heard %q", ErrRefusedForGood, b)
		}
		return err
	})
	first := await(t, in.jobs)
	if got := await(t, heard); got != `"hello 1"` {
		t.Errorf("the greeting was %q", got)
	}
	backend.mu.Lock()
	for p := range backend.peers {
		p.Close()
	}
	backend.mu.Unlock()
	if lost := await(t, in.jobs); lost != nil {
		t.Fatalf("got job %v of a lost connection", lost)
	}
	if next := await(t, in.jobs); next.Conn == first.Conn {
		t.Error("the job is of the connection that was lost")
	}
	if got := await(t, heard); got != `"hello 2"` {
		t.Errorf("the second greeting was %q", got)
	}
	select {
	case err := <-ended:
		t.Errorf("the client ended: %v", err)
	default:
	}
}

// An error of the greeting ends the attempt; one for good ends the client.
func TestGreetRefuses(t *testing.T) {
	address := greeter(t, nil, func(string) (string, bool) { return `"no"`, false })
	greeted := 0
	in, ended := greetWith(t, address, func(ctx context.Context, conn jsonrpc.Conn) error {
		if err := conn.WriteMessage(ctx, []byte(`"hello"`)); err != nil {
			return err
		}
		if _, err := conn.ReadMessage(ctx); err != nil {
			return err
		}
		if greeted++; greeted < 3 {
			return errTurnedAway
		}
		return fmt.Errorf("%w: %w", ErrRefusedForGood, errTurnedAway)
	})
	if err := await(t, ended); !errors.Is(err, ErrRefusedForGood) || !errors.Is(err, errTurnedAway) {
		t.Errorf("the client ended with %v", err)
	}
	if greeted != 3 {
		t.Errorf("it greeted %d times, want 3", greeted)
	}
	for n := 1; n <= 3; n++ {
		s := in.awaitDown(t)
		if !errors.Is(s.Err, errTurnedAway) || (s.Retry == 0) != (n == 3) || s.Reason == "" {
			t.Errorf("attempt %d: %+v", n, s)
		}
	}
	for len(in.jobs) > 0 {
		if j := <-in.jobs; j != nil {
			t.Errorf("got job %+v", j)
		}
	}
}

// Over several pools the refusal of the only one ends the whole.
func TestGreetRefusedByAllPools(t *testing.T) {
	u, err := ParseURL(greeter(t, nil, func(string) (string, bool) { return `"no"`, false }))
	if err != nil {
		t.Fatal(err)
	}
	f := NewFailover(FailoverConfig{
		Pools:  []Pool{{URL: u, User: "panner"}},
		Client: Config{Algorithm: hasher.SHA256d, Handler: newInbox(), Greet: func(context.Context, jsonrpc.Conn) error { return ErrRefusedForGood }},
	})
	if err := f.Run(t.Context()); !errors.Is(err, ErrRefusedForGood) {
		t.Errorf("it ended with %v", err)
	}
}

// A greeting is bounded in time, and its connection is closed.
func TestGreetTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := newSilentConn()
		in := newInbox()
		c := NewClient(Config{
			URL: URL{scheme: "ws", host: "pool.test:80", path: "/"}, User: "panner", Algorithm: hasher.SHA256d, Handler: in,
			Dial: func(context.Context, URL) (jsonrpc.Conn, error) { return silent, nil },
			Greet: func(ctx context.Context, conn jsonrpc.Conn) error {
				_, err := conn.ReadMessage(ctx)
				return err
			},
			Backoff: func(int) time.Duration { return time.Hour },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		begun := time.Now()
		go func() { ended <- c.Run(ctx) }()
		if s := in.awaitDown(t); !errors.Is(s.Err, ErrSilent) {
			t.Errorf("it is down for %v", s.Err)
		}
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
		<-silent.closed
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// silentConn says nothing until it is closed.
type silentConn struct{ closed chan struct{} }

func newSilentConn() *silentConn { return &silentConn{make(chan struct{})} }

func (c *silentConn) ReadMessage(ctx context.Context) ([]byte, error) {
	select {
	case <-c.closed:
		return nil, context.Canceled
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *silentConn) WriteMessage(context.Context, []byte) error { return nil }
func (c *silentConn) RemoteAddr() string                         { return "silent" }

func (c *silentConn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

// greetWith runs a client with a greeting until the test ends.
func greetWith(t *testing.T, address string, greet func(context.Context, jsonrpc.Conn) error) (*inbox, <-chan error) {
	u, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	in := newInbox()
	c := NewClient(Config{
		URL: u, User: "panner", Algorithm: hasher.SHA256d, Handler: in, Greet: greet,
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		ended <- c.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return in, ended
}

// Each cause has its word and its sentence, and neither holds a peer's.
func TestCause(t *testing.T) {
	sentences := map[string]bool{}
	for _, c := range causes() {
		if c.word == "" || strings.ContainsFunc(c.word, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' }) || c.text == "" {
			t.Errorf("%v: %q, %q", c.err, c.word, c.text)
		}
		if got := Cause(fmt.Errorf("wrapped: %w", c.err)); got != c.word {
			t.Errorf("%v is %q, want %q", c.err, got, c.word)
		}
		if sentences[c.text] {
			t.Errorf("%q stands twice", c.text)
		}
		sentences[c.text] = true
	}
	if got := Cause(&Rejection{Code: 20, Reason: "hunter2"}); got != "rejected" {
		t.Errorf("a rejection is %q", got)
	}
	if got := Cause(errors.New("hunter2")); got != "broken" {
		t.Errorf("anything else is %q", got)
	}
}
