package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"goldpan/assets"
	"goldpan/core/coin"
)

// pool is a real Stratum server on this machine: the practice network of another
// copy of Goldpan. It returns the pool's address and whom it pays.
func pool(t *testing.T) (address, user string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "goldpan")
	if out, err := exec.Command("go", "build", "-o", program, "./cli").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "practice", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--threads", "1", "--limit", "2")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	told := regexp.MustCompile(`(stratum\+tcp://\S+), user (\S+)`)
	found := make(chan []string, 1)
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			if m := told.FindStringSubmatch(s.Text()); m != nil {
				found <- m
			}
		}
	}()
	select {
	case m := <-found:
		return m[1], m[2]
	case <-time.After(patience):
		t.Fatal("the pool did not begin")
		return "", ""
	}
}

// keys presses keys, one after the other.
func (d display) keys(t *testing.T, names ...string) {
	t.Helper()
	d.xdotool(t, append([]string{"key", "--delay", "60"}, names...)...)
}

// text types into whatever has the focus.
func (d display) text(t *testing.T, text string) {
	t.Helper()
	d.xdotool(t, "type", "--delay", "40", text)
}

func (d display) xdotool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v\n%s", err, out)
	}
}

func screen(name string) func(map[string]any) bool {
	return func(r map[string]any) bool { return r["type"] == "screen" && r["screen"] == name }
}

// The way of a beginner from the first start to a real pool, by the keyboard but
// for two presses: set-up, shares accepted by a real Stratum server, Stop,
// settings, and the program finds all of it again.
func TestMiningForReal(t *testing.T) {
	address, user := pool(t)
	inLooks(t, func(t *testing.T, variant string, gold assets.Color) { mineForReal(t, address, user, variant, gold) })
}

func mineForReal(t *testing.T, address, user, variant string, gold assets.Color) {
	d := newDisplay(t, 800, 600)
	home := t.TempDir()
	data := filepath.Join(home, "data")
	p := start(t, d.env(home, variant), "--json", "--data", data)
	shot := func(name string) { keep(t, d.picture(t), "real-"+name+"-"+variant) }
	p.await(t, "the first screen", screen("practice"))
	d.waitForButton(t, gold)

	d.keys(t, "ctrl+2")
	p.await(t, "the first step", screen("coin"))
	d.keys(t, "space")
	next := d.waitForButton(t, gold)
	shot("coin")
	d.click(t, next)
	p.await(t, "the second step", screen("pool"))
	shot("pool")
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		t.Fatal(err)
	}
	for range coin.PoolsFor(bitcoin) {
		d.keys(t, "Down")
	}
	d.keys(t, "space")
	p.await(t, "the pool's address", screen("pool address"))
	d.text(t, address)
	d.waitForButton(t, gold)
	shot("pool-own")
	d.keys(t, "Return")
	p.await(t, "the third step", screen("payee"))
	d.text(t, user)
	shot("payee-asked")
	d.keys(t, "Tab", "space") // it is what this pool wants
	next = d.waitForButton(t, gold)
	shot("payee")
	d.click(t, next)
	p.await(t, "the review", screen("review"))
	shot("review")
	if _, err := os.Stat(filepath.Join(data, "config.toml")); err == nil {
		t.Error("something was saved before Start")
	}

	d.keys(t, "space")
	here := func(want string) func(map[string]any) bool {
		return func(r map[string]any) bool { return state(want)(r) && r["pool"] == address }
	}
	p.await(t, "mining for real", here("mining"))
	p.await(t, "accepted shares", func(r map[string]any) bool {
		n, _ := r["accepted"].(float64)
		return here("mining")(r) && n >= 3
	})
	stop := d.waitForButton(t, gold)
	shot("mining")
	d.keys(t, "ctrl+6")
	p.await(t, "About", screen("about"))
	shot("about")
	d.keys(t, "ctrl+2")
	p.await(t, "the way back", screen("real"))
	d.click(t, stop)
	if r := p.await(t, "the end by Stop", here("paused")); r["hashrate"] != 0.0 || r["reason"] != "you stopped it" {
		t.Errorf("after Stop: %v", r)
	}
	d.waitForButton(t, gold)
	shot("stopped")

	d.keys(t, "ctrl+5")
	p.await(t, "the settings", screen("settings"))
	d.keys(t, "Tab", "Left", "Left", "Left") // of the time that each thread works
	var settings string
	for end := time.Now().Add(patience); !strings.Contains(settings, "percent = 97\n") && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		b, err := os.ReadFile(filepath.Join(data, "config.toml"))
		if err != nil {
			t.Fatal(err)
		}
		settings = string(b)
	}
	shot("settings")
	for _, want := range []string{"percent = 97\n", "url = \"" + address + "\"", "user = \"" + user + ".goldpan\"", "coin = \"bitcoin\""} {
		if !strings.Contains(settings, want) {
			t.Errorf("the settings do not say %s:\n%s", want, settings)
		}
	}
	if code := p.end(t); code != 0 {
		t.Errorf("SIGINT ended the window with %d: %s", code, p.stderr.String())
	}
	if text := p.stderr.String(); text != "" {
		t.Errorf("on standard error: %s", text)
	}

	// The next start opens on it, and mines nothing before Start.
	again := start(t, d.env(home, variant), "--json", "--data", data)
	again.await(t, "mining for real at the start", screen("real"))
	d.waitForButton(t, gold)
	shot("ready")
	for len(again.lines) > 0 {
		if r := <-again.lines; r["type"] == "status" {
			t.Errorf("something runs before Start: %v", r)
		}
	}
	if code := again.end(t); code != 0 {
		t.Errorf("the second run ended with %d: %s", code, again.stderr.String())
	}
}
