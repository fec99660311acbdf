package desk

import (
	"errors"
	"testing"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
	"goldpan/core/stratum"
)

// TestExpand: every preset becomes addresses that can be dialled, and says coin
// and promise.
func TestExpand(t *testing.T) {
	all := coin.Pools()
	if len(all) == 0 {
		t.Fatal("there is no preset")
	}
	for _, preset := range all {
		c := config.Default()
		c.Pools = []config.Pool{{URL: config.Preset + preset.ID, User: "ADDRESS.desk"}}
		got, used, err := Expand(c)
		if err != nil || len(used) != 1 || len(got.Pools) != len(preset.Servers) || got.Coin != preset.Coin {
			t.Errorf("%s: %+v, %v", preset.ID, got, err)
			continue
		}
		for _, p := range got.Pools {
			if _, err := stratum.ParseURL(p.URL); err != nil || p.Solo != preset.Solo || p.User != "ADDRESS.desk" {
				t.Errorf("%s: %+v, %v", preset.ID, p, err)
			}
		}
		if preset.Solo && preset.User != coin.UserAccountWorker && got.Payout != "ADDRESS" {
			t.Errorf("%s: the payout address is %q", preset.ID, got.Payout)
		}
		if algorithm, err := algorithmOf(got); err != nil || algorithm != preset.Algorithm {
			t.Errorf("%s: %s, %v", preset.ID, algorithm, err)
		}
	}
	c := config.Config{Pools: []config.Pool{{URL: "preset:nowhere", User: "u"}}}
	if _, _, err := Expand(c); !errors.Is(err, ErrNoPreset) {
		t.Errorf("%v", err)
	}
	c = config.Config{Algorithm: "sha256d", Pools: []config.Pool{{URL: "preset:litecoinpool", User: "u"}}}
	if _, _, err := Expand(c); !errors.Is(err, ErrOtherAlgorithm) {
		t.Errorf("%v", err)
	}
	c = config.Config{Pools: []config.Pool{{URL: "ws://h", User: "u"}}}
	if got, used, err := Expand(c); err != nil || len(used) != 0 || !got.Equal(c) {
		t.Errorf("without a preset: %+v, %v", got, err)
	}
}
