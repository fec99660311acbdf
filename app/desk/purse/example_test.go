package purse_test

import (
	"fmt"
	"os"
	"strings"

	"goldpan/app/desk"
	"goldpan/app/desk/purse"
	"goldpan/core/coin"
)

func Example() {
	dir, err := os.MkdirTemp("", "purse")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	d, err := desk.Open(dir)
	if err != nil {
		panic(err)
	}
	defer d.Close()
	p, err := purse.New(d, purse.Options{WorkFactor: 8}) // the zero value outside of examples
	if err != nil {
		panic(err)
	}
	defer p.Close() // p.Run(ctx) keeps what is open in step, and closes it
	a, err := p.Make(purse.Making{
		Coin: "bitcoin", Network: coin.Main, Passphrase: "river gravel lantern seventeen otters",
		// BIP39's first test vector: never use words that were printed anywhere.
		Words: strings.Fields("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"),
	})
	if err != nil {
		panic(err)
	}
	s := a.Snapshot()
	fmt.Println(s.Path, s.Address)
	fmt.Println("servers that are asked:", len(s.Named))
	// Output:
	// m/84'/0'/0'/0/0 bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
	// servers that are asked: 0
}
