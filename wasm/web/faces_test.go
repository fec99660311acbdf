//go:build !js

package web

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A face is one of the things that the page can show. js shows it, with s for screen.js and f for figures.
type face struct{ name, js string }

// faces lists them all. They are shown by the page's own functions, with figures made up here.
var faces = []face{
	{"loading", `show("loading")`},
	{"broken", `show("broken")`},
	{"invite", `s.invite("")`},
	{"invite-spent", `s.invite("spent")`},
	{"removed", `s.invite("removed")`},
	{"invite-elsewhere", `s.invite("origin", {link: "https://other.example/#join=" + "A".repeat(40), origin: "https://other.example"})`},
	{"joining", `(s.started(), s.stand("connecting", "joining"))`},
	{"ready", `s.ready(false)`},
	{"ready-joined", `(s.ready(true), document.getElementById("leave-ask").click())`},
	{"connecting", `(s.started(), s.stand("connecting", "starting"))`},
	{"mining", `(s.started(), s.awake(true), work(1))`},
	{"slowed", `(s.started(), s.battery(0.71, false), work(0.7))`},
	{"hidden", `(s.started(), work(1), s.stand("paused", "hidden"))`},
	{"low-battery", `(s.started(), s.battery(0.14, false), work(1), s.stand("paused", "battery"))`},
	{"unplugged", `(s.started(), s.battery(0.62, false), work(1), s.stand("paused", "unplugged"))`},
	{"waiting", `(s.started(), work(1), s.stand("waiting", "waiting"))`},
	{"no-connection", `(s.started(), work(1), s.stand("down", "unreachable"))`},
	{"stopped", `(s.started(), work(1), s.halt("stopped", "stopped"))`},
	{"failed", `(s.started(), s.halt("failed", "part"))`},
	{"second-tab", `(s.started(), s.halt("stopped", "tab"))`},
	{"expired", `(s.started(), work(1), s.halt("expired", "expired"))`},
	{"refused-frame", `s.refuse("frame")`},
	{"refused-old", `s.refuse("old")`},
	{"refused-unserved", `s.refuse("unserved")`},
}

// showFace runs one face's js on a page that was just opened.
func showFace(t *testing.T, tab context.Context, f face) {
	t.Helper()
	evaluate[bool](t, tab, faceScript(f))
}

// faceScript is an expression that shows a face, in any browser.
func faceScript(f face) string {
	return `(async () => {
		const s = await import("./screen.js");
		const show = (id) => {
			for (const e of document.querySelectorAll("main > *, #dock")) e.hidden = e.id !== id;
			document.body.dataset.state = id;
		};
		// The genesis block of the practice network's parent, as it would be met on the way.
		const work = (slowed) => {
			s.today({hashes: 1234567890, accepted: 41, seconds: 5000});
			const snapshot = {
				state: "mining", reason: "", code: "", algorithm: "sha256d", kernel: "wasm", lanes: 1, hashrate: 4_870_000,
				difficulty: 0.0006, nonce: 2083236893,
				header: "01000000" + "0".repeat(64) + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a" + "29ab5f49" + "ffff001d" + "1dac2b7c",
				hash: "000003f19d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f1ab",
				target: "00000682a5000000000000000000000000000000000000000000000000000000",
			};
			const totals = {hashes: 912345678, accepted: 38, rejected: 1, stale: 1, best: 0.0271, seconds: 4210};
			for (let i = 0; i < 6; i++) s.share({result: "accepted", difficulty: 0.0006 * 4 ** i});
			s.snapshot(snapshot, totals, 2_400_000, 0.5, {seen: true, back: false, slowed});
		};
		` + f.js + `;
		document.activeElement?.blur();
		scrollTo(0, 0);
		return true;
	})()`
}

// openFace opens a page of its own in a language for a face.
func openFace(t *testing.T, tab context.Context, address, language string, f face) {
	t.Helper()
	visit(t, tab, address+"/")
	await(t, tab, "['ready', 'refused', 'invite'].includes(document.body.dataset.state)")
	if language != "en" {
		evaluate[bool](t, tab, fmt.Sprintf(`(() => {
			const chooser = document.getElementById("language");
			chooser.value = %q;
			chooser.dispatchEvent(new Event("change"));
			return true;
		})()`, language))
		await(t, tab, "document.documentElement.lang === '"+language+"'")
	}
	evaluate[bool](t, tab, `(localStorage.clear(), true)`)
	showFace(t, tab, f)
}

// screen gives the tab a size, as a phone's or a desktop's. scale is how many dots a pixel has: more only cost time
// where nobody looks.
func screen(t *testing.T, tab context.Context, width, height int64, scale float64) {
	t.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(scale)}
	if width < 600 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	do(t, tab, chromedp.EmulateViewport(width, height, options...))
}

// prefer sets what the person prefers: a light or dark scheme.
func prefer(t *testing.T, tab context.Context, scheme string) {
	t.Helper()
	media(t, tab, "prefers-color-scheme", scheme)
}

// media sets one of the things that a style sheet may ask of the person's system; "" leaves it to the browser.
func media(t *testing.T, tab context.Context, feature, value string) {
	t.Helper()
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	evaluate[bool](t, tab, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
}
