//go:build !js

package web

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"goldpan/wasm/web/browsertest"
)

// patience bounds the wait for anything that a browser does. It is long because the machine may be busy; no
// test waits for it to pass.
const patience = 3 * time.Minute

// atOnce is how many tests run at a time, on few processors too: most of a test waits.
const atOnce = 4

// pageDir is where TestMain lets the page be built.
var pageDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "goldpan-web-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pageDir = filepath.Join(dir, "dist")
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(atOnce, runtime.GOMAXPROCS(0)))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	endChromium()
	for _, b := range browsers {
		if b.Browser == nil {
			continue
		}
		if err := b.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// buildPage builds the page from the present sources, whatever was built before.
var buildPage = sync.OnceValue(func() error {
	cmd := exec.Command("go", "run", "./build", "-out", pageDir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the page: %w\n%s", err, out)
	}
	return nil
})

func builtPage(t *testing.T) fs.FS {
	t.Helper()
	if err := buildPage(); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(pageDir)
}

// endChromium ends what chromium has started.
var endChromium = func() {}

// chromium is the one Chromium that tests share. phone.test is this machine for it.
var chromium = sync.OnceValues(func() (context.Context, error) {
	room := filepath.Join(filepath.Dir(pageDir), "chromium")
	root, stop, err := startChromium(context.Background(), room)
	if err == nil {
		endChromium = stop
	}
	return root, err
})

func startChromium(ctx context.Context, room string, more ...chromedp.ExecAllocatorOption) (context.Context, func(), error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, nil, errors.New("Chromium is missing: install it (Debian: apt-get install chromium)")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(room),
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP phone.test 127.0.0.1"),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
	}, flags("disable-background-networking", "disable-component-update", "disable-sync", "no-proxy-server",
		"disable-extensions", "disable-dev-shm-usage", "mute-audio")...)
	allocator, stop := chromedp.NewExecAllocator(ctx, append(options, more...)...)
	tab, shut := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	end := func() { shut(); stop() }
	if err := chromedp.Do(tab); err != nil {
		end()
		return nil, nil, fmt.Errorf("Chromium does not start: %w", err)
	}
	return tab, end, nil
}

// chrome returns a tab of Chromium that shares nothing with the tabs of other tests: no storage, no channel, no window.
func chrome(t *testing.T) context.Context {
	t.Helper()
	root, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	tab, shut := chromedp.NewContext(root, chromedp.WithNewBrowserContext())
	t.Cleanup(shut)
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	return tab
}

// chromeWith starts a Chromium of its own, with more flags.
func chromeWith(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	tab, stop, err := startChromium(t.Context(), t.TempDir(), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return tab
}

// browsers are those that tests share, each lent to one test at a time.
var browsers = map[browsertest.Name]*shared{
	browsertest.Chromium: {}, browsertest.Firefox: {}, browsertest.WebKit: {},
}

type shared struct {
	lent sync.Mutex
	*browsertest.Browser
}

// inBrowser lends the one browser of its kind that tests share, until the test ends.
func inBrowser(t *testing.T, name browsertest.Name) *browsertest.Page {
	t.Helper()
	b := browsers[name]
	b.lent.Lock()
	t.Cleanup(b.lent.Unlock)
	if b.Browser == nil {
		var err error
		if b.Browser, err = browsertest.Launch(context.Background(), name); err != nil {
			t.Fatalf("%s does not start: %v", name, err)
		}
	}
	return b.In(t)
}

func flags(names ...string) (options []chromedp.ExecAllocatorOption) {
	for _, name := range names {
		options = append(options, chromedp.Flag(name, true))
	}
	return options
}

// do runs steps in the tab, or fails the test.
func do(t *testing.T, tab context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("in the browser: %v", err)
	}
}

// visit opens an address in the tab.
func visit(t *testing.T, tab context.Context, address string) {
	t.Helper()
	do(t, tab, chromedp.Navigate(address))
}

// evaluate returns what an expression is on the page; a promise is waited for.
func evaluate[T any](t *testing.T, tab context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await waits until an expression is true on the page, or a promise for what is.
func await(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("waited for %s; the page shows:\n%s", expression, evaluate[string](t, tab, "document.body.dataset.state + ': ' + document.body.innerText"))
		}
	}()
	eventually(t, patience, expression, func() bool { return evaluate[bool](t, tab, "Promise.resolve("+expression+").then(Boolean)") })
}

// unhurried waits as long as the page takes a click after Stop for the second half of a double click.
func unhurried(t *testing.T, tab context.Context) {
	t.Helper()
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 600, true))")
}

// workers counts the running workers of a tab and its like: the control worker and the lanes.
func workers(t *testing.T, tab context.Context) (n int) {
	t.Helper()
	targets, err := chromedp.Targets(tab)
	if err != nil {
		t.Fatal(err)
	}
	own := chromedp.FromContext(tab).BrowserContextID
	for _, info := range targets {
		if info.Type == "worker" && (own == "" || info.BrowserContextID == own) {
			n++
		}
	}
	return n
}

// eventually polls until ok, or fails the test.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// serve serves a handler on a loopback port, and returns its address by number and by a name that is no secure
// context.
func serve(t *testing.T, h http.Handler) (byNumber, byName string) {
	t.Helper()
	return serveThrough(t, h, nil)
}

// serveThrough is serve, with the fate of each connection.
func serveThrough(t *testing.T, h http.Handler, state func(net.Conn, http.ConnState)) (byNumber, byName string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that a test cuts
	if state != nil {
		was := server.Config.ConnState
		server.Config.ConnState = func(c net.Conn, s http.ConnState) {
			state(c, s)
			if was != nil {
				was(c, s)
			}
		}
	}
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + port, "http://phone.test:" + port
}
