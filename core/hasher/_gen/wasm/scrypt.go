package main

// scryptN is the cost parameter of the scrypt coins.
const scryptN = 1024

// groups is how many hashes mix interleaves. One hash is a single chain of
// dependent operations and leaves most of a processor idle: in Chromium two run
// 1.9 times as fast as one, and four 3.4 times.
const groups = 4

// A block of scrypt is kept with its words in the order of Salsa20's diagonals,
// so that a quarter-round works on whole vectors: place i holds word diagonal[i].
var diagonal = [16]int{0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11}

// mix is the function scryptROMix of RFC 7914, section 5, on as many blocks of 128
// bytes as there are groups. They lie at its parameter one after the other and are
// replaced. Each block has its V to itself, so that a look-up reads two lines of
// the cache and no more.
func mix() *function {
	f := &function{params: 1}
	const blocks = local(0)
	i, n := f.i32(), f.i32()
	var from [groups]local // where V is read
	for g := range from {
		from[g] = f.i32()
	}
	s := &salsa{function: f, n: n}
	for range groups {
		var r [4]local
		for j := range r {
			r[j] = f.v128()
		}
		s.rows = append(s.rows, r)
		s.sum = append(s.sum, f.v128())
		var lo, hi [4]local
		for j := range 4 {
			lo[j], hi[j] = f.v128(), f.v128()
		}
		s.lo = append(s.lo, lo)
		s.hi = append(s.hi, hi)
	}
	v := func(g int) uint32 { return vAt + uint32(g)*scryptN*128 }

	for g := range groups {
		for j := range 4 {
			f.get(blocks)
			f.vload(uint32(128*g + 16*j))
			f.set(s.lo[g][j])
			f.get(blocks)
			f.vload(uint32(128*g + 64 + 16*j))
			f.set(s.hi[g][j])
		}
	}

	// Fill V: the block is kept, then mixed.
	f.num(0)
	f.set(i)
	f.op(opLoop, typeVoid)
	for g := range groups {
		for j := range 4 {
			f.get(i)
			f.get(s.lo[g][j])
			f.vstore(v(g) + uint32(16*j))
			f.get(i)
			f.get(s.hi[g][j])
			f.vstore(v(g) + uint32(64+16*j))
		}
	}
	s.blockMix()
	f.get(i)
	f.num(128)
	f.op(opAdd)
	f.tee(i)
	f.num(scryptN * 128)
	f.op(opNe)
	f.brIf(0)
	f.op(opEnd)

	// Look up V where the block says, a thousand and twenty-four times.
	f.num(scryptN)
	f.set(i)
	f.op(opLoop, typeVoid)
	for g := range groups {
		f.get(s.hi[g][0])
		f.extract(0)
		f.num(scryptN - 1)
		f.op(opAnd)
		f.num(7)
		f.op(opShl)
		f.set(from[g])
	}
	for g := range groups {
		for j := range 4 {
			f.get(s.lo[g][j])
			f.get(from[g])
			f.vload(v(g) + uint32(16*j))
			f.vec(vXor)
			f.set(s.lo[g][j])
			f.get(s.hi[g][j])
			f.get(from[g])
			f.vload(v(g) + uint32(64+16*j))
			f.vec(vXor)
			f.set(s.hi[g][j])
		}
	}
	s.blockMix()
	f.get(i)
	f.num(1)
	f.op(opSub)
	f.tee(i)
	f.brIf(0)
	f.op(opEnd)

	for g := range groups {
		for j := range 4 {
			f.get(blocks)
			f.get(s.lo[g][j])
			f.vstore(uint32(128*g + 16*j))
			f.get(blocks)
			f.get(s.hi[g][j])
			f.vstore(uint32(128*g + 64 + 16*j))
		}
	}
	return f
}

// salsa writes scryptBlockMix for several hashes side by side.
type salsa struct {
	*function
	n      local      // double rounds to go
	rows   [][4]local // of the Salsa20 state
	sum    []local
	lo, hi [][4]local // of the block
}

// blockMix is scryptBlockMix of RFC 7914, section 4, for r=1.
func (s *salsa) blockMix() {
	s.salsa208(s.lo, s.hi)
	s.salsa208(s.hi, s.lo)
}

// salsa208 replaces b by Salsa20/8(b xor in), RFC 7914, section 3.
func (s *salsa) salsa208(b, in [][4]local) {
	for g := range s.rows {
		for j, row := range s.rows[g] {
			s.get(b[g][j])
			s.get(in[g][j])
			s.vec(vXor)
			s.tee(b[g][j])
			s.set(row)
		}
	}
	// A loop, because a module that is small compiles sooner; it runs as fast.
	s.num(4)
	s.set(s.n)
	s.op(opLoop, typeVoid)
	s.quarters(0, 1, 2, 3)
	s.turn(1, 2, 3)
	s.quarters(0, 3, 2, 1)
	s.turn(3, 2, 1)
	s.get(s.n)
	s.num(1)
	s.op(opSub)
	s.tee(s.n)
	s.brIf(0)
	s.op(opEnd)
	for g := range s.rows {
		for j, row := range s.rows[g] {
			s.get(b[g][j])
			s.get(row)
			s.vec(vAdd)
			s.set(b[g][j])
		}
	}
}

// quarters is four quarter-rounds at once.
func (s *salsa) quarters(a, b, c, d int) {
	for _, q := range []struct{ to, x, y, n int }{{b, a, d, 7}, {c, b, a, 9}, {d, c, b, 13}, {a, d, c, 18}} {
		for g, r := range s.rows {
			s.get(r[q.x])
			s.get(r[q.y])
			s.vec(vAdd)
			s.set(s.sum[g])
		}
		for g, r := range s.rows {
			s.get(r[q.to])
			s.get(s.sum[g])
			s.num(uint32(q.n))
			s.vec(vShl)
			s.vec(vXor)
			s.get(s.sum[g])
			s.num(uint32(32 - q.n))
			s.vec(vShrU)
			s.vec(vXor)
			s.set(r[q.to])
		}
	}
}

// turn moves the rows between the order for columns and the order for rows.
func (s *salsa) turn(right, two, left int) {
	for g := range s.rows {
		for _, m := range []struct {
			row  int
			from [4]byte
		}{{right, [4]byte{3, 0, 1, 2}}, {two, [4]byte{2, 3, 0, 1}}, {left, [4]byte{1, 2, 3, 0}}} {
			r := s.rows[g][m.row]
			s.get(r)
			s.get(r)
			s.words(m.from)
			s.set(r)
		}
	}
}
