package coin

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestAmount(t *testing.T) {
	for a, want := range map[Amount]string{
		0: "0.00000000", 1: "0.00000001", -1: "-0.00000001", 50 * Unit: "50.00000000", 123456789: "1.23456789",
		math.MinInt64: "-92233720368.54775808",
	} {
		if a.String() != want {
			t.Errorf("%d: %s, want %s", int64(a), a, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		a        Amount
		decimals int
		want     string
	}{
		{123456789, 0, "123456789"}, {123456789, 5, "1234.56789"}, {5, 2, "0.05"}, {-5, 8, "-0.00000005"}, {7, 9, "0.00000007"}, {-7, 0, "-7"},
	} {
		if got := c.a.Format(c.decimals); got != c.want {
			t.Errorf("%d with %d: %s", int64(c.a), c.decimals, got)
		}
	}
}

func TestParseAmount(t *testing.T) {
	for s, want := range map[string]Amount{
		"0": 0, "50": 50 * Unit, "0.00000001": 1, "1.5": 150_000_000, "10000": 10_000 * Unit,
		"92233720368.54775807": math.MaxInt64, "00.10": 10_000_000,
	} {
		if got, err := ParseAmount(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "0.000000001", "92233720368.54775808", "99999999999999999999", " 1", "1 ", "0x10", "1_0", "1.2.3", "\u0661"} {
		if got, err := ParseAmount(s); !errors.Is(err, ErrAmount) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

// What a person types may have a comma for the point, and never one that could be the mark between thousands.
func TestParseTyped(t *testing.T) {
	for s, want := range map[string]Amount{
		" 1,5 ": 150_000_000, "12,50": 1_250_000_000, "0,001": 100_000, "0,500": Unit / 2, "1 000": 1000 * Unit, "1\u202f000,5": 100_050_000_000,
		"1.000": Unit, "1000,000": 1000 * Unit, "1,0000": Unit,
	} {
		if got, err := ParseTyped(s); err != nil || got != want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for s, words := range map[string]string{
		"1,000": "1,000 could be 1 or 1000", "1,500": "1,500 could be 1.5 or 1500", " 21 ,050": "21,050 could be 21.05 or 21050", "999,999": "999.999 or 999999",
		"1,000,000": "between the thousands", "1,000.50": "between the thousands", "1.000,50": "between the thousands", "": "whole coins", ",": "whole coins", ",000": "whole coins", "-1,5": "whole coins",
	} {
		if got, err := ParseTyped(s); !errors.Is(err, ErrAmount) || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

// All of Dogecoin's coins do not fit into an Amount, and the sum says so.
func TestSumsAreChecked(t *testing.T) {
	const coins = 92_233_720_368 * Unit
	if _, err := coins.Add(coins); !errors.Is(err, ErrAmount) {
		t.Errorf("%v", err)
	}
	if sum, err := coins.Add(-coins); err != nil || sum != 0 {
		t.Errorf("%v, %v", sum, err)
	}
	if _, err := Amount(math.MinInt64).Add(-1); !errors.Is(err, ErrAmount) {
		t.Errorf("%v", err)
	}
	if _, err := Amount(math.MinInt64).Add(math.MinInt64); !errors.Is(err, ErrAmount) {
		t.Errorf("%v", err)
	}
	// Dogecoin creates 10,000 a block: 525,600 blocks a year fit, 18 million do not.
	if year, err := (10_000 * Unit).Times(525_600); err != nil || year.String() != "5256000000.00000000" {
		t.Errorf("%v, %v", year, err)
	}
	for a, n := range map[Amount]int64{10_000 * Unit: 18_000_000, math.MaxInt64: 2, -1: 1, 1: -1} {
		if _, err := a.Times(n); !errors.Is(err, ErrAmount) {
			t.Errorf("%d times %d: %v", int64(a), n, err)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	f.Add("50.00000001")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if typed, otherwise := ParseTyped(s); err == nil && (otherwise != nil || typed != a) {
			t.Fatalf("%q reads as %v, and typed as %v, %v", s, a, typed, otherwise)
		}
		if err != nil {
			return
		}
		if again, err := ParseAmount(a.String()); err != nil || again != a || a < 0 {
			t.Fatalf("%q reads as %v, which reads as %v, %v", s, a, again, err)
		}
	})
}
