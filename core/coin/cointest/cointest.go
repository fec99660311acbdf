// Package cointest hands tests what they need of package coin. No program imports it.
package cointest

import (
	"testing"

	"goldpan/core/coin"
)

// Params are a coin's parameters on a network.
func Params(t testing.TB, id string, n coin.Network) *coin.Params {
	t.Helper()
	c, err := coin.ByID(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Params(n)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
