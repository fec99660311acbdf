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
	// VersionMask has the bits of Version that a miner may choose (BIP310); 0 when it may choose none.
	VersionMask uint32
	// Conn tells connections apart: a share is of use on the connection alone
	// that its job came from.
	Conn uint64
}

// Solution is what a miner chooses: with a Job it makes a Header.
type Solution struct {
	Extranonce2 []byte
	Version     uint32 // the whole field; it differs from the job's in bits of VersionMask alone
	Time, Nonce uint32
}

// Header returns the header that a miner hashes who chose s.
func (j *Job) Header(s Solution) Header {
	return Header{
		Version: s.Version,
		Prev:    j.Prev,
		Merkle:  MerkleRoot(hasher.SumSHA256d(j.Coinbase(s.Extranonce2)), j.Branch),
		Time:    s.Time,
		Bits:    j.Bits,
		Nonce:   s.Nonce,
	}
}

// Share is a Solution whose hash was computed again and meets the target of its
// job.
type Share struct {
	Job *Job
	Solution
	Hash       Hash    // the proof-of-work hash
	Difficulty float64 // the highest difficulty that Hash meets
}

// Check hashes what a lane reported again with the reference code, and returns
// the share, or false if its hash does not meet the job's target.
func (j *Job) Check(s Solution) (Share, bool) {
	hash := j.Header(s).PoWHash(j.Algorithm)
	if !j.Target.Met(hash) {
		return Share{}, false
	}
	return Share{Job: j, Solution: s, Hash: hash, Difficulty: DifficultyOf(j.Algorithm, hash)}, true
}
