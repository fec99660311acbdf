package ui

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/home"
)

// devicesScreen lets phones and other miners at home join, and shows who is here.
// Its methods are for Fyne's goroutine.
type devicesScreen struct {
	content *fyne.Container

	toggle        *widget.Button
	mark          *widget.Icon
	state, reason *widget.Label
	mend          *widget.Button
	options       []*option // for practice, for real
	paid, opens   *widget.Label
	choices       *fyne.Container
	adding        *fyne.Container
	phone, miner  *widget.Button
	pending       *fyne.Container // invitations that nobody has used
	list          *fyne.Container
	none          *widget.Label

	rows    map[string]*deviceRow // by id
	order   []string
	waiting map[string]*pendingRow
	acts    devicesActs
	real    string // what the second option says
}

// devicesActs are what a person does here.
type devicesActs struct {
	deviceActs
	open     func(on bool)
	choose   func(real bool)
	mend     func()
	phone    func()
	miner    func()
	withdraw func(home.Invitation)
}

const (
	openText  = "Switch on"
	closeText = "Switch off"
)

func newDevicesScreen(acts devicesActs) *devicesScreen {
	s := &devicesScreen{acts: acts, rows: map[string]*deviceRow{}, waiting: map[string]*pendingRow{},
		mark: widget.NewIcon(nil), state: figure(theme.SizeNameText), reason: explanation(""),
		paid: explanation(""), opens: explanation(""), list: container.New(column{8}), pending: container.New(column{4}),
		none:    explanation("No device has joined yet. Press Add a phone, and open the link on the phone: there is nothing to install."),
		choices: container.New(column{6})}
	s.paid.Importance = widget.MediumImportance
	s.toggle = widget.NewButton(openText, func() { acts.open(s.toggle.Text == openText) })
	s.mend = widget.NewButton("Try again", func() { acts.mend() })
	s.phone = widget.NewButtonWithIcon("Add a phone", theme.ContentAddIcon(), nil)
	s.phone.Importance = widget.HighImportance
	s.miner = widget.NewButtonWithIcon("Add another miner program", theme.ContentAddIcon(), nil)
	press(s.phone, func() { acts.phone() })
	press(s.miner, func() { acts.miner() })

	title := figure(theme.SizeNameSubHeadingText)
	title.SetText("Let phones and other miners at home join")
	title.Wrapping = fyne.TextWrapWord
	what := explanation("They mine together with you, for one wallet: yours. No wallet, key or password goes onto any of them.")
	th := fyne.CurrentApp().Settings().Theme()
	act := container.New(atLeast{228, 0}, container.New(column{2},
		container.New(atLeast{228, 60}, container.NewThemeOverride(s.toggle, roomy{th})),
		container.NewBorder(nil, nil, s.mark, nil, s.state), s.reason, s.mend))
	head := newPanel(container.NewBorder(nil, nil, nil, act,
		container.New(column{4}, title, what, s.paid, s.choices, s.opens)))
	s.adding = container.NewHBox(
		container.New(atLeast{228, 44}, container.NewThemeOverride(s.phone, lit{th})),
		container.New(atLeast{228, 44}, s.miner))
	s.content = container.New(layout.NewCustomPaddedLayout(4, 12, 14, 14),
		container.New(column{8}, head, s.adding, s.pending, s.none, s.list))
	return s
}

// first is where the keyboard begins.
func (s *devicesScreen) first() fyne.Focusable {
	if s.adding.Visible() {
		return s.phone
	}
	return s.toggle
}

// show draws v as it is at the time now.
func (s *devicesScreen) show(v homeView, now time.Time) {
	k, title, why := homeWords(v)
	setMark(s.mark, k)
	say(s.state, title)
	say(s.reason, why)
	changed := s.choice(v)
	open := v.phase == homeOn || v.phase == homeWaiting
	changed = show(s.mend, v.phase == homeFailed) || changed
	if text := mendText(v); s.mend.Text != text {
		s.mend.SetText(text)
	}
	text, importance := openText, widget.HighImportance
	if open || v.phase == homeStarting {
		text, importance = closeText, widget.MediumImportance
	}
	if s.toggle.Text != text || s.toggle.Importance != importance {
		s.toggle.Text, s.toggle.Importance = text, importance
		s.toggle.Refresh()
	}
	say(s.paid, paidWords(v))
	changed = show(s.paid, s.paid.Text != "") || changed
	say(s.opens, opensWords(v))
	changed = show(s.adding, open) || changed
	changed = show(s.miner, v.listen != "") || changed
	changed = s.invited(v.home.Invitations, now) || changed
	changed = s.devices(here(v.home), now) || changed
	changed = show(s.none, open && len(s.rows) == 0) || changed
	if changed {
		s.content.Refresh()
	}
}

// mendText is what the button beside what is wrong says.
func mendText(v homeView) string {
	if portTaken(v.err) {
		return "Use other ports"
	}
	return "Try again"
}

// choice shows for whom devices would mine, while that can be chosen. It tells
// whether the screen's height changed.
func (s *devicesScreen) choice(v homeView) bool {
	text, can := realOption(v.settings)
	if s.options == nil || s.real != text {
		s.real = text
		choose := func() { s.acts.choose(true) }
		if !can {
			choose = nil
		}
		s.options = []*option{
			newOption("To practise", "Real mining on a network inside Goldpan, without the internet. The coins are worth nothing.", func() { s.acts.choose(false) }),
			newOption("For real", text, choose),
		}
		s.choices.Objects = []fyne.CanvasObject{s.options[0], s.options[1]}
		s.choices.Refresh()
	}
	chosen := 0
	if v.real && can {
		chosen = 1
	}
	choose(s.options, chosen)
	return show(s.choices, v.phase == homeOff || v.phase == homeFailed)
}

// devices brings the list up to date, and tells whether devices came or went.
func (s *devicesScreen) devices(all []home.Device, now time.Time) bool {
	order := make([]string, len(all))
	for i, d := range all {
		order[i] = d.ID
		if s.rows[d.ID] == nil {
			s.rows[d.ID] = newDeviceRow(s.acts.deviceActs)
		}
		s.rows[d.ID].show(d, now)
	}
	if slices.Equal(order, s.order) {
		return false
	}
	s.order = order
	s.list.Objects = nil
	for id := range s.rows {
		if !slices.Contains(order, id) {
			delete(s.rows, id)
		}
	}
	for _, id := range order {
		s.list.Add(s.rows[id].panel)
	}
	s.list.Refresh()
	return true
}

// pendingRow is an invitation that nobody has used yet.
type pendingRow struct {
	row  *fyne.Container
	text *widget.Label
}

// invited brings the open invitations up to date, and tells whether any came or went.
func (s *devicesScreen) invited(all []home.Invitation, now time.Time) (changed bool) {
	known := map[string]bool{}
	for _, i := range all {
		known[i.ID] = true
		p := s.waiting[i.ID]
		if p == nil {
			p = &pendingRow{text: caption("")}
			withdraw := widget.NewButton("Withdraw", func() { s.acts.withdraw(i) })
			withdraw.Importance = widget.LowImportance
			p.row = container.NewBorder(nil, nil, widget.NewIcon(theme.HistoryIcon()), withdraw, container.New(middle{}, p.text))
			s.waiting[i.ID] = p
			s.pending.Add(p.row)
			changed = true
		}
		say(p.text, "An invitation for "+i.Name+" is open: "+leftWords(i.Expires.Sub(now))+" left.")
	}
	for id, p := range s.waiting {
		if !known[id] {
			s.pending.Remove(p.row)
			delete(s.waiting, id)
			changed = true
		}
	}
	return changed
}

// show shows or hides o and tells whether that changed anything.
func show(o fyne.CanvasObject, shown bool) bool {
	if o.Visible() == shown {
		return false
	}
	if shown {
		o.Show()
	} else {
		o.Hide()
	}
	return true
}
