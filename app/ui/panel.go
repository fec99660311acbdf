package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// panel is a card: content on a raised ground with round corners.
type panel struct {
	widget.BaseWidget
	content fyne.CanvasObject
}

func newPanel(content fyne.CanvasObject) *panel {
	p := &panel{content: content}
	p.ExtendBaseWidget(p)
	return p
}

func (p *panel) CreateRenderer() fyne.WidgetRenderer {
	v := &panelRenderer{p: p, ground: &canvas.Rectangle{CornerRadius: 12}}
	v.Refresh()
	return v
}

type panelRenderer struct {
	p      *panel
	ground *canvas.Rectangle
}

const panelInset = 12

func (v *panelRenderer) Destroy() {}
func (v *panelRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{v.ground, v.p.content}
}
func (v *panelRenderer) MinSize() fyne.Size {
	return v.p.content.MinSize().AddWidthHeight(2*panelInset, 2*panelInset)
}
func (v *panelRenderer) Layout(size fyne.Size) {
	v.ground.Resize(size)
	v.p.content.Move(fyne.NewPos(panelInset, panelInset))
	v.p.content.Resize(size.SubtractWidthHeight(2*panelInset, 2*panelInset))
}
func (v *panelRenderer) Refresh() {
	v.ground.FillColor = v.p.Theme().Color(colorSurface, fyne.CurrentApp().Settings().ThemeVariant())
	v.ground.Refresh()
}

// atLeast lays one object out with a least size.
type atLeast fyne.Size

func (a atLeast) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().Max(fyne.Size(a))
}

func (a atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.Position{})
	objects[0].Resize(size)
}

// thin gives one object a height that it would not take by itself.
type thin struct{ height float32 }

func (l thin) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(objects[0].MinSize().Width, l.height)
}

func (l thin) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.Position{})
	objects[0].Resize(fyne.NewSize(size.Width, l.height))
}

// column stacks objects over the whole width, close together.
type column struct{ gap float32 }

func (c column) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		if size.Height > 0 {
			size.Height += c.gap
		}
		m := o.MinSize()
		size.Height += m.Height
		size.Width = max(size.Width, m.Width)
	}
	return size
}

func (c column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	var y float32
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		o.Resize(fyne.NewSize(size.Width, o.Size().Height)) // wrapped words need another height in another width
		h := o.MinSize().Height
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, h))
		y += h + c.gap
	}
}

// thirds shares the width out equally and gives all the same height, whatever
// their words need in width.
type thirds struct{ gap float32 }

func (c thirds) MinSize(objects []fyne.CanvasObject) (size fyne.Size) {
	for _, o := range objects {
		size = size.Max(o.MinSize())
	}
	n := float32(len(objects))
	return fyne.NewSize(size.Width*n+c.gap*(n-1), size.Height)
}

func (c thirds) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	n := float32(len(objects))
	w := (size.Width - c.gap*(n-1)) / n
	for i, o := range objects {
		o.Move(fyne.NewPos(float32(i)*(w+c.gap), 0))
		o.Resize(fyne.NewSize(w, size.Height))
	}
}

// lines gives one wrapped label room for a fixed number of lines. Without it the
// window would grow and shrink with the words, and at first with every word on a
// line of its own.
type lines int

func (n lines) MinSize(objects []fyne.CanvasObject) fyne.Size {
	th := objects[0].(*widget.Label).Theme()
	text := th.Size(theme.SizeNameCaptionText)
	one := fyne.MeasureText("A", text, fyne.TextStyle{}).Height
	return fyne.NewSize(text, float32(n)*one+float32(n-1)*th.Size(theme.SizeNameLineSpacing)+2*th.Size(theme.SizeNameInnerPadding))
}

func (n lines) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.Position{})
	objects[0].Resize(size)
}

// Labels of the ranks that the screens use.

func caption(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.SizeName, l.Importance = theme.SizeNameCaptionText, widget.LowImportance
	return l
}

func explanation(text string) *widget.Label {
	l := caption(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

func figure(size fyne.ThemeSizeName) *widget.Label {
	l := widget.NewLabel("")
	l.SizeName, l.TextStyle.Bold = size, true
	return l
}

// say changes a label only when its words change, which spares a redraw.
func say(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

// hint is say for a label that takes no room while it has nothing to say.
func hint(l *widget.Label, text string) {
	say(l, text)
	switch {
	case text == "" && !l.Hidden:
		l.Hide()
	case text != "" && l.Hidden:
		l.Show()
	}
}

// warning is an empty label for what is wrong.
func warning() *widget.Label {
	l := explanation("")
	l.Importance = widget.DangerImportance
	l.Hide()
	return l
}

// card is a panel with a caption, a figure and what it means.
type card struct {
	*panel
	value, means *widget.Label
}

func newCard(title string) *card {
	c := &card{value: figure(theme.SizeNameSubHeadingText), means: explanation("")}
	head := caption(title)
	head.Truncation = fyne.TextTruncateEllipsis
	c.panel = newPanel(container.New(column{0}, head, c.value, container.New(lines(3), c.means)))
	return c
}

// rightHand lays one object out at the right, as wide as it says.
type rightHand struct{ width float32 }

func (r rightHand) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().Max(fyne.NewSize(r.width, 0))
}

func (r rightHand) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.NewPos(size.Width-r.width, 0))
	objects[0].Resize(fyne.NewSize(r.width, size.Height))
}

// middle gives one object the whole width, in the middle of the height.
type middle struct{}

func (middle) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[0].MinSize() }

func (middle) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	h := objects[0].MinSize().Height
	objects[0].Move(fyne.NewPos(0, (size.Height-h)/2))
	objects[0].Resize(fyne.NewSize(size.Width, h))
}
