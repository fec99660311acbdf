//go:build !js

package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// instead serves a page with other scripts in the place of some of its own, which are there as true-NAME.
func instead(page *server, scripts map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if script, ok := scripts[r.URL.Path]; ok {
			page.header(w.Header(), r)
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(script))
			return
		}
		if name, ok := strings.CutPrefix(r.URL.Path, "/true-"); ok {
			r.URL.Path = "/" + name
		}
		page.ServeHTTP(w, r)
	})
}

// TestADayInTheWorker: the control worker counts the day too, should the page's own clocks stand still.
func TestADayInTheWorker(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, instead(newServer(builtPage(t), pool.options()), map[string]string{"/control.js": `{
		const now = performance.now.bind(performance);
		let ahead = 0;
		performance.now = () => now() + ahead;
		new BroadcastChannel("lapse").onmessage = ({data}) => { ahead += data; };
	}
	importScripts("true-control.js");`}))
	tab := chrome(t)
	mines(t, tab, address)
	evaluate[bool](t, tab, "(new BroadcastChannel('lapse').postMessage(23 * 3600e3), true)")
	await(t, tab, isMining)
	evaluate[bool](t, tab, "(new BroadcastChannel('lapse').postMessage(3600e3), true)")
	await(t, tab, "document.body.dataset.state === 'expired'")
	stopped(t, tab, pool)
}

// warmControl is the control worker with a clock that goes from one of its own timers to the next, once it is told to begin.
// At each it asks the lane what that has hashed, and goes on with the answer.
const warmControl = `{
	const now = performance.now.bind(performance), begin = setTimeout.bind(self), end = clearTimeout.bind(self);
	const channel = new BroadcastChannel("lapse"), waiting = new Map();
	let clock = null, last = 1e9; // the ids are none of the browser's
	performance.now = () => clock ?? now();
	self.setTimeout = (f, ms = 0) => {
		if (clock === null) return begin(f, ms);
		waiting.set(++last, {f, at: clock + Math.max(1, ms)});
		return last;
	};
	self.clearTimeout = (id) => { if (!waiting.delete(id)) end(id); };
	const next = () => {
		let soonest = null;
		for (const [id, timer] of waiting) if (!soonest || timer.at < soonest[1].at) soonest = [id, timer];
		if (!soonest) return begin(next, 1);
		const passed = soonest[1].at - clock;
		clock = soonest[1].at;
		waiting.delete(soonest[0]);
		soonest[1].f();
		channel.postMessage({passed, clock});
	};
	channel.onmessage = ({data}) => {
		if (data.begin) { clock = now(); begin(next, 1); }
		if (data.counted) begin(next, 1); // after what the lane said on its own port
	};
}
importScripts("true-control.js");`

// warmLane hashes nothing, and says that it has: a thousand an ms, at the power that it may use and as slowly as it is told.
const warmLane = `
const channel = new BroadcastChannel("lapse");
let port = null, token = "", epoch = 0, limit = 100, speed = 1000;
const count = (hashes) => port.postMessage({type: "progress", epoch, hashes: Math.round(hashes), header: new Uint8Array(80)});
channel.onmessage = ({data}) => {
	if (data.speed) speed = data.speed;
	if (!data.passed) return;
	count(data.passed * speed * limit / 100);
	channel.postMessage({counted: true});
};
onmessage = ({data}) => {
	port = data.port;
	port.onmessage = ({data}) => {
		if (data.limit) limit = data.limit;
		if (data.type === "work") { epoch = data.epoch; count(16); }
	};
	port.postMessage({type: "ready", kernel: "wasm"});
};`

// TestSlowsWhenWarm: a device whose speed falls at equal load gets less to do, and the person is told.
func TestSlowsWhenWarm(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, instead(newServer(builtPage(t), pool.options()), map[string]string{"/control.js": warmControl, "/lane.js": warmLane}))
	tab := chrome(t)
	first(t, tab, `(() => {
		Object.defineProperty(navigator, "hardwareConcurrency", {value: 1});
		window.lapsed = 0;
		window.lapse = new BroadcastChannel("lapse");
		lapse.onmessage = ({data}) => { window.lapsed += data.passed ?? 0; };
	})()`)
	mines(t, tab, address)
	evaluate[bool](t, tab, "(lapse.postMessage({begin: true}), true)")
	await(t, tab, "lapsed > 30_000")
	if got := evaluate[string](t, tab, "document.body.dataset.percent + ' ' + document.body.hasAttribute('data-slowed')"); got != "100 false" {
		t.Errorf("at an even speed the power is %s", got)
	}
	evaluate[bool](t, tab, "(lapse.postMessage({speed: 600}), true)")
	await(t, tab, isMining+" && document.body.dataset.percent === '75' && document.body.hasAttribute('data-slowed') && "+reason+".includes('warm, so it works at 75%')")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestALaneRests: as long as its limit says, and nobody sets that without the token of the consent.
func TestALaneRests(t *testing.T) {
	t.Parallel()
	page := newServer(builtPage(t), newPool(t).options())
	address, _ := serve(t, instead(page, map[string]string{"/measured.js": `{
		let clock = 0; // every batch takes 20 ms
		performance.now = () => { clock += 20; return clock; };
		const begin = setTimeout.bind(self), channel = new BroadcastChannel("rests");
		self.setTimeout = (f, ms) => { channel.postMessage(ms); return begin(f, 0); };
	}
	importScripts("lane.js");`}))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	evaluate[bool](t, tab, `(() => {
		const worker = new Worker("measured.js"), {port1, port2} = new MessageChannel(), token = "a token that is long enough to be consent";
		window.rests = [];
		new BroadcastChannel("rests").onmessage = ({data}) => rests.push(data);
		window.limit = (limit, by = token) => { port2.postMessage({type: "limit", token: by, limit}); return true; };
		port2.onmessage = ({data}) => {
			if (data.type !== "ready") return;
			port2.postMessage({type: "consent", token, limit: 25});
			port2.postMessage({type: "work", token, epoch: 1, work: new Uint8Array(148)});
		};
		worker.postMessage({type: "lane", port: port1, module: null, algorithm: "sha256d"}, [port1]);
		return true;
	})()`)
	await(t, tab, "rests.length > 5")
	evaluate[bool](t, tab, "limit(10, 'another token, and just as long as one')")
	evaluate[bool](t, tab, "limit(50)")
	await(t, tab, "rests.at(-1) === 20")
	if got := evaluate[string](t, tab, "[...new Set(rests)].join(' ')"); got != "60 20" {
		t.Errorf("after 20 ms of work the lane rests for %s ms, want 60 and then 20", got)
	}
}

// TestSaysItOnEveryScreen: that practice coins are worth nothing on all of them, and who is paid on all that mine or may.
func TestSaysItOnEveryScreen(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	unpaid := map[string]bool{"loading": true, "broken": true, "removed": true, "refused-frame": true, "refused-old": true, "refused-unserved": true}
	const shown = `(id) => document.getElementById(id).getClientRects().length > 0 && document.getElementById(id).innerText`
	worthless := func(want bool) {
		t.Helper()
		for _, f := range faces {
			showFace(t, tab, f)
			said := evaluate[[]string](t, tab, `["worth", "payee", "payout"].map(`+shown+`).map((text) => text || "")`)
			if got := said[0] == "Practice coins, worth nothing"; got != want {
				t.Errorf("%s: worthless is %v, and the page says %q of it", f.name, want, said[0])
			}
			if !unpaid[f.name] && !strings.HasPrefix(f.name, "invite") && (said[1] != pool.info.PayeeName || said[2] != pool.info.Payout) {
				t.Errorf("%s: the page says that %q at %q is paid", f.name, said[1], said[2])
			}
		}
	}
	openFace(t, tab, address, "en", faces[0])
	worthless(true)
	pool.count(func() { pool.info.Worthless = false })
	openFace(t, tab, address, "en", faces[0])
	worthless(false)
}
