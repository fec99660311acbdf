package pow

import (
	"strings"
	"unicode"
)

// Plain keeps of a stranger's words what is safe to show: printable characters without those that mean something in
// markup, with single blanks, at most n of them. They are still the stranger's: quote them as such.
func Plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar || strings.ContainsRune("<>&\"'`\\", r):
			return -1
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > n {
		runes = runes[:n]
	}
	return strings.TrimSpace(string(runes))
}
