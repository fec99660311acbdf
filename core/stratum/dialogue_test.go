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
//	! event   what the handler or the backend must hear next; "…" at its end stands for any rest
//	wait 10s  time passes
//	connect [ADDRESS]   the client's next dial, to ADDRESS, succeeds; refuse: it fails
//	login [ADDRESS]     connect, subscribe and authorize with a common pool; "bare login" asks for no old session
//	fail WHY  it fails as jsonrpc says
//	close     the other side closes; stop reading: it takes nothing more from us
//	raw "…"   bytes from the other side as they are: a piece of a line, or one message of a WebSocket
//	share job=ID en2=HEX time=HEX nonce=HEX [version=HEX]   a share of the last job with this name
//	flood N job=… en2=… time=…   N shares, of which nobody looks at what was sent
//	check job=ID prev=… target=… version=… mask=…            what a job must be
//	config KEY[=VALUE]…   how our side is set up; before all else
//
// In what a side says, {notify ID [clean] [version=HEX] [time=HEX]} stands for a job, and {filler N} for N
// brackets. Lines of ours are compared as JSON. What our side sends or tells beyond the script fails it. The comments "# row: …",
// "# hostile" and "# refuses: …" say what a script is for; TestLibrary counts them.

type dialogue struct {
	t       *testing.T
	line    int
	text    string
	config  map[string]string
	session string // that the client must ask for next

	mu     sync.Mutex
	events []string
	lines  []string // that our side sent
	peer   wire     // the other side's end
}

// wire is the other side's end of a connection.
type wire interface {
	say(text string, whole bool)
	close()
	deaf() // from now on it reads nothing
}

func scripts(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	return files
}

func dialogues(t *testing.T, dir string, run func(*dialogue, []string)) {
	for _, file := range scripts(t, dir) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				d := &dialogue{t: t, config: map[string]string{}}
				lines := strings.Split(string(script), "\n")
				for i, line := range lines {
					if rest, ok := strings.CutPrefix(line, "config "); ok {
						for _, field := range strings.Fields(rest) {
							key, value, _ := strings.Cut(field, "=")
							d.config[key] = value
						}
						lines[i] = ""
					}
				}
				run(d, lines)
			})
		})
	}
}

func (d *dialogue) event(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (d *dialogue) number(key string) float64 {
	text, ok := d.config[key]
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

// attach makes a pipe, listens to our side on it, and returns our end.
func (d *dialogue) attach() jsonrpc.Conn {
	ours, theirs := net.Pipe()
	if _, ok := d.config["websocket"]; ok {
		return d.attachWebSocket(ours, theirs)
	}
	p := &pipe{conn: theirs, stop: make(chan struct{})}
	d.mu.Lock()
	d.peer = p
	d.mu.Unlock()
	go func() {
		in := jsonrpc.NewLineConn(theirs, MaxMessage)
		for {
			line, err := in.ReadMessage(context.Background())
			if err != nil {
				return
			}
			d.said(string(line))
			select {
			case <-p.stop:
				return
			default:
			}
		}
	}()
	return jsonrpc.NewLineConn(ours, MaxMessage)
}

func (d *dialogue) said(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// pipe is a wire of lines.
type pipe struct {
	conn net.Conn
	stop chan struct{}
}

func (p *pipe) say(text string, whole bool) {
	if whole {
		text += "\n"
	}
	go p.conn.Write([]byte(text)) // our side may close before it has read all
}

func (p *pipe) close() { p.conn.Close() }
func (p *pipe) deaf()  { close(p.stop) }

func (d *dialogue) fail(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("line %d: %s: %s", d.line, d.text, fmt.Sprintf(format, args...))
}

// theySay sends text from the other side, a whole message or bytes as they are.
func (d *dialogue) theySay(text string, whole bool) {
	text = d.expand(text)
	d.mu.Lock()
	peer := d.peer
	d.mu.Unlock()
	if peer == nil {
		d.fail("nobody is connected")
	}
	peer.say(text, whole)
	synctest.Wait()
}

// expand writes out what stands in braces for something longer.
func (d *dialogue) expand(text string) string {
	text, err := expand(d.t, text)
	if err != nil {
		d.fail("%v", err)
	}
	return text
}

func expand(t testing.TB, text string) (string, error) {
	if before, rest, ok := strings.Cut(text, "{filler "); ok {
		count, after, _ := strings.Cut(rest, "}")
		n, err := strconv.Atoi(count)
		if err != nil {
			return "", err
		}
		text = before + strings.Repeat("[", n) + after
	}
	before, rest, ok := strings.Cut(text, "{notify ")
	if !ok {
		return text, nil
	}
	spec, after, _ := strings.Cut(rest, "}")
	fields := strings.Fields(spec)
	j := slushJob(t)
	j.ID, j.Clean = fields[0], false
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		if key == "clean" {
			j.Clean = true
			continue
		}
		n, err := strconv.ParseUint(value, 16, 32)
		switch {
		case err != nil:
			return "", err
		case key == "version":
			j.Version = uint32(n)
		case key == "time":
			j.Time = uint32(n)
		default:
			return "", fmt.Errorf("unknown field %s", key)
		}
	}
	return before + string(message{id: null, method: methodNotify, params: appendNotify(nil, j)}.append(nil)) + after, nil
}

func (d *dialogue) word(text string) uint32 {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		d.fail("%v", err)
	}
	return uint32(n)
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
	want = d.expand(want)
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
	if start, open := strings.CutSuffix(want, "…"); d.events[0] != want && !(open && strings.HasPrefix(d.events[0], start)) {
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
			d.peer.close()
		case "stop":
			d.peer.deaf()
		case "raw":
			text, err := strconv.Unquote(rest)
			if err != nil {
				d.fail("%v", err)
			}
			d.theySay(text, false)
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
		h.event("mining at %g %s", s.Difficulty, s.Reason)
	case pow.Down:
		if s.Err == nil {
			h.t.Error("down without an error")
		}
		h.event("down, %s", s.Reason)
	default:
		h.event("%s %s", s.Phase, s.Reason)
	}
}

// field finds key=value in a step.
func field(text, key string) string {
	_, v, _ := strings.Cut(" "+text, " "+key+"=")
	v, _, _ = strings.Cut(v, " ")
	return v
}

func (h *clientEvents) share(c *Client, text string) {
	en2, err := hex.DecodeString(field(text, "en2"))
	if err != nil {
		h.fail("%v", err)
	}
	j := h.jobs[field(text, "job")]
	s := pow.Share{Job: j, Solution: pow.Solution{Extranonce2: en2, Time: h.word(field(text, "time")), Nonce: h.word(field(text, "nonce"))}, Difficulty: 3}
	target := 0.0
	if j != nil {
		s.Version, target = j.Version, j.Difficulty
	}
	if v := field(text, "version"); v != "" {
		s.Version = h.word(v)
	}
	c.Submit(s, func(r pow.Result) {
		if r.Difficulty != 3 || r.Target != target || r.Pool != c.cfg.URL.String() {
			h.t.Errorf("result for a share of difficulty %g of %g for %s", r.Difficulty, r.Target, r.Pool)
		}
		h.event("%s %d %s", r.Status, r.Code, r.Reason)
	})
}

func (h *clientEvents) check(text string) {
	j := h.jobs[field(text, "job")]
	if j == nil {
		h.fail("no such job")
	}
	for key, got := range map[string]string{
		"prev": j.Prev.String(), "target": pow.Hash(j.Target).String(),
		"version": fmt.Sprintf("%08x", j.Version), "mask": fmt.Sprintf("%08x", j.VersionMask),
		"time": fmt.Sprintf("%08x", j.Time), "difficulty": fmt.Sprint(j.Difficulty),
	} {
		if want := field(text, key); want != "" && !strings.HasPrefix(got, want) {
			h.fail("%s is %s", key, got)
		}
	}
}

// login is what most dialogues begin with.
func (h *clientEvents) login() {
	subscribe := `{"id":1,"method":"mining.subscribe","params":["goldpan"]}`
	if h.session != "" {
		subscribe = `{"id":1,"method":"mining.subscribe","params":["goldpan","` + h.session + `"]}`
	}
	h.session = "ae68"
	h.weSaid(subscribe)
	h.theySay(`{"id":1,"result":[[["mining.set_difficulty","b4b6"],["mining.notify","ae68"]],"08000002",4],"error":null}`, true)
	h.weSaid(`{"id":2,"method":"mining.authorize","params":["panner.one","x"]}`)
	h.weSaid(`{"id":3,"method":"mining.extranonce.subscribe","params":[]}`)
}

// dialErrors are ways in which a dial fails.
var dialErrors = map[string]error{
	"certificate": &jsonrpc.CertificateError{Host: "hunter2", Err: jsonrpc.ErrUnknownAuthority},
	"expired":     &jsonrpc.CertificateError{Host: "hunter2", Err: jsonrpc.ErrExpired},
	"wrong host":  &jsonrpc.CertificateError{Host: "hunter2", Err: jsonrpc.ErrWrongHost},
	"pinned":      &jsonrpc.CertificateError{Host: "hunter2", Err: jsonrpc.ErrPinned},
	"changed":     &jsonrpc.CertificateError{Host: "hunter2", Changed: true, Err: jsonrpc.ErrChanged},
	"tls":         jsonrpc.ErrTLS,
	"proxy":       jsonrpc.ErrProxy,
	"unreachable": jsonrpc.ErrUnreachable,
	"no host":     jsonrpc.ErrNoHost,
	"timeout":     jsonrpc.ErrTimeout,
	"handshake":   jsonrpc.ErrHandshake,
	"scheme":      jsonrpc.ErrUnsupportedScheme,
}

func (d *dialogue) clientConfig(events *clientEvents) Config {
	cfg := Config{
		User: "panner.one", Password: "x", Algorithm: hasher.SHA256d, Handler: events,
		Backoff: func(n int) time.Duration { return time.Duration(n) * 10 * time.Second },
		Suggest: d.number("suggest"), MinDifficulty: d.number("minimum"),
	}
	_, cfg.VersionRolling = d.config["rolling"]
	if _, ok := d.config["messages"]; ok {
		cfg.Message = func(text string) { d.event("message: %s", text) }
	}
	var err error
	if a := d.config["algorithm"]; a != "" {
		if cfg.Algorithm, err = hasher.ParseAlgorithm(a); err != nil {
			d.t.Fatal(err)
		}
	}
	if u := d.config["url"]; u != "" {
		if cfg.URL, err = ParseURL(u); err != nil {
			d.t.Fatal(err)
		}
	}
	return cfg
}

func TestClientDialogues(t *testing.T) {
	dialogues(t, "client", func(d *dialogue, script []string) {
		ctx, cancel := context.WithCancel(d.t.Context())
		dials := make(chan error)
		var dialled URL
		events := &clientEvents{dialogue: d, jobs: map[string]*pow.Job{}}
		cfg := d.clientConfig(events)
		cfg.Dial = func(ctx context.Context, u URL) (jsonrpc.Conn, error) {
			dialled = u
			select {
			case err := <-dials:
				if err != nil {
					return nil, err
				}
				return d.attach(), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		c := NewClient(cfg)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := c.Run(ctx); err != nil {
				d.event("ended: %v", err)
			}
		}()
		dial := func(err error, address string) {
			synctest.Wait()
			if address != "" && dialled.String() != address {
				d.fail("dialled was %v", dialled)
			}
			select {
			case dials <- err:
			default:
				d.fail("nobody dials")
			}
			synctest.Wait()
		}
		d.each(script, func(verb, rest string) {
			switch verb {
			case "connect":
				dial(nil, rest)
			case "bare":
				events.session = ""
				_, rest, _ = strings.Cut(rest, "login")
				dial(nil, strings.TrimSpace(rest))
				events.login()
			case "login":
				dial(nil, rest)
				events.login()
			case "refuse":
				dial(fmt.Errorf("dial: %w", jsonrpc.ErrRefused), rest)
			case "fail":
				err, ok := dialErrors[rest]
				if !ok {
					d.fail("unknown failure")
				}
				dial(fmt.Errorf("dial: %w", err), "")
			case "<":
				d.theySay(rest, true)
			case ">":
				d.weSaid(rest)
			case "share":
				events.share(c, rest)
			case "flood":
				count, rest, _ := strings.Cut(rest, " ")
				n, err := strconv.Atoi(count)
				if err != nil {
					d.fail("%v", err)
				}
				for i := range n {
					events.share(c, fmt.Sprintf("%s nonce=%08x", rest, i))
					synctest.Wait()
				}
				d.mu.Lock()
				d.lines = nil
				d.mu.Unlock()
			case "check":
				events.check(rest)
			default:
				d.fail("unknown step")
			}
		})
		d.finish()
		cancel()
		<-ended
		if d.peer != nil {
			d.peer.close()
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

// able is a scripted backend that knows what is optional. A share with the nonce 100 has it change everything.
type able struct{ *scripted }

func (b *able) VersionMask(*Peer) uint32 { return 0x00ffe000 }

func (b *able) Resume(p *Peer, session string) ([]byte, int, bool) {
	b.event("resume %s", session)
	return []byte{0xab, 0xcd}, 8, session == "known"
}

func (b *able) Submit(p *Peer, s Submission) error {
	if s.Nonce != 0x100 {
		return b.scripted.Submit(p, s)
	}
	b.event("%v, %v, %v", p.SetVersionMask(0x6000), p.SetExtranonce([]byte{0xee}, 2), p.ShowMessage("Hello <b>panner</b>"))
	return nil
}

func (b *scripted) SuggestDifficulty(_ *Peer, d float64) { b.event("suggest %g", d) }

func TestServerDialogues(t *testing.T) {
	dialogues(t, "server", func(d *dialogue, script []string) {
		ctx, cancel := context.WithCancel(d.t.Context())
		var backend Backend = &scripted{d, slushJob(d.t)}
		if _, ok := d.config["able"]; ok {
			backend = &able{&scripted{d, slushJob(d.t)}}
		}
		srv := NewServer(backend, Options{})
		srv.session = func() string { return "1" }
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
				d.theySay(rest, true)
			case "<":
				d.weSaid(rest)
			default:
				d.fail("unknown step")
			}
		})
		d.finish()
		cancel()
		<-served
		d.peer.close()
	})
}
