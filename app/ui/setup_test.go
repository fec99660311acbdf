package ui

import (
	"os"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/config"
	"goldpan/core/engine"
)

// pick chooses the option with a title, from the keyboard.
func pick(t *testing.T, o fyne.CanvasObject, title string) {
	t.Helper()
	for _, o := range test.LaidOutObjects(o) {
		if c, ok := o.(*option); ok && c.title == title {
			c.FocusGained()
			c.TypedRune(' ')
			return
		}
	}
	t.Fatalf("there is no option %q", title)
}

// typing puts text into the field with a placeholder.
func typing(t *testing.T, o fyne.CanvasObject, placeholder, text string) {
	t.Helper()
	for _, o := range test.LaidOutObjects(o) {
		if e, ok := o.(*widget.Entry); ok && strings.Contains(e.PlaceHolder, placeholder) {
			e.SetText(text)
			return
		}
	}
	t.Fatalf("there is no field %q", placeholder)
}

// The way of a beginner: coin, pool, address, review; each step waits for its
// answer, and nothing is saved before the end.
func TestSetup(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	type saved struct {
		draft
		start bool
	}
	var got []saved
	var focused fyne.Focusable
	now := config.Default()
	now.Pools = []config.Pool{{URL: "stratum+tcp://old.example:3333", User: "me"}}
	s := newSetup(now, func(f fyne.Focusable, _ string) { focused = f }, nil, func(d draft, start bool) { got = append(got, saved{d, start}) })
	w := test.NewTempWindow(t, s.content)
	w.Resize(fyne.NewSize(800, 560))
	s.begin()

	text := allText(s.content)
	for _, want := range []string{"Which coin?", "electricity costs far more", "Bitcoin", "Litecoin", "Dogecoin", "Ethereum cannot be mined any more: since 15 September 2022", "Step 1 of 4"} {
		if !strings.Contains(text, want) {
			t.Errorf("step 1 does not say %q", want)
		}
	}
	if _, ok := focused.(*option); !ok || !s.next.Disabled() {
		t.Errorf("step 1: focus on %T, Next can be pressed: %v", focused, !s.next.Disabled())
	}
	pick(t, s.content, "Ethereum")
	if !s.next.Disabled() {
		t.Error("Ethereum was taken")
	}
	pick(t, s.content, "Bitcoin")
	test.Tap(s.next)

	text = allText(s.content)
	for _, want := range []string{"Which pool?", "NerdMiner.io", "solo: all or nothing", "fee 2.5%", "needs an account", "as of 2026-11-22", "pays from 0.01048576 on", "Another pool", "My own node"} {
		if !strings.Contains(text, want) {
			t.Errorf("step 2 does not say %q", want)
		}
	}
	if !s.next.Disabled() {
		t.Error("step 2 needs no answer")
	}
	pick(t, s.content, "Another pool")
	typing(t, s.content, "stratum", "pool.example")
	if !s.next.Disabled() {
		t.Error("an address that is none was taken")
	}
	pick(t, s.content, "Public Pool")
	test.Tap(s.next)

	entry, ok := focused.(*widget.Entry)
	if !ok || !s.next.Disabled() {
		t.Fatalf("step 3: focus on %T", focused)
	}
	entry.SetText(testnetAddress)
	if !s.next.Disabled() || !strings.Contains(allText(s.content), "worth nothing") {
		t.Error("an address of a test network was taken")
	}
	entry.SetText(bitcoinAddress[:10] + "\u200b" + bitcoinAddress[10:])
	mend := buttons(s.content)["Take it out"]
	if !s.next.Disabled() || mend == nil {
		t.Fatal("a hidden character was taken, or nothing mends it")
	}
	test.Tap(mend)
	if s.draft.payee != bitcoinAddress || s.next.Disabled() {
		t.Errorf("mended to %q", s.draft.payee)
	}
	test.Tap(s.next)

	text = allText(s.content)
	for _, want := range []string{"Is this right?", bitcoinAddress, "public-pool.io:4333", "tried in this order", "It pauses on battery.", "takes the place of", "old.example:3333", "Goldpan itself takes nothing."} {
		if !strings.Contains(text, want) {
			t.Errorf("step 4 does not say %q", want)
		}
	}
	if len(got) > 0 {
		t.Fatal("something was saved before the end")
	}
	test.Tap(buttons(s.content)[backText])
	if !strings.Contains(allText(s.content), "Who is paid?") || s.draft.payee != bitcoinAddress {
		t.Error("Back forgets")
	}
	test.Tap(s.next)
	test.Tap(buttons(s.content)["Save it, and start later"])
	test.Tap(s.next)
	if len(got) != 2 || got[0].start || !got[1].start || got[1].preset.ID != "public-pool" {
		t.Errorf("saved %+v", got)
	}
}

// The person's own node, with a password that goes nowhere but to the vault.
func TestSetupNode(t *testing.T) {
	newTestApp(t, theme.VariantDark)
	var focused fyne.Focusable
	s := newSetup(config.Default(), func(f fyne.Focusable, _ string) { focused = f }, nil, func(draft, bool) {})
	w := test.NewTempWindow(t, s.content)
	w.Resize(fyne.NewSize(800, 560))
	pick(t, s.content, "Litecoin")
	test.Tap(s.next)
	pick(t, s.content, "My own node")
	node, ok := focused.(*widget.Entry)
	if !ok || !strings.HasSuffix(node.PlaceHolder, ":9332") {
		t.Fatalf("focus on %T", focused)
	}
	node.SetText("http://127.0.0.1:9332")
	typing(t, s.content, "rpcuser", "me")
	typing(t, s.content, "rpcpassword", "my secret")
	if s.draft.password != "my secret" {
		t.Fatalf("the password is %q", s.draft.password)
	}
	test.Tap(s.next)
	focused.(*widget.Entry).SetText("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9")
	test.Tap(s.next)
	text := allText(s.content)
	for _, want := range []string{"Each block that your node takes pays ltc1q", "127.0.0.1:9332"} {
		if !strings.Contains(text, want) {
			t.Errorf("the review does not say %q, but %q", want, text)
		}
	}
	if strings.Contains(text, "my secret") {
		t.Error("the password is shown")
	}
	test.Tap(buttons(s.content)[backText])
	test.Tap(buttons(s.content)[backText])
	if s.draft.password != "" || strings.Contains(allText(s.content), "my secret") {
		t.Error("the password is shown again")
	}
}

// Each change is saved at once, told to what runs, and a wrong one is not.
func TestSettings(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	dir := t.TempDir()
	if _, err := config.Init(dir); err != nil {
		t.Fatal(err)
	}
	var told []config.Config
	s := newSettingsScreen(dir, func(c config.Config) { told = append(told, c) })
	w := test.NewTempWindow(t, s.content)
	w.Resize(fyne.NewSize(800, 1400))
	row := map[string]*setting{}
	for _, r := range s.rows {
		row[r.key] = r
		if r.sentence == "" {
			t.Errorf("%s is not explained", r.key)
		}
	}
	var slider *widget.Slider
	var fields []*widget.Entry
	for _, o := range test.LaidOutObjects(s.content) {
		switch o := o.(type) {
		case *widget.Slider:
			if o.Max == 100 {
				slider = o
			}
		case *widget.Entry:
			fields = append(fields, o)
		case *widget.Check:
			if o.Text == "Pause while I use the computer" {
				o.SetChecked(true)
			}
		}
	}
	slider.Value = 30
	slider.OnChangeEnded(30)
	fields[0].SetText("75")
	c, err := config.Read(dir)
	if err != nil || c.Limits.Percent != 30 || c.Limits.Celsius != 75 || c.Manners.WhileActive {
		t.Errorf("saved %+v, %v", c, err)
	}
	if len(told) != 3 || told[2].Limits.Celsius != 75 || !strings.Contains(s.saved.Text, "holds already") {
		t.Errorf("told %d times, %q", len(told), s.saved.Text)
	}
	fields[0].SetText("7500")
	if c, _ := config.Read(dir); c.Limits.Celsius != 75 || len(told) != 3 || !strings.Contains(row["limits.celsius"].says.Text, "out of its bounds") {
		t.Errorf("a wrong one: %v, %q", c.Limits.Celsius, row["limits.celsius"].says.Text)
	}
	fields[0].SetText("")
	if c, _ := config.Read(dir); c.Limits.Celsius != 0 || row["limits.celsius"].says.Text != row["limits.celsius"].sentence {
		t.Errorf("no limit: %v, %q", c.Limits.Celsius, row["limits.celsius"].says.Text)
	}
	source, err := os.ReadFile(config.Path(dir))
	if err != nil || !strings.Contains(string(source), "# ") {
		t.Error("the file's comments are lost")
	}

	s.measure(engine.Reading{Celsius: engine.Known(61.0), Power: engine.Battery})
	text := allText(s.content)
	for _, want := range []string{"Now 61.0 °C.", "It is on battery now.", "does not tell its power", "cannot pause for that"} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen does not say %q", want)
		}
	}
}

func TestAbout(t *testing.T) {
	newTestApp(t, theme.VariantLight)
	o := aboutScreen("/somewhere")
	test.NewTempWindow(t, o).Resize(fyne.NewSize(800, 900))
	text := allText(o)
	for _, want := range []string{"No fee", "no telemetry", "never mines before you press Start", "/somewhere", "work of others"} {
		if !strings.Contains(text, want) {
			t.Errorf("About does not say %q", want)
		}
	}
	for _, o := range test.LaidOutObjects(o) {
		if s, ok := o.(*widget.Select); ok {
			if len(s.Options) < 20 {
				t.Errorf("%d licences", len(s.Options))
			}
			s.SetSelected("go")
		}
	}
	if !strings.Contains(allText(o), "Go Authors") {
		t.Error("a licence is not shown")
	}
}
