package engine

import (
	"math/bits"

	"goldpan/core/pow"
)

// maxRoll is how far the time of a header may be rolled forward, in seconds.
// Networks refuse a block that is two hours ahead.
const maxRoll = 7000

// roll is what is varied of a header when every extranonce2 has been given out:
// first the bits of the version that the job leaves free (BIP310), then the time,
// forward from the job's. The zero value is the job as it came.
type roll struct {
	versions uint32 // how many were tried before the present one
	seconds  uint32
}

// free returns the bits that may be rolled: those of the mask that are 0 in the
// job. There it makes no difference whether a pool replaces, ors or xors them.
func free(j *pow.Job) uint32 { return j.VersionMask &^ j.Version }

// next goes on to what has not been tried; false when all has.
func (r *roll) next(j *pow.Job) bool {
	if n := bits.OnesCount32(free(j)); uint64(r.versions)+1 < 1<<n {
		r.versions++
		return true
	}
	if r.seconds >= maxRoll || j.Time+r.seconds == 1<<32-1 {
		return false
	}
	r.seconds++
	r.versions = 0
	return true
}

// version spreads the count of versions over the free bits.
func (r *roll) version(j *pow.Job) uint32 {
	v, count := j.Version, r.versions
	for mask := free(j); mask != 0 && count != 0; count >>= 1 {
		lowest := mask & -mask
		if count&1 != 0 {
			v |= lowest
		}
		mask &^= lowest
	}
	return v
}
