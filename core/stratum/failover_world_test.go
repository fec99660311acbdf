//go:build !js

package stratum

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// world is some pools in memory, named by letters, within a bubble of time. It writes down what happens.
type world struct {
	t     *testing.T
	begun time.Time
	ctx   context.Context

	mu    sync.Mutex
	hosts map[string]*host
	dials []time.Duration
	log   []string
	jobs  []*pow.Job
}

// host is one pool of a world.
type host struct {
	*pool
	name   string
	server *Server
	// mode is "" when the pool is up; refuse: nothing listens; hole: no answer to a dial; mute: connected, and silent;
	// talk: it has but words for a person; once: silent after the first job; deaf: it answers no shares.
	mode   string
	dials  int
	shares []string // extranonce1 and nonce
}

func (h *host) Subscribe(p *Peer, agent string) ([]byte, int, error) {
	first, size, err := h.pool.Subscribe(p, agent)
	first[0] = h.name[0] // tells whose a job is
	return first, size, err
}

func (h *host) Submit(p *Peer, s Submission) error {
	h.mu.Lock()
	h.shares = append(h.shares, fmt.Sprintf("%x %d", p.Extranonce1(), s.Nonce))
	h.mu.Unlock()
	return nil
}

func (h *host) peersNow() []*Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*Peer
	for p := range h.peers {
		all = append(all, p)
	}
	return all
}

// drop ends all connections of a pool.
func (h *host) drop() {
	for _, p := range h.peersNow() {
		p.Close()
	}
}

func newWorld(t *testing.T, names ...string) *world {
	w := &world{t: t, begun: time.Now(), ctx: t.Context(), hosts: make(map[string]*host)}
	for _, name := range names {
		h := &host{pool: newPool(t), name: name}
		h.server = NewServer(h, Options{})
		w.hosts[name] = h
		go func() { // a job every half minute, as long as the pool speaks
			tick := time.NewTicker(30 * time.Second)
			defer tick.Stop()
			for {
				select {
				case <-w.ctx.Done():
					return
				case <-tick.C:
				}
				w.mu.Lock()
				mute := h.mode == "mute" || h.mode == "once"
				w.mu.Unlock()
				if !mute {
					for _, p := range h.peersNow() {
						_ = p.Notify(h.job) // one that is leaving
					}
				}
			}
		}()
	}
	return w
}

func (w *world) pools(names ...string) []Pool {
	var all []Pool
	for _, name := range names {
		u, err := ParseURL("stratum+tcp://" + name + ":3333")
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, Pool{URL: u, User: "panner"})
	}
	return all
}

func (w *world) set(name, mode string) {
	w.mu.Lock()
	w.hosts[name].mode = mode
	w.mu.Unlock()
	if mode == "refuse" || mode == "hole" {
		w.hosts[name].drop()
	}
}

func (w *world) dial(ctx context.Context, u URL) (jsonrpc.Conn, error) {
	name, _, _ := strings.Cut(u.Host(), ":")
	h := w.hosts[name]
	w.mu.Lock()
	w.dials = append(w.dials, time.Since(w.begun))
	h.dials++
	mode := h.mode
	w.mu.Unlock()
	switch mode {
	case "unknown":
		return nil, fmt.Errorf("dial: %w", &jsonrpc.CertificateError{Host: name, Err: jsonrpc.ErrUnknownAuthority})
	case "refuse":
		return nil, fmt.Errorf("dial: %w", jsonrpc.ErrRefused)
	case "talk":
		ours, theirs := net.Pipe()
		go func() {
			conn := jsonrpc.NewLineConn(theirs, MaxMessage)
			for { // it answers nothing
				if _, err := conn.ReadMessage(w.ctx); err != nil {
					return
				}
				if err := conn.WriteMessage(w.ctx, []byte(`{"id":null,"method":"client.show_message","params":["closed until <b>noon</b>"]}`)); err != nil {
					return
				}
			}
		}()
		return jsonrpc.NewLineConn(ours, MaxMessage), nil
	case "hole":
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		<-ctx.Done()
		return nil, fmt.Errorf("dial: %w", jsonrpc.ErrTimeout)
	}
	ours, theirs := net.Pipe()
	if mode == "mute" {
		go func() {
			buffer := make([]byte, 1024)
			for {
				if _, err := theirs.Read(buffer); err != nil {
					return
				}
			}
		}()
	} else {
		conn := jsonrpc.NewLineConn(theirs, MaxMessage)
		if mode == "deaf" {
			conn = deafConn{conn}
		}
		go func() { _ = h.server.ServeConn(w.ctx, conn) }()
	}
	return jsonrpc.NewLineConn(ours, MaxMessage), nil
}

// deafConn hears no shares.
type deafConn struct{ jsonrpc.Conn }

func (c deafConn) ReadMessage(ctx context.Context) ([]byte, error) {
	for {
		b, err := c.Conn.ReadMessage(ctx)
		if err != nil || !bytes.Contains(b, []byte(methodSubmit)) {
			return b, err
		}
	}
}

func (w *world) write(format string, a ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%v ", time.Since(w.begun).Round(time.Second))+fmt.Sprintf(format, a...))
}

func (w *world) Job(j *pow.Job) {
	if j == nil {
		w.write("job none")
		return
	}
	w.mu.Lock()
	fresh := len(w.jobs) == 0 || w.jobs[len(w.jobs)-1].Conn != j.Conn
	w.jobs = append(w.jobs, j)
	w.mu.Unlock()
	if fresh { // every later one would be noise
		w.write("job %c", j.Extranonce1[0])
	}
}

func (w *world) State(s pow.State) {
	if s.Phase != pow.Connecting {
		w.write("%v %s", s.Phase, letter(s.Pool))
	}
}

func (w *world) event(e Event) {
	if e.Kind == Said {
		w.write("%s says %s", letter(e.Pool), e.Text)
		return
	}
	w.write("%s %s from %s", map[EventKind]string{Moved: "moved", Returned: "returned", Refused: "refused"}[e.Kind], letter(e.Pool), letter(e.From))
}

func letter(address string) string {
	return strings.TrimSuffix(strings.TrimPrefix(address, "stratum+tcp://"), ":3333")
}

func (w *world) job() *pow.Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs[len(w.jobs)-1]
}

// run starts a Failover over pools; end stops it, and returns what Run did.
func (w *world) run(pools []Pool, change func(*FailoverConfig)) (f *Failover, end func() error) {
	cfg := FailoverConfig{Pools: pools, Event: w.event, Client: Config{
		Algorithm: hasher.SHA256d, Handler: w, Dial: w.dial, Backoff: func(int) time.Duration { return 10 * time.Second },
	}}
	if change != nil {
		change(&cfg)
	}
	f = NewFailover(cfg)
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	synctest.Wait()
	return f, func() error { cancel(); return <-ended }
}

// until lets time pass until so long after the beginning.
func (w *world) until(d time.Duration) {
	w.t.Helper()
	time.Sleep(d - time.Since(w.begun)) // the bubble's time: nobody waits
	synctest.Wait()
}

// expect compares what happened since it was asked last.
func (w *world) expect(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	got := w.log
	w.log = nil
	w.mu.Unlock()
	if !slices.Equal(got, want) {
		w.t.Errorf("at %v:\n got %q\nwant %q", time.Since(w.begun), got, want)
	}
}

// unchecked is a share that nobody has hashed.
func unchecked(j *pow.Job, nonce uint32) pow.Share {
	if j == nil {
		return pow.Share{}
	}
	return pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, 4), Version: j.Version, Time: j.Time, Nonce: nonce}}
}
