package hasher

import (
	"encoding/binary"
	"errors"
	"testing"
)

// TestGoldenHalves computes with other people's code what SelfCheck expects, and
// sees that no lane goes unheard.
func TestGoldenHalves(t *testing.T) {
	for _, a := range Algorithms() {
		g := golden[a]
		h, err := genesisHeader(g.merkle, g.time, g.bits, g.nonce)
		if err != nil {
			t.Fatal(err)
		}
		var lower uint64
		for i := range uint32(64) {
			binary.LittleEndian.PutUint32(h[76:], g.nonce+g.after+i)
			if hash := referenceSum(t, a, &h); hash[31] < 0x80 {
				lower |= 1 << i
			}
		}
		if lower != g.lower {
			t.Errorf("%s: %#016x, not %#016x", a, lower, g.lower)
		}
		for _, lanes := range []int{2, 3, 4, 6, 8, 12, 16} {
			for lane := range lanes {
				var all uint64
				for i := lane; i < 64; i += lanes {
					all |= 1 << i
				}
				if lower&all == 0 || lower&all == all {
					t.Errorf("%s: lane %d of %d has hashes of one sort only", a, lane, lanes)
				}
			}
		}
	}
}

// numb is a scanner one of whose lanes never has a hit, or always: the way in
// which a kernel fails whose registers are not kept.
type numb struct {
	Scanner
	lane, lanes uint32
	always      bool
}

func (s numb) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	hits.N = 0
	for i := range count {
		var one Hits
		s.Scanner.Scan(w, first+i, 1, &one)
		hit := one.N == 1
		// Whatever the lane does, it stays unseen where only the golden nonce counts.
		if i%s.lanes == s.lane && w.Target[7] == 1<<31-1 {
			hit = s.always
		}
		if hit && hits.N < MaxHits {
			hits.add(first + i)
		}
	}
	return count
}

// TestSelfCheckHearsEveryLane breaks one lane of twelve at a time.
func TestSelfCheckHearsEveryLane(t *testing.T) {
	for _, a := range Algorithms() {
		healthy, step := Kernels(a)[len(Kernels(a))-1].New(), uint32(1)
		if a == Scrypt {
			step = 5 // it takes long
		}
		for lane := uint32(0); lane < 12; lane += step {
			for _, always := range []bool{false, true} {
				broken := Kernel{"broken", a, 1, func() Scanner { return numb{healthy, lane, 12, always} }}
				if err := broken.SelfCheck(); !errors.Is(err, ErrKernel) {
					t.Errorf("%s: lane %d broken (always: %t): %v", a, lane, always, err)
				}
			}
		}
		if err := (Kernel{"sound", a, 1, func() Scanner { return healthy }}).SelfCheck(); err != nil {
			t.Error(err)
		}
	}
}
