//go:build !js

package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"goldpan/assets"
	"goldpan/wasm/web/browsertest"
)

// What the page shows and keeps.
const (
	isReady   = "document.body.dataset.state === 'ready'"
	isInvite  = "document.body.dataset.state === 'invite'"
	isMining  = "document.body.dataset.state === 'mining'"
	hashCount = "Number(document.getElementById('hashes').dataset.count)"
	problem   = "document.getElementById('invite-problem').textContent"
	kept      = "localStorage.getItem('goldpan.device') ?? ''"
)

// countLanes counts on a page the lanes that there are from now on, and all that were made.
const countLanes = `(() => {
	window.lanes = window.lanesMade = 0;
	window.Worker = class extends Worker {
		constructor(script) { super(script); this.lane = script === "lane.js"; if (this.lane) window.lanes++, window.lanesMade++; }
		terminate() { if (this.lane) window.lanes--; this.lane = false; super.terminate(); }
	};
	return true;
})()`

func found(n int) string {
	return fmt.Sprintf("Number(document.getElementById('accepted').textContent.replace(/\\D/g, '')) >= %d", n)
}

// hidden makes the page believe that it is hidden, where a driver cannot hide it.
func hidden(p *browsertest.Page, on bool) {
	state := map[bool]string{true: "hidden", false: "visible"}[on]
	p.Eval(`(() => {
		Object.defineProperty(document, "visibilityState", {configurable: true, get: () => "`+state+`"});
		document.dispatchEvent(new Event("visibilitychange"));
		return true;
	})()`, new(bool))
}

// TestLifeOfADevice is the whole of it in every browser: no invitation, an invitation, the tap, shares that the gateway
// counts, another tab, a page that is hidden, one that is loaded again, Stop, another visit, a network that is cut, a
// gateway that is started anew, leaving.
func TestLifeOfADevice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		browser browsertest.Name
		name    bool // by a name that is no secure context
	}{{browsertest.Chromium, false}, {browsertest.Chromium, true}, {browsertest.Firefox, false}, {browsertest.WebKit, false}} {
		title := string(c.browser)
		if c.name {
			title += ", home network"
		}
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			origin := h.byNumber
			if c.name {
				origin = h.byName
			}
			p := inBrowser(t, c.browser)
			p.Navigate(origin + "/")
			p.Await(isInvite)
			if p.Text("String(isSecureContext)") != fmt.Sprint(!c.name) {
				t.Fatalf("%s: a secure context: %s", origin, p.Text("String(isSecureContext)"))
			}
			if p.Text("String(getComputedStyle(document.getElementById('start')).display === 'none' || document.getElementById('dock').hidden)") != "true" {
				t.Error("without an invitation there is a Start button")
			}

			// The link, as a phone's camera opens it. Its secret is gone at once, and nothing runs.
			p.Navigate("about:blank")
			p.Navigate(h.invites(origin))
			p.Await(isReady)
			if at := p.Text("location.href"); strings.Contains(at, "join") || strings.Contains(at, "#") {
				t.Errorf("the address bar shows %q", at)
			}
			for id, want := range map[string]string{"payee": "Ada's wallet", "payout": h.payee.Address} {
				if got := p.Text("document.getElementById('" + id + "').textContent"); got != want {
					t.Errorf("#%s is %q, want %q", id, got, want)
				}
			}
			p.Eval("(document.getElementById('start').click(), true)", new(bool))
			if n := h.meetings(); n != 0 || len(h.gate.Devices()) != 0 {
				t.Fatalf("without a tap %d connections, %d devices", n, len(h.gate.Devices()))
			}

			p.Click("#start")
			p.Await(isMining + " && " + found(1))
			eventually(t, patience, "the gateway counts shares of one device", func() bool {
				shares, devices := h.counted()
				return shares >= 1 && devices == 1 && len(h.gate.Devices()) == 1
			})
			if n := len(p.Text(kept)); n != 62 {
				t.Errorf("what is kept is %d characters long", n)
			}

			// Another tab of this browser says that this one mines. Where it hides this one, this one rests meanwhile.
			p.Eval(`(() => {
				window.stood = [];
				new MutationObserver(() => stood.push(document.visibilityState + " " + document.body.dataset.state)).observe(document.body, {attributes: true});
				return true;
			})()`, new(bool))
			p.Front(1)
			p.Navigate(origin + "/")
			p.Await(isReady)
			p.Eval(countLanes, new(bool))
			p.Click("#start")
			p.Await("document.body.dataset.state === 'stopped' && " + reason + ".includes('another tab')")
			if made := p.Text("String(window.lanesMade)"); made != "0" {
				t.Errorf("beside another tab the page made %s lanes", made)
			}
			if c.browser == browsertest.Firefox {
				eventually(t, patience, "the hidden tab rests", func() bool {
					before, _ := h.counted()
					p.Eval("new Promise((done) => setTimeout(done, 1500, true))", new(bool))
					after, _ := h.counted()
					return after == before
				})
			}
			p.Front(0)
			p.Await(isMining)
			if stood := p.Text("stood.join(', ')"); (c.browser == browsertest.Firefox) != strings.Contains(stood, "hidden paused") {
				t.Errorf("behind another tab the page was: %s", stood)
			}

			// Hidden by a script, as no driver hides WebKit; Chromium's own way is TestPausesWhileHidden's.
			hidden(p, true)
			p.Await("document.body.dataset.state === 'paused'")
			eventually(t, patience, "the lanes rest", func() bool {
				return p.Text("new Promise((done) => { const was = "+hashCount+"; setTimeout(() => done(String(was === "+hashCount+")), 1200); })") == "true"
			})
			hidden(p, false)
			p.Await(isMining)

			// Loaded again while it mines, the page waits for another tap.
			p.Reload()
			p.Await(isReady)
			eventually(t, patience, "the device leaves", func() bool { _, devices := h.counted(); return devices == 0 })
			met := h.meetings()
			p.Eval("new Promise((done) => setTimeout(done, 600, true))", new(bool))
			if state := p.Text("document.body.dataset.state"); state != "ready" || h.meetings() != met {
				t.Errorf("loaded again the page is %q, after %d more connections", state, h.meetings()-met)
			}
			p.Eval(countLanes, new(bool))
			p.Click("#start")
			p.Await(isMining + " && " + found(1) + " && window.lanes > 0")
			p.Click("#stop")
			p.Await("document.body.dataset.state === 'stopped' && window.lanes === 0")
			eventually(t, patience, "the device leaves", func() bool { _, devices := h.counted(); return devices == 0 })
			if others := p.Text(`performance.getEntriesByType("resource").map((e) => e.name).filter((name) => !name.startsWith(location.origin)).join()`); others != "" {
				t.Errorf("the page asks others: %s", others)
			}

			// Another visit: it is known by what it kept. Mining still wants the tap.
			p.Navigate("about:blank")
			p.Navigate(origin + "/")
			p.Await(isReady)
			p.Click("#start")
			p.Await(isMining + " && " + found(1))
			if n := len(h.gate.Devices()); n != 1 {
				t.Errorf("after another visit there are %d devices", n)
			}

			// The network goes and comes.
			h.cutting(true)
			p.Await("document.body.dataset.state === 'down'")
			if text := p.Text(reason); !strings.Contains(text, "does not answer") && !strings.Contains(text, "closed") {
				t.Errorf("without a network the page says %q", text)
			}
			h.cutting(false)
			p.Await(isMining)

			// So does the gateway.
			met = h.meetings()
			h.end()
			p.Await("document.body.dataset.state === 'down'")
			h.start()
			p.Await(isMining)
			if h.meetings() == met {
				t.Error("the page mines at no gateway")
			}
			p.Click("#stop")
			p.Await("document.body.dataset.state === 'stopped'")

			// It leaves when the person says so, and at no script's click.
			p.Navigate(origin + "/")
			p.Await(isReady)
			p.Eval("(document.getElementById('leave').click(), true)", new(bool))
			if n := len(p.Text(kept)); n != 62 || p.Text("document.body.dataset.state") != "ready" {
				t.Error("a script's click left the gateway")
			}
			p.Click("#leave-ask")
			p.Click("#leave")
			p.Await(isInvite)
			if left := p.Text(kept); left != "" {
				t.Errorf("after leaving %q is kept", left)
			}
			p.Navigate(origin + "/")
			p.Await(isInvite)
			said := slices.DeleteFunc(p.Errors(), func(s string) bool { return strings.Contains(s, "/stratum") }) // a browser's own words on a cut connection
			if len(said) > 0 {
				t.Errorf("the page complains: %q", said)
			}
		})
	}
}

// Each reason not to be let in is told, and what the device has is kept unless the gateway has proved itself.
func TestRefusedDevices(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	origin := h.byNumber
	p := inBrowser(t, browsertest.Chromium)
	forget := func() {
		p.Navigate(origin + "/")
		p.Eval("(localStorage.clear(), true)", new(bool))
		p.Navigate("about:blank")
	}
	try := func(link, words string) {
		t.Helper()
		p.Navigate("about:blank")
		p.Navigate(link)
		p.Await(isReady)
		p.Click("#start")
		p.Await(isInvite + " && " + problem + ".includes('" + words + "')")
	}
	used := h.invites(origin)
	p.Navigate("about:blank")
	p.Navigate(used)
	p.Await(isReady)
	p.Click("#start")
	p.Await(isMining)
	p.Click("#stop")
	forget()
	try(used, "used already")
	try(newHome(t).invites(origin), "not known there")
	try(used[:len(used)-1]+"x", "missing or wrong")
	if said := p.Text("document.getElementById('said').textContent"); said != "" {
		t.Errorf("beside what is wrong a screen reader still hears %q", said)
	}

	// By hand: what is no link, one of another address with the way there, and a good one.
	paste := func(text string) {
		t.Helper()
		p.Eval(fmt.Sprintf("(document.getElementById('link').value = %q, true)", text), new(bool))
		p.Click("#join-button")
	}
	p.Navigate(origin + "/")
	p.Await(isInvite)
	paste("hello")
	p.Await(problem + ".includes('no invitation')")
	elsewhere := strings.Replace(h.invites(h.byName), "phone.test", "other.test", 1)
	paste(elsewhere)
	p.Await(problem + ".includes('another address')")
	// The way there is shown, and stays when the page speaks another language.
	for _, language := range []string{"en", "de", "en"} {
		p.Eval(fmt.Sprintf(`(() => {
			const chooser = document.getElementById("language");
			chooser.value = %q;
			chooser.dispatchEvent(new Event("change"));
			return true;
		})()`, language), new(bool))
		p.Await("document.documentElement.lang === '" + language + "'")
		p.Await(problem + ".includes('" + assets.Speak(language).Text("invite.origin") + "')")
		if way := p.Text("document.getElementById('invite-way').getClientRects().length && document.getElementById('invite-way').href"); way != elsewhere {
			t.Errorf("%s: the way there is %q", language, way)
		}
	}
	// A link that is opened while the page is open is as good, and as little of it is left.
	p.Eval(fmt.Sprintf("(location.href = %q, true)", h.invites(origin)), new(bool))
	p.Await(isReady)
	if at := p.Text("location.href"); strings.Contains(at, "#") {
		t.Errorf("the address bar shows %q", at)
	}
	p.Navigate("about:blank")
	p.Navigate(origin + "/")
	p.Await(isInvite)
	good := h.invites(origin)
	paste("  " + good + "\n")
	p.Await(isReady)
	if left := p.Text("document.getElementById('link').value"); left != "" {
		t.Errorf("the link stays in its field: %q", left)
	}
	p.Click("#start")
	p.Await(isMining + " && " + found(1))

	// Removed while it mines: it is told so, and keeps its credential, for anybody might have said it.
	devices := h.gate.Devices()
	if err := h.gate.Remove(devices[len(devices)-1].ID); err != nil {
		t.Fatal(err)
	}
	h.cutting(true)
	h.cutting(false)
	p.Await(isInvite + " && " + problem + ".includes('removed')")
	eventually(t, patience, "the workers end", func() bool { return p.Text("String(document.body.dataset.state)") == "invite" })
	if len(p.Text(kept)) != 62 {
		t.Error("the credential was forgotten on a stranger's word")
	}
	// A new invitation brings it back.
	paste(h.invites(origin))
	p.Await(isReady)
	p.Click("#start")
	p.Await(isMining)
	p.Click("#stop")
	p.Await("document.body.dataset.state === 'stopped'")

	// It leaves.
	p.Navigate(origin + "/")
	p.Await(isReady)
	p.Click("#leave-ask")
	p.Click("#leave")
	p.Await(isInvite)
	if left := p.Text(kept); left != "" {
		t.Errorf("after leaving %q is kept", left)
	}
	p.Navigate(origin + "/")
	p.Await(isInvite)
}

// Whoever agreed to mine for one has not agreed to another: not before the start, nor after.
func TestThePayeeIsProved(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	p := inBrowser(t, browsertest.Chromium)
	address := h.payee.Address
	h.pays("Eve", address, false) // the page is told one name, the gateway proves another
	p.Navigate(h.invites(h.byNumber))
	p.Await(isReady)
	p.Click("#start")
	p.Await("document.body.dataset.state === 'stopped' && " + reason + ".includes('has changed')")
	if name := p.Text("document.getElementById('payee').textContent"); name != "Eve" {
		t.Errorf("the page names %q", name)
	}
	if shares, _ := h.counted(); shares != 0 {
		t.Errorf("%d shares for somebody whom nobody agreed to", shares)
	}
	p.Eval("new Promise((done) => setTimeout(done, 600, true))", new(bool)) // no press for Stop
	p.Click("#start")
	p.Await(isMining + " && " + found(1))
	h.pays("Mallory", address, true)
	h.cutting(true)
	h.cutting(false)
	p.Await("document.body.dataset.state === 'stopped' && " + reason + ".includes('has changed')")
	if name := p.Text("document.getElementById('payee').textContent"); name != "Mallory" {
		t.Errorf("the page names %q", name)
	}
	if n := len(h.gate.Devices()); n != 1 {
		t.Errorf("%d devices", n)
	}
}
