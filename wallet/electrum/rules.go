package electrum

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
)

// retarget is a rule by which the target changes: every window blocks it is scaled by the time that the last ones
// took over timespan, by at most a factor of 4. The time is that of the window's window-1 intervals, or with whole
// set, of all of them, which begin a block earlier; the very first window has no such block.
type retarget struct {
	window   int32
	timespan int64 // seconds
	whole    bool
	fixed    bool // the target is always the network's limit
	doge     bool // the first blocks could grow harder by more than the factor, and the window ended with shieldHeight
	// late is for networks for tests, 0 elsewhere, in seconds: a block that says to come more than this after the one
	// before has the network's limit as its target, and does not count for the target of those that follow.
	late int64
}

const retargetFactor = 4

// DigiShield, by which Dogecoin's target changes at each block since shieldHeight: an eighth of what the last block's
// time was off goes into the next target, within bounds. Times are in seconds.
const (
	shieldHeight = 145_000
	shieldSpan   = 60
	shieldDamp   = 8
	shieldLeast  = shieldSpan - shieldSpan/4
	shieldMost   = shieldSpan + shieldSpan/2
	shieldLate   = 157_501 // from which height on a late block may be easy on the test network, where none could since shieldHeight
)

// retargets are the rules of every network that there is. Bitcoin's test network is testnet3; Dogecoin's regtest computes
// its targets, to the same effect. Sources: pow.cpp of Bitcoin Core and Litecoin Core, pow.cpp and dogecoin.cpp of
// Dogecoin Core, chainparams.cpp of each, and for a practice chain core/practice.
var retargets = map[string]map[coin.Network]retarget{
	"bitcoin": {
		coin.Main:     {window: 2016, timespan: 14 * 24 * 60 * 60},
		coin.Test:     {window: 2016, timespan: 14 * 24 * 60 * 60, late: 20 * 60},
		coin.Regtest:  {fixed: true},
		coin.Practice: {window: 12, timespan: 12 * int64(coin.PracticeInterval/time.Second)},
	},
	"litecoin": {
		coin.Main:     {window: 2016, timespan: 84 * 60 * 60, whole: true},
		coin.Test:     {window: 2016, timespan: 84 * 60 * 60, whole: true, late: 5 * 60},
		coin.Regtest:  {fixed: true},
		coin.Practice: {window: 12, timespan: 12 * int64(coin.PracticeInterval/time.Second)},
	},
	"dogecoin": {
		coin.Main:    {window: 240, timespan: 4 * 60 * 60, whole: true, doge: true},
		coin.Test:    {window: 240, timespan: 4 * 60 * 60, whole: true, doge: true, late: 2 * 60},
		coin.Regtest: {fixed: true},
	},
}

// medianBlocks is how many headers' median time a new header must pass; future is how far it may run ahead.
const (
	medianBlocks = 11
	future       = 2 * time.Hour
)

// limits are the easiest compact targets of networks whose coin.Params hold Bitcoin's. Sources: chainparams.cpp of
// Litecoin Core 0.21 and Dogecoin Core 1.14.
var limits = map[string]map[coin.Network]uint32{
	"litecoin": {coin.Main: 0x1e0fffff, coin.Test: 0x1e0fffff, coin.Regtest: 0x207fffff},
	"dogecoin": {coin.Main: 0x1e0fffff, coin.Test: 0x1e0fffff, coin.Regtest: 0x207fffff},
}

// genesis are the first blocks' hashes of networks whose coin.Params hold Bitcoin's. Sources as above.
var genesis = map[string]map[coin.Network]string{
	"litecoin": {
		coin.Main:    "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
		coin.Test:    "4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
		coin.Regtest: "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
	},
	"dogecoin": {
		coin.Main:    "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691",
		coin.Test:    "bb0a78264637406b6360aad926284d544d7049f45189db5664f3c4d07350559e",
		coin.Regtest: "3d2160a3b5dc4a9d62e7e66a295f70313ac808440ef7400d6c0772171ce973a5",
	},
}

// Genesis is the hash of the network's first block, and false for a practice network: each of those begins anew.
func Genesis(p *coin.Params) (pow.Hash, bool) {
	if p.Network == coin.Practice {
		return pow.Hash{}, false
	}
	if s, ok := genesis[p.Coin.ID][p.Network]; ok {
		h, err := pow.ParseHash(s)
		return h, err == nil
	}
	return pow.Hash(*p.Chain.GenesisHash), true
}

func limit(p *coin.Params) *big.Int {
	if p.Network != coin.Practice {
		if bits, ok := limits[p.Coin.ID][p.Network]; ok {
			if t, err := pow.TargetFromBits(bits); err == nil {
				return t.Big()
			}
		}
	}
	return p.Chain.PowLimit
}

// ErrHeader says that a header breaks the chain's rules.
var ErrHeader = errors.New("the server sent a block header that breaks the rules")

// check holds when h may stand at height, above 0, with its proof of merged mining if it has one; at gives the headers
// below it, on the branch that h is on.
func (c *Chain) check(h pow.Header, aux *auxProof, height int32, at func(int32) pow.Header) error {
	bad := func(why string) error { return fmt.Errorf("%w: height %d: %s", ErrHeader, height, why) }
	target, err := pow.TargetFromBits(h.Bits)
	if err != nil || target.Big().Cmp(c.limit) > 0 {
		return bad("target out of range")
	}
	if want, known := c.bitsRule(height, h.Time, at); known && h.Bits != want {
		return bad("wrong difficulty")
	}
	if h.Time <= c.medianTime(height, at) {
		return bad("too old")
	}
	// A practice chain's clock is this machine's own, which may be set back.
	if c.params.Network != coin.Practice && int64(h.Time) > c.now().Add(future).Unix() {
		return bad("from the future")
	}
	hash, ok := pow.Hash{}, aux == nil
	if c.aux != nil {
		hash, ok = c.aux.work(h, aux, height, c.params.Algorithm)
	} else if ok {
		hash = h.PoWHash(c.params.Algorithm)
	}
	if !ok || !target.Met(hash) {
		return bad("no proof of work")
	}
	return nil
}

// bitsRule is the compact target that the header at height with that time must have, where the network's rule is built
// in.
func (c *Chain) bitsRule(height int32, time uint32, at func(int32) pow.Header) (bits uint32, known bool) {
	rule, known := retargets[c.params.Coin.ID][c.params.Network]
	if !known {
		return 0, false
	}
	easiest := pow.TargetFromBig(c.limit).Bits()
	if rule.fixed {
		return easiest, true
	}
	last := at(height - 1)
	late := rule.late > 0 && int64(time) > int64(last.Time)+rule.late
	if rule.doge && height >= shieldHeight {
		if late && height >= shieldLate {
			return easiest, true
		}
		span := int64(last.Time) - int64(at(height-2).Time)
		span = shieldSpan + (span-shieldSpan)/shieldDamp
		return c.scale(last.Bits, min(max(span, shieldLeast), shieldMost), shieldSpan), true
	}
	if height%rule.window != 0 {
		if late {
			return easiest, true
		}
		// The first of a window cannot be late, though it may have the limit by the rule.
		for h := height - 1; rule.late > 0 && h%rule.window != 0 && last.Bits == easiest; {
			h--
			last = at(h)
		}
		return last.Bits, true
	}
	begin := height - rule.window
	if rule.whole && begin > 0 {
		begin--
	}
	least := rule.timespan / retargetFactor
	switch {
	case rule.doge && height <= 5_000:
		least /= 4
	case rule.doge && height <= 10_000:
		least /= 2
	}
	span := int64(last.Time) - int64(at(begin).Time)
	return c.scale(last.Bits, min(max(span, least), rule.timespan*retargetFactor), rule.timespan), true
}

// scale is a compact target times span over timespan, at most the limit.
func (c *Chain) scale(bits uint32, span, timespan int64) uint32 {
	old, err := pow.TargetFromBits(bits)
	if err != nil {
		return 0
	}
	next := old.Big()
	next.Mul(next, big.NewInt(span))
	next.Div(next, big.NewInt(timespan))
	if next.Cmp(c.limit) > 0 {
		next = c.limit
	}
	return pow.TargetFromBig(next).Bits()
}

// medianTime is the middle of the times of up to 11 headers below height.
func (c *Chain) medianTime(height int32, at func(int32) pow.Header) uint32 {
	var times [medianBlocks]uint32
	n := 0
	for h := height - 1; h >= c.start && n < medianBlocks; h-- {
		t := at(h).Time
		i := n
		for ; i > 0 && times[i-1] > t; i-- {
			times[i] = times[i-1]
		}
		times[i] = t
		n++
	}
	return times[n/2]
}

// work is how many hashes a header stands for.
func work(bits uint32) *big.Int {
	t, err := pow.TargetFromBits(bits)
	if err != nil {
		return new(big.Int)
	}
	n := t.Big()
	n.Add(n, big.NewInt(1))
	return n.Div(new(big.Int).Lsh(big.NewInt(1), 256), n)
}
