package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"goldpan/core"
	"goldpan/core/watch"
)

// call asks goldpan's interface, with a token unless it is empty.
func call(t *testing.T, method, url, token string) (status int, state string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ State string }
	_ = json.Unmarshal(b, &v) // metrics are no JSON
	return resp.StatusCode, v.State
}

// TestMineIsWatched: other programs may look, and change things with the token
// alone, which is nowhere in what goldpan writes.
func TestMineIsWatched(t *testing.T) {
	t.Parallel()
	p, dir := newPool(t, nil), t.TempDir()
	const token = "correct-horse-battery-staple"
	m := start(t, token+"\n", append(mineArgs(dir, "stratum+tcp://"+p.addr), "--api", "127.0.0.1:0", "--api-token-file", "-", "--log-stderr")...)
	m.until("api")
	for m.until("status").State != core.StateMining {
	}
	found := regexp.MustCompile(`http://127\.0\.0\.1:[0-9]+`).FindString(m.said.String())
	if status, state := call(t, "GET", found+"/v1/status", ""); status != 200 || state != core.StateMining {
		t.Errorf("%d %q", status, state)
	}
	if status, _ := call(t, "GET", found+"/metrics", ""); status != 200 {
		t.Errorf("metrics: %d", status)
	}
	if status, _ := call(t, "POST", found+"/v1/pause", ""); status != 401 {
		t.Errorf("without the token: %d", status)
	}
	if status, state := call(t, "POST", found+"/v1/pause", token); status != 200 || state != core.StatePaused {
		t.Errorf("with the token: %d %q", status, state)
	}
	for m.until("status").State != core.StatePaused {
	}
	if status, _ := call(t, "POST", found+"/v1/resume", token); status != 200 {
		t.Errorf("resume: %d", status)
	}
	for m.until("status").State != core.StateMining {
	}
	http.DefaultClient.CloseIdleConnections()
	if err := m.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, code := m.end(); code != 0 {
		t.Errorf("exit code %d, %+v", code, rest)
	}
	if strings.Contains(m.said.String(), token) {
		t.Error("the token is shown")
	}
}

// TestAPIRefusals: an address of other machines, one in use, and a token that is
// none end the command before anything is mined.
func TestAPIRefusals(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	short := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := func(more ...string) []string {
		return append(mineArgs(t.TempDir(), "stratum+tcp://127.0.0.1:1"), more...)
	}
	for name, c := range map[string]struct {
		code int
		say  string
		args []string
	}{
		"every address":      {2, "this machine alone", args("--api", "0.0.0.0:4880")},
		"in use":             {1, "", args("--api", l.Addr().String())},
		"a short token":      {1, "16", args("--api", "127.0.0.1:0", "--api-token-file", short)},
		"a token, no api":    {2, "--api", args("--api-token-file", short)},
		"two secrets":        {2, "one secret", args("--api", "127.0.0.1:0", "--api-token-file", "-", "--password-file", "-")},
		"practice elsewhere": {1, "this machine alone", []string{"practice", "--api", "0.0.0.0:4880", "--data", t.TempDir()}},
	} {
		t.Run(name, func(t *testing.T) {
			e := last(t, run(t, c.code, "", c.args...), "error")
			if !strings.Contains(e.Message, c.say) || e.Hint == "" {
				t.Errorf("%q, %q", e.Message, e.Hint)
			}
		})
	}
}

func TestRatesLine(t *testing.T) {
	t.Parallel()
	var s core.Snapshot
	s.State = core.StateMining
	if line := ratesLine(s); line != "" {
		t.Errorf("before anything is known: %q", line)
	}
	s.Rates.Windows[3] = watch.Window{Length: time.Hour, Hashrate: 47_000, Implied: 45_000, Low: 30_000, High: 60_000, Why: "They agree."}
	s.Rates.Best.Difficulty = 12.345
	if want := "Hashed here: 47 kH/s. The shares show 45 kH/s, give or take: from 30 kH/s to 60 kH/s. They agree. Best share: 12.3."; ratesLine(s) != want {
		t.Errorf("%q, want %q", ratesLine(s), want)
	}
}
