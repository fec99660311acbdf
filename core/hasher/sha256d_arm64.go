//go:build !purego

package hasher

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

// sha2Chunk is how many groups of four nonces one call scans at most: well under
// a millisecond, because the scheduler cannot interrupt assembly.
const sha2Chunk = 1 << 10

func sha256dARM64() []Kernel {
	if !cpu.ARM64.HasSHA2 {
		return nil
	}
	return []Kernel{{"sha2", SHA256d, 1 << 16, func() Scanner { return newSHA256dSHA2() }}}
}

// sha256dSHA2 is the kernel on the SHA-2 instructions. Everything that a scan
// does not change lies on one tape that the assembly reads.
type sha256dSHA2 struct{ tape *[sha2Tape][4]uint32 }

func newSHA256dSHA2() sha256dSHA2 {
	tape := new([sha2Tape][4]uint32)
	for _, r := range sha2Round {
		for i, k := range round[r.round : r.round+4] {
			tape[r.at][i] = k + r.plus[i]
		}
	}
	tape[tapeLast] = [4]uint32{3: 640}
	tape[tapeTwenties] = [4]uint32{0: 0x80000000}
	tape[tapeIVABCD], tape[tapeIVEFGH] = [4]uint32(initial[:4]), [4]uint32(initial[4:])
	tape[tapePad8], tape[tapePad12] = [4]uint32{0: 0x80000000}, [4]uint32{3: 256}
	return sha256dSHA2{tape}
}

// prepare computes what the hashes of a work share.
func (s sha256dSHA2) prepare(w *Work) {
	// Rounds 0 to 3, with a nonce of zero as word 3.
	a, b, c, d := w.Midstate[0], w.Midstate[1], w.Midstate[2], w.Midstate[3]
	e, f, g, h := w.Midstate[4], w.Midstate[5], w.Midstate[6], w.Midstate[7]
	tail := [4]uint32{w.Header[16], w.Header[17], w.Header[18], 0}
	for i, v := range tail {
		t1 := h + (bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25)) +
			(g ^ e&(f^g)) + round[i] + v
		t2 := (bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22)) + (a&(b|c) | b&c)
		h, g, f, e, d, c, b, a = g, f, e, d+t1, c, b, a, t1+t2
	}
	s.tape[tapeABCD], s.tape[tapeEFGH] = [4]uint32{a, b, c, d}, [4]uint32{e, f, g, h}
	s.tape[tapeMidABCD], s.tape[tapeMidEFGH] = [4]uint32(w.Midstate[:4]), [4]uint32(w.Midstate[4:])

	// Words 16 to 19: the rest of the block is 0x80000000, ten zeros and 640.
	sigma0 := func(v uint32) uint32 { return bits.RotateLeft32(v, -7) ^ bits.RotateLeft32(v, -18) ^ v>>3 }
	sigma1 := func(v uint32) uint32 { return bits.RotateLeft32(v, -17) ^ bits.RotateLeft32(v, -19) ^ v>>10 }
	w16 := tail[0] + sigma0(tail[1])
	w17 := tail[1] + sigma0(tail[2]) + sigma1(640)
	s.tape[tapeSums] = [4]uint32{w16, w17, tail[2] + sigma1(w16), sigma0(0x80000000) + sigma1(w17)}
	// SU0 of words 28 to 31 sees words 12 to 16.
	s.tape[tapeThirties] = [4]uint32{2: sigma0(640), 3: 640 + sigma0(w16)}
}

func (s sha256dSHA2) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	s.prepare(w)
	limit := w.Target[7]
	var last [4]uint32
	for done := uint32(0); done < count; {
		// The last group of an odd count hashes beyond it, and is not looked at there.
		groups := min((count-done-1)/4+1, sha2Chunk)
		passed := sha256dScanSHA2(s.tape, first+done, groups, limit, &last)
		done += 4 * passed
		if passed == groups {
			continue
		}
		for i, word := range last {
			if word > limit || done+uint32(i) >= count {
				continue
			}
			nonce := first + done + uint32(i)
			digest := w.sumSHA256d(nonce)
			if w.meets(&digest) {
				hits.add(nonce)
				if hits.N == MaxHits {
					return done + uint32(i) + 1
				}
			}
		}
		done += 4
	}
	return count
}

// sumSHA256d hashes one nonce with the plain Go code.
func (w *Work) sumSHA256d(nonce uint32) [8]uint32 {
	inner := w.Midstate
	block(&inner, &[16]uint32{w.Header[16], w.Header[17], w.Header[18], bits.ReverseBytes32(nonce), 0x80000000, 15: 640})
	digest := initial
	block(&digest, &[16]uint32{inner[0], inner[1], inner[2], inner[3], inner[4], inner[5], inner[6], inner[7], 0x80000000, 15: 256})
	return digest
}
