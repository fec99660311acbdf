//go:build !js

package web

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestScreens looks at the page as people see it, narrow and wide, light and dark: nothing runs over the edge,
// and the button that matters is in reach. GOLDPAN_SCREENS names a folder that keeps the pictures.
func TestScreens(t *testing.T) {
	folder := os.Getenv("GOLDPAN_SCREENS")
	if folder == "" {
		folder = t.TempDir()
	}
	pool := newPool(t)
	_, address := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	screens := []struct {
		name          string
		width, height int64
		touch         bool
	}{{"small", 320, 568, true}, {"phone", 390, 844, true}, {"desktop", 1280, 800, false}}

	for _, screen := range screens {
		options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(2)}
		if screen.touch {
			options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
		}
		do(t, tab, chromedp.EmulateViewport(screen.width, screen.height, options...))
		shoot := func(moment string) {
			for _, scheme := range []string{"light", "dark"} {
				prefer(t, tab, scheme)
				name := filepath.Join(folder, screen.name+"-"+moment+"-"+scheme+".png")
				for suffix, action := range map[string]chromedp.Action[[]byte]{"": chromedp.CaptureScreenshot(), "-whole": chromedp.FullScreenshot(100)} {
					picture, err := chromedp.Run(tab, action)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(name[:len(name)-4]+suffix+".png", picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			if over := evaluate[int](t, tab, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s, %s: the page is %d pixels too wide", screen.name, moment, over)
			}
		}
		reach := func(id string) {
			t.Helper()
			for _, at := range []string{"0", "document.documentElement.scrollHeight"} {
				if !evaluate[bool](t, tab, `(() => {
					window.scrollTo(0, `+at+`);
					const box = document.getElementById("`+id+`").getBoundingClientRect();
					return box.height >= 44 && box.width >= 44 && box.top >= 0 && box.bottom <= innerHeight;
				})()`) {
					t.Errorf("%s: #%s is out of reach at scroll %s", screen.name, id, at)
				}
			}
			evaluate[bool](t, tab, "(window.scrollTo(0, 0), true)")
		}

		visit(t, tab, address+"/")
		await(t, tab, "document.body.dataset.state === 'ready'")
		reach("start")
		shoot("before")
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, "Number(document.getElementById('accepted').textContent) >= 8")
		await(t, tab, "Number(document.getElementById('hashrate').textContent.replaceAll(',', '')) > 0")
		reach("stop")
		shoot("mining")
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		stopped(t, tab, pool)
		shoot("stopped")
	}
}

func prefer(t *testing.T, tab context.Context, scheme string) {
	t.Helper()
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
	evaluate[bool](t, tab, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
}
