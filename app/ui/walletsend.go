package ui

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/wallet"
)

// errDiffer says that a passphrase was not typed twice alike, or is too weak.
var errDiffer = errors.New("the passphrase is too weak, or the two are not the same")

// walletSend makes a payment: to whom, how much, how soon; then the last screen in
// words; then the result. Its methods are for Fyne's goroutine.
type walletSend struct {
	view    *walletView
	content *fyne.Container

	to, sum *widget.Entry
	all     *widget.Check
	speed   *widget.RadioGroup
	toSays  *widget.Label
	wrong   *widget.Label
	next    *widget.Button
	form    *panel
	cannot  *widget.Label
	made    *fyne.Container // payments that are on their way
	seen    string
}

// speeds are within how many blocks a payment should be in one.
var speeds = []int{1, 6, 24}

func newWalletSend(v *walletView) *walletSend {
	s := &walletSend{view: v, to: widget.NewEntry(), sum: widget.NewEntry(), toSays: explanation(""), wrong: warning(), cannot: explanation(""), made: container.New(column{6})}
	p, err := v.account.ID().Params()
	if err != nil {
		s.content = container.NewStack()
		return s
	}
	s.to.SetPlaceHolder("an address, or a payment link")
	s.to.OnChanged = s.judge
	s.sum.SetPlaceHolder("amount in" + unitOf(p))
	s.sum.OnChanged = func(string) { hint(s.wrong, "") }
	s.all = widget.NewCheck("Everything that can be spent", func(on bool) {
		if on {
			s.sum.Disable()
		} else {
			s.sum.Enable()
		}
	})
	names := make([]string, len(speeds))
	for i, n := range speeds {
		names[i] = speedWords(p, n)
	}
	s.speed = widget.NewRadioGroup(names, nil)
	s.speed.Required = true
	s.speed.SetSelected(names[1])
	s.toSays.Hide()
	s.next = widget.NewButton("Show me what happens", s.plan)
	s.next.Importance = widget.HighImportance
	th := fyne.CurrentApp().Settings().Theme()
	s.form = newPanel(container.New(column{6}, figureLabel("To whom?"), s.to, s.toSays, figureLabel("How much?"),
		container.NewBorder(nil, nil, nil, s.all, s.sum), figureLabel("How soon?"), s.speed, s.wrong,
		container.NewHBox(container.New(atLeast{220, 40}, container.NewThemeOverride(s.next, lit{th})))))
	s.content = container.New(column{8}, s.made, s.cannot, s.form)
	return s
}

// speedWords say what a speed comes to.
func speedWords(p *coin.Params, blocks int) string {
	about := time.Duration(blocks) * p.BlockInterval
	text := "about " + span(about)
	switch blocks {
	case speeds[0]:
		return "Soon: the next block, " + text + ". The dearest."
	case speeds[1]:
		return "Normal: within " + strconv.Itoa(blocks) + " blocks, " + text + "."
	}
	return "No hurry: within " + strconv.Itoa(blocks) + " blocks, " + text + ". The cheapest."
}

func (s *walletSend) show(v purse.Snapshot) {
	why := ""
	switch {
	case v.WatchOnly:
		why = "This wallet watches only. Pay from the program that has its words."
	case v.Balance.Confirmed == 0 && v.Balance.Immature > 0:
		why = "Nothing can be spent yet: " + amount(v.Balance.Immature) + unitOf(v.Params) + " must ripen first."
	case v.Balance.Confirmed == 0:
		why = "Nothing can be spent yet. Receive something first."
	}
	say(s.cannot, why)
	s.cannot.Hidden = why == ""
	if s.form.Hidden != (why != "") {
		s.form.Hidden = why != ""
		s.content.Refresh()
	}
	var key strings.Builder
	list := s.view.account.Payments()
	open := list[:0:0]
	for _, p := range list {
		if p.State != wallet.PayConfirmed && p.State != wallet.PayReplaced && p.State != wallet.PayGivenUp || time.Since(p.Made) < time.Hour {
			open = append(open, p)
			key.WriteString(p.TxID.String() + string(p.State))
		}
	}
	if key.String() == s.seen {
		return
	}
	s.seen = key.String()
	s.made.Objects = nil
	for _, p := range open {
		row := container.New(column{0}, figureLabel(amount(p.Amount)+unitOf(v.Params)+" to "+ends(p.To)),
			explanation(paymentWords(p)+" Made on "+moment(p.Made)+"."))
		if p.State == wallet.PayWaiting || p.State == wallet.PayRefused {
			row.Add(container.NewHBox(widget.NewButton("Give it up", func() {
				if err := s.view.account.GiveUp(p); err != nil {
					s.view.place.window.tell(err)
				}
				s.view.place.look()
			})))
		}
		s.made.Add(newPanel(row))
	}
	s.made.Refresh()
	s.content.Refresh()
}

// judge looks at the recipient as it is typed or pasted.
func (s *walletSend) judge(text string) {
	hint(s.wrong, "")
	if text == "" {
		hint(s.toSays, "")
		return
	}
	address, sum, name, err := s.view.account.Recipient(text)
	if err != nil {
		hint(s.toSays, explained(err))
		return
	}
	words := "A good address. Compare it with the receiver's: " + strings.Join(wallet.Groups(address), " ") + "."
	if name != "" {
		words += " The link calls the receiver “" + clip(name, 40) + "”; anybody can write that."
	}
	if sum > 0 && s.sum.Text == "" {
		s.sum.SetText(amount(sum))
	}
	hint(s.toSays, words)
}

// sumOf reads the amount.
func (s *walletSend) sumOf() (coin.Amount, error) {
	if s.all.Checked {
		return purse.Everything, nil
	}
	return coin.ParseTyped(s.sum.Text)
}

// plan shows the last screen before a payment.
func (s *walletSend) plan() {
	blocks := speeds[1]
	for i, name := range s.speed.Options {
		if name == s.speed.Selected {
			blocks = speeds[i]
		}
	}
	sum, err := s.sumOf()
	var payment wallet.Payment
	if err == nil {
		payment, err = s.view.account.Plan(s.to.Text, sum, blocks)
	}
	if err != nil {
		hint(s.wrong, explained(err))
		s.content.Refresh()
		return
	}
	p, a := s.view.place, s.view.account
	var sheet *sheet
	box := lastScreen(payment, a.Snapshot().Params)
	pay := widget.NewButton("Pay now", nil)
	pay.OnTapped = func() {
		id := ""
		p.do(pay, func(ctx context.Context) (err error) {
			id, err = a.Pay(ctx, payment)
			return err
		}, func(err error) bool {
			sheet.hide()
			s.paid(id, payment, err)
			return true
		})
	}
	// The safe answer has the focus: what is sent cannot be taken back.
	back := widget.NewButton("Not yet", func() { sheet.hide() })
	show := func(string) {
		sheet = p.window.newSheet("Pay "+amount(payment.Amount)+unitOf(a.Snapshot().Params)+"?", box, nil, pay, back)
		if p.window.options.Screen != nil {
			p.window.options.Screen("pay")
		}
	}
	if a.Snapshot().State == purse.Locked {
		p.askUnlock(a, "Before you pay", "A payment is signed with the wallet's words, so it must be unlocked.", show)
		return
	}
	show("")
}

// lastScreen is what leaves and what arrives, before a payment is signed.
func lastScreen(p wallet.Payment, params *coin.Params) *fyne.Container {
	unit := unitOf(params)
	to := widget.NewRichText(grouped(p.To)...)
	to.Wrapping = fyne.TextWrapWord
	row := func(name, sum, means string) fyne.CanvasObject {
		value := figureLabel(sum)
		value.Alignment = fyne.TextAlignTrailing
		line := container.NewBorder(nil, nil, widget.NewLabel(name), nil, value)
		if means == "" {
			return line
		}
		return container.New(column{-6}, line, explanation(means))
	}
	bill := newPanel(container.New(column{0},
		row("Arrives", amount(p.Amount)+unit, ""),
		row("Fee for the miners", amount(p.Fee)+unit, feeWords(p)),
		row("Leaves your wallet", amount(p.Leaves)+unit, ""),
		row("Stays in it", amount(p.Remains)+unit, "")))
	return container.New(column{6}, caption("To"), to,
		explanation("Compare it with what the receiver gave you: first and last above all, then the rest."), bill, wrapped(p.Warnings()...))
}

// feeWords say how much a fee is of what arrives.
func feeWords(p wallet.Payment) string {
	part := 100 * float64(p.Fee) / float64(max(p.Amount, 1))
	switch {
	case part < 0.01:
		return "Less than 0.01 % of what arrives."
	case part > 10:
		return strconv.FormatFloat(part, 'f', 0, 64) + " % of what arrives: that is much. A larger payment, or less hurry, costs less for its size."
	}
	return strconv.FormatFloat(part, 'f', 2, 64) + " % of what arrives."
}

// paid says what came of a payment.
func (s *walletSend) paid(id string, payment wallet.Payment, err error) {
	p := s.view.place
	what := amount(payment.Amount) + unitOf(s.view.last.Params)
	title, text := "Sent", what+" are on their way to "+ends(payment.To)+". They stand under Send and in the history until a block has them, and after."
	switch {
	case errors.Is(err, wallet.ErrUnsent):
		title, text = "Signed and kept", "No server has had it yet. It is sent by itself as soon as one is reached, and never twice, even if Goldpan ends now."
	case err != nil && id == "": // a full disk, say: nothing was kept that could be offered again
		title, text = "Not paid", explained(err)+" Nothing was sent."
	case err != nil:
		title, text = "Not taken yet", explained(err)+" It is kept, and offered again; its coins stay reserved."
	}
	if err == nil || errors.Is(err, wallet.ErrUnsent) {
		s.to.SetText("")
		s.sum.SetText("")
		s.all.SetChecked(false)
	}
	box := wrapped(text)
	if id != "" && err == nil {
		l := widget.NewLabel(id)
		l.SizeName, l.TextStyle.Monospace, l.Selectable, l.Wrapping = theme.SizeNameCaptionText, true, true, fyne.TextWrapBreak
		box.Add(explanation("Its id, by which the network knows it:"))
		box.Add(l)
	}
	var sheet *sheet
	sheet = p.window.newSheet(title, box, nil, widget.NewButton("Good", func() { sheet.hide() }))
	if p.window.options.Screen != nil {
		p.window.options.Screen("paid")
	}
	p.look()
}
