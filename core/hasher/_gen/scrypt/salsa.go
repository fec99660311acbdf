package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// blockMix is the rest of scryptBlockMix, RFC 7914, section 4: x holds
// B0 xor B1, and B1 is in memory. Afterwards B0 is in memory and x is B1. Where
// registers are few, what x is lies in before at first, and in second afterwards.
func (g *group) blockMix() (ops []op) {
	if !g.roomy() {
		return g.blockMixInMemory(func(VecPhysical) {})
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

// quarter is to ^= (p + q) <<< n.
func (g *group) quarter(p, q, to VecPhysical, n uint64) []op {
	sum := g.t[0]
	return []op{
		func() { g.add(p, q, sum) },
		func() { g.VPROLD(U8(n), sum, sum) },
		func() { g.xor(to, sum, to) },
	}
}

func (g *group) turn(x VecPhysical, order uint64) op {
	return func() { g.shuffle(x, order, x) }
}

// blockMixInMemory is blockMix for few registers: a group has two, for the rows
// that were computed last, and the rest is in memory: stores and loads take other
// units of the processor than the arithmetic.
func (g *group) blockMixInMemory(done func(x VecPhysical)) (ops []op) {
	ops = g.salsaInMemory(func(r int, x VecPhysical) {
		g.move(x, g.slot(first, r))
		g.xor(x, g.slot(second, r), x)
		g.move(x, g.slot(before, r))
	})
	return append(ops, g.salsaInMemory(func(r int, x VecPhysical) {
		if r == 0 {
			done(x)
		}
		g.move(x, g.slot(second, r))
	})...)
}

// salsaInMemory is Salsa20/8 of the rows before. It hands each row of the result
// to use. x holds a and c in turn, y b and d.
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
