//go:build !js

package web

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"goldpan/wasm/web/browsertest"
)

// TestInstalls: on a secure origin the page gets its service worker, which opens the page while the server is off, lets
// go of old versions, and answers for nothing else. On a plain one there is none.
func TestInstalls(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	var off, newer atomic.Bool
	address, byName := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if off.Load() {
			panic(http.ErrAbortHandler) // the connection breaks, as when nobody is there
		}
		if newer.Load() && r.URL.Path == "/sw.js" {
			r.Header.Del("If-None-Match")
			page.header(w.Header(), r)
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = w.Write([]byte(strings.Replace(string(page.files["/sw.js"].plain), "goldpan-", "goldpan-newer-", 1)))
			return
		}
		page.ServeHTTP(w, r)
	}))
	tab := chrome(t)
	visit(t, tab, byName+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	if evaluate[bool](t, tab, "'serviceWorker' in navigator") {
		t.Error("a page that is no secure context could have a service worker")
	}

	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	await(t, tab, served)
	idle(t, tab) // it starts nothing
	installable(t, tab)
	names := evaluate[[]string](t, tab, "caches.keys()")
	if len(names) != 1 || !strings.HasPrefix(names[0], "goldpan-") {
		t.Fatalf("the caches are %q", names)
	}
	kept := evaluate[[]string](t, tab, "caches.open('"+names[0]+"').then((c) => c.keys()).then((all) => all.map((r) => new URL(r.url).pathname))")
	for _, path := range kept {
		if path == "/info.json" || strings.HasSuffix(path, ".wasm") || strings.HasSuffix(path, ".mp4") || path == "/text.ja.json" {
			t.Errorf("%s is kept", path)
		}
	}
	for _, path := range []string{"/", "/page.js", "/style.css", "/text.en.json"} {
		if !strings.Contains(" "+strings.Join(kept, " ")+" ", " "+path+" ") {
			t.Errorf("%s is not kept: %q", path, kept)
		}
	}

	// The server is off: the page says so itself, and who was paid yesterday is not shown.
	off.Store(true)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'refused'")
	if text := evaluate[string](t, tab, "document.body.innerText"); !strings.Contains(text, "does not answer") || strings.Contains(text, pool.info.Payout) {
		t.Errorf("with the server off the page says %q", text)
	}

	// It is back, with another version: that is what is shown, and the old one is let go.
	off.Store(false)
	newer.Store(true)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	await(t, tab, "navigator.serviceWorker.getRegistration().then((r) => r.update()).then(() => caches.keys()).then((all) => all.length === 1 && all[0].startsWith('goldpan-newer-'))")
}

// installable demands what browsers want of a page before they offer to install it.
func installable(t *testing.T, tab context.Context) {
	t.Helper()
	found, err := chromedp.Call(tab, cdppage.GetAppManifest, cdppage.GetAppManifestParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range found.Errors {
		t.Errorf("the manifest: %s", fault.Message)
	}
	got := evaluate[string](t, tab, `fetch(document.querySelector("link[rel=manifest]").href).then((r) => r.json()).then(async (m) => {
		const here = (path) => new URL(path, location.origin).href === location.origin + "/";
		const said = [m.name, m.short_name, m.display, here(m.start_url) && here(m.scope) && here(m.id)];
		for (const icon of m.icons) {
			const picture = new Image();
			picture.src = icon.src;
			await picture.decode();
			const size = icon.sizes === "any" ? "any" : picture.naturalWidth + "x" + picture.naturalHeight;
			said.push(icon.purpose + " " + (size === icon.sizes ? size : "not " + icon.sizes));
		}
		return said.join(", ");
	})`)
	if want := "Goldpan, Goldpan, standalone, true, any any, any 192x192, any 512x512, maskable 512x512"; got != want {
		t.Errorf("the manifest says %q, want %q", got, want)
	}
}

// How a server is away: a proxy answers for it, nobody answers, or all but the page itself answers again.
const up, behindProxy, silent, half = "up", "a proxy without its server", "silence", "a server that comes back meanwhile"

// comesAndGoes serves a page whose server is what goes says, and whose service worker does not wait long.
func comesAndGoes(t *testing.T, pool *pool) (address string, goes func(how string)) {
	t.Helper()
	page := newServer(builtPage(t), pool.options())
	const limit = "const patience = 10_000;"
	sw := string(page.files["/sw.js"].plain)
	if !strings.Contains(sw, limit) {
		t.Fatal("sw.js has another patience")
	}
	page.files["/sw.js"].plain = []byte(strings.Replace(sw, limit, "const patience = 3_000;", 1))
	page.files["/sw.js"].gzip, page.files["/sw.js"].br = nil, nil
	var now atomic.Value
	now.Store(up)
	address, _ = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch how := now.Load(); {
		case how == behindProxy, how == half && r.URL.Path == "/":
			http.Error(w, "nobody behind this proxy", http.StatusBadGateway)
		case how == silent:
			<-r.Context().Done()
		default:
			page.ServeHTTP(w, r)
		}
	}))
	return address, func(how string) { now.Store(how) }
}

const (
	served      = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
	isRefused   = "document.body.dataset.state === 'refused'"
	withoutWord = "does not answer"
)

// TestOpensWithoutAnAnswer: a proxy that cannot reach the server, and a server that is silent, get the kept page with its
// own words, and nothing of another version beside it.
func TestOpensWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, goes := comesAndGoes(t, pool)
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	await(t, tab, served)
	for _, how := range []string{behindProxy, silent, half} {
		goes(how)
		visit(t, tab, address+"/")
		await(t, tab, isRefused)
		if text := evaluate[string](t, tab, "document.body.innerText"); !strings.Contains(text, withoutWord) || strings.Contains(text, pool.info.Payout) {
			t.Errorf("%s: the page says %q", how, text)
		}
		// Neither what mines nor who is paid reaches a kept page, though a server would say it again.
		got := evaluate[string](t, tab, `Promise.all(["info.json", "goldpan.wasm"].map((path) => fetch(path).then(({ok}) => ok ? path : "", () => ""))).then((all) => all.join(""))`)
		if got != "" {
			t.Errorf("%s: %s reached the kept page", how, got)
		}
		if n := workers(t, tab); n != 0 {
			t.Errorf("%s: %d workers", how, n)
		}
	}
	goes(up)
	eventually(t, patience, "the page is back", func() bool {
		visit(t, tab, address+"/")
		await(t, tab, isReady+" || "+isRefused)
		return evaluate[bool](t, tab, isReady)
	})
}

// TestOpensWithoutAnAnswerInBrowsers: the other browsers, too, tell a service worker which page asks.
func TestOpensWithoutAnAnswerInBrowsers(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	for _, name := range []browsertest.Name{browsertest.Firefox, browsertest.WebKit} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			address, goes := comesAndGoes(t, pool)
			p := inBrowser(t, name)
			p.Navigate(address + "/")
			p.Await(isReady)
			p.Await(served)
			goes(half)
			p.Navigate(address + "/")
			p.Await(isRefused)
			if text := p.Text("document.body.innerText"); !strings.Contains(text, withoutWord) || strings.Contains(text, pool.info.Payout) {
				t.Errorf("the page says %q", text)
			}
		})
	}
}
