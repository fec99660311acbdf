package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// An isa is one vector instruction set: the operations that both kernels need,
// written once for each encoding. A row is a register that holds four 32-bit
// words of each of several hashes, or one word of four times as many.
type isa struct {
	*build.Context

	suffix string // of the names of functions and files
	title  string // in their comments
	hashes int    // 128-bit lanes in a row
	rows   []VecPhysical
	// wait is how many ops late a group uses the block of V that it asked for.
	wait int
}

var (
	sse2 = &isa{Context: build.NewContext(), suffix: "SSE2", title: "SSE2", hashes: 1, wait: 3, rows: []VecPhysical{
		X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15}}
	avx2 = &isa{Context: build.NewContext(), suffix: "AVX2", title: "AVX2", hashes: 2, wait: 3, rows: []VecPhysical{
		Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}}
	avx512 = &isa{Context: build.NewContext(), suffix: "AVX512", title: "AVX-512", hashes: 4, wait: 40, rows: []VecPhysical{
		Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}}
)

// width is the size of a row in bytes; lanes is how many 32-bit words it has.
func (s *isa) width() int { return 16 * s.hashes }
func (s *isa) lanes() int { return 4 * s.hashes }

// move copies a row between registers, or between a register and memory that is
// aligned to the width of a row.
func (s *isa) move(from, to Op) {
	switch s {
	case sse2:
		s.MOVO(from, to)
	case avx2:
		s.VMOVDQA(from, to)
	default:
		s.VMOVDQA32(from, to)
	}
}

// add, xor and and set to = a op b. b may be in memory. With SSE2, to must not
// be b unless it is a, too.
func (s *isa) add(a VecPhysical, b Op, to VecPhysical) {
	if s == sse2 {
		s.twoOperands(s.PADDL, a, b, to)
		return
	}
	s.VPADDD(b, a, to)
}

func (s *isa) xor(a VecPhysical, b Op, to VecPhysical) {
	switch s {
	case sse2:
		s.twoOperands(s.PXOR, a, b, to)
	case avx2:
		s.VPXOR(b, a, to)
	default:
		s.VPXORD(b, a, to)
	}
}

func (s *isa) and(a VecPhysical, b Op, to VecPhysical) {
	switch s {
	case sse2:
		s.twoOperands(s.PAND, a, b, to)
	case avx2:
		s.VPAND(b, a, to)
	default:
		s.VPANDD(b, a, to)
	}
}

// twoOperands emits an instruction that overwrites its first source.
func (s *isa) twoOperands(op func(Op, Op), a VecPhysical, b Op, to VecPhysical) {
	if a != to {
		if b == Op(to) {
			panic("the second source would be overwritten")
		}
		s.MOVO(a, to)
	}
	op(b, to)
}

func (s *isa) shiftLeft(a VecPhysical, n uint64, to VecPhysical) {
	if s == sse2 {
		if a != to {
			s.MOVO(a, to)
		}
		s.PSLLL(U8(n), to)
		return
	}
	s.VPSLLD(U8(n), a, to)
}

func (s *isa) shiftRight(a VecPhysical, n uint64, to VecPhysical) {
	if s == sse2 {
		if a != to {
			s.MOVO(a, to)
		}
		s.PSRLL(U8(n), to)
		return
	}
	s.VPSRLD(U8(n), a, to)
}

// shuffle reorders the four words of each hash: word i of the result is word
// order>>(2*i)&3 of a.
func (s *isa) shuffle(a VecPhysical, order uint64, to VecPhysical) {
	if s == sse2 {
		s.PSHUFD(U8(order), a, to)
		return
	}
	s.VPSHUFD(U8(order), a, to)
}

// end returns from the function, with the upper halves of the registers clear:
// otherwise the SSE code of others would be slow.
func (s *isa) end() {
	if s != sse2 {
		s.VZEROUPPER()
	}
	s.RET()
}
