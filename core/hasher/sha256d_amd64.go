//go:build !purego

package hasher

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// sha256dAMD64 returns the kernels for sha256d that this processor runs.
func sha256dAMD64() (all []Kernel) {
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ {
		all = append(all, Kernel{"avx512", SHA256d, 1 << 18, func() Scanner { return newSHA256dVector(sha256dAVX512, 16, 1) }})
	}
	if x.HasSSSE3 && cpuHasSHA() {
		all = append(all, Kernel{"shani", SHA256d, 1 << 16, func() Scanner { return newSHA256dVector(sha256dSHANI, 3, 0) }})
	}
	if x.HasAVX2 {
		all = append(all, Kernel{"avx2", SHA256d, 1 << 16, func() Scanner { return newSHA256dVector(sha256dAVX2, 8, 8) }})
	}
	return all
}

// sha256dPrepared is what the nonces of one Work have in common, computed once
// a scan. In the first hash the header's last four words are the beginning of
// the second block, and the nonce is the fourth of them: the rounds before it
// and much of the message schedule do not depend on it. _gen/sha256d has the
// same words in the same order.
type sha256dPrepared struct {
	// State holds a to g after the four rounds that take the header's words.
	// The nonce's word is still to be added to a and to e.
	State [7]uint32
	// H4 to H6 are h, the constant and the message word of these rounds.
	H4, H5, H6 uint32
	// KW16 and KW17 are the constant and the message word of these rounds.
	KW16, KW17 uint32
	// W16 and W17 are message words; the others lack what depends on the nonce.
	W16, W17, W18, W19, W31, W32 uint32

	Midstate [8]uint32
	Target   uint32 // the most significant word
}

func smallSigma0(x uint32) uint32 {
	return bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
}

func smallSigma1(x uint32) uint32 {
	return bits.RotateLeft32(x, -17) ^ bits.RotateLeft32(x, -19) ^ x>>10
}

func (p *sha256dPrepared) prepare(w *Work) {
	const padding, length = 0x80000000, 640
	m := w.Midstate
	a, b, c, d, e, f, g, h := m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7]
	for i, word := range [4]uint32{w.Header[16], w.Header[17], w.Header[18], 0} {
		t1 := h + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) +
			(g ^ e&(f^g)) + round[i] + word
		t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&(b|c) | b&c)
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	p.State = [7]uint32{a, b, c, d, e, f, g}
	p.H4, p.H5, p.H6 = h+round[4]+padding, g+round[5], f+round[6]

	p.W16 = w.Header[16] + smallSigma0(w.Header[17])
	p.W17 = w.Header[17] + smallSigma0(w.Header[18]) + smallSigma1(length)
	p.KW16, p.KW17 = p.W16+round[16], p.W17+round[17]
	p.W18 = w.Header[18] + smallSigma1(p.W16)
	p.W19 = smallSigma0(padding) + smallSigma1(p.W17)
	p.W31 = length + smallSigma0(p.W16)
	p.W32 = p.W16 + smallSigma0(p.W17)
	p.Midstate, p.Target = w.Midstate, w.Target[7]
}

// words returns the prepared words in the order of their fields.
func (p *sha256dPrepared) words() [27]uint32 {
	s, m := &p.State, &p.Midstate
	return [...]uint32{
		s[0], s[1], s[2], s[3], s[4], s[5], s[6], p.H4, p.H5, p.H6,
		p.KW16, p.KW17, p.W16, p.W17, p.W18, p.W19, p.W31, p.W32,
		m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7],
		p.Target,
	}
}

// quads returns the prepared words as the SHA-NI kernel wants them: by four,
// the first in the lowest place, and a state as f, e, b, a and h, g, d, c.
func (p *sha256dPrepared) quads() [32]uint32 {
	const padding, length = 0x80000000, 640
	s, m, h3 := &p.State, &p.Midstate, p.H4-round[4]-padding
	return [...]uint32{
		s[5], s[4], s[1], s[0],
		h3, s[6], s[3], s[2],
		p.W16, p.W17, p.W18, p.W19,
		padding, 0, length, p.W16,
		0, 0, smallSigma0(length), p.W31,
		m[5], m[4], m[1], m[0],
		m[7], m[6], m[3], m[2],
		p.Target, 0, 0, 0,
	}
}

// sha256dScan is a kernel. It hashes groups of nonces beginning with first, and
// stops at one with candidates, whose digests' last words meet the target's: mask
// has a bit for each. It returns how many groups before that had none.
type sha256dScan func(scratch *uint32, first, groups uint32) (done, mask uint32)

// sha256dVector scans with one of the kernels in assembly.
type sha256dVector struct {
	scan    sha256dScan
	lanes   uint32 // nonces in a group
	copies  int    // how often the kernel wants each prepared word, or 0 for quads
	scratch []uint32
}

// newSHA256dVector returns a scanner with its scratch memory: the prepared
// words, then what does not fit in registers.
func newSHA256dVector(scan sha256dScan, lanes uint32, copies int) *sha256dVector {
	const size, line = 8192, 64
	scratch := make([]uint32, (size+line)/4)
	scratch = scratch[-uintptr(unsafe.Pointer(&scratch[0]))%line/4:] //nolint:gosec // the address is only looked at, to align
	return &sha256dVector{scan, lanes, copies, scratch}
}

func (s *sha256dVector) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	var p sha256dPrepared
	p.prepare(w)
	if s.copies == 0 {
		quads := p.quads()
		copy(s.scratch, quads[:])
	}
	for i, v := range p.words() {
		for j := range s.copies {
			s.scratch[i*s.copies+j] = v
		}
	}
	// Assembly cannot be preempted: it returns about every millisecond, so
	// that it does not hold up the garbage collector of the whole program.
	const most = 1 << 15
	for i := uint32(0); i < count; {
		groups := (min(count-i, most)-1)/s.lanes + 1
		done, mask := s.scan(&s.scratch[0], first+i, groups)
		i += min(done*s.lanes, count-i)
		if mask == 0 {
			continue
		}
		for ; mask != 0; mask &= mask - 1 {
			at := uint32(bits.TrailingZeros32(mask))
			if at >= count-i {
				return count
			}
			if nonce := first + i + at; w.solves(nonce) {
				hits.add(nonce)
				if hits.N == MaxHits {
					return i + at + 1
				}
			}
		}
		i += min(s.lanes, count-i)
	}
	return count
}

// solves tells whether the hash of w with that nonce is at most the target.
func (w *Work) solves(nonce uint32) bool {
	var one Hits
	sha256dGeneric{}.Scan(w, nonce, 1, &one)
	return one.N == 1
}
