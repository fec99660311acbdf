package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"goldpan/core"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/watch"
)

func TestMain(m *testing.M) {
	// After a refusal net/http waits half a second before it closes, also when the
	// server is closed meanwhile.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const (
	token    = "correct-horse-battery-staple"
	patience = time.Minute
)

// miner is mined upon by tests.
type miner struct {
	mu     sync.Mutex
	rules  engine.Rules
	paused string
}

func (m *miner) snapshot() core.Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := core.Snapshot{
		Pool: "wss://pool.example:443/account?key=hunter2", State: core.StateMining, Algorithm: hasher.Scrypt, Kernel: "avx2",
		Lanes: 4, Active: 2, Percent: 50, Hashrate: 1000, Hashes: 60_000, Faults: 1, Accepted: 5, Rejected: 1, Stale: 2,
		Difficulty: 0.01, Best: 0.5, Uptime: time.Minute, Slowed: "it is warm", Warning: "beware",
		Pools: []core.PoolState{
			{Pool: "wss://pool.example:443/account?key=hunter2", Phase: pow.Mining, Active: true},
			{Pool: "stratum+tcp://other.example:3333", Phase: pow.Down, Reason: "nothing is listening", Failures: 3, Err: errors.New("secret detail")},
			{Pool: "stratum+tcp://third.example:3333", Phase: pow.Connecting, Idle: true},
		},
		Rates: watch.Report{
			Session: watch.Window{Span: time.Minute, Hashrate: 1000, Implied: 900, Low: 400, High: 2000, Why: "They agree.", Accepted: 5},
			Best:    watch.Best{Difficulty: 0.5, When: time.Unix(1_700_000_000, 0), Pool: "wss://pool.example:443/account?key=hunter2"},
			Typical: 0.4, Luck: 0.9,
		},
		Reading: engine.Reading{Power: engine.Mains, Celsius: engine.Known(61.5), Idle: engine.Known(time.Hour)},
	}
	for i, length := range []time.Duration{10 * time.Second, time.Minute, 15 * time.Minute, time.Hour} {
		v.Rates.Windows[i] = v.Rates.Session
		v.Rates.Windows[i].Length = length
	}
	if m.paused != "" {
		v.State, v.Reason = core.StatePaused, m.paused
	}
	return v
}

func (m *miner) options(token string) Options {
	return Options{
		Address: "127.0.0.1:0", Token: token, Snapshot: m.snapshot,
		Rules: func() engine.Rules { m.mu.Lock(); defer m.mu.Unlock(); return m.rules },
		SetRules: func(r engine.Rules) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.rules = r
			return nil
		},
		SetPaused: func(why string) { m.mu.Lock(); defer m.mu.Unlock(); m.paused = why },
	}
}

// serve runs a server until the test ends.
func serve(t testing.TB, o Options, b bounds) *Server {
	t.Helper()
	s, err := listen(o, b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// generous bounds let a test ask as fast as it likes.
func generous() bounds {
	b := usual
	b.requests = 1_000_000
	b.read, b.write = patience, patience
	return b
}

// ask sends a request, changed by edit, on a connection of its own.
func ask(t testing.TB, s *Server, method, path, body string, edit func(*http.Request)) (status int, header http.Header, answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// bearer is a request as the person's own program sends it.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
	}
}

func host(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }

func TestListensHereAlone(t *testing.T) {
	m := new(miner)
	for _, address := range []string{
		"0.0.0.0:0", "[::]:0", ":0", "192.168.1.2:0", "example.com:0", "localhost.example:0", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http",
		"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "[::1%lo]:0", "127.1:0", "[::ffff:192.168.1.2]:0", "2130706433:0", "",
	} {
		o := m.options("")
		o.Address = address
		if s, err := Listen(o); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v, want ErrAddress", address, err)
			if err == nil {
				_ = s.Close()
			}
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		o := m.options("")
		o.Address = address
		s, err := Listen(o)
		if err != nil {
			if address == "127.0.0.2:0" {
				continue // not every system has all of 127/8
			}
			t.Errorf("%q: %v", address, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPortInUse(t *testing.T) {
	s := serve(t, new(miner).options(""), generous())
	o := new(miner).options("")
	o.Address = "127.0.0.1:" + s.port
	if _, err := Listen(o); err == nil || errors.Is(err, ErrAddress) {
		t.Errorf("a second server of one port: %v", err)
	}
}

func TestTokens(t *testing.T) {
	for _, bad := range []string{"short", strings.Repeat("x", 15), strings.Repeat("x", 257), "with a space in it", "mit-Umläuten-und-so", "a-line-end-at-last\n"} {
		o := new(miner).options(bad)
		if _, err := Listen(o); !errors.Is(err, ErrToken) || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v, want ErrToken", bad, err)
		}
	}
}

// TestRefusals: each way to be turned away, with its answer.
func TestRefusals(t *testing.T) {
	m := &miner{rules: engine.Rules{Percent: 70, IdleAfter: time.Minute}}
	s := serve(t, m.options(token), generous())
	long := `{"threads":` + strings.Repeat(" ", int(usual.body)) + `1}`
	for name, c := range map[string]struct {
		method, path, body string
		edit               func(*http.Request)
		want               int
	}{
		"another host":                {"GET", "/v1/status", "", host("evil.example:" + s.port), 421},
		"another host of the same ip": {"GET", "/v1/status", "", host("192.168.1.2:" + s.port), 421},
		"another port":                {"GET", "/v1/status", "", host("127.0.0.1:1"), 421},
		"no port":                     {"GET", "/v1/status", "", host("127.0.0.1"), 421},
		"a name that begins alike":    {"GET", "/v1/status", "", host("localhost.evil.example:" + s.port), 421},
		"a name with a last dot":      {"GET", "/v1/status", "", host("localhost.:" + s.port), 421},
		"an odd address":              {"GET", "/v1/status", "", host("2130706433:" + s.port), 421},
		"metrics by another host":     {"GET", "/metrics", "", host("evil.example:" + s.port), 421},
		"another origin":              {"GET", "/v1/status", "", with("Origin", "https://evil.example"), 403},
		"an opaque origin":            {"GET", "/v1/status", "", with("Origin", "null"), 403},
		"an origin of another port":   {"GET", "/v1/status", "", with("Origin", "http://127.0.0.1:1"), 403},
		"two origins": {"GET", "/v1/status", "", func(r *http.Request) {
			r.Header["Origin"] = []string{"http://127.0.0.1:" + s.port, "https://evil.example"}
		}, 403},
		"another site":             {"GET", "/v1/status", "", with("Sec-Fetch-Site", "cross-site"), 403},
		"another port's page":      {"GET", "/metrics", "", with("Sec-Fetch-Site", "same-site"), 403},
		"no such path":             {"GET", "/v2/status", "", nil, 404},
		"no root":                  {"GET", "/", "", nil, 404},
		"no debugging":             {"GET", "/debug/vars", "", nil, 404},
		"no profile":               {"GET", "/debug/pprof/", "", nil, 404},
		"a path around":            {"GET", "/v1/../v1/status", "", nil, 404},
		"trace":                    {"TRACE", "/v1/status", "", nil, 405},
		"options":                  {"OPTIONS", "/v1/status", "", nil, 405},
		"delete":                   {"DELETE", "/v1/rules", "", bearer(token), 405},
		"put":                      {"PUT", "/v1/rules", "{}", bearer(token), 405},
		"status written":           {"POST", "/v1/status", "{}", bearer(token), 405},
		"pause read":               {"GET", "/v1/pause", "", bearer(token), 405},
		"post without token":       {"POST", "/v1/pause", "", nil, 401},
		"post with wrong token":    {"POST", "/v1/pause", "", bearer(token + "x"), 401},
		"post with part of it":     {"POST", "/v1/pause", "", bearer(token[:len(token)-1]), 401},
		"post with empty token":    {"POST", "/v1/pause", "", bearer(""), 401},
		"post with another scheme": {"POST", "/v1/pause", "", with("Authorization", "Basic "+token), 401},
		"post with two tokens": {"POST", "/v1/pause", "", func(r *http.Request) {
			r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
		}, 401},
		"token in the address": {"POST", "/v1/pause?token=" + token, "", nil, 401},
		"token of another site": {"POST", "/v1/pause", "", func(r *http.Request) {
			bearer(token)(r)
			r.Header.Set("Origin", "https://evil.example")
		}, 403},
		"a body without a use": {"GET", "/v1/status", "{}", with("Content-Type", "application/json"), 400},
		"a body that is no JSON": {"POST", "/v1/rules", "threads=1", func(r *http.Request) {
			bearer(token)(r)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}, 415},
		"a body too long":      {"POST", "/v1/rules", long, bearer(token), 413},
		"a body that is not":   {"POST", "/v1/rules", "{", bearer(token), 400},
		"a list":               {"POST", "/v1/rules", "[]", bearer(token), 400},
		"null":                 {"POST", "/v1/rules", "null", bearer(token), 400},
		"no body":              {"POST", "/v1/rules", "", bearer(token), 400},
		"two bodies":           {"POST", "/v1/rules", "{}{}", bearer(token), 400},
		"an unknown field":     {"POST", "/v1/rules", `{"thread":1}`, bearer(token), 400},
		"a field out of range": {"POST", "/v1/rules", `{"percent":101}`, bearer(token), 400},
		"a time out of range":  {"POST", "/v1/rules", `{"idle_after_s":1e300}`, bearer(token), 400},
		"a pause with more":    {"POST", "/v1/pause", `{"why":"<b>"}`, bearer(token), 400},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, answer := ask(t, s, c.method, c.path, c.body, c.edit)
			if status != c.want {
				t.Errorf("%d %s, want %d", status, answer, c.want)
			}
			var e Error
			if err := json.Unmarshal([]byte(answer), &e); err != nil || e.Error == "" {
				t.Errorf("the answer %q does not say why", answer)
			}
			strictHeaders(t, header)
			for _, sent := range []string{token, "evil", "<b>", "thread\""} {
				if strings.Contains(answer, sent) {
					t.Errorf("the answer repeats what was sent: %s", answer)
				}
			}
		})
	}
	if m.paused != "" || m.rules.Percent != 70 || m.rules.IdleAfter != time.Minute {
		t.Errorf("a refused request has changed something: %+v", m.rules)
	}
}

// strictHeaders checks what every answer carries, and what none does.
func strictHeaders(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %q", h.Get("Content-Security-Policy"))
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" || name == "Set-Cookie" {
			t.Errorf("the answer has %s", name)
		}
	}
}

func TestServesItsOwnNames(t *testing.T) {
	s := serve(t, new(miner).options(""), generous())
	for _, edit := range []func(*http.Request){
		nil, host("localhost:" + s.port), host("LOCALHOST:" + s.port), host("[::1]:" + s.port), host("127.0.0.9:" + s.port),
		with("Origin", s.URL()), with("Sec-Fetch-Site", "none"), with("Sec-Fetch-Site", "same-origin"),
	} {
		if status, header, answer := ask(t, s, "GET", "/v1/status", "", edit); status != 200 {
			t.Errorf("%d %s", status, answer)
		} else {
			strictHeaders(t, header)
		}
	}
	if status, _, answer := ask(t, s, "HEAD", "/v1/status", "", nil); status != 200 || answer != "" {
		t.Errorf("HEAD: %d %q", status, answer)
	}
}

func TestReadOnlyWithoutToken(t *testing.T) {
	s := serve(t, new(miner).options(""), generous())
	for _, given := range []string{"", token} {
		if status, _, answer := ask(t, s, "POST", "/v1/pause", "", bearer(given)); status != 403 {
			t.Errorf("%d %s", status, answer)
		}
	}
}

func TestChanges(t *testing.T) {
	m := &miner{rules: engine.Rules{Percent: 70, Nice: 5, IdleAfter: 90*time.Second + 1, Schedule: []engine.Window{{Days: [7]bool{true}, To: time.Hour}}}}
	s := serve(t, m.options(token), generous())
	status, _, answer := ask(t, s, "POST", "/v1/rules", `{"percent":30,"on_battery":true}`, bearer(token))
	if status != 200 || !strings.Contains(answer, `"percent":30`) {
		t.Errorf("%d %s", status, answer)
	}
	if r := m.rules; r.Percent != 30 || !r.OnBattery || r.Nice != 5 || r.IdleAfter != 90*time.Second+1 || len(r.Schedule) != 1 {
		t.Errorf("what was left out has changed: %+v", r)
	}
	if status, _, answer := ask(t, s, "POST", "/v1/pause", "", bearer(token)); status != 200 || !strings.Contains(answer, `"state":"paused"`) || !strings.Contains(answer, pausedReason) {
		t.Errorf("paused: %d %s", status, answer)
	}
	if status, _, answer := ask(t, s, "POST", "/v1/resume", "{}", bearer(token)); status != 200 || !strings.Contains(answer, `"state":"mining"`) {
		t.Errorf("resumed: %d %s", status, answer)
	}
}

// TestTellsNothingPrivate: an account in a pool's path, a program's error, or how
// long the person has been away are in no answer.
func TestTellsNothingPrivate(t *testing.T) {
	s := serve(t, new(miner).options(token), generous())
	for path, r := range s.routes {
		if r[http.MethodGet] == nil {
			continue
		}
		_, _, answer := ask(t, s, "GET", path, "", nil)
		for _, private := range []string{"hunter2", "/account", "secret detail", token, "3600", `idle":{`} {
			if strings.Contains(answer, private) {
				t.Errorf("%s tells %q", path, private)
			}
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	b := generous()
	b.requests = 0
	s := serve(t, new(miner).options(""), b)
	status, header, answer := ask(t, s, "GET", "/v1/status", "", nil)
	if status != 429 || header.Get("Retry-After") == "" {
		t.Errorf("%d %s", status, answer)
	}
	now := time.Now()
	r := rate{most: 3, left: 3}
	for i, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {0, true}, {0, true}, {0, false}, {time.Second / 2, true}, {time.Second / 2, false}, {-time.Hour, false}, {time.Hour, true}, {time.Hour, true}, {time.Hour, true}, {time.Hour, false}} {
		if got := r.take(now.Add(c.after)); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// TestTooManyConnections: one too many is closed, and there is room again when
// another ends.
func TestTooManyConnections(t *testing.T) {
	b := generous()
	b.connections = 3
	s := serve(t, new(miner).options(""), b)
	var held []net.Conn
	for range b.connections {
		c := dial(t, s)
		talk(t, c, s) // so that it is known to be served
		held = append(held, c)
	}
	extra := dial(t, s)
	if _, err := extra.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many was served")
	}
	_ = held[0].Close()
	for deadline := time.Now().Add(patience); ; {
		c := dial(t, s)
		if _, err := try(c, s); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no room after one has ended")
		}
	}
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func try(c net.Conn, s *Server) (int, error) {
	if _, err := io.WriteString(c, "GET /v1/status HTTP/1.1\r\nHost: localhost:"+s.port+"\r\n\r\n"); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func talk(t *testing.T, c net.Conn, s *Server) {
	t.Helper()
	if status, err := try(c, s); err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
}

// TestRaw: what no well-behaved client sends.
func TestRaw(t *testing.T) {
	b := generous()
	b.read, b.idle = 50*time.Millisecond, 50*time.Millisecond
	slow := serve(t, new(miner).options(token), b)
	fast := serve(t, new(miner).options(token), generous())
	local := "Host: localhost:" + fast.port + "\r\n"
	for name, c := range map[string]struct {
		server *Server
		send   string
		want   string // the beginning of the answer; "" where the connection is just closed
	}{
		"a header that never ends":  {slow, "GET /v1/status HTTP/1.1\r\nHost: localhost", ""},
		"a body that never comes":   {slow, "POST /v1/rules HTTP/1.1\r\nHost: localhost:" + slow.port + "\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n", "HTTP/1.1 400"},
		"nothing":                   {slow, "", ""},
		"a header without bounds":   {fast, "GET /v1/status HTTP/1.1\r\n" + local + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431"},
		"two hosts":                 {fast, "GET /v1/status HTTP/1.1\r\n" + local + "Host: evil.example\r\n\r\n", "HTTP/1.1 400"},
		"no host":                   {fast, "GET /v1/status HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
		"no host, as of old":        {fast, "GET /v1/status HTTP/1.0\r\n\r\n", "HTTP/1.0 421"},
		"as to a proxy":             {fast, "GET http://localhost:" + fast.port + "/v1/status HTTP/1.1\r\n" + local + "\r\n", "HTTP/1.1 421"},
		"as to a proxy, elsewhere":  {fast, "GET http://evil.example/v1/status HTTP/1.1\r\n" + local + "\r\n", "HTTP/1.1 421"},
		"connect":                   {fast, "CONNECT evil.example:443 HTTP/1.1\r\n" + local + "\r\n", "HTTP/1.1 421"},
		"options of all":            {fast, "OPTIONS * HTTP/1.1\r\n" + local + "\r\n", "HTTP/1.1 404"},
		"no HTTP":                   {fast, "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "HTTP/1.1 400"},
		"lengths that contradict":   {fast, "POST /v1/pause HTTP/1.1\r\n" + local + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400"},
		"a body larger than it may": {fast, "POST /v1/rules HTTP/1.1\r\n" + local + "Authorization: Bearer " + token + "\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n" + strings.Repeat(" ", 8<<10), "HTTP/1.1 413"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, c.server)
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 12)
			n, err := io.ReadFull(conn, got)
			var timeout net.Error
			switch {
			case errors.As(err, &timeout) && timeout.Timeout():
				t.Error("it is neither answered nor closed")
			case string(got[:n]) != c.want:
				t.Errorf("answered %q, want %q", got[:n], c.want)
			}
		})
	}
}

// TestEndsWithItsContext: connections that are open then are closed, and nothing
// is left of them (TestMain looks).
func TestEndsWithItsContext(t *testing.T) {
	s, err := Listen(new(miner).options(""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	c := dial(t, s)
	talk(t, c, s)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if _, err := net.Dial("tcp", s.listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
