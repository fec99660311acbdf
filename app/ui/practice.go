package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/assets"
	"goldpan/core"
)

// practiceScreen is the first screen. It answers: am I mining, how well, what
// did I earn, is anything wrong. Its methods are for Fyne's goroutine.
type practiceScreen struct {
	content fyne.CanvasObject

	balance, parts *widget.Label
	address        *widget.Label
	copy           *widget.Button
	start          *widget.Button
	mark           *widget.Icon
	state, reason  *widget.Label
	river          *river
	still, legend  *widget.Label
	header         *widget.Label
	hashrate       *card
	shares         *card
	block          *card
	headerRow      *fyne.Container
	note           *widget.Label
	noteRow        *fyne.Container

	copied func(string) // puts words on the clipboard
	mining func(bool)   // what the button asks for, once there is something to start

	started bool // the person has pressed Start once
	on      bool // the button's last word
	ready   bool
	cheer   string    // a good word about a new block
	cheerAt time.Time // since when it stands
}

const (
	startText = "Start mining"
	stopText  = "Stop mining"
	// cheering is how long the word about a new block stands.
	cheering = 6 * time.Second
)

func newPracticeScreen(copied func(string)) *practiceScreen {
	p := &practiceScreen{
		balance: figure(sizeHero),
		parts:   explanation(""),
		address: widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Monospace: true}),
		mark:    widget.NewIcon(theme.MediaPauseIcon()),
		state:   figure(theme.SizeNameText),
		reason:  explanation(""),
		river:   newRiver(),
		still:   caption("The river is still. When you mine, grains drift by, and now and then a nugget."),
		legend:  caption(""),
		header:  caption(""),
		note:    explanation(""),
		copied:  copied,
		mining:  func(bool) {},
	}
	p.hashrate = newCard("Hash rate: how fast you work")
	p.shares = newCard("Shares: proof of your work")
	p.block = newCard("Last block in the coin's book")
	p.address.SizeName = theme.SizeNameCaptionText
	p.address.Selectable = true
	p.copy = widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), p.copyAddress)
	p.start = widget.NewButtonWithIcon(startText, theme.MediaPlayIcon(), p.toggle)
	p.start.Importance = widget.HighImportance
	p.header.TextStyle.Monospace = true
	p.header.Truncation = fyne.TextTruncateEllipsis
	p.legend.Truncation = fyne.TextTruncateEllipsis
	p.noteRow = container.New(lines(2), p.note)
	p.noteRow.Hide()
	p.content = p.build()
	p.preparing("One moment")
	return p
}

func (p *practiceScreen) build() fyne.CanvasObject {
	worth := figure(theme.SizeNameText)
	worth.TextStyle.Bold = false
	worth.SetText(worthless)
	amount := container.New(baseline{}, p.balance, worth)
	address := container.NewHBox(container.NewCenter(caption("Your address")), container.NewCenter(p.address), p.copy)
	money := container.New(column{2}, caption("Your balance on the practice network: real mining, worthless coins"), amount, container.New(lines(1), p.parts), address)

	th := fyne.CurrentApp().Settings().Theme()
	button := container.New(atLeast{228, 60}, container.NewThemeOverride(p.start, roomy{th}))
	act := container.New(atLeast{228, 0}, container.New(column{2},
		button, container.NewBorder(nil, nil, p.mark, nil, p.state), container.New(lines(3), p.reason)))
	hero := newPanel(container.NewBorder(nil, nil, nil, act, money))

	p.headerRow = container.NewBorder(nil, nil, caption("The block being tried, as bytes:"), nil, p.header)
	p.headerRow.Hide()
	picture := newPanel(container.NewBorder(nil, container.New(column{0}, p.legend, p.headerRow), nil, nil,
		container.NewStack(p.river, container.NewCenter(p.still))))
	cards := container.New(thirds{10}, p.hashrate.panel, p.shares.panel, p.block.panel)

	return container.New(layout.NewCustomPaddedLayout(4, 8, 14, 14), container.NewBorder(
		hero,
		container.New(column{2}, cards, p.noteRow), nil, nil,
		container.New(layout.NewCustomPaddedLayout(6, 6, 0, 0), container.New(atLeast{0, 120}, picture))))
}

// Icon is Goldpan's mark.
func Icon() fyne.Resource { return fyne.NewStaticResource("goldpan.png", assets.Icon()) }

// baseline puts a small text beside a large one, on the same line of writing.
type baseline struct{}

func (baseline) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+b.Width, max(a.Height, b.Height))
}

func (baseline) Layout(o []fyne.CanvasObject, size fyne.Size) {
	a, b := o[0].MinSize(), o[1].MinSize()
	o[0].Move(fyne.Position{})
	o[0].Resize(a)
	o[1].Move(fyne.NewPos(a.Width, (a.Height-b.Height)*0.79))
	o[1].Resize(b)
}

// preparing shows what is being done before there is anything to press.
func (p *practiceScreen) preparing(what string) {
	p.ready = false
	p.start.Disable()
	p.mark.SetResource(theme.HistoryIcon())
	p.showButton(false)
	say(p.balance, "…")
	say(p.parts, "")
	say(p.state, "Getting ready")
	say(p.reason, what+" …")
	say(p.address, "…")
	p.copy.Disable()
	say(p.hashrate.value, "…")
	say(p.shares.value, "…")
	say(p.block.value, "…")
}

// show draws s as it is at the time now.
func (p *practiceScreen) show(s desk.PracticeSnapshot, now time.Time) {
	if !p.ready {
		p.ready = true
		p.start.Enable()
		p.copy.Enable()
	}
	total, parts := balanceWords(s)
	say(p.balance, total)
	say(p.parts, parts)
	say(p.address, s.Address)

	k, title, why := stateWords(s, p.started)
	if now.Sub(p.cheerAt) < cheering && k == kindGood {
		why = p.cheer
	}
	say(p.state, title)
	say(p.reason, why)
	setMark(p.mark, k)
	p.showButton(s.Mining.State != core.StatePaused)

	m := s.Mining
	say(p.hashrate.value, rate(m.Hashrate))
	say(p.hashrate.means, rateMeans(m.Hashrate))
	title, why = shareWords(m)
	say(p.shares.value, title)
	say(p.shares.means, why)
	title, why = blockWords(s, now)
	say(p.block.value, title)
	say(p.block.means, why)

	p.river.count(now, m.Hashes, m.Hashrate)
	say(p.legend, legendWords(p.river.perGrain, true))
	say(p.header, headerWords(m.Header))
	say(p.note, s.Note)
	p.reveal(p.headerRow, p.header.Text != "")
	p.reveal(p.noteRow, p.note.Text != "")
}

// reveal shows or hides a row; the screen makes room for it.
func (p *practiceScreen) reveal(row *fyne.Container, shown bool) {
	if row.Hidden == shown {
		row.Hidden = !shown
		p.content.Refresh()
	}
}

func (p *practiceScreen) showButton(on bool) {
	text, icon := startText, theme.MediaPlayIcon()
	if on {
		text, icon = stopText, theme.MediaStopIcon()
	}
	p.on = on
	if p.start.Text != text {
		p.start.Text = text
		p.start.SetIcon(icon)
	}
}

// toggle is the button: it starts what rests and stops what works.
func (p *practiceScreen) toggle() {
	on := !p.on
	p.started = p.started || on
	p.showButton(on)
	p.mining(on)
}

// copyAddress puts the address on the clipboard, as one line without an end.
func (p *practiceScreen) copyAddress() {
	p.copied(p.address.Text)
	p.copy.SetText("Copied")
	time.AfterFunc(2*time.Second, func() { fyne.Do(func() { p.copy.SetText("Copy") }) })
}

// found cheers at a new block.
func (p *practiceScreen) found(b desk.Block, now time.Time) {
	p.river.block(now)
	p.cheer, p.cheerAt = cheerWords(b), now
}

// shared lets a share's nugget into the picture.
func (p *practiceScreen) shared(s desk.Share, now time.Time) {
	p.river.share(now, s.Difficulty, s.Status.String() == "accepted")
}

// flow moves the picture on.
func (p *practiceScreen) flow(now time.Time) {
	if p.river.flow(now) {
		p.still.Hide()
	} else {
		p.still.Show()
	}
}
