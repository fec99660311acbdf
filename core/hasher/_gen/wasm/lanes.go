package main

// lanes writes what surrounds the two hashes: four nonces at a time, side by side.
type lanes struct {
	layout *layout
	load   *function
	// Where vectors of one word of each of the four hashes lie.
	middle, header                uint32 // of the work, uniform; header's last word is the nonce
	first, inner, outer, t, block uint32 // states, and a message block
	x                             uint32 // scrypt's block
	blocks                        uint32 // the same, one hash after the other
}

// newLanes lays out the room and writes the part of load that both algorithms
// share.
func newLanes(l *layout, load *function) *lanes {
	s := &lanes{layout: l, load: load}
	s.middle, s.header = l.room(8*16), l.room(20*16)
	s.first, s.inner, s.outer, s.t = l.room(8*16), l.room(8*16), l.room(8*16), l.room(8*16)
	s.block, s.x, s.blocks = l.room(16*16), l.room(32*16), l.room(4*128)
	for i := range uint32(28) {
		at, word := s.middle+16*i, workMidstate+4*i
		if i >= 8 {
			at, word = s.header+16*(i-8), workHeader+4*(i-8)
		}
		load.num(0)
		load.num(0)
		load.load(word)
		load.vec(vSplat)
		load.vstore(at)
	}
	return s
}

// copy copies n vectors.
func (s *lanes) copy(f *function, to, from uint32, n int) {
	f.num(to)
	f.num(from)
	f.num(uint32(16 * n))
	f.copy()
}

// constants writes n times the same word.
func (s *lanes) constants(f *function, to, word uint32, n int) {
	if word == 0 {
		f.num(to)
		f.num(0)
		f.num(uint32(16 * n))
		f.fill()
		return
	}
	for i := range uint32(n) {
		s.copy(f, to+16*i, s.layout.splat(word), 1)
	}
}

// initial writes SHA-256's initial state.
func (s *lanes) initial(f *function, to uint32) {
	for i, w := range initial {
		s.constants(f, to+uint32(16*i), w, 1)
	}
}

// pad ends the message block after n words, as the end of so many bits.
func (s *lanes) pad(f *function, n int, bits uint32) {
	at := s.block + uint32(16*n)
	s.constants(f, at, 0x80000000, 1)
	s.constants(f, at+16, 0, 15-n-1)
	s.constants(f, s.block+15*16, bits, 1)
}

func (s *lanes) compress(f *function, state, message uint32) {
	f.num(state)
	f.num(message)
	f.call(fnBlock4)
}

// masked writes a key of eight words to the message block, padded with zeros, each
// word xored with mask.
func (s *lanes) masked(f *function, key, mask uint32) {
	for i := range uint32(8) {
		f.num(0)
		f.num(0)
		f.vload(key + 16*i)
		f.num(0)
		f.vload(s.layout.splat(mask))
		f.vec(vXor)
		f.vstore(s.block + 16*i)
	}
	s.constants(f, s.block+8*16, mask, 8)
}

// swapped copies n vectors, the bytes of each word turned round.
func (s *lanes) swapped(f *function, to, from uint32, n int) {
	f.num(to)
	f.num(from)
	f.num(to + uint32(16*n))
	f.call(fnSwap)
}

// swap is the function behind swapped: it copies from its second parameter to its
// first, until that reaches the third.
func swap() *function {
	f := &function{params: 3}
	const to, from, end = local(0), local(1), local(2)
	f.op(opLoop, typeVoid)
	f.get(to)
	f.get(from)
	f.vload(0)
	f.get(from)
	f.vload(0)
	f.swap()
	f.vstore(0)
	f.get(from)
	f.num(16)
	f.op(opAdd)
	f.set(from)
	f.get(to)
	f.num(16)
	f.op(opAdd)
	f.tee(to)
	f.get(end)
	f.op(opLtU)
	f.brIf(0)
	f.op(opEnd)
	return f
}

// finish is the end of HMAC: the digest at inner is hashed under the state at
// outer, which is replaced.
func (s *lanes) finish(f *function, outer, inner uint32) {
	s.copy(f, s.block, inner, 8)
	s.pad(f, 8, 768)
	s.compress(f, outer, s.block)
}

// nonces sets the header's last word to four nonces from first on.
func (s *lanes) nonces(f *function, first, vector local) {
	f.get(first)
	f.vec(vSplat)
	f.num(0)
	f.vload(s.layout.vector([4]uint32{0, 1, 2, 3}))
	f.vec(vAdd)
	f.set(vector)
	f.num(0)
	f.get(vector)
	f.get(vector)
	f.swap()
	f.vstore(s.header + 19*16)
}

// scrypt is the function that leaves the digests of four nonces, from its
// parameter on, at s.t.
func (s *lanes) scrypt() *function {
	f := &function{params: 1}
	const first = local(0)
	s.nonces(f, first, f.v128())

	// HMAC hashes a key longer than a block first, and 80 bytes are longer.
	s.copy(f, s.t, s.middle, 8)
	s.copy(f, s.block, s.header+16*16, 4)
	s.pad(f, 4, 640)
	s.compress(f, s.t, s.block)
	s.masked(f, s.t, 0x36363636)
	s.initial(f, s.inner)
	s.compress(f, s.inner, s.block)
	s.masked(f, s.t, 0x5c5c5c5c)
	s.initial(f, s.outer)
	s.compress(f, s.outer, s.block)

	// PBKDF2 with one iteration: HMAC(key, header ‖ i), four times.
	s.copy(f, s.first, s.inner, 8)
	s.compress(f, s.first, s.header)
	for i := range uint32(4) {
		s.copy(f, s.t, s.first, 8)
		s.copy(f, s.block, s.header+16*16, 4)
		s.constants(f, s.block+4*16, i+1, 1)
		s.pad(f, 5, 1184) // 64 bytes of key block and 84 of message
		s.compress(f, s.t, s.block)
		part := s.x + 8*16*i
		s.copy(f, part, s.outer, 8)
		s.finish(f, part, s.t)
		s.swapped(f, part, part, 8)
	}

	s.deal(f, func(laned, single uint32) {
		f.num(0)
		f.num(0)
		f.load(laned)
		f.store(single)
	})
	for g := 0; g < 4; g += groups {
		f.num(s.blocks + uint32(128*g))
		f.call(fnMix)
	}
	s.deal(f, func(laned, single uint32) {
		f.num(0)
		f.num(0)
		f.load(single)
		f.store(laned)
	})

	// HMAC(key, x ‖ 1): 64 + 128 + 4 bytes are 1568 bits.
	s.swapped(f, s.x, s.x, 32)
	s.compress(f, s.inner, s.x)
	s.compress(f, s.inner, s.x+16*16)
	s.constants(f, s.block, 1, 1)
	s.pad(f, 1, 1568)
	s.compress(f, s.inner, s.block)
	s.copy(f, s.t, s.outer, 8)
	s.finish(f, s.t, s.inner)
	return f
}

// deal names where each word of the four blocks lies, side by side and alone.
func (s *lanes) deal(f *function, move func(laned, single uint32)) {
	for hash := range 4 {
		for half := 0; half < 32; half += 16 {
			for place, word := range diagonal {
				move(s.x+uint32(16*(half+word)+4*hash), s.blocks+uint32(128*hash+4*(half+place)))
			}
		}
	}
}

// digests is the function that leaves sha256d's digests of four nonces, from its
// parameter on, at s.t.
func (s *lanes) digests() *function {
	f := &function{params: 1}
	s.nonces(f, local(0), f.v128())
	s.copy(f, s.inner, s.middle, 8)
	s.copy(f, s.block, s.header+16*16, 4)
	s.pad(f, 4, 640)
	s.compress(f, s.inner, s.block)
	s.copy(f, s.block, s.inner, 8)
	s.pad(f, 8, 256)
	s.initial(f, s.t)
	s.compress(f, s.t, s.block)
	return f
}

// scan is the function that hashes as many nonces as its second parameter says
// from the first on, writes the hits, and returns how many nonces it scanned.
func (s *lanes) scan() *function {
	f := &function{params: 2, results: 1}
	const nonce, count = local(0), local(1)
	left, lane, n := f.i32(), f.i32(), f.i32()
	f.get(count)
	f.set(left)
	f.num(0)
	f.num(0)
	f.store(hitsAt)
	f.op(opBlock, typeVoid) // leave
	f.op(opLoop, typeVoid)  // four nonces
	f.get(left)
	f.op(opEqz)
	f.brIf(1)
	f.op(opBlock, typeVoid) // no hit
	f.num(0)
	f.load(workKind)
	f.op(opIf, typeVoid)
	f.get(nonce)
	f.call(fnScrypt)
	f.op(opElse)
	f.get(nonce)
	f.call(fnSHA256d)
	f.op(opEqz)
	f.brIf(1)
	f.get(nonce)
	f.call(fnDigests)
	f.op(opEnd)

	f.num(0)
	f.set(lane)
	f.op(opLoop, typeVoid) // one of the four
	f.get(lane)
	f.num(2)
	f.op(opShl)
	f.call(fnMeets)
	f.op(opIf, typeVoid)
	f.num(0)
	f.load(hitsAt)
	f.tee(n)
	f.num(2)
	f.op(opShl)
	f.get(nonce)
	f.get(lane)
	f.op(opAdd)
	f.store(hitsAt + 4)
	f.num(0)
	f.get(n)
	f.num(1)
	f.op(opAdd)
	f.tee(n)
	f.store(hitsAt)
	f.get(n)
	f.num(maxHits)
	f.op(opEq)
	f.op(opIf, typeVoid) // full
	f.get(count)
	f.get(left)
	f.op(opSub)
	f.get(lane)
	f.op(opAdd)
	f.num(1)
	f.op(opAdd, opReturn, opEnd, opEnd)
	f.get(lane)
	f.num(1)
	f.op(opAdd)
	f.tee(lane)
	f.num(4)
	f.op(opLtU)
	f.get(lane)
	f.get(left)
	f.op(opLtU, opAnd)
	f.brIf(0)
	f.op(opEnd, opEnd)

	f.get(left)
	f.num(5)
	f.op(opLtU)
	f.brIf(1)
	f.get(left)
	f.num(4)
	f.op(opSub)
	f.set(left)
	f.get(nonce)
	f.num(4)
	f.op(opAdd)
	f.set(nonce)
	f.br(0)
	f.op(opEnd, opEnd)
	f.get(count)
	return f
}

// meets is the function that tells whether a digest, whose words lie sixteen bytes
// apart from s.t and its parameter on, is at most the target.
func (s *lanes) meets() *function {
	f := &function{params: 1, results: 1}
	const at = local(0)
	word, target := f.i32(), f.i32()
	for i := 7; i >= 0; i-- {
		// The bytes turned round, as two rotations of half of them each.
		f.get(at)
		f.load(s.t + uint32(16*i))
		f.tee(word)
		f.num(0x00ff00ff)
		f.op(opAnd)
		f.num(8)
		f.op(opRotr)
		f.get(word)
		f.num(0xff00ff00)
		f.op(opAnd)
		f.num(8)
		f.op(opRotl, opOr)
		f.tee(word)
		f.num(0)
		f.load(uint32(workTarget + 4*i))
		f.tee(target)
		f.op(opNe)
		f.op(opIf, typeVoid)
		f.get(word)
		f.get(target)
		f.op(opLtU, opReturn, opEnd)
	}
	f.num(1)
	return f
}
