//go:build !js

package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeSum is the SHA-256 of axe.min.js of the version that axe/package.json names.
const axeSum = "7dbfabdfc6062936d79c873ddbb5f811a1219fca3928bd8cc9dd81f1e65f4720"

// axe returns the script of axe-core (Deque, MPL 2.0), which npm fetches into axe/node_modules once.
func axe(t *testing.T) string {
	t.Helper()
	file := filepath.Join("axe", "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		cmd := exec.Command("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
		cmd.Dir = "axe"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("axe-core is missing, and npm did not fetch it (Debian: apt-get install npm): %v\n%s", err, out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("%s is not the axe-core that was asked for: remove %s", file, filepath.Join("axe", "node_modules"))
	}
	return string(b)
}

// TestForEveryone holds every face of the page to axe-core's rules, WCAG 2.2 AA and best practices, light and dark.
func TestForEveryone(t *testing.T) {
	t.Parallel()
	script := axe(t)
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	screen(t, tab, 390, 844, 1)
	faults := func(what, rules string) {
		t.Helper()
		for _, fault := range evaluate[[]string](t, tab, `axe.run({resultTypes: ["violations"]`+rules+`}).then((found) => found.violations.map(
			(v) => v.id + " (" + v.impact + "): " + v.nodes.map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join("\n")))`) {
			t.Errorf("%s: %s", what, strings.ReplaceAll(fault, "\n", " "))
		}
	}
	for scheme, rules := range map[string]string{"light": "", "dark": `, runOnly: ["color-contrast"]`} { // only the colours differ
		openFace(t, tab, address, "en", faces[0])
		prefer(t, tab, scheme)
		evaluate[bool](t, tab, script+"; true")
		for _, f := range faces {
			showFace(t, tab, f)
			faults(f.name+", "+scheme, rules)
		}
	}
	// Wide, and in another language, in one face each.
	screen(t, tab, 1280, 800, 1)
	for language, f := range map[string]string{"en": "mining", "de": "invite-spent"} {
		openFace(t, tab, address, language, faces[0])
		evaluate[bool](t, tab, script+"; true")
		for _, face := range faces {
			if face.name == f {
				showFace(t, tab, face)
				faults(f+", wide, "+language, "")
			}
		}
	}
	// What it finds it would say.
	evaluate[bool](t, tab, `(document.querySelector("main").append(document.createElement("img")), true)`)
	if n := evaluate[int](t, tab, `axe.run({resultTypes: ["violations"]}).then((found) => found.violations.length)`); n == 0 {
		t.Error("a picture without a name is no violation")
	}
}

// TestFilmPlays turns on the switch that a page over plain http has, by a tap.
func TestFilmPlays(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	_, address := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "Number(document.getElementById('accepted').textContent) >= 1")
	press := func() { // by the keyboard: as figures come, the switch moves from under a mouse
		t.Helper()
		do(t, tab, chromedp.Focus(chromedp.CSS("#awake")), chromedp.KeyEvent(" "))
	}
	press()
	const film = "document.getElementById('film')"
	await(t, tab, film+".currentTime > 0.2 && !"+film+".paused")
	if shape := evaluate[string](t, tab, fmt.Sprintf("[%s.videoWidth, %[1]s.videoHeight, Math.round(%[1]s.duration)].join(' ')", film)); shape != "64 64 60" {
		t.Errorf("the film is %q", shape)
	}
	// It ends and begins again, out of sight.
	evaluate[bool](t, tab, "("+film+".addEventListener('ended', () => { window.over = true; }), "+film+".currentTime = 59.5, true)")
	await(t, tab, "window.over && "+film+".currentTime < 30 && !"+film+".paused")
	if !evaluate[bool](t, tab, film+".playsInline && "+film+".getBoundingClientRect().width <= 1") {
		t.Error("the film is seen")
	}
	press()
	await(t, tab, film+".paused")
	press()
	await(t, tab, "!"+film+".paused")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, film+".paused")
	stopped(t, tab, pool)
}
