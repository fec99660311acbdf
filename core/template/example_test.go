//go:build !js

package template_test

import (
	"fmt"
	"net/url"

	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// A session mines on a node instead of on pools. Nothing is contacted before Run.
func Example() {
	litecoin, err := coin.ByID("litecoin")
	if err != nil {
		panic(err)
	}
	params, err := litecoin.Params(coin.Main)
	if err != nil {
		panic(err)
	}
	var client *template.Client
	_, err = core.NewSession(core.Config{
		Algorithm: params.Algorithm,
		Lanes:     1,
		Source: func(h pow.Handler) (pow.Source, error) {
			client, err = template.New(template.Config{
				Node:    &url.URL{Scheme: "http", Host: "127.0.0.1"},
				Login:   func() (user, password string, err error) { return "__cookie__", "as the node wrote it", nil },
				Coin:    params,
				Payout:  "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",
				Handler: h,
				Block:   func(b template.Block) { fmt.Println("found block", b.Height) },
			})
			return client, err
		},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(client.Address())
	// Output: http://127.0.0.1:9332
}
