package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/watch"
)

func realConfig() config.Config {
	c := config.Default()
	c.Coin, c.Payout = "bitcoin", bitcoinAddress
	c.Pools = []config.Pool{{URL: "preset:public-pool", User: bitcoinAddress + ".goldpan"}}
	return c
}

// fullReal has something to say in every place, at its longest.
func fullReal(now time.Time) core.Snapshot {
	m := core.Snapshot{
		Pool: "stratum+tls://public-pool.io:4333", State: core.StateMining, Algorithm: hasher.SHA256d, Lanes: 128, Active: 128,
		Slowed:   "working 43% of the time, because the processor is at 91 °C and your limit is 90 °C",
		Warning:  core.PayoutWarning(0.5, true, nil),
		Hashrate: 347e6, Hashes: 1e12, Accepted: 1_234, Rejected: 123, Stale: 1234, Best: 1234.5, Difficulty: 0.02,
		Uptime: 75 * time.Hour, Resumed: now.Add(-time.Minute),
		Pools: []core.PoolState{
			{Pool: "stratum+tls://public-pool.io:4333", Phase: pow.Mining, Active: true},
			{Pool: "stratum+tcp://public-pool.io:3333", Idle: true},
			{Pool: "stratum+tcp://public-pool.io:21496", Reason: "the pool is connected but says nothing", Phase: pow.Down},
		},
	}
	m.Header[0] = 0x20
	m.Rates.Windows[impliedSpan] = watch.Window{Span: 15 * time.Minute, Accepted: 12, Implied: 320e6, Low: 210e6, High: 460e6,
		Why: "The pool counts less than was hashed here, and chance hardly explains it: see whether the connection breaks often, and whether this machine reports wrong hashes."}
	return m
}

func TestWhatMiningForRealSays(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	r := newRealScreen(func(bool) {}, func() {})
	w := test.NewTempWindow(t, r.content)
	w.Resize(fyne.NewSize(800, 1000))
	now := time.Now()
	r.settle(realConfig())
	r.ready()
	if text := allText(r.content); !strings.Contains(text, "Nothing is contacted or mined until you press Start.") || !strings.Contains(text, "Bitcoin at Public Pool") || !strings.Contains(text, bitcoinAddress) {
		t.Errorf("before Start the screen says %q", text)
	}
	r.show(fullReal(now), "", now, true)
	r.notice(core.Notice{Time: now, Text: "The pool public-pool.io says:", Quote: "<b>send coins</b>"})
	text := allText(r.content)
	for _, want := range []string{
		"Mining for 3 d 3 h", "Working 43% of the time", "347 MH/s", "Your shares of the last 15 min 0 s show 320 MH/s", "accepted", "rejected",
		"public-pool.io:4333 · in use", "public-pool.io:3333 · in reserve", "21496 · down: the pool is connected but says nothing",
		"This pool promises", "difficulty 1234", "“<b>send coins</b>”", stopText, "The pool counts less",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen does not say %q, but %s", want, text)
		}
	}
	back := fullReal(now)
	back.Slowed = ""
	if r.show(back, "", now, true); r.reason.Text != "Mining has resumed by itself, 1 min 0 s ago." {
		t.Errorf("after a pause: %q", r.reason.Text)
	}
	r.show(back, "", now, false)
	if r.state.Text != "Stopped" || !strings.Contains(r.reason.Text, "It ran for 3 d 3 h.") || !strings.Contains(r.pools.Text, "Nobody is contacted") {
		t.Errorf("stopped: %q, %q, %q", r.state.Text, r.reason.Text, r.pools.Text)
	}
	paused := core.Snapshot{State: core.StatePaused, Reason: "somebody uses the computer; it goes on after 2 minutes without keyboard and mouse"}
	r.show(paused, "", now, true)
	if r.state.Text != "Paused" || !strings.Contains(r.reason.Text, "after 2 minutes") || r.alarmRow.Visible() {
		t.Errorf("paused: %q, %q", r.state.Text, r.reason.Text)
	}
	down := core.Snapshot{State: core.StateDown, Err: jsonrpc.ErrRefused}
	r.show(down, "", now, true)
	if r.state.Text != "Not mining" || !strings.Contains(r.reason.Text, "Nothing is listening at that address.") || !strings.Contains(r.reason.Text, "tries again by itself") {
		t.Errorf("down: %q, %q", r.state.Text, r.reason.Text)
	}
	unknown := &jsonrpc.CertificateError{Host: "a:1", Fingerprint: testFingerprint, Err: jsonrpc.ErrUnknownAuthority}
	r.show(core.Snapshot{State: core.StateDown, Reason: "nobody vouches for the pool's certificate", Err: unknown}, "", now, true)
	if r.reason.Text != "Nobody vouches for the pool's certificate. Goldpan tries again by itself." {
		t.Errorf("down by its certificate: %q", r.reason.Text)
	}
	for range 10 {
		r.notice(core.Notice{Time: now, Text: "Mining has resumed."})
	}
	if n := strings.Count(r.notes.Text, "\n"); n != maxNotices-1 {
		t.Errorf("%d notices are shown", n+1)
	}
}

// Each press of the button is one word, and nothing is asked for without one.
func TestRealButton(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	var asked []bool
	r := newRealScreen(func(on bool) { asked = append(asked, on) }, func() {})
	r.settle(realConfig())
	r.ready()
	now := time.Now()
	r.show(core.Snapshot{State: core.StatePaused, Reason: stoppedByUser}, "", now, false)
	r.flow(now)
	if len(asked) > 0 || r.start.Text != startText {
		t.Fatalf("asked for %v, button %q", asked, r.start.Text)
	}
	test.Tap(r.start)
	r.show(fullReal(now), "", now, true)
	test.Tap(r.start)
	if len(asked) != 2 || !asked[0] || asked[1] {
		t.Errorf("the button asked for %v, want true then false", asked)
	}
}

func TestResumedWords(t *testing.T) {
	now := time.Now()
	m := core.Snapshot{State: core.StateMining}
	if resumedWords(m, now) != "" {
		t.Error("a start is told as a resumption")
	}
	m.Resumed = now.Add(-3 * time.Second)
	if got := resumedWords(m, now); got != "Mining has resumed by itself, 3 s ago." {
		t.Errorf("%q", got)
	}
	if resumedWords(m, now.Add(time.Hour)) != "" {
		t.Error("the word stays for ever")
	}
	m.State = core.StatePaused
	if resumedWords(m, now) != "" {
		t.Error("told of while it is paused")
	}
}

func TestDifficulty(t *testing.T) {
	for d, want := range map[float64]string{0.000012: "1.2e-05", 0.0252: "0.0252", 1: "1", 16.25: "16.2", 1234.5: "1234", 65536: "65.5 k", 3.2e6: "3.2 M", 1.1e10: "11.0 G", 2e13: "20.0 T"} {
		if got := difficulty(d); got != want {
			t.Errorf("difficulty(%v) is %q, want %q", d, got, want)
		}
	}
}

func TestStateLine(t *testing.T) {
	for _, test := range []struct {
		m    core.Snapshot
		kind kind
		want string
	}{
		{core.Snapshot{State: core.StateMining, Hashrate: 12.3e6}, kindGood, "Bitcoin: mining · 12.3 MH/s"},
		{core.Snapshot{State: core.StatePaused, Reason: "on battery"}, kindIdle, "Bitcoin: paused, on battery"},
		{core.Snapshot{State: core.StateDown, Reason: "the pool is silent"}, kindBad, "Bitcoin: not mining, the pool is silent"},
		{core.Snapshot{State: core.StateConnecting}, kindWait, "Bitcoin: connecting"},
	} {
		if k, text := stateLine("Bitcoin", test.m); k != test.kind || text != test.want {
			t.Errorf("%s: %v, %q", test.m.State, k, text)
		}
	}
}

// newTestWindow is a window without a display, on a data directory of its own,
// where what is put off is done at once.
func newTestWindow(t *testing.T) *window {
	t.Helper()
	newTestApp(t, theme.VariantLight)
	w := newWindow(t.Context(), fyne.CurrentApp(), Options{Dir: t.TempDir()})
	w.later = func(f func()) { f() }
	w.win.Resize(fyne.NewSize(800, 600))
	return w
}

// buttons are those of a screen by their words.
func buttons(o fyne.CanvasObject) map[string]*widget.Button {
	found := map[string]*widget.Button{}
	for _, o := range test.LaidOutObjects(o) {
		if b, ok := o.(*widget.Button); ok {
			found[b.Text] = b
		}
	}
	return found
}

const testFingerprint = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// A key that nobody vouches for is offered once, the safe answer has the focus,
// and trust comes by a press alone.
func TestTrustOnFirstUse(t *testing.T) {
	w := newTestWindow(t)
	w.win.SetContent(widget.NewLabel(""))
	var trusted []string
	p := &realPlace{window: w, asked: map[string]bool{}, session: &session{trust: func(host, fingerprint string) error {
		trusted = append(trusted, host+" "+fingerprint)
		return nil
	}}}
	p.screen = newRealScreen(func(bool) {}, func() {})
	stopped := false
	p.cancel = func() { stopped = true }
	v := core.Snapshot{Pools: []core.PoolState{{Err: &jsonrpc.CertificateError{Host: "pool.example:4333", Fingerprint: testFingerprint, Err: jsonrpc.ErrUnknownAuthority}}}}
	p.last = v
	p.certificates(v)
	top := w.win.Canvas().Overlays().Top()
	if top == nil {
		t.Fatal("nothing is asked")
	}
	text := allText(top)
	if !strings.Contains(text, "pool.example:4333") || !strings.Contains(text, "0011 2233 4455 6677 8899 aabb ccdd eeff") {
		t.Errorf("the question says %q", text)
	}
	if b, ok := w.win.Canvas().Focused().(*widget.Button); !ok || !strings.HasPrefix(b.Text, "No") {
		t.Errorf("the focus is on %v", w.win.Canvas().Focused())
	}
	p.certificates(v)
	if w.sheets != 1 || len(trusted) > 0 {
		t.Fatalf("%d sheets, trusted %v", w.sheets, trusted)
	}
	test.Tap(buttons(top)["It is the same: trust it"])
	if len(trusted) != 1 || trusted[0] != "pool.example:4333 "+testFingerprint || w.sheets != 0 {
		t.Errorf("trusted %v, %d sheets", trusted, w.sheets)
	}
	p.certificates(v)
	if w.sheets != 0 {
		t.Error("the same key is asked about again")
	}

	p.asked = map[string]bool{}
	p.certificates(v)
	test.Tap(buttons(w.win.Canvas().Overlays().Top())["No, or I am not sure"])
	if !stopped || len(trusted) != 1 {
		t.Errorf("after No: stopped %v, trusted %v", stopped, trusted)
	}
}

// A changed key is refused: there is nothing to accept it with.
func TestChangedKeyIsRefused(t *testing.T) {
	w := newTestWindow(t)
	w.win.SetContent(widget.NewLabel(""))
	p := &realPlace{window: w, asked: map[string]bool{}, session: &session{trust: func(string, string) error {
		t.Error("a changed key was trusted")
		return nil
	}}}
	p.certificates(core.Snapshot{Pools: []core.PoolState{{Err: &jsonrpc.CertificateError{Host: "pool.example:4333", Fingerprint: testFingerprint, Changed: true, Err: jsonrpc.ErrChanged}}}})
	top := w.win.Canvas().Overlays().Top()
	if top == nil {
		t.Fatal("nothing is said")
	}
	if text := allText(top); !strings.Contains(text, "another key than before") || !strings.Contains(text, "sends nothing") {
		t.Errorf("it says %q", text)
	}
	found := buttons(top)
	if len(found) != 1 {
		t.Errorf("buttons %v", found)
	}
	for _, b := range found {
		test.Tap(b)
	}
	// An expired certificate of a known authority is neither offered nor accepted.
	p.certificates(core.Snapshot{Pools: []core.PoolState{{Err: &jsonrpc.CertificateError{Host: "a:1", Fingerprint: testFingerprint, Err: jsonrpc.ErrExpired}}, {Err: errors.New("down")}}})
	if w.sheets != 0 {
		t.Error("an expired certificate is asked about")
	}
}

// Closing while something is mined says what it ends; otherwise it just closes.
func TestClosing(t *testing.T) {
	w := newTestWindow(t)
	w.win.SetContent(widget.NewLabel(""))
	closed := false
	w.win.SetOnClosed(func() { closed = true })
	w.real = &realPlace{window: w, cancel: func() {}, config: realConfig()}
	w.askToClose()
	w.askToClose()
	top := w.win.Canvas().Overlays().Top()
	if closed || top == nil || w.sheets != 1 {
		t.Fatalf("closed %v, %d sheets", closed, w.sheets)
	}
	if text := allText(top); !strings.Contains(text, "Bitcoin is being mined.") || !strings.Contains(text, "nothing goes on unseen") {
		t.Errorf("it says %q", text)
	}
	test.Tap(buttons(top)["Keep mining"])
	if closed || w.sheets != 0 {
		t.Errorf("after Keep mining: closed %v, %d sheets", closed, w.sheets)
	}
	w.askToClose()
	test.Tap(buttons(w.win.Canvas().Overlays().Top())["Stop and close"])
	if !closed {
		t.Error("it does not close")
	}
	w = newTestWindow(t)
	closed = false
	w.win.SetOnClosed(func() { closed = true })
	w.real = &realPlace{window: w}
	w.askToClose()
	if !closed {
		t.Error("with nothing mined it does not just close")
	}
}

func TestPassphrase(t *testing.T) {
	w := newTestWindow(t)
	w.win.SetContent(widget.NewLabel(""))
	answer := make(chan string, 1)
	w.askPassphrase(true, answer)
	top := w.win.Canvas().Overlays().Top()
	var entries []*widget.Entry
	for _, o := range test.LaidOutObjects(top) {
		if e, ok := o.(*widget.Entry); ok {
			entries = append(entries, e)
		}
	}
	if len(entries) != 2 || !entries[0].Password || !entries[1].Password {
		t.Fatalf("%d fields", len(entries))
	}
	ok := buttons(top)["Go on"]
	entries[0].SetText("short")
	test.Tap(ok)
	entries[0].SetText("several good words")
	test.Tap(ok)
	if len(answer) != 0 || !strings.Contains(allText(top), "The two are not the same.") {
		t.Errorf("it says %q", allText(top))
	}
	entries[1].SetText("several good words")
	test.Tap(ok)
	if got := <-answer; got != "several good words" || entries[0].Text != "" {
		t.Errorf("answer %q", got)
	}
}

// Mining for real fits a small laptop too, and a smaller window scrolls.
func TestRealFitsASmallLaptop(t *testing.T) {
	for name, variant := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		newTestApp(t, variant)
		now := time.Now()
		fine := fullReal(now)
		fine.Warning, fine.Pools = "", fine.Pools[:1]
		for what, m := range map[string]core.Snapshot{"fine": fine, "new": {State: core.StateConnecting, Pool: "stratum+tcp://a:1"}} {
			r := newRealScreen(func(bool) {}, func() {})
			w := test.NewTempWindow(t, r.content)
			w.SetPadded(false)
			r.settle(realConfig())
			r.show(m, "", now, true)
			if size := r.content.MinSize(); size.Width > 800 || size.Height > 600-frameHeight {
				t.Errorf("%s, %s: needs %v", name, what, size)
			}
			w.Resize(fyne.NewSize(801, 601-frameHeight))
			w.Resize(fyne.NewSize(800, 600-frameHeight))
			for _, l := range []*widget.Label{r.reason, r.why, r.hashrate.means, r.shares.means, r.best.means} {
				if need, room := l.MinSize().Height, l.Size().Height; l.Text != "" && need > room+1 {
					t.Errorf("%s, %s: %q needs %v of height and has %v", name, what, l.Text, need, room)
				}
			}
		}
	}
}
