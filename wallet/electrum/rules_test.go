package electrum

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/pow"
)

// A first block's header hashes to the hash that is written down only if both are right.
func TestGenesis(t *testing.T) {
	var file struct {
		Genesis []struct {
			Coin, Network     string
			Merkle            string
			Time, Nonce, Bits uint32
			Limit             string
		}
	}
	b, err := os.ReadFile("testdata/genesis.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Genesis {
		p := cointest.Params(t, v.Coin, coin.Network(v.Network))
		merkle, err := pow.ParseHash(v.Merkle)
		if err != nil {
			t.Fatal(err)
		}
		h := pow.Header{Version: 1, Merkle: merkle, Time: v.Time, Bits: v.Bits, Nonce: v.Nonce}
		if want, ok := Genesis(p); !ok || h.BlockHash() != want {
			t.Errorf("%s %s: %v, want %v", v.Coin, v.Network, h.BlockHash(), want)
		}
		target, err := pow.TargetFromBits(v.Bits)
		if err != nil || !target.Met(h.PoWHash(p.Algorithm)) {
			t.Errorf("%s %s: no proof of work: %v", v.Coin, v.Network, err)
		}
		// A limit counts in its compact form: it is only ever held against targets that were in it.
		want, ok := new(big.Int).SetString(v.Limit, 16)
		if got := limit(p); !ok || pow.TargetFromBig(got).Bits() != pow.TargetFromBig(want).Bits() || got.Cmp(want) > 0 {
			t.Errorf("%s %s: limit %x, want %s", v.Coin, v.Network, got, v.Limit)
		}
	}
	if len(file.Genesis) != 8 {
		t.Errorf("%d vectors", len(file.Genesis))
	}
}

// Source: get_next_work and the three after it in src/test/pow_tests.cpp of Bitcoin Core, commit
// 01a06a19ac701a19b01de51e2b2f0e452e819a8b, and of Litecoin Core, commit b270cd9098dcb5bd1feb179813fd6861b22859aa,
// whose windows begin a block earlier but for the first.
func TestRetarget(t *testing.T) {
	for _, v := range []struct {
		coin                       string
		beginHeight                int32
		beginTime                  uint32
		lastHeight                 int32
		lastTime, lastBits, expect uint32
	}{
		{"bitcoin", 30240, 1261130161, 32255, 1262152739, 0x1d00ffff, 0x1d00d86a},
		{"bitcoin", 0, 1231006505, 2015, 1233061996, 0x1d00ffff, 0x1d00ffff},
		{"bitcoin", 66528, 1279008237, 68543, 1279297671, 0x1c05a3f4, 0x1c0168fd},
		{"bitcoin", 44352, 1263163443, 46367, 1269211443, 0x1c387f6f, 0x1d00e1fd},
		{"litecoin", 278207, 1358118740, 280223, 1358378777, 0x1c0ac141, 0x1c093f8d},
		{"litecoin", 0, 1317972665, 2015, 1318480354, 0x1e0ffff0, 0x1e0fffff},
		{"litecoin", 576575, 1401682934, 578591, 1401757934, 0x1b075cf1, 0x1b01d73c},
		{"litecoin", 999935, 1463690315, 1001951, 1464900315, 0x1b015318, 0x1b054c60},
	} {
		c := NewChain(cointest.Params(t, v.coin, coin.Main), pow.Hash{})
		at := func(height int32) pow.Header {
			switch height {
			case v.beginHeight:
				return pow.Header{Time: v.beginTime}
			case v.lastHeight:
				return pow.Header{Time: v.lastTime, Bits: v.lastBits}
			}
			t.Errorf("%s: the rule looks at %d", v.coin, height)
			return pow.Header{}
		}
		if bits, known := c.bitsRule(v.lastHeight+1, v.lastTime+1, at); !known || bits != v.expect {
			t.Errorf("%s at %d: %#x, want %#x", v.coin, v.lastHeight+1, bits, v.expect)
		}
		between := func(height int32) pow.Header { return pow.Header{Bits: 0x1b015318} }
		if bits, known := c.bitsRule(v.lastHeight, v.lastTime, between); !known || bits != 0x1b015318 {
			t.Errorf("%s at %d: %#x, %v within a window", v.coin, v.lastHeight, bits, known)
		}
	}
}

func TestHeaderFromTheFuture(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	genesis, _ := Genesis(p)
	raw := firstHeaders(t)
	second := int64(1231469665)
	for before, want := range map[time.Duration]error{future: nil, future + time.Second: ErrHeader} {
		c := NewChainAt(p, genesis, Checkpoint{Hash: genesis})
		c.now = func() time.Time { return time.Unix(second, 0).Add(-before) }
		if err := c.Connect(t.Context(), 0, raw); !errors.Is(err, want) {
			t.Errorf("%v ahead: %v, want %v", before, err, want)
		}
	}
}
