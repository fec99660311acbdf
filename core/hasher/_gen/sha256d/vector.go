package main

import (
	"fmt"
	"slices"
	"sort"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A target is a vector instruction set and how the kernel uses it.
type target struct {
	name    string
	ternary bool // rotations, three-way logic and broadcast operands
	size    int  // bytes of a register
	// One hash is a chain of dependent instructions, which leaves units idle. So
	// a pipelined kernel does the second hash of one group together with the
	// first hash of the next. That takes more registers.
	pipelined bool
	ahead     int // how many rounds ahead of its use a message word is made
	regs      []reg.VecPhysical
}

var avx512 = target{
	name: "AVX512", ternary: true, size: 64, pipelined: true, ahead: 1,
	regs: []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	},
}

var avx2 = target{
	name: "AVX2", size: 32, ahead: 1,
	regs: []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	},
}

// General registers of a vector kernel.
var (
	scratch   = reg.RAX // prepared work, then spilled values
	constants = reg.RBX // the middle of the constant table
	first     = reg.ECX // the nonce of the first lane
	groups    = reg.EDX // still to do
	done      = reg.ESI
	mask      = reg.R8L // candidates of this group
	keys      = reg.RDI // the constants of this block of rounds
	left      = reg.R9L // blocks of rounds still to do
)

// constantsMiddle is where in the table the register for constants points: in
// AVX-512 a displacement of one byte reaches 128 words either way.
const constantsMiddle = 512

// writeVector writes the scanner for t: a loop over groups of lanes.
func writeVector(c *build.Context, t target) {
	m := &machine{Context: c, target: t, table: make(map[uint32]int)}

	name := "sha256d" + t.name
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(scratch *uint32, first, groups uint32) (done, mask uint32)")
	c.Doc(
		fmt.Sprintf("%s scans groups of %d nonces. It stops at a group with a candidate,", name, t.size/4),
		"whose lanes mask tells, and returns how many groups before it had none.",
	)
	c.Load(c.Param("scratch"), scratch)
	c.Load(c.Param("first"), first)
	c.Load(c.Param("groups"), groups)
	tableName := "sha256dConstants" + t.name
	c.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(tableName), constantsMiddle), constants)
	if t.pipelined {
		m.pipeline()
	} else {
		m.rolled()
	}
	c.XORL(mask, mask)
	c.Label("end")
	c.Store(done, c.Return("done"))
	c.Store(mask, c.Return("mask"))
	c.VZEROUPPER()
	c.RET()

	c.StaticGlobal(tableName)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range m.consts {
		c.AddDatum(4*i, operand.U32(w))
	}
	if slots*m.stride()+(words+m.most)*t.size > scratchSize {
		panic("the scratch memory is too small")
	}
}

// pipeline writes the loop where a pass does the second hash of one group
// together with the first hash of the next.
func (m *machine) pipeline() {
	// The first pass has no group before: its second hash is of no account.
	m.MOVL(operand.U32(0xffffffff), done)
	m.Label("group")
	g := m.graph()
	one, s := g.first(64)
	var digest state
	var saves []*value
	for i, w := range g.digest(one.runFirst(s, 64)) {
		saves = append(saves, g.make(save, uint32(i), w))
		digest[i] = g.make(carried, uint32(i))
	}
	two, s := g.second(digest, 64)
	m.part(merge(needed(two.finish(s, 0)), needed(saves...)), nil)
	m.ADDL(operand.U8(uint8(m.size/4)), first)
	m.TESTL(done, done)
	m.JS(operand.LabelRef("next"))
	m.TESTL(mask, mask)
	m.JNZ(operand.LabelRef("end"))
	m.Label("next")
	m.INCL(done)
	m.CMPL(done, groups)
	m.JB(operand.LabelRef("group"))
}

// rolled writes the loop where a pass does both hashes of one group. Sixteen
// rounds of them are code that runs three times, because all of it together
// would not fit in a cache of decoded instructions.
func (m *machine) rolled() {
	const blocks = 2 // of the first hash
	// The constants of these rounds stand side by side, because the table is empty.
	for _, k := range round[32:] {
		m.constant(repeat(k, m.stride()/4)...)
	}
	m.XORL(done, done)
	m.Label("group")
	g := m.graph()
	one, s := g.first(16)
	s = one.runFirst(s, 32)
	m.part(needed(append(one.saves, s[:]...)...), &s)
	m.MOVL(operand.U32(blocks+1), left)
	m.LEAQ(m.constant(repeat(round[32], m.stride()/4)...), keys)

	m.Label("block")
	g = m.graph()
	one, s = g.resume(32, 32)
	s = one.block(s, 32)
	m.part(needed(append(one.saves, s[:]...)...), &s)
	m.ADDQ(operand.U32(uint32(16*m.stride())), keys)
	m.DECL(left)
	m.JZ(operand.LabelRef("last"))
	m.CMPL(left, operand.U8(1))
	m.JNE(operand.LabelRef("block"))

	// The first hash is done.
	g = m.graph()
	_, s = g.resume(64, 64)
	two, s := g.second(g.digest(s), 16)
	s = two.run(s, 0, 32, ordinary, plain)
	m.part(needed(append(two.saves, s[:]...)...), &s)
	m.LEAQ(m.constant(repeat(round[32], m.stride()/4)...), keys)
	m.JMP(operand.LabelRef("block"))

	m.Label("last")
	g = m.graph()
	two, s = g.resume(48, 64)
	m.part(needed(two.finish(s, 48)), nil)
	m.TESTL(mask, mask)
	m.JNZ(operand.LabelRef("end"))
	m.ADDL(operand.U8(uint8(m.size/4)), first)
	m.INCL(done)
	m.CMPL(done, groups)
	m.JB(operand.LabelRef("group"))
}

func (m *machine) graph() *graph {
	return &graph{ternary: m.ternary, ahead: m.ahead, seen: make(map[identity]*value)}
}

// part writes the code for the values of order. It begins with what it resumes
// in the first registers, and leaves the variables of exit there.
func (m *machine) part(order []*value, exit *state) {
	m.in, m.holds = make(map[*value]reg.VecPhysical), make(map[reg.Register]*value)
	m.spilled, m.freed, m.spills = make(map[*value]int), nil, 0
	m.uses = make(map[*value][]int)
	for i, v := range order {
		for _, a := range v.args {
			m.uses[a] = append(m.uses[a], i)
			if a.op == entry {
				m.put(a, m.regs[a.imm])
			}
		}
	}
	if exit != nil {
		for _, v := range exit {
			m.uses[v] = append(m.uses[v], len(order))
		}
	}
	for i, v := range order {
		m.now = i
		m.emit(v)
	}
	if exit != nil {
		m.settle(exit)
	}
}

// settle brings the variables of s into the first registers.
func (m *machine) settle(s *state) {
	for moved := 0; ; moved = 0 {
		var waits []int
		for i, v := range s {
			from, ok := m.in[v]
			to := m.regs[i]
			switch {
			case ok && from == to:
			case !ok:
				waits = append(waits, i)
			case m.holds[to] == nil || !slices.Contains(s[:], m.holds[to]):
				m.move(from, to)
				m.release(v)
				m.put(v, to)
				moved++
			default:
				waits = append(waits, i)
			}
		}
		if len(waits) == 0 {
			return
		}
		if moved > 0 {
			continue
		}
		// A circle, or what was spilled.
		v := s[waits[0]]
		to := m.regs[waits[0]]
		if from, ok := m.in[v]; ok {
			other := m.holds[to]
			free := m.regs[slices.IndexFunc(m.regs, func(r reg.VecPhysical) bool { return !slices.Contains(s[:], m.holds[r]) })]
			m.move(to, free)
			m.release(other)
			m.put(other, free)
			m.move(from, to)
			m.release(v)
			m.put(v, to)
			continue
		}
		from, _ := m.memory(v)
		m.move(from, to)
		m.put(v, to)
	}
}

// merge deals out the values of two orders in turn.
func merge(a, b []*value) (order []*value) {
	for i, j := 0, 0; i < len(a) || j < len(b); {
		if j == len(b) || i < len(a) && i*len(b) <= j*len(a) {
			order = append(order, a[i])
			i++
		} else {
			order = append(order, b[j])
			j++
		}
	}
	return order
}

// A machine emits values in order, and keeps them in registers. A value that
// finds none is spilled to the scratch memory once, because it never changes.
type machine struct {
	*build.Context
	target
	now     int              // place in the order
	uses    map[*value][]int // places
	in      map[*value]reg.VecPhysical
	holds   map[reg.Register]*value // the inverse of in
	pinned  []*value                // stay in their registers
	spilled map[*value]int          // place in the scratch memory
	freed   []int                   // places there that are free again
	spills  int                     // places used in this part
	most    int                     // and in any part
	consts  []uint32
	table   map[uint32]int // place in consts of a word that stands in every lane
}

// stride is the distance of constants in memory: AVX-512 broadcasts them.
func (m *machine) stride() int {
	if m.ternary {
		return 4
	}
	return m.size
}

// never is later than every place in the order.
const never = 1 << 30

// next returns when v is used after now.
func (m *machine) next(v *value) int {
	u := m.uses[v]
	i := sort.SearchInts(u, m.now+1)
	if i == len(u) {
		return never
	}
	return u[i]
}

// memory returns v as an operand in memory.
func (m *machine) memory(v *value) (op operand.Mem, broadcast bool) {
	switch v.op {
	case konst:
		return m.constant(repeat(v.imm, m.stride()/4)...), m.ternary
	case key:
		return operand.Mem{Base: keys, Disp: int(v.imm) * m.stride()}, m.ternary
	case slot:
		return operand.Mem{Base: scratch, Disp: int(v.imm) * m.stride()}, m.ternary
	}
	at := int(v.imm)
	if v.op != carried {
		at = m.spilled[v]
	}
	return operand.Mem{Base: scratch, Disp: slots*m.stride() + at*m.size}, false
}

// words is how many words the scratch memory has room for that are carried from
// one part of the code to another, before those that are spilled.
const words = 16

func repeat(w uint32, n int) []uint32 { return slices.Repeat([]uint32{w}, n) }

// constant returns the place of words in the constant table. Words that are
// not all the same are added anew.
func (m *machine) constant(words ...uint32) operand.Mem {
	at, ok := m.table[words[0]]
	uniform := slices.Equal(words, repeat(words[0], len(words)))
	if !ok || !uniform {
		at = len(m.consts)
		m.consts = append(m.consts, words...)
		if uniform {
			m.table[words[0]] = at
		}
	}
	return operand.Mem{Base: constants, Disp: 4*at - constantsMiddle}
}

// take returns a free register, spilling the value that is needed last.
func (m *machine) take() reg.VecPhysical {
	var worst *value
	for _, r := range m.regs {
		v := m.holds[r]
		if v == nil {
			return r
		}
		if !slices.Contains(m.pinned, v) && (worst == nil || m.next(v) > m.next(worst)) {
			worst = v
		}
	}
	r := m.in[worst]
	if _, ok := m.spilled[worst]; !ok && (worst.op == entry || !worst.given()) {
		m.spilled[worst] = words + m.spills
		if n := len(m.freed); n > 0 {
			m.spilled[worst], m.freed = m.freed[n-1], m.freed[:n-1]
		} else {
			m.spills++
			m.most = max(m.most, m.spills)
		}
		to, _ := m.memory(worst)
		m.move(r, to)
	}
	m.release(worst)
	return r
}

func (m *machine) release(v *value) {
	delete(m.holds, m.in[v])
	delete(m.in, v)
}

func (m *machine) put(v *value, r reg.VecPhysical) { m.in[v], m.holds[r] = r, v }

// dead frees the registers of arguments that are not used again, and the
// result may take one.
func (m *machine) dead(args []*value) {
	for _, a := range args {
		if _, ok := m.in[a]; ok && m.next(a) == never {
			m.release(a)
		}
	}
}

// forget frees the scratch memory of arguments that are not used again, after
// the instruction that reads it.
func (m *machine) forget(args []*value) {
	for _, a := range args {
		if at, ok := m.spilled[a]; ok && m.next(a) == never {
			delete(m.spilled, a)
			if at >= words {
				m.freed = append(m.freed, at)
			}
		}
	}
}

func (m *machine) move(from, to operand.Op) {
	if m.ternary {
		m.VMOVDQU32(from, to)
	} else {
		m.VMOVDQU(from, to)
	}
}

// load brings v into a register and returns it.
func (m *machine) load(v *value) reg.VecPhysical {
	if r, ok := m.in[v]; ok {
		return r
	}
	r := m.take()
	from, broadcast := m.memory(v)
	if broadcast {
		m.VPBROADCASTD(from, r)
	} else {
		m.move(from, r)
	}
	m.put(v, r)
	return r
}

// operands returns args with at most one of them, the last one, in memory.
// perm tells where each stood.
func (m *machine) operands(v *value) (args []*value, perm []int) {
	inMemory := -1
	for i, a := range v.args {
		if _, ok := m.in[a]; !ok && (inMemory < 0 || m.next(a) > m.next(v.args[inMemory])) {
			inMemory = i
		}
	}
	m.pinned = v.args
	for i, a := range v.args {
		if i != inMemory {
			m.load(a)
			args, perm = append(args, a), append(perm, i)
		}
	}
	if inMemory >= 0 {
		args, perm = append(args, v.args[inMemory]), append(perm, inMemory)
	}
	return args, perm
}

// source returns v as a register or memory operand.
func (m *machine) source(v *value) (o operand.Op, broadcast bool) {
	if r, ok := m.in[v]; ok {
		return r, false
	}
	return m.memory(v)
}

// emit writes the instructions for v.
func (m *machine) emit(v *value) {
	defer m.forget(v.args)
	switch v.op {
	case nonce:
		r := m.take()
		if m.ternary {
			m.VPBROADCASTD(first, r)
		} else {
			m.VMOVD(first, r.(reg.Vec).AsX())
			m.VPBROADCASTD(r.(reg.Vec).AsX(), r)
		}
		lanes := m.size / 4
		var iota []uint32
		for i := range lanes {
			iota = append(iota, uint32(i))
		}
		m.VPADDD(m.constant(iota...), r, r)
		m.swap(r, r)
		m.put(v, r)
	case add, xor, and, or:
		args, _ := m.operands(v)
		y, broadcast := m.source(args[1])
		x := m.in[args[0]]
		m.dead(v.args)
		m.pinned = v.args
		r := m.take()
		switch {
		case broadcast && v.op == add:
			m.VPADDD_BCST(y, x, r)
		case v.op == add:
			m.VPADDD(y, x, r)
		case v.op == xor:
			m.VPXOR(y, x, r)
		case v.op == and:
			m.VPAND(y, x, r)
		case v.op == or:
			m.VPOR(y, x, r)
		}
		m.put(v, r)
	case rotr, shr, shl:
		a := v.args[0]
		m.pinned = v.args
		if !m.ternary {
			m.load(a)
		}
		x, _ := m.source(a)
		m.dead(v.args)
		r := m.take()
		n := operand.U8(uint8(v.imm))
		switch v.op {
		case rotr:
			m.VPRORD(n, x, r)
		case shr:
			m.VPSRLD(n, x, r)
		case shl:
			m.VPSLLD(n, x, r)
		}
		m.put(v, r)
	case xor3, choose, majority:
		args, perm := m.operands(v)
		z, broadcast := m.source(args[2])
		// The first operand is overwritten: one that dies, or else a copy.
		if _, inReg := m.in[args[2]]; m.next(args[0]) < never {
			for i := 1; i < 3; i++ {
				if m.next(args[i]) == never && (i == 1 || inReg) {
					args[0], args[i] = args[i], args[0]
					perm[0], perm[i] = perm[i], perm[0]
					z, broadcast = m.source(args[2])
					break
				}
			}
		}
		x, y := m.in[args[0]], m.in[args[1]]
		if m.next(args[0]) < never {
			m.pinned = v.args
			r := m.take()
			m.move(x, r)
			x = r
			m.dead(v.args)
		} else {
			m.dead(v.args)
		}
		imm := operand.U8(truth(v.op, perm))
		if broadcast {
			m.VPTERNLOGD_BCST(imm, z, y, x)
		} else {
			m.VPTERNLOGD(imm, z, y, x)
		}
		m.put(v, x)
	case save:
		m.pinned = v.args
		to, _ := m.memory(&value{op: carried, imm: v.imm})
		m.move(m.load(v.args[0]), to)
		m.dead(v.args)
		// There it is as good as spilled.
		if _, ok := m.spilled[v.args[0]]; !ok && !v.args[0].given() {
			m.spilled[v.args[0]] = int(v.imm)
		}
	case hit:
		m.pinned = v.args
		r := m.load(v.args[0])
		m.swap(r, r)
		m.dead(v.args)
		limit, _ := m.memory(&value{op: slot, imm: slotTarget})
		if m.ternary {
			const lessOrEqual = 2
			m.VPCMPUD_BCST(operand.U8(lessOrEqual), limit, r, reg.K1)
			m.KMOVW(reg.K1, mask)
		} else {
			// No unsigned comparison: the lesser of both must be the digest's.
			m.put(v, r)
			m.pinned = []*value{v}
			least := m.take()
			m.release(v)
			m.VPMINUD(limit, r, least)
			m.VPCMPEQD(least, r, r)
			m.VMOVMSKPS(r, mask)
		}
	}
}

// swap reverses the bytes of each word.
func (m *machine) swap(from, to operand.Op) {
	var order []uint32
	for i := range uint32(m.size / 4) {
		order = append(order, 0x00010203+i%4*0x04040404)
	}
	m.VPSHUFB(m.constant(order...), from, to)
}

// truth returns the immediate byte of VPTERNLOGD for o, whose argument perm[i]
// is the instruction's operand i.
func truth(o op, perm []int) (table uint8) {
	for i := range 8 {
		var x [3]int
		for operand, arg := range perm {
			x[arg] = i >> (2 - operand) & 1
		}
		var bit int
		switch o {
		case xor3:
			bit = x[0] ^ x[1] ^ x[2]
		case choose:
			bit = x[0]&x[1] | (1-x[0])&x[2]
		case majority:
			bit = x[0]&x[1] | x[0]&x[2] | x[1]&x[2]
		}
		table |= uint8(bit << i)
	}
	return table
}
