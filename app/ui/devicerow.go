package ui

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/home"
)

// deviceRow shows one device.
type deviceRow struct {
	panel *panel
	last  home.Device

	mark        *widget.Icon
	name, state *widget.Label
	deeds       *widget.Label
	rate, part  *widget.Label
	bar         *partBar
	spark       *spark
	rename      *widget.Button
	pause       *widget.Button
	remove      *widget.Button
}

// deviceActs are what a person does with a device.
type deviceActs struct {
	rename, remove func(home.Device)
	pause          func(d home.Device, on bool)
}

func newDeviceRow(acts deviceActs) *deviceRow {
	r := &deviceRow{mark: widget.NewIcon(nil), name: figure(theme.SizeNameText), state: caption(""), deeds: explanation(""),
		rate: figure(theme.SizeNameText), part: caption(""), bar: newPartBar(), spark: newSpark()}
	r.name.Truncation, r.state.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	r.rate.Alignment, r.part.Alignment = fyne.TextAlignTrailing, fyne.TextAlignTrailing
	r.rename, r.pause, r.remove = widget.NewButton("Rename", nil), widget.NewButton("Pause", nil), widget.NewButton("Remove", nil)
	press(r.rename, func() { acts.rename(r.last) })
	press(r.pause, func() { acts.pause(r.last, !r.last.Paused) })
	press(r.remove, func() { acts.remove(r.last) })
	figures := container.New(atLeast{104, 0}, container.New(column{2}, r.rate, r.part, r.bar))
	right := container.New(layout.NewCustomPaddedHBoxLayout(10), container.NewCenter(container.New(atLeast{112, 44}, r.spark)), figures,
		container.NewCenter(container.NewHBox(r.rename, r.pause, r.remove)))
	left := container.NewVBox(container.New(atLeast{28, 28}, r.mark))
	r.panel = newPanel(container.NewBorder(nil, nil, left, right, container.New(column{0}, r.name, r.state, r.deeds)))
	return r
}

// press has a button do something and keep the keyboard's focus, which Fyne takes
// from it: who presses a key goes on from there.
func press(b *widget.Button, do func()) {
	b.OnTapped = func() {
		if c := fyne.CurrentApp().Driver().CanvasForObject(b); c != nil {
			c.Focus(b)
		}
		do()
	}
}

// show draws d as it is at the time now.
func (r *deviceRow) show(d home.Device, now time.Time) {
	r.last = d
	say(r.name, d.Name)
	k, state := deviceWords(d, now)
	setMark(r.mark, k)
	say(r.state, state)
	say(r.deeds, deedWords(d))
	shown := 0.0
	if d.Connected {
		shown = d.Hashrate
	}
	say(r.rate, rate(shown))
	say(r.part, partWords(d.Part)+" of all")
	r.bar.set(d.Part)
	r.spark.add(shown, now)
	pause := "Pause"
	if d.Paused {
		pause = "Go on"
	}
	if r.pause.Text != pause {
		r.pause.SetText(pause)
	}
}

// spark is a device's hash rate over the last minutes: the right edge is now, the
// top is the most that is in sight.
type spark struct {
	widget.BaseWidget
	rates []float64
	at    time.Time // of the newest
}

const (
	sparkEvery = 3 * time.Second
	sparkMost  = 60
)

func newSpark() *spark {
	s := &spark{}
	s.ExtendBaseWidget(s)
	return s
}

// AccessibilityLabel implements fyne.Accessible.
func (s *spark) AccessibilityLabel() string { return "The hash rate of the last three minutes" }

// AccessibilityRole implements fyne.Accessible.
func (s *spark) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// add takes the rate now, in hashes a second; of those that come too often it
// keeps the last.
func (s *spark) add(rate float64, now time.Time) {
	if len(s.rates) > 0 && now.Sub(s.at) < sparkEvery {
		return
	}
	s.at = now
	s.rates = append(s.rates, rate)
	s.rates = s.rates[max(0, len(s.rates)-sparkMost):]
	s.Refresh()
}

func (s *spark) CreateRenderer() fyne.WidgetRenderer {
	v := &sparkRenderer{s: s, bed: &canvas.Rectangle{CornerRadius: 6}, tip: &canvas.Circle{}}
	v.objects = append(v.objects, v.bed)
	for range sparkMost - 1 {
		v.lines = append(v.lines, &canvas.Line{StrokeWidth: 1.6})
	}
	v.objects = append(appendAll(v.objects, v.lines), v.tip)
	v.Refresh()
	return v
}

type sparkRenderer struct {
	s       *spark
	bed     *canvas.Rectangle
	lines   []*canvas.Line
	tip     *canvas.Circle
	objects []fyne.CanvasObject
}

func (v *sparkRenderer) Destroy()                     {}
func (v *sparkRenderer) MinSize() fyne.Size           { return fyne.NewSize(80, 28) }
func (v *sparkRenderer) Objects() []fyne.CanvasObject { return v.objects }

func (v *sparkRenderer) Layout(size fyne.Size) {
	v.bed.Resize(size)
	v.place(size)
}

func (v *sparkRenderer) Refresh() {
	th, variant := v.s.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	c := func(name fyne.ThemeColorName) color.Color { return th.Color(name, variant) }
	v.bed.FillColor = c(colorDeep)
	for _, l := range v.lines {
		l.StrokeColor = c(colorGrain)
	}
	v.tip.FillColor = c(colorGold)
	v.place(v.s.Size())
	canvas.Refresh(v.bed)
}

func (v *sparkRenderer) place(size fyne.Size) {
	const margin = 6
	most := 0.0
	for _, r := range v.s.rates {
		most = max(most, r)
	}
	n := len(v.s.rates)
	point := func(i int) fyne.Position {
		x := size.Width - margin - float32(n-1-i)*(size.Width-2*margin)/(sparkMost-1)
		y := size.Height - margin
		if most > 0 {
			y -= float32(v.s.rates[i]/most) * (size.Height - 2*margin)
		}
		return fyne.NewPos(x, y)
	}
	for i, l := range v.lines {
		if l.Hidden = i+1 >= n; !l.Hidden {
			l.Position1, l.Position2 = point(i), point(i+1)
		}
	}
	if v.tip.Hidden = n == 0; n > 0 {
		at := point(n - 1)
		put(v.tip, at.X, at.Y, 2.6)
	}
}

// partBar is a device's part of the whole, as a length.
type partBar struct {
	widget.BaseWidget
	part float64
}

func newPartBar() *partBar {
	b := &partBar{}
	b.ExtendBaseWidget(b)
	return b
}

func (b *partBar) set(part float64) {
	if part = min(1, max(0, part)); b.part != part {
		b.part = part
		b.Refresh()
	}
}

func (b *partBar) CreateRenderer() fyne.WidgetRenderer {
	v := &partRenderer{b: b, all: &canvas.Rectangle{CornerRadius: 3}, part: &canvas.Rectangle{CornerRadius: 3}}
	v.Refresh()
	return v
}

type partRenderer struct {
	b         *partBar
	all, part *canvas.Rectangle
}

func (v *partRenderer) Destroy()                     {}
func (v *partRenderer) MinSize() fyne.Size           { return fyne.NewSize(60, 6) }
func (v *partRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{v.all, v.part} }
func (v *partRenderer) Layout(size fyne.Size) {
	v.all.Resize(size)
	v.part.Resize(fyne.NewSize(size.Width*float32(v.b.part), size.Height))
}
func (v *partRenderer) Refresh() {
	th, variant := v.b.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	v.all.FillColor, v.part.FillColor = th.Color(colorLine, variant), th.Color(colorWater, variant)
	v.Layout(v.b.Size())
	canvas.Refresh(v.all)
	canvas.Refresh(v.part)
}
