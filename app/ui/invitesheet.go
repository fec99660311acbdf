package ui

import (
	"image/color"
	"math"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/home"
)

const (
	// module is the width of a QR code's module, in points.
	module = 7
	// quietZone is what stays white around a QR code, in modules (ISO/IEC 18004).
	quietZone = 4
)

// picture draws a QR code black on white, whatever the theme: cameras read it so.
func picture(m home.Matrix) fyne.CanvasObject { return drawn(m, module) }

// inviteSheet shows an invitation until a device has used it, or nobody may any
// more. Its methods are for Fyne's goroutine.
type inviteSheet struct {
	window     *window
	sheet      *sheet
	invitation home.Invitation
	known      map[string]bool // devices that were there before
	again      func()
	closed     func()

	content *fyne.Container
	left    *widget.Label
	copy    *widget.Button
	over    bool // it was used, or is too old
}

func newInviteSheet(w *window, i home.Invitation, before []home.Device, again func()) (*inviteSheet, error) {
	code, err := home.QR(i.Link())
	if err != nil {
		return nil, err
	}
	s := &inviteSheet{window: w, invitation: i, known: map[string]bool{}, again: again, closed: func() {}, left: figure(theme.SizeNameText)}
	for _, d := range before {
		s.known[d.ID] = true
	}
	link := widget.NewLabel(i.Link())
	link.SizeName, link.TextStyle.Monospace, link.Selectable, link.Wrapping = theme.SizeNameCaptionText, true, true, fyne.TextWrapBreak
	s.copy = widget.NewButtonWithIcon("Copy the link", theme.ContentCopyIcon(), nil)
	s.copy.OnTapped = func() { w.copyOut(s.copy, i.Link()) }
	words := container.New(column{6},
		wrapped("Point the phone's camera at the code, and open the link. The phone must be on the same Wi-Fi."),
		explanation("It is for this one device. Show it to nobody else. Close leaves it open for its ten minutes."),
		s.left, container.NewHBox(s.copy))
	s.content = container.New(column{8}, container.NewBorder(nil, nil, container.NewVBox(picture(code)), nil, words), link)
	s.sheet = w.newSheet("Add a phone, tablet or computer", s.content, nil, widget.NewButton("Close", func() {
		s.sheet.hide()
		s.closed()
	}))
	s.show(home.Snapshot{Invitations: []home.Invitation{i}}, time.Now())
	return s, nil
}

// show brings the sheet up to date.
func (s *inviteSheet) show(now home.Snapshot, at time.Time) {
	if s.over {
		return
	}
	open := false
	for _, i := range now.Invitations {
		open = open || i.ID == s.invitation.ID
	}
	left := s.invitation.Expires.Sub(at)
	if open && left > 0 {
		say(s.left, "Good for "+leftWords(left)+" more")
		return
	}
	for _, d := range here(now) {
		if !s.known[d.ID] && !d.Miner && d.Name == s.invitation.Name {
			s.joined(d)
			return
		}
	}
	s.over = true
	make := widget.NewButton("Make another", func() {
		s.sheet.hide()
		s.closed()
		s.again()
	})
	make.Importance = widget.HighImportance
	s.replace(wrapped("This invitation has run out, or was withdrawn. Nothing can be done with it any more."), container.NewHBox(make))
	s.window.win.Canvas().Focus(make)
}

// joined cheers at a device that has used the invitation.
func (s *inviteSheet) joined(d home.Device) {
	s.over = true
	title := figure(theme.SizeNameHeadingText)
	title.Wrapping, title.Alignment = fyne.TextWrapWord, fyne.TextAlignCenter
	title.SetText(d.Name + " has joined")
	text := widget.NewLabel("It is in the list now, with a name that you can change. Its first shares come in a moment.")
	text.Wrapping, text.Alignment = fyne.TextWrapWord, fyne.TextAlignCenter
	c := newCheer()
	s.replace(container.New(atLeast{0, 150}, c), title, text)
	s.window.cheer(c)
	if s.window.options.Screen != nil {
		s.window.options.Screen("joined")
	}
}

func (s *inviteSheet) replace(objects ...fyne.CanvasObject) {
	s.content.Objects = objects
	s.content.Refresh()
	s.sheet.pop.Resize(s.sheet.pop.MinSize()) // no larger than what it says now
}

// cheer is the little celebration: a nugget comes to rest in its rings, and grains
// fly off.
type cheer struct {
	widget.BaseWidget
	at float32 // 0 begins, 1 rests
}

func newCheer() *cheer {
	c := &cheer{at: 1}
	c.ExtendBaseWidget(c)
	return c
}

// cheer has a cheer move.
func (w *window) cheer(c *cheer) {
	if !w.still {
		c.begin()
	}
}

// begin moves it once, where the system wants movement at all.
func (c *cheer) begin() {
	if !fyne.CurrentApp().Settings().ShowAnimations() {
		return
	}
	a := fyne.NewAnimation(1400*time.Millisecond, func(f float32) {
		c.at = f
		c.Refresh()
	})
	a.Curve = fyne.AnimationEaseOut
	a.Start()
}

const sparks = 14

func (c *cheer) CreateRenderer() fyne.WidgetRenderer {
	v := &cheerRenderer{c: c, nugget: &canvas.Circle{}, rings: []*canvas.Circle{{StrokeWidth: 2}, {StrokeWidth: 1.5}}}
	for range sparks {
		v.sparks = append(v.sparks, &canvas.Circle{})
	}
	v.Refresh()
	return v
}

type cheerRenderer struct {
	c      *cheer
	nugget *canvas.Circle
	rings  []*canvas.Circle
	sparks []*canvas.Circle
}

func (v *cheerRenderer) Destroy()           {}
func (v *cheerRenderer) MinSize() fyne.Size { return fyne.NewSize(140, 140) }
func (v *cheerRenderer) Objects() []fyne.CanvasObject {
	return append(appendAll(appendAll(nil, v.sparks), v.rings), v.nugget)
}
func (v *cheerRenderer) Layout(fyne.Size) { v.Refresh() }
func (v *cheerRenderer) Refresh() {
	th, variant := v.c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	gold, grain, water := th.Color(colorGold, variant), th.Color(colorGrain, variant), th.Color(colorWater, variant)
	size, f := v.c.Size(), v.c.at
	x, y := size.Width/2, size.Height/2
	v.nugget.FillColor = gold
	put(v.nugget, x, y, 20+10*(1-f))
	for i, r := range v.rings {
		r.FillColor, r.StrokeColor = color.Transparent, []color.Color{gold, water}[i]
		put(r, x, y, (30+14*float32(i))*(0.4+0.6*f))
	}
	for i, s := range v.sparks {
		angle := 2 * math.Pi * (float64(i) + 0.3) / sparks
		away := (26 + 40*f) * (0.8 + 0.2*float32(i%3))
		s.FillColor = grain
		put(s, x+away*float32(math.Cos(angle)), y+away*float32(math.Sin(angle)), 1.5+1.5*float32(i%2))
	}
	canvas.Refresh(v.nugget)
}

// showToken shows, this once, what another miner program needs.
func (w *window) showToken(d home.Device, token string, at []string) {
	host, port := "", ""
	if len(at) > 0 {
		address := hostOf(at[0])
		if i := strings.LastIndexByte(address, ':'); i > 0 {
			host, port = address[:i], address[i+1:]
		}
	}
	user := "goldpan"
	box := container.New(column{4},
		wrapped("Enter this in the miner's settings. The password is its token: it is shown this once."))
	for _, each := range [][2]string{{"Pool address", host}, {"Port", port}, {"User", user}, {"Password", token}} {
		value := widget.NewLabel(each[1])
		value.TextStyle.Monospace, value.Selectable, value.SizeName, value.Wrapping = true, true, theme.SizeNameCaptionText, fyne.TextWrapBreak
		b := widget.NewButtonWithIcon("Copy", theme.ContentCopyIcon(), nil)
		b.OnTapped = func() { w.copyOut(b, each[1]) }
		box.Add(container.NewBorder(nil, nil, container.New(atLeast{96, 0}, caption(each[0])), b, container.New(middle{}, value)))
	}
	box.Add(explanation("Any user name will do. The token crosses your home network in clear: whoever reads it there can mine for you, and nothing more. To take it back, remove " + clip(d.Name, 40) + " from the list."))
	var s *sheet
	s = w.newSheet("Add another miner program", box, nil, widget.NewButton("I have entered it", func() { s.hide() }))
	if w.options.Screen != nil {
		w.options.Screen("token")
	}
}

// copyOut puts a text on the clipboard, and says so on the button for a moment.
func (w *window) copyOut(b *widget.Button, text string) {
	w.app.Clipboard().SetContent(text)
	before := b.Text
	if before == "Copied" {
		return
	}
	b.SetText("Copied")
	time.AfterFunc(2*time.Second, func() { w.draw(func() { b.SetText(before) }) })
}
