package hd

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"
)

// The whole of test_JP_BIP39.json, bip32JP/bip32JP.github.io, commit 0d1ac71933458f08a56d6ab44dd0f251158cc865, as it
// is published.
func TestJapaneseVectors(t *testing.T) {
	b, err := testdata.ReadFile("testdata/bip39-japanese.json")
	if err != nil {
		t.Fatal(err)
	}
	var v []struct {
		Entropy, Mnemonic, Passphrase, Seed string
		Xprv                                string `json:"bip32_xprv"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v) != 24 {
		t.Fatalf("%d vectors", len(v))
	}
	for i, x := range v {
		entropy, err := hex.DecodeString(x.Entropy)
		if err != nil {
			t.Fatal(err)
		}
		made, err := fromEntropy(Japanese, entropy)
		if err != nil || made.text() != normal(x.Mnemonic) {
			t.Errorf("%d: %v", i, err)
		}
		m, err := ParseMnemonic(x.Mnemonic)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if m.Language() != Japanese {
			t.Errorf("%d: taken for %s", i, m.Language())
		}
		seed := m.Seed(x.Passphrase)
		if hex.EncodeToString(seed) != x.Seed {
			t.Errorf("%d: seed %x", i, seed)
		}
		if master, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams); err != nil || master.String() != x.Xprv {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestEveryLanguage(t *testing.T) {
	entropy := []byte("sixteen bytes!!!")
	for _, l := range Languages() {
		x := lists()[l]
		if len(x.words) != 2048 || len(x.places) != 2048 {
			t.Fatalf("%s: %d words, %d different", l, len(x.words), len(x.places))
		}
		for _, size := range []int{16, 20, 24, 28, 32} {
			m, err := fromEntropy(l, slices.Concat(entropy, entropy)[:size])
			if err != nil || len(m.Words()) != size*3/4 {
				t.Fatalf("%s: %v", l, err)
			}
			for _, text := range []string{strings.Join(m.Words(), " "), strings.Join(m.Words(), "\u3000"), strings.ToUpper(m.text()), norm.NFKC.String(m.text())} {
				again, err := ParseMnemonic(text)
				if err != nil || again.text() != m.text() {
					t.Errorf("%s: %q: %v", l, text, err)
				}
			}
			if l == English {
				if want, err := bip39.NewMnemonic(slices.Concat(entropy, entropy)[:size]); err != nil || want != m.text() {
					t.Errorf("%d bytes: %v", size, err)
				}
			}
			// A changed word is caught by the checksum fifteen times of sixteen and more; the last word holds it.
			words := strings.Fields(m.text())
			bad := 0
			for _, w := range x.words[:64] {
				words[len(words)-1] = w
				if _, err := ParseMnemonic(strings.Join(words, " ")); errors.Is(err, ErrChecksum) {
					bad++
				}
			}
			if bad < 32 {
				t.Errorf("%s: of 64 last words only %d fail the checksum", l, bad)
			}
		}
		m, err := NewMnemonicIn(l, 24)
		if err != nil {
			t.Fatal(err)
		}
		if got := Detect(m.Words()...); !slices.Contains(got, l) {
			t.Errorf("%s is taken for %v", l, got)
		}
	}
	if _, err := NewMnemonicIn("latin", 12); err == nil {
		t.Error("made words of a language without a list")
	}
}

func TestComplete(t *testing.T) {
	for _, x := range []struct {
		prefix string
		in     []Language
		want   []string // that are among the first
	}{
		{"aban", []Language{English}, []string{"abandon"}},
		{"ABAN", nil, []string{"abandon"}},
		{"add", []Language{English}, []string{"add", "addict", "address"}},
		{"ecur", []Language{French}, []string{"écureuil"}},
		{"écur", []Language{French}, []string{"écureuil"}},
		{"あいこ", nil, []string{"あいこくしん"}},
		{"가", []Language{Korean}, []string{"가격"}},
		{"的", []Language{ChineseSimplified, ChineseTraditional}, []string{"的"}},
		{"zzz", nil, nil},
		{"", nil, nil},
		{"a b", nil, nil},
		{strings.Repeat("a", 1000), nil, nil},
	} {
		got := Complete(x.prefix, x.in...)
		if len(got) > maxCompletions || len(got) > 0 && len(x.want) == 0 {
			t.Errorf("%.20q: %v", x.prefix, got)
		}
		for _, w := range x.want {
			if !slices.Contains(got, w) {
				t.Errorf("%q in %v: %v lacks %s", x.prefix, x.in, got, w)
			}
		}
	}
	if got := Complete("add", English); got[0] != "add" {
		t.Errorf("a whole word is not the first: %v", got)
	}
	// Whatever is offered is a word that is taken.
	for _, w := range Complete("a") {
		if len(Detect(w)) == 0 {
			t.Errorf("%q was offered and is in no list", w)
		}
	}
}

func TestWrongWordInItsLanguage(t *testing.T) {
	for _, x := range []struct {
		language  Language
		from, to  string
		near      string
		sayBefore string
	}{
		{French, "", "ecureuil", "écureuil", "french"},
		{Spanish, "", "abaco", "ábaco", "spanish"},
		{Italian, "", "abacco", "abaco", "italian"},
		{Japanese, "", "あいこくしい", "あいこくしん", "japanese"},
	} {
		m, err := fromEntropy(x.language, []byte("sixteen bytes!!!"))
		if err != nil {
			t.Fatal(err)
		}
		words := m.Words()
		words[6] = x.to
		_, err = ParseMnemonic(strings.Join(words, " "))
		var w *WordError
		if !errors.As(err, &w) || w.Position != 7 || w.Near != x.near || w.Language != x.language || !strings.Contains(err.Error(), x.sayBefore) {
			t.Errorf("%s: %v", x.language, err)
		}
	}
}

func TestWipe(t *testing.T) {
	m, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	b := *m.h.words
	other := m
	m.Wipe()
	if len(other.Words()) != 0 || strings.Trim(string(b), "\x00") != "" {
		t.Errorf("%d words are left", len(other.Words()))
	}
	Mnemonic{}.Wipe()
}

func FuzzComplete(f *testing.F) {
	f.Add("ab")
	f.Add("écu")
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range Complete(s) {
			if len(Detect(w)) == 0 {
				t.Fatalf("%q offers %q", s, w)
			}
		}
	})
}
