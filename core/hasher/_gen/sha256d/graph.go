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
	carried           // word imm of what a part of the code left in memory for another
	entry             // working variable imm, which another part left in its register
	key               // round constant imm of the block of rounds that is done now
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
	save     // an output: word imm of what is carried
	hit      // an output: does the digest's last word, byte-swapped, meet the target?
)

// A value is one 32-bit word in every lane, written once.
type value struct {
	op   op
	args []*value
	imm  uint32
	id   int // the order of creation
}

// given tells whether v needs no instruction.
func (v *value) given() bool { return v.op < nonce }

func (v *value) is(c uint32) bool { return v.op == konst && v.imm == c }

// A graph makes values. It folds what is constant, and makes a value that is
// asked for twice once.
type graph struct {
	// ahead is how many rounds before its use a message word is made.
	ahead int
	// ternary tells whether the target rotates, and combines three words, in
	// one instruction. If not, the graph is built from shifts and pairs.
	ternary bool
	seen    map[identity]*value
}

// An identity is what makes values the same.
type identity struct {
	op      op
	imm     uint32
	a, b, c *value
}

func (g *graph) make(o op, imm uint32, args ...*value) *value {
	k := identity{op: o, imm: imm}
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

// bigSigma is a Σ function of FIPS 180-4, section 4.1.2: three rotations.
func (g *graph) bigSigma(x *value, a, b, c int) *value {
	return g.xor3(g.shift(rotr, x, a), g.shift(rotr, x, b), g.shift(rotr, x, c))
}

// smallSigma is a σ function: two rotations and a shift.
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

// A schedule is the message of one block, made word by word.
type schedule struct {
	*graph
	w [64]*value
	// saves are the words from carry on, which another part of the code needs.
	carry int
	saves []*value
}

// need makes word t, if there is none yet.
func (m *schedule) need(t int, special func(t int) *value) {
	if m.w[t] == nil {
		m.w[t] = special(t)
	}
	if m.w[t] == nil {
		m.w[t] = m.sum(m.w[t-16], m.w[t-7], m.smallSigma(m.w[t-15], 7, 18, 3), m.smallSigma(m.w[t-2], 17, 19, 10))
	}
	if t >= m.carry && len(m.saves) == t-m.carry {
		m.saves = append(m.saves, m.make(save, uint32(t%16), m.w[t]))
	}
}

// run does rounds from to to-1. special gives the message words that are not
// made like the others, and terms what is added in a round, or nothing.
func (m *schedule) run(s state, from, to int, special func(t int) *value, terms func(t int) []*value) state {
	for t := from; t < to; t++ {
		for next := t; next < min(t+1+m.ahead, to); next++ {
			m.need(next, special)
		}
		add := terms(t)
		if add == nil {
			add = []*value{m.konst(round[t]), m.w[t]}
		}
		s = m.step(s, add...)
	}
	return s
}

// ordinary and plain say that no word and no round is special.
func ordinary(int) *value { return nil }
func plain(int) []*value  { return nil }

// first begins the first hash. The first block of the header is in the midstate
// already, and so are the second's first rounds.
func (g *graph) first(carry int) (*schedule, state) {
	m := &schedule{graph: g, carry: carry}
	m.w[3] = g.make(nonce, 0)
	m.w[4] = g.konst(0x80000000)
	for t := 5; t < 15; t++ {
		m.w[t] = g.konst(0)
	}
	m.w[15] = g.konst(640)
	m.w[16], m.w[17] = g.slot(slotW16), g.slot(slotW17)
	return m, state{
		g.add(m.w[3], g.slot(slotA)), g.slot(slotB), g.slot(slotC), g.slot(slotD),
		g.add(m.w[3], g.slot(slotE)), g.slot(slotF), g.slot(slotG), g.slot(slotH4),
	}
}

// runFirst does rounds 4 to to-1 of the first hash.
func (m *schedule) runFirst(s state, to int) state {
	// What does not depend on the nonce's word was prepared.
	special := func(t int) *value {
		switch t {
		case 18:
			return m.sum(m.smallSigma(m.w[3], 7, 18, 3), m.slot(slotW18))
		case 19:
			return m.sum(m.w[3], m.slot(slotW19))
		case 31:
			return m.sum(m.w[24], m.slot(slotW31), m.smallSigma(m.w[29], 17, 19, 10))
		case 32:
			return m.sum(m.w[25], m.slot(slotW32), m.smallSigma(m.w[30], 17, 19, 10))
		}
		return nil
	}
	for t := 4; t < 7; t++ {
		// h, the constant and the message word are all known.
		s[7] = m.slot(slotH4 + t - 4)
		s = m.step(s)
	}
	return m.run(s, 7, to, special, func(t int) []*value {
		if t == 16 || t == 17 {
			return []*value{m.slot(slotKW16 + t - 16)}
		}
		return nil
	})
}

// digest adds the midstate to what the first hash ends with.
func (g *graph) digest(s state) (d state) {
	for t := range s {
		d[t] = g.add(s[t], g.slot(slotMidstate+t))
	}
	return d
}

// second begins the second hash, of the first digest.
func (g *graph) second(digest state, carry int) (*schedule, state) {
	m := &schedule{graph: g, carry: carry}
	var s state
	for t := range s {
		m.w[t] = digest[t]
		s[t] = g.konst(initial[t])
	}
	m.w[8] = g.konst(0x80000000)
	for t := 9; t < 15; t++ {
		m.w[t] = g.konst(0)
	}
	m.w[15] = g.konst(256)
	return m, s
}

// lastRound is the last one of the second hash that matters: the last word of
// the digest is the initial one plus e of this round, which moves on to f, g
// and h in the rounds after it.
const lastRound = 60

// finish does the rounds of the second hash beginning with from, and compares.
func (m *schedule) finish(s state, from int) *value {
	s = m.run(s, from, lastRound, ordinary, plain)
	m.need(lastRound, ordinary)
	s = m.step(s, m.konst(round[lastRound]+initial[7]), m.w[lastRound])
	return m.make(hit, 0, s[4])
}

// resume takes up a hash whose rounds up to from are done elsewhere, with the
// last sixteen message words carried and the state in its registers.
func (g *graph) resume(from, carry int) (*schedule, state) {
	m := &schedule{graph: g, carry: carry}
	for t := from - 16; t < from; t++ {
		m.w[t] = g.make(carried, uint32(t%16))
	}
	var s state
	for i := range s {
		s[i] = g.make(entry, uint32(i))
	}
	return m, s
}

// block does the sixteen rounds beginning with from, any multiple of 16, with
// the constants that key stands for.
func (m *schedule) block(s state, from int) state {
	return m.run(s, from, from+16, ordinary, func(t int) []*value {
		return []*value{m.make(key, uint32(t%16)), m.w[t]}
	})
}

// needed returns the values that out is made of, in the order of creation,
// without those that are operands in memory.
func needed(out ...*value) (order []*value) {
	reached := map[*value]bool{}
	var visit func(*value)
	visit = func(v *value) {
		if reached[v] || v.given() {
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
