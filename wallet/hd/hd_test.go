package hd

import (
	"bytes"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
)

// The vectors are embedded: a browser, which runs these tests too, has no files.
//
//go:embed testdata/*.json
var testdata embed.FS

func load(t *testing.T, file string, v any) {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestBIP39Vectors(t *testing.T) {
	var v struct {
		Passphrase string
		English    [][4]string
	}
	load(t, "bip39.json", &v)
	if len(v.English) != 24 {
		t.Fatalf("%d vectors", len(v.English))
	}
	for i, x := range v.English {
		entropy, err := hex.DecodeString(x[0])
		if err != nil {
			t.Fatal(err)
		}
		m, err := fromEntropy(English, entropy)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(m.Words(), " "); got != x[1] {
			t.Errorf("%d: words %q", i, got)
		}
		parsed, err := ParseMnemonic(x[1])
		if err != nil || parsed.text() != m.text() {
			t.Fatalf("%d: %v", i, err)
		}
		seed := parsed.Seed(v.Passphrase)
		if got := hex.EncodeToString(seed); got != x[2] {
			t.Errorf("%d: seed %s", i, got)
		}
		master, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
		if err != nil || master.String() != x[3] {
			t.Errorf("%d: root key %v %v", i, master, err)
		}
	}
}

func TestBIP32Vectors(t *testing.T) {
	var v struct {
		Vectors []struct {
			Seed   string
			Chains []struct{ Path, Xpub, Xprv string }
		}
	}
	load(t, "bip32.json", &v)
	if len(v.Vectors) != 4 {
		t.Fatalf("%d vectors", len(v.Vectors))
	}
	for i, x := range v.Vectors {
		seed, err := hex.DecodeString(x.Seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range x.Chains {
			var path []uint32
			for _, step := range strings.Split(c.Path, "/")[1:] {
				digits, hard := strings.CutSuffix(step, "'")
				n, err := strconv.ParseUint(digits, 10, 31)
				if err != nil {
					t.Fatal(err)
				}
				if hard {
					n = uint64(hardened(uint32(n)))
				}
				path = append(path, uint32(n))
			}
			master, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
			if err != nil {
				t.Fatal(err)
			}
			k, err := derive(master, path...)
			if err != nil {
				t.Fatal(err)
			}
			public, err := k.Neuter()
			if err != nil || k.String() != c.Xprv || public.String() != c.Xpub {
				t.Errorf("vector %d %s: %v %v", i+1, c.Path, public, err)
			}
		}
	}
}

func TestAccountVectors(t *testing.T) {
	var v struct {
		Accounts []struct {
			BIP       int
			Words     string
			Network   coin.Network
			Purpose   uint32
			Xpub      string
			Addresses map[string]string
		}
	}
	load(t, "accounts.json", &v)
	for _, x := range v.Accounts {
		m, err := ParseMnemonic(x.Words)
		if err != nil {
			t.Fatal(err)
		}
		p := cointest.Params(t, "bitcoin", x.Network)
		a, err := NewAccount(m.Seed(""), p, x.Purpose, 0)
		if err != nil {
			t.Fatal(err)
		}
		// The vectors of BIP49 and BIP84 write the same key under the versions of SLIP-132.
		want, err := hdkeychain.NewKeyFromString(x.Xpub)
		if err != nil {
			t.Fatal(err)
		}
		want, err = want.CloneWithVersion(p.Chain.HDPublicKeyID[:])
		if err != nil || a.base.String() != want.String() {
			t.Errorf("BIP%d: account key %s, want %s, %v", x.BIP, a.base, want, err)
		}
		for place, address := range x.Addresses {
			var chain, index uint32
			if _, err := fmt.Sscanf(place, "%d/%d", &chain, &index); err != nil {
				t.Fatal(err)
			}
			got, err := a.Address(chain, index)
			if err != nil || got != address {
				t.Errorf("BIP%d %s: %s, %v", x.BIP, a.Path(chain, index), got, err)
			}
			script, err := a.Script(chain, index)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := p.Script(address); err != nil || !bytes.Equal(script, want) {
				t.Errorf("BIP%d %s: script %x, want %x, %v", x.BIP, place, script, want, err)
			}
		}
	}
}

const twelve = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestEveryNetworkDecodesItsOwn(t *testing.T) {
	m, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range coin.All() {
		for _, n := range []coin.Network{coin.Main, coin.Test, coin.Regtest, coin.Practice} {
			p, err := c.Params(n)
			if err != nil {
				continue
			}
			for _, purpose := range []uint32{44, 49, 84, 86} {
				a, err := NewAccount(m.Seed(""), p, purpose, 0)
				if p.Chain.Bech32HRPSegwit == "" && purpose != 44 {
					if !errors.Is(err, ErrPurpose) {
						t.Errorf("%s %s %d: %v", c.ID, n, purpose, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s %s %d: %v", c.ID, n, purpose, err)
				}
				addr, err := a.Address(Receive, 3)
				if err != nil {
					t.Fatal(err)
				}
				want, err := a.Script(Receive, 3)
				if err != nil {
					t.Fatal(err)
				}
				if script, err := p.Script(addr); err != nil || !bytes.Equal(script, want) {
					t.Errorf("%s %s %d: %s: %v", c.ID, n, purpose, addr, err)
				}
			}
		}
	}
}

func TestAccountRefuses(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Practice)
	seed := make([]byte, 64)
	if _, err := NewAccount(seed, p, 45, 0); !errors.Is(err, ErrPurpose) {
		t.Errorf("purpose 45: %v", err)
	}
	if _, err := NewAccount(seed[:8], p, 84, 0); err == nil {
		t.Error("a seed of 8 bytes was taken")
	}
	a, err := NewAccount(seed, p, 84, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Address(2, 0); err == nil {
		t.Error("chain 2 was derived")
	}
	if _, err := a.Address(0, 1<<31); err == nil {
		t.Error("a hardened index was derived")
	}
	if a.base.IsPrivate() || a.chains[0].IsPrivate() {
		t.Error("a private key was kept")
	}
}

func TestNewMnemonic(t *testing.T) {
	for _, n := range []int{12, 24} {
		a, err := NewMnemonic(n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewMnemonic(n)
		if err != nil || a.text() == b.text() || len(a.Words()) != n {
			t.Fatalf("%d words, same %v, %v", len(a.Words()), a.text() == b.text(), err)
		}
		if again, err := ParseMnemonic(strings.Join(a.Words(), " ")); err != nil || again.text() != a.text() {
			t.Fatalf("does not read back: %v", err)
		}
	}
	for _, n := range []int{0, 11, 15, 48} {
		if _, err := NewMnemonic(n); err == nil {
			t.Errorf("made %d words", n)
		}
	}
}

// Each of these would have given another wallet, or an error, in go-bip39 itself.
func TestParseMnemonicNormalises(t *testing.T) {
	want, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"  " + twelve + "\r\n",
		strings.ReplaceAll(twelve, " ", "  "),
		strings.ReplaceAll(twelve, " ", "\u00a0"),
		strings.ReplaceAll(twelve, " ", "\u3000"),
		strings.ReplaceAll(twelve, " ", "\n\t"),
		strings.ReplaceAll(twelve, " ", " \u200b"),
		strings.ToUpper(twelve),
		"\ufeff" + strings.ToTitle(twelve),
		strings.Map(func(r rune) rune { // full-width letters
			if r >= 'a' && r <= 'z' {
				return r - 'a' + 'ａ'
			}
			return r
		}, twelve),
	} {
		got, err := ParseMnemonic(s)
		if err != nil || got.text() != want.text() {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestPassphraseNormalisation(t *testing.T) {
	m, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Seed("caf\u00e9"), m.Seed("cafe\u0301")) {
		t.Error("two forms of one passphrase give two seeds")
	}
	for _, other := range []string{"Pass word", "pass  word", " pass word", "password", ""} {
		if bytes.Equal(m.Seed("pass word"), m.Seed(other)) {
			t.Errorf("passphrase %q counts as another", other)
		}
	}
}

func TestParseMnemonicErrors(t *testing.T) {
	replace := func(i int, w string) string {
		words := strings.Fields(twelve)
		words[i] = w
		return strings.Join(words, " ")
	}
	for _, tt := range []struct {
		in   string
		at   int
		near string
	}{
		{replace(11, "abuot"), 12, "about"},
		{replace(0, "abandonned"), 1, "abandon"},
		{replace(4, "letr"), 5, "letter"}, // "lett" is not its beginning, two edits away
		{replace(2, "zzzzzzzz"), 3, ""},
		{replace(3, "1."), 4, ""},
		{replace(3, "\xff\xfe"), 4, ""},
	} {
		_, err := ParseMnemonic(tt.in)
		var w *WordError
		if !errors.As(err, &w) || w.Position != tt.at {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		if tt.in != replace(3, "1.") && tt.in != replace(3, "\xff\xfe") && w.Near != tt.near {
			t.Errorf("%q: near %q, want %q", tt.in, w.Near, tt.near)
		}
	}
	if _, err := ParseMnemonic(replace(11, "abandon")); !errors.Is(err, ErrChecksum) {
		t.Errorf("bad checksum: %v", err)
	}
	for _, in := range []string{"", "abandon", twelve + " about", strings.Repeat(twelve+" ", 3), strings.Repeat(" ", maxMnemonic+1)} {
		if _, err := ParseMnemonic(in); !errors.Is(err, ErrLength) {
			t.Errorf("%.40q…: %v", in, err)
		}
	}
}

func TestMnemonicHides(t *testing.T) {
	m, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	type outer struct{ M Mnemonic }
	type inner struct{ m Mnemonic }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%z"} {
		for _, v := range []any{m, &m, outer{m}, &outer{m}, inner{m}, &inner{m}, []Mnemonic{m}} {
			s := fmt.Sprintf(verb, v)
			if strings.Contains(s, "abandon") || strings.Contains(strings.ToLower(s), hex.EncodeToString([]byte("abandon"))) {
				t.Errorf("%s of %T shows the words", verb, v)
			}
		}
	}
	if b, err := json.Marshal(struct{ M Mnemonic }{m}); err == nil {
		t.Errorf("written as JSON: %s", b)
	}
}

func FuzzParseMnemonic(f *testing.F) {
	f.Add(twelve)
	f.Add(strings.ToUpper(twelve) + "\u00a0")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMnemonic(s)
		if err != nil {
			var w *WordError
			if !errors.Is(err, ErrLength) && !errors.Is(err, ErrChecksum) && !errors.As(err, &w) {
				t.Fatal(err)
			}
			if len(err.Error()) > 300 {
				t.Fatalf("long error: %s", err)
			}
			return
		}
		again, err := ParseMnemonic(strings.Join(m.Words(), " "))
		if err != nil || again.text() != m.text() {
			t.Fatalf("does not read back: %v", err)
		}
	})
}
