package ui

import (
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/core"
	"goldpan/core/jsonrpc"
)

// certificates shows what is wrong with the certificates of pools, each once in a
// session, and offers to trust a key where that is sound.
func (p *realPlace) certificates(v core.Snapshot) {
	if p.window.sheets > 0 || p.session == nil || p.session.trust == nil {
		return // one question at a time
	}
	for _, pool := range v.Pools {
		var c *jsonrpc.CertificateError
		if !errors.As(pool.Err, &c) || p.asked[c.Host+c.Fingerprint] {
			continue
		}
		p.asked[c.Host+c.Fingerprint] = true
		switch {
		case c.MayTrust():
			p.offer(c)
			return
		case c.Changed, errors.Is(c.Err, jsonrpc.ErrPinned):
			p.refuse(c)
			return
		}
	}
}

// offer asks whether the key that a pool shows is the right one.
func (p *realPlace) offer(c *jsonrpc.CertificateError) {
	session := p.session
	p.window.offerKey("Is this the right pool?", "Many small pools are like that.", c, func() {
		if p.session == session && !works(p.last) {
			p.stop() // asking again would make it no better
		}
	}, session.trust)
}

// offerKey asks whether the key that a server shows is the right one. The safe
// answer, of which declined is told if it is not nil, has the keyboard's focus.
func (w *window) offerKey(title, usual string, c *jsonrpc.CertificateError, declined func(), trust func(host, fingerprint string) error) {
	var s *sheet
	no := widget.NewButton("No, or I am not sure", func() {
		s.hide()
		if declined != nil {
			declined()
		}
	})
	no.Importance = widget.HighImportance
	yes := widget.NewButton("It is the same: trust it", func() {
		s.hide()
		if err := trust(c.Host, c.Fingerprint); err != nil {
			w.tell(err)
		}
	})
	s = w.newSheet(title, container.New(column{6},
		wrapped("Nobody whom this computer trusts vouches for "+c.Host+". "+usual+" It is also what you would see if somebody had put themselves in between."),
		wrapped("Its key has this fingerprint:"), fingerprintLabel(c.Fingerprint),
		wrapped("Compare it with the one that the owner publishes. If every letter is the same, it is the right one; Goldpan then remembers it, and refuses any other. Nothing of yours was sent so far.")),
		nil, yes, no)
}

// refuse says that a pool shows another key than it did, and what that may mean.
func (p *realPlace) refuse(c *jsonrpc.CertificateError) {
	title := "This pool has another key than before"
	text := "You trusted another key of " + c.Host + " before. Either its owner has changed it, or somebody has put themselves in between to have you mine for them. Goldpan refuses it, and sends nothing."
	if !c.Changed {
		title = "This pool has another key than its address says"
		text = "The address of " + c.Host + " has a pin, and the key that it shows is another one. Somebody may have put themselves in between. Goldpan refuses it, and sends nothing."
	}
	p.window.refuseKey(title, text, c)
}

// refuseKey says that a server shows another key than the one that counts.
func (w *window) refuseKey(title, text string, c *jsonrpc.CertificateError) {
	var s *sheet
	s = w.newSheet(title, container.New(column{6},
		wrapped(text, "Its key now has this fingerprint:"), fingerprintLabel(c.Fingerprint), wrapped(explainedHint(c))),
		nil, widget.NewButton("I understand", func() { s.hide() }))
}

// works tells whether any pool gives work.
func works(v core.Snapshot) bool {
	for _, p := range v.Pools {
		if p.Err == nil {
			return true
		}
	}
	return false
}

// fingerprintLabel shows a fingerprint so that it can be compared and copied.
func fingerprintLabel(fingerprint string) fyne.CanvasObject {
	l := widget.NewLabel(fingerprintLines(fingerprint))
	l.TextStyle.Monospace, l.Selectable, l.SizeName = true, true, theme.SizeNameCaptionText
	return newPanel(l)
}
