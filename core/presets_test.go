package core_test

import (
	"testing"

	"goldpan/core/coin"
	"goldpan/core/stratum"
)

// core/coin may not know stratum: that every preset's server can be dialled is
// seen here.
func TestPresetsParse(t *testing.T) {
	for _, p := range coin.Pools() {
		for _, s := range p.Servers {
			if _, err := stratum.ParseURL(s.URL); err != nil {
				t.Errorf("%s: %s: %v", p.ID, s.URL, err)
			}
		}
		if _, err := coin.ByID(p.Coin); err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
	}
}
