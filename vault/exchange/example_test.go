//go:build !js

package exchange

import (
	"context"
	"fmt"

	"goldpan/vault"
)

// In a program the Doer is vault.Broker's Key, wrapped by limit.Limits' Patient.
func ExampleNew() {
	answers := said{200, []byte(`{"balances":[{"asset":"BTC","free":"0.00012300","locked":"0.00000000"}]}`)}
	x, err := New(vault.Entry{Provider: "binance", Environment: vault.Live}, answers)
	if err != nil {
		panic(err)
	}
	balances, err := x.Balances(context.Background())
	fmt.Println(balances[0].Asset, balances[0].Free, err)
	// Output: BTC 0.00012300 <nil>
}
