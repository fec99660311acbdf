//go:build !js

package stratum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// A pool that stops reading costs shares, never the caller's time, and is left after a while.
func TestSubmitNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		pool := jsonrpc.NewLineConn(theirs, MaxMessage)
		states := make(chan pow.State, 100)
		jobs := make(chan *pow.Job, 100)
		ctx, cancel := context.WithCancel(t.Context())
		c := NewClient(Config{
			User: "panner", Algorithm: hasher.SHA256d, Handler: &inbox{jobs: jobs, states: states},
			Dial: func(context.Context, URL) (jsonrpc.Conn, error) { return jsonrpc.NewLineConn(ours, MaxMessage), nil },
		})
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		hear(t, pool, methodSubscribe)
		say(t, pool, `{"id":1,"result":[[],"00000001",4]}`)
		hear(t, pool, methodAuthorize)
		hear(t, pool, methodExtranonceSubscribe)
		say(t, pool, string(message{id: null, method: methodNotify, params: appendNotify(nil, slushJob(t))}.append(nil)))
		j := <-jobs

		begun := time.Now()
		var mu sync.Mutex // results come from here and from Run
		results := make(map[string]int)
		const shares = 3 * maxQueue
		for nonce := range uint32(shares) {
			c.Submit(pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, 4), Version: j.Version, Time: j.Time, Nonce: nonce}}, func(r pow.Result) {
				mu.Lock()
				defer mu.Unlock()
				results[fmt.Sprint(r.Status, " ", r.Reason)]++
			})
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("Submit waited for %v", d)
		}
		for s := range states {
			if s.Phase == pow.Down {
				if !errors.Is(s.Err, ErrSlow) || time.Since(begun) != writeTimeout {
					t.Errorf("down after %v: %v", time.Since(begun), s.Err)
				}
				break
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		dropped := results["stale the pool reads too slowly"]
		lost := results["stale the connection ended before the pool answered"]
		unsent := results["stale its connection is gone"] // and no other came to resume it
		if dropped+lost+unsent != shares || lost > 1 || unsent+lost < maxQueue || unsent > maxQueue {
			t.Errorf("got %v", results)
		}
	})
}

// What waits for a pool's answers and what is remembered of shares stays within bounds.
func TestLinkBounds(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	l := newLink(&Config{User: "panner", Silence: time.Minute}, jsonrpc.NewLineConn(ours, MaxMessage))
	j := &pow.Job{ID: "1", Conn: l.id}
	refused := 0
	for nonce := range uint32(maxUnanswered + 10) {
		if l.submit(pow.Share{Job: j, Solution: pow.Solution{Nonce: nonce}}, func(pow.Result) {}) != nil {
			refused++
		}
		for len(l.out) > 0 {
			<-l.out
		}
	}
	if refused != 10 || len(l.unanswered) != maxUnanswered {
		t.Errorf("%d refused, %d wait", refused, len(l.unanswered))
	}
	for nonce := range uint32(10 * maxRemembered) {
		key := shareKey{job: "2", nonce: nonce}
		if l.remember(key); !l.known(key) {
			t.Fatal("forgot a share at once")
		}
	}
	if n := len(l.recent) + len(l.older); n < maxRemembered || n > 2*maxRemembered {
		t.Errorf("%d shares are remembered", n)
	}
	l.abandon()
	if r := l.submit(pow.Share{Job: j, Solution: pow.Solution{Nonce: 1 << 30}}, nil); r == nil || r.Status != pow.Stale {
		t.Errorf("a share after the end: %+v", r)
	}
}

// FuzzClient: whatever a pool says, at any moment, ends in a job within bounds or in an error of ours. Each line of the
// text is a message; they come before and after the answer to subscribe.
func FuzzClient(f *testing.F) {
	seeds := fuzzSeeds(f)
	for i, line := range seeds {
		f.Add(line)
		f.Add(bytes.Join([][]byte{line, seeds[(i*7+3)%len(seeds)], seeds[(i*11+5)%len(seeds)]}, []byte{'\n'}))
	}
	u, err := ParseURL("stratum+tls://eu.pool.example.com:3333")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in := newInbox()
		messages := 0
		cfg := Config{
			URL: u, User: "panner", Algorithm: hasher.Scrypt, Handler: in, Silence: time.Minute, VersionRolling: true, MinDifficulty: 1, Suggest: 1,
			Message: func(text string) {
				if messages++; text != pow.Plain(text, maxText) {
					t.Fatalf("message %q", text)
				}
			},
		}
		l := newLink(&cfg, nil)
		l.configure()
		lines := append(bytes.SplitN(text, []byte{'\n'}, 6), []byte(`{"id":1,"result":[[["mining.notify","x"]],"00000001",4]}`))
		for _, line := range append(lines, lines...) {
			m, err := parseMessage(line)
			if err == nil && m.method == "" {
				err = l.reply(&m)
			} else if err == nil {
				err = l.request(&m)
			}
			var r *Rejection
			if err != nil && !errors.Is(err, ErrProtocol) && !errors.Is(err, errMoved) && !errors.As(err, &r) {
				t.Fatal(err)
			}
			if move, ok := errors.AsType[*moveError](err); ok && !move.to.IsZero() && (!move.to.TLS() || !sameOwner(u.hostname(), move.to.hostname())) {
				t.Fatalf("led to %v", move.to)
			}
			if err != nil {
				break
			}
		}
		if messages > maxMessages || len(l.session) > maxSession || l.mask.Load()&^rollable != 0 {
			t.Fatalf("%d messages, session %q, mask %08x", messages, l.session, l.mask.Load())
		}
		for len(in.jobs) > 0 {
			j := <-in.jobs
			if err := checkJob(j); err != nil || j.Conn == 0 || j.Target == (pow.Target{}) && j.Difficulty < 1e15 ||
				j.VersionMask&^rollable != 0 || j.VersionMask&j.Version != 0 ||
				len(j.Extranonce1) < MinExtranonce1 || len(j.Extranonce1) > MaxExtranonce1 ||
				j.Extranonce2Size < MinExtranonce2 || j.Extranonce2Size > MaxExtranonce2 {
				t.Fatalf("job %+v: %v", j, err)
			}
			if r := l.submit(pow.Share{Job: j, Solution: pow.Solution{Extranonce2: make([]byte, j.Extranonce2Size), Version: j.Version, Time: j.Time}}, func(pow.Result) {}); r != nil && r.Status != pow.Rejected {
				t.Fatalf("submit: %+v", r)
			}
		}
		for len(l.out) > 0 {
			if line := <-l.out; jsonrpc.Depth(line) > maxDepth || len(line) > MaxMessage {
				t.Fatalf("we would send %d bytes", len(line))
			}
		}
	})
}
