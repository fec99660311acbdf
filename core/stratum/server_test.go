//go:build !js

package stratum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// dialServer connects a raw miner to srv inside a bubble, and returns what the server made of it.
func dialServer(t *testing.T, srv *Server) (jsonrpc.Conn, <-chan error) {
	ours, theirs := net.Pipe()
	miner := jsonrpc.NewLineConn(theirs, MaxMessage)
	served := make(chan error, 1)
	go func() { served <- srv.ServeConn(t.Context(), jsonrpc.NewLineConn(ours, MaxMessage)) }()
	t.Cleanup(func() { miner.Close() })
	return miner, served
}

func say(t *testing.T, c jsonrpc.Conn, line string) {
	t.Helper()
	if err := c.WriteMessage(context.Background(), []byte(line)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, c jsonrpc.Conn, part string) {
	t.Helper()
	line, err := c.ReadMessage(context.Background())
	if err != nil || !strings.Contains(string(line), part) {
		t.Fatalf("got %s, %v; want %s", line, err, part)
	}
}

func login(t *testing.T, c jsonrpc.Conn) {
	t.Helper()
	say(t, c, `{"id":1,"method":"mining.subscribe","params":[]}`)
	hear(t, c, `"id":1`)
	say(t, c, `{"id":2,"method":"mining.authorize","params":["panner","x"]}`)
	hear(t, c, `"id":2`)
	hear(t, c, methodSetDifficulty)
	hear(t, c, methodNotify)
}

func (b *pool) only(t *testing.T) *Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.peers {
		return p
	}
	t.Fatal("nobody is connected")
	return nil
}

func TestSlowReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		srv := NewServer(backend, Options{Queue: 8})
		miner, served := dialServer(t, srv)
		login(t, miner)
		p := backend.only(t)
		var err error
		for n := 0; err == nil; n++ {
			if n > 20 {
				t.Fatal("the queue has no bound")
			}
			err = p.Notify(backend.job)
		}
		if !errors.Is(err, ErrSlow) {
			t.Errorf("Notify: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrSlow) {
			t.Errorf("ServeConn: %v", err)
		}
		if err := p.Notify(backend.job); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Notify after the end: %v", err)
		}
	})
}

// A miner that reads nothing is dropped in time even when little is sent.
func TestStuckReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		miner, served := dialServer(t, NewServer(backend, Options{}))
		login(t, miner)
		begun := time.Now()
		if err := backend.only(t).Notify(backend.job); err != nil {
			t.Fatal(err)
		}
		if err := <-served; !errors.Is(err, ErrSlow) {
			t.Errorf("ServeConn: %v", err)
		}
		if d := time.Since(begun); d != writeTimeout {
			t.Errorf("dropped after %v", d)
		}
	})
}

func TestServerFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := NewServer(newPool(t), Options{MaxConnections: 1})
		first, served := dialServer(t, srv)
		login(t, first)
		_, refused := dialServer(t, srv)
		if err := <-refused; !errors.Is(err, ErrFull) {
			t.Errorf("second: %v", err)
		}
		first.Close()
		if err := <-served; err != nil {
			t.Errorf("first: %v", err)
		}
		third, _ := dialServer(t, srv)
		login(t, third)
	})
}

// Who sends too fast is read more slowly, and not sent away.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		miner, _ := dialServer(t, NewServer(newPool(t), Options{Rate: 10, Burst: 5}))
		login(t, miner)
		begun := time.Now()
		for i := range 103 { // with the login, 105 messages: 5 at once, and 100 at 10 a second
			say(t, miner, fmt.Sprintf(`{"id":%d,"method":"mining.ping"}`, i))
			hear(t, miner, "pong")
		}
		if d := time.Since(begun); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestManyUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		miner, _ := dialServer(t, NewServer(newPool(t), Options{}))
		for i := range maxUsers + 1 {
			say(t, miner, fmt.Sprintf(`{"id":1,"method":"mining.authorize","params":["user%d","x"]}`, i))
			want := `"result":true`
			if i == maxUsers {
				want = "too many users"
			}
			hear(t, miner, want)
		}
	})
}

func TestServerEndsWithContext(t *testing.T) {
	ln := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	backend := newPool(t)
	ended := make(chan error)
	go func() { ended <- NewServer(backend, Options{}).Serve(ctx, ln) }()
	miner, err := jsonrpc.Dial(t.Context(), "tcp://"+ln.Addr().String(), MaxMessage)
	if err != nil {
		t.Fatal(err)
	}
	defer miner.Close()
	login(t, miner)
	cancel()
	if err := await(t, ended); err != nil {
		t.Error(err)
	}
	if len(backend.peers) > 0 {
		t.Error("the backend was not told that its miners left")
	}

	ln = listen(t)
	ln.Close()
	if err := NewServer(backend, Options{}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("with a closed listener: %v", err)
	}
}

func TestPeerRefusesBadJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := newPool(t)
		miner, _ := dialServer(t, NewServer(backend, Options{}))
		login(t, miner)
		p := backend.only(t)
		for _, j := range []*pow.Job{
			{},
			{ID: "a"},
			{ID: strings.Repeat("a", MaxJobID+1), Coinbase1: []byte{1}},
			{ID: "a", Coinbase1: make([]byte, MaxCoinbasePart+1)},
			{ID: "a", Coinbase1: []byte{1}, Branch: make([]pow.Hash, MaxBranch+1)},
		} {
			if err := p.Notify(j); err == nil {
				t.Errorf("job %q was sent", j.ID)
			}
		}
		for _, d := range []float64{0, -1, MaxDifficulty * 2, MinDifficulty / 2} {
			if err := p.SetDifficulty(d); err == nil {
				t.Errorf("difficulty %g was sent", d)
			}
		}
	})
}

// sheet is a connection that keeps what is written.
type sheet [][]byte

func (s *sheet) WriteBefore(_ time.Time, line []byte) error { *s = append(*s, line); return nil }
func (s *sheet) WriteMessage(_ context.Context, line []byte) error {
	return s.WriteBefore(time.Time{}, line)
}
func (s *sheet) ReadBefore(time.Time) ([]byte, error)        { return nil, io.EOF }
func (s *sheet) ReadMessage(context.Context) ([]byte, error) { return nil, io.EOF }
func (s *sheet) Close() error                                { return nil }
func (s *sheet) RemoteAddr() string                          { return "" }

// FuzzServer: no line, alone or with others, before or after a login, may do more than end the connection.
func FuzzServer(f *testing.F) {
	seeds := fuzzSeeds(f)
	for i, line := range seeds {
		f.Add(line)
		f.Add(bytes.Join([][]byte{line, seeds[(i*7+3)%len(seeds)]}, []byte{'\n'}))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		backend := &generous{pool: newPool(t), keys: map[string][]byte{"s": {1, 2}}}
		var told sheet
		p := NewServer(backend, Options{Queue: 1000}).newPeer(backend, &told)
		lines := append(bytes.SplitN(text, []byte{'\n'}, 6), []byte(`{"id":1,"method":"mining.subscribe"}`), []byte(`{"id":2,"method":"mining.authorize","params":["panner"]}`))
		for range 3 {
			for _, line := range lines {
				m, err := parseMessage(line)
				if err != nil {
					return
				}
				if err := p.handle(&m); err != nil && !errors.Is(err, ErrUnauthorized) {
					t.Fatal(err)
				}
			}
		}
		if e := p.current(); len(e.first) > MaxExtranonce1 || p.VersionMask()&^rollable != 0 {
			t.Fatalf("extranonce %+v, mask %08x", e, p.VersionMask())
		}
		for _, line := range told {
			if len(line) > MaxMessage {
				t.Fatalf("answered with %d bytes", len(line))
			} else if _, err := parseMessage(line); err != nil {
				t.Fatalf("answered %s: %v", line, err)
			}
		}
	})
}
