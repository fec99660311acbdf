package tx

import (
	"errors"
	"fmt"
	"slices"

	"goldpan/core/coin"
	"goldpan/wallet/hd"
)

// Rate is a fee in the coin's smallest units for 1,000 virtual bytes.
type Rate int64

// PerByte makes a Rate of smallest units for one virtual byte, as people give it.
func PerByte(f float64) Rate {
	if !(f > 0 && f < 1e12) {
		return 0
	}
	return Rate(f*1000 + 0.5)
}

// String is the rate in smallest units for one virtual byte, as people read it.
func (r Rate) String() string {
	if r%1000 == 0 {
		return fmt.Sprint(int64(r) / 1000)
	}
	return fmt.Sprintf("%.1f", float64(r)/1000)
}

// Fee is what so many virtual bytes cost, rounded up.
func (r Rate) Fee(vsize int) coin.Amount {
	return coin.Amount((int64(r)*int64(vsize) + 999) / 1000)
}

// limits are what Goldpan holds a coin's payments to.
type limits struct {
	floor, ceiling Rate
	most           coin.Amount // that any fee may be
	dustRate       Rate        // of nodes; 0 for Dogecoin, where dust is of one value
	soon, later    Rate        // where no server tells: within some blocks, within a day
}

// Sources: policy.h of Bitcoin Core and of Litecoin Core 0.21; doc/fee-recommendation.md and policy.h of Dogecoin
// Core 1.14, whose nodes pass on a tenth of what they recommend and what miners take: 0.01 DOGE for 1,000 bytes. The
// most are Goldpan's own.
func limitsOf(p *coin.Params) limits {
	switch p.Coin.ID {
	case "dogecoin":
		return limits{floor: 1_000_000, ceiling: 50_000_000, most: 20 * coin.Unit, soon: 1_000_000, later: 1_000_000}
	case "litecoin":
		return limits{floor: 1000, ceiling: 1_000_000, most: coin.Unit / 10, dustRate: 30_000, soon: 10_000, later: 2000}
	}
	return limits{floor: 1000, ceiling: 1_000_000, most: coin.Unit / 50, dustRate: 3000, soon: 20_000, later: 5000}
}

// Floor is the least rate that the coin's nodes pass on, or that its miners take.
func Floor(p *coin.Params) Rate { return limitsOf(p).floor }

// Ceiling is the greatest rate that is ever paid.
func Ceiling(p *coin.Params) Rate { return limitsOf(p).ceiling }

// MostFee is the most that one payment's fee may be.
func MostFee(p *coin.Params) coin.Amount { return limitsOf(p).most }

// Likely is the rate for a payment to be in a block within so many, where nobody can be asked.
func Likely(p *coin.Params, blocks int) Rate {
	l := limitsOf(p)
	if p.Network == coin.Practice || p.Network == coin.Regtest {
		return l.floor
	}
	if blocks > 12 {
		return l.later
	}
	return l.soon
}

// Agree is the rate that several servers' estimates stand for: their median, within what is sane for the coin. An
// estimate that is not above zero counts for nothing; without any, ok is false.
func Agree(p *coin.Params, estimates []Rate) (r Rate, ok bool) {
	l := limitsOf(p)
	list := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(estimates), func(r Rate) bool { return r <= 0 })))
	if len(list) == 0 {
		return 0, false
	}
	// Of an even number the lower of the two in the middle: one server that lies upwards gains nothing.
	return min(max(list[(len(list)-1)/2], l.floor), l.ceiling), true
}

// Dust is the least that an output of this script may pay: nodes pass on no payment that has a smaller one. Sources:
// GetDustThreshold in policy.cpp of Bitcoin Core at its rate of 3 satoshi a byte, of Litecoin Core at 30; of Dogecoin
// the soft limit in policy.h of Dogecoin Core 1.14, below which each output costs 0.01 DOGE more.
func Dust(p *coin.Params, script []byte) coin.Amount {
	l := limitsOf(p)
	if l.dustRate == 0 {
		return coin.Unit / 100
	}
	spend := 148
	if witnessProgram(script) {
		spend = 67
	}
	return l.dustRate.Fee(8 + varintSize(len(script)) + len(script) + spend)
}

func witnessProgram(script []byte) bool {
	return len(script) >= 4 && len(script) <= 42 && (script[0] == 0 || script[0] >= 0x51 && script[0] <= 0x60) && int(script[1]) == len(script)-2
}

// maxWeight is the most weight that nodes pass on, in every coin: 100,000 virtual bytes.
const maxWeight = 400_000

var errKind = errors.New("tx: no such kind of address")

// inputWeight is the most that an input of a kind weighs, signed; a signature may be a byte or two shorter.
func inputWeight(k hd.Kind) (weight int, witness bool, err error) {
	const outpointAndSequence = 36 + 4
	switch k {
	case hd.PKH:
		return 4 * (outpointAndSequence + 1 + 1 + 72 + 1 + 33), false, nil
	case hd.SHWPKH:
		return 4*(outpointAndSequence+1+23) + 1 + 1 + 72 + 1 + 33, true, nil
	case hd.WPKH:
		return 4*(outpointAndSequence+1) + 1 + 1 + 72 + 1 + 33, true, nil
	case hd.TR:
		return 4*(outpointAndSequence+1) + 1 + 1 + 64, true, nil
	}
	return 0, false, errKind
}

func outputWeight(script []byte) int { return 4 * (8 + varintSize(len(script)) + len(script)) }

func varintSize(n int) int {
	switch {
	case n < 0xfd:
		return 1
	case n < 1<<16:
		return 3
	}
	return 5
}

// weight is the most that a transaction weighs, signed.
func weight(kinds []hd.Kind, scripts ...[]byte) (int, error) {
	total := 4 * (4 + varintSize(len(kinds)) + varintSize(len(scripts)) + 4)
	witnesses := 0
	for _, k := range kinds {
		w, witness, err := inputWeight(k)
		if err != nil {
			return 0, err
		}
		total += w
		if witness {
			witnesses++
		}
	}
	if witnesses > 0 {
		total += 2 + len(kinds) - witnesses // marker, flag, and an empty witness for each of the others
	}
	for _, s := range scripts {
		total += outputWeight(s)
	}
	return total, nil
}

func vsize(weight int) int { return (weight + 3) / 4 }
