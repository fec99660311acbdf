package ui

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
)

// step is one screen of the set-up.
type step struct {
	name    string // for scripts
	title   string
	intro   string
	content fyne.CanvasObject
	first   func() fyne.Focusable // what has the keyboard's focus at the beginning
	ready   func() bool           // whether the next step may come
}

// setup leads to mining for real, in few steps. Its methods are for Fyne's
// goroutine.
type setup struct {
	content *fyne.Container
	draft   draft
	now     config.Config // the settings that the draft would change
	at      int
	steps   []func() *step
	step    *step
	next    *widget.Button
	scroll  *container.Scroll // of the step

	own   func(coin.Coin) (address string, ok bool) // of a wallet of Goldpan's that is open; may be nil
	focus func(fyne.Focusable, string)              // the second says where the person is, for scripts
	leave func()                                    // at Back on the first step; nil where there is nowhere to go
	save  func(d draft, start bool)                 // at the end
}

const (
	nextText = "Next"
	backText = "Back"
)

// newSetup begins a set-up; now are the settings as they are.
func newSetup(now config.Config, focus func(fyne.Focusable, string), leave func(), save func(draft, bool)) *setup {
	s := &setup{content: container.NewStack(), now: now, focus: focus, leave: leave, save: save}
	s.draft.worker = defaultWorker
	if c, err := coin.ByID(now.Coin); err == nil {
		s.draft.coin = c
	}
	s.steps = []func() *step{s.chooseCoin, s.choosePool, s.choosePayee, s.review}
	s.show(0)
	return s
}

// show makes a step anew from the draft and shows it.
func (s *setup) show(at int) {
	s.at = at
	s.next = widget.NewButton(nextText, s.forward)
	s.next.Importance = widget.HighImportance
	s.step = s.steps[at]()
	back := widget.NewButton(backText, s.back)
	if at == 0 && s.leave == nil {
		back.Hide()
	}
	where := container.NewCenter(caption("Step " + count(uint64(at+1)) + " of " + count(uint64(len(s.steps)))))
	th := fyne.CurrentApp().Settings().Theme()
	buttons := container.NewBorder(nil, nil, container.New(atLeast{100, 44}, back),
		container.New(atLeast{200, 44}, container.NewThemeOverride(s.next, roomy{th})), where)

	title := figure(theme.SizeNameSubHeadingText)
	title.Wrapping = fyne.TextWrapWord
	title.SetText(s.step.title)
	head := container.New(column{0}, title)
	if s.step.intro != "" {
		head.Add(explanation(s.step.intro))
	}
	// The buttons stay in view, however long the step is.
	s.scroll = container.NewVScroll(container.New(layout.NewCustomPaddedLayout(8, 8, 14, 14), container.New(column{10}, head, s.step.content)))
	s.content.Objects = []fyne.CanvasObject{container.NewBorder(nil,
		container.New(column{0}, widget.NewSeparator(), container.New(layout.NewCustomPaddedLayout(8, 10, 14, 14), buttons)), nil, nil, s.scroll)}
	s.check()
	s.content.Refresh()
	s.begin()
}

// begin gives the keyboard's focus to where a step begins.
func (s *setup) begin() {
	if s.step.first != nil {
		s.focus(s.step.first(), s.step.name)
	}
}

// check lets the next step come when this one is complete.
func (s *setup) check() {
	if s.step == nil {
		return
	}
	if s.step.ready() {
		s.next.Enable()
	} else {
		s.next.Disable()
	}
}

func (s *setup) forward() {
	if !s.step.ready() {
		return
	}
	if s.at == len(s.steps)-1 {
		s.save(s.draft, true)
		return
	}
	s.show(s.at + 1)
}

func (s *setup) back() {
	if s.at > 0 {
		s.show(s.at - 1)
		return
	}
	s.leave()
}

// honest is said before anything is chosen.
const honest = "With a computer's processor, the electricity costs far more than these coins bring: other people mine them with machines built for it alone. Do it to learn, or for a tiny chance; not to earn."

// chooseCoin is the first step.
func (s *setup) chooseCoin() *step {
	var options []*option
	box := container.New(column{8})
	for i, c := range coin.All() {
		o := newOption(c.Name, coinWords(c), func() {
			if s.draft.coin != c {
				s.draft.coin, s.draft.preset, s.draft.venue = c, coin.Pool{}, presetPool
				s.draft.payee, s.draft.agreed = "", ""
			}
			choose(options, i)
			s.check()
		})
		options = append(options, o)
		box.Add(o)
	}
	for _, e := range coin.NotMineable() {
		box.Add(newOption(e.Name, e.Why, nil))
	}
	st := &step{name: "coin", title: "Which coin?", intro: honest, content: box,
		ready: func() bool { return s.draft.coin.ID != "" }}
	st.first = func() fyne.Focusable { return options[0] }
	for i, c := range coin.All() {
		if c == s.draft.coin {
			options[i].set(true)
			st.first = func() fyne.Focusable { return options[i] }
		}
	}
	return st
}

// coinWords say what is to be known of a coin.
func coinWords(c coin.Coin) string {
	pools := 0
	for _, p := range coin.PoolsFor(c) {
		if p.Low != coin.LowNone {
			pools++
		}
	}
	text := "Mined with " + puzzle(c.Algorithm) + "."
	if c.ID == "dogecoin" {
		text = "Mined with scrypt, the same puzzle as Litecoin's."
	}
	if pools > 0 {
		text += " Pools here with work that a processor can do: " + strconv.Itoa(pools) + "."
	} else {
		text += " No pool here has work that a processor can do."
	}
	return text
}
