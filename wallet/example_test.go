package wallet_test

import (
	"fmt"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

func Example() {
	params, err := coin.ForPractice(hasher.SHA256d).Params(coin.Practice)
	if err != nil {
		panic(err)
	}
	// BIP39's first test vector: never use words that were printed anywhere. wallet.Create makes new ones.
	words, err := hd.ParseMnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	if err != nil {
		panic(err)
	}
	w, err := wallet.Restore(wallet.Options{
		Storage: &wallet.MemoryStorage{}, // Dir: "…" keeps it in files
		Params:  params,
	}, words)
	if err != nil {
		panic(err)
	}
	defer w.Close()
	addr, index, err := w.NextUnused()
	if err != nil {
		panic(err)
	}
	fmt.Println(w.Path(index), addr[:4])
	fmt.Println(w.Balance().Total())
	// w.Run(ctx, "tcp://127.0.0.1:50001") keeps the balance in step with a server.
	// Output:
	// m/84'/1'/0'/0/0 pan1
	// 0.00000000
}
