package hd_test

import (
	"errors"
	"fmt"

	"goldpan/core/coin"
	"goldpan/wallet/hd"
)

func Example() {
	// The words of BIP84's test vector: never use words that were printed anywhere.
	words, err := hd.ParseMnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	if err != nil {
		panic(err)
	}
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		panic(err)
	}
	params, err := bitcoin.Params(coin.Main)
	if err != nil {
		panic(err)
	}
	account, err := hd.NewAccount(words.Seed(""), params, params.Purpose, 0)
	if err != nil {
		panic(err)
	}
	first, err := account.Address(hd.Receive, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(account.Path(hd.Receive, 0), first)
	// Output: m/84'/0'/0'/0/0 bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu
}

func ExampleParseMnemonic() {
	_, err := hd.ParseMnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abuot")
	var word *hd.WordError
	if errors.As(err, &word) {
		fmt.Println(word.Position, word.Word, word.Near)
	}
	// Output: 12 abuot about
}

func ExampleWatch() {
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		panic(err)
	}
	params, err := bitcoin.Params(coin.Main)
	if err != nil {
		panic(err)
	}
	// The account key of BIP84's test vector: it sees every address, and can spend nothing.
	account, err := hd.Watch(params, "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs", "")
	if err != nil {
		panic(err)
	}
	first, err := account.Address(hd.Receive, 0)
	fmt.Println(account.Kind(), first, err)
	// Output: wpkh bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu <nil>
}
