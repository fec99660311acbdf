// Package pow holds what proof of work is made of: headers, targets,
// difficulty, jobs and shares. It computes and does no I/O.
//
// Hashes and targets are kept in internal byte order, the order in which
// SHA-256 gives them; read as a number they are little-endian, and only String
// reverses them into the order in which people read them. Difficulty 1 is the
// target of pools: 0x00000000ffff0000… for sha256d, and 65,536 times that for
// scrypt.
package pow

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"goldpan/core/hasher"
)

// Hash is a 32-byte hash in internal byte order. The zero value is the hash
// that a genesis block names as its predecessor.
type Hash [32]byte

// String returns h as people write it: reversed, in hex.
func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// ParseHash is the inverse of [Hash.String].
func ParseHash(s string) (h Hash, err error) {
	if len(s) != 64 {
		return h, fmt.Errorf("hash has %d characters, not 64", len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, errors.New("hash is not hex")
	}
	slices.Reverse(h[:])
	return h, nil
}

// Header is a block header. Prev and Merkle are in internal byte order.
type Header struct {
	Version      uint32
	Prev, Merkle Hash
	Time         uint32 // seconds since 1970
	Bits         uint32 // the block's target in compact form
	Nonce        uint32
}

// Bytes returns h as it goes over the wire.
func (h Header) Bytes() (b hasher.Header) {
	binary.LittleEndian.PutUint32(b[0:], h.Version)
	copy(b[4:], h.Prev[:])
	copy(b[36:], h.Merkle[:])
	binary.LittleEndian.PutUint32(b[68:], h.Time)
	binary.LittleEndian.PutUint32(b[72:], h.Bits)
	binary.LittleEndian.PutUint32(b[76:], h.Nonce)
	return b
}

// ParseHeader is the inverse of [Header.Bytes]; it refuses any length but 80.
func ParseHeader(b []byte) (h Header, err error) {
	if len(b) != hasher.HeaderSize {
		return h, fmt.Errorf("block header has %d bytes, not %d", len(b), hasher.HeaderSize)
	}
	h.Version = binary.LittleEndian.Uint32(b[0:])
	copy(h.Prev[:], b[4:])
	copy(h.Merkle[:], b[36:])
	h.Time = binary.LittleEndian.Uint32(b[68:])
	h.Bits = binary.LittleEndian.Uint32(b[72:])
	h.Nonce = binary.LittleEndian.Uint32(b[76:])
	return h, nil
}

// BlockHash returns the hash that names the block: SHA-256d, whatever the
// proof of work is.
func (h Header) BlockHash() Hash {
	b := h.Bytes()
	return hasher.SumSHA256d(b[:])
}

// PoWHash returns the hash that proves the work.
func (h Header) PoWHash(a hasher.Algorithm) Hash {
	b := h.Bytes()
	return a.Sum(&b)
}

// Target is the largest hash that counts, as a little-endian number. The zero
// value is met by no hash that anyone will find.
type Target [32]byte

// ErrBits is returned for a compact target that is negative, zero, or over 256
// bits.
var ErrBits = errors.New("compact target out of range")

// TargetFromBits expands the compact form of a block header: a base-256
// exponent in the highest byte and a 23-bit mantissa with a sign bit.
func TargetFromBits(bits uint32) (t Target, err error) {
	mantissa, exponent := bits&0x7fffff, int(bits>>24)
	if bits&0x800000 != 0 || mantissa == 0 {
		return t, ErrBits
	}
	for i := 0; i < 3; i++ {
		b := byte(mantissa >> (8 * i))
		at := exponent - 3 + i
		switch {
		case at >= 0 && at < len(t):
			t[at] = b
		case at >= len(t) && b != 0:
			return Target{}, ErrBits
		}
	}
	if t == (Target{}) {
		return t, ErrBits
	}
	return t, nil
}

// Bits returns the compact form of t, rounded down to 23 or 16 bits of
// mantissa as the header's format does.
func (t Target) Bits() uint32 {
	size := len(t)
	for size > 0 && t[size-1] == 0 {
		size--
	}
	var mantissa uint32
	for i := 0; i < 3; i++ {
		mantissa <<= 8
		if at := size - 1 - i; at >= 0 {
			mantissa |= uint32(t[at])
		}
	}
	if mantissa&0x800000 != 0 { // would read as a sign
		mantissa >>= 8
		size++
	}
	return uint32(size)<<24 | mantissa
}

// Big returns t as a number.
func (t Target) Big() *big.Int {
	slices.Reverse(t[:])
	return new(big.Int).SetBytes(t[:])
}

// TargetFromBig returns n as a target, the largest one if n has over 256 bits,
// and the zero target if n is negative.
func TargetFromBig(n *big.Int) (t Target) {
	switch {
	case n.Sign() < 0:
		return t
	case n.BitLen() > 256:
		for i := range t {
			t[i] = 0xff
		}
		return t
	}
	n.FillBytes(t[:])
	slices.Reverse(t[:])
	return t
}

// Met tells whether h is at most t.
func (t Target) Met(h Hash) bool {
	for i := len(t) - 1; i >= 0; i-- {
		if h[i] != t[i] {
			return h[i] < t[i]
		}
	}
	return true
}

// Expected returns how many hashes it takes on average to meet t.
func (t Target) Expected() float64 {
	n := new(big.Float).SetInt(t.Big())
	n.Add(n, big.NewFloat(1))
	f, _ := new(big.Float).Quo(new(big.Float).SetMantExp(big.NewFloat(1), 256), n).Float64()
	return f
}

// one returns the target of difficulty 1 for a.
func one(a hasher.Algorithm) *big.Int {
	shift := uint(208)
	if a != hasher.SHA256d {
		shift += 16
	}
	return new(big.Int).Lsh(big.NewInt(0xffff), shift)
}

// TargetFromDifficulty returns the target that a pool means by difficulty d.
// One that is not a positive number gives the hardest target, so that a pool
// that sends nonsense gets no shares instead of a flood.
func TargetFromDifficulty(a hasher.Algorithm, d float64) Target {
	if math.IsNaN(d) || math.IsInf(d, 0) || d <= 0 {
		return Target{}
	}
	// 256 bits of precision keep the quotient exact where pools compute it
	// with integers.
	q := new(big.Float).SetPrec(320).SetInt(one(a))
	q.Quo(q, new(big.Float).SetPrec(320).SetFloat64(d))
	n, _ := q.Int(nil)
	return TargetFromBig(n)
}

// Difficulty is the inverse of [TargetFromDifficulty].
func (t Target) Difficulty(a hasher.Algorithm) float64 {
	n := t.Big()
	if n.Sign() == 0 {
		return math.Inf(1)
	}
	f, _ := new(big.Float).Quo(new(big.Float).SetInt(one(a)), new(big.Float).SetInt(n)).Float64()
	return f
}

// DifficultyOf returns the highest difficulty whose target h meets.
func DifficultyOf(a hasher.Algorithm, h Hash) float64 { return Target(h).Difficulty(a) }

// MerkleRoot hashes leaf, the first transaction's id, up a merkle branch.
func MerkleRoot(leaf Hash, branch []Hash) Hash {
	var pair [64]byte
	for _, h := range branch {
		copy(pair[:32], leaf[:])
		copy(pair[32:], h[:])
		leaf = hasher.SumSHA256d(pair[:])
	}
	return leaf
}

// MerkleBranch returns the branch of the first leaf. leaves[0] itself does not
// matter: in a pool's job it is the coinbase, which is not known yet.
func MerkleBranch(leaves []Hash) (branch []Hash) {
	level := slices.Clone(leaves)
	var pair [64]byte
	for len(level) > 1 {
		branch = append(branch, level[1])
		if len(level)%2 == 1 { // the last is paired with itself
			level = append(level, level[len(level)-1])
		}
		for i := 0; i < len(level); i += 2 {
			copy(pair[:32], level[i][:])
			copy(pair[32:], level[i+1][:])
			level[i/2] = hasher.SumSHA256d(pair[:])
		}
		level = level[:len(level)/2]
	}
	return branch
}
