package ui

import (
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
	"goldpan/core/coin"
)

// choosePool is the second step: a preset, or an address of the person's own.
func (s *setup) choosePool() *step {
	s.draft.password = "" // it is typed anew, never shown again
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
	password := secretEntry(&s.draft)
	password.SetPlaceHolder("only if the pool gave you one")
	judge := func(text string) {
		s.draft.address = text
		say(wrong, addressWords(text))
		s.check()
	}
	address.SetText(s.draft.address)
	solo.SetChecked(s.draft.solo)
	address.OnChanged = judge
	address.OnSubmitted = func(string) { s.forward() }
	say(wrong, addressWords(s.draft.address))
	other := newOption("Another pool", "You know its address.", func() {
		s.draft.venue = otherPool
		choose(options, len(presets))
		s.focus(address, "pool address")
		s.check()
	}, container.New(column{4}, caption("Its address, as its own page gives it"), address, wrong, solo,
		caption("Password. It is kept in this computer's keyring and never shown again."), password))
	add(other)
	add(s.nodeOption(func() {
		choose(options, len(presets)+1)
		s.check()
	}))

	st := &step{
		name:    "pool",
		title:   "Which pool?",
		intro:   "A pool joins the work of many miners and shares what they find. These are facts that others publish; nobody tried them from here. Look at a pool's own page before you choose.",
		content: box,
	}
	st.ready = func() bool {
		switch s.draft.venue {
		case presetPool:
			return s.draft.preset.ID != ""
		case ownNode:
			return s.draft.node != "" && wrongWith("node.url", s.draft.node) == "" && wrongWith("node.login", s.draft.login) == ""
		case otherPool:
			return s.draft.address != "" && wrongWith("pool.1.url", s.draft.address) == ""
		}
		return false
	}
	chosen := -1
	switch s.draft.venue {
	case otherPool:
		chosen = len(presets)
	case ownNode:
		chosen = len(presets) + 1
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

// nodeOption is mining on the person's own node.
func (s *setup) nodeOption(chosen func()) *option {
	node, login, password := widget.NewEntry(), widget.NewEntry(), secretEntry(&s.draft)
	node.SetPlaceHolder("http://127.0.0.1:" + nodePort(s.draft.coin))
	login.SetPlaceHolder("rpcuser in the node's settings")
	password.SetPlaceHolder("rpcpassword in the node's settings")
	node.SetText(s.draft.node)
	login.SetText(s.draft.login)
	wrong := explanation("")
	judge := func() {
		text := ""
		if s.draft.node != "" {
			text = wrongWith("node.url", s.draft.node)
		}
		say(wrong, text)
		s.check()
	}
	node.OnChanged = func(text string) {
		s.draft.node = text
		judge()
	}
	login.OnChanged = func(text string) {
		s.draft.login = text
		judge()
	}
	return newOption("My own node", "You run "+s.draft.coin.Name+" yourself, with its whole chain: then no pool stands in between, and a block that you find is all yours. Until then it pays nothing.", func() {
		s.draft.venue = ownNode
		chosen()
		s.focus(node, "node address")
	}, container.New(column{4}, caption("Address of its RPC port"), node, wrong, caption("User"), login,
		caption("Password. It is kept in this computer's keyring and never shown again."), password))
}

// nodePort is where a node of a coin is asked, unless its settings say otherwise.
func nodePort(c coin.Coin) string {
	if p, err := c.Params(coin.Main); err == nil {
		return strconv.Itoa(p.RPCPort)
	}
	return "8332"
}

// secretEntry takes a password for a draft, which it shows to nobody.
func secretEntry(d *draft) *widget.Entry {
	e := widget.NewPasswordEntry()
	e.OnChanged = func(text string) { d.password = text }
	return e
}

// poolWords say of a preset what a beginner decides by, and how sure it is.
func poolWords(p coin.Pool) string {
	facts := []string{"shared (" + p.Scheme + ")", "fee not known here", "no account needed"}
	if p.Solo {
		facts[0] = "solo: all or nothing"
	}
	if f := p.Fee(); f != "" {
		facts[1] = "fee " + f
	}
	if p.User == coin.UserAccountWorker {
		facts[2] = "needs an account"
	}
	if p.MinimumPayout > 0 {
		facts = append(facts, "pays from "+amount(p.MinimumPayout)+" on")
	}
	facts = append(facts, "as of "+p.Checked, strings.TrimPrefix(p.Page, "https://"))
	return strings.TrimSpace(strings.Join(facts, " · ") + "\n" + strings.TrimPrefix(p.Note, "Needs an account. "))
}

// addressWords judge a pool's address as it is being typed.
func addressWords(text string) string {
	if text == "" {
		return "It begins with stratum+tls:// (nobody on the way can read along), stratum+tcp://, wss:// or ws://."
	}
	if wrong := wrongWith("pool.1.url", text); wrong != "" {
		return wrong
	}
	if !desk.Encrypted(text) {
		return "This works, in clear text: whoever is on the way can read it, and could have you mine for them. If the pool has a stratum+tls:// address, take that."
	}
	return "This is a pool's address, and encrypted."
}
