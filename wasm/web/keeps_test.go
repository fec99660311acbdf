//go:build !js

package web

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestToday: what a day has is summed over visits, begins anew at midnight, and is never what somebody else wrote there.
func TestToday(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	const add = `import("./today.js").then((day) => JSON.stringify(day.add({hashes: 1000, accepted: 2, seconds: 0.5})))`
	if got := evaluate[string](t, tab, add); got != `{"hashes":1000,"accepted":2,"seconds":0.5}` {
		t.Errorf("the day begins with %s", got)
	}
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	if got := evaluate[string](t, tab, add); got != `{"hashes":2000,"accepted":4,"seconds":1}` {
		t.Errorf("after a visit the day has %s", got)
	}
	for _, kept := range []string{
		`{"day":"1999-1-1","hashes":5,"accepted":5,"seconds":5}`, `"nonsense`, `[]`, `null`, `{"hashes":7}`,
	} {
		evaluate[bool](t, tab, `(localStorage.setItem("goldpan.today", `+"`"+kept+"`"+`), true)`)
		visit(t, tab, address+"/")
		await(t, tab, "document.body.dataset.state === 'ready'")
		if got := evaluate[string](t, tab, `import("./today.js").then((day) => JSON.stringify(day.read()))`); got != `{"hashes":0,"accepted":0,"seconds":0}` {
			t.Errorf("%s is taken for %s", kept, got)
		}
	}
	// A day of before with figures that cannot be.
	got := evaluate[string](t, tab, `import("./today.js").then((day) => {
		day.add({});
		const kept = JSON.parse(localStorage.getItem("goldpan.today"));
		localStorage.setItem("goldpan.today", JSON.stringify({...kept, hashes: -5, accepted: "<b>", seconds: 3}));
		return JSON.stringify(day.read());
	})`)
	if got != `{"hashes":0,"accepted":0,"seconds":3}` {
		t.Errorf("impossible figures are taken for %s", got)
	}
	// Where there is room no more, what was kept before is old.
	got = evaluate[string](t, tab, `import("./today.js").then((day) => {
		day.add({hashes: 1000});
		Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
		for (let i = 0; i < 3; i++) day.add({hashes: 1000});
		return String(day.read().hashes);
	})`)
	if got != "4000" {
		t.Errorf("without room %s hashes are counted, of 4000", got)
	}
}

// TestSettings: what the person set is there at the next visit; what a script set is not, and nothing is out of bounds.
func TestSettings(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	open := func() {
		t.Helper()
		visit(t, tab, "about:blank")
		visit(t, tab, address+"/")
		await(t, tab, "document.body.dataset.state === 'ready'")
	}
	const set = `import("./settings.js").then((s) => { const {power, plugged, floor, awake} = s.settings(); return [power, plugged, floor, awake].join(" "); })`
	open()
	if got := evaluate[string](t, tab, set); got != "100 false 20 false" {
		t.Errorf("by itself it is %q", got)
	}
	do(t, tab, chromedp.Focus(chromedp.CSS("#power")), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
	if text := evaluate[string](t, tab, `document.getElementById("power-text").textContent`); text != "80%" {
		t.Errorf("the power is said to be %q", text)
	}
	evaluate[bool](t, tab, `(() => { // a script's change
		document.getElementById("floor").value = 55;
		document.getElementById("floor").dispatchEvent(new Event("change"));
		return true;
	})()`)
	open()
	if got := evaluate[string](t, tab, set); got != "80 false 20 false" {
		t.Errorf("at the next visit it is %q", got)
	}
	for _, kept := range []string{`{"lanes":1e9,"power":-5,"floor":1000,"plugged":"yes"}`, `"nonsense`, `null`, `7`} {
		evaluate[bool](t, tab, `(localStorage.setItem("goldpan.settings", `+"`"+kept+"`"+`), true)`)
		open()
		if !evaluate[bool](t, tab, `import("./settings.js").then((s) => {
			const {lanes, power, plugged, floor} = s.settings();
			return lanes >= 1 && lanes <= s.cores && power >= 10 && power <= 100 && plugged === false && floor >= 0 && floor <= 80;
		})`) {
			t.Errorf("%s is taken as it is", kept)
		}
	}
}

// TestTakesHalfTheCores: by itself the page takes half of what the browser speaks of, and one where it speaks of none.
func TestTakesHalfTheCores(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	first(t, tab, `Object.defineProperty(navigator, "hardwareConcurrency", {get: () => Number(location.search.slice(1)) || undefined})`)
	for cores, half := range map[int]string{0: "1 2", 1: "1 1", 2: "1 2", 3: "1 3", 8: "4 8", 9: "4 9"} {
		visit(t, tab, fmt.Sprintf("%s/?%d", address, cores))
		await(t, tab, isReady)
		if got := evaluate[string](t, tab, `import("./settings.js").then((s) => s.settings().lanes + " " + document.getElementById("lanes").max)`); got != half {
			t.Errorf("of %d cores the page takes %q by itself, want %q", cores, got, half)
		}
	}
}

// TestLeaveAsksFirst: the button asks, the keyboard lands on the answer that changes nothing.
func TestLeaveAsksFirst(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	evaluate[bool](t, tab, `import("./screen.js").then((s) => (s.ready(true), true))`)
	do(t, tab, chromedp.Focus(chromedp.CSS("#leave-ask")), chromedp.KeyEvent("\r"))
	if at := evaluate[string](t, tab, "document.activeElement.id"); at != "leave-no" {
		t.Errorf("the focus is on %q", at)
	}
	do(t, tab, chromedp.KeyEvent("\r"))
	if at := evaluate[string](t, tab, "document.activeElement.id"); at != "leave-ask" {
		t.Errorf("after staying the focus is on %q", at)
	}
	if evaluate[bool](t, tab, "document.getElementById('leave-sure').getClientRects().length > 0") {
		t.Error("after staying it still asks")
	}
}

// TestTellsCalmly: a screen reader hears of a state once, and of shares once a minute at most.
func TestTellsCalmly(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	evaluate[bool](t, tab, `(() => {
		window.heard = [];
		new MutationObserver(() => heard.push(document.getElementById("said").textContent))
			.observe(document.getElementById("said"), {childList: true, characterData: true, subtree: true});
		const live = [...document.querySelectorAll("[aria-live], [role=status], [role=alert]")].filter((e) => e.getClientRects().length && e.id !== "said");
		if (live.length) heard.push("another live region: " + live.map((e) => e.id));
		return true;
	})()`)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "Number(document.getElementById('accepted').textContent) >= 5")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
	heard := evaluate[[]string](t, tab, "heard")
	if len(heard) < 2 || len(heard) > 6 || heard[len(heard)-1] != "Stopped. Nothing runs any more." {
		t.Errorf("a screen reader hears %q", heard)
	}
}
