package coin

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
)

// Amount is a sum of money in the coin's smallest unit, a hundred-millionth.
// All of one person's coins fit; all of Dogecoin's, some 1.5e19 units, do not:
// whoever adds uses Add, which tells.
type Amount int64

// Unit is one whole coin.
const Unit Amount = 1e8

// ErrAmount is returned for a sum that does not fit, and for text that is none.
var ErrAmount = errors.New("not an amount of money")

// String returns the amount in whole coins with eight decimals.
func (a Amount) String() string { return a.Format(8) }

// Format returns the amount with this many decimals, in a unit of as many zeros:
// 8 for whole coins, 0 for the smallest unit. It rounds nothing. Any number but
// 0 to 8 stands for 8.
func (a Amount) Format(decimals int) string {
	if decimals < 0 || decimals > 8 {
		decimals = 8
	}
	sign, u := "", uint64(a)
	if a < 0 {
		sign, u = "-", -u
	}
	if decimals == 0 {
		return sign + strconv.FormatUint(u, 10)
	}
	one := power(decimals)
	return fmt.Sprintf("%s%d.%0*d", sign, u/one, decimals, u%one)
}

func power(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// Add returns a + b, or [ErrAmount] if that does not fit.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a + b
	if (a > 0 && b > 0 && sum <= 0) || (a < 0 && b < 0 && sum >= 0) {
		return 0, fmt.Errorf("%w: the sum is too large", ErrAmount)
	}
	return sum, nil
}

// Times returns n times a, or [ErrAmount] if that does not fit. Neither may be
// negative.
func (a Amount) Times(n int64) (Amount, error) {
	if a < 0 || n < 0 {
		return 0, fmt.Errorf("%w: it is negative", ErrAmount)
	}
	high, low := bits.Mul64(uint64(a), uint64(n))
	if high != 0 || low > 1<<63-1 {
		return 0, fmt.Errorf("%w: the product is too large", ErrAmount)
	}
	return Amount(low), nil
}

// ParseAmount reads an amount in whole coins, as "0.001" or "50". It takes
// digits and one point alone: no sign, no exponent, no comma, and no more than
// eight decimals, none of which it would have to drop.
func ParseAmount(s string) (Amount, error) {
	whole, part, point := strings.Cut(s, ".")
	if point && part == "" || len(part) > 8 || len(s) > 30 || !digits(whole) || !digits(part) && point {
		return 0, fmt.Errorf("%w: write it in whole coins, with a point and at most 8 digits after it, and without a mark between the thousands, as 0.001 or 1000", ErrAmount)
	}
	n, err := strconv.ParseUint(whole+part+"00000000"[len(part):], 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: it is too large", ErrAmount)
	}
	return Amount(n), nil
}

// ParseTyped reads an amount that a person typed, as ParseAmount does, with blanks
// anywhere and a comma in the place of the point. One that is a part to some and
// thousands to others, such as "1,500", is refused in words that name both.
func ParseTyped(s string) (Amount, error) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	whole, part, comma := strings.Cut(s, ",")
	if comma && digits(whole) && whole[0] != '0' && len(whole) <= 3 && digits(part) && len(part) == 3 {
		small := strings.TrimSuffix(strings.TrimRight(whole+"."+part, "0"), ".")
		return 0, fmt.Errorf("%w: %s could be %s or %s; write the one that you mean", ErrAmount, s, small, whole+part)
	}
	if comma && !strings.Contains(s, ".") {
		s = whole + "." + part
	}
	return ParseAmount(s)
}

// digits tells whether s is digits alone, at least one.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
