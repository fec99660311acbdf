package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"goldpan/assets"
)

// These tests run the real program on a display of their own. They fail where
// Xvfb, xdotool or ImageMagick is missing.

// patience is how long a test waits for what must come. The machine may be busy.
const patience = 4 * time.Minute

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "goldpan-window-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "goldpan-desktop")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// display is an X server without a screen.
type display struct{ name string }

func newDisplay(t *testing.T, width, height int) display {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height))
	x.ExtraFiles = []*os.File{w}
	err = x.Start()
	w.Close()
	if err != nil {
		t.Fatalf("the window is tested on Xvfb: %v", err)
	}
	t.Cleanup(func() {
		x.Process.Kill()
		x.Wait()
	})
	r.SetReadDeadline(time.Now().Add(patience))
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb told no display: %v", err)
	}
	return display{":" + strings.TrimSpace(number)}
}

// env is the environment of programs on the display: a home of their own, and
// nothing of the display that the tests may run on.
func (d display) env(home, variant string) []string {
	env := []string{"DISPLAY=" + d.name, "LIBGL_ALWAYS_SOFTWARE=1", "LANG=C.UTF-8", "HOME=" + home, "FYNE_THEME=" + variant}
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "LIBGL_ALWAYS_SOFTWARE", "LANG", "HOME", "FYNE_THEME", "FYNE_SCALE",
			"XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME":
		default:
			env = append(env, e)
		}
	}
	return env
}

func (d display) click(t *testing.T, at image.Point) {
	t.Helper()
	// The pointer then leaves, for a button under it has another colour.
	cmd := exec.Command("xdotool", "mousemove", "--sync", strconv.Itoa(at.X), strconv.Itoa(at.Y), "click", "1", "mousemove", "--sync", "2", "2")
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("xdotool: %v\n%s", err, out)
	}
}

func (d display) picture(t *testing.T) image.Image {
	t.Helper()
	cmd := exec.Command("import", "-window", "root", "png:-")
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("import, of ImageMagick: %v", err)
	}
	p, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keep writes a picture where people look at it, if they asked for it.
func keep(t *testing.T, p image.Image, name string) {
	t.Helper()
	dir := os.Getenv("GOLDPAN_SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, p); err != nil {
		t.Fatal(err)
	}
}

// goldButton finds the middle of the gold button: the highest place with long rows
// of the accent. A field with the focus has a line of it.
func goldButton(p image.Image, gold assets.Color) (image.Point, bool) {
	const long, words = 150, 40 // words break rows
	var best, now image.Rectangle
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := 0
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.NRGBAModel.Convert(p.At(x, y)) != gold.NRGBA() {
				row = 0
				continue
			}
			if row++; row < long {
				continue
			}
			if y > now.Max.Y+words {
				now = image.Rectangle{}
			}
			if now = now.Union(image.Rect(x-row+1, y, x+1, y+1)); now.Dy() > best.Dy() {
				best = now
			}
		}
	}
	return best.Min.Add(best.Size().Div(2)), best.Dy() > 10
}

// waitForButton waits until the button can be pressed, which is when it is gold.
func (d display) waitForButton(t *testing.T, gold assets.Color) image.Point {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if at, ok := goldButton(d.picture(t), gold); ok {
			return at
		}
	}
	keep(t, d.picture(t), "no-button")
	t.Fatal("no gold button came")
	return image.Point{}
}

// program is a running goldpan-desktop.
type program struct {
	cmd    *exec.Cmd
	lines  chan map[string]any // what it tells on standard output; closed at its end
	stderr bytes.Buffer        // to be read after its end
}

func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.Command(path, args...), lines: make(chan map[string]any, 1<<16)}
	p.cmd.Env, p.cmd.Stderr = env, &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	go p.read(stdout)
	return p
}

func (p *program) read(stdout io.Reader) {
	defer close(p.lines)
	for s := bufio.NewScanner(stdout); s.Scan(); {
		r := map[string]any{}
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			r = map[string]any{"type": "garbage", "text": s.Text()}
		}
		p.lines <- r
	}
}

// await returns the first line from now on that ok takes.
func (p *program) await(t *testing.T, what string, ok func(map[string]any) bool) map[string]any {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case r, open := <-p.lines:
			switch {
			case !open:
				p.cmd.Wait()
				t.Fatalf("the program ended while %s was awaited: %s", what, p.stderr.String())
			case ok(r):
				return r
			case r["type"] == "garbage" || r["type"] == "error":
				t.Fatalf("the program says %v", r)
			}
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

// end interrupts the program and returns its exit code.
func (p *program) end(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

func (p *program) wait(t *testing.T) int {
	t.Helper()
	killer := time.AfterFunc(time.Minute, func() { p.cmd.Process.Kill() })
	defer killer.Stop()
	for r := range p.lines { // Wait closes the pipe: read it out first
		if r["type"] == "garbage" {
			t.Errorf("the program says %v", r["text"])
		}
	}
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// inLooks runs a test in the light look, and where pictures of the screens are made in the dark one too. gold is the
// accent of the look.
func inLooks(t *testing.T, run func(t *testing.T, variant string, gold assets.Color)) {
	look, err := assets.Theme()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("light", func(t *testing.T) { run(t, "light", look.Colors.Light.Gold) })
	if os.Getenv("GOLDPAN_SCREENSHOTS") != "" {
		t.Run("dark", func(t *testing.T) { run(t, "dark", look.Colors.Dark.Gold) })
	}
}

func state(want string) func(map[string]any) bool {
	return func(r map[string]any) bool { return r["type"] == "status" && r["state"] == want }
}

// The whole journey of a beginner in the real window: nothing is mined before
// Start, shares are accepted and a block is paid after it, Stop stops.
func TestWindow(t *testing.T) {
	look, err := assets.Theme()
	if err != nil {
		t.Fatal(err)
	}
	gold := look.Colors.Light.Gold
	d := newDisplay(t, 800, 600)
	home := t.TempDir()
	p := start(t, d.env(home, "light"), "--json", "--data", filepath.Join(home, "data"))

	button := d.waitForButton(t, gold)
	keep(t, d.picture(t), "window-ready")
	for range 3 {
		r := p.await(t, "a status before Start", func(r map[string]any) bool { return r["type"] != "balance" && r["type"] != "screen" })
		if r["type"] != "status" || r["state"] != "paused" || r["hashrate"] != 0.0 {
			t.Fatalf("before Start was pressed: %v", r)
		}
	}

	d.click(t, button)
	p.await(t, "mining after Start", state("mining"))
	p.await(t, "accepted shares", func(r map[string]any) bool {
		n, _ := r["accepted"].(float64)
		return r["type"] == "status" && n >= 3
	})
	p.await(t, "a reward in the wallet", func(r map[string]any) bool {
		return r["type"] == "balance" && r["immature"] != "0.00000000"
	})
	p.await(t, "a further look", state("mining"))
	picture := d.picture(t)
	keep(t, picture, "window-mining")
	checkPicture(t, picture, look.Colors.Light)

	d.click(t, d.waitForButton(t, gold))
	p.await(t, "the pause after Stop", state("paused"))
	if r := p.await(t, "a further look", state("paused")); r["hashrate"] != 0.0 || r["reason"] == "" {
		t.Errorf("after Stop: %v", r)
	}

	// A second copy is refused, in a window and on standard error.
	d2 := newDisplay(t, 1280, 800)
	second := start(t, d2.env(t.TempDir(), "dark"), "--data", filepath.Join(home, "data"))
	quit := d2.waitForButton(t, look.Colors.Dark.Gold)
	picture = d2.picture(t)
	keep(t, picture, "window-second")
	d2.click(t, quit)
	if code := second.wait(t); code != 1 {
		t.Errorf("the second copy ended with %d, want 1", code)
	}
	if text := second.stderr.String(); !strings.Contains(text, "another copy") || !strings.Contains(text, "--data") {
		t.Errorf("the second copy says %q", text)
	}

	if code := p.end(t); code != 0 {
		t.Errorf("SIGINT ended the window with %d: %s", code, p.stderr.String())
	}
	if text := p.stderr.String(); text != "" {
		t.Errorf("on standard error: %s", text)
	}
}

// checkPicture looks at a picture: it has the look's colours, and is not blank.
func checkPicture(t *testing.T, p image.Image, look assets.Palette) {
	t.Helper()
	n := map[color.NRGBA]int{}
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			n[color.NRGBAModel.Convert(p.At(x, y)).(color.NRGBA)]++
		}
	}
	if len(n) < 100 {
		t.Errorf("the picture has %d colours: it is blank", len(n))
	}
	area := b.Dx() * b.Dy()
	for _, want := range []struct {
		name  string
		color assets.Color
		share int // at least one in so many
	}{{"background", look.Background, 50}, {"surface", look.Surface, 5}, {"the button's gold", look.Gold, 100}, {"text", look.Text, 1000}} {
		got := 0
		for c, count := range n {
			if near(c, want.color.NRGBA()) {
				got += count
			}
		}
		if got < area/want.share {
			t.Errorf("the picture has %d points of %s, want at least %d", got, want.name, area/want.share)
		}
	}
}

// near tells whether two colours look the same: Fyne clears the window a shade
// lighter than it was told.
func near(a, b color.NRGBA) bool {
	off := func(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }
	return !off(a.R, b.R) && !off(a.G, b.G) && !off(a.B, b.B)
}

// Without a display the program says so in words and names the terminal program.
func TestNoDisplay(t *testing.T) {
	for name, env := range map[string][]string{
		"none":      {"HOME=" + t.TempDir()},
		"malformed": {"HOME=" + t.TempDir(), "DISPLAY=here"},
		"gone":      {"HOME=" + t.TempDir(), "DISPLAY=:59999"},
	} {
		p := start(t, env, "--data", t.TempDir())
		code := p.wait(t)
		if text := p.stderr.String(); code != 1 || !strings.Contains(text, "no display") || !strings.Contains(text, "goldpan practice") {
			t.Errorf("%s: exit code %d, %q", name, code, text)
		}
	}
}
