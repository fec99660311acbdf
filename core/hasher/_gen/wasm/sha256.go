package main

import "math/bits"

// A value is one word of four hashes that are computed side by side. Whatever is
// the same in all four, because it does not depend on the nonce, is computed once:
// by this program if it is a constant, by the module's load if it depends on the
// work.
type value struct {
	kind   kind
	number uint32 // of a constant
	slot   uint32 // of a uniform: where load keeps it, four times over
	emit   func() // of a varying: puts it on the stack
}

type kind int

const (
	constant kind = iota
	uniform
	varying
)

func number(v uint32) value { return value{kind: constant, number: v} }

// builder writes the function that hashes, and beside it load, which prepares
// what the work alone decides.
type builder struct {
	*function
	layout *layout
	load   *function // nil where nothing depends on the work
}

// push puts a value on the stack as a vector.
func (b *builder) push(v value) {
	switch v.kind {
	case constant:
		b.num(0)
		b.vload(b.layout.splat(v.number))
	case uniform:
		b.num(0)
		b.vload(v.slot)
	default:
		v.emit()
	}
}

// scalar puts a constant or a uniform on load's stack.
func (b *builder) scalar(v value) {
	if v.kind == constant {
		b.load.num(v.number)
	} else {
		b.load.num(0)
		b.load.load(v.slot)
	}
}

// prepare makes a uniform of what emit leaves on load's stack.
func (b *builder) prepare(emit func()) value {
	v := value{kind: uniform, slot: b.layout.room(16)}
	b.load.num(0)
	emit()
	b.load.vec(vSplat)
	b.load.vstore(v.slot)
	return v
}

// kept is the value of a local.
func (b *builder) kept(l local) value {
	return value{kind: varying, emit: func() { b.get(l) }}
}

// keep computes a value into a local, so that it can be used often.
func (b *builder) keep(l local, v value) value {
	if v.kind != varying {
		return v
	}
	v.emit()
	b.set(l)
	return b.kept(l)
}

// binary is an operation on two values.
func (b *builder) binary(x, y value, fold func(x, y uint32) uint32, scalar byte, vector uint32) value {
	switch {
	case x.kind == constant && y.kind == constant:
		return number(fold(x.number, y.number))
	case x.kind != varying && y.kind != varying:
		return b.prepare(func() { b.scalar(x); b.scalar(y); b.load.op(scalar) })
	}
	return value{kind: varying, emit: func() { b.push(x); b.push(y); b.vec(vector) }}
}

func (b *builder) xor(x, y value) value {
	return b.binary(x, y, func(x, y uint32) uint32 { return x ^ y }, opXor, vXor)
}

func (b *builder) and(x, y value) value {
	return b.binary(x, y, func(x, y uint32) uint32 { return x & y }, opAnd, vAnd)
}

// sum adds. What is constant and what is uniform is added up first; of the rest,
// what comes last in the list may be ready last.
func (b *builder) sum(vs ...value) value {
	add := func(x, y value) value {
		return b.binary(x, y, func(x, y uint32) uint32 { return x + y }, opAdd, vAdd)
	}
	total := number(0)
	for _, k := range []kind{constant, uniform, varying} {
		for _, v := range vs {
			if v.kind != k {
				continue
			}
			if total.kind == constant && total.number == 0 {
				total = v
			} else {
				total = add(total, v)
			}
		}
	}
	return total
}

// mixed is rotr(x, r1) ^ rotr(x, r2) ^ rotr(x, r3), or with x >> r3 in the place
// of the last. A varying x must be cheap to push.
func (b *builder) mixed(x value, r1, r2, r3 int, shift bool) value {
	switch x.kind {
	case constant:
		last := bits.RotateLeft32(x.number, -r3)
		if shift {
			last = x.number >> r3
		}
		return number(bits.RotateLeft32(x.number, -r1) ^ bits.RotateLeft32(x.number, -r2) ^ last)
	case uniform:
		return b.prepare(func() {
			b.scalar(x)
			b.load.num(uint32(r1))
			b.load.op(opRotr)
			b.scalar(x)
			b.load.num(uint32(r2))
			b.load.op(opRotr, opXor)
			b.scalar(x)
			b.load.num(uint32(r3))
			if shift {
				b.load.op(opShrU, opXor)
			} else {
				b.load.op(opRotr, opXor)
			}
		})
	}
	return value{kind: varying, emit: func() {
		// A rotation is two shifts. Their halves have no bit in common, so that
		// xor joins everything: in pairs, because each round waits for this.
		part := func(op uint32, n int) {
			b.push(x)
			b.num(uint32(n))
			b.vec(op)
		}
		part(vShrU, r1)
		part(vShl, 32-r1)
		b.vec(vXor)
		part(vShrU, r2)
		part(vShl, 32-r2)
		b.vec(vXor)
		b.vec(vXor)
		part(vShrU, r3)
		if !shift {
			part(vShl, 32-r3)
			b.vec(vXor)
		}
		b.vec(vXor)
	}}
}

// state is a to h between two rounds. Each is kept in a local of its own, or is
// not varying.
type state struct {
	v      [8]value
	locals [8]local
	change value // a xor b, for the next round's majority
	spare  [2]local
	t1     local
}

func (b *builder) state(v [8]value) *state {
	s := &state{v: v}
	for i := range s.locals {
		s.locals[i] = b.v128()
	}
	for i := range s.v {
		s.v[i] = b.keep(s.locals[i], s.v[i])
	}
	s.spare = [2]local{b.v128(), b.v128()}
	s.t1 = b.v128()
	s.change = b.keep(s.spare[1], b.xor(s.v[1], s.v[2]))
	return s
}

// round is a round of FIPS 180-4, section 6.2.2; kw is its constant and its
// message word. Where half is set, what only later rounds' a would need is left out.
func (b *builder) round(s *state, kw value, half bool) {
	a, bb, c, d, e, f, g, h := s.v[0], s.v[1], s.v[2], s.v[3], s.v[4], s.v[5], s.v[6], s.v[7]
	ch := b.xor(g, b.and(e, b.xor(f, g)))
	t1 := b.keep(s.t1, b.sum(h, kw, ch, b.mixed(e, 6, 11, 25, false)))
	// The local of d becomes that of e, and the local of h that of a.
	newE := b.keep(s.locals[3], b.sum(d, t1))
	newA := number(0)
	if !half {
		// maj(a, b, c) = b ^ (a^b & b^c), and b^c was the last round's a^b.
		change := b.keep(s.spare[0], b.xor(a, bb))
		maj := b.xor(bb, b.and(change, s.change))
		newA = b.keep(s.locals[7], b.sum(t1, maj, b.mixed(a, 2, 13, 22, false)))
		s.change = change
		s.spare[0], s.spare[1] = s.spare[1], s.spare[0]
	}
	s.v = [8]value{newA, a, bb, c, newE, e, f, g}
	l := s.locals
	s.locals = [8]local{l[7], l[0], l[1], l[2], l[3], l[4], l[5], l[6]}
}

// schedule is a ring of sixteen message words.
type schedule struct {
	w      [16]value
	locals [16]local
}

func (b *builder) schedule(w [16]value) *schedule {
	s := &schedule{w: w}
	for i := range s.locals {
		s.locals[i] = b.v128()
	}
	return s
}

// word returns message word i.
func (b *builder) word(s *schedule, i int) value {
	k := i & 15
	if i >= 16 {
		s.w[k] = b.keep(s.locals[k], b.sum(s.w[k], s.w[(i-7)&15],
			b.mixed(s.w[(i-15)&15], 7, 18, 3, true), b.mixed(s.w[(i-2)&15], 17, 19, 10, true)))
	}
	return s.w[k]
}

// rounds runs the rounds from the first of them to before end. stop is the first
// that needs no a.
func (b *builder) rounds(s *state, m *schedule, first, end, stop int) {
	for i := first; i < end; i++ {
		b.round(s, b.sum(number(round[i]), b.word(m, i)), i >= stop)
	}
}

// settle brings everything into its local, so that a loop can begin or go on. The
// number of rounds before it must be a multiple of sixteen.
func (b *builder) settle(s *state, m *schedule) {
	for i, v := range s.v {
		s.v[i] = b.settled(s.locals[i], v)
	}
	s.change = b.settled(s.spare[1], s.change)
	for i, v := range m.w {
		m.w[i] = b.settled(m.locals[i], v)
	}
}

func (b *builder) settled(l local, v value) value {
	if v.kind == varying {
		return v
	}
	b.push(v)
	b.set(l)
	return b.kept(l)
}

// block4 is the function that runs the compression function on four hashes: the
// states at its first parameter are updated by the messages at its second. Both
// are vectors of one word of each hash, big-endian words, sixteen bytes aligned.
// It is called a few times a scrypt hash, so it is written short.
func block4(l *layout) *function {
	f := &function{params: 2}
	b := &builder{function: f, layout: l}
	const at, message = local(0), local(1)
	constants := f.i32()
	table := l.table(round[:])
	var v [8]value
	for i := range v {
		v[i] = value{kind: varying, emit: func() { f.get(at); f.vload(uint32(16 * i)) }}
	}
	s := b.state(v)
	m := b.schedule([16]value{})
	for i, w := range m.locals {
		f.get(message)
		f.vload(uint32(16 * i))
		f.set(w)
		m.w[i] = b.kept(w)
	}
	f.num(table)
	f.set(constants)
	f.op(opLoop, typeVoid)
	for i := range 16 {
		k := value{kind: varying, emit: func() { f.get(constants); f.vload(uint32(16 * i)) }}
		b.round(s, b.sum(k, m.w[i]), false)
	}
	f.get(constants)
	f.num(16 * 16)
	f.op(opAdd)
	f.tee(constants)
	f.num(table + 64*16)
	f.op(opNe)
	f.op(opIf, typeVoid)
	for i := range 16 {
		b.word(m, 16+i)
	}
	f.br(1)
	f.op(opEnd, opEnd)
	for i := range s.v {
		f.get(at)
		f.get(at)
		f.vload(uint32(16 * i))
		b.push(s.v[i])
		f.vec(vAdd)
		f.vstore(uint32(16 * i))
	}
	return f
}

// sha256d is the function that hashes four nonces of the loaded work: it takes
// the first, and tells whether any of the four may meet the target, by the most
// significant word of the hashes alone. load is written beside it.
//
// A block of sixteen rounds is written once and runs three times: rounds 32 to 63
// of the first hash, then 32 to 47 of the second. Written out altogether the code
// is more than a processor keeps decoded.
func sha256d(l *layout, load *function) *function {
	f := &function{params: 1, results: 1}
	b := &builder{function: f, layout: l, load: load}
	const first = local(0)
	constants, left := f.i32(), f.i32()

	// The nonce as the header's last big-endian word.
	nonce := f.v128()
	f.get(first)
	f.vec(vSplat)
	f.num(0)
	f.vload(l.vector([4]uint32{0, 1, 2, 3}))
	f.vec(vAdd)
	f.tee(nonce)
	f.get(nonce)
	f.swap()
	f.set(nonce)

	fromWork := func(at uint32) value {
		return b.prepare(func() { load.num(0); load.load(at) })
	}
	var message [16]value
	for i := range message {
		switch i {
		case 0, 1, 2:
			message[i] = fromWork(workHeader + 64 + 4*uint32(i))
		case 3:
			message[i] = b.kept(nonce)
		case 4:
			message[i] = number(0x80000000)
		case 15:
			message[i] = number(640)
		default:
			message[i] = number(0)
		}
	}
	var mid [8]value
	for i := range mid {
		mid[i] = fromWork(workMidstate + 4*uint32(i))
	}
	s := b.state(mid)
	m := b.schedule(message)
	b.rounds(s, m, 0, 32, 64)
	b.settle(s, m)

	table := l.table(round[32:])
	begin := func() {
		f.num(table)
		f.set(constants)
	}
	begin()
	f.num(3)
	f.set(left)
	f.op(opBlock, typeVoid) // the end
	f.op(opLoop, typeVoid)  // sixteen rounds
	for i := range 16 {
		k := value{kind: varying, emit: func() { f.get(constants); f.vload(uint32(16 * i)) }}
		b.round(s, b.sum(k, b.word(m, 16+i)), false)
	}
	f.get(left)
	f.num(1)
	f.op(opSub)
	f.tee(left)
	f.op(opEqz)
	f.brIf(1)
	f.get(constants)
	f.num(16 * 16)
	f.op(opAdd)
	f.set(constants)
	f.get(left)
	f.num(2)
	f.op(opEq)
	f.brIf(0)
	b.second(s, m, mid)
	begin()
	f.br(0)
	f.op(opEnd, opEnd)

	// The last word of the digest is e after 61 rounds, of which the last four
	// need no new a.
	b.rounds(s, m, 48, 61, 57)
	last := f.v128()
	b.push(b.sum(number(initial[7]), s.v[4]))
	f.tee(last)
	f.get(last)
	f.swap()
	top := b.prepare(func() { load.num(0); load.load(workTarget + 28) })
	b.push(top)
	f.vec(vLeU)
	f.vec(vAnyTrue)
	return f
}

// second begins the hash of what s and mid make, and runs its first 32 rounds.
func (b *builder) second(s *state, m *schedule, mid [8]value) {
	for i := range m.w {
		switch {
		case i < 8:
			m.w[i] = b.keep(m.locals[i], b.sum(mid[i], s.v[i]))
		case i == 8:
			m.w[i] = number(0x80000000)
		case i == 15:
			m.w[i] = number(256)
		default:
			m.w[i] = number(0)
		}
	}
	for i, v := range initial {
		s.v[i] = number(v)
	}
	s.change = b.xor(s.v[1], s.v[2])
	b.rounds(s, m, 0, 32, 64)
	b.settle(s, m)
}
