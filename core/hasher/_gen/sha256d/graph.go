package main

import (
	"math/bits"
	"sort"
)

// An op is what computes a value from its arguments.
type op int

const (
	konst   op = iota // imm, known now
	slot              // word imm of the prepared work, the same in every lane
	carried           // word imm of the first digest, left in memory by the group before
	nonce             // the header's nonce word
	add
	xor
	and
	or
	rotr // by imm
	shr  // by imm
	shl  // by imm
	xor3
	choose   // args[0] ? args[1] : args[2], bit by bit
	majority // of the three arguments, bit by bit
	save     // an output: word imm of the first digest, for the next group
	hit      // an output: does the digest's last word, byte-swapped, meet the target?
)

// A value is one 32-bit word in every lane, written once.
type value struct {
	op   op
	args []*value
	imm  uint32
	id   int // the order of creation
}

// inMemory tells whether v is an operand that needs no instruction.
func (v *value) inMemory() bool { return v.op == konst || v.op == slot || v.op == carried }

func (v *value) is(c uint32) bool { return v.op == konst && v.imm == c }

// A graph makes values. It folds what is constant, and makes a value that is
// asked for twice once.
type graph struct {
	// ternary tells whether the target rotates, and combines three words, in
	// one instruction. If not, the graph is built from shifts and pairs.
	ternary bool
	seen    map[key]*value
}

type key struct {
	op      op
	imm     uint32
	a, b, c *value
}

func (g *graph) make(o op, imm uint32, args ...*value) *value {
	k := key{op: o, imm: imm}
	for i, to := range []**value{&k.a, &k.b, &k.c} {
		if i < len(args) {
			*to = args[i]
		}
	}
	v, ok := g.seen[k]
	if !ok {
		v = &value{op: o, args: args, imm: imm, id: len(g.seen)}
		g.seen[k] = v
	}
	return v
}

func (g *graph) konst(c uint32) *value { return g.make(konst, c) }
func (g *graph) slot(s int) *value     { return g.make(slot, uint32(s)) }

func (g *graph) add(x, y *value) *value {
	if x.op == konst {
		x, y = y, x
	}
	switch {
	case x.op == konst:
		return g.konst(x.imm + y.imm)
	case y.is(0):
		return x
	case y.op == konst && x.op == add && x.args[1].op == konst:
		return g.add(x.args[0], g.konst(x.args[1].imm+y.imm))
	}
	return g.make(add, 0, x, y)
}

// sum adds its terms in their order, so that what is known late should stand
// last, and all constants at once.
func (g *graph) sum(terms ...*value) *value {
	c := uint32(0)
	var total *value
	for _, t := range terms {
		if t.op == konst {
			c += t.imm
		}
	}
	for _, t := range terms {
		switch {
		case t.op == konst:
		case total == nil:
			total = g.add(t, g.konst(c))
		default:
			total = g.add(total, t)
		}
	}
	if total == nil {
		return g.konst(c)
	}
	return total
}

func (g *graph) logic(o op, x, y *value) *value {
	if x.op == konst && y.op == konst {
		switch o {
		case xor:
			return g.konst(x.imm ^ y.imm)
		case and:
			return g.konst(x.imm & y.imm)
		}
	}
	return g.make(o, 0, x, y)
}

func (g *graph) shift(o op, x *value, n int) *value {
	if x.op == konst {
		switch o {
		case rotr:
			return g.konst(bits.RotateLeft32(x.imm, -n))
		case shr:
			return g.konst(x.imm >> n)
		}
	}
	if o == rotr && !g.ternary {
		return g.make(or, 0, g.make(shr, uint32(n), x), g.make(shl, uint32(32-n), x))
	}
	return g.make(o, uint32(n), x)
}

func (g *graph) xor3(x, y, z *value) *value {
	if !g.ternary || x.op == konst {
		return g.logic(xor, g.logic(xor, x, y), z)
	}
	return g.make(xor3, 0, x, y, z)
}

// sigma is the Σ function of FIPS 180-4, section 4.1.2: three rotations.
func (g *graph) bigSigma(x *value, a, b, c int) *value {
	return g.xor3(g.shift(rotr, x, a), g.shift(rotr, x, b), g.shift(rotr, x, c))
}

// smallSigma is the σ function: two rotations and a shift.
func (g *graph) smallSigma(x *value, a, b, c int) *value {
	return g.xor3(g.shift(rotr, x, a), g.shift(rotr, x, b), g.shift(shr, x, c))
}

func (g *graph) choose(x, y, z *value) *value {
	switch {
	case x.op == konst && y.op == konst && z.op == konst:
		return g.konst(x.imm&y.imm | ^x.imm&z.imm)
	case g.ternary:
		return g.make(choose, 0, x, y, z)
	}
	return g.logic(xor, z, g.logic(and, x, g.logic(xor, y, z)))
}

func (g *graph) majority(x, y, z *value) *value {
	switch {
	case x.op == konst && y.op == konst && z.op == konst:
		return g.konst(x.imm&y.imm | x.imm&z.imm | y.imm&z.imm)
	case g.ternary:
		return g.make(majority, 0, x, y, z)
	}
	// x^y is the y^z of the next round, so that it is made once.
	return g.logic(xor, y, g.logic(and, g.logic(xor, x, y), g.logic(xor, y, z)))
}

// A state holds the eight working variables, a to h.
type state [8]*value

// step is one round. terms are what is added beside h: the message word and
// the round's constant.
func (g *graph) step(s state, terms ...*value) state {
	a, b, c, d, e, f, h := s[0], s[1], s[2], s[3], s[4], s[5], s[7]
	t := append([]*value{h}, terms...)
	t = append(t, g.choose(e, f, s[6]), g.bigSigma(e, 6, 11, 25))
	t1 := g.sum(t...)
	e = g.add(t1, d)
	maj := g.majority(a, b, c)
	// Rounds whose a is not needed any more lose it when the graph is pruned.
	a = g.add(g.add(g.bigSigma(a, 2, 13, 22), maj), t1)
	return state{a, s[0], b, c, e, s[4], f, s[6]}
}

// expand returns message word t, of 16 or more, from those before it.
func (g *graph) expand(w []*value, t int) *value {
	return g.sum(w[t-16], w[t-7], g.smallSigma(w[t-15], 7, 18, 3), g.smallSigma(w[t-2], 17, 19, 10))
}

// first builds the first hash up to its digest. The first block of the header
// is in the midstate already.
func (g *graph) first(ahead int) (out []*value) {
	w := make([]*value, 64)
	w[3] = g.make(nonce, 0)
	w[4] = g.konst(0x80000000)
	for t := 5; t < 15; t++ {
		w[t] = g.konst(0)
	}
	w[15] = g.konst(640)
	w[16], w[17] = g.slot(slotW16), g.slot(slotW17)
	// What does not depend on the nonce's word was prepared.
	message := func(t int) *value {
		switch t {
		case 18:
			return g.sum(g.smallSigma(w[3], 7, 18, 3), g.slot(slotW18))
		case 19:
			return g.sum(w[3], g.slot(slotW19))
		case 31:
			return g.sum(w[24], g.slot(slotW31), g.smallSigma(w[29], 17, 19, 10))
		case 32:
			return g.sum(w[25], g.slot(slotW32), g.smallSigma(w[30], 17, 19, 10))
		}
		return g.expand(w, t)
	}
	s := state{
		g.add(w[3], g.slot(slotA)), g.slot(slotB), g.slot(slotC), g.slot(slotD),
		g.add(w[3], g.slot(slotE)), g.slot(slotF), g.slot(slotG), nil,
	}
	for t := 4; t < 64; t++ {
		for next := t; next <= min(t+ahead, 63); next++ {
			if w[next] == nil {
				w[next] = message(next)
			}
		}
		switch {
		case t < 7:
			// h, the constant and the message word are all known.
			s[7] = g.slot(slotH4 + t - 4)
			s = g.step(s)
		case t == 16, t == 17:
			s = g.step(s, g.slot(slotKW16+t-16))
		default:
			s = g.step(s, g.konst(round[t]), w[t])
		}
	}
	for t := range s {
		out = append(out, g.add(s[t], g.slot(slotMidstate+t)))
	}
	return out
}

// second builds the second hash, of the first digest, up to the last word of
// its own.
func (g *graph) second(digest []*value, ahead int) *value {
	var s state
	w := make([]*value, 64)
	for t := range s {
		w[t] = digest[t]
		s[t] = g.konst(initial[t])
	}
	w[8] = g.konst(0x80000000)
	for t := 9; t < 15; t++ {
		w[t] = g.konst(0)
	}
	w[15] = g.konst(256)
	// The digest's last word is the initial one plus e of round 60, which moves
	// on to f, g and h: no later round tells more about it.
	const last = 60
	for t := 0; t <= last; t++ {
		for next := t; next <= min(t+ahead, last); next++ {
			if w[next] == nil {
				w[next] = g.expand(w, next)
			}
		}
		k := round[t]
		if t == last {
			k += initial[7]
		}
		s = g.step(s, g.konst(k), w[t])
	}
	return g.make(hit, 0, s[4])
}

// needed returns the values that out is made of, in the order of creation,
// without those that are operands in memory.
func needed(out ...*value) (order []*value) {
	reached := map[*value]bool{}
	var visit func(*value)
	visit = func(v *value) {
		if reached[v] || v.inMemory() {
			return
		}
		reached[v] = true
		for _, a := range v.args {
			visit(a)
		}
		order = append(order, v)
	}
	for _, v := range out {
		visit(v)
	}
	sort.Slice(order, func(i, j int) bool { return order[i].id < order[j].id })
	return order
}
