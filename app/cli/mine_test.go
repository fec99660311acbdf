package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
)

// mineArgs mine sha256d gently on one thread.
func mineArgs(dir string, pools ...string) []string {
	args := []string{"mine", "--user", "me.desk", "--algorithm", "sha256d", "--threads", "1", "--limit", "50", "--data", dir}
	for _, p := range pools {
		args = append(args, "--pool", p)
	}
	return args
}

func writeConfig(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(config.Path(dir), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMineByFlags: hosts are listed before anything is contacted, the pool's
// words are quoted, and neither output nor log holds the password.
func TestMineByFlags(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.text = "maintenance\x1b[2J at noon"
	dir := t.TempDir()
	const secret = "hunter2-of-the-pool"
	m := start(t, secret+"\n", append(mineArgs(dir, "stratum+tcp://"+p.addr), "--shares", "2", "--password-file", "-", "--log-level", "debug", "--log-stderr")...)
	if l, ok := m.next(); !ok || l.Type != "contacts" || !slices.Equal(l.Hosts, []string{p.addr}) {
		t.Errorf("the first line is %+v", l)
	}
	lines, code := m.end()
	if done := last(t, lines, "done"); code != 0 || done.Accepted < 2 {
		t.Errorf("exit code %d, %+v\n%s", code, done, m.said.String())
	}
	if s := last(t, lines, "status"); s.Lanes != 1 {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(p.said(), secret) {
		t.Error("the pool did not get the password")
	}
	log, err := os.ReadFile(filepath.Join(dir, desk.LogName))
	if err != nil || !strings.Contains(string(log), "mining begins") || !strings.Contains(string(log), "mining ends") {
		t.Errorf("the log is %s, %v", log, err)
	}
	if !strings.Contains(m.said.String(), `level=INFO msg="mining begins"`) {
		t.Errorf("the log is not said too: %s", m.said.String())
	}
	if strings.Contains(string(log)+m.said.String(), secret) || strings.Contains(string(log)+m.said.String(), "\x1b[2J") {
		t.Error("a secret, or a pool's control characters, got out")
	}
}

// TestMineByConfig: without --pool the settings file says what to mine; on
// SIGHUP it is read again, and one that is wrong changes nothing.
func TestMineByConfig(t *testing.T) {
	t.Parallel()
	if os.PathSeparator != '/' {
		t.Skip("there is no SIGHUP here")
	}
	p, other := newPool(t, nil), newPool(t, nil)
	dir := t.TempDir()
	text := "algorithm = \"sha256d\" # mine\n[limits]\nthreads = 1\npercent = 30\n[[pool]]\nurl = \"stratum+tcp://" + p.addr + "\"\nuser = \"me\"\npassword = \"d=1\"\n"
	writeConfig(t, dir, text)
	m := start(t, "", "mine", "--data", dir)
	for m.until("status").State != "mining" {
	}
	if !strings.Contains(p.said(), `"d=1"`) {
		t.Errorf("the pool was told\n%s", p.said())
	}
	writeConfig(t, dir, strings.Replace(text, "percent = 30", "percent = 300", 1))
	hangup(t, m)
	if l := m.until("reload"); l.OK || !strings.Contains(l.Message, "line 4, column 11: limits.percent") {
		t.Errorf("%+v", l)
	}
	writeConfig(t, dir, text+"[[pool]]\nurl = \"stratum+tcp://"+other.addr+"\"\nuser = \"me\"\n")
	hangup(t, m)
	if l := m.until("reload"); !l.OK {
		t.Errorf("%+v", l)
	}
	writeConfig(t, dir, strings.ReplaceAll(text, p.addr, other.addr))
	hangup(t, m)
	for s := m.until("status"); s.State != "mining" || !strings.Contains(s.Pool, other.addr); s = m.until("status") {
	}
	if err := m.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, code := m.end(); code != 0 {
		t.Errorf("exit code %d, %+v", code, rest)
	}
	if said := m.said.String(); !strings.Contains(said, "may contact "+other.addr) || !strings.Contains(said, "stay as they were") {
		t.Errorf("it said\n%s", said)
	}
	log, err := os.ReadFile(filepath.Join(dir, desk.LogName))
	if err != nil || !strings.Contains(string(log), "settings not taken up") || !strings.Contains(string(log), "settings taken up") {
		t.Errorf("the log is %s, %v", log, err)
	}
}

// TestMineFallsBack: the second pool serves while the first is down.
func TestMineFallsBack(t *testing.T) {
	t.Parallel()
	p, down := newPool(t, nil), refusing(t)
	lines := run(t, 0, "", append(mineArgs(t.TempDir(), "stratum+tcp://"+down, "stratum+tcp://"+p.addr), "--shares", "1")...)
	if s := last(t, lines, "status"); !strings.Contains(s.Pool, p.addr) {
		t.Errorf("%+v", s)
	}
	if n := last(t, lines, "notice"); n.Level != "warning" || !strings.Contains(n.Text, p.addr) {
		t.Errorf("%+v", n)
	}
}

// TestMineTLS: a certificate that nobody vouches for is refused with its
// fingerprint and the address that accepts it; a changed one is refused.
func TestMineTLS(t *testing.T) {
	t.Parallel()
	config, fingerprint := selfSigned(t)
	p := newPool(t, config)
	dir, url := t.TempDir(), "stratum+tls://"+p.addr
	e := last(t, run(t, 1, "", mineArgs(dir, url)...), "error")
	if !strings.Contains(e.Message, fingerprint) || !strings.Contains(e.Hint, "'"+url+"?pin="+fingerprint+"'") {
		t.Errorf("%q, %q", e.Message, e.Hint)
	}
	if p.said() != "" {
		t.Errorf("a pool that is not trusted was told %q", p.said())
	}
	run(t, 0, "", append(mineArgs(dir, url+"?pin="+fingerprint), "--shares", "1")...)

	_, another := selfSigned(t)
	e = last(t, run(t, 1, "", mineArgs(dir, url+"?pin="+another)...), "error")
	if !strings.Contains(e.Message, "another key than the one pinned") || !strings.Contains(e.Message, fingerprint) {
		t.Errorf("%q, %q", e.Message, e.Hint)
	}
	for _, known := range []struct {
		fingerprint string
		code        int
	}{{fingerprint, 0}, {another, 1}} {
		dir := t.TempDir()
		servers, err := desk.OpenKnownServers(dir)
		if err == nil {
			err = servers.Add(p.addr, known.fingerprint)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := run(t, known.code, "", append(mineArgs(dir, url), "--shares", "1")...)
		if known.code == 0 {
			continue
		}
		if e := last(t, lines, "error"); !strings.Contains(e.Message, "another key than the one that you trusted") || strings.Contains(e.Hint, "--pool '") {
			t.Errorf("%q, %q", e.Message, e.Hint)
		}
	}
}

// TestMineByProxy: all goes through the proxy, and nothing around it.
func TestMineByProxy(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	proxy, asked := newProxy(t)
	run(t, 0, "", append(mineArgs(t.TempDir(), "stratum+tcp://"+p.addr), "--proxy", "http://"+proxy, "--shares", "1")...)
	if a := asked(); !slices.Contains(a, p.addr) {
		t.Errorf("the proxy was asked for %q", a)
	}
	heard := p.said()
	e := last(t, inside(t, 1, append(mineArgs(t.TempDir(), "stratum+tcp://"+p.addr), "--proxy", "socks5://"+refusing(t))...), "error")
	if !strings.Contains(e.Message, "proxy") || e.Hint == "" || p.said() != heard {
		t.Errorf("%+v", e)
	}
}

// TestMineWarnsOfThePayout: a pool that promises solo mining, and whose work pays
// somebody else, is told of.
func TestMineWarnsOfThePayout(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	m := start(t, "", append(mineArgs(t.TempDir(), "stratum+tcp://"+p.addr), "--coin", "bitcoin", "--solo-pool", "--payout", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")...)
	if n := m.until("notice"); n.Level != "warning" || !strings.Contains(n.Text, "does not pay your address") {
		t.Errorf("%+v", n)
	}
	if err := m.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, code := m.end(); code != 0 {
		t.Errorf("exit code %d, %+v", code, rest)
	}
}

// TestMineBySchedule: outside of its hours it rests, and says why.
func TestMineBySchedule(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	later := time.Now().Add(3 * time.Hour)
	window := fmt.Sprintf("%s-%s", later.Format("15:04"), later.Add(time.Hour).Format("15:04"))
	m := start(t, "", append(mineArgs(t.TempDir(), "stratum+tcp://"+p.addr), "--schedule", window)...)
	s := m.until("status")
	for ; s.State != "paused"; s = m.until("status") {
	}
	if s.Reason == "" {
		t.Errorf("%+v", s)
	}
	if err := m.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if rest, code := m.end(); code != 0 || last(t, rest, "done").Accepted != 0 {
		t.Errorf("exit code %d, %+v", code, rest)
	}
}

// TestGivesEnough: what never worked is tried for a while before it is given up,
// however fast it fails, and what worked once, for ever.
func TestGivesEnough(t *testing.T) {
	t.Parallel()
	term := new(terminal)
	for _, c := range []struct {
		v    core.Snapshot
		want bool
	}{
		{core.Snapshot{Failures: 30, Uptime: time.Second}, false},
		{core.Snapshot{Failures: 2, Uptime: time.Hour}, false},
		{core.Snapshot{Failures: 3, Uptime: minTrying}, true},
		{core.Snapshot{Failures: 30, Uptime: time.Hour, Worked: true}, false},
	} {
		if got := term.gaveEnough(c.v); got != c.want {
			t.Errorf("%d failures in %s: %v", c.v.Failures, c.v.Uptime, got)
		}
	}
}

// TestStatusLine: a rate that is not measured yet is none of zero.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]core.Snapshot{
		"Mining begins · 2 shares accepted, 0 rejected, 0 stale · 1s":                {State: core.StateMining, Accepted: 2, Uptime: time.Second},
		"Mining at 2 kH/s · 0 shares accepted, 0 rejected, 0 stale · 1s · it is hot": {State: core.StateMining, Hashrate: 2000, Uptime: time.Second, Slowed: "it is hot"},
		"Paused: it is noon":           {State: core.StatePaused, Reason: "it is noon"},
		"The pool is down: it is away": {State: core.StateDown, Reason: "it is away"},
		"Connecting to the pool …":     {State: core.StateConnecting},
	} {
		if got := statusLine(v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestDownIsToldOnce: why a pool is down is said once, however often it is tried,
// and again when it was up meanwhile.
func TestDownIsToldOnce(t *testing.T) {
	t.Parallel()
	var said transcript
	w := &mineWatch{t: &terminal{err: &said}, looks: 1}
	down := core.Snapshot{State: core.StateDown, Err: io.EOF, Reason: "the pool closed the connection"}
	for _, v := range []core.Snapshot{
		{State: core.StateConnecting},
		down, {State: core.StateConnecting, Err: io.EOF}, down, {State: core.StateDown, Err: io.EOF, Reason: "the connection broke"},
		{State: core.StateMining, Hashrate: 2000, Uptime: time.Second}, down,
	} {
		w.tellState(v)
	}
	message, hint := desk.Explain(io.EOF)
	once := "Down: " + message + ". " + hint + "\n"
	want := "Connecting to the pool …\n" + once + "Mining at 2 kH/s · 0 shares accepted, 0 rejected, 0 stale · 1s\n" + once
	if said.String() != want {
		t.Errorf("it said\n%swant\n%s", said.String(), want)
	}
}

// TestMineForNothing: a pool that never gave work in the time that there was is
// a failure.
func TestMineForNothing(t *testing.T) {
	t.Parallel()
	silent := server(t, func(io.Writer) { <-t.Context().Done() })
	e := last(t, run(t, 1, "", append(mineArgs(t.TempDir(), "stratum+tcp://"+silent), "--for", "1s")...), "error")
	if !strings.Contains(e.Message, "no pool gave any work") {
		t.Errorf("%+v", e)
	}
}

func TestMineBadInput(t *testing.T) {
	t.Parallel()
	pool := "stratum+tcp://127.0.0.1:1"
	withConfig := func(text string) string {
		dir := t.TempDir()
		writeConfig(t, dir, text)
		return dir
	}
	empty := t.TempDir()
	wif := base58.CheckEncode([]byte("thirty-two bytes of a test's key"), 0x80) // of no wallet
	for _, c := range []struct {
		name string
		code int
		say  string
		args []string
	}{
		{"nothing chosen", 2, config.Path(empty), []string{"mine", "--data", empty}},
		{"no user", 2, "--user", []string{"mine", "--pool", pool, "--algorithm", "sha256d", "--data", empty}},
		{"no algorithm", 2, "--algorithm", []string{"mine", "--pool", pool, "--user", "u", "--data", empty}},
		{"algorithm", 2, `"sha256d" or "scrypt"`, append(mineArgs(empty, pool), "--algorithm", "x11")},
		{"limit", 2, "from 1 to 100", append(mineArgs(empty, pool), "--limit", "0")},
		{"threads", 2, "--threads: this is of another kind", append(mineArgs(empty, pool), "--threads", "many")},
		{"schedule", 2, "mon-fri", append(mineArgs(empty, pool), "--schedule", "sometimes")},
		{"hidden in the pool", 2, "zero-width", mineArgs(empty, "stratum+tcp://\u200b127.0.0.1:1")},
		{"hidden in the user", 2, "line break", append(mineArgs(empty, pool), "--user", "1A1z\nP1eP")},
		{"hidden in the address", 2, "no-break space", append(mineArgs(empty, pool), "--payout", "1A1z\u00a0P1eP")},
		{"private key", 2, "private key", append(mineArgs(empty, pool), "--user", wif)},
		{"proxy", 2, "socks5://", append(mineArgs(empty, pool), "--proxy", "ftp://127.0.0.1:1")},
		{"proxy's password", 2, "--proxy: a proxy's password is a secret", append(mineArgs(empty, pool), "--proxy", "socks5://me:hunter2@127.0.0.1:1")},
		{"solo without address", 2, "--payout", append(mineArgs(empty, pool), "--solo-pool")},
		{"address of another coin", 1, "another", append(mineArgs(empty, pool), "--solo-pool", "--coin", "bitcoin", "--payout", "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1")},
		{"coin of another algorithm", 1, "another algorithm", append(mineArgs(empty, pool), "--coin", "litecoin")},
		{"coin", 2, "cannot be mined", append(mineArgs(empty, pool), "--coin", "ethereum")},
		{"preset", 1, "no preset", mineArgs(empty, "preset:nowhere")},
		{"settings", 1, "config.toml, line 2, column 1: limits.speed", append([]string{"mine", "--data"}, withConfig("[limits]\nspeed = 3\n"))},
		{"settings with flags", 1, "line 1, column 8: coin", mineArgs(withConfig("coin = 5\n"), pool)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := last(t, run(t, c.code, "", c.args...), "error")
			if !strings.Contains(e.Message, c.say) || e.Hint == "" {
				t.Errorf("message %q, hint %q; want %q in the message, and a hint", e.Message, e.Hint, c.say)
			}
			if strings.Contains(e.Message+e.Hint, "hunter2") || strings.Contains(e.Message+e.Hint, wif) {
				t.Errorf("a secret is repeated: %q", e.Message)
			}
		})
	}
}
