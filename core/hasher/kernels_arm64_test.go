//go:build !purego

package hasher

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/cpu"
)

// seeded returns numbers that are the same in every run.
func seeded() *rand.Rand { return rand.New(rand.NewChaCha8([32]byte{31: 64})) }

func randomWork(r *rand.Rand, a Algorithm) *Work {
	var h Header
	for i := 0; i < len(h); i += 4 {
		binary.LittleEndian.PutUint32(h[i:], r.Uint32())
	}
	return NewWork(a, &h, [32]byte{})
}

// needSHA2 ends a test of instructions that this processor does not have, as
// that of the Raspberry Pi 4. qemu has them, so that CI runs every test.
func needSHA2(t *testing.T) {
	t.Helper()
	if !cpu.ARM64.HasSHA2 {
		t.Skip("no case ran: this processor has no SHA-2 instructions, and the kernel is not listed")
	}
}

// TestSHA256dSHA2Words compares the word that picks candidates, for four nonces
// of a hundred thousand random headers. A limit that every word meets makes the
// assembly stop at the first group and hand over its words.
func TestSHA256dSHA2Words(t *testing.T) {
	needSHA2(t)
	const cases = 100_000
	r, s := seeded(), newSHA256dSHA2()
	nonces := 0
	for range cases {
		w, first := randomWork(r, SHA256d), r.Uint32()
		s.prepare(w)
		var last [4]uint32
		if passed := sha256dScanSHA2(s.tape, first, 1, 1<<32-1, &last); passed != 0 {
			t.Fatalf("passed %d groups that are candidates", passed)
		}
		for i, word := range last {
			nonce := first + uint32(i)
			digest := w.sumSHA256d(nonce)
			if want := bits.ReverseBytes32(digest[7]); word != want {
				t.Fatalf("header %x: nonce %d: last word %08x, want %08x", w.HeaderWith(nonce), nonce, word, want)
			}
			nonces++
		}
	}
	t.Logf("%d headers, %d nonces", cases, nonces)
}

// TestSHA256dSHA2Passes looks at how far the assembly goes: past groups without
// a candidate, to the first with one, whichever of its lanes has it.
func TestSHA256dSHA2Passes(t *testing.T) {
	needSHA2(t)
	r, s := seeded(), newSHA256dSHA2()
	const groups = 50
	var lanes [4]int
	for range 200 {
		w, first := randomWork(r, SHA256d), r.Uint32()
		s.prepare(w)
		lowest, at := uint32(1<<32-1), uint32(0)
		for i := range uint32(4 * groups) {
			digest := w.sumSHA256d(first + i)
			if word := bits.ReverseBytes32(digest[7]); word < lowest {
				lowest, at = word, i
			}
		}
		lanes[at%4]++
		var last [4]uint32
		if passed := sha256dScanSHA2(s.tape, first, groups, lowest, &last); passed != at/4 || last[at%4] != lowest {
			t.Fatalf("passed %d groups, not %d; words %08x, want %08x", passed, at/4, last, lowest)
		}
		if passed := sha256dScanSHA2(s.tape, first, groups, lowest-1, &last); passed != groups {
			t.Fatalf("passed %d groups of %d without a candidate", passed, groups)
		}
	}
	for lane, n := range lanes {
		if n == 0 {
			t.Errorf("lane %d never had the candidate", lane)
		}
	}
}

func TestCompressSHA2(t *testing.T) {
	needSHA2(t)
	r := seeded()
	for range 10_000 {
		var got [8]uint32
		var m [16]uint32
		for i := range got {
			got[i] = r.Uint32()
		}
		for i := range m {
			m[i] = r.Uint32()
		}
		want := got
		block(&want, &m)
		if compressSHA2(&got, &m); got != want {
			t.Fatalf("%08x, want %08x", got, want)
		}
	}
}

// TestScryptNEON holds every variant, with and without SHA-2 instructions, against
// the plain Go code, on whole digests.
func TestScryptNEON(t *testing.T) {
	const cases = 30
	generic := newScryptGeneric(scryptN)
	for _, m := range neonMixers() {
		r, s, width := seeded(), newScryptNEON(m), m.width
		hashes := 0
		for n := range cases {
			s.sha2 = cpu.ARM64.HasSHA2 && n%2 == 0
			// Every lane has a header of its own: none may see another's.
			var works [neonWidest]*Work
			var nonces [neonWidest]uint32
			for lane := range width {
				works[lane], nonces[lane] = randomWork(r, Scrypt), r.Uint32()
				s.begin(works[lane], lane, nonces[lane])
			}
			s.mix(&s.v[0], &s.scratch[0])
			for lane := range width {
				header := works[lane].Header
				header[19] = bits.ReverseBytes32(nonces[lane])
				want := generic.sum(&works[lane].Midstate, &header)
				if got := s.finish(lane); got != want {
					t.Fatalf("%s, lane %d: %08x, want %08x", m.name, lane, got, want)
				}
				hashes++
			}
		}
		t.Logf("%s: %d hashes", m.name, hashes)
	}
}

// TestScryptNEONScans runs each variant as a kernel: every count up to two rounds
// of lanes, with all nonces hits and with one.
func TestScryptNEONScans(t *testing.T) {
	for _, m := range neonMixers() {
		k := Kernel{"neon", Scrypt, 24, func() Scanner { return newScryptNEON(m) }}
		if err := k.SelfCheck(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		r := seeded()
		all := map[string]Scanner{"generic": newScryptGeneric(scryptN), "neon": k.New()}
		w := randomWork(r, Scrypt)
		for i := range w.Target {
			w.Target[i] = 1<<32 - 1
		}
		for count := range uint32(2*m.width + 1) {
			first := 0 - count/2 // the range wraps
			if got := scan(t, all["neon"], w, first, count); len(got) != int(count) || (count > 0 && got[count-1] != first+count-1) {
				t.Errorf("%s, count %d: hits %d", m.name, count, got)
			}
		}
		for count := range uint16(2 * m.width) {
			compare(t, Scrypt, []byte(m.name), r.Uint32(), count, uint16(r.Uint32()), 0, all)
		}
	}
	start := tick()
	fastest := fastestMixer()
	t.Logf("the fastest here is %s, found in %s", fastest.name, tick()-start)
	if again := fastestMixer(); fastest.mix == nil || again.name != fastest.name {
		t.Errorf("%q, then %q", fastest.name, again.name)
	}
}
