package ui

import (
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/core/coin"
)

// review is the last step: all that will happen, before it does.
func (s *setup) review() *step {
	st := &step{name: "review", title: "Is this right?", intro: "Nothing was contacted so far. When you press Start, this is what happens, and nothing else."}
	d := &s.draft
	box := container.New(column{8})
	add := func(title string, lines ...string) {
		card := container.New(column{0}, caption(title))
		for _, line := range lines {
			l := widget.NewLabel(line)
			l.Wrapping = fyne.TextWrapWord
			card.Add(l)
		}
		box.Add(newPanel(card))
	}
	c, err := d.settings(s.now)
	var hosts []string
	var proxy string
	if err == nil {
		hosts, proxy, err = d.contacts(c)
	}
	if err != nil {
		add("This cannot be mined", explained(err))
		st.content, st.ready = box, func() bool { return false }
		return st
	}
	who := "The pool pays " + d.payee + "."
	if d.venue == ownNode {
		who = "Each block that your node takes pays " + d.payee + "."
	}
	if !d.paysAddress() && len(d.payee) < shortestAddress {
		who = "The pool pays the account " + d.payee + "."
	}
	if d.venue == otherPool && d.solo || d.venue == presetPool && d.preset.Solo {
		who = "A block that you find pays " + d.payee + ". Goldpan reads each job for it, and warns you when it does not."
	}
	add("Who is paid", who, "Goldpan itself takes nothing.")
	add("Who is contacted", contactWords(hosts, proxy)...)
	add("How much of this computer it may use", strings.Join(limitWords(c, runtime.NumCPU()), " ")+" You can change this at any time under Settings.")
	if chosen(s.now) {
		add("What this takes the place of", whereWords(s.now))
	}
	later := widget.NewButton("Save it, and start later", func() { s.save(s.draft, false) })
	later.Importance = widget.LowImportance
	box.Add(container.NewHBox(later))
	st.content, st.ready = box, func() bool { return true }
	s.next.SetText(startText)
	s.next.SetIcon(theme.MediaPlayIcon())
	st.first = func() fyne.Focusable { return s.next }
	return st
}

// contactWords list the hosts.
func contactWords(hosts []string, proxy string) []string {
	lines := []string{strings.Join(hosts, "\n")}
	if len(hosts) > 1 {
		lines = append(lines, "They are tried in this order: the next when the one before is down, and back to the first when it works again.")
	}
	if proxy != "" {
		lines = append(lines, "All goes through the proxy "+proxy+".")
	}
	return lines
}

// presetName is the name of the preset with an id, or the id.
func presetName(id string) string {
	for _, p := range coin.Pools() {
		if p.ID == id {
			return p.Name
		}
	}
	return id
}
