package ui

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
)

// openHome has devices of every kind, at their longest.
func openHome(now time.Time) homeView {
	s := home.Snapshot{Page: "http://192.168.178.120:8080/", Stratum: []string{"stratum+tcp://192.168.178.120:3333"}, Connected: 2, Hashrate: 1.2e12,
		Upstreams: []home.Upstream{{Pool: "stratum+tls://public-pool.io:4333", State: "mining"}}}
	s.Payee.Name, s.Payee.Address = "this household", bitcoinAddress
	s.Devices = []home.Device{
		{ID: "a", Name: "Phone", Connected: true, Hashrate: 4.2e6, Part: 0.004, Accepted: 12, Best: 0.0123, Online: 3 * time.Hour, Last: now.Add(-4 * time.Second)},
		{ID: "b", Name: strings.Repeat("Bitaxe ", 6), Miner: true, Connected: true, Hashrate: 1.2e12, Part: 0.996, Accepted: 1_234_567, Stale: 1200, Rejected: 34, Best: 1.2e9, Online: 999 * time.Hour, Last: now.Add(-time.Minute)},
		{ID: "c", Name: "Tablet", Paused: true, Connected: true, Accepted: 1, Online: time.Minute, Last: now.Add(-time.Hour)},
		{ID: "d", Name: "Old miner", Miner: true},
		{ID: "e", Name: "Gone", Removed: now},
	}
	s.Invitations = []home.Invitation{{ID: "i", Name: "Device 5", Expires: now.Add(9*time.Minute + 5*time.Second)}}
	return homeView{phase: homeOn, real: true, settings: realConfig(), web: ":8080", listen: ":3333", home: s}
}

func TestWhatDevicesSays(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	s := newDevicesScreen(devicesActs{})
	w := test.NewTempWindow(t, s.content)
	w.Resize(fyne.NewSize(800, 1200))
	now := time.Now()
	closed := homeView{web: ":8080", listen: ":3333", settings: config.Default()}
	s.show(closed, now)
	text := allText(s.content)
	for _, want := range []string{"Closed", "No device can reach this computer", openText, "port 8080 for the page", "port 3333 for miner programs",
		"Each device needs an invitation from you", "To practise", "worth nothing", "Choose a pool in Mine for real first"} {
		if !strings.Contains(text, want) {
			t.Errorf("closed, the screen does not say %q, but %s", want, text)
		}
	}
	if s.options[1].choose != nil || s.adding.Visible() {
		t.Error("what cannot be done is offered")
	}
	v := openHome(now)
	s.show(v, now)
	text = allText(s.content)
	for _, want := range []string{"Open: 2 devices are here", "1.20 TH/s", closeText, "Add a phone", "Add another miner program", "http://192.168.178.120:8080/",
		"stratum+tcp://192.168.178.120:3333", bitcoinAddress, "Bitcoin at Public Pool", "open to your home network", "Here, last share 4 s ago", "12 shares · best 0.0123 · 3 h 0 min on line", "under 1% of all",
		"(1\u202f234 not counted)", "Paused by you", "Go on", "Has not connected yet", "An invitation for Device 5 is open: 9:05 left."} {
		if !strings.Contains(text, want) {
			t.Errorf("open, the screen does not say %q, but %s", want, text)
		}
	}
	if strings.Contains(text, "Gone") || s.choices.Visible() || s.none.Visible() {
		t.Errorf("it says too much: %s", text)
	}
	v.home.Devices, v.home.Invitations, v.home.Connected = v.home.Devices[:1], nil, 1
	s.show(v, now)
	if text = allText(s.content); strings.Contains(text, "Bitaxe") || strings.Contains(text, "An invitation for") || len(s.rows) != 1 {
		t.Errorf("who has left stays: %s", text)
	}
}

func TestHomeWords(t *testing.T) {
	taken := &net.OpError{Op: "listen", Err: syscall.EADDRINUSE}
	for name, c := range map[string]struct {
		v    homeView
		kind kind
		want string
	}{
		"off":      {homeView{}, kindReady, "until you switch it on"},
		"starting": {homeView{phase: homeStarting}, kindWait, "practice network"},
		"waiting":  {homeView{phase: homeWaiting}, kindWait, "given no work yet"},
		"down":     {homeView{phase: homeWaiting, home: home.Snapshot{Upstreams: []home.Upstream{{Pool: "stratum+tcp://a.example:1", Reason: "nothing is listening"}}}}, kindWait, "nothing is listening"},
		"taken":    {homeView{phase: homeFailed, err: taken, web: ":8080", listen: ":3333"}, kindBad, "port 8080 or 3333. Press Use other ports."},
		"failed":   {homeView{phase: homeFailed, err: errPracticeStopped}, kindBad, "practice network has stopped"},
		"lonely":   {homeView{phase: homeOn, web: ":8080", home: home.Snapshot{Page: "http://127.0.0.1:8080/"}}, kindBad, "Wi-Fi"},
		"asked":    {homeView{phase: homeOn, web: "127.0.0.1:8080", home: home.Snapshot{Page: "http://127.0.0.1:8080/"}}, kindGood, "No device has joined so far."},
		"away":     {homeView{phase: homeOn, home: home.Snapshot{Devices: []home.Device{{ID: "a"}}}}, kindGood, "come back by themselves"},
		"one":      {homeView{phase: homeOn, home: home.Snapshot{Connected: 1, Hashrate: 5e6}}, kindGood, "5.00 MH/s"},
	} {
		if k, _, text := homeWords(c.v); k != c.kind || !strings.Contains(text, c.want) {
			t.Errorf("%s: %v, %q", name, k, text)
		}
	}
	for address, want := range map[string]string{":8080": ":8081", "127.0.0.1:3333": "127.0.0.1:3334", "[::1]:65535": "[::1]:65535", ":0": ":0"} {
		if got := shifted(address, 1); got != want {
			t.Errorf("%s is shifted to %s", address, got)
		}
	}
	if got := leftWords(61 * time.Second); got != "1:01" {
		t.Errorf("a minute and a second: %q", got)
	}
	if text, can := realOption(realConfig()); !can || !strings.Contains(text, bitcoinAddress) {
		t.Errorf("for real: %v, %q", can, text)
	}
}

// Devices fit a small laptop in width, and every text the room it is given.
func TestDevicesFitASmallLaptop(t *testing.T) {
	for name, variant := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		newTestApp(t, variant)
		now := time.Now()
		s := newDevicesScreen(devicesActs{})
		w := test.NewTempWindow(t, s.content)
		w.SetPadded(false)
		s.show(openHome(now), now)
		if width := s.content.MinSize().Width; width > 800 {
			t.Errorf("%s: needs a width of %v", name, width)
		}
		w.Resize(fyne.NewSize(801, 1000))
		w.Resize(fyne.NewSize(800, 1000))
		for _, r := range s.rows {
			if need, room := r.deeds.MinSize().Height, r.deeds.Size().Height; need > room+1 {
				t.Errorf("%s: %q needs %v of height and has %v", name, r.deeds.Text, need, room)
			}
			if r.name.Size().Width < 120 {
				t.Errorf("%s: a name has a width of %v", name, r.name.Size().Width)
			}
		}
	}
}

// Everything can be reached by Tab, and the space bar does it.
func TestDevicesByKey(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	now := time.Now()
	done := map[string]bool{}
	s := newDevicesScreen(devicesActs{
		open: func(on bool) { done[map[bool]string{true: openText, false: closeText}[on]] = true }, phone: func() { done["phone"] = true }, miner: func() { done["miner"] = true },
		withdraw: func(home.Invitation) { done["withdraw"] = true },
		deviceActs: deviceActs{rename: func(home.Device) { done["rename"] = true }, remove: func(home.Device) { done["remove"] = true },
			pause: func(d home.Device, on bool) { done[map[bool]string{true: "pause", false: "go on"}[on]] = true }},
	})
	w := test.NewTempWindow(t, s.content)
	w.Resize(fyne.NewSize(800, 1000))
	s.show(openHome(now), now)
	reached := map[*widget.Button]bool{}
	for range 40 {
		w.Canvas().FocusNext()
		if b, ok := w.Canvas().Focused().(*widget.Button); ok {
			reached[b] = true
		}
	}
	for b := range reached {
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	}
	for _, b := range []*widget.Button{s.phone, s.rows["a"].pause} { // who presses a key goes on from there
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
		if w.Canvas().Focused() != fyne.Focusable(b) {
			t.Errorf("after %s the focus is lost", b.Text)
		}
	}
	for _, want := range []string{closeText, "phone", "miner", "withdraw", "rename", "remove", "pause", "go on"} {
		if !done[want] {
			t.Errorf("%s cannot be done by the keyboard", want)
		}
	}
	if done[openText] {
		t.Error("Switch off switches on")
	}
}

// The sparkline keeps what is in sight, and takes no more than one figure every few seconds.
func TestSpark(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	s := newSpark()
	now := time.Now()
	for i := range 300 {
		s.add(float64(i), now.Add(time.Duration(i)*time.Second))
	}
	if len(s.rates) != sparkMost || s.rates[sparkMost-1] != 297 {
		t.Errorf("%d figures, the last %v", len(s.rates), s.rates[len(s.rates)-1])
	}
	s.Resize(fyne.NewSize(112, 44))
	v := test.TempWidgetRenderer(t, s).(*sparkRenderer)
	v.Layout(s.Size())
	tip := v.tip.Position1.Y + v.tip.Size().Height/2
	if tip < 5 || tip > 8 { // the newest is the most, at the top
		t.Errorf("the newest is drawn at %v", tip)
	}
}

// newHousehold is a window with all its places and nothing that runs.
func newHousehold(t *testing.T) *window {
	t.Helper()
	w := newTestWindow(t)
	w.win.SetContent(widget.NewLabel(""))
	d, err := desk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	w.desk = d
	w.frame = newFrame(w.visit)
	w.real = newRealPlace(w.ctx, w, d)
	w.practice = newPracticePlace(w.ctx, w, d)
	w.devices = newDevicesPlace(w.ctx, w, d)
	return w
}

// Nothing opens before the switch is pressed, and what is wrong has one button.
func TestDevicesWaitForPractice(t *testing.T) {
	w := newHousehold(t)
	p := w.devices
	p.enter()
	if p.view.phase != homeOff || p.cancel != nil || p.waiting {
		t.Fatal("it opens by itself")
	}
	w.practice.running = func() {} // it is being prepared
	test.Tap(p.screen.toggle)
	if !p.waiting || p.view.phase != homeStarting {
		t.Fatalf("phase %d, waiting %v", p.view.phase, p.waiting)
	}
	test.Tap(p.screen.toggle)
	if p.waiting || p.view.phase != homeOff {
		t.Errorf("after Switch off: phase %d, waiting %v", p.view.phase, p.waiting)
	}
	test.Tap(p.screen.toggle)
	p.practises(nil, errors.New("it broke"))
	if p.view.phase != homeFailed || !p.screen.mend.Visible() || p.screen.mend.Text != "Try again" || !strings.Contains(p.screen.reason.Text, "It broke.") {
		t.Errorf("after a trouble: phase %d, %q", p.view.phase, p.screen.reason.Text)
	}
	p.fail(&net.OpError{Op: "listen", Err: syscall.EADDRINUSE})
	test.Tap(p.screen.mend)
	if p.view.web != ":8081" || p.view.listen != ":3334" || !p.waiting {
		t.Errorf("other ports: %s and %s, waiting %v", p.view.web, p.view.listen, p.waiting)
	}
	p.end()
}

// made is an invitation of a gateway that nobody can reach but this machine.
func made(t *testing.T, w *window) home.Invitation {
	t.Helper()
	c := config.Default()
	c.Algorithm, c.Pools = "sha256d", []config.Pool{{URL: "stratum+tcp://127.0.0.1:1", User: "ada.home"}}
	g, err := desk.NewGateway(context.Background(), desk.GatewayOptions{Dir: w.desk.Dir(), Config: c, Payee: "ada", Web: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	i, err := g.Invite("Phone")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// An invitation counts down, cheers at its device and at no other, and says when it is too old.
func TestInviteSheet(t *testing.T) {
	w := newHousehold(t)
	i := made(t, w)
	again := 0
	show := func() *inviteSheet {
		s, err := newInviteSheet(w, i, []home.Device{{ID: "old", Name: "Phone"}}, func() { again++ })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	top := func() string { return allText(w.win.Canvas().Overlays().Top()) }
	s := show()
	if text := top(); !strings.Contains(text, i.Link()) || !strings.Contains(text, "Good for 9:5") || !strings.Contains(text, "for this one device") {
		t.Errorf("the sheet says %q", text)
	}
	test.Tap(s.copy)
	if got := w.app.Clipboard().Content(); got != i.Link() || s.copy.Text != "Copied" {
		t.Errorf("copied %q", got)
	}
	open := home.Snapshot{Invitations: []home.Invitation{{ID: i.ID, Expires: i.Expires}}}
	s.show(open, i.Expires.Add(-61*time.Second))
	if s.left.Text != "Good for 1:01 more" {
		t.Errorf("a minute and a second before its end: %q", s.left.Text)
	}
	// A device that was there before has not used it.
	s.show(home.Snapshot{Devices: []home.Device{{ID: "old", Name: "Phone"}, {ID: "new", Name: "Phone", Connected: true}}}, time.Now())
	if text := top(); !strings.Contains(text, "Phone has joined") || strings.Contains(text, i.Link()) {
		t.Errorf("after a join the sheet says %q", text)
	}
	s.sheet.hide()

	s = show()
	s.show(home.Snapshot{Devices: []home.Device{{ID: "old", Name: "Phone"}}}, i.Expires)
	if text := top(); !strings.Contains(text, "has run out") || strings.Contains(text, i.Link()) {
		t.Errorf("too late, the sheet says %q", text)
	}
	test.Tap(buttons(w.win.Canvas().Overlays().Top())["Make another"])
	if again != 1 || w.sheets != 0 {
		t.Errorf("another was asked for %d times, %d sheets", again, w.sheets)
	}
}

// A token is shown once with all that a miner asks for.
func TestToken(t *testing.T) {
	w := newHousehold(t)
	w.showToken(home.Device{Name: "Bitaxe"}, "gp1secret", []string{"stratum+tcp://192.168.1.20:3333"})
	top := w.win.Canvas().Overlays().Top()
	text := allText(top)
	for _, want := range []string{"192.168.1.20\n", "3333\n", "gp1secret\n", "shown this once", "remove Bitaxe from the list"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q, but %q", want, text)
		}
	}
	test.Tap(buttons(top)["I have entered it"])
	if w.sheets != 0 {
		t.Error("it stays")
	}
}

// Removing asks once, and the safe answer has the focus.
func TestRemoveAsks(t *testing.T) {
	w := newHousehold(t)
	w.devices.remove(home.Device{ID: "a", Name: "Phone"})
	top := w.win.Canvas().Overlays().Top()
	if text := allText(top); !strings.Contains(text, "Remove Phone?") || !strings.Contains(text, "stays yours") {
		t.Errorf("it asks %q", text)
	}
	if b, ok := w.win.Canvas().Focused().(*widget.Button); !ok || b.Text != "Keep it" {
		t.Errorf("the focus is on %v", w.win.Canvas().Focused())
	}
	test.Tap(buttons(top)["Keep it"])
	if w.sheets != 0 {
		t.Error("it stays")
	}
}

// A device whose work does not count is marked as bad, and the row says why.
func TestMisfitDevice(t *testing.T) {
	d := home.Device{Name: "Box", Connected: true, Rejected: 3, Misfit: "Box mines scrypt."}
	if kind, state := deviceWords(d, time.Now()); kind != kindBad || state != "None of its work counts" || deedWords(d) != d.Misfit {
		t.Errorf("%v: %s. %s", kind, state, deedWords(d))
	}
}
