package desk

import (
	"fmt"
	"slices"
	"strings"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
	"goldpan/core/hasher"
)

// lowDifficulty is asked of pools that grant a low difficulty of sha256d when
// they are asked: a share every few seconds from a processor.
const lowDifficulty = 0.02

// Expand puts the servers of each preset in the place of "preset:NAME", and says
// what else the presets know: coin, algorithm, and whether they promise solo
// mining, where the settings leave it open. used are the presets, in order.
//
// A solo preset that is paid by the name of the user names the payout address
// with it, so that its promise is checked without a further setting.
func Expand(c config.Config) (_ config.Config, used []coin.Pool, err error) {
	var pools []config.Pool
	for _, p := range c.Pools {
		name, ok := strings.CutPrefix(p.URL, config.Preset)
		if !ok {
			pools = append(pools, p)
			continue
		}
		preset, err := presetOf(name)
		if err != nil {
			return config.Config{}, nil, err
		}
		used = append(used, preset)
		switch {
		case c.Coin == "" && c.Algorithm == "":
			c.Coin = preset.Coin
		case c.Algorithm != "" && c.Algorithm != string(preset.Algorithm):
			return config.Config{}, nil, fmt.Errorf("%w: %s is mined with %s", ErrOtherAlgorithm, preset.Name, preset.Algorithm)
		case c.Coin == "":
			c.Coin = preset.Coin
		}
		if p.Password == "" && p.PasswordKey == "" {
			p.Password = preset.Password
		}
		if preset.Solo {
			if p.Solo = true; c.Payout == "" && preset.User != coin.UserAccountWorker {
				c.Payout, _, _ = strings.Cut(p.User, ".")
			}
		}
		if preset.Low == coin.LowSuggest && preset.Algorithm == hasher.SHA256d && c.Difficulty == 0 {
			c.Difficulty = lowDifficulty
		}
		for _, s := range preset.Servers {
			p.URL = s.URL
			pools = append(pools, p)
		}
	}
	if len(pools) > config.MaxPools {
		return config.Config{}, nil, fmt.Errorf("%w: %d servers", ErrTooManyPools, len(pools))
	}
	c.Pools = pools
	return c, used, nil
}

// presetOf looks a preset up.
func presetOf(name string) (coin.Pool, error) {
	all := coin.Pools()
	if i := slices.IndexFunc(all, func(p coin.Pool) bool { return p.ID == name }); i >= 0 {
		return all[i], nil
	}
	return coin.Pool{}, fmt.Errorf("%w: %s", ErrNoPreset, name)
}
