package ui

import (
	"errors"
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/wallet"
)

// walletReceive is where to be paid. Its methods are for Fyne's goroutine.
type walletReceive struct {
	view    *walletView
	content *fyne.Container

	code    *fyne.Container
	groups  *widget.RichText
	address string
	copy    *widget.Button
	fresh   *widget.Button
	mine    *widget.Button
	why     *widget.Label
	ask     *widget.Entry
	answer  *widget.Label
}

func newWalletReceive(v *walletView) *walletReceive {
	r := &walletReceive{view: v, code: container.NewStack(), groups: widget.NewRichText(), why: explanation(""), ask: widget.NewEntry(), answer: explanation("")}
	r.groups.Wrapping = fyne.TextWrapWord
	r.copy = widget.NewButtonWithIcon("Copy the address", theme.ContentCopyIcon(), nil)
	r.copy.OnTapped = func() { v.place.window.copyOut(r.copy, r.address) }
	r.fresh = widget.NewButtonWithIcon("New address", theme.ViewRefreshIcon(), func() {
		if err := v.account.Fresh(); err != nil {
			v.place.window.tell(err)
			return
		}
		v.place.look()
	})
	r.mine = widget.NewButton("Mine to this wallet", func() { v.place.mineTo(v.account) })
	r.ask.SetPlaceHolder("an address")
	r.ask.OnChanged = r.isMine
	title := figure(theme.SizeNameText)
	title.SetText("Your address now")
	r.content = container.New(column{8},
		newPanel(container.NewBorder(nil, nil, container.NewVBox(r.code), nil,
			container.New(column{6}, title, r.groups, r.why, container.New(layout.NewRowWrapLayout(), r.copy, r.fresh, r.mine)))),
		newPanel(container.New(column{4}, figureLabel("Is this address mine?"), r.ask, r.answer)))
	return r
}

// codeWidth is the least width of an address's QR code, in points.
const codeWidth = 200

func (r *walletReceive) show(s purse.Snapshot) {
	r.mine.Hidden = s.ID.Network != coin.Main || s.WatchOnly && !s.BackedUp
	if s.NoAddress != nil {
		say(r.why, explained(s.NoAddress))
	}
	if s.Address == r.address || s.Address == "" {
		return
	}
	r.address = s.Address
	r.groups.Segments = grouped(s.Address)
	r.groups.Refresh()
	say(r.why, "Before you are paid, compare it with what the payer sees: first and last above all, then the rest. A new one is shown as soon as this one was paid: then nobody sees your payments together.")
	if code, err := home.QR(r.view.account.Link(s.Address, 0)); err == nil {
		r.code.Objects = []fyne.CanvasObject{drawn(code, max(3, codeWidth/(len(code)+2*quietZone)))}
		r.code.Refresh()
	}
	r.content.Refresh()
}

// drawn is a QR code with modules of a width in points.
func drawn(m home.Matrix, module int) fyne.CanvasObject {
	size := (len(m) + 2*quietZone) * module
	p := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range size {
		for x := range size {
			r, c := y/module-quietZone, x/module-quietZone
			if r >= 0 && c >= 0 && r < len(m) && c < len(m[r]) && m[r][c] {
				p.SetColorIndex(x, y, 1)
			}
		}
	}
	i := canvas.NewImageFromImage(p)
	i.ScaleMode, i.FillMode = canvas.ImageScalePixels, canvas.ImageFillContain
	i.SetMinSize(fyne.NewSquareSize(float32(size)))
	return i
}

// grouped is an address in groups of four letters, the first and the last two
// stressed: programs that swap addresses keep some letters there alike.
func grouped(address string) []widget.RichTextSegment {
	groups := wallet.Groups(address)
	var list []widget.RichTextSegment
	for i, g := range groups {
		style := widget.RichTextStyle{Inline: true, TextStyle: fyne.TextStyle{Monospace: true}, ColorName: theme.ColorNameForeground, SizeName: theme.SizeNameText}
		if i < 2 || i >= len(groups)-2 {
			style.TextStyle.Bold, style.ColorName = true, theme.ColorNamePrimary
		}
		list = append(list, &widget.TextSegment{Text: g + " ", Style: style})
	}
	return list
}

// isMine answers whether an address is the wallet's.
func (r *walletReceive) isMine(text string) {
	if text == "" {
		say(r.answer, "")
		return
	}
	path, ok, err := r.view.account.Mine(text)
	switch {
	case err != nil:
		say(r.answer, explained(err))
	case ok:
		say(r.answer, "Yes, it is yours. It lies at "+path+".")
	default:
		say(r.answer, "No, it is not this wallet's, as far as its next some hundred addresses go.")
	}
}

// mineTo begins the set-up of mining for real with the wallet's address.
func (p *walletPlace) mineTo(a *purse.Account) {
	address, err := a.Payout()
	if errors.Is(err, wallet.ErrNotProven) {
		var s *sheet
		words := widget.NewButton("Write the words down", func() {
			s.hide()
			p.showWords(a)
		})
		words.Importance = widget.HighImportance
		s = p.window.newSheet("First the backup", wrapped("What is mined may come for months before anybody looks. So prove first that your words bring this wallet back; it takes five minutes."), nil,
			widget.NewButton("Not now", func() { s.hide() }), words)
		return
	}
	if err != nil {
		p.window.tell(err)
		return
	}
	c, err := coin.ByID(a.ID().Coin)
	if err != nil {
		p.window.tell(err)
		return
	}
	p.window.visit(placeReal)
	p.window.real.changeTo(c, address)
}

// changeTo begins the set-up for a coin, paid to an address.
func (p *realPlace) changeTo(c coin.Coin, address string) {
	if now, err := config.Read(p.desk.Dir()); err == nil && p.cancel == nil {
		p.config = now
	}
	p.change()
	p.setup.draft.coin, p.setup.draft.payee = c, address
	p.setup.show(1)
}
