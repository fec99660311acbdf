package coin

import "fmt"

// Amount is a sum of money in the coin's smallest unit, a hundred-millionth.
type Amount int64

// Unit is one whole coin.
const Unit Amount = 1e8

// String returns the amount in whole coins with eight decimals.
func (a Amount) String() string {
	sign, u := "", uint64(a)
	if a < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%08d", sign, u/uint64(Unit), u%uint64(Unit))
}
