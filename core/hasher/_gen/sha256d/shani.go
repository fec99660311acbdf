package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// shaStream holds one nonce of the SHA-NI kernel: the state as the instructions
// want it, words a, b, e, f and c, d, g, h, the highest first, and the last
// sixteen message words.
type shaStream struct {
	abef, cdgh reg.VecPhysical
	w          [4]reg.VecPhysical
	t          reg.VecPhysical
}

var shaStreams = []shaStream{
	{reg.X1, reg.X2, [4]reg.VecPhysical{reg.X3, reg.X4, reg.X5, reg.X6}, reg.X7},
	{reg.X8, reg.X9, [4]reg.VecPhysical{reg.X10, reg.X11, reg.X12, reg.X13}, reg.X14},
}

// wk is the operand that SHA256RNDS2 does not name.
var wk = reg.X0

// The quadruples of the prepared work that the SHA-NI kernel reads, by their
// place in the scratch memory. sha256d_amd64.go fills them.
const (
	quadABEF   = 16 * iota // the state after round 3, less the nonce's word
	quadCDGH               //
	quadW16                // message words 16 to 19, less what depends on the nonce
	quadW20                // words 20 and 23 likewise, before SHA256MSG2
	quadW28                // words 28 to 31 likewise
	quadABEF0              // the midstate
	quadCDGH0              //
	quadTarget             // its most significant word
)

type shaWriter struct {
	*build.Context
	table []uint32
	at    map[[4]uint32]int
}

// quad returns four words in memory, the lowest first.
func (c *shaWriter) quad(words ...uint32) operand.Mem {
	k := [4]uint32(words)
	at, ok := c.at[k]
	if !ok {
		at = len(c.table)
		c.at[k] = at
		c.table = append(c.table, words...)
	}
	return operand.Mem{Base: constants, Disp: 4*at - constantsMiddle*128}
}

func prepared(at int) operand.Mem { return operand.Mem{Base: scratch, Disp: at} }

// constRounds does rounds t to t+3 with message words that are known.
func (c *shaWriter) constRounds(t int, words ...uint32) {
	var k [4]uint32
	for i := range k {
		k[i] = round[t+i] + words[i]
	}
	for i := range shaStreams {
		s := &shaStreams[i]
		c.MOVOA(c.quad(k[:]...), wk)
		c.SHA256RNDS2(wk, s.abef, s.cdgh)
		c.MOVOA(c.quad(k[2], k[3], 0, 0), wk)
		c.SHA256RNDS2(wk, s.cdgh, s.abef)
	}
}

// rounds does rounds t to t+3, of the words that stand in w[t/4%4].
func (c *shaWriter) rounds(t int, expand func(s *shaStream)) {
	for i := range shaStreams {
		s := &shaStreams[i]
		c.MOVOA(s.w[t/4%4], wk)
		c.PADDD(c.quad(round[t:t+4]...), wk)
		c.SHA256RNDS2(wk, s.abef, s.cdgh)
		c.PSHUFD(operand.U8(0x0e), wk, wk)
		c.SHA256RNDS2(wk, s.cdgh, s.abef)
		if expand != nil {
			expand(s)
		}
	}
}

// expand replaces the quadruple of words t-16 by that of words t.
func (c *shaWriter) expand(t int) func(*shaStream) {
	return func(s *shaStream) {
		w := func(t int) reg.VecPhysical { return s.w[t/4%4] }
		c.SHA256MSG1(w(t-12), w(t))
		c.finish(s, t)
	}
}

// finish makes the quadruple of words t, where that of t-16 has been through
// SHA256MSG1.
func (c *shaWriter) finish(s *shaStream, t int) {
	w := func(t int) reg.VecPhysical { return s.w[t/4%4] }
	c.MOVOA(w(t-4), s.t)
	c.PALIGNR(operand.U8(4), w(t-8), s.t)
	c.PADDD(s.t, w(t))
	c.SHA256MSG2(w(t-4), w(t))
}

// writeSHANI writes the scanner with the SHA extensions: two nonces side by
// side, because SHA256RNDS2 takes longer than it keeps its unit busy.
func writeSHANI(b *build.Context) {
	writeCPUHasSHA(b)
	c := &shaWriter{Context: b, at: make(map[[4]uint32]int)}
	c.Function("sha256dSHANI")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(scratch *byte, first, groups uint32) (done, mask uint32)")
	c.Doc(
		"sha256dSHANI scans groups of 2 nonces. It stops at a group with a candidate,",
		"whose lanes mask tells, and returns how many groups before it had none.",
	)
	c.Load(c.Param("scratch"), scratch)
	c.Load(c.Param("first"), first)
	c.Load(c.Param("groups"), groups)
	tableName := "sha256dConstantsSHANI"
	c.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(tableName), constantsMiddle*128), constants)
	c.XORL(done, done)
	c.Label("group")
	c.first()
	c.second()

	limit, digest := reg.R9L, reg.R10L
	c.MOVL(prepared(quadTarget), limit)
	c.XORL(mask, mask)
	c.XORL(reg.R11L, reg.R11L)
	for i := range shaStreams {
		c.MOVD(shaStreams[i].cdgh, digest)
		c.ADDL(operand.U32(initial[7]), digest)
		c.BSWAPL(digest)
		c.CMPL(digest, limit)
		c.SETLS([]reg.GPPhysical{reg.R8B, reg.R11B}[i])
	}
	c.SHLL(operand.U8(1), reg.R11L)
	c.ORL(reg.R11L, mask)
	c.JNZ(operand.LabelRef("end"))
	c.ADDL(operand.U8(uint8(len(shaStreams))), first)
	c.INCL(done)
	c.CMPL(done, groups)
	c.JB(operand.LabelRef("group"))
	c.Label("end")
	c.Store(done, c.Return("done"))
	c.Store(mask, c.Return("mask"))
	c.RET()
	c.StaticGlobal(tableName)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range c.table {
		c.AddDatum(4*i, operand.U32(w))
	}
}

// first does the first hash from round 4 on, and leaves its digest in w[0] and
// w[1] of each stream.
func (c *shaWriter) first() {
	const padding, length = 0x80000000, 640
	for i := range shaStreams {
		s := &shaStreams[i]
		// The nonce's word goes to a and e, and stands alone in words 0 to 3.
		n := reg.R9L
		c.LEAL(operand.Mem{Base: reg.RCX, Disp: i}, n)
		c.BSWAPL(n)
		c.MOVD(n, s.t)
		c.PSHUFD(operand.U8(0x11), s.t, s.abef)
		c.PADDD(prepared(quadABEF), s.abef)
		c.MOVOA(prepared(quadCDGH), s.cdgh)
		c.PSHUFD(operand.U8(0x15), s.t, s.w[0])
	}
	c.constRounds(4, padding, 0, 0, 0)
	c.constRounds(8, 0, 0, 0, 0)
	c.constRounds(12, 0, 0, 0, length)
	for i := range shaStreams {
		s := &shaStreams[i]
		// Words 18 and 19 need σ0 of the nonce's word, and that word.
		c.PXOR(s.t, s.t)
		c.SHA256MSG1(s.t, s.w[0])
		c.PADDD(prepared(quadW16), s.w[0])
	}
	c.rounds(16, func(s *shaStream) {
		c.MOVOA(prepared(quadW20), s.w[1])
		c.SHA256MSG2(s.w[0], s.w[1])
	})
	c.rounds(20, func(s *shaStream) {
		c.MOVOA(s.w[1], s.w[2])
		c.PALIGNR(operand.U8(4), s.w[0], s.w[2])
		c.SHA256MSG2(s.w[1], s.w[2])
	})
	c.rounds(24, func(s *shaStream) {
		c.MOVOA(prepared(quadW28), s.w[3])
		c.finish(s, 28)
	})
	for t := 28; t < 64; t += 4 {
		if t < 60 {
			c.rounds(t, c.expand(t+4))
		} else {
			c.rounds(t, nil)
		}
	}
	for i := range shaStreams {
		s := &shaStreams[i]
		c.PADDD(prepared(quadABEF0), s.abef)
		c.PADDD(prepared(quadCDGH0), s.cdgh)
		c.MOVOA(s.abef, s.w[0])
		c.MOVOA(s.abef, s.w[1])
		c.SHUFPS(operand.U8(0xbb), s.cdgh, s.w[0]) // a, b, c, d
		c.SHUFPS(operand.U8(0x11), s.cdgh, s.w[1]) // e, f, g, h
	}
}

// second does the second hash up to round 61. Then the lowest word of what is
// in cdgh, f, is the digest's last word less the initial one.
func (c *shaWriter) second() {
	const padding, length = 0x80000000, 256
	for i := range shaStreams {
		s := &shaStreams[i]
		c.MOVOA(c.quad(initial[5], initial[4], initial[1], initial[0]), s.abef)
		c.MOVOA(c.quad(initial[7], initial[6], initial[3], initial[2]), s.cdgh)
	}
	c.rounds(0, nil)
	c.rounds(4, func(s *shaStream) { c.SHA256MSG1(s.w[1], s.w[0]) })
	c.constRounds(8, padding, 0, 0, 0)
	c.constRounds(12, 0, 0, 0, length)
	for i := range shaStreams {
		s := &shaStreams[i]
		c.MOVOA(c.quad(0, 0, 0, length), s.w[3])
		c.SHA256MSG2(s.w[3], s.w[0]) // words 9 to 12 are zero
		c.MOVOA(c.quad(padding, 0, 0, 0), s.w[2])
		c.SHA256MSG1(s.w[2], s.w[1])
	}
	c.rounds(16, func(s *shaStream) {
		c.MOVOA(s.w[0], s.t)
		c.PALIGNR(operand.U8(4), s.w[3], s.t)
		c.PADDD(s.t, s.w[1])
		c.SHA256MSG2(s.w[0], s.w[1])
	})
	c.rounds(20, func(s *shaStream) { c.finish(s, 24) }) // SHA256MSG1 changes nothing in words 8 to 11
	for t := 24; t < 60; t += 4 {
		c.rounds(t, c.expand(t+4))
	}
	for i := range shaStreams {
		s := &shaStreams[i]
		c.PADDD(c.quad(round[60:64]...), s.w[3])
		c.MOVOA(s.w[3], wk)
		c.SHA256RNDS2(wk, s.abef, s.cdgh)
	}
}

// writeCPUHasSHA writes what golang.org/x/sys/cpu does not tell.
func writeCPUHasSHA(c *build.Context) {
	c.Function("cpuHasSHA")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func() bool")
	c.Doc("cpuHasSHA tells whether the processor has the SHA extensions: leaf 7, EBX bit 29.")
	has, err := c.ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	c.MOVB(operand.U8(0), has.Addr)
	c.XORL(reg.EAX, reg.EAX)
	c.CPUID()
	c.CMPL(reg.EAX, operand.U8(7))
	c.JB(operand.LabelRef("none"))
	c.MOVL(operand.U32(7), reg.EAX)
	c.XORL(reg.ECX, reg.ECX)
	c.CPUID()
	c.BTL(operand.U8(29), reg.EBX)
	c.SETCS(has.Addr)
	c.Label("none")
	c.RET()
}
