package electrum_test

import (
	"fmt"

	"goldpan/core/coin"
	"goldpan/wallet/electrum"
)

// Where a network has checkpoints, a chain of headers begins shortly before the last one.
func ExampleNewChain() {
	c, err := coin.ByID("bitcoin")
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := c.Params(coin.Main)
	if err != nil {
		fmt.Println(err)
		return
	}
	genesis, _ := electrum.Genesis(p)
	chain := electrum.NewChain(p, genesis)
	fmt.Println("headers are kept from height", chain.Start())
	fmt.Println("none yet:", chain.Empty())
	// Output:
	// headers are kept from height 951550
	// none yet: true
}
