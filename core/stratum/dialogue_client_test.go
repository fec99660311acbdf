package stratum

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

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
