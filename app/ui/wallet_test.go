package ui

import (
	"context"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
)

const goodPassphrase = "river gravel lantern seventeen otters"

// purseWindow is a window with wallets and no practice; what is behind it is drawn by
// until.
type purseWindow struct {
	*window
	later queue
	close func() // ends it, as the end of the program does
}

func newPurseWindow(t *testing.T) *purseWindow { return openPurseWindow(t, t.TempDir(), nil) }

// openPurseWindow is one of a data directory, whose servers dial reaches. FYNE_THEME=dark has it dark, for pictures.
func openPurseWindow(t *testing.T, dir string, dial purse.Dial) *purseWindow {
	t.Helper()
	variant := theme.VariantLight
	if os.Getenv("FYNE_THEME") == "dark" {
		variant = theme.VariantDark
	}
	newTestApp(t, variant)
	ctx, cancel := context.WithCancel(context.Background())
	p := &purseWindow{window: newWindow(ctx, fyne.CurrentApp(), Options{})}
	p.do, p.window.later = p.later.add, p.later.add
	d, err := desk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.desk, p.still = d, true
	p.frame = newFrame(p.visit)
	p.real = newRealPlace(ctx, p.window, d)
	p.practice = newPracticePlace(ctx, p.window, d)
	p.practice.running, p.practice.ended = cancel, nil // it is not begun here
	p.devices = newDevicesPlace(ctx, p.window, d)
	p.wallet = newWalletPlace(ctx, p.window, d)
	p.win.SetContent(p.frame.content)
	p.win.Resize(fyne.NewSize(800, 600))
	kept, err := purse.New(d, purse.Options{WorkFactor: 8, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	p.wallet.take(kept)
	p.close = sync.OnceFunc(func() {
		p.closed.Store(true)
		cancel()
		p.wallet.end()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(p.close)
	p.visit(placeWallet)
	return p
}

// shot keeps a picture of the window where GOLDPAN_SCREENSHOTS says, for people to look at.
func (p *purseWindow) shot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("GOLDPAN_SCREENSHOTS")
	if dir == "" {
		return
	}
	p.later.draw()
	p.wallet.look()
	// A display lays out anew whatever has grown; the test's canvas does so when it is told to.
	size := p.win.Canvas().Size()
	for _, more := range []float32{1, 0} {
		p.win.Resize(size.AddWidthHeight(more, 0))
		if top := p.win.Canvas().Overlays().Top(); top != nil {
			top.Refresh()
		}
		for _, o := range test.LaidOutObjects(p.win.Content()) {
			o.Refresh()
		}
	}
	variant := "light"
	if os.Getenv("FYNE_THEME") == "dark" {
		variant = "dark"
	}
	f, err := os.Create(filepath.Join(dir, "purse-"+name+"-"+variant+".png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, p.win.Canvas().Capture()); err != nil {
		t.Fatal(err)
	}
}

// until draws what waits until ok.
func (p *purseWindow) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.later.draw()
		p.wallet.look()
		if ok() {
			return
		}
	}
	t.Fatalf("%s did not come; the screen says %q", what, p.text())
}

// text is what the place and the sheet over it say.
func (p *purseWindow) text() string {
	text := allText(p.wallet.content)
	if top := p.win.Canvas().Overlays().Top(); top != nil {
		text += allText(top)
	}
	return text
}

// top is the sheet that lies over the window.
func (p *purseWindow) top(t *testing.T) fyne.CanvasObject {
	t.Helper()
	o := p.win.Canvas().Overlays().Top()
	if o == nil {
		t.Fatalf("no sheet lies over %q", p.text())
	}
	return o
}

func (p *purseWindow) press(t *testing.T, o fyne.CanvasObject, name string) {
	t.Helper()
	b := buttons(o)[name]
	if b == nil {
		t.Fatalf("there is no button %q in %q", name, allText(o))
	}
	test.Tap(b)
}

// make adds a wallet of new words, by the steps of a beginner.
func (p *purseWindow) make(t *testing.T, coinName string) {
	t.Helper()
	p.press(t, p.wallet.content, "Add a wallet")
	pick(t, p.wallet.content, coinName)
	test.Tap(p.wallet.adding.next)
	pick(t, p.wallet.content, "New")
	test.Tap(p.wallet.adding.next)
	typing(t, p.wallet.content, "several words", "short")
	if !p.wallet.adding.next.Disabled() {
		t.Error("a weak passphrase was taken")
	}
	if text := p.text(); !strings.Contains(text, "Too soon guessed") {
		t.Errorf("of a weak passphrase it says %q", text)
	}
	typing(t, p.wallet.content, "several words", goodPassphrase)
	typing(t, p.wallet.content, "the same again", goodPassphrase)
	if p.wallet.adding.next.Disabled() {
		t.Fatalf("a good passphrase was refused: %q", p.text())
	}
	p.shot(t, "passphrase")
	test.Tap(p.wallet.adding.next)
	p.until(t, "the wallet", func() bool { return p.wallet.adding == nil && p.win.Canvas().Overlays().Top() != nil })
	p.shot(t, "made")
}

// A beginner makes a wallet, sees the words once, gives some wrong and then right, and
// mines to it.
func TestFirstWallet(t *testing.T) {
	p := newPurseWindow(t)
	var at []int
	p.options.Asked = func(positions []int) { at = positions }
	if text := p.text(); !strings.Contains(text, worthless) || !strings.Contains(text, "Add a wallet") {
		t.Errorf("at first it says %q", text)
	}
	p.make(t, "Litecoin")
	account := p.wallet.at
	if text := p.text(); !strings.Contains(text, unaudited) {
		t.Errorf("of a new wallet it says %q", text)
	}
	p.press(t, p.top(t), "Show me the words")
	typing(t, p.top(t), "", goodPassphrase)
	p.press(t, p.top(t), "Go on")
	words, _, err := account.Words(goodPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	p.until(t, "the words", func() bool { return strings.Contains(p.text(), "I have written them down") })
	for _, o := range test.LaidOutObjects(p.top(t)) {
		if l, ok := o.(*widget.Label); ok && l.Selectable {
			t.Errorf("%q can be marked, and so copied", l.Text)
		}
		if b, ok := o.(*widget.Button); ok && strings.Contains(b.Text, "Copy") {
			t.Error("the words can be copied")
		}
	}
	for _, w := range words {
		if !strings.Contains(p.text(), w) {
			t.Fatal("not all words are shown")
		}
	}
	p.shot(t, "words")
	p.press(t, p.top(t), "I have written them down")
	if len(at) != asked {
		t.Fatalf("asked for %v", at)
	}
	answer := func(wrong int) {
		i := 0
		for _, o := range test.LaidOutObjects(p.top(t)) {
			if e, ok := o.(*widget.Entry); ok {
				if e.SetText(words[at[i]-1]); i == wrong {
					e.SetText("wrong")
				}
				i++
			}
		}
		p.press(t, p.top(t), "Check")
	}
	answer(2)
	p.until(t, "what is wrong", func() bool { return strings.Contains(p.text(), "This is another word.") })
	if account.Snapshot().BackedUp {
		t.Error("wrong words prove the backup")
	}
	if text := allText(p.wallet.content); !strings.Contains(text, "No backup was proven yet") {
		t.Errorf("before the proof it says %q", text)
	}
	answer(-1)
	p.until(t, "the proof", func() bool { return strings.Contains(p.text(), "Your backup works") })
	p.press(t, p.top(t), "Good")
	if p.wallet.view.notice.Visible() {
		t.Error("the notice stays")
	}
	if content := p.app.Clipboard().Content(); content != "" {
		t.Errorf("on the clipboard: %q", content)
	}

	// The address goes into the set-up of mining for real.
	address := account.Snapshot().Address
	p.press(t, p.wallet.content, "Mine to this wallet")
	if d := p.real.setup.draft; d.payee != address || d.coin.ID != "litecoin" || p.real.setup.step.name != "pool" {
		t.Errorf("mining for real is set up for %s, paid to %q, at %q", d.coin.ID, d.payee, p.real.setup.step.name)
	}
	p.real.setup.draft.payee = ""
	p.real.setup.show(2)
	p.press(t, p.real.setup.content, "Use my Goldpan wallet")
	if p.real.setup.draft.payee != address {
		t.Errorf("in the set-up it is paid to %q", p.real.setup.draft.payee)
	}
}

// A wallet of real coins tells nothing before its passphrase was given, locks, and is
// opened again.
func TestLockedWallet(t *testing.T) {
	p := newPurseWindow(t)
	p.make(t, "Bitcoin")
	p.press(t, p.top(t), "Later")
	p.until(t, "it", func() bool { return p.wallet.view.last.State == purse.Open })
	p.shot(t, "receive")
	p.press(t, p.wallet.content, "Lock")
	p.shot(t, "locked")
	if p.wallet.view.last.State != purse.Locked || !p.wallet.view.body.Visible() {
		t.Errorf("after Lock: %v", p.wallet.view.last.State)
	}
	p.press(t, p.wallet.content, "Unlock")
	if p.wallet.view.body.Visible() || !p.wallet.view.shut.Visible() {
		t.Error("the passphrase is not asked for")
	}
	p.shot(t, "unlock")
	p.wallet.view.passphrase.SetText("wrong")
	test.Tap(p.wallet.view.open)
	p.until(t, "a refusal", func() bool { return strings.Contains(p.text(), "does not open it") })
	p.wallet.view.passphrase.SetText(goodPassphrase)
	test.Tap(p.wallet.view.open)
	p.until(t, "it", func() bool { return p.wallet.view.last.State == purse.Open && p.wallet.view.body.Visible() })

	// Another coin of the same words.
	p.press(t, p.wallet.content, "Add a wallet")
	pick(t, p.wallet.content, "Dogecoin")
	test.Tap(p.wallet.adding.next)
	test.Tap(p.wallet.adding.next)
	typing(t, p.wallet.content, "the passphrase of your words", goodPassphrase)
	test.Tap(p.wallet.adding.next)
	p.until(t, "Dogecoin", func() bool { return p.wallet.adding == nil && p.wallet.view.last.Address != "" })
	if a := p.wallet.view.last; a.ID != (purse.ID{Coin: "dogecoin", Network: coin.Main}) || a.Address[0] != 'D' {
		t.Errorf("%+v", a)
	}
	if _, ok := p.wallet.forNewMiner(a0(t, "dogecoin")); ok {
		t.Error("mined to a wallet that is not backed up")
	}
}

func a0(t *testing.T, id string) coin.Coin {
	t.Helper()
	c, err := coin.ByID(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Words are taken one by one: their beginning is enough, a wrong one has a near one
// beside it, and the wallet that they are of comes back.
func TestRestoreByWords(t *testing.T) {
	p := newPurseWindow(t)
	p.press(t, p.wallet.content, "Add a wallet")
	test.Tap(p.wallet.adding.next)
	pick(t, p.wallet.content, "Restore from words")
	words := p.wallet.adding.words
	words.entry.SetText("abandom")
	b := buttons(words.hints)["abandon"]
	if b == nil || !strings.Contains(words.says.Text, "No word of the list begins so. Perhaps") {
		t.Fatalf("of a wrong word it says %q", words.says.Text)
	}
	p.shot(t, "restore-near")
	test.Tap(b)
	for range 10 {
		words.entry.SetText("aban")
		words.entry.OnSubmitted(words.entry.Text)
	}
	if len(words.words) != 11 || !p.wallet.adding.next.Disabled() {
		t.Fatalf("%d words", len(words.words))
	}
	words.entry.SetText("abandon ")
	if !strings.Contains(words.says.Text, "wrong place") || !p.wallet.adding.next.Disabled() {
		t.Errorf("of a wrong check sum it says %q", words.says.Text)
	}
	test.Tap(buttons(words.content)["Take the last one back"])
	words.entry.SetText("about ")
	p.shot(t, "restore")
	if p.wallet.adding.next.Disabled() {
		t.Fatalf("BIP39's own vector was refused: %q", words.says.Text)
	}
	test.Tap(p.wallet.adding.next)
	typing(t, p.wallet.content, "several words", goodPassphrase)
	typing(t, p.wallet.content, "the same again", goodPassphrase)
	test.Tap(p.wallet.adding.next)
	p.until(t, "the wallet", func() bool { return p.wallet.adding == nil && p.wallet.view.last.Address != "" })
	// BIP84's own test vector.
	if s := p.wallet.view.last; s.Address != "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu" || !s.BackedUp || len(s.Named) != 0 {
		t.Errorf("restored: %+v", s)
	}
	typing(t, p.wallet.content, "an address", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")
	if !strings.Contains(p.text(), "Yes, it is yours.") {
		t.Error("its own address is not known")
	}
	typing(t, p.wallet.content, "an address", bitcoinAddress)
	if !strings.Contains(p.text(), "No, it is not this wallet's") {
		t.Error("a strange address is taken for its own")
	}
	// The sheet about servers: none is contacted before it is answered, and what is no address is refused.
	p.shot(t, "servers")
	typing(t, p.top(t), "tls://", "http://electrum.example")
	p.press(t, p.top(t), "Ask these")
	if text := p.text(); !strings.Contains(text, "begins with tls://") {
		t.Errorf("of a wrong server it says %q", text)
	}
	if s := p.wallet.at.Snapshot(); len(s.Named) != 0 {
		t.Errorf("servers: %v", s.Named)
	}
	p.press(t, p.top(t), "None for now")
}

// What a wallet's parts say, in words that add up.
func TestWalletTexts(t *testing.T) {
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	s := purse.Snapshot{Params: params, ID: purse.ID{Coin: "bitcoin", Network: coin.Main}, State: purse.Open, Height: 800_000,
		Balance: wallet.Balance{Confirmed: 1e8, Unconfirmed: 2e8, Immature: 3e8, Dust: 100}}
	text := strings.Join(moneyWords(s, purse.Ripening{Rewards: 2, Deep: 37, Needs: 100}), "\n")
	for _, want := range []string{"1.00", "can be spent", "2.00", "on its way", "3.00", "immature: 37/100 blocks for the first of 2 rewards", "0.000001", "dust"} {
		if !strings.Contains(text, want) {
			t.Errorf("the balance does not say %q, but %q", want, text)
		}
	}
	if text := backupWords(s); !strings.Contains(text, "If this computer breaks, they are gone.") {
		t.Errorf("of a wallet that is not backed up: %q", text)
	}
	if k, _, text := syncWords(s); k != kindIdle || !strings.Contains(text, "No server is asked") {
		t.Errorf("without a server: %q", text)
	}
	s.Named = []string{"tls://electrum.example:50002"}
	if _, _, text := syncWords(s); !strings.Contains(text, "electrum.example:50002") {
		t.Errorf("connecting: %q", text)
	}
	s.Sync = wallet.State{Connected: true, Headers: 1000, Announced: 2000}
	if _, _, text := syncWords(s); !strings.Contains(text, "2\u202f000") {
		t.Errorf("checking: %q", text)
	}
	s.Sync = wallet.State{Connected: true, Synced: true}
	if k, _, text := syncWords(s); k != kindGood || !strings.Contains(text, "Proven up to block 800\u202f000.") {
		t.Errorf("in step: %q", text)
	}
	title, state := entryWords(purse.Entry{Entry: wallet.Entry{Reward: true, Height: 5, Confirmations: 37, Matures: 100}})
	if title != "Mining reward" || state != "immature 37/100" {
		t.Errorf("a reward: %q, %q", title, state)
	}
	if c := config.Default(); c.Payout != "" {
		t.Error("a payout is set by itself")
	}
}
