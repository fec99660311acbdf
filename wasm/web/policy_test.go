//go:build !js

package web

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"goldpan/wasm/web/browsertest"
)

// trespass tries on a page what its policy forbids, with an address of somebody else in place of ELSEWHERE. What the browser
// says of each stands in window.stopped.
const trespass = `(() => {
	window.stopped = new Set();
	document.addEventListener("securitypolicyviolation", (e) => stopped.add(e.effectiveDirective.split("-").slice(0, 2).join("-")));
	const element = (name, more) => document.body.appendChild(Object.assign(document.createElement(name), more));
	element("script", {textContent: "window.inline = true"});
	const button = element("button", {});
	button.setAttribute("onclick", "window.handled = true");
	button.click();
	setTimeout("window.evaluated = true");
	element("p", {id: "styled"}).setAttribute("style", "position: fixed");
	element("img", {src: "ELSEWHERE/picture"});
	element("script", {src: "ELSEWHERE/script"});
	element("iframe", {src: "ELSEWHERE/frame"});
	element("link", {rel: "stylesheet", href: "ELSEWHERE/style"});
	fetch("ELSEWHERE/fetch", {mode: "no-cors"}).catch(() => {});
	window.tally = () => [window.inline, window.handled, window.evaluated].filter(Boolean).length + (getComputedStyle(document.getElementById("styled")).position === "fixed");
	return true;
})()`

// TestPolicyInBrowsers: every browser holds the page to its policy: no inline script, no eval, no inline style, nobody else.
func TestPolicyInBrowsers(t *testing.T) {
	t.Parallel()
	page := newServer(builtPage(t), newPool(t).options())
	strict, _ := serve(t, page)
	loose, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page.ServeHTTP(bare{w}, r) }))
	for _, name := range browsertest.All() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			elsewhere, _ := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			p := inBrowser(t, name)
			try := func(address string) {
				p.Navigate(address + "/")
				p.Await(isReady)
				p.Eval(strings.ReplaceAll(trespass, "ELSEWHERE", elsewhere), new(bool))
			}
			try(strict)
			for _, directive := range []string{"script-src", "style-src", "img-src", "frame-src", "connect-src"} {
				p.Await("stopped.has('" + directive + "')")
			}
			p.Eval("new Promise((done) => setTimeout(done, 600, true))", new(bool))
			if n := p.Text("String(tally())"); n != "0" || asked.Load() != 0 {
				t.Errorf("%s things ran, and somebody else was asked %d times", n, asked.Load())
			}
			// Without the headers of Goldpan's own server all of it is done: the test would tell.
			try(loose)
			p.Await("tally() === 4")
			eventually(t, patience, "somebody else is asked for all five", func() bool { return asked.Load() >= 5 })
		})
	}
}
