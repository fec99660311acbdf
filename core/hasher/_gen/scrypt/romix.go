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

// A group has these rows in work, four of each.
const (
	first   = 4 * 0 // B0 of scryptBlockMix
	second  = 4 * 1 // B1
	before  = 4 * 2 // input of Salsa20
	now     = 4 * 3 // the half that goes through Salsa20, where registers are few
	perWork = 4 * 4
)

// An op emits a few instructions of one group's work.
type op func()

// group is one of the groups of hashes that are worked on side by side.
type group struct {
	*isa
	n int
	// x are the rows of the half that goes through Salsa20, in diagonal order.
	// Where registers are few there are two, for the rows computed last.
	x []VecPhysical
	// t is for steps in between. All groups share them but the first one where
	// there are many.
	t []VecPhysical
}

func (g *group) slot(half, row int) Mem {
	return Mem{Base: work, Disp: 64 + (g.n*perWork+half+row)*g.width()}
}

// romix writes scryptMix…: scryptROMix of RFC 7914, section 5, for r=1, on that
// many groups of hashes.
func (s *isa) romix(name string, groups int) {
	s.Function(name)
	s.Attributes(attr.NOSPLIT)
	s.SignatureExpr("func(v, x, work *uint32, n uint64)")
	s.Pragma("noescape")
	s.Doc(
		fmt.Sprintf("%s replaces %d blocks x, of 128 bytes each, by their scryptROMix,", name, groups*s.hashes),
		"with n a power of two from 2 on. The words of a block are in diagonal order.",
		"v has room for n blocks for each of them, one hash's after the other's, work",
		fmt.Sprintf("for %d bytes. All are aligned to 64 bytes.", 64+groups*perWork*s.width()),
	)
	all := make([]*group, groups)
	for i := range all {
		g := &group{isa: s, n: i, x: s.rows[2*i : 2*i+2], t: s.rows[2*groups:]}
		if s == avx512 {
			spare := s.rows[4*groups:]
			g.x = s.rows[4*i : 4*i+4]
			g.t = []VecPhysical{spare[i], spare[len(spare)-1], spare[len(spare)-2]}
		}
		all[i] = g
	}

	s.Load(s.Param("work"), work)
	s.Load(s.Param("n"), stride)
	s.SHLQ(U8(7), stride)
	s.LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)

	// The input lies in memory like blocks of V that follow each other.
	s.Load(s.Param("x"), bases[0])
	for _, g := range all {
		at := g.neighbours(bases[0])
		for half, to := range []int{first, second} {
			g.read(at, half, func(r int, v Op) {
				x := g.x[r%len(g.x)]
				g.move(v, x)
				g.move(x, g.slot(to, r))
			})
		}
	}
	s.LEAQ(Mem{Base: stride, Disp: -128}, scratch[0])
	s.MOVQ(scratch[0], s.mask())
	s.Load(s.Param("v"), bases[0])
	for i := range groups - 1 {
		s.LEAQ(Mem{Base: bases[i], Index: stride, Scale: uint8(s.hashes)}, bases[i+1])
	}
	var fill, turn, mix [][]op
	for _, g := range all {
		fill, turn, mix = append(fill, g.fill()), append(turn, g.mix()), append(mix, g.mix())
		turn[g.n][0] = func() {
			g.SUBQ(stride, bases[g.n])
			g.point()
			g.fetch()
		}
	}
	nothing := make([][]op, groups)
	length := max(len(fill[0]), len(mix[0])) + s.wait
	loop := func(name string, ops [][]op) {
		s.Load(s.Param("n"), count)
		s.DECQ(count)
		s.Label(name)
		interleave(length, ops, ops)
		s.DECQ(count)
		s.JNZ(LabelRef(name))
	}
	interleave(length, nothing, fill)
	loop("fill", fill)
	interleave(length, fill, turn)
	loop("mix", mix)
	interleave(length, mix, nothing)

	s.Load(s.Param("x"), bases[0])
	for _, g := range all {
		at := g.neighbours(bases[0])
		g.write(at, 0)
		g.write(at, 1)
	}
	s.end()
}

// interleave emits the end of the groups' ops of this step, and the beginning of
// those of the next. The groups are at different places of a step, evenly apart,
// so that while one waits for its block of V the others go on.
func interleave(length int, this, next [][]op) {
	for i := range length {
		for n := range this {
			late := n * length / len(this)
			ops, at := next[n], i-late
			if at < 0 {
				ops, at = this[n], at+length
			}
			if at < len(ops) {
				ops[at]()
			}
		}
	}
}

// fill is one step of scryptROMix's first loop: V[i] = X, X = scryptBlockMix(X).
func (g *group) fill() (ops []op) {
	if g.isa != avx512 {
		return append([]op{func() {
			g.store()
			for r := range 4 {
				x := g.x[r%2]
				g.move(g.slot(second, r), x)
				g.xor(x, g.slot(first, r), x)
				g.move(x, g.slot(before, r))
			}
		}}, g.blockMix()...)
	}
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
	ops = append([]op{g.fetch}, g.blockMix()...)
	if g.isa != avx512 {
		return append(ops, g.point)
	}
	return append(ops[:len(ops)-3:len(ops)-3], append([]op{g.point}, ops[len(ops)-3:]...)...)
}

// blockMix is the rest of scryptBlockMix, RFC 7914, section 4: x holds
// B0 xor B1, and B1 is in memory. Afterwards B0 is in memory and x is B1.
func (g *group) blockMix() (ops []op) {
	if g.isa != avx512 {
		return g.blockMixInMemory()
	}
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
	for range 4 {
		ops = append(ops, g.doubleRound()...)
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
		t0, t1, t2 := g.t[1], g.t[2], g.t[0]
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
		x := g.t[1]
		if half == 1 && g.isa == avx512 {
			x = g.x[r]
		} else {
			g.move(g.slot(first+half*(second-first), r), x)
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

// point finds the block of V that the block's own words point at: Integerify of
// RFC 7914 takes the first word of B1. Its lines are asked for at once.
func (g *group) point() {
	from := g.slot(second, 0)
	if g.isa == avx512 {
		from = g.slot(before, 0)
		g.move(g.x[0], from)
	}
	for h := range g.hashes {
		p := scratch[h]
		g.MOVL(from.Offset(16*h), p.As32())
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
		at := Mem{Base: bases[g.n], Index: p, Scale: 1}
		g.PREFETCHT0(at)
		g.PREFETCHT0(at.Offset(64))
		g.MOVQ(p, g.pointer(h))
	}
}

// pointer is where the place of hash h's block is kept, from the group's base.
func (g *group) pointer(h int) Mem { return g.slot(before, 0).Offset(8 * h) }

// fetch adds that block, and leaves x and the group's memory as blockMix
// takes them.
func (g *group) fetch() {
	at := make([]Mem, g.hashes)
	for h := range at {
		g.MOVQ(g.pointer(h), scratch[h])
		at[h] = Mem{Base: bases[g.n], Index: scratch[h], Scale: 1}
	}
	if g.isa != avx512 {
		g.read(at, 1, func(r int, v Op) {
			x := g.x[r%2]
			g.move(g.slot(second, r), x)
			g.xor(x, v, x)
			g.move(x, g.slot(second, r))
			g.xor(x, g.slot(first, r), x)
			g.move(x, g.slot(before, r))
		})
		g.read(at, 0, func(r int, v Op) {
			x := g.x[r%2]
			g.move(g.slot(before, r), x)
			g.xor(x, v, x)
			g.move(x, g.slot(before, r))
		})
		return
	}
	g.read(at, 1, func(r int, v Op) {
		g.xor(g.x[r], v, g.x[r])
		g.move(g.x[r], g.slot(second, r))
	})
	g.read(at, 0, func(r int, v Op) {
		g.VPTERNLOGD(U8(0x96), g.slot(first, r), v, g.x[r])
	})
}

// mask, before the rows, is n-1 times the size of a block.
func (s *isa) mask() Mem { return Mem{Base: work} }

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
		t0, t1, t2 := g.t[1], g.t[2], g.t[0]
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

// blockMixInMemory is blockMix for few registers: a group has two, for the rows
// that were computed last, and the rest is in memory.
func (g *group) blockMixInMemory() (ops []op) {
	ops = g.salsaInMemory(func(r int, x VecPhysical) {
		g.move(x, g.slot(first, r))
		g.xor(x, g.slot(second, r), x)
		g.move(x, g.slot(before, r))
	})
	return append(ops, g.salsaInMemory(func(r int, x VecPhysical) {
		g.move(x, g.slot(second, r))
	})...)
}

// salsaInMemory is Salsa20/8 of the rows before. It hands each row of the result to use.
func (g *group) salsaInMemory(use func(r int, x VecPhysical)) (ops []op) {
	x, y, t, u, v := g.x[0], g.x[1], g.t[0], g.t[1], g.t[2]
	a, c, d := g.slot(before, 0), g.slot(before, 2), g.slot(before, 3)
	// quarter is to ^= (x + y) <<< n, to being in memory; the result goes to x.
	quarter := func(x, y VecPhysical, n uint64, to Mem) {
		source := t
		if g.isa == sse2 { // x is needed no more, so one copy is enough
			g.add(x, y, x)
			g.move(x, t)
			source = x
		} else {
			g.add(x, y, t)
		}
		g.shiftLeft(source, n, x)
		g.xor(x, to, x)
		g.shiftRight(t, 32-n, t)
		g.xor(x, t, x)
	}
	// keep stores a row for the next round, in which its words are turned.
	keep := func(x VecPhysical, order uint64, at Mem) {
		g.shuffle(x, order, u)
		g.move(u, at)
	}
	ops = append(ops, func() {
		g.move(g.slot(before, 0), x)
		g.move(g.slot(before, 1), y)
	})
	for i := range 8 {
		a0, c0, d0 := a, c, d
		a, c, d = g.slot(now, 0), g.slot(now, 1), g.slot(now, 2+i%2)
		a1, c1, d1 := a, c, d
		ops = append(ops,
			func() { // b, from a and d
				if g.isa == sse2 {
					g.move(d0, t)
					g.add(t, x, t)
				} else {
					g.add(x, d0, t)
				}
				g.shiftLeft(t, 7, u)
				g.xor(y, u, y)
				g.shiftRight(t, 25, t)
				g.xor(y, t, y)
				keep(y, 0x93, d1)
			},
			func() { // c, from b and a
				quarter(x, y, 9, c0)
				keep(x, 0x4e, c1)
			},
			func() { // d, from c and b
				quarter(y, x, 13, d0)
			},
			func() { // a, from d and c
				quarter(x, y, 18, a0)
				g.move(x, a1)
				g.shuffle(y, 0x39, y)
			},
		)
	}
	return append(ops,
		func() {
			g.add(x, g.slot(before, 0), x)
			use(0, x)
			g.add(y, g.slot(before, 1), y)
			use(1, y)
		},
		func() {
			g.move(c, v)
			g.add(v, g.slot(before, 2), v)
			use(2, v)
			g.move(d, v)
			g.add(v, g.slot(before, 3), v)
			use(3, v)
		})
}

// doubleRound is a column round and a row round of Salsa20.
func (g *group) doubleRound() (ops []op) {
	a, b, c, d := g.x[0], g.x[1], g.x[2], g.x[3]
	for range 2 {
		ops = append(ops, g.quarter(a, d, b, 7)...)
		ops = append(ops, g.quarter(b, a, c, 9)...)
		ops = append(ops, g.quarter(c, b, d, 13)...)
		last := g.quarter(d, c, a, 18)
		ops = append(ops, last[0], g.turn(b, 0x93), g.turn(c, 0x4e), g.turn(d, 0x39))
		ops = append(ops, last[1:]...)
		b, d = d, b
	}
	return ops
}
