//go:build !js

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

// TestReducedMotion: nothing moves for who asks for less, and the picture is there all the same.
func TestReducedMotion(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		const ask = window.requestAnimationFrame;
		window.frames_asked = 0;
		window.requestAnimationFrame = (f) => { window.frames_asked++; return ask(f); };
	})()`)
	frames := func(feature string) int {
		t.Helper()
		media(t, tab, "prefers-reduced-motion", feature)
		mines(t, tab, address)
		evaluate[bool](t, tab, "(window.frames_asked = 0, true)")
		evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1200, true))")
		n := evaluate[int](t, tab, "window.frames_asked")
		if !evaluate[bool](t, tab, `(() => {
			const pan = document.getElementById("pan"), {data} = pan.getContext("2d").getImageData(0, 0, pan.width, pan.height);
			return data.some((v, i) => i % 4 < 3 && v !== data[i % 4]);
		})()`) {
			t.Errorf("%q: the picture is empty", feature)
		}
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		stopped(t, tab, pool)
		return n
	}
	endless := func() int { // what the style sheet moves
		t.Helper()
		n := 0
		for _, f := range faces {
			showFace(t, tab, f)
			n += evaluate[int](t, tab, "document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime === Infinity).length")
		}
		return n
	}
	if n := frames("reduce"); n != 0 {
		t.Errorf("for less motion %d frames were drawn", n)
	}
	if n := endless(); n != 0 {
		t.Errorf("for less motion the style sheet moves %d things", n)
	}
	if n := frames("no-preference"); n == 0 {
		t.Error("without that wish nothing moves: this test tells nothing")
	}
	if n := endless(); n == 0 {
		t.Error("without that wish the style sheet moves nothing: this test tells nothing")
	}
}

// TestForcedColors: where the system sets the colours, what can be pressed has an edge, and what a colour says has
// another sign.
func TestForcedColors(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	openFace(t, tab, address, "en", faces[0])
	media(t, tab, "forced-colors", "active")
	if !evaluate[bool](t, tab, "matchMedia('(forced-colors: active)').matches") {
		t.Fatal("this browser forces no colours")
	}
	for _, f := range faces {
		showFace(t, tab, f)
		for _, fault := range evaluate[[]string](t, tab, `(() => {
			const faults = [];
			for (const e of document.querySelectorAll("button, select, input[type=url], .switch input, .dot, .card, .track, .notice")) {
				if (!e.getClientRects().length) continue;
				const s = getComputedStyle(e), behind = getComputedStyle(document.body).backgroundColor;
				const edges = ["Top", "Left"].some((side) => parseFloat(s["border" + side + "Width"]) >= 1 && s["border" + side + "Color"] !== behind);
				if (!edges) faults.push((e.id || e.className || e.tagName) + " has no edge");
			}
			const bar = document.getElementById("zeros-bar");
			if (bar.getClientRects().length && getComputedStyle(bar).backgroundColor === getComputedStyle(bar.parentElement).backgroundColor)
				faults.push("the bar of zeros cannot be told from its track");
			return faults;
		})()`) {
			t.Errorf("%s: %s", f.name, fault)
		}
	}
}

// TestByKeyboardAlone joins, mines and stops without a pointer, and holds what a screen reader is told of each thing on
// the way.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	tab := chrome(t)
	visit(t, tab, h.byNumber+"/")
	await(t, tab, isInvite)
	const focus = "document.activeElement.id"
	to := func(id string) {
		t.Helper()
		evaluate[bool](t, tab, "(document.activeElement?.blur(), true)")
		for range 40 {
			do(t, tab, chromedp.KeyEvent(kb.Tab))
			at := evaluate[string](t, tab, focus)
			if shown := evaluate[string](t, tab, `(() => {
				const e = document.activeElement;
				if (e === document.body) return "";
				const s = getComputedStyle(e), box = e.getBoundingClientRect();
				if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) return "no outline";
				return box.bottom > 0 && box.top < innerHeight ? "" : "off the screen";
			})()`); shown != "" {
				t.Errorf("the focus on %q: %s", at, shown)
			}
			if at == id {
				return
			}
		}
		t.Fatalf("Tab does not come to #%s", id)
	}
	named(t, tab, "combobox: Language", "textbox: Or copy the link from there, and paste it here:", "button: Join", "heading: This page needs an invitation", "image: A phone looks at a square code on a computer.")
	to("link")
	do(t, tab, chromedp.KeyEvent("nothing of the kind"), chromedp.KeyEvent(kb.Enter))
	await(t, tab, problem+".includes('no invitation')")
	if at := evaluate[string](t, tab, focus); at != "link" {
		t.Errorf("after a wrong link the focus is on %q", at)
	}
	if told := evaluate[string](t, tab, `document.getElementById("link").getAttribute("aria-describedby") + " " + document.getElementById("link").getAttribute("aria-invalid")`); !strings.Contains(told, "invite-problem") {
		t.Errorf("the field with the wrong link is described by %q", told)
	}
	do(t, tab, chromedp.KeyEvent(h.invites(h.byNumber)), chromedp.KeyEvent(kb.Enter))
	await(t, tab, isReady)
	named(t, tab, "button: Start mining", "slider: Cores to use", "slider: Power", "heading: Who is paid")
	to("start")
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	await(t, tab, isMining+" && "+found(1))
	if at := evaluate[string](t, tab, focus); at != "stop" {
		t.Errorf("while it mines the focus is on %q", at)
	}
	named(t, tab, "button: Stop", "image: A gold pan in a river. Grains are hashes, nuggets are accepted shares.", "heading: Mining")
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	await(t, tab, "document.body.dataset.state === 'stopped'")
	if at := evaluate[string](t, tab, focus); at != "start" {
		t.Errorf("after Stop the focus is on %q", at)
	}
}

// named demands that whatever can be used has a name, and that some have these, as "role: name".
func named(t *testing.T, tab context.Context, want ...string) {
	t.Helper()
	tree, err := chromedp.Call(tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		var role, name string
		_ = json.Unmarshal(node.Role.Value, &role)
		if node.Name != nil {
			_ = json.Unmarshal(node.Name.Value, &name)
		}
		all[role+": "+name] = true
		switch role {
		case "button", "textbox", "combobox", "slider", "switch", "link", "image", "heading", "region":
			if strings.TrimSpace(name) == "" {
				t.Errorf("a %s has no name", role)
			}
		}
	}
	for _, w := range want {
		if !all[w] {
			t.Errorf("a screen reader finds no %q", w)
		}
	}
}

// TestKeepsNothing: where the browser keeps nothing, that is said before, and the device is known for the visit.
func TestKeepsNothing(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.info.PayeeName, h.info.Payee = "this household", "household"
	h.payee.Name = h.info.PayeeName
	tab := chrome(t)
	first(t, tab, `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }`)
	visit(t, tab, h.byNumber+"/")
	await(t, tab, isInvite)
	if !evaluate[bool](t, tab, "document.getElementById('join-visit').getClientRects().length > 0") {
		t.Error("the page does not say that nothing is kept")
	}
	visit(t, tab, "about:blank")
	visit(t, tab, h.invites(h.byNumber))
	await(t, tab, isReady)
	if text := evaluate[string](t, tab, "document.getElementById('facts-secret').textContent"); !strings.Contains(text, "keeps nothing") {
		t.Errorf("before Start the page says %q", text)
	}
	for range 2 { // the second time by what it remembers
		unhurried(t, tab)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, isMining+" && "+hashCount+" > 0")
		if name := evaluate[string](t, tab, "document.getElementById('payee').textContent"); name != "This household" {
			t.Errorf("the page names %q", name)
		}
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		await(t, tab, "document.body.dataset.state === 'stopped'")
	}
	if n := len(h.gate.Devices()); n != 1 {
		t.Errorf("%d devices", n)
	}
	// A name that Goldpan gives is said in the reader's language; one that was proved to be another is not.
	evaluate[bool](t, tab, `(() => {
		const chooser = document.getElementById("language");
		chooser.value = "de";
		chooser.dispatchEvent(new Event("change"));
		return true;
	})()`)
	await(t, tab, "document.getElementById('payee').textContent === 'Dieser Haushalt'")
	visit(t, tab, h.byNumber+"/")
	await(t, tab, isInvite)
}

// TestAFullStore: there is room for a new credential in the place of the old one.
func TestAFullStore(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	tab := chrome(t)
	visit(t, tab, h.byNumber+"/")
	await(t, tab, isInvite)
	got := evaluate[string](t, tab, `import("./join.js").then((join) => {
		const older = "A".repeat(62), newer = "B".repeat(62), set = Storage.prototype.setItem;
		localStorage.setItem("goldpan.device", older);
		Storage.prototype.setItem = function(key, value) {
			if (this.length > 0) throw new DOMException("full", "QuotaExceededError");
			set.call(this, key, value);
		};
		return [join.keep(newer), join.credential() === newer, localStorage.getItem("goldpan.device") === newer].join(" ");
	})`)
	if got != "true true true" {
		t.Errorf("kept, known, there: %s", got)
	}
}

// TestTellsWhatItWaitsFor: for the gateway's answer, or for work.
func TestTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	page := func(serve func(ctx context.Context, conn jsonrpc.Conn)) Options {
		info := practiceInfo
		return Options{
			Info: func() Info { return info },
			Device: func(ctx context.Context, conn jsonrpc.Conn, _ string) error {
				defer conn.Close()
				serve(ctx, conn)
				return nil
			},
		}
	}
	t.Run("for the answer", func(t *testing.T) {
		options := page(func(ctx context.Context, conn jsonrpc.Conn) {
			for { // it hears, and says nothing
				if _, err := conn.ReadMessage(ctx); err != nil {
					return
				}
			}
		})
		info := options.Info()
		info.Join = true
		options.Info = func() Info { return info }
		address, _ := serve(t, newServer(builtPage(t), options))
		tab := chrome(t)
		made, err := invite.NewGate(invite.Config{}).Invite(address)
		if err != nil {
			t.Fatal(err)
		}
		visit(t, tab, made.Link())
		await(t, tab, isReady)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, "document.body.dataset.state === 'connecting' && "+reason+".includes('may mine for it')")
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	})
	t.Run("for work", func(t *testing.T) {
		address, _ := serve(t, newServer(builtPage(t), page(func(ctx context.Context, conn jsonrpc.Conn) {
			for { // every question is answered, and no job is sent
				b, err := conn.ReadMessage(ctx)
				var m wire
				if err != nil || json.Unmarshal(b, &m) != nil {
					return
				}
				result := "true"
				if m.Method == "mining.subscribe" {
					result = `[[["mining.notify", "1"]], "00", 4]`
				}
				if conn.WriteMessage(ctx, fmt.Appendf(nil, `{"id":%s,"result":%s,"error":null}`, m.ID, result)) != nil {
					return
				}
			}
		})))
		tab := chrome(t)
		visit(t, tab, address+"/")
		await(t, tab, isReady)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, "document.body.dataset.state === 'waiting' && "+reason+".includes('no work')")
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	})
}
