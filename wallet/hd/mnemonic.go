package hd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrLength says that there are not 12, 15, 18, 21 or 24 words.
	ErrLength = errors.New("seed words: there must be 12, 15, 18, 21 or 24 of them")
	// ErrChecksum says that each word is known but that together they are no seed: words are swapped, or one
	// stands for another.
	ErrChecksum = errors.New("seed words: each is known, but one of them is wrong or in the wrong place")
)

// WordError names a word that is in no English BIP39 list.
type WordError struct {
	Position int    // from 1
	Word     string // as it was normalised
	Near     string // a word of the list that may be meant, or ""
}

// Error is one sentence that a person can act on.
func (e *WordError) Error() string {
	word := e.Word
	if len(word) > 24 {
		word = strings.ToValidUTF8(word[:24], "") + "…"
	}
	s := fmt.Sprintf("seed words: word %d, %q, is not in the list", e.Position, word)
	if e.Near != "" {
		s += fmt.Sprintf("; perhaps %q is meant", e.Near)
	}
	return s
}

// maxMnemonic bounds what is normalised, in bytes: 24 words of 8 letters, and generous space around them.
const maxMnemonic = 4 << 10

// Mnemonic is a checked list of seed words in English. The zero value holds none. Whoever has the words has the
// coins, so it prints as a placeholder, also inside other structs and for every verb; Words gives them. It is not
// compared with ==.
type Mnemonic struct {
	_ [0]func()
	// Two pointers away: fmt prints an unexported field of another type's struct by reflection, without calling
	// methods. It then shows an address, but for a wrong verb it follows one pointer.
	h *holder
}

type holder struct{ words *string }

func newMnemonic(words string) Mnemonic { return Mnemonic{h: &holder{&words}} }

func (m Mnemonic) text() string {
	if m.h == nil {
		return ""
	}
	return *m.h.words
}

// NewMnemonic makes 12 or 24 new words from the system's random source.
func NewMnemonic(words int) (Mnemonic, error) {
	if words != 12 && words != 24 {
		return Mnemonic{}, fmt.Errorf("seed words: %d cannot be made, only 12 or 24", words)
	}
	entropy := make([]byte, words*4/3)
	rand.Read(entropy) // never fails: crypto/rand ends the program instead
	defer clear(entropy)
	return fromEntropy(entropy)
}

func fromEntropy(entropy []byte) (Mnemonic, error) {
	s, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return Mnemonic{}, fmt.Errorf("seed words: %w", err)
	}
	return newMnemonic(s), nil
}

// ParseMnemonic reads seed words as people write or paste them: any white space between them, any case, any
// Unicode form. The error is ErrLength, a *WordError or ErrChecksum.
func ParseMnemonic(s string) (Mnemonic, error) {
	if len(s) > maxMnemonic {
		return Mnemonic{}, ErrLength
	}
	// go-bip39 would derive another wallet from a double space or a no-break space, without an error.
	words := strings.Fields(strings.ToLower(norm.NFKD.String(strings.Map(visible, s))))
	if len(words) < 12 || len(words) > 24 || len(words)%3 != 0 {
		return Mnemonic{}, ErrLength
	}
	for i, w := range words {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return Mnemonic{}, &WordError{Position: i + 1, Word: w, Near: near(w)}
		}
	}
	joined := strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(joined); err != nil {
		return Mnemonic{}, ErrChecksum
	}
	return newMnemonic(joined), nil
}

// visible drops the format characters (zero-width spaces, byte order marks) that come with copied text.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// near is the word of the list that has the same first four letters, which are enough to tell every word apart, or
// else the one within two edits, of several the one that begins most alike, or "".
func near(word string) string {
	if len(word) > 32 || !utf8.ValidString(word) {
		return ""
	}
	best, least, alike := "", 3, 0
	for _, w := range bip39.GetWordList() {
		if len(word) >= 4 && len(w) >= 4 && w[:4] == word[:4] {
			return w
		}
		d, same := distance(word, w), common(word, w)
		if d < least || d == least && d < 3 && same > alike {
			best, least, alike = w, d, same
		}
	}
	return best
}

// common counts the bytes with which both begin.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the letters to insert, drop, replace or swap with their neighbour to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// Words are the words, in order.
func (m Mnemonic) Words() []string { return strings.Fields(m.text()) }

// Seed is the 64-byte BIP39 seed. The passphrase is BIP39's own ("the 25th word"), not one that seals a file; any
// passphrase gives a valid, different wallet. It is normalised to NFKD; its case and spaces count.
func (m Mnemonic) Seed(passphrase string) []byte {
	return bip39.NewSeed(m.text(), norm.NFKD.String(passphrase))
}

// Format hides the words from logs, whatever the verb.
func (Mnemonic) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(seed words)") }

// String hides the words from logs.
func (Mnemonic) String() string { return "(seed words)" }

// MarshalJSON refuses: words are not written by accident.
func (Mnemonic) MarshalJSON() ([]byte, error) {
	return nil, errors.New("seed words are not written as JSON")
}
