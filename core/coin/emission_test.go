package coin

import (
	"errors"
	"testing"
)

// Heights and rewards from the nodes' rules: GetBlockSubsidy of Bitcoin Core and
// Litecoin Core, GetDogecoinBlockSubsidy of Dogecoin Core.
func TestReward(t *testing.T) {
	for _, c := range []struct {
		coin    string
		network Network
		height  int64
		want    string // "" where it is not known
	}{
		{"bitcoin", Main, 0, "50.00000000"},
		{"bitcoin", Main, 209_999, "50.00000000"},
		{"bitcoin", Main, 210_000, "25.00000000"},
		{"bitcoin", Main, 420_000, "12.50000000"},
		{"bitcoin", Main, 630_000, "6.25000000"},
		{"bitcoin", Main, 840_000, "3.12500000"},
		{"bitcoin", Main, 1_050_000, "1.56250000"},
		{"bitcoin", Main, 6_719_999, "0.00000002"},
		{"bitcoin", Main, 6_720_000, "0.00000001"},
		{"bitcoin", Main, 6_929_999, "0.00000001"},
		{"bitcoin", Main, 6_930_000, "0.00000000"},
		{"bitcoin", Main, 1 << 62, "0.00000000"},
		{"bitcoin", Test, 210_000, "25.00000000"},
		{"bitcoin", Regtest, 149, "50.00000000"},
		{"bitcoin", Regtest, 150, "25.00000000"},
		{"litecoin", Main, 0, "50.00000000"},
		{"litecoin", Main, 839_999, "50.00000000"},
		{"litecoin", Main, 840_000, "25.00000000"},
		{"litecoin", Main, 1_680_000, "12.50000000"},
		{"litecoin", Main, 2_520_000, "6.25000000"},
		{"litecoin", Main, 3_360_000, "3.12500000"},
		{"litecoin", Main, 27_719_999, "0.00000001"},
		{"litecoin", Main, 27_720_000, "0.00000000"},
		{"litecoin", Test, 840_000, "25.00000000"},
		{"litecoin", Regtest, 432, "12.50000000"},
		{"dogecoin", Main, 0, ""},
		{"dogecoin", Main, 99_999, ""},
		{"dogecoin", Main, 144_999, ""},
		{"dogecoin", Main, 145_000, "250000.00000000"},
		{"dogecoin", Main, 199_999, "250000.00000000"},
		{"dogecoin", Main, 200_000, "125000.00000000"},
		{"dogecoin", Main, 300_000, "62500.00000000"},
		{"dogecoin", Main, 400_000, "31250.00000000"},
		{"dogecoin", Main, 500_000, "15625.00000000"},
		{"dogecoin", Main, 599_999, "15625.00000000"},
		{"dogecoin", Main, 600_000, "10000.00000000"},
		{"dogecoin", Main, 1 << 62, "10000.00000000"},
		{"dogecoin", Test, 145_000, "250000.00000000"},
		{"dogecoin", Regtest, 0, "500000.00000000"},
		{"dogecoin", Regtest, 149, "500000.00000000"},
		{"dogecoin", Regtest, 899, "15625.00000000"},
		{"dogecoin", Regtest, 900, "10000.00000000"},
		{"bitcoin", Main, -1, ""},
	} {
		r, err := params(t, c.coin, c.network).Reward(c.height)
		switch {
		case c.want == "" && !errors.Is(err, ErrReward), c.want != "" && (err != nil || r.String() != c.want):
			t.Errorf("%s %s at %d: %v, %v; want %s", c.coin, c.network, c.height, r, err, c.want)
		}
	}
}

// All of Bitcoin's rewards make what everybody knows: a little less than
// 21 million.
func TestTwentyOneMillion(t *testing.T) {
	p := params(t, "bitcoin", Main)
	var all Amount
	for height, more := int64(0), true; more; {
		next, changes := p.NextReward(height)
		more = changes
		if !more {
			break
		}
		r, err := p.Reward(height)
		if err != nil {
			t.Fatal(err)
		}
		part, err := r.Times(next - height)
		if err != nil {
			t.Fatal(err)
		}
		if all, err = all.Add(part); err != nil {
			t.Fatal(err)
		}
		height = next
	}
	if all.String() != "20999999.97690000" {
		t.Errorf("%v", all)
	}
}

func TestNextReward(t *testing.T) {
	for _, c := range []struct {
		coin   string
		height int64
		want   int64 // 0: never
	}{
		{"bitcoin", -5, 210_000}, {"bitcoin", 0, 210_000}, {"bitcoin", 209_999, 210_000}, {"bitcoin", 210_000, 420_000},
		{"bitcoin", 6_929_999, 6_930_000}, {"bitcoin", 6_930_000, 0}, {"bitcoin", 1 << 61, 0},
		{"dogecoin", 0, 145_000}, {"dogecoin", 145_000, 200_000}, {"dogecoin", 599_999, 600_000}, {"dogecoin", 600_000, 0},
	} {
		at, ok := params(t, c.coin, Main).NextReward(c.height)
		if at = max(at, 0); ok != (c.want != 0) || ok && at != c.want {
			t.Errorf("%s after %d: %d, %v; want %d", c.coin, c.height, at, ok, c.want)
		}
	}
}
