package main

// Opcodes of the WebAssembly core specification, version 2. A vector's opcodes
// follow the prefix 0xfd.
const (
	opBlock    = 0x02
	opLoop     = 0x03
	opIf       = 0x04
	opElse     = 0x05
	opEnd      = 0x0b
	opBr       = 0x0c
	opBrIf     = 0x0d
	opReturn   = 0x0f
	opCall     = 0x10
	opLocalGet = 0x20
	opLocalSet = 0x21
	opLocalTee = 0x22
	opLoad     = 0x28
	opStore    = 0x36
	opConst    = 0x41
	opEqz      = 0x45
	opEq       = 0x46
	opNe       = 0x47
	opLtU      = 0x49
	opGeU      = 0x4f
	opAdd      = 0x6a
	opSub      = 0x6b
	opMul      = 0x6c
	opAnd      = 0x71
	opOr       = 0x72
	opXor      = 0x73
	opShl      = 0x74
	opShrU     = 0x76
	opRotl     = 0x77
	opRotr     = 0x78
	opBulk     = 0xfc
	opVector   = 0xfd
	typeVoid   = 0x40
	typeI32    = 0x7f
	typeV128   = 0x7b
	typeFunc   = 0x60
	vLoad      = 0
	vStore     = 11
	vShuffle   = 13
	vSplat     = 17
	vExtract   = 27
	vLeU       = 62
	vAnd       = 78
	vOr        = 80
	vXor       = 81
	vAnyTrue   = 83
	vShl       = 171
	vShrU      = 173
	vAdd       = 174
)

// leb appends v in unsigned LEB128.
func leb(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b, v = append(b, byte(v)|0x80), v>>7
	}
	return append(b, byte(v))
}

// sleb appends v in signed LEB128.
func sleb(b []byte, v int32) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// function is one function's body as it is written.
type function struct {
	params, results int // all are i32
	code            []byte
	i32s, v128s     int // locals beside the parameters, in this order
}

// i32 adds a local; all of them come before the first vector.
func (f *function) i32() local {
	if f.v128s > 0 {
		panic("an i32 after a v128")
	}
	f.i32s++
	return local(f.params + f.i32s - 1)
}

func (f *function) v128() local {
	f.v128s++
	return local(f.params + f.i32s + f.v128s - 1)
}

// local is the number of a parameter or a local.
type local uint32

func (f *function) op(ops ...byte)            { f.code = append(f.code, ops...) }
func (f *function) get(l local)               { f.code = leb(append(f.code, opLocalGet), uint32(l)) }
func (f *function) set(l local)               { f.code = leb(append(f.code, opLocalSet), uint32(l)) }
func (f *function) tee(l local)               { f.code = leb(append(f.code, opLocalTee), uint32(l)) }
func (f *function) num(v uint32)              { f.code = sleb(append(f.code, opConst), int32(v)) }
func (f *function) call(index uint32)         { f.code = leb(append(f.code, opCall), index) }
func (f *function) br(depth uint32)           { f.code = leb(append(f.code, opBr), depth) }
func (f *function) brIf(depth uint32)         { f.code = leb(append(f.code, opBrIf), depth) }
func (f *function) vec(op uint32)             { f.code = leb(append(f.code, opVector), op) }
func (f *function) memory(at uint32)          { f.code = leb(append(f.code, 2), at) }
func (f *function) load(at uint32)            { f.op(opLoad); f.memory(at) }
func (f *function) store(at uint32)           { f.op(opStore); f.memory(at) }
func (f *function) vectorMemory(o, at uint32) { f.vec(o); f.code = leb(append(f.code, 4), at) }
func (f *function) vload(at uint32)           { f.vectorMemory(vLoad, at) }
func (f *function) vstore(at uint32)          { f.vectorMemory(vStore, at) }
func (f *function) extract(lane byte)         { f.vec(vExtract); f.op(lane) }

// copy is memory.copy: to, from and a length stand on the stack.
func (f *function) copy() { f.op(opBulk, 10, 0, 0) }

// fill is memory.fill: where, a byte and a length stand on the stack.
func (f *function) fill() { f.op(opBulk, 11, 0) }

// words shuffles 32-bit lanes: lane i of the result is lane from[i].
func (f *function) words(from [4]byte) {
	f.vec(vShuffle)
	for _, l := range from {
		f.op(4*l, 4*l+1, 4*l+2, 4*l+3)
	}
}

// swap turns the bytes of each 32-bit lane round. The vector stands on the stack
// twice, because a shuffle takes two.
func (f *function) swap() {
	f.vec(vShuffle)
	for l := byte(0); l < 16; l += 4 {
		f.op(l+3, l+2, l+1, l)
	}
}

// module joins the functions, in their order, into a module that exports its
// memory and the named functions.
func module(functions []*function, exports map[string]int, order []string, pages uint32, dataAt uint32, data []byte) []byte {
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	section := func(id byte, body []byte) {
		out = append(leb(append(out, id), uint32(len(body))), body...)
	}
	types := leb(nil, uint32(len(functions)))
	kinds := leb(nil, uint32(len(functions)))
	bodies := leb(nil, uint32(len(functions)))
	for i, f := range functions {
		types = append(types, typeFunc)
		for _, n := range []int{f.params, f.results} {
			types = leb(types, uint32(n))
			for range n {
				types = append(types, typeI32)
			}
		}
		kinds = leb(kinds, uint32(i))
		var body []byte
		var groups []byte
		n := uint32(0)
		for _, g := range []struct {
			count int
			kind  byte
		}{{f.i32s, typeI32}, {f.v128s, typeV128}} {
			if g.count > 0 {
				groups = append(leb(groups, uint32(g.count)), g.kind)
				n++
			}
		}
		body = append(leb(body, n), groups...)
		body = append(append(body, f.code...), opEnd)
		bodies = append(leb(bodies, uint32(len(body))), body...)
	}
	section(1, types)
	section(3, kinds)
	section(5, leb(leb([]byte{1, 1}, pages), pages))
	names := leb(nil, uint32(1+len(order)))
	name := func(s string, kind byte, index uint32) {
		names = append(leb(names, uint32(len(s))), s...)
		names = leb(append(names, kind), index)
	}
	name("memory", 2, 0)
	for _, s := range order {
		name(s, 0, uint32(exports[s]))
	}
	section(7, names)
	section(10, bodies)
	segment := []byte{1, 0, opConst}
	segment = append(sleb(segment, int32(dataAt)), opEnd)
	section(11, append(leb(segment, uint32(len(data))), data...))
	return out
}
