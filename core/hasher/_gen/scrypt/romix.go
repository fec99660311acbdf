package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The registers of romix that all groups share.
var (
	work    = RDI // rows in memory, see below
	stride  = RSI // from one hash's V to the next one's
	stride3 = RDX // three times that
	count   = RCX // blocks left to do
	scratch = []GPPhysical{RAX, RBX, R14, R15}
	bases   = []GPPhysical{R8, R9, R10, R11, R12, R13} // each group's place in its first hash's V
)

// Each group has this many rows in work: the half of the block that is not in
// registers, one half as it was before the rounds, and what is added after them.
const (
	first   = 4 * 0 // B0 of scryptBlockMix
	second  = 4 * 1 // B1
	before  = 4 * 2 // input of Salsa20
	perWork = 4 * 3
)

// An op emits a few instructions of one group's work.
type op func()

// group is one of the groups of hashes that are worked on side by side.
type group struct {
	*isa
	n int
	x [4]VecPhysical // the half that goes through Salsa20, in diagonal order
	t []VecPhysical  // for the steps in between
}

func (g *group) slot(half, row int) Mem {
	return Mem{Base: work, Disp: (g.n*perWork + half + row) * g.width()}
}

// romix writes scryptMix…: scryptROMix of RFC 7914, section 5, for r=1.
func (s *isa) romix() {
	s.Function("scryptMix" + s.suffix)
	s.Attributes(attr.NOSPLIT)
	s.SignatureExpr("func(v, x, work *uint32, n uint64)")
	s.Pragma("noescape")
	s.Doc(
		fmt.Sprintf("scryptMix%s replaces %d blocks x, of 128 bytes each, by their scryptROMix,", s.suffix, s.groups*s.hashes),
		"with n a power of two from 2 on. The words of a block are in diagonal order.",
		fmt.Sprintf("v has room for %d blocks for each of them, work for %d rows; both, and x, are", 1, s.groups*perWork),
		"aligned to 64 bytes.",
	)
	groups := make([]*group, s.groups)
	spare := s.rows[4*s.groups:]
	for i := range groups {
		groups[i] = &group{isa: s, n: i, x: [4]VecPhysical(s.rows[4*i : 4*i+4]), t: []VecPhysical{spare[i], spare[len(spare)-1]}}
		if s == avx512 {
			// A step has one register to itself; transposing, which nothing interleaves, takes four.
			groups[i].t = append([]VecPhysical{spare[i]}, spare[s.groups:]...)
			if s.groups > 4 {
				groups[i].t = append([]VecPhysical{spare[i]}, spare...)
			}
		}
	}

	s.Load(s.Param("work"), work)
	s.Load(s.Param("n"), stride)
	s.SHLQ(U8(7), stride)
	s.LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)

	// The input lies in memory like blocks of V that follow each other.
	s.Load(s.Param("x"), bases[0])
	for _, g := range groups {
		at := g.neighbours(bases[0])
		g.read(at, 0, func(r int, v Op) { g.move(v, g.x[r]); g.move(g.x[r], g.slot(first, r)) })
		g.read(at, 1, func(r int, v Op) { g.move(v, g.x[r]) })
	}
	start := func() {
		s.Load(s.Param("v"), bases[0])
		for i := range groups[1:] {
			s.LEAQ(Mem{Base: bases[i], Index: stride, Scale: uint8(s.hashes)}, bases[i+1])
		}
		s.Load(s.Param("n"), count)
	}
	s.LEAQ(Mem{Base: stride, Disp: -128}, scratch[0])
	s.MOVQ(scratch[0], s.mask())
	start()
	s.Label("fill")
	s.interleave(groups, (*group).fill)
	s.DECQ(count)
	s.JNZ(LabelRef("fill"))

	start()
	s.Label("mix")
	s.interleave(groups, (*group).mix)
	s.DECQ(count)
	s.JNZ(LabelRef("mix"))

	s.Load(s.Param("x"), bases[0])
	for _, g := range groups {
		at := g.neighbours(bases[0])
		g.write(at, 0)
		g.write(at, 1)
	}
	s.end()
}

// interleave emits the groups' work, an op of each in turn.
func (s *isa) interleave(groups []*group, work func(*group) []op) {
	var all [][]op
	for _, g := range groups {
		all = append(all, work(g))
	}
	for i := range all[0] {
		for _, ops := range all {
			ops[i]()
		}
	}
}

// fill is one step of scryptROMix's first loop: V[i] = X, X = scryptBlockMix(X).
func (g *group) fill() (ops []op) {
	ops = append(ops, g.store)
	for r := range 4 {
		ops = append(ops, func() {
			g.move(g.x[r], g.slot(second, r))
			g.xor(g.x[r], g.slot(first, r), g.x[r])
		})
	}
	return append(ops, g.blockMix()...)
}

// mix is one step of the second loop: X = scryptBlockMix(X xor V[j]).
func (g *group) mix() (ops []op) {
	return append([]op{g.fetch}, g.blockMix()...)
}

// blockMix is the rest of scryptBlockMix, RFC 7914, section 4: x holds
// B0 xor B1, and B1 is in memory. Afterwards B0 is in memory and x is B1.
func (g *group) blockMix() (ops []op) {
	ops = g.salsa()
	for r := range 4 {
		ops = append(ops, func() {
			g.move(g.x[r], g.slot(first, r))
			g.xor(g.x[r], g.slot(second, r), g.x[r])
		})
	}
	return append(ops, g.salsa()...)
}

// salsa is Salsa20/8 of RFC 7914, section 3, on x. A row is one diagonal of the
// matrix, so a column's quarter-rounds are one step on four rows; turning
// three of the rows makes the matrix's rows of its columns.
func (g *group) salsa() (ops []op) {
	for r := range 4 {
		ops = append(ops, func() { g.move(g.x[r], g.slot(before, r)) })
	}
	a, b, c, d := g.x[0], g.x[1], g.x[2], g.x[3]
	for range 8 {
		ops = append(ops, g.quarter(a, d, b, 7)...)
		ops = append(ops, g.quarter(b, a, c, 9)...)
		ops = append(ops, g.quarter(c, b, d, 13)...)
		last := g.quarter(d, c, a, 18)
		ops = append(ops, last[0],
			g.turn(b, 0x93), g.turn(c, 0x4e), g.turn(d, 0x39))
		ops = append(ops, last[1:]...)
		b, d = d, b
	}
	for r := range 4 {
		ops = append(ops, func() { g.add(g.x[r], g.slot(before, r), g.x[r]) })
	}
	return ops
}

// quarter is to ^= (p + q) <<< n.
func (g *group) quarter(p, q, to VecPhysical, n uint64) []op {
	sum, shifted := g.t[0], g.t[1]
	add := func() { g.add(p, q, sum) }
	if g.isa == avx512 {
		return []op{
			add,
			func() { g.VPROLD(U8(n), sum, sum) },
			func() { g.VPXORD(sum, to, to) },
		}
	}
	return []op{
		add,
		func() { g.shiftLeft(sum, n, shifted); g.xor(to, shifted, to) },
		func() { g.shiftRight(sum, 32-n, sum); g.xor(to, sum, to) },
	}
}

func (g *group) turn(x VecPhysical, order uint64) op {
	return func() { g.shuffle(x, order, x) }
}

// place returns the address of the block of the group's hash h in V, as the
// group's base stands.
func (g *group) place(h int) Mem {
	m := Mem{Base: bases[g.n]}
	switch h {
	case 1:
		m.Index, m.Scale = stride, 1
	case 2:
		m.Index, m.Scale = stride, 2
	case 3:
		m.Index, m.Scale = stride3, 1
	}
	return m
}

// store writes the block to V and moves on to the next place.
func (g *group) store() {
	at := make([]Mem, g.hashes)
	for h := range at {
		at[h] = g.place(h)
	}
	g.write(at, 1)
	g.write(at, 0)
	g.SUBQ(I8(-128), bases[g.n])
}

// write copies a half of the block to half of the blocks of memory, one for each hash.
func (g *group) write(at []Mem, half int) {
	if g.isa == avx512 {
		var x [4]Op
		for r := range x {
			x[r] = g.x[r]
			if half == 0 {
				x[r] = g.slot(first, r)
			}
		}
		t0, t1, t2 := g.t[1], g.t[2], g.t[3]
		for h := 0; h < 4; h += 2 {
			order := U8(0x44 + 0xaa*(h/2))
			if half == 0 {
				g.move(x[0], t0)
				g.move(x[2], t1)
				g.VSHUFI32X4(order, x[1], t0, t0)
				g.VSHUFI32X4(order, x[3], t1, t1)
			} else {
				g.VSHUFI32X4(order, x[1], x[0], t0)
				g.VSHUFI32X4(order, x[3], x[2], t1)
			}
			g.VSHUFI32X4(U8(0x88), t1, t0, t2)
			g.VSHUFI32X4(U8(0xdd), t1, t0, t0)
			g.VMOVDQA32(t2, at[h].Offset(64*half))
			g.VMOVDQA32(t0, at[h+1].Offset(64*half))
		}
		return
	}
	for r := range 4 {
		x := g.x[r]
		if half == 0 {
			x = g.t[1]
			g.move(g.slot(first, r), x)
		}
		for h, m := range at {
			m = m.Offset(64*half + 16*r)
			switch {
			case g.isa == sse2:
				g.MOVO(x, m)
			case g.isa == avx2 && h == 0:
				g.VMOVDQA(x.AsX(), m)
			case g.isa == avx2:
				g.VEXTRACTI128(U8(h), x, m)
			case h == 0:
				g.VMOVDQA32(x.AsX(), m)
			default:
				g.VEXTRACTI32X4(U8(h), x, m)
			}
		}
	}
}

// fetch adds the block of V that the block's own words point at, and leaves
// x and the group's memory as blockMix takes them.
func (g *group) fetch() {
	// Integerify, for n up to 2^25: the first word of B1.
	g.move(g.x[0], g.slot(before, 0))
	at := make([]Mem, g.hashes)
	for h := range at {
		p := scratch[h]
		g.MOVL(g.slot(before, 0).Offset(16*h), p.As32())
		g.SHLL(U8(7), p.As32())
		g.ANDL(g.mask(), p.As32())
		switch h {
		case 1:
			g.ADDQ(stride, p)
		case 2:
			g.LEAQ(Mem{Base: p, Index: stride, Scale: 2}, p)
		case 3:
			g.ADDQ(stride3, p)
		}
		at[h] = Mem{Base: bases[g.n], Index: p, Scale: 1}
	}
	g.read(at, 1, func(r int, v Op) {
		g.xor(g.x[r], v, g.x[r])
		g.move(g.x[r], g.slot(second, r))
	})
	g.read(at, 0, func(r int, v Op) {
		if g.isa == avx512 {
			g.VPTERNLOGD(U8(0x96), g.slot(first, r), v, g.x[r])
			return
		}
		g.xor(g.x[r], v, g.x[r])
		g.xor(g.x[r], g.slot(first, r), g.x[r])
	})
}

// mask is n-1 times the size of a block.
func (s *isa) mask() Mem { return Mem{Base: work, Disp: s.groups * perWork * s.width()} }

// read gathers the rows of a half of the blocks at at, and hands each to use.
func (g *group) read(at []Mem, half int, use func(r int, v Op)) {
	at = slices.Clone(at)
	for h := range at {
		at[h] = at[h].Offset(64 * half)
	}
	switch g.isa {
	case sse2:
		for r := range 4 {
			use(r, at[0].Offset(16*r))
		}
	case avx2:
		for r := range 4 {
			g.VMOVDQA(at[0].Offset(16*r), g.t[1].AsX())
			g.VINSERTI128(U8(1), at[1].Offset(16*r), g.t[1], g.t[1])
			use(r, g.t[1])
		}
	default:
		t0, t1, t2 := g.t[1], g.t[2], g.t[3]
		for r := 0; r < 4; r += 2 {
			// Two rows of each hash, then the same row of four.
			g.VMOVDQU32(at[0].Offset(16*r), t0.AsY())
			g.VINSERTI64X4(U8(1), at[1].Offset(16*r), t0, t0)
			g.VMOVDQU32(at[2].Offset(16*r), t1.AsY())
			g.VINSERTI64X4(U8(1), at[3].Offset(16*r), t1, t1)
			g.VSHUFI32X4(U8(0x88), t1, t0, t2)
			g.VSHUFI32X4(U8(0xdd), t1, t0, t0)
			use(r, t2)
			use(r+1, t0)
		}
	}
}

// neighbours returns the addresses of the group's blocks in x.
func (g *group) neighbours(x Register) []Mem {
	at := make([]Mem, g.hashes)
	for h := range at {
		at[h] = Mem{Base: x, Disp: (g.n*g.hashes + h) * 128}
	}
	return at
}
