package main

import (
	"fmt"
	"math/big"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// compression writes scryptSHA256…: the compression function of FIPS 180-4,
// section 6.2.2, on as many messages as a row has words.
func (s *isa) compression(k Mem) {
	name := "scryptSHA256" + s.suffix
	s.Function(name)
	s.Attributes(attr.NOSPLIT)
	s.SignatureExpr("func(out, in, message, scratch *uint32)")
	s.Pragma("noescape")
	s.Doc(
		fmt.Sprintf("%s runs SHA-256's compression function with %s on %d", name, s.title, s.lanes()),
		"messages side by side: out is in, updated by message. State and message are",
		"rows: word 0 of every message, word 1 of every message and so on. out may be",
		"in. scratch has room for 16 rows. Everything is aligned to a row.",
	)
	out, in := s.Load(s.Param("out"), RDI), s.Load(s.Param("in"), RSI)
	message, w := s.Load(s.Param("message"), RDX), s.Load(s.Param("scratch"), RCX)
	state := [8]VecPhysical(s.rows[:8])
	t := s.rows[8:]
	row := func(base Register, i int) Mem { return Mem{Base: base, Disp: i * s.width()} }
	for i, r := range state {
		s.move(row(in, i), r)
	}
	for i := range 64 {
		a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
		word := s.schedule(message, w, t, i)
		s.add(h, word, h)
		s.addConstant(h, k, i, t)
		if s == avx512 {
			// ch is 0xca and maj is 0xe8 as truth tables, 0x96 is xor of three.
			s.VMOVDQA32(e, t[0])
			s.VPTERNLOGD(U8(0xca), g, f, t[0])
			s.VPRORD(U8(6), e, t[1])
			s.VPRORD(U8(11), e, t[2])
			s.VPRORD(U8(25), e, t[3])
			s.VPTERNLOGD(U8(0x96), t[3], t[2], t[1])
			s.VPADDD(t[0], h, h)
			s.VPADDD(t[1], h, h)
			s.VPADDD(h, d, d)
			s.VMOVDQA32(a, t[0])
			s.VPTERNLOGD(U8(0xe8), c, b, t[0])
			s.VPRORD(U8(2), a, t[1])
			s.VPRORD(U8(13), a, t[2])
			s.VPRORD(U8(22), a, t[3])
			s.VPTERNLOGD(U8(0x96), t[3], t[2], t[1])
			s.VPADDD(t[0], h, h)
			s.VPADDD(t[1], h, h)
		} else {
			s.xor(f, g, t[0])
			s.and(t[0], e, t[0])
			s.xor(t[0], g, t[0]) // ch
			s.add(h, t[0], h)
			s.turned(e, [3]uint64{6, 11, 25}, t)
			s.add(h, t[0], h)
			s.add(d, h, d)
			s.turned(a, [3]uint64{2, 13, 22}, t)
			s.add(h, t[0], h)
			s.xor(a, b, t[0])
			s.xor(b, c, t[1])
			s.and(t[0], t[1], t[0])
			s.xor(t[0], b, t[0]) // maj
			s.add(h, t[0], h)
		}
		state = [8]VecPhysical{h, a, b, c, d, e, f, g}
	}
	for i, r := range state {
		s.add(r, row(in, i), r)
	}
	for i, r := range state {
		s.move(r, row(out, i))
	}
	s.end()
}

// schedule returns the message word of round i, in a register or in memory. The
// words from 16 on live in a ring of sixteen rows in w.
func (s *isa) schedule(message, w Register, t []VecPhysical, i int) Op {
	at := func(i int) Mem {
		if i < 16 {
			return Mem{Base: message, Disp: i * s.width()}
		}
		return Mem{Base: w, Disp: i % 16 * s.width()}
	}
	if i < 16 {
		return at(i)
	}
	x, sum := t[4], t[3]
	s.move(at(i-15), x)
	s.sigma(x, [3]uint64{7, 18, 3}, t)
	s.add(t[0], at(i-16), sum)
	s.add(sum, at(i-7), sum)
	s.move(at(i-2), x)
	s.sigma(x, [3]uint64{17, 19, 10}, t)
	s.add(sum, t[0], sum)
	s.move(sum, at(i))
	return sum
}

// turned sets t[0] to the xor of x rotated right by each of by; t[1] and t[2]
// are overwritten.
func (s *isa) turned(x VecPhysical, by [3]uint64, t []VecPhysical) {
	for i, n := range by {
		if i == 0 {
			s.shiftRight(x, n, t[0])
		} else {
			s.shiftRight(x, n, t[1])
			s.xor(t[0], t[1], t[0])
		}
		s.shiftLeft(x, 32-n, t[1])
		s.xor(t[0], t[1], t[0])
	}
}

// sigma sets t[0] to the xor of x rotated right by by[0] and by[1] and shifted
// right by by[2]; t[1] and t[2] are overwritten.
func (s *isa) sigma(x VecPhysical, by [3]uint64, t []VecPhysical) {
	if s == avx512 {
		s.VPRORD(U8(by[0]), x, t[0])
		s.VPRORD(U8(by[1]), x, t[1])
		s.VPSRLD(U8(by[2]), x, t[2])
		s.VPTERNLOGD(U8(0x96), t[2], t[1], t[0])
		return
	}
	s.shiftRight(x, by[2], t[0])
	for _, n := range by[:2] {
		s.shiftRight(x, n, t[1])
		s.xor(t[0], t[1], t[0])
		s.shiftLeft(x, 32-n, t[1])
		s.xor(t[0], t[1], t[0])
	}
}

// addConstant adds round i's constant to x. The table has each four times over,
// a row for SSE2, which cannot repeat a word on its way from memory.
func (s *isa) addConstant(x VecPhysical, k Mem, i int, t []VecPhysical) {
	at := k.Offset(16 * i)
	switch s {
	case sse2:
		s.PADDL(at, x)
	case avx2:
		s.VPBROADCASTD(at, t[0])
		s.VPADDD(t[0], x, x)
	default:
		s.VPADDD_BCST(at, x, x)
	}
}

// constants returns a table of the round constants of FIPS 180-4, section
// 4.2.2: the first 32 bits of the fractional parts of the cube roots of the
// first 64 primes.
func (s *isa) constants() Mem {
	table := s.StaticGlobal("scryptRound")
	s.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, v := range roundConstants() {
		for j := range 4 {
			s.AddDatum(16*i+4*j, U32(v))
		}
	}
	return table
}

// roundConstants computes them: v is the largest number whose cube is at most
// p times 2^96, so its low 32 bits are those of the root's fraction.
func roundConstants() (all [64]uint32) {
	n := 0
	for p := uint64(2); n < len(all); p++ {
		prime := true
		for q := uint64(2); q*q <= p; q++ {
			prime = prime && p%q != 0
		}
		if prime {
			all[n] = uint32(cubeRoot(p))
			n++
		}
	}
	return all
}

// cubeRoot returns the whole part of the cube root of p times 2^96.
func cubeRoot(p uint64) uint64 {
	cube := new(big.Int).Lsh(new(big.Int).SetUint64(p), 96)
	low, high := uint64(0), uint64(1)<<36 // p is below 2^12
	for high-low > 1 {
		v := new(big.Int).SetUint64((low + high) / 2)
		if new(big.Int).Exp(v, big.NewInt(3), nil).Cmp(cube) <= 0 {
			low = v.Uint64()
		} else {
			high = v.Uint64()
		}
	}
	return low
}
