//go:build !purego

package hasher

import (
	"math/bits"
	"sync"
	"time"

	"golang.org/x/sys/cpu"
)

func scryptARM64() []Kernel {
	if !cpu.ARM64.HasASIMD {
		return nil
	}
	// The batch is a multiple of every width.
	return []Kernel{{"neon", Scrypt, 24, func() Scanner { return newScryptNEON(fastestMixer()) }}}
}

// neonBlocks is the blocks of a hash in the array that the assembly mixes: the
// 1024 of RFC 7914's V, and the result.
const neonBlocks = scryptN + 1

// neonWidest is the most hashes that are mixed at once.
const neonWidest = 6

// diagonal is which word of a block stands where in the vectors of the
// assembly: the diagonals of the four by four words, each from its top.
var diagonal = [16]int{0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11}

// A neonMixer is one variant of the assembly. Which is fastest depends on the
// processor's SIMD pipes and caches.
type neonMixer struct {
	name  string
	width int                      // how many hashes it mixes at once
	mix   func(v, scratch *uint32) // scryptROMix on each
}

// neonMixers returns the variants that this processor runs.
func neonMixers() []neonMixer {
	all := []neonMixer{{"four", 4, romixNEON4}, {"six", 6, romixNEON6}}
	if cpu.ARM64.HasSHA3 {
		all = append(all, neonMixer{"six with EOR3", 6, romixNEON6EOR3})
	}
	return all
}

// fastestMixer times the variants, each a few times, and returns the one whose
// best time for a hash is the least. All lanes take the same.
var fastestMixer = sync.OnceValue(func() neonMixer {
	const enough = 12 * time.Millisecond
	var fastest neonMixer
	least := time.Duration(1<<63 - 1)
	mixers := neonMixers()
	for _, m := range mixers {
		s := newScryptNEON(m)
		for begun, turn := tick(), 0; turn < 2 || tick()-begun < enough/time.Duration(len(mixers)); turn++ {
			start := tick()
			s.mix(&s.v[0], &s.scratch[0])
			if took := (tick() - start) / time.Duration(m.width); took < least {
				fastest, least = m, took
			}
		}
	}
	return fastest
})

// scryptNEON is the kernel that mixes several hashes at once, each in vectors
// of its own.
type scryptNEON struct {
	neonMixer
	sha2    bool     // the processor has SHA-256 instructions
	v       []uint32 // neonBlocks blocks for each hash, in diagonal form
	scratch []uint32
	inner   [neonWidest][8]uint32 // HMAC's states of the hashes being mixed
	outer   [neonWidest][8]uint32
}

func newScryptNEON(m neonMixer) *scryptNEON {
	// So large an allocation begins on a page, hence on a cache line.
	v := make([]uint32, m.width*(neonBlocks*32+16))
	return &scryptNEON{
		neonMixer: m, sha2: cpu.ARM64.HasSHA2,
		v: v[:m.width*neonBlocks*32], scratch: v[m.width*neonBlocks*32:],
	}
}

func (s *scryptNEON) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	for done := uint32(0); done < count; {
		lanes := min(count-done, uint32(s.width))
		for lane := range lanes {
			s.begin(w, int(lane), first+done+lane)
		}
		s.mix(&s.v[0], &s.scratch[0]) // lanes beyond the count hash what was left in them
		for lane := range lanes {
			digest := s.finish(int(lane))
			if w.meets(&digest) {
				hits.add(first + done + lane)
				if hits.N == MaxHits {
					return done + lane + 1
				}
			}
		}
		done += lanes
	}
	return count
}

// compress is block, on the instructions for it where there are such. Without
// them a hash spends about a twentieth of its time here.
func (s *scryptNEON) compress(state *[8]uint32, m *[16]uint32) {
	if s.sha2 {
		compressSHA2(state, m)
	} else {
		block(state, m)
	}
}

// begin puts what scrypt mixes, the first PBKDF2, into the first block of a
// lane. The steps are those of scryptGeneric.sum.
func (s *scryptNEON) begin(w *Work, lane int, nonce uint32) {
	tail := [16]uint32{w.Header[16], w.Header[17], w.Header[18], bits.ReverseBytes32(nonce)}
	m := tail
	m[4], m[15] = 0x80000000, 640
	key := w.Midstate
	s.compress(&key, &m)

	inner, outer := &s.inner[lane], &s.outer[lane]
	*inner, *outer = initial, initial
	var pad [16]uint32
	for i := range pad {
		pad[i] = 0x36363636
		if i < 8 {
			pad[i] ^= key[i]
		}
	}
	s.compress(inner, &pad)
	for i := range pad {
		pad[i] ^= 0x36363636 ^ 0x5c5c5c5c
	}
	s.compress(outer, &pad)

	salted := *inner
	s.compress(&salted, (*[16]uint32)(w.Header[:16]))
	m = tail
	m[5], m[15] = 0x80000000, 1184
	var x [32]uint32
	for i := range uint32(4) {
		m[4] = i + 1
		t := salted
		s.compress(&t, &m)
		d := s.hmacFinish(outer, &t)
		for j, v := range d {
			x[int(i)*8+j] = bits.ReverseBytes32(v)
		}
	}
	v := s.v[lane*neonBlocks*32:]
	for half := 0; half < 32; half += 16 {
		for i, word := range diagonal {
			v[half+i] = x[half+word]
		}
	}
}

// finish returns the digest of a lane that has been mixed.
func (s *scryptNEON) finish(lane int) [8]uint32 {
	v := s.v[((lane+1)*neonBlocks-1)*32:]
	inner := s.inner[lane]
	var m [16]uint32
	for half := 0; half < 32; half += 16 {
		for i, word := range diagonal {
			m[word] = bits.ReverseBytes32(v[half+i])
		}
		s.compress(&inner, &m)
	}
	s.compress(&inner, &[16]uint32{1, 0x80000000, 15: 1568})
	return s.hmacFinish(&s.outer[lane], &inner)
}

// hmacFinish hashes an inner digest under the outer state.
func (s *scryptNEON) hmacFinish(outer, inner *[8]uint32) [8]uint32 {
	d := *outer
	m := [16]uint32{8: 0x80000000, 15: 768}
	copy(m[:], inner[:])
	s.compress(&d, &m)
	return d
}
