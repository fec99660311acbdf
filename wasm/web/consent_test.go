//go:build !js

package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestRefusesAFrame(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	frame := func(src string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><iframe id="inner" width="600" height="600" src="%s"></iframe>`, src)
		}
	}
	var parts atomic.Int32
	strict, strictByName := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			parts.Add(1)
		}
		page.ServeHTTP(w, r)
	}))
	// A static host may send none of the headers, and may serve the frame as well.
	host := http.NewServeMux()
	host.Handle("/outer", frame("/"))
	host.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { page.ServeHTTP(bare{w}, r) })
	loose, looseByName := serve(t, host)
	across := func(inner string) string { address, _ := serve(t, frame(inner+"/")); return address + "/" }

	tab := chrome(t)
	for _, c := range []struct {
		outer string
		own   bool // the frame's text can be read from outside
	}{
		{across(strict), false}, {across(strictByName), false}, {across(loose), false}, {across(looseByName), false},
		{loose + "/outer", true}, {looseByName + "/outer", true},
	} {
		visit(t, tab, c.outer)
		await(t, tab, "document.readyState === 'complete'")
		if c.own {
			const text = "document.getElementById('inner').contentDocument.body"
			await(t, tab, text+".dataset.state === 'refused'")
			await(t, tab, text+".innerText.includes('does not run inside another page')")
			// Not even a tap helps: there is nothing to tap.
			if evaluate[bool](t, tab, text+".innerText.includes('Start')") {
				t.Errorf("%s: the framed page shows a Start button", c.outer)
			}
		}
		do(t, tab, chromedp.MouseClickXY(300, 300), chromedp.MouseClickXY(300, 590))
		evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 600, true))")
		if n := workers(t, tab); n != 0 {
			t.Errorf("%s: %d workers run in a frame", c.outer, n)
		}
	}
	if n := pool.connections(); n != 0 {
		t.Errorf("framed pages connected %d times", n)
	}
	if n := parts.Load(); n != 0 { // where the headers come, not even the scripts do
		t.Errorf("in a frame the page asked for %d of its parts", n)
	}
}

// TestAFrameStopsTheLanes: the page looks again while it mines, though no browser is known to put a page into a frame then.
func TestAFrameStopsTheLanes(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	page := newServer(builtPage(t), pool.options())
	alter(t, page, "/page.js", "return window.top !== window;", "return window.top !== window || Boolean(window.framedNow);")
	address, _ := serve(t, page)
	tab := chrome(t)
	mines(t, tab, address)
	evaluate[bool](t, tab, "(window.framedNow = true)")
	await(t, tab, "document.body.dataset.state === 'refused'")
	if text := evaluate[string](t, tab, "document.body.innerText"); !strings.Contains(text, "does not run inside another page") || strings.Contains(text, "Start") {
		t.Errorf("the framed page says %q", text)
	}
	stopped(t, tab, pool)
}

// alter changes one of the page's files on its server.
func alter(t *testing.T, page *server, path, old, now string) {
	t.Helper()
	file := page.files[path]
	if n := bytes.Count(file.plain, []byte(old)); n != 1 {
		t.Fatalf("%s has %q %d times", path, old, n)
	}
	file.plain = bytes.Replace(file.plain, []byte(old), []byte(now), 1)
	file.gzip, file.br = nil, nil
}

// bare takes the protecting headers away.
type bare struct{ http.ResponseWriter }

func (b bare) WriteHeader(status int) {
	b.strip()
	b.ResponseWriter.WriteHeader(status)
}

func (b bare) strip() {
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy"} {
		b.Header().Del(name)
	}
}

func (b bare) Write(p []byte) (int, error) {
	b.strip()
	return b.ResponseWriter.Write(p)
}

// A browser without what mining needs is told so, before anything can be pressed.
func TestRefusesAnOldBrowser(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(builtPage(t), newPool(t).options()))
	tab := chrome(t)
	first(t, tab, `({wasm: () => delete window.WebAssembly, stream: () => delete WebAssembly.compileStreaming, workers: () => delete window.Worker})[location.search.slice(1)]()`)
	for _, lacks := range []string{"wasm", "stream", "workers"} {
		visit(t, tab, address+"/?"+lacks)
		await(t, tab, "document.body.dataset.state === 'refused'")
		if text := evaluate[string](t, tab, "document.body.innerText"); !strings.Contains(text, "too old") || strings.Contains(text, "Start") {
			t.Errorf("without %s the page says %q", lacks, text)
		}
	}
}

// A lane is asked by hand here, as a hostile script on the same origin might.
func TestLanesNeedConsent(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, "document.body.dataset.state === 'ready'")
	heard := evaluate[[]string](t, tab, `(async () => {
		const module = await WebAssembly.compileStreaming(fetch("goldpan.wasm"));
		const lane = new Worker("lane.js");
		const {port1, port2} = new MessageChannel();
		const heard = [];
		let wake = () => {};
		port2.onmessage = ({data}) => { heard.push(data.type); wake(); };
		const next = () => new Promise((done) => { wake = done; });
		lane.postMessage({type: "lane", port: port1, module, algorithm: "sha256d"}, [port1]);
		await next();
		const work = new Uint8Array(148);
		const ask = (token) => { port2.postMessage({type: "work", token, epoch: 1, work}); return next(); };
		await ask(undefined);
		await ask("");
		port2.postMessage({type: "consent", token: "short"});
		await ask("short");
		port2.postMessage({type: "consent", token: "0123456789abcdef0123456789abcdef"});
		await ask("another0another0another0another0");
		port2.postMessage({type: "consent", token: "another0another0another0another0"}); // only the first counts
		await ask("another0another0another0another0");
		lane.terminate();
		return heard;
	})()`)
	if got, want := strings.Join(heard, " "), "ready fault fault fault fault fault"; got != want {
		t.Errorf("the lane said %q, want %q", got, want)
	}
}
