package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"goldpan/core/coin"
)

// choosePool is the second step: a preset, or an address of the person's own.
func (s *setup) choosePool() *step {
	presets := coin.PoolsFor(s.draft.coin)
	var options []*option
	box := container.New(column{8})
	add := func(o *option) {
		options = append(options, o)
		box.Add(o)
	}
	for i, p := range presets {
		add(newOption(p.Name, poolWords(p), func() {
			s.draft.venue, s.draft.preset = presetPool, p
			choose(options, i)
			s.check()
		}))
	}

	address := widget.NewEntry()
	address.SetPlaceHolder("stratum+tls://pool.example:3333")
	wrong := explanation("")
	solo := widget.NewCheck("It promises a block that I find to my own address (solo)", func(on bool) {
		s.draft.solo = on
		s.check()
	})
	password := widget.NewPasswordEntry()
	password.SetPlaceHolder("only if the pool gave you one")
	password.OnChanged = func(text string) { s.draft.password = text }
	judge := func(text string) {
		s.draft.address = text
		say(wrong, addressWords(text))
		s.check()
	}
	address.SetText(s.draft.address)
	solo.SetChecked(s.draft.solo)
	password.SetText(s.draft.password)
	address.OnChanged = judge
	say(wrong, addressWords(s.draft.address))
	other := newOption("Another pool", "You know its address.", func() {
		s.draft.venue = otherPool
		choose(options, len(presets))
		s.focus(address)
		s.check()
	}, container.New(column{4}, caption("Its address, as its own page gives it"), address, wrong, solo,
		caption("Password. It is kept in this computer's keyring and never shown again."), password))
	add(other)

	st := &step{
		title:   "Which pool?",
		intro:   "A pool joins the work of many miners and shares what they find. These are facts that others publish; nobody tried them from here. Look at a pool's own page before you choose.",
		content: box,
	}
	st.ready = func() bool {
		switch s.draft.venue {
		case presetPool:
			return s.draft.preset.ID != ""
		case otherPool:
			return s.draft.address != "" && wrongWith("pool.1.url", s.draft.address) == ""
		}
		return false
	}
	chosen := -1
	switch s.draft.venue {
	case otherPool:
		chosen = len(presets)
	case presetPool:
		for i, p := range presets {
			if p.ID == s.draft.preset.ID {
				chosen = i
			}
		}
	}
	choose(options, chosen)
	st.first = func() fyne.Focusable { return options[max(chosen, 0)] }
	return st
}

// poolWords say of a preset what a beginner decides by, and how sure it is.
func poolWords(p coin.Pool) string {
	pays := "Shared: each miner is paid for their part (" + p.Scheme + ")."
	if p.Solo {
		pays = "Solo: it pays only whoever finds a whole block, and then nearly all of it."
	}
	fee := "Its fee is not known here."
	if f := p.Fee(); f != "" {
		fee = "It keeps " + f + "."
	}
	least := ""
	if p.MinimumPayout > 0 {
		least = " It pays from " + amount(p.MinimumPayout) + " on."
	}
	needs := " You need no account, only an address."
	if p.User == coin.UserAccountWorker {
		needs = " You need an account there."
	}
	note := p.Note
	if note != "" {
		note = " " + note
	}
	return pays + " " + fee + least + needs + note + " As of " + p.Checked + ", " + strings.TrimPrefix(p.Page, "https://") + "."
}

// addressWords judge a pool's address as it is being typed.
func addressWords(text string) string {
	if text == "" {
		return "It begins with stratum+tls:// (nobody on the way can read along), stratum+tcp://, wss:// or ws://."
	}
	if wrong := wrongWith("pool.1.url", text); wrong != "" {
		return wrong
	}
	if strings.HasPrefix(text, "stratum+tcp://") || strings.HasPrefix(text, "ws://") {
		return "This works, in clear text: whoever is on the way can read it, and could have you mine for them. If the pool has a stratum+tls:// address, take that."
	}
	return "This is a pool's address, and encrypted."
}
