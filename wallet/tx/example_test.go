package tx_test

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet/hd"
	"goldpan/wallet/tx"
)

func Example() {
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		panic(err)
	}
	params, err := bitcoin.Params(coin.Regtest)
	if err != nil {
		panic(err)
	}
	path, err := hd.PathOf(params, 84, 0)
	if err != nil {
		panic(err)
	}
	seed := bytes.Repeat([]byte{1}, 64) // never a real one
	account, err := hd.NewAccountAt(seed, params, path)
	if err != nil {
		panic(err)
	}
	script := func(chain, index uint32) []byte {
		s, err := account.Script(chain, index)
		if err != nil {
			panic(err)
		}
		return s
	}
	plan, err := tx.New(tx.Request{
		Params: params,
		Coins:  []tx.Coin{{TxID: pow.Hash{1}, Amount: 50 * coin.Unit, Script: script(0, 0), Kind: hd.WPKH, Depth: 100, Matures: 100}},
		Script: script(0, 9), // a recipient's, in earnest
		Amount: 20 * coin.Unit,
		Rate:   tx.PerByte(5),
		Change: script(1, 0),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(plan.Amount, "arrives,", plan.Fee, "is the fee,", plan.Change, "comes back")
	keys, err := hd.NewKeys(seed, params, path)
	if err != nil {
		panic(err)
	}
	defer keys.Wipe()
	signed, err := tx.Sign(plan, func(c tx.Coin) (*btcec.PrivateKey, error) { return keys.Private(c.Chain, c.Address) })
	if err != nil {
		panic(err)
	}
	fmt.Println(signed.VSize <= plan.VSize)
	// Output:
	// 20.00000000 arrives, 0.00000705 is the fee, 29.99999295 comes back
	// true
}
