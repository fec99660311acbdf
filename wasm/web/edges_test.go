//go:build !js

package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
)

// stopShown tells that Stop is in reach.
const stopShown = "document.getElementById('stop').getClientRects().length > 0"

// TestStopEndsTheLanesAtOnce: not when the program or the pool has agreed, but within the very call that hears the click.
// The control worker is told so within it too, and lives no longer than its short goodbye, whether it answers or not.
func TestStopEndsTheLanesAtOnce(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const Real = window.Worker, lanes = new Set(), listen = EventTarget.prototype.addEventListener;
		const say = (what) => window.log?.push(what);
		window.log = null;
		window.Worker = class extends Real {
			constructor(name) { super(name); this.name = name; if (name === "lane.js") lanes.add(this); }
			postMessage(...all) { if (all[0].type === "stop") say(this.name + " told"); super.postMessage(...all); }
			terminate() { lanes.delete(this); say(this.name + " ended"); super.terminate(); }
		};
		window.setTimeout = ((real) => (f, ms, ...all) => {
			say("in " + ms + " ms");
			return real(f, ms, ...all);
		})(window.setTimeout.bind(window));
		// No await, not even of what is there already, fits between a listener's first line and its return.
		EventTarget.prototype.addEventListener = function(type, f, ...all) {
			if (type !== "click" || this.id !== "stop") return listen.call(this, type, f, ...all);
			return listen.call(this, type, (e) => {
				window.log = [lanes.size > 0 ? "mines" : "no lanes"];
				f(e);
				say("returned with " + lanes.size + " lanes");
				window.calls = log.length;
			}, ...all);
		};
	})()`)
	mines(t, tab, address)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	await(t, tab, "log?.includes('control.js ended')")
	calls := evaluate[[]string](t, tab, "log.slice(0, calls)")
	at := func(what string) int { return slices.Index(calls, what) }
	if at("mines") != 0 || at("lane.js ended") != 1 || at("returned with 0 lanes") != len(calls)-1 {
		t.Errorf("the click on Stop did this: %q", calls)
	}
	if told := at("control.js told"); told < 0 || at("in 300 ms") < told {
		t.Errorf("the click on Stop did this, of the control worker: %q", calls)
	}
	stopped(t, tab, pool)
}

// twice clicks as a hand does that clicks everything twice.
func twice(t *testing.T, tab context.Context, id string) {
	t.Helper()
	at := evaluate[[]float64](t, tab, `(() => {
		const box = document.getElementById("`+id+`").getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 2];
	})()`)
	for count := range int64(2) {
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			if _, err := chromedp.Call(tab, input.DispatchMouseEvent, input.DispatchMouseEventParams{
				Type: kind, X: at[0], Y: at[1], Button: input.MouseButtonLeft, ClickCount: count + 1,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDoubleClicks: Start and Stop stand in the same place, and a double click is one wish.
func TestDoubleClicks(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	// However busy the machine is, the page's clock says that the clicks came close together.
	first(t, tab, `(() => {
		const now = performance.now.bind(performance);
		window.hold = null;
		performance.now = () => window.hold ?? now();
		window.holding = (on) => { window.hold = on ? now() : null; return true; };
	})()`)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	evaluate[bool](t, tab, "holding(true)")
	twice(t, tab, "start")
	evaluate[bool](t, tab, "holding(false)")
	await(t, tab, isMining+" && "+hashCount+" > 0")
	evaluate[bool](t, tab, "holding(true)")
	twice(t, tab, "stop")
	evaluate[bool](t, tab, "holding(false)")
	await(t, tab, "document.body.dataset.state === 'stopped'")
	stopped(t, tab, pool)
	idle(t, tab)
	if n := pool.connections(); n != 1 {
		t.Errorf("two double clicks made %d connections", n)
	}
}

// gated serves a page, and holds back its second info.json, which Start asks for, until it is let go.
func gated(page http.Handler) (h http.Handler, letGo func()) {
	asked, open := atomic.Int32{}, make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/info.json" && asked.Add(1) > 1 {
			select {
			case <-open:
			case <-r.Context().Done():
			}
		}
		page.ServeHTTP(w, r)
	}), func() { close(open) }
}

// TestLeftWhileItStarts: a page that the browser keeps for its Back button does not begin by itself when it comes back.
func TestLeftWhileItStarts(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	handler, letGo := gated(newServer(builtPage(t), pool.options()))
	address, _ := serve(t, handler)
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'connecting'")
	evaluate[bool](t, tab, `dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}))`)
	letGo()
	await(t, tab, "document.body.dataset.state === 'stopped'")
	idle(t, tab)
	if n := pool.connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// TestLinkWhileItStarts: nobody who sends the window to a link takes Stop away.
func TestLinkWhileItStarts(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	handler, letGo := gated(h.page)
	address, _ := serve(t, handler)
	tab := chrome(t)
	visit(t, tab, h.invites(address))
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'connecting' && "+stopShown)
	evaluate[bool](t, tab, fmt.Sprintf("(location.hash = %q, true)", "#join="+strings.Repeat("A", 40)))
	await(t, tab, "location.hash === ''")
	if !evaluate[bool](t, tab, stopShown) {
		t.Error("Stop is gone")
	}
	letGo()
	await(t, tab, isMining+" && "+found(1))
	if !evaluate[bool](t, tab, stopShown) {
		t.Error("it mines, and Stop is gone")
	}
}

// TestTabsMeet: an old question is no answer to a new one; and of two tabs that mine, because one slept while the other
// began, the later goes on.
func TestTabsMeet(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	got := evaluate[string](t, tab, `(async () => {
		const Real = BroadcastChannel, timers = [], told = [];
		let clock = 1000, last = null;
		setTimeout = (f, ms, ...args) => timers.push(() => f(...args));
		clearTimeout = (n) => { if (n) timers[n - 1] = () => {}; };
		Date.now = () => ++clock;
		class Slow { // hears when it is let
			constructor(name) { this.real = new Real(name); this.heard = []; this.awake = true; last = this; this.real.onmessage = (e) => { this.heard.push(e); this.hear(); }; }
			hear() { while (this.awake && this.heard.length) this.onmessage(this.heard.shift()); }
			postMessage(m) { this.real.postMessage(m); }
		}
		BroadcastChannel = Slow;
		const a = await import("./tabs.js?a"), channelA = last;
		const b = await import("./tabs.js?b"), channelB = last;
		const rounds = async () => { for (let i = 0; i < 5; i++) await new Promise((done) => { const {port1, port2} = new MessageChannel(); port1.onmessage = done; port2.postMessage(0); }); };
		const other = new Real("goldpan");
		let from = "";
		other.onmessage = ({data}) => { from = data.from; };

		// Start, Stop, Start: the first question's time is up while the second is open.
		const one = a.alone(() => told.push("a lost"));
		a.release();
		const two = a.alone(() => told.push("a lost"));
		timers[0]();
		while (!from) await rounds();
		other.postMessage({type: "taken", to: from});
		told.push("asked again: " + await one + " " + await two);

		// a mines and sleeps, b begins, a wakes.
		const held = a.alone(() => told.push("a lost"));
		timers.at(-1)();
		told.push("a: " + await held);
		channelA.awake = false;
		const begun = b.alone(() => told.push("b lost"));
		timers.at(-1)();
		told.push("b: " + await begun);
		while (channelA.heard.length < 2) await rounds();
		channelA.awake = true;
		channelA.hear();
		a.remind();
		while (told.length < 4) await rounds();
		await rounds();
		return told.join(", ");
	})()`)
	if want := "asked again: false false, a: true, b: true, a lost"; !strings.HasPrefix(got, want) || strings.Contains(got, "b lost") {
		t.Errorf("%s; want %s", got, want)
	}
}

// TestLeavesInAllTabs: Leave says that mining stops, wherever it is pressed.
func TestLeavesInAllTabs(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	mining := chrome(t)
	visit(t, mining, h.invites(h.byNumber))
	await(t, mining, isReady)
	do(t, mining, chromedp.Click(chromedp.CSS("#start")))
	await(t, mining, isMining+" && "+found(1))
	other, shut := chromedp.NewContext(mining)
	defer shut()
	if err := chromedp.Do(other); err != nil {
		t.Fatal(err)
	}
	visit(t, other, h.byNumber+"/")
	await(t, other, isReady)
	do(t, other, chromedp.Click(chromedp.CSS("#leave-ask")), chromedp.Click(chromedp.CSS("#leave")))
	await(t, other, isInvite)
	await(t, mining, isInvite)
	eventually(t, patience, "the workers end", func() bool { return workers(t, mining) == 0 })
}

// TestLooksAgainWhoIsPaid: what comes back after a cut may be another's.
func TestLooksAgainWhoIsPaid(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	options := pool.options()
	serving := options.Stratum
	var refuse atomic.Bool
	var last atomic.Pointer[jsonrpc.Conn]
	options.Stratum = func(ctx context.Context, conn jsonrpc.Conn) error {
		if refuse.Load() {
			return conn.Close()
		}
		last.Store(&conn)
		return serving(ctx, conn)
	}
	address, _ := serve(t, newServer(builtPage(t), options))
	tab := chrome(t)
	mines(t, tab, address)
	refuse.Store(true)
	(*last.Load()).Close()
	await(t, tab, "document.body.dataset.state === 'down'")
	pool.count(func() { pool.info.PayeeName = "somebody else" })
	refuse.Store(false)
	await(t, tab, "document.body.dataset.state === 'stopped' && "+reason+".includes('has changed')")
	if text := evaluate[string](t, tab, "document.getElementById('payee').textContent"); text != "Somebody else" {
		t.Errorf("the page names %q", text)
	}
	eventually(t, patience, "the workers end", func() bool { return workers(t, tab) == 0 })
}

// TestOfOneVersion: a page that stood open while the program was renewed begins anew, rather than with new workers.
func TestOfOneVersion(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	older, newer := newServer(builtPage(t), pool.options()), newServer(builtPage(t), pool.options())
	if older.page != newer.page || len(older.page) != 16 {
		t.Fatalf("the same files are %q and %q", older.page, newer.page)
	}
	newer.page = "another"
	var renewed atomic.Bool
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if renewed.Load() {
			newer.ServeHTTP(w, r)
			return
		}
		older.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	evaluate[bool](t, tab, "(window.old = true)")
	renewed.Store(true)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "!window.old && document.body?.dataset.state === 'ready'")
	idle(t, tab)
	if n := pool.connections(); n != 0 {
		t.Errorf("%d connections", n)
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// sleepy is a lane whose device sleeps for an hour within a batch.
const sleepy = `{
	const now = performance.now.bind(performance);
	let ahead = 0, jumps = 0;
	performance.now = () => { if (jumps > 0) { jumps--; ahead += 3600e3; } return now() + ahead; };
	new BroadcastChannel("sleep").onmessage = () => { jumps = 3; };
}
importScripts("lane.js");`

// TestALaneSleeps: a lane that may work half of its time does not rest for as long as the device slept.
func TestALaneSleeps(t *testing.T) {
	t.Parallel()
	page := newServer(builtPage(t), newPool(t).options())
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sleepy.js" {
			page.header(w.Header(), r)
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(sleepy))
			return
		}
		page.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	evaluate[bool](t, tab, `(() => {
		const worker = new Worker("sleepy.js"), {port1, port2} = new MessageChannel(), token = "a token that is long enough to be consent";
		window.reports = 0;
		port2.onmessage = ({data}) => {
			if (data.type === "progress") window.reports++;
			if (data.type !== "ready") return;
			port2.postMessage({type: "consent", token, limit: 50});
			port2.postMessage({type: "work", token, epoch: 1, work: new Uint8Array(148)});
		};
		worker.postMessage({type: "lane", port: port1, module: null, algorithm: "sha256d"}, [port1]);
		return true;
	})()`)
	await(t, tab, "window.reports > 1")
	evaluate[bool](t, tab, `(window.before = window.reports, new BroadcastChannel("sleep").postMessage(0), true)`)
	await(t, tab, "window.reports > window.before + 5")
}

// TestSharesDoNotDrownThePage: a pool that asks for next to nothing gets shares without end; the page hears of a few, counts
// all, and can be stopped at once.
func TestSharesDoNotDrownThePage(t *testing.T) {
	t.Parallel()
	pool := newPoolOf(t, hasher.SHA256d, 5)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const Real = window.Worker;
		window.most = 0;
		window.Worker = class extends Real {
			set onmessage(f) {
				let since = 0;
				super.onmessage = (e) => {
					if (e.data.type === "share") window.most = Math.max(window.most, ++since);
					if (e.data.type === "snapshot") since = 0;
					f(e);
				};
			}
		};
	})()`)
	mines(t, tab, address)
	await(t, tab, "window.most >= 16") // more come
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
	if most := evaluate[int](t, tab, "window.most"); most != 16 {
		t.Errorf("%d shares between two snapshots", most)
	}
}

// TestReadsLinks: what a hand or a messenger does to a link is forgiven where the invitation is whole, and else named.
func TestReadsLinks(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	code := strings.Repeat("aB3-", 9) + "xy_Z"
	here, there := address+"/#join="+code, "https://other.example/#join="+code
	for text, want := range map[string]string{
		here: here, "  " + here + "\n": here, "Open " + here + " on your phone.": here, here + ".": here, "<" + here + ">": here,
		address + "/%23join=" + code:                       here,
		address + "/%23join%3D" + code:                     here,
		here[:len(here)-9] + "\u200b" + here[len(here)-9:]: here,
		address + "#join=" + code:                          here,
		"#join=" + code:                                    here,
		here[:len(here)-20] + "\n" + here[len(here)-20:]:   here,
		there:                                 there,
		"HTTPS://OTHER.example/#join=" + code: there,
		"":                                    "link", "hello": "link", address + "/": "link", code: "link",
		here[:len(here)-1]: "typo", here + "x": "typo", address + "/#join=": "typo", here[:len(here)-1] + "!": "typo",
		"http://a@127.0.0.1/#join=" + code: "typo",
	} {
		got := evaluate[string](t, tab, fmt.Sprintf(`import("./join.js").then((join) => {
			const {wrong, link, origin, here} = join.read(%q);
			return wrong ?? (here === (origin === location.origin) && link);
		})`, text))
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
