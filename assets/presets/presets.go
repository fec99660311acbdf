// Package presets embeds what Goldpan knows of coins and pools: one JSON file
// for each, with where its facts come from. core/coin reads and checks them.
//
// It is data. Nothing here is fetched from elsewhere or fixed at build time,
// and no file holds an account, an address or a password of anybody.
package presets

import "embed"

//go:embed coins/*.json pools/*.json ended.json
var files embed.FS

// Files is the folder: coins/ID.json, pools/ID.json, and ended.json with the
// coins that cannot be mined any more.
func Files() embed.FS { return files }
