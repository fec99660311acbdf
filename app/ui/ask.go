package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/core"
)

// tell says that something did not work; the window goes on.
func (w *window) tell(err error) {
	message, hint := desk.Explain(err)
	texts := []string{sentence(message)}
	if hint != "" {
		texts = append(texts, hint)
	}
	var s *sheet
	s = w.newSheet("This did not work", wrapped(texts...), nil, widget.NewButton("Close", func() { s.hide() }))
}

// askToClose says what closing ends, if it ends anything. Fyne's goroutine.
func (w *window) askToClose() {
	what := ""
	switch {
	case w.real != nil && w.real.cancel != nil:
		what = coinName(w.real.config) + " is being mined."
	case w.practice != nil && w.practice.last.Mining.State == core.StateMining:
		what = "You are practising."
	}
	if w.devices != nil && w.devices.cancel != nil {
		what = strings.TrimSpace(what + " Devices at home may join, and " + plural(w.devices.view.home.Connected, "device") + " mine with you now.")
	}
	if what == "" {
		w.win.Close()
		return
	}
	if w.closing {
		return
	}
	w.closing = true
	var s *sheet
	keep := widget.NewButton("Keep mining", func() {
		w.closing = false
		s.hide()
	})
	keep.Importance = widget.HighImportance
	s = w.newSheet("Close Goldpan?", wrapped(what+" Closing the window stops it and ends Goldpan: nothing goes on unseen.",
		"What was found so far is kept. You can start again at any time."), nil,
		widget.NewButton("Stop and close", w.win.Close), keep)
}

// minPassphrase is the fewest characters of a new passphrase.
const minPassphrase = 12

// passphrase asks for the passphrase of the file that keeps passwords where there
// is no keyring. It waits for the person, so it must not be called from Fyne's
// goroutine.
func (w *window) passphrase(ctx context.Context, create bool) (string, error) {
	answer := make(chan string, 1)
	var shown *sheet // Fyne's goroutine
	w.draw(func() { shown = w.askPassphrase(create, answer) })
	select {
	case s := <-answer:
		if s == "" {
			return "", desk.ErrDeclined
		}
		return s, nil
	case <-ctx.Done():
		w.draw(func() {
			if shown != nil {
				shown.hide()
			}
		})
		return "", ctx.Err()
	}
}

// askPassphrase shows the question and sends the answer, "" for none.
func (w *window) askPassphrase(create bool, answer chan<- string) *sheet {
	one, again := widget.NewPasswordEntry(), widget.NewPasswordEntry()
	why := "This computer has no keyring, so passwords are kept in a file that a passphrase seals."
	box := container.New(column{4}, wrapped(why), caption("Passphrase"), one)
	if create {
		why += " Choose several words that only you would put together. Without them the passwords cannot be read again."
		box = container.New(column{4}, wrapped(why), caption("Passphrase"), one, caption("The same again"), again)
	}
	wrong := explanation("")
	wrong.Importance = widget.DangerImportance
	box.Add(wrong)
	var s *sheet
	give := func() {
		switch {
		case create && len([]rune(one.Text)) < minPassphrase:
			wrong.SetText("That is too short: take at least 12 characters.")
		case create && one.Text != again.Text:
			wrong.SetText("The two are not the same.")
		case one.Text == "":
		default:
			answer <- one.Text
			one.SetText("")
			again.SetText("")
			s.hide()
		}
	}
	one.OnSubmitted = func(string) { give() }
	again.OnSubmitted = func(string) { give() }
	ok := widget.NewButton("Go on", give)
	ok.Importance = widget.HighImportance
	s = w.newSheet("Your passphrase, please", box, fyne.Focusable(one), widget.NewButton("Not now", func() {
		answer <- ""
		s.hide()
	}), ok)
	return s
}

// fingerprintLines breaks a fingerprint so that it can be compared by eye.
func fingerprintLines(fingerprint string) string {
	kind, digits, ok := strings.Cut(fingerprint, ":")
	if !ok {
		return fingerprint
	}
	var b strings.Builder
	b.WriteString(kind)
	for i := 0; i < len(digits); i += 4 {
		if i%32 == 0 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(digits[i:min(i+4, len(digits))])
	}
	return b.String()
}
