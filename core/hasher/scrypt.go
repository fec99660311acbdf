package hasher

import "math/bits"

// scryptN is the cost parameter of the scrypt coins.
const scryptN = 1024

// scryptGeneric is the plain Go kernel for scrypt with r=1 and p=1. v is the
// array V of RFC 7914, N blocks of 128 bytes, each as 32 words in the order
// of the RFC's little-endian input.
type scryptGeneric struct{ v [][32]uint32 }

func newScryptGeneric(n int) *scryptGeneric { return &scryptGeneric{v: make([][32]uint32, n)} }

func (s *scryptGeneric) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	header := w.Header
	for i := uint32(0); i < count; i++ {
		nonce := first + i
		header[19] = bits.ReverseBytes32(nonce)
		digest := s.sum(&w.Midstate, &header)
		if w.meets(&digest) {
			hits.add(nonce)
			if hits.N == MaxHits {
				return i + 1
			}
		}
	}
	return count
}

// sumScrypt is the reference used to check hits.
func sumScrypt(h *Header) [32]byte {
	w := NewWork(Scrypt, h, [32]byte{})
	header := w.Header
	header[19] = uint32(h[76])<<24 | uint32(h[77])<<16 | uint32(h[78])<<8 | uint32(h[79])
	digest := newScryptGeneric(scryptN).sum(&w.Midstate, &header)
	return digestBytes(&digest)
}

// sum returns scrypt(header, header, N, 1, 1) as eight big-endian words.
// midstate is the SHA-256 state after the header's first 64 bytes.
func (s *scryptGeneric) sum(midstate *[8]uint32, header *[20]uint32) [8]uint32 {
	// HMAC hashes a key longer than a block first, and 80 bytes are longer.
	key := *midstate
	block(&key, &[16]uint32{header[16], header[17], header[18], header[19], 0x80000000, 15: 640})
	inner, outer := hmacStates(&key)

	// PBKDF2 with one iteration: T(i) = HMAC(key, header ‖ i), four times.
	salted := inner
	block(&salted, (*[16]uint32)(header[:16]))
	var x [32]uint32
	for i := uint32(0); i < 4; i++ {
		t := salted
		// 64 bytes of key block and 84 of message are 1184 bits.
		block(&t, &[16]uint32{header[16], header[17], header[18], header[19], i + 1, 0x80000000, 15: 1184})
		t = hmacFinish(&outer, &t)
		for j, v := range t {
			x[int(i)*8+j] = bits.ReverseBytes32(v)
		}
	}

	s.mix(&x)

	// HMAC(key, x ‖ 1): 64 + 128 + 4 bytes are 1568 bits.
	var m [16]uint32
	for half := 0; half < 32; half += 16 {
		for j := range m {
			m[j] = bits.ReverseBytes32(x[half+j])
		}
		block(&inner, &m)
	}
	block(&inner, &[16]uint32{1, 0x80000000, 15: 1568})
	return hmacFinish(&outer, &inner)
}

// hmacStates returns the SHA-256 states after HMAC's inner and outer key
// blocks (RFC 2104) for a key of eight words.
func hmacStates(key *[8]uint32) (inner, outer [8]uint32) {
	var ipad, opad [16]uint32
	for i := range ipad {
		ipad[i], opad[i] = 0x36363636, 0x5c5c5c5c
		if i < 8 {
			ipad[i] ^= key[i]
			opad[i] ^= key[i]
		}
	}
	inner, outer = initial, initial
	block(&inner, &ipad)
	block(&outer, &opad)
	return inner, outer
}

// hmacFinish hashes an inner digest under the outer state: 96 bytes in all.
func hmacFinish(outer, inner *[8]uint32) [8]uint32 {
	d := *outer
	block(&d, &[16]uint32{inner[0], inner[1], inner[2], inner[3], inner[4], inner[5], inner[6], inner[7], 0x80000000, 15: 768})
	return d
}

// mix is scryptROMix of RFC 7914, section 5, for r=1. N is the length of s.v, a
// power of two.
func (s *scryptGeneric) mix(x *[32]uint32) {
	for i := range s.v {
		s.v[i] = *x
		blockMix(x)
	}
	mask := uint32(len(s.v) - 1)
	for range s.v {
		v := &s.v[x[16]&mask]
		for j := range x {
			x[j] ^= v[j]
		}
		blockMix(x)
	}
}

// blockMix is scryptBlockMix of RFC 7914, section 4, for r=1.
func blockMix(x *[32]uint32) {
	lo, hi := (*[16]uint32)(x[:16]), (*[16]uint32)(x[16:])
	salsa208(lo, hi)
	salsa208(hi, lo)
}

// salsa208 replaces b by Salsa20/8(b xor in), RFC 7914, section 3.
func salsa208(b, in *[16]uint32) {
	for i := range b {
		b[i] ^= in[i]
	}
	x0, x1, x2, x3, x4, x5, x6, x7 := b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
	x8, x9, x10, x11, x12, x13, x14, x15 := b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
	for i := 0; i < 4; i++ {
		// Columns.
		x4 ^= bits.RotateLeft32(x0+x12, 7)
		x8 ^= bits.RotateLeft32(x4+x0, 9)
		x12 ^= bits.RotateLeft32(x8+x4, 13)
		x0 ^= bits.RotateLeft32(x12+x8, 18)
		x9 ^= bits.RotateLeft32(x5+x1, 7)
		x13 ^= bits.RotateLeft32(x9+x5, 9)
		x1 ^= bits.RotateLeft32(x13+x9, 13)
		x5 ^= bits.RotateLeft32(x1+x13, 18)
		x14 ^= bits.RotateLeft32(x10+x6, 7)
		x2 ^= bits.RotateLeft32(x14+x10, 9)
		x6 ^= bits.RotateLeft32(x2+x14, 13)
		x10 ^= bits.RotateLeft32(x6+x2, 18)
		x3 ^= bits.RotateLeft32(x15+x11, 7)
		x7 ^= bits.RotateLeft32(x3+x15, 9)
		x11 ^= bits.RotateLeft32(x7+x3, 13)
		x15 ^= bits.RotateLeft32(x11+x7, 18)
		// Rows.
		x1 ^= bits.RotateLeft32(x0+x3, 7)
		x2 ^= bits.RotateLeft32(x1+x0, 9)
		x3 ^= bits.RotateLeft32(x2+x1, 13)
		x0 ^= bits.RotateLeft32(x3+x2, 18)
		x6 ^= bits.RotateLeft32(x5+x4, 7)
		x7 ^= bits.RotateLeft32(x6+x5, 9)
		x4 ^= bits.RotateLeft32(x7+x6, 13)
		x5 ^= bits.RotateLeft32(x4+x7, 18)
		x11 ^= bits.RotateLeft32(x10+x9, 7)
		x8 ^= bits.RotateLeft32(x11+x10, 9)
		x9 ^= bits.RotateLeft32(x8+x11, 13)
		x10 ^= bits.RotateLeft32(x9+x8, 18)
		x12 ^= bits.RotateLeft32(x15+x14, 7)
		x13 ^= bits.RotateLeft32(x12+x15, 9)
		x14 ^= bits.RotateLeft32(x13+x12, 13)
		x15 ^= bits.RotateLeft32(x14+x13, 18)
	}
	b[0] += x0
	b[1] += x1
	b[2] += x2
	b[3] += x3
	b[4] += x4
	b[5] += x5
	b[6] += x6
	b[7] += x7
	b[8] += x8
	b[9] += x9
	b[10] += x10
	b[11] += x11
	b[12] += x12
	b[13] += x13
	b[14] += x14
	b[15] += x15
}
