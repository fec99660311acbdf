//go:build !js

package stratum

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// pool is a small real pool: it checks the work of each share.
type pool struct {
	mu    sync.Mutex
	job   *pow.Job
	peers map[*Peer]bool
	seen  map[string]bool
	last  uint32
}

func newPool(t testing.TB) *pool {
	j := slushJob(t)
	j.Clean = true
	return &pool{job: j, peers: make(map[*Peer]bool), seen: make(map[string]bool)}
}

const poolDifficulty = 1e-9 // about four hashes

func (b *pool) Connected(p *Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[p] = true
}

func (b *pool) Disconnected(p *Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.peers, p)
}

func (b *pool) Subscribe(*Peer, string) ([]byte, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return binary.BigEndian.AppendUint32(nil, b.last), 4, nil
}

func (b *pool) Authorize(p *Peer, user, _ string) error {
	if user == "stranger" {
		return &Rejection{Code: CodeUnauthorized, Reason: "address of another network"}
	}
	if !p.Subscribed() {
		return nil
	}
	return errors.Join(p.SetDifficulty(poolDifficulty), p.Notify(b.job))
}

func (b *pool) Submit(p *Peer, s Submission) error {
	if s.JobID != b.job.ID {
		return &Rejection{Code: CodeJobNotFound, Reason: "job not found"}
	}
	hash := b.job
	j := *hash
	j.Algorithm, j.Extranonce1 = hasher.SHA256d, p.Extranonce1()
	j.Target = pow.TargetFromDifficulty(j.Algorithm, poolDifficulty)
	if _, ok := j.Check(pow.Solution{Extranonce2: s.Extranonce2, Version: j.Version, Time: s.Time, Nonce: s.Nonce}); !ok {
		return &Rejection{Code: CodeLowDifficulty, Reason: "low difficulty"}
	}
	return nil
}

func (b *pool) SuggestDifficulty(*Peer, float64) {}

// inbox is a Handler that hands jobs and states to a test.
type inbox struct {
	jobs   chan *pow.Job
	states chan pow.State
}

func newInbox() *inbox {
	return &inbox{jobs: make(chan *pow.Job, 100), states: make(chan pow.State, 100)}
}

// Job and State drop what nobody takes: a handler must not block.
func (i *inbox) Job(j *pow.Job) {
	select {
	case i.jobs <- j:
	default:
	}
}

func (i *inbox) State(s pow.State) {
	select {
	case i.states <- s:
	default:
	}
}

// await returns the next value of a channel, or fails.
func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

func (i *inbox) awaitDown(t *testing.T) pow.State {
	t.Helper()
	for {
		if s := await(t, i.states); s.Phase == pow.Down {
			return s
		}
	}
}

// mine finds a share of a job by hand.
func mine(t *testing.T, j *pow.Job, from uint32) pow.Share {
	t.Helper()
	for nonce := from; nonce < from+100_000; nonce++ {
		if s, ok := j.Check(pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time, Nonce: nonce}); ok {
			return s
		}
	}
	t.Fatal("no share")
	panic("unreachable")
}

// transports serve a pool and return its address.
var transports = map[string]func(*testing.T, *Server) string{
	"tcp": func(t *testing.T, srv *Server) string {
		ln := listen(t)
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error)
		go func() { served <- srv.Serve(ctx, ln) }()
		t.Cleanup(func() {
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
		return "stratum+tcp://" + ln.Addr().String()
	},
	"ws": func(t *testing.T, srv *Server) string {
		ctx, cancel := context.WithCancel(context.Background())
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := jsonrpc.AcceptWebSocket(w, r, MaxMessage, nil)
			if err != nil {
				t.Error(err)
				return
			}
			var broken *net.OpError // a client that leaves at once resets the connection
			if err := srv.ServeConn(ctx, c); err != nil && !errors.As(err, &broken) {
				t.Error(err)
			}
		}))
		t.Cleanup(func() { cancel(); web.Close() })
		return strings.Replace(web.URL, "http", "ws", 1) + "/stratum"
	},
}

func listen(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// refusing returns an address that refuses connections for as long as the test runs:
// one end of a connection holds its port, so that no other test can come to listen there.
func refusing(t *testing.T) string {
	t.Helper()
	c, err := net.Dial("tcp", listen(t).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// start runs a client until the test ends, and returns what ended it.
func start(t *testing.T, address, user string) (*Client, *inbox, <-chan error) {
	u, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	in := newInbox()
	c := NewClient(Config{
		URL: u, User: user, Algorithm: hasher.SHA256d, Handler: in,
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended <- c.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c, in, ended
}

func TestClientWithServer(t *testing.T) {
	for name, serve := range transports {
		t.Run(name, func(t *testing.T) {
			backend := newPool(t)
			c, in, _ := start(t, serve(t, NewServer(backend, Options{})), "panner")
			j := await(t, in.jobs)
			if j.Difficulty != poolDifficulty || !j.Clean || j.Algorithm != hasher.SHA256d {
				t.Errorf("got %+v", j)
			}
			results := make(chan pow.Result, 10)
			submit := func(s pow.Share, want pow.Status, code int) {
				t.Helper()
				c.Submit(s, func(r pow.Result) { results <- r })
				if r := await(t, results); r.Status != want || r.Code != code || r.Difficulty != s.Difficulty {
					t.Errorf("got %+v, want %v with code %d", r, want, code)
				}
			}
			share := mine(t, j, 0)
			submit(share, pow.Accepted, 0)
			submit(share, pow.Rejected, 0) // again: not sent
			submit(mine(t, j, share.Nonce+1), pow.Accepted, 0)
			weak := share
			for weak.Nonce = 0; ; weak.Nonce++ {
				if _, ok := j.Check(weak.Solution); !ok {
					break
				}
			}
			submit(weak, pow.Rejected, CodeLowDifficulty)
			unknown := *j
			unknown.ID = "gone"
			share.Job = &unknown
			submit(share, pow.Stale, CodeJobNotFound)

			// The connection is lost: the next one has its own extranonce, and takes no old shares.
			backend.mu.Lock()
			for p := range backend.peers {
				p.Close()
			}
			backend.mu.Unlock()
			if lost := await(t, in.jobs); lost != nil {
				t.Fatalf("got job %v of a lost connection", lost)
			}
			next := await(t, in.jobs)
			if next.Conn == j.Conn || string(next.Extranonce1) == string(j.Extranonce1) {
				t.Errorf("the new connection is like the old one: %+v", next)
			}
			submit(mine(t, j, 0), pow.Stale, 0)
			submit(mine(t, next, 0), pow.Accepted, 0)
		})
	}
}

func TestUserRefused(t *testing.T) {
	for name, serve := range transports {
		t.Run(name, func(t *testing.T) {
			_, in, ended := start(t, serve(t, NewServer(newPool(t), Options{})), "stranger")
			err := await(t, ended)
			var r *Rejection
			if !errors.Is(err, ErrUnauthorized) || !errors.As(err, &r) || r.Reason != "address of another network" {
				t.Errorf("got %v", err)
			}
			if s := in.awaitDown(t); s.Retry != 0 || !errors.Is(s.Err, ErrUnauthorized) {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// Whatever is wrong at the other end has an error of its own, and none holds the peer's words.
func TestTypedErrors(t *testing.T) {
	says := func(text string) string {
		ln := listen(t)
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					io.WriteString(c, text)
					io.Copy(io.Discard, c)
				}()
			}
		}()
		return ln.Addr().String()
	}
	refusing := refusing(t)
	for name, test := range map[string]struct {
		address string
		want    error
	}{
		"refused port":      {"stratum+tcp://" + refusing, jsonrpc.ErrRefused},
		"refused websocket": {"ws://" + refusing, jsonrpc.ErrRefused},
		"refused tls":       {"stratum+tls://" + refusing, jsonrpc.ErrRefused},
		"no tls":            {"stratum+tls://" + says("hunter2\n"), jsonrpc.ErrTLS},
		"garbage":           {"stratum+tcp://" + says("hunter2\n"), ErrProtocol},
		"web server":        {"stratum+tcp://" + says("HTTP/1.1 400 hunter2\r\n\r\n"), ErrProtocol},
		"oversized":         {"stratum+tcp://" + says(strings.Repeat("x", MaxMessage+1)+"\n"), jsonrpc.ErrTooLong},
		"endless":           {"stratum+tcp://" + says(strings.Repeat("x", 10*MaxMessage)), jsonrpc.ErrTooLong},
		"no websocket":      {"ws://" + says("HTTP/1.1 200 hunter2\r\n\r\n"), jsonrpc.ErrHandshake},
	} {
		t.Run(name, func(t *testing.T) {
			_, in, _ := start(t, test.address, "panner")
			s := in.awaitDown(t)
			if !errors.Is(s.Err, test.want) {
				t.Errorf("got %v, want %v", s.Err, test.want)
			}
			if s.Reason == "" || strings.Contains(s.Reason+s.Err.Error(), "hunter2") {
				t.Errorf("reason %q, error %v", s.Reason, s.Err)
			}
		})
	}
}

func TestUserMustBeSendable(t *testing.T) {
	for _, user := range []string{"", "panner\n", "pan\u200bner", " panner", strings.Repeat("x", MaxName+1)} {
		c := NewClient(Config{User: user, Handler: newInbox(), Dial: func(context.Context, URL) (jsonrpc.Conn, error) {
			t.Error("dialled")
			return nil, io.EOF
		}})
		if err := c.Run(t.Context()); !errors.Is(err, ErrUser) {
			t.Errorf("%q: %v", user, err)
		}
	}
}

func TestSubmitWithoutConnection(t *testing.T) {
	c := NewClient(Config{User: "panner", Handler: newInbox()})
	for _, s := range []pow.Share{{}, {Job: &pow.Job{}}, {Job: &pow.Job{Conn: 1}}} {
		called := 0
		c.Submit(s, func(r pow.Result) {
			if called++; r.Status != pow.Stale {
				t.Errorf("got %+v", r)
			}
		})
		if called != 1 {
			t.Errorf("done was called %d times", called)
		}
	}
}

func TestBackoff(t *testing.T) {
	for n, bound := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second,
		7: time.Minute, 8: time.Minute, 1 << 40: time.Minute,
	} {
		var most time.Duration
		for range 200 {
			d := Backoff(n)
			if d < 0 || d >= bound {
				t.Fatalf("attempt %d waits %v, bound is %v", n, d, bound)
			}
			most = max(most, d)
		}
		if most < bound/2 {
			t.Errorf("attempt %d never waits over %v of %v", n, most, bound)
		}
	}
}

// A pool that is to be encrypted is dialled so, or not at all: what answers in clear text is refused.
func TestDialEncrypted(t *testing.T) {
	ln := listen(t)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.WriteString(c, "{\"id\":null,\"method\":\"mining.ping\",\"params\":[]}\n")
				io.Copy(io.Discard, c)
			}()
		}
	}()
	for _, scheme := range []string{"stratum+tls", "stratum+ssl", "wss"} {
		u, err := ParseURL(scheme + "://" + ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Dial(t.Context(), nil); !errors.Is(err, jsonrpc.ErrTLS) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	if _, err := (URL{}).Dial(t.Context(), nil); !errors.Is(err, ErrAddress) {
		t.Errorf("no address: %v", err)
	}
}
