package seal_test

import (
	"errors"
	"fmt"

	"goldpan/core/seal"
)

func Example() {
	key := seal.GenerateKey()
	sealed := key.Seal([]byte("twelve words"), []byte("example"))

	// The passphrase seals only the key, so that it can change without touching the data. A factor of 4 is for
	// examples; use seal.DefaultWorkFactor.
	wrapped, err := seal.WrapKey(key, "a long passphrase", 4)
	if err != nil {
		panic(err)
	}

	_, err = seal.UnwrapKey(wrapped, "a wrong passphrase")
	fmt.Println(errors.Is(err, seal.ErrPassphrase))

	opened, err := seal.UnwrapKey(wrapped, "a long passphrase")
	if err != nil {
		panic(err)
	}
	plain, err := opened.Open(sealed, []byte("example"))
	fmt.Println(string(plain), err)
	// Output:
	// true
	// twelve words <nil>
}
