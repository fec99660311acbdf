//go:build !js

package stratum

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

var _ pow.Source = (*Client)(nil)

// generous is a pool that lets versions be rolled and takes up sessions.
type generous struct {
	*pool
	mu     sync.Mutex
	keys   map[string][]byte // extranonce1 by session
	rolled int               // shares with other versions than their job's
	kept   chan struct{}     // gets something for each session that is kept
}

func (b *generous) VersionMask(*Peer) uint32 { return rollable }

func (b *generous) Disconnected(p *Peer) {
	b.mu.Lock()
	b.keys[p.Session()] = p.Extranonce1()
	b.mu.Unlock()
	select {
	case b.kept <- struct{}{}:
	default:
	}
	b.pool.Disconnected(p)
}

func (b *generous) Resume(_ *Peer, session string) ([]byte, int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, ok := b.keys[session]
	delete(b.keys, session)
	return first, 4, ok
}

func (b *generous) Submit(p *Peer, s Submission) error {
	j := *b.job
	j.Algorithm, j.Extranonce1, j.VersionMask = hasher.SHA256d, p.Extranonce1(), p.VersionMask()
	j.Target = pow.TargetFromDifficulty(j.Algorithm, poolDifficulty)
	solution := s.Solution(&j)
	if _, ok := j.Check(solution); !ok {
		return &Rejection{Code: CodeLowDifficulty}
	}
	if solution.Version != j.Version {
		b.mu.Lock()
		b.rolled++
		b.mu.Unlock()
	}
	return nil
}

// A share that was found while there was no connection is sent over the next one, with the version that was rolled,
// when the pool takes up the session.
func TestResumeWithServer(t *testing.T) {
	for name, serve := range transports {
		t.Run(name, func(t *testing.T) {
			backend := &generous{pool: newPool(t), keys: map[string][]byte{}, kept: make(chan struct{}, 10)}
			u, err := ParseURL(serve(t, NewServer(backend, Options{})))
			if err != nil {
				t.Fatal(err)
			}
			in := newInbox()
			down, again := make(chan struct{}), make(chan struct{})
			c := NewClient(Config{
				URL: u, User: "panner", Algorithm: hasher.SHA256d, Handler: in, VersionRolling: true, Suggest: 1, MinDifficulty: 1e-12,
				Backoff: func(int) time.Duration {
					close(down)
					<-again
					return time.Millisecond
				},
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- c.Run(ctx) }()
			defer func() {
				cancel()
				if err := await(t, ended); err != nil {
					t.Error(err)
				}
			}()
			j := await(t, in.jobs)
			if j.VersionMask != rollable {
				t.Errorf("mask %08x", j.VersionMask)
			}
			results := make(chan pow.Result, 10)
			submit := func(s pow.Share) { c.Submit(s, func(r pow.Result) { results <- r }) }
			rolled := *j
			rolled.Version |= 0x00006000
			share := mine(t, &rolled, 0)
			share.Job = j
			submit(share)
			if r := await(t, results); r.Status != pow.Accepted || r.Target != poolDifficulty || r.Pool != u.String() {
				t.Errorf("rolled: %+v", r)
			}

			backend.pool.mu.Lock()
			for p := range backend.peers {
				p.Close()
			}
			backend.pool.mu.Unlock()
			await(t, down)
			late := mine(t, &rolled, share.Nonce+1)
			late.Job = j
			submit(late)
			submit(share)
			if r := await(t, results); r.Status != pow.Rejected {
				t.Errorf("a share of before: %+v", r)
			}
			await(t, backend.kept) // or the pool would not know yet that we are gone
			close(again)
			if r := await(t, results); r.Status != pow.Accepted {
				t.Errorf("a share of meanwhile: %+v", r)
			}
			backend.mu.Lock()
			defer backend.mu.Unlock()
			if backend.rolled != 2 {
				t.Errorf("%d shares were rolled", backend.rolled)
			}
		})
	}
}

func TestSameOwner(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"pool.example.com", "eu.example.com", true},
		{"pool.example.com", "example.com", true},
		{"pool.example.com", "example.org", false},
		{"pool.example.com", "com", false},
		{"a.github.io", "b.github.io", false},
		{"x.a.github.io", "y.a.github.io", true},
		{"a.co.uk", "b.co.uk", false},
		{"localhost", "localhost", true},
		{"localhost", "otherhost", false},
		{"com", "com", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"1.192.0.2", "2.192.0.2", false},
		{"2001:db8::1", "2001:db8::2", false},
		{"pool.example.com", "192.0.2.1", false},
		{"abcdef.onion", "ghijkl.onion", false},
		{"pool.example.com", "eu.example.com.", false},
		{"", "", false},
	} {
		if sameOwner(test.a, test.b) != test.same || sameOwner(test.b, test.a) != test.same {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.same)
		}
	}
}

// A path and IPv6 survive a redirect.
func TestReconnectAddress(t *testing.T) {
	for _, test := range []struct{ at, params, want string }{
		{"wss://pool.example.com/a?b=c", `["eu.example.com",444]`, "wss://eu.example.com:444/a?b=c"},
		{"ws://pool.example.com/", `["wss://pool.example.com",443]`, "wss://pool.example.com:443/"},
		{"stratum+tcp://[2001:db8::1]:1", `["2001:db8::1",2]`, "stratum+tcp://[2001:db8::1]:2"},
		{"stratum+tcp://[2001:db8::1]:1", `["[2001:db8:0::1]",2]`, "stratum+tcp://[2001:db8::1]:2"},
		{"stratum+tcp://pool.example.com:1", `["pool.example.com",1]`, ""},
		{"stratum+tcp://pool.example.com:1", ``, ""},
	} {
		at, err := ParseURL(test.at)
		if err != nil {
			t.Fatal(err)
		}
		move, err := parseReconnect(json.RawMessage(test.params), at)
		if err != nil || move.to.String() != test.want {
			t.Errorf("%s from %s: %+v, %v", test.params, test.at, move, err)
		}
	}
	if _, err := parseReconnect(json.RawMessage(`["pool.test"]`), URL{}); !errors.Is(err, ErrRedirect) {
		t.Errorf("from nowhere: %v", err)
	}
}

func TestSubmissionVersion(t *testing.T) {
	bits := uint32(0xff00ff00)
	j := &pow.Job{Version: 0x12345678, VersionMask: 0x0000ffff}
	if v := (Submission{Version: &bits}).Solution(j).Version; v != 0x1234ff00 {
		t.Errorf("replaced: %08x", v)
	}
	if v := (Submission{}).Solution(j).Version; v != j.Version {
		t.Errorf("left alone: %08x", v)
	}
}

func TestParseSession(t *testing.T) {
	for result, want := range map[string]string{
		`[[["mining.set_difficulty","a"],["mining.notify","b"]],"00",4]`: "b",
		`[["mining.notify","c"],"00",4]`:                                 "c",
		`[[["mining.set_difficulty","a"]],"00",4]`:                       "",
		`[null,"00",4]`: "", `[]`: "", `null`: "", `[[["mining.notify",7]]]`: "", `[[["mining.notify"]]]`: "",
	} {
		if got := parseSession(json.RawMessage(result)); got != want {
			t.Errorf("%s: %q", result, got)
		}
	}
	if got := parseSession(append(append(json.RawMessage(`[["mining.notify","`), bytes.Repeat([]byte{'x'}, maxSession+1)...), `"]]`...)); got != "" {
		t.Errorf("a session of %d bytes", len(got))
	}
}

// FuzzReconnect: wherever a pool sends us, it is to its own name, and never out of the encryption.
func FuzzReconnect(f *testing.F) {
	for _, line := range fuzzSeeds(f) {
		if m, err := parseMessage(line); err == nil && m.method == methodReconnect {
			f.Add([]byte(m.params))
		}
	}
	at, err := ParseURL("stratum+tls://eu.pool.example.com:3333")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, params []byte) {
		if !json.Valid(params) {
			return
		}
		move, err := parseReconnect(params, at)
		if err != nil {
			if !errors.Is(err, ErrRedirect) {
				t.Fatal(err)
			}
			return
		}
		if move.wait < 0 || move.wait > maxWait {
			t.Fatalf("wait %v", move.wait)
		}
		if to := move.to; !to.IsZero() && (!to.TLS() || !sameOwner(to.hostname(), at.hostname())) {
			t.Fatalf("led to %v", to)
		}
	})
}
