package coin

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"

	"goldpan/core/hasher"
)

func params(t testing.TB, id string, n Network) *Params {
	t.Helper()
	c, err := ByID(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Params(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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
				if _, err := other.Script(c.addr); !errors.Is(err, ErrWrongNetwork) {
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
				case !errors.Is(err, ErrWrongNetwork):
					t.Errorf("%s: %x, %v", name, script, err)
				}
			}
		}
	}
	for _, v := range file.Keys {
		p := params(t, v.Coin, Network(v.Network))
		if _, err := p.Script(v.Key); !errors.Is(err, ErrBadAddress) {
			t.Errorf("a private key of %s %s was taken for an address: %v", v.Coin, v.Network, err)
		}
		b, version, err := base58.CheckDecode(v.Key)
		if err != nil || version != p.Chain.PrivateKeyID || len(b) < 32 {
			t.Errorf("%s %s: private keys begin with %#x, not %#x, %v", v.Coin, v.Network, version, p.Chain.PrivateKeyID, err)
		}
	}
}

// Source: chainparams.cpp of Litecoin Core 0.21 and Dogecoin Core 1.14, and for
// the coin types SLIP-44.
func TestNodesParameters(t *testing.T) {
	for _, c := range []struct {
		coin            string
		network         Network
		public, private string
		coinType        uint32
		maturity        int
		purpose         uint32
	}{
		{"bitcoin", Main, "0488b21e", "0488ade4", 0, 100, 84},
		{"bitcoin", Test, "043587cf", "04358394", 1, 100, 84},
		{"litecoin", Main, "0488b21e", "0488ade4", 2, 100, 84},
		{"litecoin", Test, "043587cf", "04358394", 1, 100, 84},
		{"litecoin", Regtest, "043587cf", "04358394", 1, 100, 84},
		{"dogecoin", Main, "02facafd", "02fac398", 3, 240, 44},
		{"dogecoin", Test, "043587cf", "04358394", 1, 240, 44},
		{"dogecoin", Regtest, "043587cf", "04358394", 1, 240, 44},
	} {
		p := params(t, c.coin, c.network)
		if got := hex.EncodeToString(p.Chain.HDPublicKeyID[:]); got != c.public {
			t.Errorf("%s %s: public keys %s, want %s", c.coin, c.network, got, c.public)
		}
		if got := hex.EncodeToString(p.Chain.HDPrivateKeyID[:]); got != c.private {
			t.Errorf("%s %s: private keys %s, want %s", c.coin, c.network, got, c.private)
		}
		if p.CoinType != c.coinType || p.Maturity != c.maturity || p.Purpose != c.purpose {
			t.Errorf("%s %s: coin type %d, maturity %d, purpose %d", c.coin, c.network, p.CoinType, p.Maturity, p.Purpose)
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

func TestPractice(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		c := ForPractice(a)
		p, err := c.Params(Practice)
		if err != nil || p.Algorithm != a || p.CoinType != 1 || p.Maturity != PracticeMaturity {
			t.Errorf("%s: %+v, %v", a, p, err)
		}
	}
	if _, err := dogecoin.Params(Practice); !errors.Is(err, ErrNetwork) {
		t.Errorf("dogecoin practice: %v", err)
	}
	if _, err := ByID("ethereum"); !errors.Is(err, ErrCoin) {
		t.Errorf("ethereum: %v", err)
	}
}

func TestAmount(t *testing.T) {
	for a, want := range map[Amount]string{
		0: "0.00000000", 1: "0.00000001", -1: "-0.00000001", 50 * Unit: "50.00000000", 123456789: "1.23456789",
		math.MinInt64: "-92233720368.54775808",
	} {
		if a.String() != want {
			t.Errorf("%d: %s, want %s", int64(a), a, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")
	f.Add("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range All() {
			for _, n := range []Network{Main, Test, Regtest, Practice} {
				p, err := c.Params(n)
				if err != nil {
					continue
				}
				a, err := p.DecodeAddress(s)
				if err != nil {
					continue
				}
				again, err := p.DecodeAddress(a.EncodeAddress())
				if err != nil || again.EncodeAddress() != a.EncodeAddress() {
					t.Fatalf("%q reads as %q, which does not read back: %v", s, a.EncodeAddress(), err)
				}
			}
		}
	})
}
