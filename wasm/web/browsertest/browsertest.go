//go:build !js

// Package browsertest drives real browsers for tests and measurements: Chromium over its own protocol, Firefox
// over WebDriver BiDi (W3C working draft, a WebSocket that the browser serves itself), WebKit over W3C WebDriver
// through WebKitWebDriver, in a display of its own. What a browser keeps lies in a temporary folder, and all of it
// ends with [Browser.Close]. A browser that is missing is an error that says what to install.
//
// In Chromium and Firefox phone.test is this machine, by a name that is no secure context.
package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Patience bounds the wait for anything that a browser does. It is long because the machine may be busy; nothing
// waits for it to pass.
const Patience = 3 * time.Minute

// Name names a browser.
type Name string

// The browsers that the page is held to.
const (
	Chromium Name = "chromium"
	Firefox  Name = "firefox"
	WebKit   Name = "webkit"
)

// All returns every browser, Chromium first.
func All() []Name { return []Name{Chromium, Firefox, WebKit} }

// Key is a key to press.
type Key rune

// Keys, by the code points that WebDriver gives them.
const (
	Enter      Key = 0xE007
	Tab        Key = 0xE004
	Escape     Key = 0xE00C
	ArrowLeft  Key = 0xE012
	ArrowRight Key = 0xE014
	Space      Key = ' '
)

// driver is one browser with one page open. Its calls are made one after the other.
type driver interface {
	navigate(ctx context.Context, url string) error
	reload(ctx context.Context) error
	// front brings a tab to the front, numbered from 0; of the one after the last a new one is made. All else is said to it.
	front(ctx context.Context, tab int) error
	// alone closes all tabs but the first.
	alone(ctx context.Context) error
	// eval runs an expression whose value is a promise for a string.
	eval(ctx context.Context, expression string) (string, error)
	click(ctx context.Context, x, y float64) error // in CSS pixels of the viewport
	press(ctx context.Context, key Key) error
	screenshot(ctx context.Context) ([]byte, error)
	resize(ctx context.Context, width, height int) error // the viewport
	close()
}

// A Browser is a running browser with one page, or several in tabs. It is not for concurrent use.
type Browser struct {
	Name   Name
	driver driver
	faults *faults
	room   string // what the browser keeps
}

// faults collects what pages complain of.
type faults struct {
	mu   sync.Mutex
	said []string
}

func (f *faults) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, text)
}

// Launch starts a browser with an empty page. It ends with ctx, or with Close.
func Launch(ctx context.Context, name Name) (*Browser, error) {
	room, err := os.MkdirTemp("", "goldpan-"+string(name)+"-")
	if err != nil {
		return nil, err
	}
	b := &Browser{Name: name, faults: &faults{}, room: room}
	switch name {
	case Chromium:
		b.driver, err = startChromium(ctx, room, b.faults)
	case Firefox:
		b.driver, err = startFirefox(ctx, room, b.faults)
	case WebKit:
		b.driver, err = startWebKit(ctx, room)
	default:
		err = fmt.Errorf("no browser is called %q: choose chromium, firefox or webkit", string(name))
	}
	if err != nil {
		return nil, errors.Join(err, clear(room))
	}
	return b, nil
}

// Close ends the browser, and removes what it kept.
func (b *Browser) Close() error {
	b.driver.close()
	return clear(b.room)
}

// clear removes a browser's folder. Its last processes may end a little later, and write until then.
func clear(room string) error {
	var err error
	for range 100 {
		if err = os.RemoveAll(room); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// Navigate opens an address, and returns when it is loaded.
func (b *Browser) Navigate(ctx context.Context, url string) error {
	if err := b.driver.navigate(ctx, url); err != nil {
		return fmt.Errorf("%s opens %s: %w", b.Name, url, err)
	}
	return b.hear(ctx)
}

// Reload loads the page again, as a person does, and returns when it is loaded.
func (b *Browser) Reload(ctx context.Context) error {
	if err := b.driver.reload(ctx); err != nil {
		return fmt.Errorf("%s reloads: %w", b.Name, err)
	}
	return b.hear(ctx)
}

// Front brings a tab to the front, numbered from 0; of the one after the last a new one is made. What is called from then
// on is for that tab. Firefox hides the tab that was in front; in Chromium and in WebKit, which has a window for each, both
// are seen.
func (b *Browser) Front(ctx context.Context, tab int) error {
	if err := b.driver.front(ctx, tab); err != nil {
		return fmt.Errorf("%s, tab %d: %w", b.Name, tab, err)
	}
	return nil
}

func (b *Browser) hear(ctx context.Context) error {
	if b.Name == WebKit { // its driver does not tell
		_, err := b.driver.eval(ctx, listen)
		return err
	}
	return nil
}

// listen keeps on the page what it complains of from then on.
const listen = `(async () => {
	const said = window.goldpanFaults ??= [], was = console.error;
	console.error = (...all) => { said.push(all.join(" ")); was.apply(console, all); };
	addEventListener("error", (e) => said.push(e.message));
	addEventListener("unhandledrejection", (e) => said.push(String(e.reason)));
	return "";
})()`

// Eval sets v, by way of JSON, to what an expression is on the page; a promise is waited for. The page's scripts
// cannot tell it from their own: it is no tap.
func (b *Browser) Eval(ctx context.Context, expression string, v any) error {
	text, err := b.driver.eval(ctx, "(async () => JSON.stringify(await ("+expression+")) ?? 'null')()")
	if err != nil {
		return fmt.Errorf("%s: %s: %w", b.Name, expression, err)
	}
	return json.Unmarshal([]byte(text), v)
}

// Click presses and lets go the mouse on the first element that a CSS selector finds: a tap that the page trusts.
func (b *Browser) Click(ctx context.Context, selector string) error {
	quoted, err := json.Marshal(selector)
	if err != nil {
		return err
	}
	var at []float64
	if err := b.Eval(ctx, `(() => {
		const found = document.querySelector(`+string(quoted)+`);
		if (!found) return [];
		found.scrollIntoView({block: "center", behavior: "instant"});
		const box = found.getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 2];
	})()`, &at); err != nil {
		return err
	}
	if len(at) != 2 {
		return fmt.Errorf("%s: nothing on the page is %s", b.Name, selector)
	}
	return b.driver.click(ctx, at[0], at[1])
}

// Press presses a key and lets it go, wherever the focus is.
func (b *Browser) Press(ctx context.Context, key Key) error { return b.driver.press(ctx, key) }

// Screenshot returns what the viewport shows, as a PNG.
func (b *Browser) Screenshot(ctx context.Context) ([]byte, error) { return b.driver.screenshot(ctx) }

// Resize gives the viewport a size in CSS pixels. WebKit's window has a toolbar, and is at least 450 wide.
func (b *Browser) Resize(ctx context.Context, width, height int) error {
	return b.driver.resize(ctx, width, height)
}

// Errors returns what pages complained of on the console so far, or threw and nobody caught; of WebKit, what the
// present page did since Navigate returned.
func (b *Browser) Errors(ctx context.Context) ([]string, error) {
	if b.Name == WebKit {
		var said []string
		err := b.Eval(ctx, "window.goldpanFaults ?? []", &said)
		return said, err
	}
	b.faults.mu.Lock()
	defer b.faults.mu.Unlock()
	return append([]string(nil), b.faults.said...), nil
}

// program finds the first of some programs, or says what Debian calls their package.
func program(debian string, names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is missing: install it (Debian: apt-get install %s)", names[0], debian)
}

// A Page is a browser's page in a test, which fails when something does not work.
type Page struct {
	*Browser
	t testing.TB
}

// Open starts a browser that ends with the test. A browser that is missing fails it.
func Open(t testing.TB, name Name) *Page {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	b, err := Launch(ctx, name)
	if err != nil {
		t.Fatalf("%s does not start: %v", name, err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Page{b, t}
}

// In lends a running browser to a test. What pages complained of before is forgotten, and the browser stays when the test
// ends, on an empty page.
func (b *Browser) In(t testing.TB) *Page {
	b.faults.mu.Lock()
	b.faults.said = nil
	b.faults.mu.Unlock()
	p := &Page{b, t}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := errors.Join(b.driver.alone(ctx), b.Navigate(ctx, "about:blank")); err != nil {
			t.Error(err)
		}
	})
	return p
}

// in runs one step with patience, or fails the test.
func (p *Page) in(step func(ctx context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Patience)
	defer cancel()
	if err := step(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// Navigate is Browser.Navigate.
func (p *Page) Navigate(url string) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Navigate(ctx, url) })
}

// Reload is Browser.Reload.
func (p *Page) Reload() {
	p.t.Helper()
	p.in(p.Browser.Reload)
}

// Front is Browser.Front.
func (p *Page) Front(tab int) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Front(ctx, tab) })
}

// Eval is Browser.Eval.
func (p *Page) Eval(expression string, v any) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Eval(ctx, expression, v) })
}

// Text returns an expression that is a string.
func (p *Page) Text(expression string) (text string) {
	p.t.Helper()
	p.Eval(expression, &text)
	return text
}

// Await waits until an expression is true, or a promise for what is.
func (p *Page) Await(expression string) {
	p.t.Helper()
	p.await(Patience, expression)
}

// AwaitLong waits for what takes minutes, as long as the test may take.
func (p *Page) AwaitLong(expression string) {
	p.t.Helper()
	p.await(24*time.Hour, expression)
}

func (p *Page) await(within time.Duration, expression string) {
	p.t.Helper()
	deadline := time.Now().Add(within)
	for {
		var ok bool
		p.Eval("Promise.resolve("+expression+").then(Boolean)", &ok)
		if ok {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: waited in vain for %s", p.Name, expression)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Click is Browser.Click.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Click(ctx, selector) })
}

// Press is Browser.Press.
func (p *Page) Press(key Key) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Press(ctx, key) })
}

// Resize is Browser.Resize.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	p.in(func(ctx context.Context) error { return p.Browser.Resize(ctx, width, height) })
}

// Screenshot is Browser.Screenshot.
func (p *Page) Screenshot() (png []byte) {
	p.t.Helper()
	p.in(func(ctx context.Context) (err error) { png, err = p.Browser.Screenshot(ctx); return err })
	return png
}

// Errors is Browser.Errors.
func (p *Page) Errors() (said []string) {
	p.t.Helper()
	p.in(func(ctx context.Context) (err error) { said, err = p.Browser.Errors(ctx); return err })
	return said
}
