package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// option is one of several things to choose: a card with a title and what there
// is to know of it. It is chosen by a tap, or with the space bar.
type option struct {
	widget.BaseWidget
	title   string
	content *fyne.Container
	icon    *widget.Icon
	choose  func() // nil: it cannot be chosen
	chosen  bool
	focused bool
	hidden  []fyne.CanvasObject // shown only while it is chosen
}

// newOption returns an option; more, which may be none, is shown while it is
// chosen.
func newOption(title, text string, choose func(), more ...fyne.CanvasObject) *option {
	o := &option{title: title, choose: choose, hidden: more, icon: widget.NewIcon(theme.RadioButtonIcon())}
	head := figure(theme.SizeNameText)
	head.Wrapping = fyne.TextWrapWord
	head.SetText(title)
	words := []fyne.CanvasObject{head}
	if text != "" {
		words = append(words, explanation(text))
	}
	for _, m := range more {
		m.Hide()
		words = append(words, m)
	}
	left := fyne.CanvasObject(container.NewVBox(container.New(atLeast{28, 28}, o.icon)))
	if choose == nil {
		o.icon.SetResource(theme.CancelIcon())
		head.Importance = widget.LowImportance
	}
	o.content = container.NewBorder(nil, nil, left, nil, container.New(column{0}, words...))
	o.ExtendBaseWidget(o)
	return o
}

// set chooses the option or leaves it.
func (o *option) set(chosen bool) {
	if o.chosen == chosen {
		return
	}
	o.chosen = chosen
	icon := theme.RadioButtonIcon()
	if chosen {
		icon = theme.RadioButtonCheckedIcon()
	}
	o.icon.SetResource(icon)
	for _, h := range o.hidden {
		h.Hide()
		if chosen {
			h.Show()
		}
	}
	o.content.Refresh()
	o.Refresh()
}

// Tapped implements fyne.Tappable.
func (o *option) Tapped(*fyne.PointEvent) {
	if o.choose == nil {
		return
	}
	if c := o.canvas(); c != nil {
		c.Focus(o)
	}
	o.choose()
}

// FocusGained implements fyne.Focusable.
func (o *option) FocusGained() { o.focused = true; o.Refresh() }

// FocusLost implements fyne.Focusable.
func (o *option) FocusLost() { o.focused = false; o.Refresh() }

// TypedRune implements fyne.Focusable. The space bar is taken here and not as a
// key: what is chosen may give the focus to a field, which would get the space.
func (o *option) TypedRune(r rune) {
	if r == ' ' && o.choose != nil {
		o.choose()
	}
}

// TypedKey implements fyne.Focusable.
func (o *option) TypedKey(k *fyne.KeyEvent) {
	if o.choose == nil || o.canvas() == nil {
		return
	}
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		o.choose()
	case fyne.KeyDown:
		o.canvas().FocusNext()
	case fyne.KeyUp:
		o.canvas().FocusPrevious()
	}
}

func (o *option) canvas() fyne.Canvas { return fyne.CurrentApp().Driver().CanvasForObject(o) }

// Disabled implements fyne.Disableable, so that the focus passes by what cannot
// be chosen.
func (o *option) Disabled() bool { return o.choose == nil }

// Enable implements fyne.Disableable; what can be chosen is fixed.
func (o *option) Enable() {}

// Disable implements fyne.Disableable; what can be chosen is fixed.
func (o *option) Disable() {}

// CreateRenderer implements fyne.Widget.
func (o *option) CreateRenderer() fyne.WidgetRenderer {
	v := &optionRenderer{o: o, ground: &canvas.Rectangle{CornerRadius: 12}}
	v.Refresh()
	return v
}

type optionRenderer struct {
	o      *option
	ground *canvas.Rectangle
}

func (v *optionRenderer) Destroy() {}
func (v *optionRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{v.ground, v.o.content}
}
func (v *optionRenderer) MinSize() fyne.Size {
	return v.o.content.MinSize().AddWidthHeight(2*panelInset, panelInset)
}
func (v *optionRenderer) Layout(size fyne.Size) {
	v.ground.Resize(size)
	v.o.content.Move(fyne.NewPos(panelInset, panelInset/2))
	v.o.content.Resize(size.SubtractWidthHeight(2*panelInset, panelInset))
}
func (v *optionRenderer) Refresh() {
	th, variant := v.o.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	v.ground.FillColor = th.Color(colorSurface, variant)
	v.ground.StrokeWidth = 0
	if v.o.chosen {
		v.ground.StrokeColor, v.ground.StrokeWidth = th.Color(colorWater, variant), 2
	}
	if v.o.focused {
		v.ground.StrokeColor, v.ground.StrokeWidth = th.Color(theme.ColorNameHyperlink, variant), 3
	}
	if v.o.choose == nil {
		v.ground.FillColor = th.Color(theme.ColorNameBackground, variant)
	}
	v.ground.Refresh()
}

// choose sets one of several options.
func choose(options []*option, chosen int) {
	for i, o := range options {
		o.set(i == chosen)
	}
}
