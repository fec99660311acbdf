//go:build !js

package web

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"goldpan/assets"
)

// TestScreens looks at every face of the page as people see it, narrow, wide and on its side, in large text, from right to left,
// and in each language: nothing runs over the edge or into its neighbour, and the button that matters is in reach.
func TestScreens(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	check := func(what string) {
		t.Helper()
		for _, fault := range evaluate[[]string](t, tab, overflow) {
			t.Errorf("%s: %s", what, fault)
		}
	}

	for _, size := range [][2]int64{{320, 568}, {390, 844}, {667, 375}, {820, 1180}, {1280, 800}} {
		screen(t, tab, size[0], size[1], 1)
		openFace(t, tab, address, "en", faces[0])
		for _, f := range faces {
			showFace(t, tab, f)
			check(f.name)
			reach(t, tab, f.name)
		}
	}
	// The longest of the words decide, and 200 % text.
	screen(t, tab, 320, 568, 1)
	for _, language := range assets.Languages() {
		openFace(t, tab, address, language, faces[0])
		for _, f := range faces {
			showFace(t, tab, f)
			check(language + ", " + f.name)
		}
		if language != "de" { // whose words are the longest
			continue
		}
		evaluate[bool](t, tab, `(document.documentElement.style.fontSize = "200%", true)`)
		for _, f := range faces {
			showFace(t, tab, f)
			check("large, " + f.name)
			reach(t, tab, "large, "+f.name)
		}
		evaluate[bool](t, tab, `(document.documentElement.dir = "rtl", document.documentElement.style.fontSize = "", true)`)
		for _, f := range faces {
			showFace(t, tab, f)
			check("from right to left, " + f.name)
		}
	}
}

// overflow lists what does not fit: the page is wider than the screen, or a part runs over its own edge.
const overflow = `(() => {
	const faults = [];
	const page = document.documentElement.scrollWidth - innerWidth;
	if (page > 0) faults.push("the page is " + page + " pixels too wide");
	for (const e of document.querySelectorAll("main *, header *, footer *")) {
		if (e.closest(".unseen") || !e.getClientRects().length || e.closest("svg, select")) continue;
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline")
			faults.push((e.id || e.className || e.tagName) + " runs over its edge: " + e.textContent.trim().slice(0, 40));
	}
	return faults;
})()`

// reach demands that the button that matters is on the screen, wherever the page is scrolled to.
func reach(t *testing.T, tab context.Context, what string) {
	t.Helper()
	if lost := evaluate[string](t, tab, `(() => {
		for (const id of ["start", "stop"]) {
			const button = document.getElementById(id);
			if (!button.getClientRects().length) continue;
			for (const at of [0, document.documentElement.scrollHeight]) {
				scrollTo(0, at);
				const box = button.getBoundingClientRect();
				if (box.height < 44 || box.width < 44 || box.top < 0 || box.bottom > innerHeight) return id + " at scroll " + at;
			}
			scrollTo(0, 0);
		}
		return "";
	})()`); lost != "" {
		t.Errorf("%s: out of reach: %s", what, lost)
	}
}

// TestPictures takes a picture of every face into the folder that GOLDPAN_SCREENS names (make screens): phone and
// desktop, light and dark, in the languages of GOLDPAN_LANGUAGES. Without a folder it takes one, to see that it can.
func TestPictures(t *testing.T) {
	t.Parallel()
	folder, languages, shown := os.Getenv("GOLDPAN_SCREENS"), os.Getenv("GOLDPAN_LANGUAGES"), faces
	if folder == "" {
		folder, languages, shown = t.TempDir(), "de", faces[:1]
	}
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		screen(t, tab, size.width, size.height, 2)
		for language := range strings.SplitSeq(languages, ",") {
			for _, scheme := range []string{"light", "dark"} {
				openFace(t, tab, address, language, faces[0])
				prefer(t, tab, scheme)
				// A picture is of the whole page: the bar with the button stands at its end, and covers nothing.
				evaluate[bool](t, tab, `(document.getElementById("dock").style.position = "static", true)`)
				for _, f := range shown {
					showFace(t, tab, f)
					evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 700, true))") // the nuggets fall
					picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					name := filepath.Join(folder, strings.Join([]string{size.name, language, scheme, f.name}, "-")+".png")
					if err := os.WriteFile(name, picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}
