//go:build !js

package browsertest_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"goldpan/wasm/web/browsertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const page = `<!doctype html><meta name="viewport" content="width=device-width"><title>A page</title>
<div style="height: 3000px"></div><button id="tap">Tap</button><input id="field">
<script>
window.heard = [];
addEventListener("click", (e) => heard.push(e.type + " " + e.target.id + " " + e.isTrusted));
addEventListener("keydown", (e) => heard.push(e.key + " " + e.isTrusted));
</script>`

func TestBrowsers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// As strict as Goldpan's page: what the driver runs is none of the page's scripts.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	for _, name := range browsertest.All() {
		t.Run(string(name), func(t *testing.T) {
			p := browsertest.Open(t, name)
			address := server.URL + "/"
			if name != browsertest.WebKit {
				where, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				p.Navigate("http://phone.test:" + where.Port() + "/")
				var secure bool
				if p.Eval("isSecureContext", &secure); secure {
					t.Error("phone.test is a secure context")
				}
			}
			p.Navigate(address)
			if title := p.Text("document.title"); title != "A page" {
				t.Errorf("title %q", title)
			}
			if text := p.Text("new Promise((done) => setTimeout(done, 1, navigator.userAgent))"); !strings.Contains(text, "Mozilla") {
				t.Errorf("a promise gives %q", text)
			}
			if err := p.Browser.Eval(t.Context(), "nothing.at.all", new(string)); err == nil {
				t.Error("what throws is no error")
			}
			if err := p.Browser.Click(t.Context(), "#missing"); err == nil {
				t.Error("a click on nothing is no error")
			}
			p.Click("#tap")
			p.Press(browsertest.ArrowRight)
			p.Await("heard.length >= 2")
			var heard []string
			p.Eval("heard", &heard)
			if want := []string{"click tap true", "ArrowRight true"}; !slices.Equal(heard, want) {
				t.Errorf("the page heard %q, want %q", heard, want)
			}
			for _, size := range [][2]int{{450, 844}, {1280, 800}} {
				p.Resize(size[0], size[1])
				p.Await(fmt.Sprintf("innerWidth === %d && innerHeight === %d", size[0], size[1]))
				picture, err := png.DecodeConfig(bytes.NewReader(p.Screenshot()))
				if err != nil || picture.Width != size[0] || picture.Height != size[1] {
					t.Errorf("a picture of %d × %d, want %v: %v", picture.Width, picture.Height, size, err)
				}
			}
			if said := p.Errors(); len(said) != 0 {
				t.Errorf("before anything went wrong: %q", said)
			}
			// Beside another tab the scripts of the first go on.
			p.Reload()
			p.Eval(`(() => {
				window.seen = [document.visibilityState];
				addEventListener("visibilitychange", () => seen.push(document.visibilityState));
				new BroadcastChannel("tabs").onmessage = ({data}) => seen.push(data);
				return true;
			})()`, new(bool))
			p.Front(1)
			p.Navigate(address)
			p.Eval(`(new BroadcastChannel("tabs").postMessage("met " + document.visibilityState), true)`, new(bool))
			p.Front(0)
			want := "visible, met visible"
			if name == browsertest.Firefox {
				want = "visible, hidden, met visible, visible"
			}
			p.Await(fmt.Sprintf("seen.length >= %d", strings.Count(want, ",")+1))
			if seen := p.Text(`seen.join(", ")`); seen != want {
				t.Errorf("the first tab saw %q, want %q", seen, want)
			}
			p.Eval(`(console.error("this", "went wrong"), setTimeout(() => { throw new Error("thrown"); }), true)`, new(bool))
			p.Eval("new Promise((done) => setTimeout(done, 50, true))", new(bool))
			said := strings.Join(p.Errors(), "\n")
			if !strings.Contains(said, "went wrong") || !strings.Contains(said, "thrown") {
				t.Errorf("the errors are %q", said)
			}
		})
	}
}

func TestUnknownBrowser(t *testing.T) {
	if _, err := browsertest.Launch(t.Context(), "mosaic"); err == nil {
		t.Error("an unknown browser starts")
	}
}

func TestMissingBrowser(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, name := range browsertest.All() {
		if _, err := browsertest.Launch(t.Context(), name); err == nil || !strings.Contains(err.Error(), "apt-get install") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
