package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
)

// realScreen shows mining for real: am I mining, how well, for whom, is anything
// wrong. Its methods are for Fyne's goroutine.
type realScreen struct {
	content fyne.CanvasObject

	title, payee  *widget.Label
	pools         *widget.Label
	change        *widget.Button
	start         *widget.Button
	mark          *widget.Icon
	state, reason *widget.Label
	river         *river
	still, legend *widget.Label
	why           *widget.Label // of the difference between hash rate and shares
	header        *widget.Label
	headerRow     *fyne.Container
	hashrate      *card
	shares        *card
	best          *card
	alarm         *widget.Label
	alarmRow      *fyne.Container
	notes         *widget.Label
	notesRow      *fyne.Container

	act     func(on bool)
	on      bool
	notices []core.Notice // the newest first
}

// maxNotices is how many notices are shown.
const maxNotices = 3

func newRealScreen(act func(bool), change func()) *realScreen {
	r := &realScreen{
		title:  figure(theme.SizeNameSubHeadingText),
		payee:  caption(""),
		pools:  caption(""),
		mark:   widget.NewIcon(theme.RadioButtonIcon()),
		state:  figure(theme.SizeNameText),
		reason: explanation(""),
		river:  newRiver(),
		still:  caption("The river is still. When you mine, grains drift by, and now and then a nugget."),
		legend: caption(""),
		header: caption(""),
		alarm:  widget.NewLabel(""),
		why:    explanation(""),
		notes:  explanation(""),
		act:    act,
	}
	r.title.Truncation = fyne.TextTruncateEllipsis
	r.payee.Truncation = fyne.TextTruncateEllipsis
	r.pools.Truncation = fyne.TextTruncateEllipsis
	r.alarm.Wrapping, r.alarm.Importance = fyne.TextWrapWord, widget.DangerImportance
	r.notes.Importance = widget.MediumImportance
	r.hashrate = newCard("Hash rate: how fast you work")
	r.shares = newCard("Shares: proof of your work")
	r.best = newCard("Best share")
	r.change = widget.NewButton("Change pool or address", change)
	r.start = widget.NewButtonWithIcon(startText, theme.MediaPlayIcon(), func() {
		r.showButton(!r.on)
		r.act(r.on)
	})
	r.start.Importance = widget.HighImportance
	r.header.TextStyle.Monospace = true
	r.header.Truncation, r.legend.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	r.build()
	return r
}

func (r *realScreen) build() {
	th := fyne.CurrentApp().Settings().Theme()
	button := container.New(atLeast{228, 60}, container.NewThemeOverride(r.start, roomy{th}))
	act := container.New(atLeast{228, 0}, container.New(column{2},
		button, container.NewBorder(nil, nil, r.mark, nil, r.state), container.New(lines(3), r.reason)))
	who := container.New(column{2}, r.title, r.payee, r.pools, container.New(lines(3), r.why), container.NewHBox(r.change))
	hero := newPanel(container.NewBorder(nil, nil, nil, act, who))

	r.headerRow = container.NewBorder(nil, nil, caption("The block being tried, as bytes:"), nil, r.header)
	r.headerRow.Hide()
	picture := newPanel(container.NewBorder(nil, container.New(column{0}, r.legend, r.headerRow), nil, nil,
		container.NewStack(r.river, container.NewCenter(r.still))))
	cards := container.New(thirds{10}, r.hashrate.panel, r.shares.panel, r.best.panel)
	r.alarmRow = container.NewBorder(nil, nil, container.NewVBox(widget.NewIcon(theme.NewErrorThemedResource(theme.WarningIcon()))), nil, r.alarm)
	r.alarmRow.Hide()
	r.notesRow = container.New(column{0}, r.notes)
	r.notesRow.Hide()
	r.content = container.New(layout.NewCustomPaddedLayout(4, 8, 14, 14), container.NewBorder(
		container.New(column{8}, hero, r.alarmRow, r.notesRow), cards, nil, nil,
		container.New(layout.NewCustomPaddedLayout(6, 6, 0, 0), container.New(atLeast{0, 120}, picture))))
}

// settle shows what would be mined, while nothing is.
func (r *realScreen) settle(c config.Config) {
	say(r.title, coinName(c)+" at "+whereWords(c))
	say(r.payee, "Paid: "+payeeWords(c))
}

// ready shows the screen before anything was started.
func (r *realScreen) ready() {
	r.river.count(time.Now(), 0, 0)
	r.showButton(false)
	r.start.Enable()
	setMark(r.mark, kindReady)
	say(r.state, "Ready")
	say(r.reason, "Nothing is contacted or mined until you press Start.")
	r.figures(core.Snapshot{}, "")
	say(r.pools, "")
	say(r.why, "")
}

// preparing shows what is done between Start and the first figures.
func (r *realScreen) preparing(what string) {
	setMark(r.mark, kindWait)
	say(r.state, "Getting ready")
	say(r.reason, what+" …")
}

// show draws m as it is at the time now. running tells whether it still runs.
func (r *realScreen) show(m core.Snapshot, odds string, now time.Time, running bool) {
	k, title, why := realStateWords(m)
	if k == kindGood {
		title += " for " + span(m.Uptime)
		if resumed := resumedWords(m, now); resumed != "" && m.Slowed == "" {
			why = resumed // the notices keep it too
		}
	}
	pools := strings.Join(poolLines(m), "\n")
	if !running {
		k, title, pools = kindIdle, "Stopped", "Nobody is contacted now."
		why = "It ran for " + span(m.Uptime) + "."
	}
	setMark(r.mark, k)
	say(r.state, title)
	say(r.reason, why)
	r.showButton(running)
	say(r.pools, pools)
	say(r.why, impliedWhy(m))
	r.figures(m, odds)
	r.river.count(now, m.Hashes, m.Hashrate)
	say(r.legend, legendWords(r.river.perGrain, false))
	say(r.header, headerWords(m.Header))
	say(r.alarm, m.Warning)
	changed := reveal(r.headerRow, r.header.Text != "")
	changed = reveal(r.alarmRow, r.alarm.Text != "") || changed
	if changed {
		r.content.Refresh()
	}
}

// figures are what the cards say.
func (r *realScreen) figures(m core.Snapshot, odds string) {
	say(r.hashrate.value, rate(m.Hashrate))
	say(r.hashrate.means, hashrateMeans(m, odds))
	title, why := shareWords(m)
	say(r.shares.value, title)
	say(r.shares.means, why)
	title, why = bestWords(m)
	say(r.best.value, title)
	say(r.best.means, why)
}

// notice shows what the person should hear of.
func (r *realScreen) notice(n core.Notice) {
	r.notices = append([]core.Notice{n}, r.notices...)
	r.notices = r.notices[:min(len(r.notices), maxNotices)]
	text := make([]string, len(r.notices))
	for i, n := range r.notices {
		text[i] = n.Time.Format("15:04") + "  " + noticeWords(n)
	}
	say(r.notes, strings.Join(text, "\n"))
	reveal(r.notesRow, true)
	r.content.Refresh()
}

// shared lets a share's nugget into the picture.
func (r *realScreen) shared(s desk.Share, now time.Time) {
	r.river.share(now, s.Difficulty, s.Status.String() == "accepted")
}

// flow moves the picture on.
func (r *realScreen) flow(now time.Time) {
	if r.river.flow(now) {
		r.still.Hide()
	} else {
		r.still.Show()
	}
}

func (r *realScreen) showButton(on bool) {
	text, icon := startText, theme.MediaPlayIcon()
	if on {
		text, icon = stopText, theme.MediaStopIcon()
	}
	r.on = on
	if r.start.Text != text {
		r.start.Text = text
		r.start.SetIcon(icon)
	}
}

// reveal shows or hides a row and tells whether that changed anything.
func reveal(row *fyne.Container, shown bool) bool {
	changed := row.Hidden == shown
	row.Hidden = !shown
	return changed
}
