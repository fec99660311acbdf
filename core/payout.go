package core

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"goldpan/core/pow"
)

// leastShare is how much of a block a pool that promises solo mining has to pay
// to the miner: their fees are 0 to 3 in a hundred.
const leastShare = 0.95

// PaysTo tells what share, from 0 to 1, of all that a block found with job pays
// goes to script, and whether it pays script at all. An output that the miner's
// own bytes can change counts for nobody. The error is [pow.ErrCoinbase] when
// the job does not tell whom it pays.
func PaysTo(job *pow.Job, script []byte) (share float64, ok bool, err error) {
	if len(script) == 0 {
		return 0, false, errors.New("no script to look for")
	}
	outputs, err := job.Outputs()
	if err != nil {
		return 0, false, err
	}
	var all, mine uint64
	for _, o := range outputs {
		if o.Value > math.MaxUint64-all {
			return 0, false, fmt.Errorf("%w: its sum is too large", pow.ErrCoinbase)
		}
		all += o.Value
		if !o.Open && bytes.Equal(o.Script, script) {
			mine += o.Value
			ok = true
		}
	}
	if mine == 0 {
		return 0, ok && all == 0, nil // an output of nothing pays nobody, unless nothing is paid at all
	}
	return float64(mine) / float64(all), true, nil
}

// PayoutWarning is what to tell the person when a pool promises solo mining and
// PaysTo answers as given; "" when all is well.
func PayoutWarning(share float64, ok bool, err error) string {
	switch {
	case err != nil:
		return "This pool promises that a block you find pays you, but Goldpan cannot read whom its work pays. Choose another pool unless you trust this one."
	case !ok:
		return "This pool promises that a block you find pays you, but its work does not pay your address at all. Stop, check the address, or choose another pool."
	case share < leastShare:
		return "This pool promises that a block you find pays you, but less than " + lessThan(share) + " of the block would go to your address. Check the pool's fee, or choose another pool."
	}
	return ""
}

// lessThan names the next mark above a share. It is coarse, so that a share that
// changes a little from job to job is not told anew each time.
func lessThan(share float64) string {
	switch {
	case share < 0.01:
		return "1%"
	case share < 0.1:
		return "10%"
	case share < 0.5:
		return "half"
	}
	return "95%"
}
