package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// wrapped is a text for a sheet.
func wrapped(texts ...string) *fyne.Container {
	box := container.New(column{6})
	for _, text := range texts {
		l := widget.NewLabel(text)
		l.Wrapping = fyne.TextWrapWord
		box.Add(l)
	}
	return box
}

// sheet lies over the window and asks for something. Fyne's own dialogs bring a
// file chooser along, which Goldpan has no use for.
type sheet struct {
	pop  *widget.PopUp
	hide func()
}

// newSheet shows a sheet. The keyboard's focus goes to first, or else to the last
// of the buttons, which is the one to press when in doubt.
func (w *window) newSheet(title string, content fyne.CanvasObject, first fyne.Focusable, buttons ...*widget.Button) *sheet {
	head := figure(theme.SizeNameSubHeadingText)
	head.Wrapping = fyne.TextWrapWord
	head.SetText(title)
	row := container.NewHBox(layout.NewSpacer())
	th := fyne.CurrentApp().Settings().Theme()
	for _, b := range buttons {
		o := fyne.CanvasObject(b)
		if b.Importance == widget.HighImportance {
			o = container.NewThemeOverride(b, lit{th})
		}
		row.Add(container.New(atLeast{max(120, b.MinSize().Width+24), 40}, o))
	}
	// However long the text is, the buttons are seen.
	foot := container.New(layout.NewCustomPaddedLayout(4, 8, 12, 12), row)
	body := container.New(layout.NewCustomPaddedLayout(8, 4, 12, 12), container.New(column{10}, head, content))
	view := container.NewVScroll(body)
	c := w.win.Canvas()
	s := &sheet{pop: widget.NewModalPopUp(container.New(fitting{canvas: c, body: body, foot: foot}, view, foot), c)}
	s.hide = func() {
		s.pop.Hide()
		w.sheets--
	}
	w.sheets++
	s.pop.Show()
	if first == nil && len(buttons) > 0 {
		first = buttons[len(buttons)-1]
	}
	if first != nil {
		c.Focus(first)
	}
	return s
}

// fitting makes a sheet as wide as people read easily and as high as it needs, as
// far as there is room for it.
type fitting struct {
	canvas     fyne.Canvas
	body, foot *fyne.Container
}

func (f fitting) MinSize([]fyne.CanvasObject) fyne.Size {
	room := f.canvas.Size()
	width := min(540, room.Width-40)
	f.body.Resize(fyne.NewSize(width, f.body.Size().Height))
	return fyne.NewSize(max(width, f.foot.MinSize().Width), min(f.body.MinSize().Height+f.foot.MinSize().Height, room.Height-60))
}

func (f fitting) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	low := f.foot.MinSize().Height
	objects[0].Move(fyne.Position{})
	objects[0].Resize(fyne.NewSize(size.Width, size.Height-low))
	objects[1].Move(fyne.NewPos(0, size.Height-low))
	objects[1].Resize(fyne.NewSize(size.Width, low))
}
