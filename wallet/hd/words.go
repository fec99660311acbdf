package hd

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

// Language names one of BIP39's word lists.
type Language string

// The nine lists. English is what most wallets read.
const (
	English            Language = "english"
	Japanese           Language = "japanese"
	Korean             Language = "korean"
	Spanish            Language = "spanish"
	ChineseSimplified  Language = "chinese-simplified"
	ChineseTraditional Language = "chinese-traditional"
	French             Language = "french"
	Italian            Language = "italian"
	Czech              Language = "czech"
)

// Languages is every language that has a list, the most common first.
func Languages() []Language {
	return []Language{English, Japanese, Korean, Spanish, ChineseSimplified, ChineseTraditional, French, Italian, Czech}
}

// list is one language's 2,048 words in NFKD, and where each stands.
type list struct {
	words  []string
	plain  []string // without marks, as a hurried person types them
	places map[string]int
}

// lists reads the module's lists directly: its own look-ups go through one list that is set for the whole program.
var lists = sync.OnceValue(func() map[Language]*list {
	all := map[Language]*list{}
	for l, words := range map[Language][]string{
		English: wordlists.English, Japanese: wordlists.Japanese, Korean: wordlists.Korean, Spanish: wordlists.Spanish,
		ChineseSimplified: wordlists.ChineseSimplified, ChineseTraditional: wordlists.ChineseTraditional,
		French: wordlists.French, Italian: wordlists.Italian, Czech: wordlists.Czech,
	} {
		x := &list{places: make(map[string]int, len(words))}
		for i, w := range words {
			w = norm.NFKD.String(w)
			x.words, x.plain = append(x.words, w), append(x.plain, plain(w))
			x.places[w] = i
		}
		all[l] = x
	}
	return all
})

// normal is a word, or several with single spaces, in the form in which seeds are made of it.
func normal(s string) string {
	// A double space or a no-break space would give another seed.
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKD.String(strings.Map(visible, s)))), " ")
}

// visible drops the format characters (zero-width spaces, byte order marks) that come with copied text.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// plain drops the marks of an NFKD word.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
}

// maxWord bounds a word that is looked at, in bytes; the longest of a list has 24.
const maxWord = 64

// Detect is the languages whose lists hold all of the words: none if one is in no list with the others. Without
// words it is all.
func Detect(words ...string) []Language {
	var found []Language
	for _, l := range Languages() {
		if !slices.ContainsFunc(words, func(w string) bool {
			_, ok := lists()[l].places[bounded(w)]
			return !ok
		}) {
			found = append(found, l)
		}
	}
	return found
}

// bounded is the normal form of one word, or "" when it is no single short word.
func bounded(word string) string {
	if len(word) > maxWord {
		return ""
	}
	w := normal(word)
	if strings.Contains(w, " ") {
		return ""
	}
	return w
}

// maxCompletions bounds what Complete gives.
const maxCompletions = 10

// Complete is the words, at most ten, that begin with what was typed, marks and capitals apart, in these languages
// or in all. A whole word is first. With the words before known, Detect tells which languages are left.
func Complete(prefix string, languages ...Language) []string {
	p := plain(bounded(prefix))
	if p == "" {
		return nil
	}
	if len(languages) == 0 {
		languages = Languages()
	}
	var whole, found []string
	for _, l := range languages {
		x := lists()[l]
		if x == nil {
			continue
		}
		for i, w := range x.plain {
			if shown := norm.NFC.String(x.words[i]); w == p && !slices.Contains(whole, shown) {
				whole = append(whole, shown)
			} else if len(found) < maxCompletions && w != p && strings.HasPrefix(w, p) && !slices.Contains(found, shown) {
				found = append(found, shown)
			}
		}
	}
	all := append(whole, found...)
	return all[:min(len(all), maxCompletions)]
}

// Near is a word of these languages, or of all, that may be meant by one that is in none of their lists, or "".
func Near(word string, languages ...Language) string {
	w := bounded(word)
	if w == "" {
		return ""
	}
	if len(languages) == 0 {
		languages = Languages()
	}
	for _, l := range languages {
		if x := lists()[l]; x != nil {
			if n := near(w, x); n != "" {
				return n
			}
		}
	}
	return ""
}

// WordError names a word that is in no list, or not in that of the others.
type WordError struct {
	Position int      // from 1
	Word     string   // as it was normalised
	Near     string   // a word of the list that may be meant, or ""
	Language Language // of the other words
}

// Error is one sentence that a person can act on.
func (e *WordError) Error() string {
	word := norm.NFC.String(e.Word)
	if len(word) > 24 {
		word = strings.ToValidUTF8(word[:24], "") + "…"
	}
	list := "the list"
	if e.Language != English && e.Language != "" {
		list = "the " + string(e.Language) + " list"
	}
	s := fmt.Sprintf("seed words: word %d, %q, is not in %s", e.Position, word, list)
	if e.Near != "" {
		s += fmt.Sprintf("; perhaps %q is meant", e.Near)
	}
	return s
}

// wrong finds the first word that is not in the list that holds most of them.
func wrong(words []string) *WordError {
	var best Language
	most := -1
	for _, l := range Languages() {
		n := 0
		for _, w := range words {
			if _, ok := lists()[l].places[w]; ok {
				n++
			}
		}
		if n > most {
			best, most = l, n
		}
	}
	for i, w := range words {
		if _, ok := lists()[best].places[w]; !ok {
			return &WordError{Position: i + 1, Word: w, Near: near(w, lists()[best]), Language: best}
		}
	}
	return nil
}
