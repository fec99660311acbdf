package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/core"
)

// place is one of the window's screens that are always in reach.
type place int

const (
	placePractice place = iota
	placeReal
	placeWallet
	placeDevices
	placeSettings
	placeAbout
)

// placeNames are what the buttons at the top say.
var placeNames = [...]string{"Practice", "Mine for real", "Wallet", "Devices", "Settings", "About"}

// frame is what stands around every screen: the way to the others, and what is
// mined now.
type frame struct {
	content fyne.CanvasObject
	scroll  *container.Scroll
	nav     [len(placeNames)]*widget.Button
	mark    *widget.Icon
	state   *widget.Label
	at      place
	focused fyne.Focusable // when it was last brought into view
}

func newFrame(visit func(place)) *frame {
	f := &frame{mark: widget.NewIcon(nil), state: caption(""), scroll: container.NewScroll(widget.NewLabel(""))}
	f.state.Truncation = fyne.TextTruncateEllipsis
	f.state.Importance = widget.MediumImportance
	icon := canvas.NewImageFromResource(Icon())
	icon.FillMode = canvas.ImageFillContain
	name := figure(theme.SizeNameSubHeadingText)
	name.SetText("Goldpan")
	left := container.NewHBox(container.New(atLeast{32, 32}, icon), name)
	for i, text := range placeNames {
		f.nav[i] = widget.NewButton(text, func() { visit(place(i)) })
		f.nav[i].Importance = widget.LowImportance
		left.Add(f.nav[i])
	}
	state := container.NewBorder(nil, nil, f.mark, nil, container.New(middle{}, f.state))
	top := container.New(layout.NewCustomPaddedLayout(6, 2, 14, 14), container.NewBorder(nil, nil, left, nil,
		container.New(layout.NewCustomPaddedLayout(0, 0, 16, 0), state)))
	f.content = container.NewBorder(top, nil, nil, nil, f.scroll)
	return f
}

// shortcuts reach every place from the keyboard: Ctrl and its number.
func shortcuts(c fyne.Canvas, visit func(place)) {
	for i, key := range []fyne.KeyName{fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6} {
		c.AddShortcut(&desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierControl}, func(fyne.Shortcut) { visit(place(i)) })
	}
}

// show puts a screen into the frame.
func (f *frame) show(at place, content fyne.CanvasObject) {
	f.at = at
	for i, b := range f.nav {
		importance := widget.LowImportance
		if place(i) == at {
			importance = widget.MediumImportance
		}
		if b.Importance != importance {
			b.Importance = importance
			b.Refresh()
		}
	}
	if f.scroll.Content != content {
		f.scroll.Content = content
		f.scroll.Offset = fyne.Position{}
		f.scroll.Refresh()
	}
}

// tell says what is mined now, on every screen.
func (f *frame) tell(k kind, text string) {
	setMark(f.mark, k)
	say(f.state, text)
}

// follow brings what has the keyboard's focus into view: in a window that is
// small, or at large text, it may be out of it. inner are scrolls within the
// screen; nil ones are passed by.
func (f *frame) follow(focused fyne.Focusable, inner ...*container.Scroll) {
	if focused == f.focused {
		return
	}
	f.focused = focused
	o, ok := focused.(fyne.CanvasObject)
	if !ok {
		return
	}
	for _, scroll := range append(inner, f.scroll) {
		if scroll != nil {
			bringIntoView(scroll, o)
		}
	}
}

// bringIntoView scrolls as far as is needed to see o, if it is in there.
func bringIntoView(scroll *container.Scroll, o fyne.CanvasObject) {
	driver := fyne.CurrentApp().Driver()
	at, content := driver.AbsolutePositionForObject(o), driver.AbsolutePositionForObject(scroll.Content)
	top := at.Y - content.Y // within the content
	bottom := top + o.Size().Height
	if at.IsZero() || top < 0 || bottom > scroll.Content.Size().Height {
		return
	}
	const margin, below = 8, 56 // what is wrong with a field stands below it
	offset, height := scroll.Offset, scroll.Size().Height
	switch {
	case top-margin < offset.Y:
		offset.Y = max(top-margin, 0)
	case bottom+below > offset.Y+height:
		offset.Y = max(min(bottom+below-height, top-margin, scroll.Content.Size().Height-height), 0)
	default:
		return
	}
	scroll.ScrollToOffset(offset)
}

// warn marks a place, on every screen, as one that wants to be looked after.
func (f *frame) warn(at place, on bool) {
	b := f.nav[at]
	switch {
	case on && b.Icon == nil:
		b.SetIcon(theme.NewWarningThemedResource(theme.WarningIcon()))
	case !on && b.Icon != nil:
		b.SetIcon(nil)
	}
}

// setMark shows a state by its shape, besides its word.
func setMark(mark *widget.Icon, k kind) {
	icon := theme.MediaPauseIcon()
	switch k {
	case kindReady:
		icon = theme.RadioButtonIcon()
	case kindGood:
		icon = theme.NewSuccessThemedResource(theme.ConfirmIcon())
	case kindWait:
		icon = theme.HistoryIcon()
	case kindBad:
		icon = theme.NewErrorThemedResource(theme.WarningIcon())
	}
	if mark.Resource == nil || mark.Resource.Name() != icon.Name() {
		mark.SetResource(icon)
	}
}

// stateLine is how a session stands, in a few words for every screen. what names
// it.
func stateLine(what string, m core.Snapshot) (kind, string) {
	switch m.State {
	case core.StateMining:
		return kindGood, what + ": mining · " + rate(m.Hashrate)
	case core.StatePaused:
		return kindIdle, what + ": paused, " + m.Reason
	case core.StateDown:
		return kindBad, what + ": not mining, " + m.Reason
	}
	return kindWait, what + ": connecting"
}
