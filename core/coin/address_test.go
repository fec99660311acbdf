package coin

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/txscript/v2"
)

// Addresses from BIP 173, BIP 84, BIP 350 and the genesis block's coinbase.
func TestPublishedAddresses(t *testing.T) {
	for _, c := range []struct {
		coin, addr, script string
		network            Network
	}{
		{"bitcoin", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6", Main},
		{"bitcoin", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", Test},
		{"bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Main},
		{"bitcoin", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "0014c0cebcd6c3d3ca8c75dc5ec62ebe55330ef910e2", Main},
		{"bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", Main},
	} {
		p := params(t, c.coin, c.network)
		script, err := p.Script(c.addr)
		if err != nil || hex.EncodeToString(script) != c.script {
			t.Errorf("%s: %x, %v; want %s", c.addr, script, err, c.script)
		}
		for _, coin := range All() {
			for _, n := range []Network{Main, Test, Regtest, Practice} {
				other, err := coin.Params(n)
				if err != nil || other == p {
					continue
				}
				var elsewhere *ElsewhereError
				if _, err := other.Script(c.addr); !errors.Is(err, ErrWrongNetwork) || !errors.As(err, &elsewhere) || elsewhere.Looks[0] != p {
					t.Errorf("%s on %s %s: %v", c.addr, coin.ID, n, err)
				}
			}
		}
	}
}

// Prefixes that networks share make an address readable on each of them: on the
// node's own networks it must be, on others it may be, and never on those with
// prefixes of their own.
func TestPublishedKeyTests(t *testing.T) {
	var file struct {
		Addresses []struct{ Coin, Network, Address, Script, Shared string }
		Keys      []struct{ Coin, Network, Key string }
	}
	b, err := os.ReadFile("testdata/addresses.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Addresses) == 0 || len(file.Keys) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Addresses {
		own := params(t, v.Coin, Network(v.Network))
		for _, c := range All() {
			for _, n := range []Network{Main, Test, Regtest, Practice} {
				p, err := c.Params(n)
				if err != nil {
					continue
				}
				script, err := p.Script(v.Address)
				name := v.Coin + " " + v.Network + " " + v.Address + " on " + c.ID + " " + string(n)
				switch shared := slices.Contains(strings.Fields(v.Shared), c.ID+"-"+string(n)); {
				case p == own || shared:
					if err != nil || hex.EncodeToString(script) != v.Script {
						t.Errorf("%s: %x, %v; want %s", name, script, err, v.Script)
					}
				case errors.Is(err, ErrAmbiguous):
					// Litecoin's older form, which Bitcoin and Dogecoin use: it says the
					// same in its own.
					var a *AmbiguousError
					if !errors.As(err, &a) || c.ID != "litecoin" || hex.EncodeToString(a.Means.Script) != v.Script {
						t.Errorf("%s: %v", name, err)
					} else if again, err := p.Script(a.Means.Text); err != nil || hex.EncodeToString(again) != v.Script {
						t.Errorf("%s: written as %s: %x, %v", name, a.Means.Text, again, err)
					}
				case !errors.Is(err, ErrWrongNetwork):
					t.Errorf("%s: %x, %v", name, script, err)
				}
			}
		}
	}
	for _, v := range file.Keys {
		p := params(t, v.Coin, Network(v.Network))
		if _, err := p.Script(v.Key); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("a private key of %s %s was taken for an address: %v", v.Coin, v.Network, err)
		}
		b, version, err := base58.CheckDecode(v.Key)
		if err != nil || version != p.Chain.PrivateKeyID || len(b) < 32 {
			t.Errorf("%s %s: private keys begin with %#x, not %#x, %v", v.Coin, v.Network, version, p.Chain.PrivateKeyID, err)
		}
	}
}

func TestNotAnAddress(t *testing.T) {
	key := "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, s := range []string{
		"", " ", "hello", key, strings.Repeat("1", 5000),
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",       // last letter changed
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7\nkv8f3t4",     // pasted with a line break
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",               // last letter changed
		"bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",            // BIP 173, withdrawn by BIP 350
		"ltcmweb1qqbadbadbadbadbadbadbadbadbadbadbadbadba", // no mimblewimble address
	} {
		for _, id := range []string{"bitcoin", "litecoin", "dogecoin"} {
			if _, err := params(t, id, Main).Script(s); err == nil {
				t.Errorf("%s took %q", id, s)
			}
		}
	}
}

func read(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// The vectors of BIP 173, BIP 350 and Litecoin Core. Addresses of versions that
// have no rules yet are good by BIP 350, and are recognised and refused.
func TestSegwitVectors(t *testing.T) {
	type vector struct{ Network, Address, Script, Why string }
	var file struct {
		Valid, Invalid, Invalid173 []vector
		Litecoin                   struct {
			Valid         []vector
			Keys, Invalid []string
		}
	}
	read(t, "segwit.json", &file)
	if len(file.Valid) != 8 || len(file.Invalid) != 15 || len(file.Litecoin.Valid) < 40 {
		t.Fatal("vectors are missing")
	}
	good := func(p *Params, v vector) {
		t.Helper()
		a, err := p.ParseAddress(v.Address)
		// No rules: a version above 1, or 1 of another length than Taproot's.
		if version := v.Script[:2]; version >= "52" && version <= "60" || version == "51" && len(v.Script) != 68 {
			if !errors.Is(err, ErrVersion) {
				t.Errorf("%s: %v", v.Address, err)
			}
			return
		}
		if err != nil || hex.EncodeToString(a.Script) != v.Script || a.Text != v.Address && a.Text != strings.ToLower(v.Address) {
			t.Errorf("%s: %+v, %v; want %s", v.Address, a, err, v.Script)
		}
	}
	for _, v := range file.Valid {
		n := Main
		if strings.HasPrefix(v.Address, "tb1") {
			n = Test
		}
		good(params(t, "bitcoin", n), v)
	}
	for _, v := range slices.Concat(file.Invalid, file.Invalid173) {
		for _, p := range shelf().all() {
			if a, err := p.ParseAddress(v.Address); !errors.Is(err, ErrBadAddress) {
				t.Errorf("%s on %s (%s): %+v, %v", v.Address, p.Chain.Name, v.Why, a, err)
			}
		}
		_, err := params(t, "bitcoin", Main).ParseAddress(v.Address)
		switch why := strings.ToLower(v.Why); {
		case strings.Contains(why, "human-readable"): // no network of ours
		case strings.Contains(why, "mixed case") && !errors.Is(err, ErrMixedCase),
			strings.Contains(why, "checksum") && !errors.Is(err, ErrChecksum):
			t.Errorf("%s (%s): %v", v.Address, v.Why, err)
		}
	}
	for _, v := range file.Litecoin.Valid {
		good(params(t, "litecoin", Network(v.Network)), v)
	}
	for _, s := range file.Litecoin.Keys {
		if _, err := params(t, "litecoin", Main).ParseAddress(s); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("a private key: %v", err)
		}
	}
	for _, s := range file.Litecoin.Invalid {
		for _, n := range []Network{Main, Test, Regtest} {
			if a, err := params(t, "litecoin", n).ParseAddress(s); err == nil {
				t.Errorf("%s on %s: %+v", s, n, a)
			}
		}
	}
}

// Every refusal has its own sentence.
func TestRefusals(t *testing.T) {
	const good = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
	for name, c := range map[string]struct {
		coin, text string
		want       error
		says       string
	}{
		"line break":          {"bitcoin", good[:20] + "\n" + good[20:], ErrHidden, "a line break after character 20"},
		"windows' break":      {"bitcoin", good + "\r\n", ErrHidden, "a line break after character 42"},
		"blank before":        {"bitcoin", " " + good, ErrHidden, "a blank at its start"},
		"no-break space":      {"bitcoin", good[:4] + "\u00a0" + good[4:], ErrHidden, "a blank of a special kind after character 4"},
		"zero width":          {"bitcoin", good[:7] + "\u200b" + good[7:], ErrHidden, "an invisible character after character 7"},
		"byte order mark":     {"bitcoin", "\ufeff" + good, ErrHidden, "an invisible character at its start"},
		"right to left":       {"bitcoin", "\u202e" + good, ErrHidden, "an invisible character"},
		"soft hyphen":         {"bitcoin", good[:5] + "\u00ad" + good[5:], ErrHidden, "an invisible character"},
		"tab":                 {"bitcoin", good + "\t", ErrHidden, "a tab"},
		"a Cyrillic с":        {"bitcoin", "b\u0441" + good[2:], ErrHidden, "a letter of another alphabet after character 1"},
		"no text":             {"bitcoin", "bc1\xff", ErrHidden, "cannot be shown"},
		"a link":              {"bitcoin", "bitcoin:" + good + "?amount=1", ErrLink, "payment link"},
		"a web page":          {"bitcoin", "https://mempool.space/address/" + good, ErrLink, "payment link"},
		"a key":               {"bitcoin", "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", ErrPublicKey, "public key"},
		"a long key":          {"bitcoin", "04" + strings.Repeat("Ab", 64), ErrPublicKey, "public key"},
		"a private key":       {"dogecoin", "QP5rQxpaP8HHPEdCEqxTjiHGWRvsyPvzZJeJ9BCxpfT13FN9VesQ", ErrPrivateKey, "nobody else may ever see"},
		"another coin's":      {"bitcoin", "6vqpCruyRS9bEY6ZVrL8S9EL5h2MnQZffzzqrpNP9i8YozvXTKs", ErrPrivateKey, "nobody else may ever see"},
		"an extended key":     {"bitcoin", "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8", ErrExtended, "extended key"},
		"words":               {"bitcoin", "abandon abandon abandon abandon abandon about", ErrWords, "words of a wallet"},
		"extension blocks":    {"litecoin", "ltcmweb1qqw27tk8ctwqm2amtmjhppl8gnaay2rlxmht03kwsfkcyn4f5ryq57qnvg2c3n8hj2l5d5hn0l7v3ey8j7xkzzs0c6gc5vy3skyy5ezs6yvsuf5r", ErrMWEB, "ltc1, L or M"},
		"for another coin":    {"dogecoin", "ltcmweb1qqbad", ErrMWEB, "extension blocks"},
		"a letter changed":    {"bitcoin", good[:40] + "yy", ErrChecksum, "a letter is wrong"},
		"letters swapped":     {"bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfaN", ErrChecksum, "a letter is wrong"},
		"the other letters":   {"bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", ErrChecksum, "another kind of address"},
		"mixed case":          {"bitcoin", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyU", ErrMixedCase, "capital and small"},
		"pay to anchor":       {"bitcoin", "bc1pfeessrawgf", ErrVersion, "no rules"},
		"another coin":        {"litecoin", good, ErrWrongNetwork, "belongs to Bitcoin, and one of Litecoin is wanted"},
		"an old one":          {"dogecoin", "LT2KVaAy1ppRuxRgrS5RNU3vBsy7RibPeA", ErrWrongNetwork, "belongs to Litecoin, and"},
		"a test coin":         {"bitcoin", "mwXn5Vhicdav8Av3KMokx4YNuHoGRKxtWs", ErrWrongNetwork, "belongs to a test network, and one of Bitcoin is wanted"},
		"nobody's":            {"bitcoin", base58.CheckEncode(make([]byte, 20), 200), ErrBadAddress, "no coin that Goldpan knows"},
		"Litecoin or Bitcoin": {"litecoin", "3MSvaVbVFFLML86rt5eqgA9SvW23upaXdY", ErrAmbiguous, "written like one of Bitcoin; if it is yours here, write it as MTf4tP1TCNBn8dNkyxeBVoPrFCcVzxJvvh"},
	} {
		a, err := params(t, c.coin, Main).ParseAddress(c.text)
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || a.Script != nil {
			t.Errorf("%s: %+v, %v; want %v: %s", name, a, err, c.want, c.says)
			continue
		}
		if bad := errors.Is(err, ErrBadAddress); bad == (c.want == ErrWrongNetwork || c.want == ErrAmbiguous) {
			t.Errorf("%s is a bad address: %v", name, bad)
		}
		if strings.ContainsAny(err.Error(), "\n\r\t\u200b\u202e") {
			t.Errorf("%s: the message repeats what it warns of: %q", name, err)
		}
	}
}

// Pairs of one script in both forms, as the tests of several public wallets have
// them.
func TestBothFormsOfLitecoin(t *testing.T) {
	for older, c := range map[string]struct {
		network Network
		newer   string
		also    []string
	}{
		"3MSvaVbVFFLML86rt5eqgA9SvW23upaXdY":  {Main, "MTf4tP1TCNBn8dNkyxeBVoPrFCcVzxJvvh", []string{"bitcoin"}},
		"2N2PJEucf6QY2kNFuJ4chQEBoyZWszRQE16": {Test, "QVk4MvUu7Wb7tZ1wvAeiUvdF7wxhvpyLLK", []string{"bitcoin", "bitcoin", "dogecoin", "dogecoin"}},
	} {
		p := params(t, "litecoin", c.network)
		want, err := p.ParseAddress(c.newer)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.ParseAddress(older)
		var a *AmbiguousError
		if !errors.As(err, &a) || a.Means.Text != c.newer || string(a.Means.Script) != string(want.Script) || a.Means.Kind != ScriptHash {
			t.Errorf("%s: %v", older, err)
			continue
		}
		var also []string
		for _, q := range a.Also {
			also = append(also, q.Coin.ID)
		}
		if !slices.Equal(also, c.also) {
			t.Errorf("%s: also of %v", older, also)
		}
		// For Bitcoin it is simply its own.
		if b, err := params(t, "bitcoin", c.network).ParseAddress(older); err != nil || string(b.Script) != string(want.Script) {
			t.Errorf("%s of bitcoin: %+v, %v", older, b, err)
		}
		if _, err := params(t, "bitcoin", c.network).ParseAddress(c.newer); !errors.Is(err, ErrWrongNetwork) {
			t.Errorf("%s of bitcoin: %v", c.newer, err)
		}
	}
}

// What is left without the hidden characters is offered, and is the address.
func TestHiddenOffersTheRest(t *testing.T) {
	const good = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
	p := params(t, "bitcoin", Main)
	_, err := p.ParseAddress("\ufeff" + good[:10] + " \r\n" + good[10:] + "\n")
	var h *HiddenError
	if !errors.As(err, &h) || h.Clean != good {
		t.Fatalf("%v", err)
	}
	if a, err := p.ParseAddress(h.Clean); err != nil || a.Kind != WitnessPubKeyHash {
		t.Errorf("%+v, %v", a, err)
	}
}

// Each kind, against btcd's own reading of the same address.
func TestKindsAsTheLibrary(t *testing.T) {
	for text, kind := range map[string]Kind{
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":                             PubKeyHash,
		"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy":                             ScriptHash,
		"bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu":                     WitnessPubKeyHash,
		"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3": WitnessScriptHash,
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": Taproot,
	} {
		p := params(t, "bitcoin", Main)
		a, err := p.ParseAddress(text)
		if err != nil || a.Kind != kind || a.Text != text {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
		theirs, err := address.DecodeAddress(text, p.Chain)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := txscript.PayToAddrScript(theirs); err != nil || string(want) != string(a.Script) {
			t.Errorf("%s: %x, %v", text, want, err)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")
	f.Add("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	f.Add("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy")
	f.Add("ltcmweb1qq")
	f.Add("tltc1pcdvmgxjvz4glnvxfufqt7qgcz94dxqa8t838upq4ajqf2r6f7dastfdk7r")
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range shelf().all() {
			a, err := p.ParseAddress(s)
			var unclear *AmbiguousError
			if errors.As(err, &unclear) {
				a, err = unclear.Means, nil
			}
			if err != nil {
				if !errors.Is(err, ErrBadAddress) && !errors.Is(err, ErrWrongNetwork) {
					t.Fatalf("%q: %v", s, err)
				}
				continue
			}
			again, err := p.ParseAddress(a.Text)
			if err != nil || again.Text != a.Text || string(again.Script) != string(a.Script) || again.Kind != a.Kind {
				t.Fatalf("%q reads as %+v, which reads as %+v, %v", s, a, again, err)
			}
			// The library agrees where it can read the same.
			theirs, err := address.DecodeAddress(a.Text, p.Chain)
			if err != nil {
				t.Fatalf("%q: btcd refuses it: %v", a.Text, err)
			}
			if want, err := txscript.PayToAddrScript(theirs); err != nil || string(want) != string(a.Script) {
				t.Fatalf("%q: %x, and btcd says %x, %v", a.Text, a.Script, want, err)
			}
		}
	})
}
