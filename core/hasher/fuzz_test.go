package hasher

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
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

// compare holds every kernel against the generic one on one range of nonces.
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
	binary.LittleEndian.PutUint32(h[76:], first+uint32(pick)%n)
	target := a.Sum(&h)
	// Add edge, a small signed number, to the little-endian target.
	carry := int(edge)
	for i := 0; i < len(target) && carry != 0; i++ {
		v := int(target[i]) + carry
		target[i] = byte(v)
		carry = v >> 8
	}
	w := NewWork(a, &h, target)
	want := scan(t, scanners["generic"], w, first, n)
	for name, s := range scanners {
		if got := scan(t, s, w, first, n); !slices.Equal(got, want) {
			t.Fatalf("%s/%s: header %x, nonces %d+%d, target %x: hits %d, the generic kernel has %d", a, name, h, first, n, target, got, want)
		}
	}
}

// scanners makes one scanner of every kernel.
func scanners(a Algorithm) map[string]Scanner {
	all := map[string]Scanner{}
	for _, k := range Kernels(a) {
		all[k.Name] = k.New()
	}
	return all
}

func FuzzSHA256d(f *testing.F) { fuzzKernels(f, SHA256d) }
func FuzzScrypt(f *testing.F)  { fuzzKernels(f, Scrypt) }

func fuzzKernels(f *testing.F, a Algorithm) {
	f.Add([]byte{}, uint32(0), uint16(0), uint16(0), int8(0))
	f.Add([]byte("header"), uint32(1<<32-5), uint16(40), uint16(9), int8(-1))
	f.Add([]byte{0xff, 0xff}, uint32(1<<32-1), uint16(199), uint16(0), int8(1))
	all := scanners(a)
	f.Fuzz(func(t *testing.T, header []byte, first uint32, count, pick uint16, edge int8) {
		compare(t, a, header, first, count, pick, edge, all)
	})
}

// casesVariable raises the number of seeded cases; without it they are few
// enough for every run.
const casesVariable = "GOLDPAN_CASES"

// TestSeededCases holds the kernels against the generic one on headers from a
// fixed seed.
func TestSeededCases(t *testing.T) {
	cases := map[Algorithm]int{SHA256d: 500, Scrypt: 20}
	if n, err := strconv.Atoi(os.Getenv(casesVariable)); err == nil && n > 0 {
		cases = map[Algorithm]int{SHA256d: n, Scrypt: n / 20}
	}
	for _, a := range Algorithms() {
		all := scanners(a)
		r := rand.New(rand.NewChaCha8([32]byte{1: 7}))
		header := make([]byte, HeaderSize)
		for range cases[a] {
			for i := range header {
				header[i] = byte(r.Uint32())
			}
			compare(t, a, header, r.Uint32(), uint16(r.Uint32()), uint16(r.Uint32()), int8(r.Uint32()), all)
		}
		t.Logf("%s: %d cases on each of %d kernels", a, cases[a], len(all))
	}
}
