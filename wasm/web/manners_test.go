//go:build !js

package web

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"goldpan/wasm/web/browsertest"
)

// first runs a script on each page before the page's own.
func first(t *testing.T, tab context.Context, script string) {
	t.Helper()
	if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatal(err)
	}
}

// mines opens the page and starts it.
func mines(t *testing.T, tab context.Context, address string) {
	t.Helper()
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+hashCount+" > 0")
}

// rests demands that the lanes hash nothing.
func rests(t *testing.T, tab context.Context) {
	t.Helper()
	eventually(t, patience, "the lanes rest", func() bool {
		count := evaluate[float64](t, tab, hashCount)
		evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1200, true))")
		return evaluate[float64](t, tab, hashCount) == count
	})
}

func TestRestsForTheBattery(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const heard = [], power = {level: 0.9, charging: false, addEventListener: (_, f) => heard.push(f)};
		navigator.getBattery = async () => power;
		window.drain = (level, charging) => { Object.assign(power, {level, charging}); heard.forEach((f) => f()); return true; };
	})()`)
	mines(t, tab, address)
	power := func(call, state, words string) {
		t.Helper()
		evaluate[bool](t, tab, call)
		await(t, tab, "document.body.dataset.state === '"+state+"' && "+reason+".includes('"+words+"')")
	}
	shows := func(want string) {
		t.Helper()
		if got := evaluate[string](t, tab, `["battery-percent", "battery-text"].map((id) => document.getElementById(id).textContent).join(", ")`); got != want {
			t.Errorf("the page shows the battery as %q, want %q", got, want)
		}
		if !evaluate[bool](t, tab, `document.getElementById("battery").getClientRects().length > 0`) {
			t.Error("the battery is not shown")
		}
	}
	power("drain(0.19, false)", "paused", "battery is low")
	rests(t, tab)
	shows("19%, Battery 19%")
	power("drain(0.22, false)", "paused", "battery is low") // a little more is not enough, or it would go on and off
	rests(t, tab)
	power("drain(0.5, false)", "mining", "")
	power("drain(0.1, true)", "mining", "") // plugged in
	shows("10%, Battery 10%, charging")
	do(t, tab, chromedp.Click(chromedp.CSS("#plugged")))
	power("drain(0.9, false)", "paused", "not plugged in")
	power("drain(0.9, true)", "mining", "")
	// A start on an empty battery begins with a rest.
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
	evaluate[bool](t, tab, "drain(0.05, false)")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'paused'")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

func TestPowerIsFeltAtOnce(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	mines(t, tab, address)
	await(t, tab, "document.body.dataset.percent === '100'")
	do(t, tab, chromedp.Focus(chromedp.CSS("#power")), chromedp.KeyEvent(kb.Home))
	await(t, tab, "document.body.dataset.percent === '10'")
	count := evaluate[string](t, tab, hashCount+".toString()")
	await(t, tab, hashCount+" > "+count)
	if n := pool.connections(); n != 1 {
		t.Errorf("the power slider made %d connections", n)
	}
	// A script's change is nobody's wish.
	evaluate[bool](t, tab, `(() => {
		const power = document.getElementById("power");
		power.value = "100";
		power.dispatchEvent(new Event("change", {bubbles: true}));
		return true;
	})()`)
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1200, true))")
	if p := evaluate[string](t, tab, "document.body.dataset.percent"); p != "10" {
		t.Errorf("a script set the power to %s", p)
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// later moves one of the page's two clocks on.
func later(t *testing.T, tab context.Context, clock string, ms string) {
	t.Helper()
	evaluate[bool](t, tab, `(() => {
		const was = `+clock+`.now.bind(`+clock+`);
		`+clock+`.now = () => was() + `+ms+`;
		return true;
	})()`)
}

func TestAsksAgainAfterADay(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	mines(t, tab, address)
	expired := func() {
		t.Helper()
		await(t, tab, "document.body.dataset.state === 'expired'")
		stopped(t, tab, pool)
	}
	later(t, tab, "Date", "24 * 3600 * 1000 - 60000")
	await(t, tab, isMining)
	later(t, tab, "Date", "60000")
	expired()
	// Nor does a page that was hidden for the day hash before it asks.
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	if state := evaluate[string](t, tab, `(() => {
		let seen = "hidden";
		Object.defineProperty(document, "visibilityState", {configurable: true, get: () => seen});
		document.dispatchEvent(new Event("visibilitychange"));
		const was = Date.now;
		Date.now = () => was() + 24 * 3600 * 1000;
		seen = "visible";
		document.dispatchEvent(new Event("visibilitychange"));
		return document.body.dataset.state;
	})()`); state != "expired" {
		t.Errorf("after a day out of sight the page is %q", state)
	}
	expired()
	// A clock that is set back does not make the day longer.
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	later(t, tab, "Date", "-1e11")
	later(t, tab, "performance", "24 * 3600 * 1000")
	expired()
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// After a sleep the connection may be dead without a word: the page makes another, and says so.
func TestWakesFromSleep(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	mines(t, tab, address)
	before := pool.connections()
	later(t, tab, "Date", "3600 * 1000")
	eventually(t, patience, "the page connects afresh", func() bool { return pool.connections() > before })
	await(t, tab, isMining+" && "+reason+".includes('slept')")
	// So it does when the network is back.
	before = pool.connections()
	evaluate[bool](t, tab, "dispatchEvent(new Event('online'))")
	eventually(t, patience, "the page connects afresh", func() bool { return pool.connections() > before })
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

func TestKeepsTheScreenOn(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, byName := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		window.locks = 0;
		const heard = [], power = {level: 0.9, charging: false, addEventListener: (_, f) => heard.push(f)};
		navigator.getBattery = async () => power;
		window.drain = (level) => { power.level = level; heard.forEach((f) => f()); return true; };
		if (!isSecureContext) return;
		Object.defineProperty(navigator, "wakeLock", {value: {request: async () => {
			window.locks++;
			return window.lock = Object.assign(new EventTarget(), {release() { window.locks--; }});
		}}});
	})()`)
	mines(t, tab, address)
	await(t, tab, "window.locks === 1")
	if evaluate[bool](t, tab, "document.getElementById('awake-row').getClientRects().length > 0") {
		t.Error("beside a wake lock there is a switch for the film")
	}
	// The browser lets it go by itself when the page is hidden. Back again, the page asks for another.
	evaluate[bool](t, tab, `(window.locks--, window.lock.dispatchEvent(new Event("release")), document.dispatchEvent(new Event("visibilitychange")), true)`)
	await(t, tab, "window.locks === 1")
	// While it rests for the battery the screen may go off.
	evaluate[bool](t, tab, "drain(0.1)")
	await(t, tab, "document.body.dataset.state === 'paused' && window.locks === 0")
	evaluate[bool](t, tab, "drain(0.8)")
	await(t, tab, isMining+" && window.locks === 1")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, "window.locks === 0")
	stopped(t, tab, pool)

	// A page over plain http has a switch instead, for a silent film.
	mines(t, tab, byName)
	await(t, tab, "!document.getElementById('awake-row').hidden")
	if evaluate[bool](t, tab, "!document.getElementById('film').paused") {
		t.Error("the film plays before it was asked for")
	}
	// By the keyboard: as the first figures come, the switch moves from under a mouse.
	do(t, tab, chromedp.Focus(chromedp.CSS("#awake")))
	do(t, tab, chromedp.KeyEvent(" "))
	await(t, tab, "!document.getElementById('film').paused && document.getElementById('awake').checked")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, "document.getElementById('film').paused")
	stopped(t, tab, pool)
}

// Not even a real key press starts a page that nobody sees.
func TestNoStartWhileHidden(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	do(t, tab, chromedp.Focus(chromedp.CSS("#start")))
	evaluate[bool](t, tab, "(addEventListener('click', (e) => { window.pressed = e.isTrusted && document.visibilityState; }), true)")
	hide(t, tab, true)
	await(t, tab, "document.visibilityState === 'hidden'")
	do(t, tab, chromedp.KeyEvent("\r"))
	await(t, tab, "window.pressed === 'hidden'")
	idle(t, tab)
	hide(t, tab, false)
	if n := pool.connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// A static host sends no headers: the page itself refuses to be framed, in the other browsers too.
func TestRefusesAFrameInBrowsers(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	inner := newServer(builtPage(t), pool.options())
	host := http.NewServeMux()
	host.HandleFunc("/outer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><iframe id="inner" width="400" height="300" src="/#join=` + strings.Repeat("A", 40) + `"></iframe>`))
	})
	host.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(bare{w}, r) })
	address, _ := serve(t, host)
	for _, name := range []browsertest.Name{browsertest.Firefox, browsertest.WebKit} { // for Chromium there is TestRefusesAFrame
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			p := inBrowser(t, name)
			// Where the headers come, not even the page's scripts are asked for.
			var pages, parts atomic.Int32
			strict, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					pages.Add(1)
				} else {
					parts.Add(1)
				}
				inner.ServeHTTP(w, r)
			}))
			outer, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<!doctype html><title>outer</title>"))
			}))
			p.Navigate(outer + "/")
			p.Eval(`(document.body.append(Object.assign(document.createElement("iframe"), {src: "`+strict+`/"})), true)`, new(bool)) // Firefox takes one that fails for a fault of the whole page
			eventually(t, patience, "the frame asks for the page", func() bool { return pages.Load() > 0 })
			p.Eval("new Promise((done) => setTimeout(done, 700, true))", new(bool))
			if n := parts.Load(); n != 0 {
				t.Errorf("in a frame the page asked for %d of its parts", n)
			}
			p.Navigate(strict + "/") // what it would have asked for
			p.Await(isReady)
			if parts.Load() == 0 {
				t.Error("the page asks for no parts: this test tells nothing")
			}
			p.Navigate(address + "/outer")
			const body = "document.getElementById('inner').contentDocument.body"
			p.Await(body + "?.dataset.state === 'refused'")
			if text := p.Text(body + ".innerText"); !strings.Contains(text, "does not run inside another page") || strings.Contains(text, "Start") {
				t.Errorf("the framed page says %q", text)
			}
			p.Click("#inner")
			p.Press(browsertest.Enter)
			p.Eval("new Promise((done) => setTimeout(done, 700, true))", new(bool))
		})
	}
	if n := pool.connections(); n != 0 {
		t.Errorf("framed pages connected %d times", n)
	}
}
