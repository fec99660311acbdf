package pow

import (
	"goldpan/core/hasher"
)

// Job is what a pool sent, together with what held on its connection when it
// came. It is immutable once handed on.
type Job struct {
	ID        string
	Algorithm hasher.Algorithm
	Prev      Hash
	// The coinbase transaction, without witness, is Coinbase1, Extranonce1,
	// the miner's extranonce2, Coinbase2.
	Coinbase1, Coinbase2 []byte
	Branch               []Hash // from the coinbase up to the merkle root
	Version, Bits        uint32
	Time                 uint32 // seconds since 1970; it may be rolled forward, never back
	Clean                bool   // shares of earlier jobs are of no use any more
	Extranonce1          []byte
	Extranonce2Size      int // in bytes
	Target               Target
	Difficulty           float64 // what Target was made from
	// Conn tells connections apart: a share is of use on the connection alone
	// that its job came from.
	Conn uint64
}

// Header returns the header that a miner hashes who chose this extranonce2,
// time and nonce.
func (j *Job) Header(extranonce2 []byte, time, nonce uint32) Header {
	coinbase := make([]byte, 0, len(j.Coinbase1)+len(j.Extranonce1)+len(extranonce2)+len(j.Coinbase2))
	coinbase = append(coinbase, j.Coinbase1...)
	coinbase = append(coinbase, j.Extranonce1...)
	coinbase = append(coinbase, extranonce2...)
	coinbase = append(coinbase, j.Coinbase2...)
	return Header{
		Version: j.Version,
		Prev:    j.Prev,
		Merkle:  MerkleRoot(hasher.SumSHA256d(coinbase), j.Branch),
		Time:    time,
		Bits:    j.Bits,
		Nonce:   nonce,
	}
}

// Share is a nonce whose hash was computed again and meets the target of its
// job.
type Share struct {
	Job         *Job
	Extranonce2 []byte
	Time, Nonce uint32
	Hash        Hash    // the proof-of-work hash
	Difficulty  float64 // the highest difficulty that Hash meets
}

// Check hashes what a lane reported again with the reference code, and returns
// the share, or false if its hash does not meet the job's target.
func (j *Job) Check(extranonce2 []byte, time, nonce uint32) (Share, bool) {
	hash := j.Header(extranonce2, time, nonce).PoWHash(j.Algorithm)
	if !j.Target.Met(hash) {
		return Share{}, false
	}
	return Share{Job: j, Extranonce2: extranonce2, Time: time, Nonce: nonce, Hash: hash, Difficulty: DifficultyOf(j.Algorithm, hash)}, true
}
