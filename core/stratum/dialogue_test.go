package stratum

import (
	"context"
	"encoding/json"
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

	"goldpan/core/jsonrpc"
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
