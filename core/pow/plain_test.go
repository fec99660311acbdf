package pow

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for words, want := range map[string]string{
		"low difficulty share":                 "low difficulty share",
		" two\n lines\t\r\u2028 and blanks ":   "two lines and blanks",
		"<b onclick='x'>bold</b> & `code` \\n": "b onclick=xbold/b code n",
		"\x1b[31mred\a":                        "[31mred",
		"right\u202eto\u2066left\u200b":        "righttoleft",
		"\xff\xfe broken \ufffd":               "broken",
		"\u00a0wide\u3000blank":                "wide blank",
		"Schürfer 矿工":                          "Schürfer 矿工",
		"":                                     "",
	} {
		if got := Plain(words, 100); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
	if got := Plain("äöü ß", 4); got != "äöü" {
		t.Errorf("cut at four characters: %q", got)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a <b> c", 3)
	f.Add("\x1b]0;title\a", 10)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, min(n, 1000))
		got := Plain(s, n)
		if utf8.RuneCountInString(got) > n || strings.ContainsAny(got, "<>&\"'`\\\n\r\t") || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", got)
		}
		if again := Plain(got, n); again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}
