package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet"
)

// walletView shows one wallet: what is in it, whether it is backed up, and the parts
// for receiving, sending, its history and its safety. Its methods are for Fyne's
// goroutine.
type walletView struct {
	place   *walletPlace
	account *purse.Account
	content *fyne.Container

	total, unit    *widget.Label
	parts          *widget.Label
	mark           *widget.Icon
	state, reason  *widget.Label
	act            *widget.Button // Lock, or the way to unlock it
	notice         *fyne.Container
	noticeText     *widget.Label
	prove          *widget.Button
	worth          *widget.Label
	tabs           []*widget.Button
	body           *fyne.Container
	hero, shut     *fyne.Container
	passphrase     *widget.Entry
	open           *widget.Button
	keyring        *widget.Button
	shutTitle      *widget.Label
	shutWhy        *widget.Label
	part           int
	receive        *walletReceive
	history        *walletHistory
	send           *walletSend
	safety         *walletSafety
	last           purse.Snapshot
	ripe           purse.Ripening
	seen           historyKey // what the history was drawn of
	begun, opening bool
}

// historyKey changes when the history may have.
type historyKey struct {
	height  int32
	balance wallet.Balance
	changes uint64
	state   purse.State
}

// The parts of a wallet's screen.
const (
	partReceive = iota
	partSend
	partHistory
	partSafety
)

var partNames = []string{"Receive", "Send", "History", "Safety and servers"}

func newWalletView(p *walletPlace, a *purse.Account) *walletView {
	v := &walletView{place: p, account: a, total: figure(sizeHero), unit: figure(theme.SizeNameText), parts: explanation(""),
		mark: widget.NewIcon(nil), state: figure(theme.SizeNameText), reason: explanation(""), noticeText: widget.NewLabel(""), body: container.NewStack(),
		worth: explanation("")}
	v.unit.TextStyle.Bold = false
	v.parts.Importance = widget.MediumImportance
	v.act = widget.NewButtonWithIcon("Lock", theme.LoginIcon(), v.lock)
	v.noticeText.Wrapping = fyne.TextWrapWord
	v.prove = widget.NewButton("Write the words down", func() { p.showWords(a) })
	v.prove.Importance = widget.HighImportance
	th := fyne.CurrentApp().Settings().Theme()
	v.notice = container.New(column{0}, newPanel(container.NewBorder(nil, nil,
		container.New(middle{}, widget.NewIcon(theme.NewWarningThemedResource(theme.WarningIcon()))),
		container.New(middle{}, container.NewThemeOverride(v.prove, lit{th})), container.New(middle{}, v.noticeText))))
	v.notice.Hide()

	status := container.New(atLeast{228, 0}, container.New(column{2},
		container.NewBorder(nil, nil, v.mark, nil, v.state), v.reason, container.NewHBox(v.act)))
	money := container.New(column{2}, container.New(baseline{}, v.total, v.unit), v.parts, v.worth)
	v.hero = container.New(column{0}, newPanel(container.NewBorder(nil, nil, nil, status, money)))
	row := container.New(layout.NewRowWrapLayout())
	for i, name := range partNames {
		b := widget.NewButton(name, func() { v.turn(i) })
		v.tabs = append(v.tabs, b)
		row.Add(b)
	}
	v.shut = container.New(column{0}, v.shutPanel())
	v.content = container.New(column{8}, v.hero, v.notice, row, v.body, v.shut)
	v.receive, v.history, v.send, v.safety = newWalletReceive(v), newWalletHistory(v), newWalletSend(v), newWalletSafety(v)
	v.turn(partReceive)
	return v
}

// shutPanel asks for the passphrase of a wallet that was not opened yet, or is locked.
func (v *walletView) shutPanel() fyne.CanvasObject {
	v.passphrase = widget.NewPasswordEntry()
	v.passphrase.SetPlaceHolder("its passphrase")
	wrong := warning()
	v.open = widget.NewButton("Open", nil)
	v.open.Importance = widget.HighImportance
	try := func(b *widget.Button, passphrase string) {
		hint(wrong, "")
		v.place.do(b, func(ctx context.Context) error { return v.place.purse.Open(ctx, v.account, passphrase) }, func(err error) bool {
			v.passphrase.SetText("")
			if err == nil {
				v.opening = false
				v.place.look()
				v.place.window.focus(placeWallet, v.first(), "wallet open")
				return true
			}
			return saysWrong(wrong, err, seal.ErrPassphrase, wallet.ErrUnlockKey)
		})
	}
	v.open.OnTapped = func() { try(v.open, v.passphrase.Text) }
	v.passphrase.OnSubmitted = func(string) { try(v.open, v.passphrase.Text) }
	v.keyring = widget.NewButton("Open with this computer's keyring", nil)
	v.keyring.OnTapped = func() { try(v.keyring, "") }
	v.keyring.Hidden = !v.place.purse.KeyringOpens(v.account)
	v.shutTitle = figure(theme.SizeNameSubHeadingText)
	v.shutWhy = explanation("")
	th := fyne.CurrentApp().Settings().Theme()
	return newPanel(container.New(column{6}, v.shutTitle, v.shutWhy, v.passphrase, wrong,
		container.NewHBox(container.New(atLeast{140, 40}, container.NewThemeOverride(v.open, lit{th})), v.keyring)))
}

// shutWords say what the passphrase is asked for.
func shutWords(name string, s purse.Snapshot) (title, why, button string) {
	if s.State == purse.Locked {
		return "Unlock your " + name + " wallet", "Its passphrase lets it pay and show its words again. What comes in is shown all the same. It locks itself again after a while.", "Unlock"
	}
	why = "Its passphrase opens it until Goldpan ends; its words are locked again after a while. "
	if len(s.Named) > 0 {
		return "Open your " + name + " wallet", why + "It then asks " + serverNames(s) + " what came in.", "Open"
	}
	return "Open your " + name + " wallet", why + "No server is asked.", "Open"
}

// first is what has the keyboard's focus at the beginning.
func (v *walletView) first() fyne.Focusable {
	if v.shut.Visible() {
		return v.passphrase
	}
	return v.tabs[v.part]
}

// turn shows one of the parts.
func (v *walletView) turn(part int) {
	v.part = part
	for i, b := range v.tabs {
		b.Importance = widget.LowImportance
		if i == part {
			b.Importance = widget.MediumImportance
		}
		b.Refresh()
	}
	v.body.Objects = []fyne.CanvasObject{[]fyne.CanvasObject{v.receive.content, v.send.content, v.history.content, v.safety.content}[part]}
	if v.begun {
		v.draw()
	}
	v.body.Refresh()
	v.content.Refresh()
}

// lock locks the words, or asks for what unlocks them.
func (v *walletView) lock() {
	if v.last.State == purse.Open {
		v.account.Lock()
	} else {
		v.opening = true
	}
	v.place.look()
	if v.opening {
		v.place.window.focus(placeWallet, v.passphrase, "unlock")
	}
}

// show draws s.
func (v *walletView) show(s purse.Snapshot, now time.Time) {
	before := v.last
	v.last = s
	k, title, why := syncWords(s)
	setMark(v.mark, k)
	say(v.state, title)
	say(v.reason, why)
	real := s.ID.Network != coin.Practice
	opened := s.State != purse.Shut
	if s.State == purse.Open {
		v.opening = false
	}
	asks := real && (!opened || v.opening)
	if key := (historyKey{s.Height, s.Balance, s.Changes, s.State}); !v.begun || key != v.seen {
		v.seen = key
		var list []purse.Entry
		list, v.ripe = v.account.History()
		v.history.set(list)
	}
	say(v.total, amount(s.Balance.Total()))
	if !opened {
		say(v.total, "…")
	}
	say(v.unit, s.Params.Coin.Symbol)
	say(v.worth, unaudited)
	switch {
	case !real:
		say(v.unit, "practice coins")
		say(v.worth, "They are "+worthless+". All else is real: keys, proofs, backup.")
	case s.WatchOnly:
		say(v.worth, "It only watches: it shows what comes in, and can spend nothing. "+unaudited)
	case s.ID.Network != coin.Main:
		say(v.worth, "Coins of the "+string(s.ID.Network)+" network are worth nothing.")
	}
	if opened {
		say(v.parts, strings.Join(moneyWords(s, v.ripe), "\n"))
	} else {
		say(v.parts, "")
	}
	v.act.Hidden = !opened || s.WatchOnly || !s.Sealed
	text, icon := "Lock", theme.LoginIcon()
	if s.State == purse.Locked {
		text, icon = "Unlock", theme.LogoutIcon()
	}
	if v.act.Text != text {
		v.act.Text = text
		v.act.SetIcon(icon)
	}
	notice := backupWords(s)
	say(v.noticeText, notice)
	weight := widget.HighImportance
	if !real {
		weight = widget.MediumImportance
	}
	if v.prove.Importance != weight {
		v.prove.Importance = weight
		v.prove.Refresh()
	}
	if asks {
		title, why, button := shutWords(accountName(v.account), s)
		say(v.shutTitle, title)
		say(v.shutWhy, why)
		if !v.open.Disabled() && v.open.Text != button { // while it is busy it says so
			v.open.SetText(button)
		}
	}
	changed := reveal(v.notice, notice != "" && !asks)
	changed = reveal(v.shut, asks) || changed
	changed = reveal(v.body, opened && !v.opening) || changed
	changed = reveal(v.hero, opened || !real) || changed
	for _, b := range v.tabs {
		if b.Hidden == (opened && !v.opening) {
			b.Hidden = !b.Hidden
			changed = true
		}
	}
	v.draw()
	if changed || !v.begun || before.State != s.State {
		v.begun = true
		v.content.Refresh()
	}
}

// draw brings the part that is seen up to date.
func (v *walletView) draw() {
	switch v.part {
	case partReceive:
		v.receive.show(v.last)
	case partSend:
		v.send.show(v.last)
	case partHistory:
		v.history.show(v.last)
	case partSafety:
		v.safety.show(v.last)
	}
}
