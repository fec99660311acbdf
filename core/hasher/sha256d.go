package hasher

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// SumSHA256d returns SHA-256(SHA-256(b)) in internal byte order.
func SumSHA256d(b []byte) [32]byte {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}

// initial and round are the constants of FIPS 180-4, section 5.3.3 and 4.2.2.
var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

var round = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// block runs the SHA-256 compression function: state is updated by the message
// block m, sixteen big-endian words. m is left as it was.
func block(state *[8]uint32, m *[16]uint32) {
	w := *m
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for i := 0; i < 64; i++ {
		// The schedule is kept as a ring of sixteen words.
		k := i & 15
		if i >= 16 {
			v1, v2 := w[(i-15)&15], w[(i-2)&15]
			w[k] += (bits.RotateLeft32(v1, -7) ^ bits.RotateLeft32(v1, -18) ^ v1>>3) +
				(bits.RotateLeft32(v2, -17) ^ bits.RotateLeft32(v2, -19) ^ v2>>10) + w[(i-7)&15]
		}
		t1 := h + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) +
			(g ^ e&(f^g)) + round[i] + w[k]
		t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&(b|c) | b&c)
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	state[0] += a
	state[1] += b
	state[2] += c
	state[3] += d
	state[4] += e
	state[5] += f
	state[6] += g
	state[7] += h
}

// sha256dGeneric is the plain Go kernel for sha256d.
type sha256dGeneric struct{}

func (sha256dGeneric) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	// The header's last 16 bytes, padded to a block: 80 bytes are 640 bits.
	tail := [16]uint32{w.Header[16], w.Header[17], w.Header[18], 0, 0x80000000, 15: 640}
	for i := uint32(0); i < count; i++ {
		nonce := first + i
		tail[3] = bits.ReverseBytes32(nonce)
		inner := w.Midstate
		block(&inner, &tail)
		// The first digest, padded to a block: 32 bytes are 256 bits.
		second := [16]uint32{inner[0], inner[1], inner[2], inner[3], inner[4], inner[5], inner[6], inner[7], 0x80000000, 15: 256}
		digest := initial
		block(&digest, &second)
		if bits.ReverseBytes32(digest[7]) <= w.Target[7] && w.meets(&digest) {
			hits.add(nonce)
			if hits.N == MaxHits {
				return i + 1
			}
		}
	}
	return count
}

// digestBytes writes eight big-endian words as 32 bytes.
func digestBytes(words *[8]uint32) (d [32]byte) {
	for i, v := range words {
		binary.BigEndian.PutUint32(d[4*i:], v)
	}
	return d
}
