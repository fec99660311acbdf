package ui

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/seal"
)

// origin is where a wallet comes from.
type origin int

const (
	fromNothing origin = iota // new words
	fromSame                  // the words that are there, for another coin
	fromWords
	fromFile
	fromKey // watched
)

// walletAdd leads to another wallet, in three steps: which coin, from where, under
// which passphrase. Its methods are for Fyne's goroutine.
type walletAdd struct {
	place   *walletPlace
	content *fyne.Container
	scroll  *container.Scroll
	next    *widget.Button
	wrong   *widget.Label
	step    int
	ready   func() bool

	coin   coin.Coin
	origin origin
	making purse.Making
	words  *wordEntry
	file   string
	again  string // the passphrase once more
	first  fyne.Focusable
}

// add begins it.
func (p *walletPlace) add() {
	a := &walletAdd{place: p, content: container.NewStack(), coin: coin.All()[0]}
	a.making.Network = coin.Main
	if p.purse.Words(coin.Main) {
		a.origin = fromSame
	}
	p.adding = a
	p.put(a.content)
	a.show(0)
}

// leave goes back to the list.
func (a *walletAdd) leave() {
	a.making = purse.Making{}
	a.place.adding = nil
	a.place.list()
}

func (a *walletAdd) show(step int) {
	a.step = step
	a.next = widget.NewButton(nextText, a.forward)
	a.next.Importance = widget.HighImportance
	a.wrong = warning()
	title, intro, content, name := a.steps()
	back := widget.NewButton(backText, func() {
		if a.step == 0 {
			a.leave()
			return
		}
		a.show(a.step - 1)
	})
	th := fyne.CurrentApp().Settings().Theme()
	buttons := container.NewBorder(nil, nil, container.New(atLeast{100, 44}, back),
		container.New(atLeast{200, 44}, container.NewThemeOverride(a.next, roomy{th})), container.NewCenter(caption("Step "+count(uint64(step+1))+" of 3")))
	head := figure(theme.SizeNameSubHeadingText)
	head.Wrapping = fyne.TextWrapWord
	head.SetText(title)
	a.scroll = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(8, 8, 14, 14), container.New(column{10}, container.New(column{0}, head, explanation(intro)), content, a.wrong)))
	a.content.Objects = []fyne.CanvasObject{container.NewBorder(nil,
		container.New(column{0}, widget.NewSeparator(), container.New(layout.NewCustomPaddedLayout(8, 10, 14, 14), buttons)), nil, nil, a.scroll)}
	a.content.Refresh()
	a.check()
	a.place.window.focus(placeWallet, a.first, name)
}

func (a *walletAdd) check() {
	if a.ready() {
		a.next.Enable()
	} else {
		a.next.Disable()
	}
}

func (a *walletAdd) steps() (title, intro string, content fyne.CanvasObject, name string) {
	switch a.step {
	case 0:
		return "Which coin?", "A wallet of real coins. " + unaudited, a.chooseCoin(), "wallet coin"
	case 1:
		return "Where does it come from?", "Nothing is sent anywhere by this.", a.chooseOrigin(), "wallet origin"
	}
	if a.origin == fromSame {
		return "Open your words", "The passphrase that you chose for them opens this coin too.", a.oldPassphrase(), "wallet passphrase"
	}
	return "A passphrase for this computer", "It seals the wallet's file here. It is not the words: those bring the wallet back elsewhere, and this opens it here.", a.newPassphrase(), "wallet passphrase"
}

func (a *walletAdd) chooseCoin() fyne.CanvasObject {
	box := container.New(column{8})
	var options []*option
	for i, c := range coin.All() {
		o := newOption(c.Name, walletCoinWords(c), func() {
			a.coin = c
			choose(options, i)
			a.check()
		})
		o.set(c == a.coin)
		options = append(options, o)
		box.Add(o)
		if c == a.coin {
			a.first = o
		}
	}
	a.ready = func() bool { return a.coin.ID != "" }
	return box
}

func walletCoinWords(c coin.Coin) string {
	switch c.ID {
	case "bitcoin":
		return "A block every ten minutes; rewards ripen for 100 blocks."
	case "litecoin":
		return "A block every two and a half minutes; rewards ripen for 100 blocks."
	case "dogecoin":
		return "A block every minute; rewards ripen for 240 blocks."
	}
	return ""
}

func (a *walletAdd) chooseOrigin() fyne.CanvasObject {
	box := container.New(column{8})
	var options []*option
	var origins []origin
	add := func(from origin, title, text string, more ...fyne.CanvasObject) *option {
		i := len(options)
		o := newOption(title, text, func() {
			a.origin = from
			choose(options, i)
			a.check()
		}, more...)
		options, origins = append(options, o), append(origins, from)
		box.Add(o)
		return o
	}
	if a.place.purse.Words(coin.Main) {
		add(fromSame, "From the words that I have here", "One set of words serves all coins: there is nothing more to write down.")
		add(fromNothing, "From new words", "Twelve more words, a wallet of its own.")
	} else {
		add(fromNothing, "New", "Goldpan makes twelve words by chance. You write them on paper; they are the wallet.")
	}
	if a.words == nil {
		a.words = newWordEntry(func() {})
	}
	a.words.changed = func() { a.check() }
	own := widget.NewPasswordEntry()
	own.SetPlaceHolder("only if the words had a passphrase of their own")
	own.SetText(a.making.SeedPassphrase)
	own.OnChanged = func(s string) { a.making.SeedPassphrase = s }
	add(fromWords, "Restore from words", "12 to 24 words of this or of another wallet. Type each; its beginning is enough.", container.New(column{4}, a.words.content, own))
	file, pass := widget.NewEntry(), widget.NewPasswordEntry()
	file.SetPlaceHolder("the file's name with its folder, or drop it here")
	file.SetText(a.file)
	file.OnChanged = func(s string) { a.file = s; a.check() }
	pass.SetPlaceHolder("the passphrase of the file")
	pass.SetText(a.making.BackupWord)
	pass.OnChanged = func(s string) { a.making.BackupWord = s; a.check() }
	a.place.window.win.SetOnDropped(func(_ fyne.Position, files []fyne.URI) {
		if len(files) > 0 && a.origin == fromFile {
			file.SetText(files[0].Path())
		}
	})
	add(fromFile, "Restore from a backup file", "An encrypted file that Goldpan wrote.", container.New(column{4}, file, pass))
	key := widget.NewEntry()
	key.SetPlaceHolder("xpub…, zpub… or a descriptor")
	key.SetText(a.making.Watch)
	key.OnChanged = func(s string) { a.making.Watch = s; a.check() }
	kinds := []string{"it says so itself", "wpkh: bc1q…", "pkh: the oldest", "sh(wpkh): 3… or M…", "tr: bc1p…"}
	raw := []string{"", "wpkh", "pkh", "sh(wpkh)", "tr"}
	kind := widget.NewSelect(kinds, nil)
	kind.SetSelectedIndex(0)
	kind.OnChanged = func(string) { a.making.Kind = raw[max(kind.SelectedIndex(), 0)] }
	add(fromKey, "Watch only", "From a public key of a wallet that is elsewhere, such as on a hardware wallet. It shows what comes in; nothing can be spent here.",
		container.New(column{4}, key, container.NewBorder(nil, nil, caption("Kind of its addresses"), nil, kind)))
	a.first = options[0]
	for i, from := range origins {
		if from == a.origin {
			choose(options, i)
			a.first = options[i]
		}
	}
	a.ready = func() bool {
		switch a.origin {
		case fromWords:
			return a.words.good()
		case fromFile:
			return a.file != "" && a.making.BackupWord != ""
		case fromKey:
			return a.making.Watch != ""
		}
		return true
	}
	return box
}

// oldPassphrase opens another coin of words that are there.
func (a *walletAdd) oldPassphrase() fyne.CanvasObject {
	entry := widget.NewPasswordEntry()
	entry.SetPlaceHolder("the passphrase of your words")
	entry.SetText(a.making.Passphrase)
	entry.OnChanged = func(s string) {
		a.making.Passphrase = s
		hint(a.wrong, "")
		a.check()
	}
	entry.OnSubmitted = func(string) { a.forward() }
	a.first = entry
	a.ready = func() bool { return a.making.Passphrase != "" }
	a.next.SetText("Open")
	return newPanel(container.New(column{4}, entry))
}

// newPassphrase asks for a passphrase twice, and says how strong it is.
func (a *walletAdd) newPassphrase() fyne.CanvasObject {
	box, entry, good := a.place.passphraseEntry(func(text, again string) {
		a.making.Passphrase, a.again = text, again
		hint(a.wrong, "")
		a.check()
	}, a.forward)
	a.first = entry
	a.ready = func() bool { return good() }
	a.next.SetText("Make the wallet")
	return newPanel(box)
}

// passphraseEntry asks for a new passphrase of real coins, with a meter. good tells
// whether it may be taken.
func (p *walletPlace) passphraseEntry(changed func(text, again string), submitted func()) (box *fyne.Container, entry *widget.Entry, good func() bool) {
	entry, again := widget.NewPasswordEntry(), widget.NewPasswordEntry()
	entry.SetPlaceHolder("several words that only you would put together")
	again.SetPlaceHolder("the same again")
	meter := widget.NewProgressBar()
	meter.Max = 70
	meter.TextFormatter = func() string { return "" }
	words := explanation(strengthWords(0, false))
	look := func(string) {
		bits, enough := p.purse.Strong(coin.Main, entry.Text)
		meter.SetValue(min(bits, meter.Max))
		text := strengthWords(bits, enough)
		if enough && again.Text != "" && again.Text != entry.Text {
			text = "The two are not the same."
		}
		say(words, text)
		changed(entry.Text, again.Text)
	}
	entry.OnChanged, again.OnChanged = look, look
	entry.OnSubmitted = func(string) {
		if c := p.window.win.Canvas(); c != nil {
			c.Focus(again)
		}
	}
	again.OnSubmitted = func(string) { submitted() }
	made := widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true, Monospace: true})
	made.Wrapping = fyne.TextWrapWord
	made.Hide()
	box = container.New(column{6})
	suggest := widget.NewButton("Make one for me", func() {
		text, err := purse.NewPassphrase()
		if err != nil {
			p.window.tell(err)
			return
		}
		made.SetText(text)
		made.Show()
		entry.SetText("")
		again.SetText("")
		say(words, "Write it down, apart from the wallet's own words, which are others. Then type it here, twice.")
		box.Refresh()
	})
	suggest.Importance = widget.LowImportance
	for _, o := range []fyne.CanvasObject{caption("The passphrase"), entry, container.New(thin{6}, meter), words, made, container.NewHBox(suggest),
		caption("The same again, so that no slip of the keys locks you out"), again} {
		box.Add(o)
	}
	return box, entry, func() bool {
		_, enough := p.purse.Strong(coin.Main, entry.Text)
		return enough && entry.Text == again.Text
	}
}

func (a *walletAdd) forward() {
	if !a.ready() || a.next.Disabled() {
		return
	}
	if a.step < 2 {
		a.show(a.step + 1)
		return
	}
	p := a.place
	m := a.making
	m.Coin = a.coin.ID
	if a.origin != fromKey {
		m.Watch, m.Kind = "", ""
	}
	if a.origin == fromWords {
		m.Words = a.words.words
	} else {
		m.SeedPassphrase = ""
	}
	from, file := a.origin, a.file
	var made *purse.Account
	p.do(a.next, func(ctx context.Context) (err error) {
		if from == fromFile {
			if m.Backup, err = purse.ReadBackup(file); err != nil {
				return err
			}
		}
		if from == fromSame {
			made, err = p.purse.Show(purse.ID{Coin: m.Coin, Network: m.Network})
			if err != nil && !errors.Is(err, purse.ErrListed) {
				return err
			}
			return p.purse.Open(ctx, made, m.Passphrase)
		}
		made, err = p.purse.Make(m)
		return err
	}, func(err error) bool {
		if err != nil {
			hint(a.wrong, explained(err))
			if errors.Is(err, seal.ErrPassphrase) && from == fromFile {
				hint(a.wrong, "The passphrase of the backup file is another one. Go back and type it again.")
			}
			a.content.Refresh()
			return true
		}
		p.at = made
		a.leave()
		p.made(made, from)
		return true
	})
}

// made greets a new wallet: its words are written down at once, or a server is named.
func (p *walletPlace) made(a *purse.Account, from origin) {
	p.window.win.SetOnDropped(nil)
	switch from {
	case fromNothing:
		var s *sheet
		now := widget.NewButton("Show me the words", func() {
			s.hide()
			p.showWords(a)
		})
		now.Importance = widget.HighImportance
		c := newCheer()
		s = p.window.newSheet("Your "+accountName(a)+" wallet is made", container.New(column{6}, container.New(atLeast{0, 110}, c),
			wrapped("Now its twelve words: take a pen and paper. It takes five minutes, and without them a broken disk loses all.",
				"Later is possible too. Until then Goldpan reminds you, and mines nothing to it. "+unaudited)), nil,
			widget.NewButton("Later", func() { s.hide() }), now)
		p.window.cheer(c)
	case fromWords, fromFile, fromKey:
		p.askServers(a)
	}
	if p.window.options.Screen != nil {
		p.window.options.Screen("wallet made")
	}
}
