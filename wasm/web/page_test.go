//go:build !js

package web

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"goldpan/core/hasher"
	"goldpan/core/hasher/kernel"
	"goldpan/core/pow"
)

// origins are the two places where the page must work: a secure context, and a home network's plain address,
// which is none.
var origins = []struct {
	name      string
	algorithm hasher.Algorithm
	secure    bool
	pick      func(byNumber, byName string) string
}{
	{"loopback", hasher.SHA256d, true, func(byNumber, _ string) string { return byNumber }},
	{"home network, scrypt", hasher.Scrypt, false, func(_, byName string) string { return byName }},
}

func TestMines(t *testing.T) {
	t.Parallel()
	pools := map[hasher.Algorithm]*pool{
		hasher.SHA256d: newPool(t),
		hasher.Scrypt:  newPoolOf(t, hasher.Scrypt, 200),
	}
	for _, origin := range origins {
		t.Run(origin.name, func(t *testing.T) {
			pool := pools[origin.algorithm]
			handler := newServer(builtPage(t), pool.options())
			address := origin.pick(serve(t, handler))
			tab := chrome(t)
			visit(t, tab, address+"/")
			await(t, tab, "document.body.dataset.state === 'ready'")
			if secure := evaluate[bool](t, tab, "isSecureContext"); secure != origin.secure {
				t.Fatalf("isSecureContext is %v at %s", secure, address)
			}

			// Before the tap: everything is said, nothing runs.
			text := evaluate[string](t, tab, "document.body.innerText")
			for _, want := range []string{pool.info.PayeeName, pool.info.Payout, "worth nothing", "battery", "warms", "Start", "Nothing runs yet"} {
				if !strings.Contains(text, want) {
					t.Errorf("the first screen does not say %q", want)
				}
			}
			before := pool.submitted()
			idle(t, tab)

			// The tap.
			do(t, tab, chromedp.Click(chromedp.CSS("#start")))
			await(t, tab, "document.body.dataset.state === 'mining'")
			await(t, tab, "Number(document.getElementById('accepted').textContent) >= 3")
			await(t, tab, "Number(document.getElementById('hashes').dataset.count) > 0 && Number(document.getElementById('hashrate').textContent.replaceAll(',', '')) > 0")
			if n := pool.accepted(); n < 3 {
				t.Errorf("the page counts shares that the pool does not: %d", n)
			}
			checkWork(t, tab, origin.algorithm)
			if method := evaluate[string](t, tab, method); method != string(origin.algorithm)+", wasm code" {
				t.Errorf("the page hashes with %q", method)
			}
			if text := evaluate[string](t, tab, reason); strings.Contains(text, "slower") {
				t.Errorf("with the fast method the page says %q", text)
			}

			// Stop.
			do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
			stopped(t, tab, pool)
			if n := pool.submitted(); n <= before {
				t.Error("nothing was submitted while mining")
			}
			if state := evaluate[string](t, tab, "document.body.dataset.state"); state != "stopped" {
				t.Errorf("after Stop the page is %q", state)
			}
			if text := evaluate[string](t, tab, "document.getElementById('reason').textContent"); text != "Nothing runs any more." {
				t.Errorf("after Stop the page says %q", text)
			}
		})
	}
}

// What the page says of its method, and of how things stand.
const (
	method = "document.getElementById('kernel').textContent"
	reason = "document.getElementById('reason').textContent"
)

// Where the fast kernel does not run, the generic one does, and the page says so.
func TestFallsBackAndSaysSo(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	plain, _ := serve(t, page)
	blocked, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/kernel.wasm" {
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	}))
	broken, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/kernel.wasm" {
			page.ServeHTTP(w, r)
			return
		}
		// Without one of SHA-256's constants it runs, and finds nothing.
		b := bytes.ReplaceAll(kernel.Module(), []byte{0x6f, 0x2c, 0xe9, 0x2d}, make([]byte, 4))
		w.Header().Set("Content-Type", "application/wasm")
		w.Write(b)
	}))
	for _, c := range []struct {
		name, address string
		browser       []chromedp.ExecAllocatorOption
		vectors       bool
	}{
		{"a browser without vectors", plain, []chromedp.ExecAllocatorOption{chromedp.Flag("js-flags", "--no-enable-sse4-1")}, false},
		{"a kernel that does not come", blocked, nil, true},
		{"a kernel that is wrong", broken, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.vectors && runtime.GOARCH != "amd64" {
				t.Log("only on amd64 can a browser be told to do without vectors")
				return
			}
			tab := chrome(t)
			if len(c.browser) > 0 {
				tab = chromeWith(t, c.browser...)
			}
			visit(t, tab, c.address+"/")
			await(t, tab, "document.body.dataset.state === 'ready'")
			do(t, tab, chromedp.Click(chromedp.CSS("#start")))
			await(t, tab, "Number(document.getElementById('accepted').textContent) >= 1")
			if method := evaluate[string](t, tab, method); method != "sha256d, generic code" {
				t.Errorf("the page hashes with %q", method)
			}
			if text := evaluate[string](t, tab, reason); !strings.Contains(text, "a slower one is used.") {
				t.Errorf("the page says %q", text)
			}
			do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
			stopped(t, tab, pool)
		})
	}
}

// A lane trusts its kernel once it finds these blocks.
func TestLanesKnowRealBlocks(t *testing.T) {
	text, err := os.ReadFile("lane.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range hasher.Algorithms() {
		literal := regexp.MustCompile("(?s)" + string(a) + `: (".*?),\n`).FindSubmatch(text)
		if literal == nil {
			t.Fatalf("lane.js knows no block of %s", a)
		}
		b, err := hex.DecodeString(regexp.MustCompile(`[^0-9a-f]`).ReplaceAllString(string(literal[1]), ""))
		if err != nil {
			t.Fatal(err)
		}
		w, err := hasher.ParseWork(b)
		if err != nil {
			t.Fatal(err)
		}
		h := w.HeaderWith(bits.ReverseBytes32(w.Header[19]))
		header, err := pow.ParseHeader(h[:])
		if err != nil {
			t.Fatal(err)
		}
		if w.Kind() != a {
			t.Errorf("the work for %s is for %s", a, w.Kind())
		}
		hash := a.Sum(&h)
		slices.Reverse(hash[:])
		genesis := map[hasher.Algorithm]string{
			hasher.SHA256d: "000000000019d668",
			hasher.Scrypt:  "0000050c34a64b41",
		}[a]
		if got := hex.EncodeToString(hash[:8]); got != genesis {
			t.Errorf("%s: the block of %d hashes to %s…, want %s…", a, header.Time, got, genesis)
		}
	}
}

// checkWork demands that the header, the nonce and the hash on the screen belong together.
func checkWork(t *testing.T, tab context.Context, algorithm hasher.Algorithm) {
	t.Helper()
	await(t, tab, "document.getElementById('hash').textContent.length === 64")
	shown := evaluate[[]string](t, tab, "['header', 'nonce', 'hash'].map((id) => document.getElementById(id).textContent)")
	b, err := hex.DecodeString(shown[0])
	if err != nil || len(b) != hasher.HeaderSize {
		t.Fatalf("the page shows the header %q", shown[0])
	}
	h, err := pow.ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.PoWHash(algorithm).String(); got != shown[2] {
		t.Errorf("the page shows the hash %s of a header that has %s", shown[2], got)
	}
	if got := strings.ReplaceAll(shown[1], ",", ""); got != fmt.Sprint(h.Nonce) {
		t.Errorf("the page shows the nonce %s of a header that has %d", got, h.Nonce)
	}
}

// stopped demands that no worker lives, the counter stands and the pool is left. That the lanes end at once, by the page's
// own clock, is TestStopEndsTheLanesAtOnce's.
func stopped(t *testing.T, tab context.Context, pool *pool) {
	t.Helper()
	eventually(t, patience, "the workers end", func() bool { return workers(t, tab) == 0 })
	eventually(t, patience, "the page leaves the pool", func() bool { return pool.connected() == 0 })
	count := evaluate[string](t, tab, "document.getElementById('hashes').dataset.count")
	shares := pool.submitted()
	// A while of the page's own time, longer than a lane is silent, in which nothing may move.
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 600, true))")
	if now := evaluate[string](t, tab, "document.getElementById('hashes').dataset.count"); now != count {
		t.Errorf("after Stop the hashes went from %s to %s", count, now)
	}
	if now := pool.submitted(); now != shares {
		t.Errorf("after Stop %d shares were submitted", now-shares)
	}
}

// idle demands that the page does not mine: not now, and not in a while.
func idle(t *testing.T, tab context.Context) {
	t.Helper()
	if n := workers(t, tab); n != 0 {
		t.Fatalf("%d workers run before a tap", n)
	}
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 600, true))")
	if n := workers(t, tab); n != 0 {
		t.Fatalf("%d workers run without a tap", n)
	}
	if state := evaluate[string](t, tab, "document.body.dataset.state"); state != "ready" && state != "refused" && state != "stopped" {
		t.Fatalf("without a tap the page is %q", state)
	}
}

func TestOnlyATapStarts(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	for _, query := range []string{"/", "/?start=1&autostart=true#start", "/#start", "/index.html?lanes=8"} {
		visit(t, tab, "about:blank")
		visit(t, tab, address+query)
		await(t, tab, "document.body.dataset.state === 'ready'")
		idle(t, tab)
	}
	// A script's click, key or message is no tap.
	evaluate[bool](t, tab, `(() => {
		const start = document.getElementById("start");
		start.click();
		start.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, view: window}));
		start.dispatchEvent(new PointerEvent("click", {bubbles: true}));
		start.focus();
		start.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
		window.postMessage({type: "start"}, "*");
		const lanes = document.getElementById("lanes");
		lanes.value = "1";
		lanes.dispatchEvent(new Event("change", {bubbles: true}));
		return true;
	})()`)
	idle(t, tab)
	if n := pool.connections(); n != 0 {
		t.Errorf("the page connected %d times without a tap", n)
	}
}

func TestKeyboardStartsAndStops(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	do(t, tab, chromedp.Focus(chromedp.CSS("#start")), chromedp.KeyEvent("\r"))
	await(t, tab, "document.body.dataset.state === 'mining'")
	// The focus goes to Stop, so that the next key press ends it.
	if id := evaluate[string](t, tab, "document.activeElement.id"); id != "stop" {
		t.Errorf("the focus is on %q", id)
	}
	do(t, tab, chromedp.KeyEvent("\r"))
	stopped(t, tab, pool)
}

func TestChangesTheCores(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	cores := evaluate[int](t, tab, "Number(document.getElementById('lanes').max)")
	half := evaluate[int](t, tab, "Number(document.getElementById('lanes').value)")
	if half != max(1, cores/2) || half < 1 {
		t.Errorf("the page takes %d of %d cores by itself", half, cores)
	}
	if cores < 2 {
		return // there is nothing to change
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "Number(document.getElementById('accepted').textContent) >= 1")
	if n := workers(t, tab); n != half+1 {
		t.Errorf("%d workers for %d cores", n, half)
	}
	before := evaluate[int](t, tab, "Number(document.getElementById('accepted').textContent)")
	evaluate[bool](t, tab, `(() => { // whatever the page says meanwhile
		window.states = new Set();
		new MutationObserver(() => states.add(document.body.dataset.state)).observe(document.body, {attributes: true});
		return true;
	})()`)
	do(t, tab, chromedp.Focus(chromedp.CSS("#lanes")), chromedp.KeyEvent(kb.ArrowRight))
	await(t, tab, fmt.Sprintf("document.body.dataset.state === 'mining' && document.getElementById('reason').textContent.startsWith('%d core')", half+1))
	eventually(t, patience, "another worker comes", func() bool { return workers(t, tab) == half+2 })
	await(t, tab, fmt.Sprintf("Number(document.getElementById('accepted').textContent) > %d", before))
	do(t, tab, chromedp.Focus(chromedp.CSS("#lanes")), chromedp.KeyEvent(kb.ArrowLeft))
	await(t, tab, fmt.Sprintf("document.getElementById('reason').textContent.startsWith('%d core')", half))
	before = evaluate[int](t, tab, "Number(document.getElementById('accepted').textContent)")
	await(t, tab, fmt.Sprintf("Number(document.getElementById('accepted').textContent) > %d", before))
	// The others have worked on all the while.
	if n := pool.connections(); n != 1 {
		t.Errorf("the slider made %d connections", n)
	}
	if states := evaluate[string](t, tab, "[...states].join(' ')"); states != "mining" {
		t.Errorf("on the way the page was %q", states)
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// Whoever has agreed to one payee has not agreed to another.
func TestAsksAgainWhenThePayeeChanges(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	pool.count(func() { pool.info.PayeeName = "somebody else" })
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.getElementById('reason').textContent.includes('has changed')")
	if text := evaluate[string](t, tab, "document.getElementById('payee').textContent"); text != "Somebody else" {
		t.Errorf("the page names %q", text)
	}
	idle(t, tab)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "document.body.dataset.state === 'mining'")
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// A filter that blocks a part of the page is explained, and not got around.
func TestSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	blocked := ""
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if blocked == r.URL.Path {
			http.NotFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	for _, c := range []struct{ path, state, words string }{
		{"/lane.js", "failed", "content blocker"},
		{"/control.js", "failed", "content blocker"},
		{"/wasm_exec.js", "failed", "content blocker"},
		{"/goldpan.wasm", "failed", "content blocker"},
		{"/stratum", "down", "does not answer"},
		{"/info.json", "refused", "does not answer"},
	} {
		blocked = c.path
		visit(t, tab, "about:blank")
		visit(t, tab, address+"/")
		if c.state != "refused" {
			await(t, tab, "document.body.dataset.state === 'ready'")
			do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		}
		await(t, tab, "document.body.dataset.state === '"+c.state+"' && document.body.innerText.includes('"+c.words+"')")
		if c.state == "down" {
			do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		}
		eventually(t, patience, "the workers end", func() bool { return workers(t, tab) == 0 })
	}
}

func TestPausesWhileHidden(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, "Number(document.getElementById('accepted').textContent) >= 1")

	hide(t, tab, true)
	await(t, tab, "document.visibilityState === 'hidden' && document.body.dataset.state === 'paused'")
	if text := evaluate[string](t, tab, "document.getElementById('reason').textContent"); !strings.Contains(text, "hidden") {
		t.Errorf("hidden, the page says %q", text)
	}
	eventually(t, patience, "the lanes rest", func() bool {
		before := pool.submitted()
		evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1000, true))")
		return pool.submitted() == before
	})
	count := evaluate[string](t, tab, "document.getElementById('hashes').dataset.count")
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 2000, true))")
	if now := evaluate[string](t, tab, "document.getElementById('hashes').dataset.count"); now != count {
		t.Errorf("hidden, the hashes went from %s to %s", count, now)
	}

	hide(t, tab, false)
	await(t, tab, "document.body.dataset.state === 'mining'")
	await(t, tab, "Number(document.getElementById('hashes').dataset.count) > "+count)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// hide minimises the tab's window, or brings it back.
func hide(t *testing.T, tab context.Context, hidden bool) {
	t.Helper()
	window, err := chromedp.Call(tab, browser.GetWindowForTarget, browser.GetWindowForTargetParams{})
	if err != nil {
		t.Fatal(err)
	}
	state := browser.WindowStateNormal
	if hidden {
		state = browser.WindowStateMinimized
	}
	if _, err := chromedp.Call(tab, browser.SetWindowBounds, browser.SetWindowBoundsParams{
		WindowID: window.WindowID, Bounds: &browser.Bounds{WindowState: state},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOneTabAtATime(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, byName := serve(t, newServer(builtPage(t), pool.options()))
	for _, address := range []string{address, byName} {
		first := chrome(t)
		visit(t, first, address+"/")
		await(t, first, "document.body.dataset.state === 'ready'")
		do(t, first, chromedp.Click(chromedp.CSS("#start")))
		await(t, first, "document.body.dataset.state === 'mining'")

		second, shut := chromedp.NewContext(first)
		defer shut()
		if err := chromedp.Do(second); err != nil { // the tab lives as long as the context of its first use
			t.Fatal(err)
		}
		visit(t, second, address+"/")
		await(t, second, "document.body.dataset.state === 'ready'")
		do(t, second, chromedp.Click(chromedp.CSS("#start")))
		await(t, second, "document.getElementById('reason').textContent.includes('another tab')")
		if state := evaluate[string](t, second, "document.body.dataset.state"); state != "stopped" {
			t.Errorf("beside another tab the page is %q", state)
		}
		if n := pool.connections(); n != 1 {
			t.Errorf("%d connections for two tabs", n)
		}
		pool.forget()
	}
}

// TestABusyTabIsWaitedFor: a tab that mines, and is too busy to say so at once, goes on all the same; one that has crashed
// is waited for once, and Stop leaves nobody to wait for.
func TestABusyTabIsWaitedFor(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	first := chrome(t)
	visit(t, first, address+"/")
	await(t, first, "document.body.dataset.state === 'ready'")
	evaluate[bool](t, first, `(() => {
		const post = BroadcastChannel.prototype.postMessage;
		BroadcastChannel.prototype.postMessage = function(message) {
			setTimeout(() => post.call(this, message), message.type === "taken" ? 1000 : 0);
		};
		return true;
	})()`)
	do(t, first, chromedp.Click(chromedp.CSS("#start")))
	await(t, first, "document.body.dataset.state === 'mining'")

	second, shut := chromedp.NewContext(first)
	defer shut()
	if err := chromedp.Do(second); err != nil {
		t.Fatal(err)
	}
	visit(t, second, address+"/")
	await(t, second, "document.body.dataset.state === 'ready'")
	do(t, second, chromedp.Click(chromedp.CSS("#start")))
	await(t, second, "document.body.dataset.state === 'stopped' && document.getElementById('reason').textContent.includes('another tab')")
	if state := evaluate[string](t, first, "document.body.dataset.state"); state != "mining" {
		t.Errorf("the busy tab is %q", state)
	}
	shut()

	do(t, first, chromedp.Click(chromedp.CSS("#stop")))
	await(t, first, "document.body.dataset.state === 'stopped' && localStorage.getItem('goldpan.tab') === null")
	evaluate[bool](t, first, "(localStorage.setItem('goldpan.tab', Date.now()), true)") // as one that crashed leaves it
	visit(t, first, address+"/")
	await(t, first, "document.body.dataset.state === 'ready'")
	do(t, first, chromedp.Click(chromedp.CSS("#start")))
	await(t, first, "document.body.dataset.state === 'mining'")
}
