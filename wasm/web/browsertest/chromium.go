//go:build !js

package browsertest

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

type chromium struct {
	tab    context.Context // the one that is spoken to
	tabs   []context.Context
	shut   []func() // of each tab
	stop   func()
	faults *faults
}

func startChromium(ctx context.Context, room string, faults *faults) (driver, error) {
	path, err := program("chromium", "chromium", "chromium-browser", "google-chrome")
	if err != nil {
		return nil, err
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(room), chromedp.WSURLReadTimeout(Patience),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP phone.test 127.0.0.1"),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
	}
	for _, flag := range []string{"disable-background-networking", "disable-component-update", "disable-sync",
		"no-proxy-server", "disable-extensions", "disable-dev-shm-usage", "mute-audio"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(ctx), options...)
	tab, shut := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	c := &chromium{tab: tab, tabs: []context.Context{tab}, shut: []func(){shut}, stop: stop, faults: faults}
	if err := c.listen(tab); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// listen starts a tab, and keeps what its page complains of.
func (c *chromium) listen(tab context.Context) error {
	return chromedp.Listen(tab, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			text := event.ExceptionDetails.Text
			if e := event.ExceptionDetails.Exception; e != nil {
				text += " " + e.Description
			}
			c.faults.add(text)
		case *runtime.EventConsoleAPICalled:
			if event.Type == "error" {
				text := ""
				for _, arg := range event.Args {
					text += string(arg.Value) + arg.Description
				}
				c.faults.add(text)
			}
		}
	})
}

// within makes the tab's context end with ctx too.
func (c *chromium) within(ctx context.Context) (context.Context, func()) {
	tab, cancel := context.WithCancel(c.tab)
	unhook := context.AfterFunc(ctx, cancel)
	return tab, func() { unhook(); cancel() }
}

func (c *chromium) do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	tab, done := c.within(ctx)
	defer done()
	return chromedp.Do(tab, steps...)
}

func (c *chromium) navigate(ctx context.Context, url string) error {
	return c.do(ctx, chromedp.Navigate(url))
}

func (c *chromium) reload(ctx context.Context) error { return c.do(ctx, chromedp.Reload()) }

func (c *chromium) front(ctx context.Context, tab int) error {
	if tab == len(c.tabs) {
		made, shut := chromedp.NewContext(c.tabs[0])
		c.tabs, c.shut = append(c.tabs, made), append(c.shut, shut)
		if err := c.listen(made); err != nil {
			return err
		}
	}
	c.tab = c.tabs[tab]
	within, done := c.within(ctx)
	defer done()
	_, err := chromedp.Call(within, page.BringToFront, cdp.Empty{})
	return err
}

func (c *chromium) alone(context.Context) error {
	for _, shut := range c.shut[1:] {
		shut()
	}
	c.tabs, c.shut = c.tabs[:1], c.shut[:1]
	c.tab = c.tabs[0]
	return nil
}

func (c *chromium) eval(ctx context.Context, expression string) (string, error) {
	tab, done := c.within(ctx)
	defer done()
	return chromedp.Run(tab, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
}

func (c *chromium) click(ctx context.Context, x, y float64) error {
	return c.do(ctx, chromedp.MouseClickXY(x, y))
}

func (c *chromium) press(ctx context.Context, key Key) error {
	text, ok := map[Key]string{Enter: kb.Enter, Tab: kb.Tab, Escape: kb.Escape, ArrowLeft: kb.ArrowLeft, ArrowRight: kb.ArrowRight, Space: " "}[key]
	if !ok {
		return fmt.Errorf("key %q is not known", rune(key))
	}
	return c.do(ctx, chromedp.KeyEvent(text))
}

func (c *chromium) screenshot(ctx context.Context) ([]byte, error) {
	tab, done := c.within(ctx)
	defer done()
	return chromedp.Run(tab, chromedp.CaptureScreenshot())
}

func (c *chromium) resize(ctx context.Context, width, height int) error {
	return c.do(ctx, chromedp.EmulateViewport(int64(width), int64(height)))
}

func (c *chromium) close() {
	c.shut[0]()
	c.stop()
}
