package ui

import (
	"context"
	"errors"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
)

// walletPlace is everything about the person's wallets: the list, the one that is
// shown, and the way to another. Its methods are for Fyne's goroutine, if not said
// otherwise.
type walletPlace struct {
	window  *window
	ctx     context.Context
	desk    *desk.Desk
	content *fyne.Container

	purse  *purse.Purse // nil before the person first looks
	cancel context.CancelFunc
	ended  chan struct{}  // closed when the purse is
	tasks  sync.WaitGroup // of what was begun by a press

	accounts []*purse.Account // as the row of buttons shows them
	chips    *fyne.Container
	buttons  []*widget.Button
	at       *purse.Account
	view     *walletView
	adding   *walletAdd      // nil while none is added
	lent     *wallet.Wallet  // the practice wallet, while the practice runs
	asked    map[string]bool // certificates that the person was asked about
}

func newWalletPlace(ctx context.Context, w *window, d *desk.Desk) *walletPlace {
	return &walletPlace{window: w, ctx: ctx, desk: d, content: container.NewStack(), asked: map[string]bool{}}
}

// enter opens the list at the first time, and has the practice network begin, for
// its wallet is the first.
func (p *walletPlace) enter() {
	p.window.practice.enter()
	if p.purse == nil && !p.begin() {
		return
	}
	if p.adding == nil {
		p.list()
		p.look()
	}
}

// begin reads the list and keeps what is opened in step from then on.
func (p *walletPlace) begin() bool {
	kept, err := purse.New(p.desk, purse.Options{})
	if err != nil {
		p.put(troubleScreen(err, "Try again", p.enter))
		return false
	}
	p.take(kept)
	return true
}

// take runs a purse.
func (p *walletPlace) take(kept *purse.Purse) {
	ctx, cancel := context.WithCancel(p.ctx)
	ended := make(chan struct{})
	p.purse, p.cancel, p.ended = kept, cancel, ended
	go func() {
		defer close(ended)
		if err := kept.Run(ctx); err != nil {
			p.window.draw(func() { p.window.report(err) })
		}
	}()
	if practice := p.window.practice.practice; practice != nil {
		p.practises(practice.Wallet())
	}
	p.at = kept.Practice(p.practiceCoin())
	for _, a := range kept.Accounts() {
		if a.ID().Network == coin.Main {
			p.at = a // real coins come first, where there are some
			break
		}
	}
}

func (p *walletPlace) practiceCoin() coin.Coin {
	algorithm := p.window.options.Practice.Algorithm
	if algorithm == "" {
		algorithm = hasher.SHA256d
	}
	return coin.ForPractice(algorithm)
}

// practises is told of the practice wallet, and by nil that it is about to close.
func (p *walletPlace) practises(w *wallet.Wallet) {
	if p.purse == nil {
		return
	}
	if p.lent != nil {
		p.purse.Return(p.lent)
	}
	if p.lent = w; w != nil {
		p.purse.Lend(w)
	}
	p.look()
}

// end stops what runs and waits for it.
func (p *walletPlace) end() {
	if p.purse != nil {
		p.cancel()
		p.tasks.Wait()
		<-p.ended
	}
}

func (p *walletPlace) put(o fyne.CanvasObject) {
	p.content.Objects = []fyne.CanvasObject{o}
	p.content.Refresh()
}

// list draws the row of wallets and the one that is chosen.
func (p *walletPlace) list() {
	p.accounts = p.purse.Accounts()
	p.buttons = nil
	p.chips = container.New(layout.NewRowWrapLayout())
	for _, a := range p.accounts {
		b := widget.NewButton(accountName(a), func() { p.choose(a) })
		p.buttons = append(p.buttons, b)
		p.chips.Add(b)
	}
	p.chips.Add(widget.NewButtonWithIcon("Add a wallet", theme.ContentAddIcon(), p.add))
	p.choose(p.at)
}

// choose shows a wallet.
func (p *walletPlace) choose(a *purse.Account) {
	p.at, p.adding = a, nil
	for i, b := range p.buttons {
		b.Importance = widget.LowImportance
		if p.accounts[i] == a {
			b.Importance = widget.MediumImportance
		}
		b.Refresh()
	}
	p.view = newWalletView(p, a)
	p.put(container.New(layout.NewCustomPaddedLayout(4, 12, 14, 14), container.New(column{8}, p.chips, p.view.content)))
	p.look()
	p.window.focus(placeWallet, p.view.first(), "wallet")
}

// look draws how the wallet stands.
func (p *walletPlace) look() {
	if p.purse == nil || p.view == nil || p.adding != nil {
		return
	}
	s := p.at.Snapshot()
	p.view.show(s, time.Now())
	p.certificate(s)
}

// unproven tells whether a wallet has a balance of worth and no backup that was proven.
func (p *walletPlace) unproven() bool {
	if p.purse == nil {
		return false
	}
	for _, a := range p.purse.Accounts() {
		if a.ID().Network != coin.Main {
			continue
		}
		if s := a.Snapshot(); s.State != purse.Shut && !s.BackedUp && s.Balance.Total() > 0 {
			return true
		}
	}
	return false
}

// do has work done behind the window, while a button waits, and its end drawn. The
// error is shown unless done takes it.
func (p *walletPlace) do(b *widget.Button, work func(context.Context) error, done func(error) bool) {
	before := b.Text
	b.SetText("One moment …")
	b.Disable()
	p.tasks.Add(1)
	go func() {
		defer p.tasks.Done()
		err := work(p.ctx)
		p.window.draw(func() {
			b.SetText(before)
			b.Enable()
			if !done(err) && err != nil && !errors.Is(err, context.Canceled) {
				p.window.tell(err)
			}
		})
	}()
}

// certificate asks once about a server's key that nobody vouches for.
func (p *walletPlace) certificate(s purse.Snapshot) {
	c := s.Certificate()
	if c == nil || p.window.sheets > 0 || p.asked[c.Host+c.Fingerprint] || p.window.frame.at != placeWallet {
		return
	}
	p.asked[c.Host+c.Fingerprint] = true
	kept := p.purse
	switch {
	case c.MayTrust():
		p.window.offerKey("Is this the right server?", "Many wallet servers are like that.", c, nil, func(host, fingerprint string) error {
			p.tasks.Add(1)
			go func() {
				defer p.tasks.Done()
				if err := kept.Trust(host, fingerprint); err != nil {
					p.window.draw(func() { p.window.tell(err) })
				}
			}()
			return nil
		})
	case c.Changed:
		p.window.refuseKey("This server has another key than before",
			"You trusted another key of "+c.Host+" before. Either its owner has changed it, or somebody has put themselves in between to show you false coins. Goldpan refuses it, and tells it nothing.", c)
	}
}

// forNewMiner is the address of an open wallet to which a coin can be mined.
func (p *walletPlace) forNewMiner(c coin.Coin) (address string, ok bool) {
	if p.purse == nil {
		return "", false
	}
	for _, a := range p.purse.Accounts() {
		if id := a.ID(); id.Coin == c.ID && id.Network == coin.Main {
			if address, err := a.Payout(); err == nil {
				return address, true
			}
		}
	}
	return "", false
}
