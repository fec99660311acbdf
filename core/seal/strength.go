package seal

import (
	"strings"
	"unicode"
)

// Strength estimates, low rather than high, how many bits a guesser must try to find a passphrase: a word counts
// like one of a dictionary, runs and repetitions count next to nothing. It is no measure of a passphrase that is
// known from elsewhere.
func Strength(passphrase string) float64 {
	bits := 0.0
	seen := map[string]bool{}
	for _, token := range tokens(passphrase) {
		lower := strings.ToLower(token)
		if seen[lower] {
			bits++ // said again
			continue
		}
		seen[lower] = true
		bits += tokenBits([]rune(token))
	}
	return bits
}

// tokens splits at each change between letters, digits and all else.
func tokens(s string) []string {
	class := func(r rune) int {
		switch {
		case unicode.IsLetter(r) || unicode.IsMark(r):
			return 1
		case unicode.IsDigit(r):
			return 2
		}
		return 3
	}
	var list []string
	begin, last := 0, 0
	for i, r := range s {
		if c := class(r); c != last {
			if i > begin {
				list = append(list, s[begin:i])
			}
			begin, last = i, c
		}
	}
	if begin < len(s) {
		list = append(list, s[begin:])
	}
	return list
}

// What everybody tries first, beside runs of neighbours.
const common = " password passwort passwd letmein iloveyou welcome monkey dragon master admin login secret bitcoin litecoin dogecoin wallet goldpan mining " +
	"correct horse battery staple sunshine princess football baseball shadow superman qwerty qwertz azerty asdf asdfgh yxcv zxcv zxcvbn hello abc test love "

func tokenBits(token []rune) float64 {
	lower := []rune(strings.ToLower(string(token)))
	if strings.Contains(common, " "+string(lower)+" ") {
		return 6
	}
	bits, capitals := 0.0, 0.0
	for i, r := range lower {
		each := 5.0 // a sign
		switch {
		case unicode.IsLetter(r) && i < 2:
			each = 4
		case unicode.IsLetter(r):
			each = 2 // as a language's letters go on
		case unicode.IsDigit(r):
			each = 3
		}
		if i > 0 && (r == lower[i-1] || r == lower[i-1]+1 || r == lower[i-1]-1) {
			each = 0.5
		}
		bits += each
		if token[i] != r && i > 0 {
			capitals++
		}
	}
	if unicode.IsLetter(lower[0]) && len(lower) <= 12 {
		bits = min(bits, 12.5) // one of some thousand words
	}
	return bits + min(capitals, 4)
}
