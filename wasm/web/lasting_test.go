//go:build !js

package web

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"goldpan/core/jsonrpc"
)

// TestAFullStoreOfParts: a service worker that cannot keep a part hands it on all the same.
func TestAFullStoreOfParts(t *testing.T) {
	t.Parallel()
	page := newServer(builtPage(t), newPool(t).options())
	sw := page.files["/sw.js"]
	sw.plain = append([]byte(`Cache.prototype.put = async () => { throw new DOMException("full", "QuotaExceededError"); };`+"\n"), sw.plain...)
	sw.gzip, sw.br = nil, nil
	address, _ := serve(t, page)
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	await(t, tab, served)
	visit(t, tab, address+"/")
	await(t, tab, isReady+" || "+isRefused)
	if !evaluate[bool](t, tab, isReady) {
		t.Error("where nothing more can be kept, the page does not open")
	}
}

// TestTheFilmRestsToo: where a film keeps the screen on, it rests with the lanes and is there again with them, also if it was
// the browser that stopped it.
func TestTheFilmRestsToo(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	_, byName := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const heard = [], power = {level: 0.9, charging: false, addEventListener: (_, f) => heard.push(f)};
		navigator.getBattery = async () => power;
		window.drain = (level) => { power.level = level; heard.forEach((f) => f()); return true; };
	})()`)
	mines(t, tab, byName)
	do(t, tab, chromedp.Focus(chromedp.CSS("#awake")))
	do(t, tab, chromedp.KeyEvent(" "))
	const plays = "!document.getElementById('film').paused && document.getElementById('awake').checked"
	await(t, tab, plays)
	evaluate[bool](t, tab, "drain(0.1)")
	await(t, tab, "document.body.dataset.state === 'paused' && document.getElementById('film').paused && document.getElementById('awake').checked")
	evaluate[bool](t, tab, "drain(0.8)")
	await(t, tab, isMining+" && "+plays)
	evaluate[bool](t, tab, `(() => {
		let seen = "hidden";
		Object.defineProperty(document, "visibilityState", {configurable: true, get: () => seen});
		document.dispatchEvent(new Event("visibilitychange"));
		document.getElementById("film").pause(); // as phones do
		seen = "visible";
		document.dispatchEvent(new Event("visibilitychange"));
		return true;
	})()`)
	await(t, tab, isMining+" && "+plays)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, "document.getElementById('film').paused && !document.getElementById('awake').checked")
	stopped(t, tab, pool)
}

// TestAnotherServesThePage: what a gateway has proved says nothing of who serves the page after it.
func TestAnotherServesThePage(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	tab := chrome(t)
	visit(t, tab, h.invites(h.byNumber))
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining+" && "+found(1))
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, "document.body.dataset.state === 'stopped'")
	h.mu.Lock()
	h.info.Join, h.info.PayeeName, h.info.Payout = false, "somebody else", "another address"
	h.mu.Unlock()
	unhurried(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, reason+".includes('has changed')")
	if text := evaluate[string](t, tab, "document.getElementById('payee').textContent + ', ' + document.getElementById('payout').textContent"); text != "Somebody else, another address" {
		t.Errorf("the page names %q", text)
	}
	idle(t, tab)
}

// TestAnInvitationIsWanted: a page that was open before its gateway asked for invitations does not start without one.
func TestAnInvitationIsWanted(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	pool.count(func() { pool.info.Join = true })
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, reason+".includes('has changed')")
	unhurried(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isInvite+" || "+isMining)
	if n := pool.connections(); n != 0 {
		t.Errorf("%d connections without an invitation", n)
	}
}

// TestWalletWordOnce: however often a wallet that does not load is asked for, that is said once.
func TestWalletWordOnce(t *testing.T) {
	t.Parallel()
	page := newServer(builtPage(t), newPool(t).options())
	var asked atomic.Int32
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wallet.js" {
			asked.Add(1)
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	const words = "document.querySelectorAll('.bar [role=alert]').length"
	for range 3 {
		do(t, tab, chromedp.Click(chromedp.CSS("#wallet-open")))
		await(t, tab, "!document.getElementById('wallet-open').disabled && "+words+" > 0")
	}
	if n := evaluate[int](t, tab, words); n != 1 || asked.Load() == 0 {
		t.Errorf("it is said %d times", n)
	}
}

// TestABatteryThatDoesNotAnswer holds nothing up.
func TestABatteryThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	first(t, tab, "navigator.getBattery = () => new Promise(() => {})")
	visit(t, tab, address+"/")
	await(t, tab, isReady)
}

// TestMidnightAtRest: what was found yesterday is not shown as today's, though nothing runs.
func TestMidnightAtRest(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const Real = Date;
		let ahead = 0;
		window.Date = class extends Real {
			constructor(...all) { if (all.length) super(...all); else super(Real.now() + ahead); }
			static now() { return Real.now() + ahead; }
		};
		window.tomorrow = () => { ahead = 24 * 3600 * 1000; return true; };
	})()`)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	evaluate[bool](t, tab, `import("./today.js").then((day) => day.add({hashes: 1000, accepted: 7}).accepted === 7)`)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	await(t, tab, "document.getElementById('before-today').checkVisibility()")
	evaluate[bool](t, tab, "tomorrow()")
	await(t, tab, "!document.getElementById('before-today').checkVisibility()")
}

// TestNoWordAfterADay: the first word of the lanes after a day ends them, whatever the page's own timers do.
func TestNoWordAfterADay(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, "window.setInterval = () => 0")
	mines(t, tab, address)
	later(t, tab, "Date", "24 * 3600 * 1000")
	await(t, tab, "document.body.dataset.state === 'expired'")
	stopped(t, tab, pool)
}

// TestATapForStop: whatever ends the mining in the very moment in which the person presses Stop, that press is not for the Start
// that stands there now.
func TestATapForStop(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const now = performance.now.bind(performance);
		let held = null;
		performance.now = () => held ?? now();
		window.holding = (on) => { held = on ? now() : null; return true; };
	})()`)
	mines(t, tab, address)
	evaluate[bool](t, tab, "(holding(true), dispatchEvent(new PageTransitionEvent('pagehide')), document.body.dataset.state === 'stopped')")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	evaluate[bool](t, tab, "holding(false)")
	if state := evaluate[string](t, tab, "document.body.dataset.state"); state != "stopped" {
		t.Fatalf("after a press for Stop the page is %q", state)
	}
	stopped(t, tab, pool)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestNoAnswerIsKept but the page's own files, and those are asked for each time.
func TestNoAnswerIsKept(t *testing.T) {
	h := newServer(testFiles(t), Options{
		Info:    func() Info { return practiceInfo },
		Stratum: func(context.Context, jsonrpc.Conn) error { return nil },
	})
	for path, want := range map[string]string{
		"/": "no-cache", "/page.js": "no-cache", "/info.json": "no-store", "/nothing": "no-store", "/stratum": "no-store", "/electrum": "no-store",
		"/%23join=" + strings.Repeat("A", 40): "no-store",
	} {
		if got := get(t, h, path, nil).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestAHeldKey is one wish, not one after another.
func TestAHeldKey(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	enter := func(kind input.DispatchKeyEventType, again bool) {
		t.Helper()
		if _, err := chromedp.Call(tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: kind, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, AutoRepeat: &again,
		}); err != nil {
			t.Fatal(err)
		}
	}
	evaluate[bool](t, tab, "(window.repeats = 0, addEventListener('keydown', ({repeat}) => { if (repeat) repeats++; }, true), true)")
	do(t, tab, chromedp.Focus(chromedp.CSS("#start")))
	enter(input.DispatchKeyEventTypeKeyDown, false)
	await(t, tab, isMining)
	for range 3 {
		enter(input.DispatchKeyEventTypeKeyDown, true)
	}
	await(t, tab, "window.repeats === 3")
	if state := evaluate[string](t, tab, "document.body.dataset.state"); state != "mining" {
		t.Errorf("while Enter is held, the page is %q", state)
	}
	enter(input.DispatchKeyEventTypeKeyUp, false)
	// A fresh press is heard.
	do(t, tab, chromedp.KeyEvent("\r"))
	stopped(t, tab, pool)
}

// TestNothingWaitsForSpareLanes: what is said to lanes that do not exist yet waits for them, so it must not grow with each job.
func TestNothingWaitsForSpareLanes(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		Object.defineProperty(navigator, "hardwareConcurrency", {value: 2});
		window.MessageChannel = class extends MessageChannel {
			constructor() { super(); window.spare = this.port1; } // the last that is made is for the second lane
		};
	})()`)
	mines(t, tab, address)
	await(t, tab, found(8)) // at first each share is a block, and brings a job
	said := evaluate[[]string](t, tab, `new Promise((done) => {
		const said = [];
		spare.onmessage = ({data}) => said.push(data.type);
		setTimeout(done, 600, said);
	})`)
	if len(said) == 0 || said[0] != "consent" || len(said) > 2 {
		t.Errorf("to a lane that does not exist %d things were said: %q", len(said), said)
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestMoreCoresWithoutAServer: who moves the slider while the server is away gets the cores when it is back.
func TestMoreCoresWithoutAServer(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	var away atomic.Bool
	address, _ := serve(t, unless(&away, page))
	var last atomic.Pointer[jsonrpc.Conn]
	serving := page.options.Stratum
	page.options.Stratum = func(ctx context.Context, conn jsonrpc.Conn) error {
		last.Store(&conn)
		return serving(ctx, conn)
	}
	tab := chrome(t)
	first(t, tab, "Object.defineProperty(navigator, 'hardwareConcurrency', {value: 2})")
	mines(t, tab, address)
	away.Store(true)
	(*last.Load()).Close()
	await(t, tab, "document.body.dataset.state === 'down'")
	do(t, tab, chromedp.Focus(chromedp.CSS("#lanes")), chromedp.KeyEvent(kb.ArrowRight))
	await(t, tab, "document.getElementById('lanes').value === '2'")
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1000, true))")
	if state := evaluate[string](t, tab, "document.body.dataset.state"); strings.Contains("failed stopped", state) {
		t.Fatalf("the slider ended it: %q", state)
	}
	away.Store(false)
	await(t, tab, isMining+" && "+reason+".startsWith('2 core')")
	eventually(t, patience, "another worker comes", func() bool { return workers(t, tab) == 3 })
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}
