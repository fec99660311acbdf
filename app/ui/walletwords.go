package ui

import (
	"context"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
	"goldpan/core/coin"
	"goldpan/core/seal"
)

// asked is how many words are asked back.
const asked = 4

// showWords leads through the backup: what the words are, the words once, some of
// them asked back. It opens the wallet's words by the passphrase first.
func (p *walletPlace) showWords(a *purse.Account) {
	s := a.Snapshot()
	if s.Sealed {
		p.askUnlock(a, "Before the words are shown", "Look around you: nobody should see your screen, and no camera. Then give the wallet's passphrase.", func(passphrase string) { p.words(a, passphrase) })
		return
	}
	p.words(a, "")
}

// askUnlock asks for the passphrase, unlocks the wallet with it, and goes on.
func (p *walletPlace) askUnlock(a *purse.Account, title, why string, then func(passphrase string)) {
	entry := widget.NewPasswordEntry()
	wrong := warning()
	var s *sheet
	ok := widget.NewButton("Go on", nil)
	ok.Importance = widget.HighImportance
	ok.OnTapped = func() {
		passphrase := entry.Text
		p.do(ok, func(ctx context.Context) error { return p.purse.Open(ctx, a, passphrase) }, func(err error) bool {
			entry.SetText("")
			if err == nil {
				s.hide()
				then(passphrase)
				return true
			}
			return saysWrong(wrong, err, seal.ErrPassphrase)
		})
	}
	entry.OnSubmitted = func(string) { ok.OnTapped() }
	s = p.window.newSheet(title, container.New(column{4}, wrapped(why), caption("Passphrase of the wallet"), entry, wrong), fyne.Focusable(entry),
		widget.NewButton("Cancel", func() { s.hide() }), ok)
}

// words shows the words. They are never put on the clipboard, and cannot be marked.
func (p *walletPlace) words(a *purse.Account, passphrase string) {
	list, seed, err := a.Words(passphrase)
	if err != nil {
		p.window.tell(err)
		return
	}
	columns := 3
	rows := (len(list) + columns - 1) / columns
	boxes := make([]fyne.CanvasObject, columns)
	for c := range columns {
		box := container.New(column{0})
		for i := c * rows; i < min((c+1)*rows, len(list)); i++ {
			word := widget.NewLabelWithStyle(list[i], fyne.TextAlignLeading, fyne.TextStyle{Bold: true, Monospace: true})
			box.Add(container.NewBorder(nil, nil, container.New(atLeast{34, 0}, caption(strconv.Itoa(i+1)+".")), nil, word))
		}
		boxes[c] = box
	}
	content := container.New(column{8},
		wrapped("These words are your wallet. Whoever has them has the coins; without them a broken disk loses all. Write them on paper, in this order. Take no photo, and make no file of them."),
		newPanel(container.New(thirds{6}, boxes...)))
	if seed != "" {
		content.Add(wrapped("They go with a passphrase of their own, the one that you gave when you restored them. Write that down too, on another paper."))
	}
	var s *sheet
	next := widget.NewButton("I have written them down", func() {
		s.hide()
		p.askBack(a)
	})
	next.Importance = widget.HighImportance
	s = p.window.newSheet("Your "+plural(len(list), "word"), content, nil, widget.NewButton("Not now", func() { s.hide() }), next)
	if p.window.options.Screen != nil {
		p.window.options.Screen("words")
	}
}

// askBack asks for some of the words, and says which are wrong.
func (p *walletPlace) askBack(a *purse.Account) {
	positions, err := a.Challenge(asked)
	if err != nil {
		p.window.tell(err)
		return
	}
	box := container.New(column{4}, wrapped("Now from your paper: it proves that these words bring the wallet back."))
	entries := make([]*widget.Entry, len(positions))
	says := make([]*widget.Label, len(positions))
	var s *sheet
	check := widget.NewButton("Check", nil)
	check.Importance = widget.HighImportance
	check.OnTapped = func() {
		words := make([]string, len(entries))
		for i, e := range entries {
			words[i] = strings.TrimSpace(e.Text)
		}
		wrong := []int{}
		p.do(check, func(context.Context) (err error) {
			wrong, err = a.Answer(positions, words)
			return err
		}, func(err error) bool {
			if err != nil {
				s.hide()
				return false
			}
			if len(wrong) == 0 {
				s.hide()
				p.proven(a)
				return true
			}
			for i, at := range positions {
				hint(says[i], "")
				for _, w := range wrong {
					if w == at {
						hint(says[i], "This is another word. Look at no. "+strconv.Itoa(at)+" on your paper once more.")
					}
				}
			}
			return true
		})
	}
	for i, at := range positions {
		entries[i], says[i] = widget.NewEntry(), warning()
		entries[i].SetPlaceHolder("word no. " + strconv.Itoa(at))
		entries[i].OnChanged = func(string) { hint(says[i], "") }
		entries[i].OnSubmitted = func(string) {
			if i+1 < len(entries) {
				p.window.win.Canvas().Focus(entries[i+1])
				return
			}
			check.OnTapped()
		}
		box.Add(container.NewBorder(nil, nil, container.New(atLeast{80, 0}, container.New(middle{}, caption("Word no. "+strconv.Itoa(at)))), nil, entries[i]))
		box.Add(says[i])
	}
	s = p.window.newSheet("Which words are these?", box, entries[0],
		widget.NewButton("Show them again", func() {
			s.hide()
			p.showWords(a)
		}), check)
	if p.window.options.Asked != nil {
		p.window.options.Asked(positions)
	}
}

// proven cheers at a backup that works.
func (p *walletPlace) proven(a *purse.Account) {
	p.look()
	title := figure(theme.SizeNameHeadingText)
	title.Wrapping, title.Alignment = fyne.TextWrapWord, fyne.TextAlignCenter
	title.SetText("Your backup works")
	text := widget.NewLabel("These words bring this wallet back on any computer. Keep the paper where you will find it, and nobody else does.")
	if a.ID().Network == coin.Practice {
		text.SetText("That is how it is done. With a wallet of real coins these words are the most precious thing that you own of it.")
	}
	text.Wrapping, text.Alignment = fyne.TextWrapWord, fyne.TextAlignCenter
	c := newCheer()
	var s *sheet
	done := widget.NewButton("Good", func() { s.hide() })
	done.Importance = widget.HighImportance
	s = p.window.newSheet("", container.New(column{6}, container.New(atLeast{0, 150}, c), title, text), nil, done)
	p.window.cheer(c)
	if p.window.options.Screen != nil {
		p.window.options.Screen("proven")
	}
}

// wordEntry takes words one after the other, with those that may be meant as buttons.
type wordEntry struct {
	content *fyne.Container
	words   []string
	entry   *widget.Entry
	hints   *fyne.Container
	back    *widget.Button
	says    *widget.Label
	list    *widget.Label
	changed func()
}

func newWordEntry(changed func()) *wordEntry {
	w := &wordEntry{entry: widget.NewEntry(), hints: container.NewHBox(), says: explanation(""), list: widget.NewLabel(""), changed: changed}
	w.list.Wrapping = fyne.TextWrapWord
	w.list.TextStyle.Monospace = true
	w.entry.OnChanged = w.typed
	w.entry.OnSubmitted = func(text string) { w.submit(text) }
	w.back = widget.NewButton("Take the last one back", func() {
		if len(w.words) > 0 {
			w.words = w.words[:len(w.words)-1]
			w.show()
		}
	})
	w.back.Importance = widget.LowImportance
	w.content = container.New(column{4}, w.entry, w.says, container.New(atLeast{0, 36}, w.hints), w.list, container.NewHBox(w.back))
	w.show()
	return w
}

// typed looks at what stands in the field: a whole word and a space are taken.
func (w *wordEntry) typed(text string) {
	w.hints.Objects = nil
	w.tell("")
	if text == "" {
		w.tell(w.verdict())
	}
	if strings.ContainsAny(text, " \n\t") {
		for _, word := range strings.Fields(text) { // several may be pasted
			if !w.take(word) {
				w.entry.SetText(word)
				return
			}
		}
		w.entry.SetText("")
		return
	}
	if len(text) >= 2 {
		found := purse.Complete(text, w.words...)
		for _, word := range found[:min(len(found), 5)] {
			w.hints.Add(widget.NewButton(word, func() { w.submit(word) }))
		}
		if len(found) == 0 {
			says := "No word of the list begins so."
			if near := purse.Near(text, w.words...); near != "" {
				says += " Perhaps this one is meant:"
				w.hints.Add(widget.NewButton(near, func() { w.submit(near) }))
			}
			w.tell(says)
		}
	}
	w.hints.Refresh()
	w.content.Refresh()
}

// submit takes a word, or the only one that begins so.
func (w *wordEntry) submit(text string) {
	text = strings.ToLower(strings.TrimSpace(text))
	if found := purse.Complete(text, w.words...); !purse.Known(text, w.words...) && len(found) == 1 {
		text = found[0]
	}
	if w.take(text) {
		w.entry.SetText("")
		if c := fyne.CurrentApp().Driver().CanvasForObject(w.entry); c != nil {
			c.Focus(w.entry)
		}
	}
}

func (w *wordEntry) take(word string) bool {
	word = strings.ToLower(word)
	if len(w.words) >= 24 || !purse.Known(word, w.words...) {
		return false
	}
	w.words = append(w.words, word)
	w.show()
	return true
}

func (w *wordEntry) show() {
	w.entry.SetPlaceHolder("word " + strconv.Itoa(len(w.words)+1))
	w.back.Hidden = len(w.words) == 0
	var b strings.Builder
	for i, word := range w.words {
		b.WriteString(strconv.Itoa(i+1) + ".\u00a0" + word + "   ")
	}
	say(w.list, b.String())
	w.tell(w.verdict())
	w.list.Hidden = w.list.Text == ""
	w.content.Refresh()
	w.changed()
}

// verdict says of the words so far whether they are a wallet's.
func (w *wordEntry) verdict() string {
	n := len(w.words)
	if n < 12 || n%3 != 0 {
		return ""
	}
	if err := purse.CheckWords(w.words); err != nil {
		return explained(err)
	}
	return "These " + plural(n, "word") + " are a wallet's: their check sum fits."
}

func (w *wordEntry) tell(text string) { hint(w.says, text) }

// good tells whether the words are a wallet's.
func (w *wordEntry) good() bool { return purse.CheckWords(w.words) == nil }
