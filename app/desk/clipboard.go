package desk

import (
	"bytes"

	"goldpan/vault"
)

// Clipboard is a window's own, as Fyne has it. It is called by another goroutine than
// the one that hands it over.
type Clipboard interface {
	Content() string
	SetContent(text string)
}

// forgetPasted empties the clipboard, after vault.ClipboardTime or when the desk is
// closed, if it still holds a part of a key that was entered.
func (d *Desk) forgetPasted(c Clipboard, parts vault.Credential) {
	if c == nil || d.ending == nil {
		return
	}
	for _, part := range []vault.Secret{parts.Key, parts.Secret, parts.Passphrase} {
		if part.Len() == 0 {
			continue
		}
		own := vault.NewSecret(bytes.Clone(part.Expose()))
		d.clearing.Go(func() {
			defer own.Wipe()
			vault.ClearClipboard(d.ending, own, c.Content, c.SetContent)
		})
	}
}
