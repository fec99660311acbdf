package coin

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

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
		{"dogecoin", Regtest, "043587cf", "04358394", 1, 60, 44},
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

func TestPractice(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		c := ForPractice(a)
		p, err := c.Params(Practice)
		if err != nil || p.Algorithm != a || p.CoinType != 1 || p.Maturity != PracticeMaturity {
			t.Errorf("%s: %+v, %v", a, p, err)
		}
	}
	if _, err := params(t, "dogecoin", Main).Coin.Params(Practice); !errors.Is(err, ErrNetwork) {
		t.Errorf("dogecoin practice: %v", err)
	}
}

// PracticeSubsidy and its like stand in code for whoever builds the chain, and
// in the files for everybody else.
func TestPracticeRulesAgree(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		p, err := ForPractice(a).Params(Practice)
		if err != nil {
			t.Fatal(err)
		}
		for _, height := range []int64{0, 1, 1e9} {
			if r, err := p.Reward(height); err != nil || r != PracticeSubsidy {
				t.Errorf("%s at %d: %v, %v", a, height, r, err)
			}
		}
		if p.Maturity != PracticeMaturity || p.BlockInterval != PracticeInterval || len(p.Explorers) != 0 || p.RPCPort != 0 {
			t.Errorf("%s: %+v", a, p)
		}
	}
}

func TestWhoLooksForEthereum(t *testing.T) {
	_, err := ByID("ethereum")
	var ended *EndedError
	if !errors.Is(err, ErrCoin) || !errors.As(err, &ended) || ended.Coin.Since != "2022-09-15" || !strings.Contains(err.Error(), "proof of stake") {
		t.Errorf("%v", err)
	}
	if len(NotMineable()) == 0 || NotMineable()[0].ID != "ethereum" {
		t.Errorf("%v", NotMineable())
	}
	if _, err := ByID("nocoin"); !errors.Is(err, ErrCoin) || !strings.Contains(err.Error(), "bitcoin, litecoin or dogecoin") {
		t.Errorf("%v", err)
	}
}

// The library's own networks of Bitcoin are what the file says they are.
func TestBitcoinAsTheLibrary(t *testing.T) {
	for n, want := range map[Network]*chaincfg.Params{Main: &chaincfg.MainNetParams, Test: &chaincfg.TestNet3Params, Regtest: &chaincfg.RegressionNetParams} {
		p := params(t, "bitcoin", n)
		if p.Chain != want {
			t.Errorf("%s: the file differs from chaincfg", n)
		}
		if wire.BitcoinNet(binary.LittleEndian.Uint32(p.Magic[:])) != want.Net || p.Maturity != int(want.CoinbaseMaturity) || p.BlockInterval != want.TargetTimePerBlock {
			t.Errorf("%s: %+v", n, p)
		}
		if strconv.Itoa(p.P2PPort) != want.DefaultPort {
			t.Errorf("%s: port %d, want %s", n, p.P2PPort, want.DefaultPort)
		}
		for _, height := range []int64{0, 1, 149, 150, 209_999, 210_000} {
			r, err := p.Reward(height)
			if halvings := height / int64(want.SubsidyReductionInterval); err != nil || halvings < 63 && r != 50*Unit>>halvings {
				t.Errorf("%s at %d: %v, %v", n, height, r, err)
			}
		}
	}
	nets := map[wire.BitcoinNet]string{}
	for _, p := range shelf().all() {
		if other := nets[p.Chain.Net]; other != "" {
			t.Errorf("%s and %s have one number", other, p.Chain.Name)
		}
		nets[p.Chain.Net] = p.Chain.Name
	}
}
