package ui

import (
	"os"
	"path/filepath"
	"strings"

	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/purse"
)

// walletHistory is what came in and went out. Its methods are for Fyne's goroutine.
type walletHistory struct {
	view    *walletView
	content *fyne.Container
	rows    *fyne.Container
	more    *widget.Button
	none    *widget.Label
	list    []purse.Entry
	shown   int
	fresh   bool // the rows are to be drawn anew
}

// historyPage is how many lines are added at a time.
const historyPage = 25

func newWalletHistory(v *walletView) *walletHistory {
	h := &walletHistory{view: v, rows: container.New(column{4}), shown: historyPage, none: explanation("Nothing came in yet.")}
	h.more = widget.NewButton("Show more", func() {
		h.shown += 4 * historyPage
		h.fresh = true
		h.show(v.last)
	})
	h.more.Importance = widget.LowImportance
	a := v.account
	table := widget.NewButtonWithIcon("Save as a table (CSV)", theme.DocumentSaveIcon(), func() {
		v.place.askFile("Save the history as a table", "Other programs read it, for your tax or for yourself. Whoever reads it sees what you own.", "Save", v.place.freshFile(a, "history.csv"), func(_ context.Context, path string) (string, error) {
			return "The table is saved.", a.WriteCSV(path)
		})
	})
	labels := widget.NewButton("Save labels", func() {
		v.place.askFile("Save the labels for another wallet", "It is a file in the BIP329 format, which Sparrow, Electrum and others read.", "Save", v.place.freshFile(a, "labels.jsonl"), func(_ context.Context, path string) (string, error) {
			return "The labels are saved.", a.WriteLabels(path)
		})
	})
	take := widget.NewButton("Take in labels", func() {
		v.place.askFile("Take in another wallet's labels", "Name its file in the BIP329 format, or drop it on this window.", "Take in", "", func(_ context.Context, path string) (string, error) {
			r, err := a.ReadLabels(path)
			return plural(r.Taken, "label") + " taken in, " + plural(r.Skipped, "line") + " passed over.", err
		})
	})
	h.content = container.New(column{8}, container.New(layout.NewRowWrapLayout(), table, labels, take), h.none, h.rows, container.NewHBox(h.more))
	return h
}

// set takes a new history.
func (h *walletHistory) set(list []purse.Entry) { h.list, h.fresh = list, true }

func (h *walletHistory) show(s purse.Snapshot) {
	if !h.fresh {
		return
	}
	h.fresh = false
	h.none.Hidden = len(h.list) > 0
	h.more.Hidden = len(h.list) <= h.shown
	h.rows.Objects = nil
	for _, e := range h.list[:min(len(h.list), h.shown)] {
		h.rows.Add(h.row(e, s))
	}
	h.rows.Refresh()
	h.content.Refresh()
}

func (h *walletHistory) row(e purse.Entry, s purse.Snapshot) fyne.CanvasObject {
	title, state := entryWords(e)
	icon := theme.MoveDownIcon()
	switch {
	case e.Amount < 0:
		icon = theme.MoveUpIcon()
	case e.Reward:
		icon = theme.GridIcon()
	}
	head := figureLabel(title)
	head.Truncation = fyne.TextTruncateEllipsis
	sum := figureLabel(signed(e.Amount) + unitOf(s.Params))
	sum.Alignment = fyne.TextAlignTrailing
	line := moment(e.Time) + " · " + state
	if e.Amount < 0 && e.Fee > 0 {
		line += " · fee " + amount(e.Fee)
	}
	name := widget.NewButton("Label", func() { h.label(e) })
	name.Importance = widget.LowImportance
	return newPanel(container.NewBorder(nil, nil, container.New(middle{}, widget.NewIcon(icon)), container.New(middle{}, name),
		container.New(column{0}, container.NewBorder(nil, nil, nil, sum, head), explanation(line))))
}

// label asks for a name of a transaction, and shows its id.
func (h *walletHistory) label(e purse.Entry) {
	w := h.view.place.window
	text := widget.NewEntry()
	text.SetText(e.Label)
	text.SetPlaceHolder("such as: rent, or block 12")
	id := widget.NewLabel(e.TxID.String())
	id.SizeName, id.TextStyle.Monospace, id.Selectable, id.Wrapping = theme.SizeNameCaptionText, true, true, fyne.TextWrapBreak
	var s *sheet
	keep := func() {
		s.hide()
		if err := h.view.account.Label(e.TxID.String(), text.Text, false); err != nil {
			w.tell(err)
			return
		}
		h.view.place.look()
	}
	text.OnSubmitted = func(string) { keep() }
	ok := widget.NewButton("Keep", keep)
	ok.Importance = widget.HighImportance
	s = w.newSheet("Name this payment", container.New(column{4}, text, explanation("The name stays in this wallet, sealed like the rest. The payment's id, by which the network knows it:"), id),
		text, widget.NewButton("Cancel", func() { s.hide() }), ok)
}

// freshFile is the path of a new file in the person's folder.
func (p *walletPlace) freshFile(a *purse.Account, name string) string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return name
	}
	if documents := filepath.Join(dir, "Documents"); isFolder(documents) {
		dir = documents
	}
	return filepath.Join(dir, "goldpan-"+strings.ReplaceAll(strings.ToLower(a.ID().Coin+"-"+string(a.ID().Network)), " ", "-")+"-"+name)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// askFile asks for a file's path and does something with it; what it says is shown.
// A file that is dropped on the window is taken too.
func (p *walletPlace) askFile(title, why, button, path string, work func(context.Context, string) (string, error), more ...fyne.CanvasObject) {
	entry := widget.NewEntry()
	entry.SetText(path)
	entry.SetPlaceHolder("the file's name, with its folder")
	says := explanation("")
	box := container.New(column{6}, wrapped(why), entry)
	for _, m := range more {
		box.Add(m)
	}
	box.Add(says)
	var s *sheet
	ok := widget.NewButton(button, nil)
	ok.Importance = widget.HighImportance
	cancel := widget.NewButton("Cancel", nil)
	close := func() {
		p.window.win.SetOnDropped(nil)
		s.hide()
	}
	ok.OnTapped = func() {
		result, file := "", strings.TrimSpace(entry.Text)
		p.do(ok, func(ctx context.Context) (err error) {
			result, err = work(ctx, file)
			return err
		}, func(err error) bool {
			if err != nil {
				says.Importance = widget.DangerImportance
				says.SetText(explained(err))
				return true
			}
			says.Importance = widget.MediumImportance
			says.SetText(result)
			ok.Hide()
			cancel.SetText("Close")
			p.window.win.Canvas().Focus(cancel)
			p.look()
			return true
		})
	}
	cancel.OnTapped = close
	entry.OnSubmitted = func(string) { ok.OnTapped() }
	p.window.win.SetOnDropped(func(_ fyne.Position, files []fyne.URI) {
		if len(files) > 0 {
			entry.SetText(files[0].Path())
		}
	})
	s = p.window.newSheet(title, box, fyne.Focusable(entry), cancel, ok)
}
