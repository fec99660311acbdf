package hd

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

// maxMnemonic bounds what is normalised, in bytes: 24 words, and generous space around them.
const maxMnemonic = 4 << 10

// Mnemonic is a checked list of seed words. The zero value holds none. Whoever has the words has the coins, so it
// prints as a placeholder, also inside other structs and for every verb; Words gives them. It is not compared with
// ==.
type Mnemonic struct {
	_ [0]func()
	// Two pointers away: fmt prints an unexported field of another type's struct by reflection, without calling
	// methods. It then shows an address, but for a wrong verb it follows one pointer.
	h *holder
}

type holder struct{ words *[]byte } // in NFKD, with single spaces

func newMnemonic(words string) Mnemonic {
	b := []byte(words)
	return Mnemonic{h: &holder{&b}}
}

func (m Mnemonic) text() string {
	if m.h == nil {
		return ""
	}
	return string(*m.h.words)
}

// Wipe overwrites the words in memory, as far as Go lets it: what was made of them before is not reached. The
// Mnemonic, and every copy of it, holds none then.
func (m Mnemonic) Wipe() {
	if m.h != nil {
		clear(*m.h.words)
		*m.h.words = nil
	}
}

// NewMnemonic makes 12 or 24 new English words from the system's random source.
func NewMnemonic(words int) (Mnemonic, error) { return NewMnemonicIn(English, words) }

// NewMnemonicIn is NewMnemonic in another language. Few wallets read any but English words.
func NewMnemonicIn(l Language, words int) (Mnemonic, error) {
	if words != 12 && words != 24 {
		return Mnemonic{}, fmt.Errorf("seed words: %d cannot be made, only 12 or 24", words)
	}
	entropy := make([]byte, words*4/3)
	rand.Read(entropy) // never fails: crypto/rand ends the program instead
	defer clear(entropy)
	return fromEntropy(l, entropy)
}

// fromEntropy writes 16 to 32 bytes, and their checksum, as words: eleven bits a word.
func fromEntropy(l Language, entropy []byte) (Mnemonic, error) {
	x := lists()[l]
	if x == nil {
		return Mnemonic{}, fmt.Errorf("seed words: there is no list of that language; choose one of %v", Languages())
	}
	if len(entropy) < 16 || len(entropy) > 32 || len(entropy)%4 != 0 {
		return Mnemonic{}, ErrLength
	}
	sum := sha256.Sum256(entropy)
	bits := append(slices.Clone(entropy), sum[0])
	defer clear(bits)
	words := make([]string, len(entropy)*3/4)
	for i := range words {
		n := 0
		for at := 11 * i; at < 11*(i+1); at++ {
			n = n<<1 | int(bits[at/8]>>(7-at%8)&1)
		}
		words[i] = x.words[n]
	}
	return newMnemonic(strings.Join(words, " ")), nil
}

// ParseMnemonic reads seed words of any list as people write or paste them: any white space between them, any case,
// any Unicode form. The error is ErrLength, a *WordError or ErrChecksum.
func ParseMnemonic(s string) (Mnemonic, error) {
	if len(s) > maxMnemonic {
		return Mnemonic{}, ErrLength
	}
	joined := normal(s)
	words := strings.Fields(joined)
	if len(words) < 12 || len(words) > 24 || len(words)%3 != 0 {
		return Mnemonic{}, ErrLength
	}
	languages := Detect(words...)
	if len(languages) == 0 {
		return Mnemonic{}, wrong(words)
	}
	// The seed is made of the text alone: which of two lists with the same words was meant does not matter.
	if !slices.ContainsFunc(languages, func(l Language) bool { return lists()[l].checks(words) }) {
		return Mnemonic{}, ErrChecksum
	}
	return newMnemonic(joined), nil
}

// checks tells whether the words, all of the list, end in their checksum.
func (x *list) checks(words []string) bool {
	bits := make([]byte, (11*len(words)+7)/8)
	defer clear(bits)
	for i, w := range words {
		n := x.places[w]
		for j := range 11 {
			at := 11*i + j
			bits[at/8] |= byte(n>>(10-j)&1) << (7 - at%8)
		}
	}
	size := len(words) * 4 / 3 // of the entropy, in bytes; a checksum bit for each four
	sum := sha256.Sum256(bits[:size])
	return (bits[size]^sum[0])>>(8-size/4) == 0
}

// Language is the list that the words are of; of two that hold them all, the first of Languages whose checksum
// fits.
func (m Mnemonic) Language() Language {
	words := strings.Fields(m.text())
	for _, l := range Detect(words...) {
		if len(words) > 0 && lists()[l].checks(words) {
			return l
		}
	}
	return ""
}

// near is the word of the list that has the same first four letters, which are enough to tell every word apart, or
// else the one within two edits, of several the one that begins most alike, or "".
func near(word string, x *list) string {
	if len(word) > maxWord || !utf8.ValidString(word) {
		return ""
	}
	best, least, alike := "", 3, 0
	letters := []rune(plain(word))
	for i, w := range x.words {
		if begin := []rune(x.plain[i]); len(letters) >= 4 && len(begin) >= 4 && string(begin[:4]) == string(letters[:4]) {
			return norm.NFC.String(w)
		}
		d, same := distance(word, w), common(word, w)
		if d < least || d == least && d < 3 && same > alike {
			best, least, alike = w, d, same
		}
	}
	return norm.NFC.String(best)
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

// Words are the words, in order, as people write them (NFC).
func (m Mnemonic) Words() []string { return strings.Fields(norm.NFC.String(m.text())) }

// Is tells whether the word at a position, from 1, is the one that a person wrote, in any case and Unicode form.
func (m Mnemonic) Is(position int, word string) bool {
	words := strings.Fields(m.text())
	return position > 0 && position <= len(words) && bounded(word) == words[position-1]
}

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
