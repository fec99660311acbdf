//go:build !js

package template_test

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/core/template"
)

// told is what a node says of a block.
type told struct {
	Confirmations int
	Height        int64
	Tx            []struct {
		TxID string
		Hex  string
		Vin  []struct{ Coinbase string }
		Vout []struct {
			Value        json64
			ScriptPubKey struct {
				Hex       string
				Addresses []string
			}
		}
	}
	MWEB struct {
		NumKernels int `json:"num_kernels"`
		NumTXOs    int `json:"num_txos"`
	}
}

// json64 is an amount in whole coins, read exactly.
type json64 struct{ coin.Amount }

func (j *json64) UnmarshalJSON(b []byte) error {
	r, ok := new(big.Rat).SetString(string(b))
	if !ok {
		return coin.ErrBadAddress
	}
	r.Mul(r, big.NewRat(int64(coin.Unit), 1))
	j.Amount = coin.Amount(r.Num().Int64() / r.Denom().Int64())
	return nil
}

// judged asks the node for a block that it has taken, and checks what only we know:
// whom it pays, how much, and how its coinbase begins.
func (p *process) judged(m template.Block, payout string) (b told) {
	p.t.Helper()
	p.call(&b, "getblock", m.Hash.String(), 2)
	coinbase := b.Tx[0]
	if b.Height != m.Height || b.Confirmations < 1 {
		p.t.Errorf("block %d: height %d, %d confirmations", m.Height, b.Height, b.Confirmations)
	}
	if coinbase.Vout[0].Value.Amount != m.Reward || !strings.Contains(strings.Join(coinbase.Vout[0].ScriptPubKey.Addresses, " "), payout) {
		p.t.Errorf("block %d pays %+v, not %s to %s", m.Height, coinbase.Vout, m.Reward, payout)
	}
	if !strings.HasPrefix(coinbase.Vin[0].Coinbase, hex.EncodeToString(template.PushHeight(m.Height))) {
		p.t.Errorf("block %d begins with %s", m.Height, coinbase.Vin[0].Coinbase)
	}
	return b
}

// TestLitecoin mines on Debian's litecoind, which judges every block: the first ones,
// one with segregated witnesses, the one that begins the extension blocks (432),
// those after it, and those whose height must
// stand in the coinbase (from 500 on).
func TestLitecoin(t *testing.T) {
	a, b := litecoinds(t)
	var payout, inside string
	a.call(nil, "createwallet", "w")
	a.call(&payout, "getnewaddress")
	p := cointest.Params(t, "litecoin", coin.Regtest)
	// round mines until the node has taken n blocks and done, if there is one, is
	// content with one of them.
	round := func(n int, done func(template.Block, told) bool) {
		t.Helper()
		m := mine(t, a.config(p, payout))
		for i := 0; i < n || done != nil; i++ {
			block := m.block(t)
			told := a.judged(block, payout)
			t.Logf("litecoind has taken block %d, %s: %d transactions, %s LTC of regtest, %d kernels", block.Height, block.Hash, len(told.Tx), block.Reward, told.MWEB.NumKernels)
			if done != nil && done(block, told) {
				done = nil
			}
			if i > 20 {
				t.Fatal("what was expected is in none of the blocks")
			}
		}
		if err := m.stop(); err != nil {
			t.Fatal(err)
		}
		if v := m.Snapshot(); v.Rejected > 0 || v.Accepted < uint64(n) {
			t.Errorf("%+v", v)
		}
	}
	generate := func(to int64) {
		t.Helper()
		for h := a.height(); h < to; h = a.height() {
			a.call(nil, "generatetoaddress", min(100, to-h), payout)
		}
	}
	send := func(to string, amount float64) {
		t.Helper()
		a.call(nil, "sendtoaddress", to, amount)
	}

	round(3, func(b template.Block, _ told) bool { return b.Height == 1 })
	for h := int64(1); h <= 3; h++ {
		a.pushes(h)
	}
	generate(140) // the first coins can be spent from 101 on, and the reward halves at 150
	for _, h := range []int64{16, 17, 127, 128, 129, 140} {
		a.pushes(h)
	}

	var legacy string
	a.call(&legacy, "getnewaddress", "", "legacy")
	send(payout, 1.5)
	send(legacy, 1)
	round(1, func(b template.Block, told told) bool {
		if len(told.Tx) < 3 {
			return false
		}
		if b.Reward <= 50*coin.Unit {
			t.Errorf("a reward of %s: where are the fees?", b.Reward)
		}
		if last := told.Tx[0].Vout[len(told.Tx[0].Vout)-1].ScriptPubKey.Hex; !strings.HasPrefix(last, "6a24aa21a9ed") {
			t.Errorf("the coinbase commits to no witnesses: %s", last)
		}
		return true
	})

	// Extension blocks begin at 432. The coins must be on their way before.
	generate(431)
	a.call(&inside, "getnewaddress", "", "mweb")
	send(inside, 20)
	round(2, func(b template.Block, told told) bool {
		return b.Height == 432 && told.MWEB.NumKernels > 0 && len(told.Tx) >= 3
	})
	a.call(&inside, "getnewaddress", "", "mweb")
	send(inside, 2)
	round(1, func(b template.Block, told told) bool { return b.Height > 432 && told.MWEB.NumKernels > 0 })

	generate(499)
	round(3, func(b template.Block, _ told) bool { return b.Height == 500 })
	a.pushes(499)
	eventually(t, "the other node follows", func() bool {
		var here, there string
		a.call(&here, "getbestblockhash")
		b.call(&there, "getbestblockhash")
		return here == there
	})
}

// pushes compares how our coinbase would begin with how the one in the node's chain
// does, whoever mined it.
func (p *process) pushes(height int64) {
	p.t.Helper()
	var hash string
	var b told
	p.call(&hash, "getblockhash", height)
	p.call(&b, "getblock", hash, 2)
	if script := b.Tx[0].Vin[0].Coinbase; !strings.HasPrefix(script, hex.EncodeToString(template.PushHeight(height))) {
		p.t.Errorf("at %d the coinbase begins with %x, and the node's chain has %s", height, template.PushHeight(height), script)
	}
}
