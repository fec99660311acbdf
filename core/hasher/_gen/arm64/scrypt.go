package main

import "fmt"

// Row-wise Salsa20/8: the sixteen words of a block are four vectors of four,
// its diagonals, so that a quarter round is done on four columns, and after a
// turn of three of the vectors on four rows, at once:
//
//	a = x0 x5 x10 x15    b = x4 x9 x14 x3    c = x8 x13 x2 x7    d = x12 x1 x6 x11
//
// A round is four steps of add, shift, shift-and-insert and xor, and three
// turns: 19 instructions. The steps follow from each other, the turns stand
// aside; with the two cycles that every one of these takes on Cortex-A7x,
// Cortex-X, Neoverse and Apple's cores alike, a round of one hash lasts 32
// cycles. To fill two SIMD pipes therefore takes 2·32/19 = 3.4 hashes, to fill
// four 6.7. Six are what the registers hold, with eight to spare for sums; they
// also take 768 KiB of cache where four take 512.
//
// Processors with the SHA-3 instructions have EOR3, an xor of three, so that
// the two shifts need not wait for each other: a round of the same 19
// instructions lasts 24 cycles. Apple's cores have four pipes for it, others
// only one.
//
// So there are three variants, and which is used is measured when a lane starts.
// Nobody has timed them on such a processor yet. llvm-mca 16 gives, without
// caches, in thousands of cycles a hash for four and for six: Cortex-A72 426 and
// 359, Neoverse N2 368 and 361, Exynos M5, which is as wide as Apple's, 273 and
// 184, and Cortex-A55, which keeps the order of the program, 838 and 866.
//
// What is not in registers goes through the first-level cache: with four
// vectors a hash for the half that is being mixed, 24 are taken. Loads and
// stores have pipes of their own and stay far below one a cycle.
var variants = []variant{{"romixNEON4", 4, false}, {"romixNEON6", 6, false}, {"romixNEON6EOR3", 6, true}}

// A variant mixes so many hashes at once, with EOR3 or without.
type variant struct {
	name  string
	width int
	eor3  bool
}

// blocks is N, and one for the result.
const blocks = 1024 + 1

// stride is the bytes from one hash's blocks to the next one's. That it is not
// a power of two keeps blocks of equal number out of the same cache set.
const stride = 128 * blocks

type mixer struct {
	*text
	variant
}

// state returns the vectors a, b, c, d of a hash.
func (m mixer) state(hash int) [4]vector {
	v := vector(4 * hash)
	return [4]vector{v, v + 1, v + 2, v + 3}
}

// free returns the n-th vector that holds no state, over and over.
func (m mixer) free(n int) vector {
	first := 4 * m.width
	return vector(first + n%(32-first))
}

// v and far name the registers with the address of a hash's own block, and of
// the one that it chose.
func (m mixer) v(hash int) string   { return fmt.Sprintf("R%d", 1+hash) }
func (m mixer) far(hash int) string { return fmt.Sprintf("R%d", 8+hash) }

func (m mixer) hashes(do func(hash int)) {
	for hash := range m.width {
		do(hash)
	}
}

// step is: to ^= (x + y) <<< left, in every hash. Each hash wants two vectors for
// it, so they go in parties, each instruction through a whole party: a core
// that keeps the order of the program needs the distance.
func (m mixer) step(to, x, y, left int) {
	party := (32 - 4*m.width) / 2
	for first := 0; first < m.width; first += party {
		last := min(first+party, m.width)
		each := func(do func(s [4]vector, sum, turned vector)) {
			for hash := first; hash < last; hash++ {
				n := 2 * (hash - first)
				do(m.state(hash), m.free(n), m.free(n+1))
			}
		}
		each(func(s [4]vector, sum, _ vector) { m.add(s[x], s[y], sum) })
		each(func(_ [4]vector, sum, turned vector) {
			m.op("VUSHR $%d, %s, %s", 32-left, sum.words(), turned.words())
		})
		if m.eor3 {
			each(func(_ [4]vector, sum, _ vector) { m.op("VSHL $%d, %s, %s", left, sum.words(), sum.words()) })
			each(func(s [4]vector, sum, turned vector) {
				m.op("VEOR3 %s, %s, %s, %s", sum.octets(), turned.octets(), s[to].octets(), s[to].octets())
			})
			continue
		}
		each(func(_ [4]vector, sum, turned vector) { m.op("VSLI $%d, %s, %s", left, sum.words(), turned.words()) })
		each(func(s [4]vector, _, turned vector) { m.xor(turned, s[to], s[to]) })
	}
}

// salsa is the eight rounds, without the sum with their input. Rows are columns
// with b and d in each other's place, so the two change names every round.
func (m mixer) salsa() {
	const a, c = 0, 2
	b, d := 1, 3
	for range 8 {
		m.step(b, a, d, 7)
		m.step(c, b, a, 9)
		m.step(d, c, b, 13)
		// b is done with for this round. Turning it here keeps that off the
		// chain of steps; d and c, turned last, are wanted a step later.
		m.hashes(func(h int) { m.rotateLanes(m.state(h)[b], 3) })
		m.step(a, d, c, 18)
		m.hashes(func(h int) { m.rotateLanes(m.state(h)[d], 1) })
		m.hashes(func(h int) { m.rotateLanes(m.state(h)[c], 2) })
		b, d = d, b
	}
}

// xorMemory xors 64 bytes at an address into a hash's state.
func (m mixer) xorMemory(hash, at int, base string) { m.withMemory(hash, at, base, m.xor) }

func (m mixer) withMemory(hash, at int, base string, do func(x, y, to vector)) {
	s := m.state(hash)
	n := 4 * hash // another four vectors for the next hash
	for i := 0; i < 4; i += 2 {
		m.loadPair(at+16*i, base, m.free(n+i), m.free(n+i+1))
	}
	for i, v := range s {
		do(m.free(n+i), v, v)
	}
}

func (m mixer) storeState(hash, at int, base string) {
	s := m.state(hash)
	m.storePair(s[0], s[1], at, base)
	m.storePair(s[2], s[3], at+32, base)
}

const scratch = "R0"

// begin keeps the input of the rounds, finish adds it to their output.
func (m mixer) begin(hash int)  { m.storeState(hash, 64*hash, scratch) }
func (m mixer) finish(hash int) { m.withMemory(hash, 64*hash, scratch, m.add) }

// romix writes scryptROMix, RFC 7914, section 5, for r=1 and N=1024.
func romix(t *text, v variant) {
	m := mixer{t, v}
	t.function(v.name, fmt.Sprintf("func %s(v, scratch *uint32)", v.name), 16)
	t.op("MOVD v+0(FP), %s", m.v(0))
	t.op("MOVD scratch+8(FP), %s", scratch)
	t.op("MOVD $%d, R14", stride)
	for hash := 1; hash < m.width; hash++ {
		t.op("ADD R14, %s, %s", m.v(hash-1), m.v(hash))
	}

	// Between the two halves of a block, and between blocks, the half just
	// mixed is in registers; it is what the next half begins with.
	m.hashes(func(h int) {
		s := m.state(h)
		t.loadPair(64, m.v(h), s[0], s[1])
		t.loadPair(96, m.v(h), s[2], s[3])
	})
	t.op("MOVD $%d, R14", blocks-1)

	// Block i+1 of V is the mix of block i: what is stored is what is mixed, and
	// the block after the last is the X that the second loop begins with.
	t.label("fill")
	m.hashes(func(h int) {
		m.xorMemory(h, 0, m.v(h))
		m.begin(h)
	})
	m.salsa()
	m.hashes(func(h int) {
		m.finish(h)
		m.storeState(h, 128, m.v(h))
		m.xorMemory(h, 64, m.v(h))
		m.begin(h)
	})
	m.salsa()
	m.hashes(func(h int) {
		m.finish(h)
		m.storeState(h, 192, m.v(h))
		t.op("ADD $128, %s", m.v(h))
	})
	t.op("SUBS $1, R14, R14")
	t.op("BNE fill")
	t.op("MOVD $%d, R14", blocks-1)

	t.label("mix")
	t.note("The block chosen is that of the first word of X's second half, modulo N.")
	m.hashes(func(h int) {
		t.op("VMOV %s, %s", m.state(h)[0].lane(0), m.far(h))
		// With all bits above the lowest ten set this is the block's number
		// less N: its distance from X, which stands after the last.
		t.op("ORR $-1024, %s, %s", m.far(h), m.far(h))
		t.op("ADD %s<<7, %s, %s", m.far(h), m.v(h), m.far(h))
	})
	m.hashes(func(h int) {
		m.xorMemory(h, 64, m.far(h))
		m.storeState(h, 64, m.v(h))
		m.xorMemory(h, 0, m.v(h))
		m.xorMemory(h, 0, m.far(h))
		m.begin(h)
	})
	m.salsa()
	m.hashes(func(h int) {
		m.finish(h)
		m.storeState(h, 0, m.v(h))
		m.xorMemory(h, 64, m.v(h))
		m.begin(h)
	})
	m.salsa()
	m.hashes(func(h int) { m.finish(h) })
	t.op("SUBS $1, R14, R14")
	t.op("BNE mix")
	m.hashes(func(h int) { m.storeState(h, 64, m.v(h)) })
	t.op("RET")
}
