package ui

import (
	"errors"
	"image/color"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
)

// fixed is a theme in one variant, whatever the system wants.
type fixed struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (f fixed) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return f.Theme.Color(name, f.variant)
}

// newTestApp is an app without a display, in Goldpan's look.
func newTestApp(t *testing.T, variant fyne.ThemeVariant) {
	t.Helper()
	th, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	test.NewTempApp(t).Settings().SetTheme(fixed{th, variant})
}

const testAddress = "pan1qh5x0c9crx7m4dx5sg9uwkqs98jxv6qmhe6l0fz"

func testSnapshot(state string) desk.PracticeSnapshot {
	return desk.PracticeSnapshot{
		Coin:    coin.ForPractice(hasher.SHA256d),
		Address: testAddress,
		Mining:  core.Snapshot{State: state, Reason: "you paused it", Algorithm: hasher.SHA256d, Lanes: 1},
	}
}

// fullSnapshot has something to say in every place, at its longest.
func fullSnapshot(now time.Time) desk.PracticeSnapshot {
	s := testSnapshot(core.StateMining)
	s.Mining.Reason = "" // nothing is wrong
	s.Mining.Lanes = 128
	s.Mining.Algorithm = hasher.Scrypt
	s.Mining.Hashrate, s.Mining.Hashes = 347_000, 1e9
	s.Mining.Accepted, s.Mining.Rejected, s.Mining.Stale = 1_234_567, 1234, 1234
	s.Mining.Header[0] = 0x20
	s.Balance = wallet.Balance{Confirmed: 123_456e8, Immature: 250e8}
	s.Height = 123_456
	s.Last = &desk.Block{Height: 123_456, Time: now.Add(-83 * time.Minute), Worker: strings.Repeat("phone", 10)}
	s.Note = "Blocks take about 45 minutes now, because less is mining than when their difficulty was set; it is set anew at block 123468 and becomes easier then."
	return s
}

// allText collects what a screen says.
func allText(o fyne.CanvasObject) string {
	var b strings.Builder
	for _, o := range test.LaidOutObjects(o) {
		switch o := o.(type) {
		case *widget.Label:
			b.WriteString(o.Text + "\n")
		case *widget.Button:
			b.WriteString(o.Text + "\n")
		}
	}
	return b.String()
}

// Nothing is mined before the button is pressed, and each press is one word.
func TestButton(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	p := newPracticeScreen(func(string) {})
	var asked []bool
	p.mining = func(on bool) { asked = append(asked, on) }
	if !p.start.Disabled() {
		t.Error("Start can be pressed before anything is ready")
	}
	test.Tap(p.start)
	now := time.Now()
	p.show(testSnapshot(core.StatePaused), now)
	p.flow(now)
	if len(asked) > 0 {
		t.Fatalf("mining was asked for without a press: %v", asked)
	}
	if p.state.Text != "Ready" || p.start.Text != startText || p.start.Disabled() {
		t.Errorf("ready: %q, button %q", p.state.Text, p.start.Text)
	}
	test.Tap(p.start)
	if p.start.Text != stopText {
		t.Errorf("after Start the button says %q", p.start.Text)
	}
	p.show(testSnapshot(core.StateMining), now)
	if p.state.Text != "Mining" {
		t.Errorf("mining: %q", p.state.Text)
	}
	test.Tap(p.start)
	p.show(testSnapshot(core.StatePaused), now)
	if p.state.Text != "Paused" || !strings.Contains(p.reason.Text, "You paused it.") {
		t.Errorf("paused: %q %q", p.state.Text, p.reason.Text)
	}
	if len(asked) != 2 || !asked[0] || asked[1] {
		t.Errorf("the button asked for %v, want true then false", asked)
	}
}

// The button works from the keyboard.
func TestButtonByKey(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	p := newPracticeScreen(func(string) {})
	presses := 0
	p.mining = func(bool) { presses++ }
	p.show(testSnapshot(core.StatePaused), time.Now())
	w := test.NewTempWindow(t, p.content)
	for range 10 {
		w.Canvas().FocusNext()
		if w.Canvas().Focused() == fyne.Focusable(p.start) {
			p.start.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
			break
		}
	}
	if presses != 1 {
		t.Errorf("%d presses by Tab and Space, want 1", presses)
	}
}

func TestCopyIsTheAddressAndNothingElse(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	var got string
	p := newPracticeScreen(func(s string) { got = s })
	test.Tap(p.copy)
	if got != "" {
		t.Errorf("copied %q before there is an address", got)
	}
	p.show(testSnapshot(core.StatePaused), time.Now())
	test.Tap(p.copy)
	if got != testAddress {
		t.Errorf("copied %q, want %q", got, testAddress)
	}
	if p.address.Wrapping != fyne.TextWrapOff || strings.ContainsAny(p.address.Text, "\r\n ") {
		t.Error("the address may be broken")
	}
}

func TestWhatTheScreenSays(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	p := newPracticeScreen(func(string) {})
	w := test.NewTempWindow(t, p.content)
	w.Resize(fyne.NewSize(800, 600))
	now := time.Now()
	s := fullSnapshot(now)
	p.show(s, now)
	text := allText(p.content)
	for _, want := range []string{
		"practice coins, worth nothing", testAddress, "Copy", stopText, "347 kH/s", "accepted", "rejected", "stale",
		"1 h 23 min ago", s.Note, "real mining, worthless coins", "A hash is one try", "Last block in the coin's book",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen does not say %q", want)
		}
	}
	p.found(desk.Block{Height: 8, Mine: true}, now)
	p.show(s, now)
	if !strings.Contains(p.reason.Text, "You found block 8.") {
		t.Errorf("a new block is met with %q", p.reason.Text)
	}
	p.show(s, now.Add(cheering))
	if strings.Contains(p.reason.Text, "You found") {
		t.Error("the good word stays")
	}
	s.Note = ""
	p.show(s, now)
	if p.noteRow.Visible() {
		t.Error("an empty note takes room")
	}
}

// frameHeight is at least what the frame takes of a window's height.
const frameHeight = 44

// The window fits a small laptop, and every text fits the room it is given.
func TestFitsASmallLaptop(t *testing.T) {
	for name, variant := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		newTestApp(t, variant)
		now := time.Now()
		down := fullSnapshot(now)
		down.Mining.State, down.Mining.Reason = core.StateDown, "the pool is connected but says nothing"
		fine := fullSnapshot(now)
		fine.Mining.Rejected, fine.Mining.Stale = 0, 0
		late := fullSnapshot(now)
		late.Mining.Rejected = 0
		for what, s := range map[string]desk.PracticeSnapshot{
			"new": testSnapshot(core.StatePaused), "full": fullSnapshot(now), "fine": fine, "late": late, "down": down,
			"connecting": testSnapshot(core.StateConnecting),
		} {
			p := newPracticeScreen(func(string) {})
			w := test.NewTempWindow(t, p.content)
			w.SetPadded(false)
			p.show(s, now)
			if size := p.content.MinSize(); size.Width > 800 || size.Height > 600-frameHeight {
				t.Errorf("%s, %s: needs %v", name, what, size)
			}
			w.Resize(fyne.NewSize(801, 601-frameHeight))
			w.Resize(fyne.NewSize(800, 600-frameHeight))
			for _, l := range []*widget.Label{p.parts, p.reason, p.note, p.hashrate.means, p.shares.means, p.block.means} {
				if need, room := l.MinSize().Height, l.Size().Height; l.Text != "" && need > room+1 {
					t.Errorf("%s, %s: %q needs %v of height and has %v", name, what, l.Text, need, room)
				}
			}
		}
	}
}

func TestTrouble(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	mended := false
	screen := troubleScreen(desk.ErrInUse, "Quit", func() { mended = true })
	w := test.NewTempWindow(t, screen)
	w.Resize(fyne.NewSize(560, 300))
	text := allText(screen)
	message, hint := desk.Explain(desk.ErrInUse)
	for _, want := range []string{sentence(message), hint, "The other copy goes on", "Quit"} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen does not say %q, but %q", want, text)
		}
	}
	for _, o := range test.LaidOutObjects(screen) {
		if b, ok := o.(*widget.Button); ok {
			test.Tap(b)
		}
	}
	if text := allText(troubleScreen(errors.New("it broke"), "Try again", nil)); !strings.Contains(text, "Mining has stopped.") || !strings.Contains(text, "Try again") {
		t.Errorf("another trouble says %q", text)
	}
	if !mended {
		t.Error("the button does nothing")
	}
}

// thirds and lines lay out what they are given, also when it is too narrow.
func TestLayouts(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	a, b, c := caption("a"), caption("b"), caption("c")
	container.New(thirds{10}, a, b, c).Resize(fyne.NewSize(320, 50))
	if a.Size() != fyne.NewSize(100, 50) || c.Position() != fyne.NewPos(220, 0) {
		t.Errorf("thirds: %v at %v", a.Size(), c.Position())
	}
	b.Hide()
	col := container.New(column{4}, a, b, c)
	col.Resize(fyne.NewSize(100, 200))
	if c.Position().Y != a.MinSize().Height+4 {
		t.Errorf("column leaves room for what is hidden: %v", c.Position())
	}
}
