// Package uri writes and reads payment links: a scheme that names the coin, an address, and what is asked for.
//
// It refuses links of another coin, addresses of another network, amounts that are none, keys said twice, and
// whatever a link calls required that it does not know. A link pays nothing: who follows one asks the person first.
//
// Specification: BIP21, whose scheme Litecoin and Dogecoin use under their own names; BIP321 for keys in capital letters; RFC 3986
// for its form.
package uri

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"goldpan/core/coin"
)

// Bounds.
const (
	MaxLink = 2048 // bytes
	maxText = 255  // characters of a label or a message
	maxKeys = 32
)

var (
	// ErrLink says that a text is no payment link.
	ErrLink = errors.New("that is no payment link")
	// ErrCoin says that a link is of another coin.
	ErrCoin = errors.New("that payment link is of another coin")
	// ErrRequired says that a link demands what Goldpan does not know.
	ErrRequired = errors.New("that payment link demands something that Goldpan does not know, so it may not be paid")
	// ErrTwice says that a link says one thing twice, so that two programs could read two payments in it.
	ErrTwice = errors.New("that payment link says one thing twice")
)

// Request is what a link asks for.
type Request struct {
	Address coin.Address
	Amount  coin.Amount // 0 when none is named
	Label   string      // the receiver, as the link has it: a stranger's text
	Message string      // what it is for; a stranger's text too
}

// Format writes a link. Only Address.Text of the address is used. Label and message are cut to 255 characters.
func Format(p *coin.Params, r Request) string {
	s := p.Coin.ID + ":" + r.Address.Text
	mark := "?"
	add := func(key, value string) {
		s += mark + key + "=" + value
		mark = "&"
	}
	if r.Amount > 0 {
		add("amount", strings.TrimSuffix(strings.TrimRight(r.Amount.String(), "0"), "."))
	}
	if r.Label != "" {
		add("label", escape(cut(r.Label)))
	}
	if r.Message != "" {
		add("message", escape(cut(r.Message)))
	}
	return s
}

// escape writes %20 for a space: a plus sign is itself here.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func cut(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "\ufffd")); len(r) > maxText {
		return string(r[:maxText])
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// Parse reads a link of exactly this coin and network. An address that is refused is an error of package coin, one
// that two coins share a *coin.AmbiguousError.
func Parse(p *coin.Params, text string) (Request, error) {
	if len(text) == 0 || len(text) > MaxLink || !utf8.ValidString(text) {
		return Request{}, ErrLink
	}
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || scheme == "" {
		return Request{}, ErrLink
	}
	if !strings.EqualFold(scheme, p.Coin.ID) {
		for _, c := range coin.All() {
			if strings.EqualFold(scheme, c.ID) {
				return Request{}, ErrCoin
			}
		}
		return Request{}, ErrLink
	}
	rest = strings.TrimPrefix(rest, "//") // some programs write it so
	path, query, _ := strings.Cut(rest, "?")
	var r Request
	var err error
	if r.Address, err = p.ParseAddress(path); err != nil {
		return Request{}, err
	}
	if query == "" {
		return r, nil
	}
	pairs := strings.Split(query, "&")
	if len(pairs) > maxKeys {
		return Request{}, ErrLink
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		if key, err = url.PathUnescape(key); err != nil {
			return Request{}, ErrLink
		}
		key = strings.ToLower(key) // a QR code of capital letters alone is smaller
		if seen[key] {
			return Request{}, ErrTwice
		}
		seen[key] = true
		switch key {
		case "amount":
			if r.Amount, err = amount(value); err != nil {
				return Request{}, err
			}
		case "label":
			r.Label, err = plain(value)
		case "message":
			r.Message, err = plain(value)
		default:
			if strings.HasPrefix(key, "req-") {
				return Request{}, ErrRequired
			}
		}
		if err != nil {
			return Request{}, err
		}
	}
	return r, nil
}

// amount reads digits with one point; BIP21 lets either side of it be empty.
func amount(s string) (coin.Amount, error) {
	whole, part, point := strings.Cut(s, ".")
	if whole == "" && part == "" {
		return 0, fmt.Errorf("%w: its amount is none", ErrLink)
	}
	if whole == "" {
		whole = "0"
	}
	if point && part != "" {
		whole += "." + part
	}
	a, err := coin.ParseAmount(whole)
	if err != nil {
		return 0, fmt.Errorf("%w: its amount is none: %w", ErrLink, err)
	}
	if a == 0 {
		return 0, fmt.Errorf("%w: its amount is nothing", ErrLink)
	}
	return a, nil
}

// plain reads a stranger's text, without what hides or turns text.
func plain(s string) (string, error) {
	s, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(s) {
		return "", ErrLink
	}
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, s)
	return cut(s), nil
}
