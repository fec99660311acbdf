package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// choosePayee is the third step: who is paid.
func (s *setup) choosePayee() *step {
	d := &s.draft
	st := &step{name: "payee", title: "Who is paid?"}
	label := "Your " + d.coin.Name + " address"
	st.intro = "Rewards go to the address of a wallet that is yours alone. Goldpan needs no key of it. Coins on an exchange are the exchange's until you take them out."
	if !d.paysAddress() {
		label = "Your account at the pool, or an address"
		st.intro = "The pool keeps your account, and pays it by the settings that you make on the pool's page."
	}
	payee := widget.NewEntry()
	payee.SetPlaceHolder(label)
	mark := widget.NewIcon(nil)
	words := explanation("")
	mend := widget.NewButton("", nil)
	agree := widget.NewCheck("", nil)
	look := func() {
		v := d.judge()
		say(words, v.text)
		setMark(mark, v.kind)
		mark.Hidden = d.payee == ""
		mend.Hidden, agree.Hidden = v.mend == "", v.ask == ""
		mend.SetText(v.mend)
		mend.OnTapped = func() { payee.SetText(v.mended) }
		agree.OnChanged = nil
		agree.SetText(v.ask)
		agree.SetChecked(v.ask != "" && d.agreed == d.payee)
		agree.OnChanged = func(on bool) {
			d.agreed = ""
			if on {
				d.agreed = d.payee
			}
			s.check()
		}
		s.content.Refresh()
		s.check()
	}
	payee.SetText(d.payee)
	payee.OnChanged = func(text string) {
		d.payee = text
		look()
	}
	payee.OnSubmitted = func(string) { s.forward() }

	device := widget.NewEntry()
	device.SetText(d.worker)
	deviceWords := explanation("Pools tell your devices apart by it. It may stay as it is.")
	device.OnChanged = func(text string) {
		d.worker = text
		deviceWords.SetText("Pools tell your devices apart by it. It may stay as it is.")
		if wrong := wrongWith("pool.1.user", "a."+text); wrong != "" {
			deviceWords.SetText(wrong)
		}
		s.check()
	}
	device.OnSubmitted = func(string) { s.forward() }
	judged := container.NewBorder(nil, nil, container.NewVBox(mark), nil, words)
	box := container.New(column{6}, figureLabel(label), payee, judged, container.NewHBox(mend), agree)
	if s.own != nil {
		if address, ok := s.own(d.coin); ok && d.paysAddress() {
			box.Add(container.NewHBox(widget.NewButton("Use my Goldpan wallet", func() { payee.SetText(address) })))
		}
	}
	if d.venue != ownNode {
		box.Add(figureLabel("A name for this computer"))
		box.Add(device)
		box.Add(deviceWords)
	}
	st.content = newPanel(box)
	st.first = func() fyne.Focusable { return payee }
	st.ready = func() bool {
		return d.judge().good(d) && wrongWith("pool.1.user", d.user()) == ""
	}
	look()
	return st
}

// figureLabel names a field.
func figureLabel(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.TextStyle.Bold = true
	return l
}
