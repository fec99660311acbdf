//go:build !js

package browsertest

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

type chromium struct {
	tab  context.Context
	stop func()
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
	c := &chromium{tab, func() { shut(); stop() }}
	if err := chromedp.Listen(tab, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			text := event.ExceptionDetails.Text
			if e := event.ExceptionDetails.Exception; e != nil {
				text += " " + e.Description
			}
			faults.add(text)
		case *runtime.EventConsoleAPICalled:
			if event.Type == "error" {
				text := ""
				for _, arg := range event.Args {
					text += string(arg.Value) + arg.Description
				}
				faults.add(text)
			}
		}
	}); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
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

func (c *chromium) close() { c.stop() }
