package electrum

import (
	"embed"
	"fmt"
	"strings"

	"goldpan/core/coin"
	"goldpan/core/pow"
)

// Checkpoint is a block that is known to be on a network's chain. What lies below the last one is not proved again by
// a first sync: headers begin shortly before it.
type Checkpoint struct {
	Height int32
	Hash   pow.Hash
}

// The lists name their sources. One that is wrong stops a wallet from syncing, and cannot make it believe another
// chain than those of its servers.
//
//go:embed checkpoints
var checkpoints embed.FS

// Checkpoints are those of a network, in ascending order; none but on main networks and those for tests that all share.
func Checkpoints(p *coin.Params) []Checkpoint {
	name := p.Coin.ID
	switch p.Network {
	case coin.Main:
	case coin.Test:
		name += "-test"
	default:
		return nil
	}
	b, err := checkpoints.ReadFile("checkpoints/" + name + ".txt")
	if err != nil {
		return nil
	}
	var list []Checkpoint
	for line := range strings.Lines(string(b)) {
		var height int32
		var hash string
		if strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := fmt.Sscanf(line, "%d %s", &height, &hash); err != nil {
			panic("electrum: checkpoints: " + line) // a programmer's mistake
		}
		h, err := pow.ParseHash(hash)
		if err != nil {
			panic("electrum: checkpoints: " + line)
		}
		list = append(list, Checkpoint{height, h})
	}
	return list
}

// lead is how many headers before a block its successors' rules look at.
func lead(p *coin.Params, height int32) int32 {
	n := int32(medianBlocks)
	if rule, ok := retargets[p.Coin.ID][p.Network]; ok && rule.window > 1 {
		// The last header of the window before, or the one before that.
		n = max(n, height%rule.window+2)
	}
	return min(n, height)
}
