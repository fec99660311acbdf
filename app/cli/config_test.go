package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
)

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	path := last(t, run(t, 0, "", "config", "path", "--data", dir), "done").Path
	if path != config.Path(dir) {
		t.Errorf("the path is %q", path)
	}
	last(t, run(t, 0, "", "config", "check", "--data", dir), "done")
	run(t, 0, "", "config", "set", "limits.percent", "42", "--data", dir)
	found := false
	for _, l := range run(t, 0, "", "config", "show", "--data", dir) {
		found = found || l.Type == "setting" && l.Key == "limits.percent" && l.Value == "42"
	}
	if text, err := os.ReadFile(path); err != nil || !found || !strings.Contains(string(text), "# of each thread's time, 1 to 100\npercent = 42\n") {
		t.Errorf("%v, %s", err, text)
	}
	if e := last(t, run(t, 2, "", "config", "set", "limits.percent", "420", "--data", dir), "error"); !strings.Contains(e.Message, "from 1 to 100") {
		t.Errorf("%+v", e)
	}
	if e := last(t, run(t, 2, "", "config", "set", "limits.percent", "--data", dir), "error"); !strings.Contains(e.Message, "value") {
		t.Errorf("%+v", e)
	}
	if err := os.WriteFile(path, []byte("[limits]\npercent = 0\n[log]\nlevel = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := run(t, 1, "", "config", "check", "--data", dir)
	if p := last(t, lines, "problem"); p.Line != 4 || p.Key != "log.level" || p.Hint == "" {
		t.Errorf("%+v", p)
	}
	if e := last(t, lines, "error"); !strings.Contains(e.Message, "has 2 mistakes") || strings.Contains(e.Hint, "config check") {
		t.Errorf("%+v", e)
	}
	run(t, 1, "", "config", "set", "limits.percent", "5", "--data", dir)
}

// TestDoctorLooksAtSettings: doctor tells of sensors, settings and proxy.
func TestDoctorLooksAtSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeConfig(t, dir, "proxy = \"socks5://127.0.0.1:9050\"\n")
	found := map[string]line{}
	for _, l := range run(t, 0, "", "doctor", "--data", dir) {
		found[l.Name] = l
	}
	for _, name := range []string{"power source", "idle time", "temperature", "power", "other load", "settings", "proxy"} {
		if l := found[name]; l.Text == "" || !l.OK && l.Hint == "" {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if !strings.Contains(found["proxy"].Text, "127.0.0.1:9050") {
		t.Errorf("%+v", found["proxy"])
	}
	writeConfig(t, dir, "proxy = 5\n")
	for _, l := range run(t, 0, "", "doctor", "--data", dir) {
		found[l.Name] = l
	}
	if l := found["settings"]; l.OK || !strings.Contains(l.Text, "line 1, column 9") {
		t.Errorf("%+v", l)
	}
}

// TestPoolsAndTrust: what is known of pools and of servers is listed, and a
// trusted one can be removed.
func TestPoolsAndTrust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if l := last(t, run(t, 0, "", "pools", "--coin", "litecoin", "--data", dir), "pool"); l.Coin != "litecoin" || l.ID == "" {
		t.Errorf("%+v", l)
	}
	servers, err := desk.OpenKnownServers(dir)
	if err == nil {
		err = servers.Add("pool.example:3333", "sha256:"+strings.Repeat("ab", 32))
	}
	if err != nil {
		t.Fatal(err)
	}
	last(t, run(t, 0, "", "trust", "list", "--data", dir), "server")
	run(t, 0, "", "trust", "remove", "pool.example:3333", "--data", dir)
	for _, l := range run(t, 0, "", "trust", "list", "--data", dir) {
		if l.Type == "server" {
			t.Errorf("it is still trusted: %+v", l)
		}
	}
}

// TestJSONFirst: --json may stand before the command.
func TestJSONFirst(t *testing.T) {
	t.Parallel()
	last(t, run(t, 0, "", "--json", "config", "path", "--data", t.TempDir()), "done")
}

// TestDataFirst: --data counts before the command as well as after it.
func TestDataFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, front := range [][]string{{"--data", dir}, {"--json", "--data=" + dir}, {"-data", dir, "--json"}} {
		path := last(t, run(t, 0, "", append(front, "config", "path", "--json")...), "done").Path
		if filepath.Dir(path) != dir {
			t.Errorf("%q: the settings are at %q", front, path)
		}
	}
	run(t, 2, "", "--data")
}

// TestLostResult: a result that cannot be written is a failure.
func TestLostResult(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /dev/full")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var said transcript
	term := &terminal{out: &output{to: full}, err: &said}
	if code := term.run(t.Context(), []string{"doctor", "--data", t.TempDir()}); code != 1 || !strings.Contains(said.String(), "could not be written") {
		t.Errorf("exit code %d, said %q", code, said.String())
	}
}
