package hasher

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

// scan collects the hits of count nonces, however often the scanner stops
// because its hits are full.
func scan(t testing.TB, s Scanner, w *Work, first, count uint32) (nonces []uint32) {
	t.Helper()
	kept := *w
	var hits Hits
	for left := count; left > 0; {
		done := s.Scan(w, first, left, &hits)
		switch {
		case done > left, hits.N > MaxHits, done < left && hits.N < MaxHits:
			t.Fatalf("scanned %d of %d with %d hits", done, left, hits.N)
		}
		nonces = append(nonces, hits.Nonces[:hits.N]...)
		first += done
		left -= done
	}
	if *w != kept {
		t.Fatal("the scan changed its work")
	}
	return nonces
}

// moved returns the little-endian number n with a small one added; it wraps.
func moved(n [32]byte, by int) [32]byte {
	for i := 0; i < len(n) && by != 0; i++ {
		v := int(n[i]) + by
		n[i] = byte(v)
		by = v >> 8
	}
	return n
}

// stretch is a range of nonces of one header, with the hash of each by the generic
// code.
type stretch struct {
	algorithm Algorithm
	header    Header
	first     uint32
	sums      [][32]byte
}

func newStretch(a Algorithm, h Header, first, count uint32) *stretch {
	s := &stretch{a, h, first, make([][32]byte, count)}
	for i := range s.sums {
		binary.LittleEndian.PutUint32(h[76:], first+uint32(i))
		s.sums[i] = a.Sum(&h)
	}
	return s
}

// compare demands of every scanner the hits among count of the stretch's nonces,
// from the one numbered skip on.
func (s *stretch) compare(t testing.TB, target [32]byte, skip, count uint32, scanners map[string]Scanner) {
	t.Helper()
	w, first := NewWork(s.algorithm, &s.header, target), s.first+skip
	var want []uint32
	for i, sum := range s.sums[skip : skip+count] {
		slices.Reverse(sum[:])
		limit := target
		slices.Reverse(limit[:])
		if bytes.Compare(sum[:], limit[:]) <= 0 {
			want = append(want, first+uint32(i))
		}
	}
	for name, scanner := range scanners {
		if got := scan(t, scanner, w, first, count); !slices.Equal(got, want) {
			t.Fatalf("%s/%s: header %x, nonces %d+%d, target %x: hits %d, want %d", s.algorithm, name, s.header, first, count, target, got, want)
		}
	}
}

// compare holds every scanner against the generic code on one range of nonces.
// pick chooses the target: the hash of one of the nonces of the range, moved by
// edge, so that targets meet hashes exactly.
func compare(t testing.TB, a Algorithm, header []byte, first uint32, count, pick uint16, edge int8, scanners map[string]Scanner) {
	t.Helper()
	var h Header
	copy(h[:], header)
	limit := uint32(200)
	if a == Scrypt {
		limit = 30
	}
	n := uint32(count)%limit + 1
	s := newStretch(a, h, first, n)
	s.compare(t, moved(s.sums[uint32(pick)%n], int(edge)), 0, n, scanners)
}

// scanners makes one scanner of every kernel.
func scanners(t testing.TB, a Algorithm) map[string]Scanner {
	all := map[string]Scanner{}
	for _, k := range everyKernel(t, a) {
		all[k.Name] = k.New()
	}
	return all
}

// TestRanges: odd counts, the wrap, the first nonce and the last, with no hit, some
// and all.
func TestRanges(t *testing.T) {
	for _, a := range Algorithms() {
		all, r := scanners(t, a), rand.New(rand.NewChaCha8([32]byte{2: 1}))
		counts := []uint32{0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33}
		if a == Scrypt {
			counts = []uint32{0, 1, 2, 3, 5, 7, 13, 25}
		}
		for _, first := range []uint32{0, 1, 0x7ffffffe, 0xfffffff8, 0xfffffffd, 0xffffffff} {
			s := newStretch(a, randomHeader(r), first, slices.Max(counts))
			for _, target := range [][32]byte{{}, moved([32]byte{31: 0x20}, -1), moved([32]byte{}, -1)} {
				for _, count := range counts {
					s.compare(t, target, 0, count, all)
				}
			}
		}
	}
}

// TestTargetEdges: targets that differ from a hash in one word, a little or much.
func TestTargetEdges(t *testing.T) {
	for _, a := range Algorithms() {
		all, r := scanners(t, a), rand.New(rand.NewChaCha8([32]byte{3: 4}))
		for range 4 {
			s := newStretch(a, randomHeader(r), r.Uint32(), 4)
			for at, hash := range s.sums[:2] {
				targets := [][32]byte{hash, moved(hash, -1), moved(hash, 1)}
				for word := range 8 {
					for _, by := range []uint32{1, 1<<32 - 1, 1 << 31} {
						near := hash
						binary.LittleEndian.PutUint32(near[4*word:], binary.LittleEndian.Uint32(hash[4*word:])+by)
						targets = append(targets, near)
					}
				}
				for _, target := range targets {
					s.compare(t, target, uint32(at), 3, all)
				}
			}
		}
	}
}

func randomHeader(r *rand.Rand) (h Header) {
	for i := range h {
		h[i] = byte(r.Uint32())
	}
	return h
}

func FuzzSHA256d(f *testing.F) { fuzzKernels(f, SHA256d) }
func FuzzScrypt(f *testing.F)  { fuzzKernels(f, Scrypt) }

func fuzzKernels(f *testing.F, a Algorithm) {
	f.Add([]byte{}, uint32(0), uint16(0), uint16(0), int8(0))
	f.Add([]byte("header"), uint32(1<<32-5), uint16(40), uint16(9), int8(-1))
	f.Add([]byte{0xff, 0xff}, uint32(1<<32-1), uint16(199), uint16(0), int8(1))
	all := scanners(f, a)
	f.Fuzz(func(t *testing.T, header []byte, first uint32, count, pick uint16, edge int8) {
		compare(t, a, header, first, count, pick, edge, all)
	})
}

// casesVariable sets the number of seeded cases an algorithm; without it they are
// few enough for every run.
const casesVariable = "GOLDPAN_CASES"

// TestSeededCases holds the kernels against the generic code on headers from a
// fixed seed.
func TestSeededCases(t *testing.T) {
	cases := map[Algorithm]int{SHA256d: 500, Scrypt: 40}
	asked, err := strconv.Atoi(os.Getenv(casesVariable))
	for _, a := range Algorithms() {
		all := scanners(t, a)
		if err == nil {
			cases[a] = asked
			delete(all, "generic") // what it is held against is its own code
			if runtime.GOARCH == "arm64" {
				delete(all, "wasm") // it is the same module everywhere, and arm64 may be emulated
			}
		}
		r, nonces := rand.New(rand.NewChaCha8([32]byte{1: 7})), 0
		for n := 1; n <= cases[a]; n++ {
			h, count := randomHeader(r), r.Uint32N(200)
			if a == Scrypt { // it takes long: a range is mostly one batch of a narrow kernel
				count = r.Uint32N(6)
				if n%16 == 0 {
					count = r.Uint32N(30)
				}
			}
			first := r.Uint32()
			if r.Uint32N(8) == 0 {
				first = -r.Uint32N(count + 2) // it wraps, or ends with the last
			}
			compare(t, a, h[:], first, uint16(count), uint16(r.Uint32()), int8(r.Uint32()), all)
			if nonces += int(count) + 1; n%10_000 == 0 {
				t.Logf("%s: %d cases so far", a, n)
			}
		}
		t.Logf("%s: %d cases, %d nonces, on each of %d kernels", a, cases[a], nonces, len(all))
	}
}
