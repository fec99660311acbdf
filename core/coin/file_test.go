package coin

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"

	"goldpan/assets/presets"
)

// files is a copy of the embedded folder, to be changed.
func files(t testing.TB) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(presets.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(presets.Files(), name)
		out[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const teacoin = `{
  "id": "teacoin", "name": "Teacoin", "symbol": "TEA", "algorithm": "scrypt",
  "units": [{"name": "teacoin", "symbol": "TEA", "decimals": 8}, {"name": "leaf", "symbol": "leaf", "decimals": 0}],
  "sources": ["made up for this test"],
  "networks": {"main": {
    "magic": "7465610a", "ports": {"p2p": 1234, "rpc": 1235},
    "address": {"p2pkh": 65, "p2sh": [66], "wif": 193, "bech32": "tea", "mweb": ""},
    "extended": {"public": "0488b21e", "private": "0488ade4"},
    "coin_type": 9999, "maturity": 20, "interval_seconds": 90,
    "emission": [{"from": 0, "unknown": "Nobody wrote it down."}, {"from": 10, "reward": "8", "halving": 100}, {"from": 1000, "reward": "0.5"}],
    "template": {"rules": ["segwit"], "fixed_version": false},
    "explorers": [{"name": "Leaves", "tx": "https://leaves.example/tx/{}", "block": "https://leaves.example/block/{}", "address": "https://leaves.example/a/{}", "source": "made up"}]
  }}
}`

// A coin that uses known parts is a file and no code.
func TestACoinByDataAlone(t *testing.T) {
	f := files(t)
	f["coins/teacoin.json"] = &fstest.MapFile{Data: []byte(teacoin)}
	b, err := load(f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.byID("teacoin")
	if err != nil || c.Symbol != "TEA" || c.Algorithm != "scrypt" || len(b.coins) != len(All())+1 {
		t.Fatalf("%+v, %v", c, err)
	}
	p, err := b.find(c, Main)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.find(c, Test); !errors.Is(err, ErrNetwork) {
		t.Errorf("%v", err)
	}
	for height, want := range map[int64]string{9: "", 10: "8.00000000", 109: "8.00000000", 110: "4.00000000", 999: "0.01562500", 1000: "0.50000000"} {
		if r, err := p.Reward(height); want == "" && !errors.Is(err, ErrReward) || want != "" && (err != nil || r.String() != want) {
			t.Errorf("at %d: %v, %v", height, r, err)
		}
	}
	for height, want := range map[int64]int64{0: 10, 10: 110, 950: 1000, 1000: -1} {
		if at, _ := p.NextReward(height); at != want {
			t.Errorf("after %d: %d", height, at)
		}
	}
	data, err := bech32.ConvertBits(make([]byte, 20), 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := bech32.Encode("tea", append([]byte{0}, data...))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := p.ParseAddress(text); err != nil || a.Kind != WitnessPubKeyHash {
		t.Errorf("%s: %+v, %v", text, a, err)
	}
	// The others now know it.
	bitcoin, err := b.find(b.coins[0], Main)
	if err != nil {
		t.Fatal(err)
	}
	own := ownAddress(p)
	var elsewhere *ElsewhereError
	if _, err := bitcoin.ParseAddress(own); !errors.As(err, &elsewhere) || elsewhere.Looks[0] != p {
		t.Errorf("%v", err)
	}
	if got, err := p.ParseAddress(own); err != nil || got.Kind != PubKeyHash {
		t.Errorf("%+v, %v", got, err)
	}
	if p.Explorers[0].Tx("ab") != "https://leaves.example/tx/ab" || p.Purpose != 84 || p.Maturity != 20 {
		t.Errorf("%+v", p)
	}
}

// Each thing that can be wrong with a file is refused, and said.
func TestFilesRefused(t *testing.T) {
	for change, says := range map[string]string{
		`"id": "teacoin"|"id": "Teacoin"`:                                  "id",
		`"id": "teacoin"|"id": "tea"`:                                      "id",
		`"symbol": "TEA", "alg|"symbol": "tea", "alg`:                      "symbol",
		`"name": "Teacoin"|"name": ""`:                                     "name",
		`"name": "Teacoin"|"name": "Tea\u0000coin"`:                        "name",
		`"scrypt"|"md5"`:                                                   "algorithm",
		`"sources": ["made up for this test"]|"sources": []`:               "sources",
		`"decimals": 8}|"decimals": 9}`:                                    "decimals",
		`"decimals": 8}|"decimals": 2}`:                                    "whole coin",
		`"networks": {"main"|"networks": {"moon"`:                          "main network",
		`"p2p": 1234|"p2p": 0`:                                             "p2p",
		`"rpc": 1235|"rpc": 65536`:                                         "rpc",
		`"7465610a"|"7465610"`:                                             "magic",
		`"p2pkh": 65|"p2pkh": 256`:                                         "p2pkh",
		`"p2sh": [66]|"p2sh": []`:                                          "p2sh",
		`"p2sh": [66]|"p2sh": [66, 66]`:                                    "p2sh",
		`"p2sh": [66]|"p2sh": [65]`:                                        "p2sh",
		`"wif": 193|"wif": -1`:                                             "wif",
		`"bech32": "tea"|"bech32": "Tea1"`:                                 "bech32",
		`"mweb": ""|"mweb": "tea"`:                                         "mweb",
		`"public": "0488b21e"|"public": "0488ade4"`:                        "extended",
		`"coin_type": 9999|"coin_type": 2147483648`:                        "coin_type",
		`"maturity": 20|"maturity": 0`:                                     "maturity",
		`"interval_seconds": 90|"interval_seconds": 0`:                     "interval",
		`"from": 0,|"from": 1,`:                                            "block 0",
		`"from": 1000|"from": 10`:                                          "order",
		`"reward": "8"|"reward": "8e1"`:                                    "reward",
		`"reward": "8"|"reward": "-8"`:                                     "reward",
		`"reward": "8"|"reward": 8`:                                        "cannot unmarshal",
		`"halving": 100|"halving": -1`:                                     "halving",
		`"unknown": "Nobody wrote it down."|"unknown": "x", "reward": "1"`: "unknown",
		`"rules": ["segwit"]|"rules": ["Seg Wit"]`:                         "rules",
		`https://leaves.example/tx/{}|http://leaves.example/tx/{}`:         "explorer",
		`https://leaves.example/tx/{}|https://leaves.example/tx`:           "explorer",
		`https://leaves.example/tx/{}|https://u@leaves.example/{}`:         "explorer",
		`https://leaves.example/tx/{}|https://leaves.example/?q=/{}`:       "explorer",
		`https://leaves.example/tx/{}|javascript:alert/{}`:                 "explorer",
		`"fixed_version": false|"fixed_version": false, "more": 1`:         "unknown field",
		`"id": "teacoin"|"id": "x", "id": "teacoin"`:                       "twice",
		`"id": "teacoin"|"ID": "teacoin"`:                                  "none of ours",
		`"main": {|"main": {}, "main": {`:                                  "twice",
		`"rules": ["segwit"]|"rules": [[[[[[[[["segwit"]]]]]]]]]`:          "too deeply",
		`"id": "teacoin"|"fee": 1, "id": "teacoin"`:                        "unknown field",
		`"made up for this test"|"` + strings.Repeat("x", maxText+1) + `"`: "sources",
		`"made up for this test"|"` + strings.Repeat("x", maxFile) + `"`:   "more than",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(teacoin, from, to, 1)
		if text == teacoin {
			t.Fatalf("%s changes nothing", change)
		}
		b := &book{params: map[string]map[Network]*Params{}}
		if err := b.addCoin("teacoin", []byte(text)); !errors.Is(err, errFile) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %.200v", change, err)
		}
	}
	b := &book{params: map[string]map[Network]*Params{}}
	for _, text := range []string{"", "{}", "null", "[]", teacoin + "{}", "\xff"} {
		if err := b.addCoin("teacoin", []byte(text)); !errors.Is(err, errFile) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	for _, text := range []string{`[{"id":"bitcoin"}]`, `[{"id":"x-y","name":"X","symbol":"XY","since":"yesterday","why":"w","source":"s"}]`, `{}`} {
		if err := shelf().clone().addEnded([]byte(text)); !errors.Is(err, errFile) {
			t.Errorf("%s: %v", text, err)
		}
	}
	empty := fstest.MapFS{"ended.json": &fstest.MapFile{Data: []byte("[]")}}
	if _, err := load(empty); !errors.Is(err, errFile) {
		t.Errorf("no coin at all: %v", err)
	}
}

// clone is for tests that add to a book that others read.
func (b *book) clone() *book {
	c := *b
	c.params = maps.Clone(b.params)
	return &c
}

func TestExplorers(t *testing.T) {
	e := params(t, "bitcoin", Main).Explorers[0]
	if e.Host() != "mempool.space" || e.Tx("00ff") != "https://mempool.space/tx/00ff" || e.Address("../x?y") != "https://mempool.space/address/..%2Fx%3Fy" ||
		e.Block("ab") != "https://mempool.space/block/ab" {
		t.Errorf("%s %s", e.Host(), e.Address("../x?y"))
	}
	for _, p := range shelf().all() {
		if p.Network == Main && len(p.Explorers) == 0 {
			t.Errorf("%s has no explorer", p.Coin.Name)
		}
	}
}

func FuzzCoinFile(f *testing.F) {
	f.Add([]byte(teacoin))
	for name, file := range files(f) {
		if strings.HasPrefix(name, "coins/") {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var file coinFile
		if decode(text, &file) != nil {
			return
		}
		for n, network := range file.Networks {
			if network == nil {
				continue
			}
			var c check
			c.tiers(network.Emission)
			c.explorers(network.Explorers)
			if c.err != nil {
				continue
			}
			p := &Params{emission: c.tiers(network.Emission), Network: n}
			for _, height := range []int64{-1, 0, 1, 1 << 40, 1<<63 - 1} {
				if r, err := p.Reward(height); err == nil && r < 0 {
					t.Fatalf("a reward of %v at %d", r, height)
				}
				if at, ok := p.NextReward(height); ok && at <= height {
					t.Fatalf("after %d comes %d", height, at)
				}
			}
		}
		// What is written again reads the same.
		again, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		var second coinFile
		if err := decode(again, &second); err != nil && len(again) <= maxFile {
			t.Fatalf("%v: %s", err, again)
		}
	})
}

// ownAddress writes an address of the oldest form.
func ownAddress(p *Params) string {
	return base58.CheckEncode(make([]byte, 20), p.Chain.PubKeyHashAddrID)
}
