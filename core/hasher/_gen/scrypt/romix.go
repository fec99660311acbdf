package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The registers of romix that all groups share. Where vector registers are few,
// those that are free after the beginning are rooms.
var (
	work    = RDI // rows in memory, see below
	stride  = RSI // from one hash's V to the next one's
	stride3 = RDX // three times that
	count   = RCX // blocks left to do
	scratch = []GPPhysical{RAX, RBX, R14, R15}
	bases   = []GPPhysical{R8, R9, R10, R11, R12, R13} // each group's place in its first hash's V
)

// pad lies between one hash's V and the next one's. Without it the same block of
// all hashes would fall into the same sets of the caches.
const pad = 7 * 128

// A group has these rows in work, four of each.
const (
	first   = 4 * 0 // B0 of scryptBlockMix
	second  = 4 * 1 // B1
	before  = 4 * 2 // input of Salsa20
	now     = 4 * 3 // the half that goes through Salsa20, where registers are few
	perWork = 4 * 4
)

// Before the rows, work has a line with mask and stride.
const (
	header   = 64
	strideAt = 8
)

// An op emits a few instructions of one group's work.
type op func()

// group is one of the groups of hashes that are worked on side by side.
type group struct {
	*isa
	n int
	// room is where the group's rows in memory are, see slot.
	room Register
	// x are the rows of the half that goes through Salsa20, in diagonal order.
	// Where registers are few there are two, for the rows computed last.
	x []VecPhysical
	// t is for what happens in between. The groups share them; where x has four
	// rows, each group has the first one for itself.
	t []VecPhysical
}

// roomy tells whether there is a register for each row of x.
func (g *group) roomy() bool { return len(g.x) == 4 }

func (g *group) slot(half, row int) Mem {
	if g.roomy() {
		return Mem{Base: work, Disp: header + (g.n*perWork+half+row)*g.width()}
	}
	// room points into the group's rows, so that those used most are near it and
	// the instructions short.
	return Mem{Base: g.room, Disp: (half + row - g.middle()) * g.width()}
}

// middle is the row that room points at.
func (s *isa) middle() int {
	if s == sse2 {
		return perWork / 2 // all rows are near
	}
	return now
}

// rooms returns the registers for the groups' rooms. The first is work itself.
func (s *isa) rooms() []GPPhysical {
	if s == sse2 {
		return []GPPhysical{RDI, RDX, R14, R15, RBX, RSI}
	}
	return []GPPhysical{RDI, RDX, R14, R15, R13}
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
		fmt.Sprintf("v has room for n blocks and %d bytes more for each of them, work for %d", pad, header+groups*perWork*s.width()),
		"bytes. All are aligned to 64 bytes.",
	)
	all := make([]*group, groups)
	for i := range all {
		g := &group{isa: s, n: i, x: s.rows[2*i : 2*i+2], t: s.rows[2*groups:]}
		if s == avx512 {
			spare := s.rows[4*groups:]
			g.x = s.rows[4*i : 4*i+4]
			g.t = []VecPhysical{spare[i], spare[len(spare)-1], spare[len(spare)-2]}
		}
		if !g.roomy() {
			g.room = s.rooms()[i]
		}
		all[i] = g
	}

	s.Load(s.Param("work"), work)
	s.Load(s.Param("n"), stride)
	s.SHLQ(U8(7), stride)
	s.LEAQ(Mem{Base: stride, Disp: -128}, scratch[0])
	s.MOVQ(scratch[0], Mem{Base: work})
	s.ADDQ(U32(pad), stride)
	if s == avx512 {
		s.LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	} else {
		s.MOVQ(stride, Mem{Base: work, Disp: strideAt})
	}
	s.Load(s.Param("v"), bases[0])
	for i := range groups - 1 {
		s.LEAQ(Mem{Base: bases[i], Index: stride, Scale: uint8(s.hashes)}, bases[i+1])
	}
	if s != avx512 {
		for i := groups - 1; i >= 0; i-- {
			s.LEAQ(Mem{Base: work, Disp: header + (i*perWork+s.middle())*s.width()}, s.rooms()[i])
		}
	}

	// The input lies in memory like blocks of V that follow each other.
	s.Load(s.Param("x"), scratch[0])
	for _, g := range all {
		at := g.neighbours(scratch[0])
		for half, to := range []int{first, second} {
			g.read(at, half, func(r int, v Op) {
				x := g.x[r%len(g.x)]
				g.move(v, x)
				g.move(x, g.slot(to, r))
			})
		}
	}
	// turn is the first step of mix: there each base goes back to where it began.
	var fill, turn, mix [][]op
	for _, g := range all {
		fill, turn, mix = append(fill, g.fill()), append(turn, g.mix()), append(mix, g.mix())
		turn[g.n][0] = func() {
			if g.roomy() {
				g.SUBQ(stride, bases[g.n])
			} else {
				g.SUBQ(g.mask().Offset(strideAt), bases[g.n])
			}
			g.ADDQ(U32(pad), bases[g.n])
			if g.roomy() {
				g.point()
			} else {
				g.move(g.slot(second, 0), g.x[0])
				g.aim(g.x[0])
			}
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
	if !g.roomy() {
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
	if !g.roomy() {
		return append([]op{g.fetch}, g.blockMixInMemory(g.aim)...)
	}
	ops = append([]op{g.fetch}, g.blockMix()...)
	// The other rows are not needed to know where.
	return slices.Insert(ops, len(ops)-3, g.point)
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

// write copies a half of the block to that half of the blocks of memory, one for
// each hash.
func (g *group) write(at []Mem, half int) {
	if !g.roomy() {
		from, x := first, g.t[1]
		if half == 1 {
			from = second
		}
		for r := range 4 {
			g.move(g.slot(from, r), x)
			if g.isa == sse2 {
				g.MOVO(x, at[0].Offset(64*half+16*r))
				continue
			}
			g.VMOVDQA(x.AsX(), at[0].Offset(64*half+16*r))
			g.VEXTRACTI128(U8(1), x, at[1].Offset(64*half+16*r))
		}
		return
	}
	// Whole lines are stored at once: two rows of two hashes, then four of one.
	t0, t1, t2 := g.t[1], g.t[2], g.t[0]
	for h := 0; h < 4; h += 2 {
		order := U8(0x44 + 0xaa*(h/2))
		if half == 0 {
			g.move(g.slot(first, 0), t0)
			g.move(g.slot(first, 2), t1)
			g.VSHUFI32X4(order, g.slot(first, 1), t0, t0)
			g.VSHUFI32X4(order, g.slot(first, 3), t1, t1)
		} else {
			g.VSHUFI32X4(order, g.x[1], g.x[0], t0)
			g.VSHUFI32X4(order, g.x[3], g.x[2], t1)
		}
		g.VSHUFI32X4(U8(0x88), t1, t0, t2)
		g.VSHUFI32X4(U8(0xdd), t1, t0, t0)
		g.move(t2, at[h].Offset(64*half))
		g.move(t0, at[h+1].Offset(64*half))
	}
}

// point finds the block of V that the block's own words point at: Integerify of
// RFC 7914 takes the first word of B1. Its lines are asked for at once.
func (g *group) point() {
	from := g.slot(before, 0)
	g.move(g.x[0], from)
	for h := range g.hashes {
		p := scratch[h]
		g.MOVL(from.Offset(16*h), p.As32())
		g.ask(h)
		g.MOVQ(p, g.pointer(h))
	}
}

// aim is point where registers are few: x is the row with that word. Where the
// block lies stays in scratch. That is soon used, before another group needs it.
func (g *group) aim(x VecPhysical) {
	for h := range g.hashes {
		p := scratch[h].As32()
		switch {
		case g.isa == sse2:
			g.MOVD(x, p)
		case h == 0:
			g.VMOVD(x.AsX(), p)
		default:
			g.VEXTRACTI128(U8(1), x, g.t[1].AsX())
			g.VMOVD(g.t[1].AsX(), p)
		}
		g.ask(h)
	}
}

// ask makes the place of hash h's block, from the group's base, of the word in
// scratch, and asks for its lines.
func (g *group) ask(h int) {
	p := scratch[h]
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
}

// pointer is where point keeps the place of hash h's block.
func (g *group) pointer(h int) Mem { return g.slot(before, 0).Offset(8 * h) }

// fetch adds that block, and leaves x and the group's memory as blockMix
// takes them.
func (g *group) fetch() {
	at := make([]Mem, g.hashes)
	for h := range at {
		if g.roomy() {
			g.MOVQ(g.pointer(h), scratch[h])
		}
		at[h] = Mem{Base: bases[g.n], Index: scratch[h], Scale: 1}
	}
	if !g.roomy() {
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

// mask is n-1 times the size of a block.
func (s *isa) mask() Mem {
	if s == avx512 {
		return Mem{Base: work}
	}
	return Mem{Base: s.rooms()[0], Disp: -header - s.middle()*s.width()}
}

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
