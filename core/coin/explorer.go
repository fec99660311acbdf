package coin

import (
	"net/url"
	"strings"
)

// Explorer is a public site that shows a chain. Goldpan only makes links for
// the person to open, and asks it nothing.
type Explorer struct {
	Name   string
	Source string // where the form of its addresses was found

	tx, block, address string // with {} in place of what is shown
}

// Tx returns the address of the page on a transaction.
func (e Explorer) Tx(id string) string { return fill(e.tx, id) }

// Block returns the address of the page on a block, by its hash.
func (e Explorer) Block(hash string) string { return fill(e.block, hash) }

// Address returns the address of the page on an address of the coin.
func (e Explorer) Address(address string) string { return fill(e.address, address) }

// Host returns the site's name, to be shown before a link is opened.
func (e Explorer) Host() string {
	u, err := url.Parse(e.tx)
	if err != nil {
		return ""
	}
	return u.Host
}

func fill(pattern, what string) string {
	return strings.Replace(pattern, "{}", url.PathEscape(what), 1)
}

// goodPattern tells whether a pattern is an https address with {} once, at its
// end, and nothing that would send what is shown elsewhere.
func goodPattern(pattern string) bool {
	front, ok := strings.CutSuffix(pattern, "/{}")
	if !ok || strings.ContainsAny(front, "{}?#@%\\ ") {
		return false
	}
	u, err := url.Parse(front)
	return err == nil && u.Scheme == "https" && u.User == nil && strings.Contains(u.Host, ".") && u.Port() == ""
}
