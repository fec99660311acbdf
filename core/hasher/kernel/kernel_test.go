package kernel_test

import (
	"fmt"

	"goldpan/core/hasher/kernel"
)

// The module itself is tested in package hasher, by the runner of every kernel.
func Example() {
	fmt.Println(string(kernel.Module()[1:4]))
	// Output: asm
}
