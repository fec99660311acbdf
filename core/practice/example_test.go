//go:build !js

package practice_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"goldpan/core/hasher"
	"goldpan/core/practice"
)

func Example() {
	dir, err := os.MkdirTemp("", "practice")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	network, err := practice.Open(practice.Config{
		Dir:       dir,
		Algorithm: hasher.SHA256d,
		Hashrate:  3e6,
		Events:    func(e practice.Event) { fmt.Println("block", e.Height, "pays", e.Payee) },
	})
	if err != nil {
		panic(err)
	}
	defer func() { _ = network.Close() }()

	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- network.Run(ctx) }()

	// Point a miner at one address and a wallet at the other.
	fmt.Println(strings.HasPrefix(network.PoolURL(), "stratum+tcp://127.0.0.1:"))
	fmt.Println(strings.HasPrefix(network.ElectrumURL(), "tcp://127.0.0.1:"))
	fmt.Println("height", network.Height())

	stop()
	fmt.Println(<-done)
	// Output:
	// true
	// true
	// height 0
	// <nil>
}
