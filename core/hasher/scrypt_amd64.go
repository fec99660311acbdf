//go:build !purego

package hasher

import (
	"math/bits"
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// scryptAMD64 returns the scrypt kernels that this processor runs.
func scryptAMD64() (all []Kernel) {
	add := func(name string, chunks uint32, s *scryptSIMD) {
		all = append(all, Kernel{name, Scrypt, chunks * uint32(s.chunk), func() Scanner { return newScryptLanes(s, scryptN) }})
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ {
		simd := &scryptAVX512
		if wide() {
			simd = &scryptAVX512Wide
		}
		add("avx512", 8, simd)
	}
	if cpu.X86.HasAVX2 {
		add("avx2", 5, &scryptAVX2)
	}
	add("sse2", 2, &scryptSSE2)
	return all
}

// wide is slowButWide, asked once: a virtual machine may take long to answer.
var wide = sync.OnceValue(slowButWide)

// slowButWide tells whether twice the hashes side by side are faster: where even
// simple vector instructions take two cycles, but four can begin in each, and
// where the third-level cache has room for the hashes' V on every lane.
func slowButWide() bool {
	_, b, c, d := cpuid(0, 0)
	if b != 0x68747541 || d != 0x69746e65 || c != 0x444d4163 { // AuthenticAMD
		return false
	}
	a, _, _, _ := cpuid(1, 0)
	const zen5 = 0x1a
	if family := a>>8&0xf + a>>20&0xff; family < zen5 {
		return false
	}
	// CPUID Fn8000_001D of AMD's manual, volume 3: a cache's properties, here the
	// third level's.
	if highest, _, _, _ := cpuid(0x80000000, 0); highest < 0x8000001d {
		return false
	}
	a, b, c, _ = cpuid(0x8000001d, 3)
	if a&0x1f == 0 {
		return false // there is none
	}
	lanes := uint64(a>>14&0xfff + 1)
	size := uint64(b>>22+1) * uint64(b>>12&0x3ff+1) * uint64(b&0xfff+1) * uint64(c+1)
	return size/lanes >= uint64(scryptAVX512Wide.blocks)*(scryptN*128+scryptPad)
}

// scryptSIMD is what the kernels differ in.
type scryptSIMD struct {
	// sha256 runs SHA-256's compression function on that many messages.
	lanes  int
	sha256 func(out, in, message, scratch *uint32)
	// mix runs scryptROMix on that many blocks.
	blocks int
	mix    func(v, x, work *uint32, n uint64)
	// chunk is how many nonces are hashed together: a multiple of lanes and of
	// blocks, so that none is idle.
	chunk int
}

var (
	scryptAVX512     = scryptSIMD{16, scryptSHA256AVX512, 12, scryptMixAVX512, 48}
	scryptAVX512Wide = scryptSIMD{16, scryptSHA256AVX512, 24, scryptMixAVX512Wide, 48}
	scryptAVX2       = scryptSIMD{8, scryptSHA256AVX2, 10, scryptMixAVX2, 40}
	scryptSSE2       = scryptSIMD{4, scryptSHA256SSE2, 6, scryptMixSSE2, 48}
)

// scryptPad is how many bytes the kernels leave between one hash's V and the next
// one's, to spread them over the sets of the caches.
const scryptPad = 7 * 128

// diagonal is the order of the words of half a block for the kernels: by the
// diagonals of Salsa20's matrix, which go through its rounds together.
var diagonal = [16]int{0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11}

// scryptLanes scans with vector instructions. Slices called rows hold word 0
// of as many messages as there are lanes, then word 1 of each, and so on.
type scryptLanes struct {
	*scryptSIMD
	n int

	v, work []uint32 // for mix
	ring    []uint32 // rows, for sha256
	x       []uint32 // the chunk's blocks, each 32 words in diagonal order
	// The chunk's states after HMAC's key blocks: eight rows for every set of lanes.
	inner, outer []uint32

	initial, midstate, state []uint32 // rows
	// Messages, in rows; what is the same for every work is set once.
	head   []uint32 // the header's first 64 bytes
	tail   []uint32 // the rest, as the end of the key
	salt   []uint32 // the rest and the counter, as the end of the salt
	ipad   []uint32 // the key xor HMAC's constants
	opad   []uint32
	digest []uint32 // an inner digest, as the end of the outer message
	half   []uint32 // a half of a mixed block
	last   []uint32 // the end of the inner message after the mixed block
}

// newScryptLanes returns a scanner for scrypt (n, 1, 1), n being a power of two
// from 2 on.
func newScryptLanes(simd *scryptSIMD, n int) *scryptLanes {
	s := &scryptLanes{scryptSIMD: simd, n: n}
	l := s.lanes
	var size int
	parts := []struct {
		to    *[]uint32
		words int
	}{
		{&s.v, s.blocks * (n*32 + scryptPad/4)}, {&s.x, s.chunk * 32}, {&s.work, 16 + s.blocks*16*4}, {&s.ring, 16 * l},
		{&s.inner, s.chunk * 8}, {&s.outer, s.chunk * 8},
		{&s.initial, 8 * l}, {&s.midstate, 8 * l}, {&s.state, 8 * l},
		{&s.head, 16 * l}, {&s.tail, 16 * l}, {&s.salt, 16 * l}, {&s.ipad, 16 * l}, {&s.opad, 16 * l},
		{&s.digest, 16 * l}, {&s.half, 16 * l}, {&s.last, 16 * l},
	}
	for _, p := range parts {
		size += p.words
	}
	// One allocation, aligned to a cache line; every part is a multiple of one.
	const line = 64
	memory := make([]uint32, size+line/4)
	memory = memory[-uintptr(unsafe.Pointer(&memory[0]))%line/4:] //nolint:gosec // the address is only looked at, to align
	for _, p := range parts {
		*p.to, memory = memory[:p.words:p.words], memory[p.words:]
	}

	s.set(s.initial, 0, initial[:]...)
	s.set(s.tail, 4, 0x80000000)
	s.set(s.tail, 15, 640) // bits of the header
	s.set(s.salt, 5, 0x80000000)
	s.set(s.salt, 15, 1184) // 64 bytes of key block and 84 of message
	for i := 8; i < 16; i++ {
		s.set(s.ipad, i, 0x36363636)
		s.set(s.opad, i, 0x5c5c5c5c)
	}
	s.set(s.digest, 8, 0x80000000)
	s.set(s.digest, 15, 768)        // 64 bytes of key block and a digest
	s.set(s.last, 0, 1, 0x80000000) // PBKDF2's counter
	s.set(s.last, 15, 1568)         // 64 bytes of key block, the mixed block and the counter
	return s
}

// set fills rows from row on with each of the values.
func (s *scryptLanes) set(rows []uint32, row int, values ...uint32) {
	for i, v := range values {
		for j := range s.lanes {
			rows[(row+i)*s.lanes+j] = v
		}
	}
}

func (s *scryptLanes) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	s.set(s.midstate, 0, w.Midstate[:]...)
	s.set(s.head, 0, w.Header[:16]...)
	s.set(s.tail, 0, w.Header[16:19]...)
	s.set(s.salt, 0, w.Header[16:19]...)
	for done := uint32(0); done < count; {
		// Lanes past the end hash what nobody asks for.
		n := int(min(count-done, uint32(s.chunk)))
		for i := 0; i < n; i += s.lanes {
			s.expand(i, first+done+uint32(i))
		}
		for i := 0; i < n; i += s.blocks {
			s.mix(&s.v[0], &s.x[i*32], &s.work[0], uint64(s.n))
		}
		for i := 0; i < n; i += s.lanes {
			s.finish(i)
			for lane := range min(s.lanes, n-i) {
				if bits.ReverseBytes32(s.state[7*s.lanes+lane]) > w.Target[7] {
					continue
				}
				digest := s.sum(lane)
				if !w.meets(&digest) {
					continue
				}
				scanned := done + uint32(i+lane)
				hits.add(first + scanned)
				if hits.N == MaxHits {
					return scanned + 1
				}
			}
		}
		done += uint32(n)
	}
	return count
}

// expand is PBKDF2 before the mixing, for a set of lanes: it fills the chunk's blocks
// from number i on, for nonces from first on.
func (s *scryptLanes) expand(i int, first uint32) {
	l, inner, outer := s.lanes, s.inner[i*8:], s.outer[i*8:]
	for lane := range l {
		nonce := bits.ReverseBytes32(first + uint32(lane))
		s.tail[3*l+lane], s.salt[3*l+lane] = nonce, nonce
	}
	// HMAC hashes a key longer than a block first, and 80 bytes are longer.
	s.compress(s.state, s.midstate, s.tail)
	for j, v := range s.state {
		s.ipad[j], s.opad[j] = v^0x36363636, v^0x5c5c5c5c
	}
	s.compress(inner, s.initial, s.ipad)
	s.compress(outer, s.initial, s.opad)

	s.compress(s.state, inner, s.head)
	for counter := range 4 {
		s.set(s.salt, 4, uint32(counter+1))
		s.compress(s.digest, s.state, s.salt)
		s.compress(s.half, outer, s.digest)
		to := counter / 2 * 16
		for p, word := range diagonal {
			if word/8 != counter%2 {
				continue
			}
			for lane, v := range s.half[word%8*l : (word%8+1)*l] {
				s.x[(i+lane)*32+to+p] = bits.ReverseBytes32(v)
			}
		}
	}
}

// finish is PBKDF2 after the mixing: it leaves the hashes of the chunk's blocks
// from number i on in s.state.
func (s *scryptLanes) finish(i int) {
	l, state := s.lanes, s.inner[i*8:]
	for from := 0; from < 32; from += 16 {
		for p, word := range diagonal {
			for lane := range l {
				s.half[word*l+lane] = bits.ReverseBytes32(s.x[(i+lane)*32+from+p])
			}
		}
		s.compress(s.state, state, s.half)
		state = s.state
	}
	s.compress(s.digest, s.state, s.last)
	s.compress(s.state, s.outer[i*8:], s.digest)
}

func (s *scryptLanes) compress(out, in, message []uint32) {
	s.sha256(&out[0], &in[0], &message[0], &s.ring[0])
}

// sum returns a lane's hash from s.state.
func (s *scryptLanes) sum(lane int) (digest [8]uint32) {
	for i := range digest {
		digest[i] = s.state[i*s.lanes+lane]
	}
	return digest
}
