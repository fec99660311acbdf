package stratum

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// Dialogues are scripts in testdata, one step a line, run under a false clock:
//
//	> line    what our side must send next (client), or what the miner sends (server)
//	< line    what the pool sends (client), or what our side must send next (server)
//	! event   what the handler or the backend must hear next
//	wait 10s  time passes
//	connect   the client's next dial succeeds; refuse: it fails
//	close     the other side closes
//	share job=ID en2=HEX time=HEX nonce=HEX   a share of the last job with this name
//
// Lines of ours are compared as JSON. What our side sends or tells beyond the script fails it.

type dialogue struct {
	t    *testing.T
	line int
	text string

	mu     sync.Mutex
	events []string
	lines  []string // that our side sent
	peer   net.Conn // the other side's end
}

func dialogues(t *testing.T, dir string, run func(*dialogue, []string)) {
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				run(&dialogue{t: t}, strings.Split(string(script), "\n"))
			})
		})
	}
}

func (d *dialogue) event(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// attach makes a pipe, listens to our side on it, and returns our end.
func (d *dialogue) attach() jsonrpc.Conn {
	ours, theirs := net.Pipe()
	d.mu.Lock()
	d.peer = theirs
	d.mu.Unlock()
	go func() {
		in := jsonrpc.NewLineConn(theirs, MaxMessage)
		for {
			line, err := in.ReadMessage(context.Background())
			if err != nil {
				return
			}
			d.mu.Lock()
			d.lines = append(d.lines, string(line))
			d.mu.Unlock()
		}
	}()
	return jsonrpc.NewLineConn(ours, MaxMessage)
}

func (d *dialogue) fail(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("line %d: %s: %s", d.line, d.text, fmt.Sprintf(format, args...))
}

// theySay sends a line from the other side. {filler N} stands for N bytes.
func (d *dialogue) theySay(line string) {
	if before, rest, ok := strings.Cut(line, "{filler "); ok {
		count, after, _ := strings.Cut(rest, "}")
		n, err := strconv.Atoi(count)
		if err != nil {
			d.fail("%v", err)
		}
		line = before + strings.Repeat("[", n) + after
	}
	d.mu.Lock()
	peer := d.peer
	d.mu.Unlock()
	if peer == nil {
		d.fail("nobody is connected")
	}
	go peer.Write([]byte(line + "\n")) // our side may close before it has read all
	synctest.Wait()
}

func (d *dialogue) weSaid(want string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lines) == 0 {
		d.fail("nothing was sent")
	}
	got := d.lines[0]
	d.lines = d.lines[1:]
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		d.fail("%v", err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || !reflect.DeepEqual(g, w) {
		d.fail("sent was %s", got)
	}
}

func (d *dialogue) heard(want string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) == 0 {
		d.fail("nothing happened")
	}
	if d.events[0] != want {
		d.fail("happened was %s", d.events[0])
	}
	d.events = d.events[1:]
}

func (d *dialogue) finish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) > 0 || len(d.lines) > 0 {
		d.t.Errorf("beyond the script: events %q, lines %q", d.events, d.lines)
	}
}

func (d *dialogue) each(script []string, step func(verb, rest string)) {
	d.t.Helper()
	for i, text := range script {
		d.line, d.text = i+1, text
		if text = strings.TrimSpace(text); text == "" || text[0] == '#' {
			continue
		}
		verb, rest, _ := strings.Cut(text, " ")
		synctest.Wait()
		switch verb {
		case "!":
			d.heard(rest)
		case "wait":
			pause, err := time.ParseDuration(rest)
			if err != nil {
				d.fail("%v", err)
			}
			time.Sleep(pause) // of the false clock
		case "close":
			d.peer.Close()
		default:
			step(verb, rest)
		}
	}
	synctest.Wait()
}

// clientEvents tells a dialogue what a Handler hears.
type clientEvents struct {
	*dialogue
	jobs map[string]*pow.Job
}

func (h *clientEvents) Job(j *pow.Job) {
	if j == nil {
		h.event("no job")
		return
	}
	h.mu.Lock()
	h.jobs[j.ID] = j
	h.mu.Unlock()
	if j.Target != pow.TargetFromDifficulty(j.Algorithm, j.Difficulty) || j.Conn == 0 {
		h.t.Errorf("job %s: target or connection missing", j.ID)
	}
	clean := ""
	if j.Clean {
		clean = " clean"
	}
	h.event("job %s difficulty %g extranonce %x+%d%s", j.ID, j.Difficulty, j.Extranonce1, j.Extranonce2Size, clean)
}

func (h *clientEvents) State(s pow.State) {
	switch s.Phase {
	case pow.Mining:
		h.event("mining at %g", s.Difficulty)
	case pow.Down:
		if s.Err == nil {
			h.t.Error("down without an error")
		}
		h.event("down, %s", s.Reason)
	default:
		h.event("%s", s.Phase)
	}
}

func (h *clientEvents) share(c *Client, text string) {
	field := func(key string) string {
		_, v, _ := strings.Cut(" "+text, " "+key+"=")
		v, _, _ = strings.Cut(v, " ")
		return v
	}
	word := func(key string) uint32 {
		n, err := strconv.ParseUint(field(key), 16, 32)
		if err != nil {
			h.fail("%v", err)
		}
		return uint32(n)
	}
	en2, err := hex.DecodeString(field("en2"))
	if err != nil {
		h.fail("%v", err)
	}
	s := pow.Share{Job: h.jobs[field("job")], Solution: pow.Solution{Extranonce2: en2, Time: word("time"), Nonce: word("nonce")}, Difficulty: 3}
	c.Submit(s, func(r pow.Result) {
		if r.Difficulty != 3 {
			h.t.Errorf("result for a share of difficulty %g", r.Difficulty)
		}
		h.event("%s %d %s", r.Status, r.Code, r.Reason)
	})
}

func TestClientDialogues(t *testing.T) {
	dialogues(t, "client", func(d *dialogue, script []string) {
		ctx, cancel := context.WithCancel(d.t.Context())
		dials := make(chan error)
		events := &clientEvents{dialogue: d, jobs: map[string]*pow.Job{}}
		c := NewClient(Config{
			User: "panner.one", Password: "x", Algorithm: hasher.SHA256d, Handler: events,
			Backoff: func(n int) time.Duration { return time.Duration(n) * 10 * time.Second },
			Dial: func(ctx context.Context, _ URL) (jsonrpc.Conn, error) {
				select {
				case err := <-dials:
					if err != nil {
						return nil, err
					}
					return d.attach(), nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			},
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := c.Run(ctx); err != nil {
				d.event("ended: %v", err)
			}
		}()
		d.each(script, func(verb, rest string) {
			switch verb {
			case "connect":
				dials <- nil
			case "refuse":
				dials <- fmt.Errorf("dial: %w", jsonrpc.ErrRefused)
			case "<":
				d.theySay(rest)
			case ">":
				d.weSaid(rest)
			case "share":
				events.share(c, rest)
			default:
				d.fail("unknown step")
			}
		})
		d.finish()
		cancel()
		<-ended
		if d.peer != nil {
			d.peer.Close()
		}
	})
}

// scripted is a Backend for dialogues: user "panner" is known, and the code of a refusal is the share's nonce.
type scripted struct {
	*dialogue
	job *pow.Job
}

func (b *scripted) Connected(*Peer)    { b.event("connected") }
func (b *scripted) Disconnected(*Peer) { b.event("disconnected") }
func (b *scripted) Subscribe(p *Peer, agent string) ([]byte, int, error) {
	if err := p.Notify(b.job); !errors.Is(err, ErrNotSubscribed) {
		b.t.Errorf("a job before subscribe: %v", err)
	}
	b.event("subscribe %s", agent)
	if agent == "leech" {
		return nil, 0, &Rejection{Code: CodeOther, Reason: "not for you"}
	}
	return []byte{0xf0, 0, 0, 1}, 4, nil
}

func (b *scripted) Authorize(p *Peer, user, password string) error {
	b.event("authorize %s %s", user, password)
	switch user {
	case "panner":
	case "broken":
		return errors.New("disk full")
	default:
		return &Rejection{Code: CodeUnauthorized, Reason: "address of another network"}
	}
	if p.Subscribed() {
		if err := errors.Join(p.SetDifficulty(0.5), p.Notify(b.job)); err != nil {
			b.t.Error(err)
		}
	}
	return nil
}

func (b *scripted) Submit(_ *Peer, s Submission) error {
	version := ""
	if s.Version != nil {
		version = fmt.Sprintf(" version %08x", *s.Version)
	}
	b.event("submit %s %s %x %08x %08x%s", s.User, s.JobID, s.Extranonce2, s.Time, s.Nonce, version)
	if s.Nonce == 0 {
		return nil
	}
	if s.Nonce > 25 {
		return errors.New("internal")
	}
	return &Rejection{Code: int(s.Nonce), Reason: "as you wish"}
}

func (b *scripted) SuggestDifficulty(_ *Peer, d float64) { b.event("suggest %g", d) }

func TestServerDialogues(t *testing.T) {
	dialogues(t, "server", func(d *dialogue, script []string) {
		ctx, cancel := context.WithCancel(d.t.Context())
		srv := NewServer(&scripted{d, slushJob(d.t)}, Options{})
		served := make(chan struct{})
		conn := d.attach()
		go func() {
			defer close(served)
			if err := srv.ServeConn(ctx, conn); err != nil {
				d.event("sent away: %v", err)
			}
		}()
		d.each(script, func(verb, rest string) {
			switch verb {
			case ">":
				d.theySay(rest)
			case "<":
				d.weSaid(rest)
			default:
				d.fail("unknown step")
			}
		})
		d.finish()
		cancel()
		<-served
		d.peer.Close()
	})
}
