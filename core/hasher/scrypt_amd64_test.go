//go:build !purego

package hasher

import (
	"testing"

	"golang.org/x/crypto/scrypt"
)

// scryptSIMDs returns what this machine's vector kernels are made of, by name.
func scryptSIMDs() map[string]*scryptSIMD {
	all := map[string]*scryptSIMD{"avx512": &scryptAVX512, "avx2": &scryptAVX2, "sse2": &scryptSSE2}
	here := map[string]*scryptSIMD{}
	for _, k := range Kernels(Scrypt) {
		if s := all[k.Name]; s != nil {
			here[k.Name] = s
		}
		if k.Name == "avx512" {
			here["avx512 wide"] = &scryptAVX512Wide
		}
	}
	return here
}

// TestScryptVectorsOtherN holds the vector kernels against other people's scrypt for
// powers of two other than 1024, in every lane.
func TestScryptVectorsOtherN(t *testing.T) {
	var h Header
	for i := range h {
		h[i] = byte(i ^ 0xa5)
	}
	w := NewWork(Scrypt, &h, [32]byte{})
	const first = 0xffffffff - 20 // the range wraps
	for n := 2; n <= 4096; n *= 2 {
		var want [48][32]byte // as many as the largest chunk
		for i := range want {
			header := w.HeaderWith(first + uint32(i))
			d, err := scrypt.Key(header[:], header[:], n, 1, 1, 32)
			if err != nil {
				t.Fatal(err)
			}
			want[i] = [32]byte(d)
		}
		for name, simd := range scryptSIMDs() {
			s := newScryptLanes(simd, n)
			var hits Hits
			s.Scan(w, first, uint32(s.chunk), &hits)
			for i := 0; i < s.chunk; i += s.lanes {
				s.finish(i)
				for lane := range s.lanes {
					digest := s.sum(lane)
					if got := digestBytes(&digest); got != want[i+lane] {
						t.Fatalf("%s, N=%d, nonce %d: %x, want %x", name, n, first+uint32(i+lane), got, want[i+lane])
					}
				}
			}
		}
	}
}
