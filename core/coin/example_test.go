package coin_test

import (
	"errors"
	"fmt"

	"goldpan/core/coin"
)

func Example() {
	litecoin, err := coin.ByID("litecoin")
	if err != nil {
		fmt.Println(err)
		return
	}
	params, err := litecoin.Params(coin.Main)
	if err != nil {
		fmt.Println(err)
		return
	}
	reward, err := params.Reward(2_520_000)
	fmt.Println(litecoin.Symbol, reward, err)

	_, err = params.ParseAddress("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu")
	fmt.Println(err)

	// Litecoin once wrote such addresses as Bitcoin does.
	_, err = params.ParseAddress("3MSvaVbVFFLML86rt5eqgA9SvW23upaXdY")
	if ask := (*coin.AmbiguousError)(nil); errors.As(err, &ask) {
		fmt.Println("do you mean", ask.Means.Text)
	}
	_, err = coin.ByID("ethereum")
	fmt.Println(err)
	// Output:
	// LTC 6.25000000 <nil>
	// address of another network: it belongs to Bitcoin, and one of Litecoin is wanted
	// do you mean MTf4tP1TCNBn8dNkyxeBVoPrFCcVzxJvvh
	// Ethereum cannot be mined any more: since 15 September 2022 its blocks are made by proof of stake, not by mining.
}
