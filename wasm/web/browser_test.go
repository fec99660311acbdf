//go:build !js

package web

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience bounds the wait for anything that a browser does. It is long because the machine may be busy; no
// test waits for it to pass.
const patience = 60 * time.Second

// pageDir is where TestMain lets the page be built.
var pageDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "goldpan-web-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pageDir = filepath.Join(dir, "dist")
	code := m.Run()
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

// chromium returns the browser's path, and fails the test where there is none.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is missing: install it (Debian: apt-get install chromium)")
	return ""
}

// chrome starts a fresh Chromium, for which phone.test is this machine, and returns its first tab.
func chrome(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP phone.test 127.0.0.1"),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
	}, flags("disable-background-networking", "disable-component-update", "disable-sync", "no-proxy-server",
		"disable-extensions", "disable-dev-shm-usage", "mute-audio")...)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(options, more...)...)
	t.Cleanup(stop)
	tab, shut := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(shut)
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return tab
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

// await waits until an expression is true on the page.
func await(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("waited for %s; the page shows:\n%s", expression, evaluate[string](t, tab, "document.body.dataset.state + ': ' + document.body.innerText"))
		}
	}()
	eventually(t, patience, expression, func() bool { return evaluate[bool](t, tab, "Boolean("+expression+")") })
}

// workers counts the browser's running workers: the control worker and the lanes.
func workers(t *testing.T, tab context.Context) (n int) {
	t.Helper()
	targets, err := chromedp.Targets(tab)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range targets {
		if info.Type == "worker" {
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
	tick := time.NewTicker(20 * time.Millisecond)
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
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + port, "http://phone.test:" + port
}
