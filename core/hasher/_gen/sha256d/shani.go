package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// shaStream holds one nonce of the SHA-NI kernel: the state as the instructions
// want it, words a, b, e, f and c, d, g, h, the highest first, and the last
// twelve message words. Those before are in the scratch memory.
type shaStream struct {
	abef, cdgh reg.VecPhysical
	r          [3]reg.VecPhysical
	memory     int // place of the message words, four quadruples
}

func newShaStreams() []*shaStream {
	return []*shaStream{
		{reg.X1, reg.X2, [3]reg.VecPhysical{reg.X3, reg.X4, reg.X5}, quads},
		{reg.X6, reg.X7, [3]reg.VecPhysical{reg.X8, reg.X9, reg.X10}, quads + 64},
		{reg.X11, reg.X12, [3]reg.VecPhysical{reg.X13, reg.X14, reg.X15}, quads + 128},
	}
}

// wk is the operand that SHA256RNDS2 does not name.
var wk = reg.X0

// The quadruples of the prepared work that the SHA-NI kernel reads, by their
// place in the scratch memory. sha256d_amd64.go fills them.
const (
	quadABEF = 16 * iota // the state after round 3, less the nonce's word
	quadCDGH
	quadW16   // message words 16 to 19, less what depends on the nonce
	quadW20   // words 20 and 23 likewise, before SHA256MSG2
	quadW28   // words 28 to 31 likewise
	quadABEF0 // the midstate
	quadCDGH0
	quadTarget // its most significant word
	quads      // end of the prepared work
)

// A shaWriter writes the SHA-NI kernel.
type shaWriter struct {
	*build.Context
	streams []*shaStream
	table   []uint32          // of constants
	at      map[[4]uint32]int // place in it
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
	return operand.Mem{Base: constants, Disp: 4*at - constantsMiddle}
}

func prepared(at int) operand.Mem { return operand.Mem{Base: scratch, Disp: at} }

// constRounds does rounds t to t+3 with message words that are known.
func (c *shaWriter) constRounds(t int, words ...uint32) {
	var k [4]uint32
	for i := range k {
		k[i] = round[t+i] + words[i]
	}
	for _, s := range c.streams {
		c.MOVOA(c.quad(k[:]...), wk)
		c.SHA256RNDS2(wk, s.abef, s.cdgh)
		c.MOVOA(c.quad(k[2], k[3], 0, 0), wk)
		c.SHA256RNDS2(wk, s.cdgh, s.abef)
	}
}

// rounds does rounds t to t+3. w is where their message words stand.
func (c *shaWriter) rounds(s *shaStream, t int, w operand.Op) {
	c.MOVOA(w, wk)
	c.PADDD(c.quad(round[t:t+4]...), wk)
	c.SHA256RNDS2(wk, s.abef, s.cdgh)
	c.PSHUFD(operand.U8(0x0e), wk, wk)
	c.SHA256RNDS2(wk, s.cdgh, s.abef)
}

// word returns the register of message words t to t+3.
func (s *shaStream) word(t int) reg.VecPhysical { return s.r[t/4%3] }

// old returns the place in memory of message words t to t+3.
func (s *shaStream) old(t int) operand.Mem { return prepared(s.memory + t/4%4*16) }

// expand makes message words t to t+3.
func (c *shaWriter) expand(s *shaStream, t int) {
	c.MOVOA(s.old(t-16), s.word(t))
	c.SHA256MSG1(s.old(t-12), s.word(t))
	c.finish(s, t)
}

// finish makes message words t to t+3, where those of t-16 have been through
// SHA256MSG1.
func (c *shaWriter) finish(s *shaStream, t int) {
	c.MOVOA(s.word(t-4), wk)
	c.PALIGNR(operand.U8(4), s.word(t-8), wk)
	c.PADDD(wk, s.word(t))
	c.SHA256MSG2(s.word(t-4), s.word(t))
	c.keep(s, t)
}

// keep stores message words t to t+3, if others are to be made from them when
// they have left their register.
func (c *shaWriter) keep(s *shaStream, t int) {
	if t+12 < 64 {
		c.MOVOA(s.word(t), s.old(t))
	}
}

// writeSHANI writes the scanner with the SHA extensions: three nonces side by
// side, because each instruction waits for the one before, and takes longer
// than it keeps its unit busy.
func writeSHANI(b *build.Context) {
	writeCPUHasSHA(b)
	c := &shaWriter{Context: b, streams: newShaStreams(), at: make(map[[4]uint32]int)}
	c.Function("sha256dSHANI")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(scratch *uint32, first, groups uint32) (done, mask uint32)")
	c.Doc(
		"sha256dSHANI scans groups of 3 nonces. It stops at a group with a candidate,",
		"whose lanes mask tells, and returns how many groups before it had none.",
	)
	c.Load(c.Param("scratch"), scratch)
	c.Load(c.Param("first"), first)
	c.Load(c.Param("groups"), groups)
	tableName := "sha256dConstantsSHANI"
	c.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(tableName), constantsMiddle), constants)
	c.XORL(done, done)
	c.Label("group")
	c.first()
	c.second()

	limit, digest, bit := reg.R9L, reg.R10L, reg.R11L
	c.MOVL(prepared(quadTarget), limit)
	c.XORL(mask, mask)
	for i, s := range c.streams {
		c.XORL(bit, bit)
		c.MOVD(s.cdgh, digest)
		c.ADDL(operand.U32(initial[7]), digest)
		c.BSWAPL(digest)
		c.CMPL(digest, limit)
		c.SETLS(bit.As8())
		c.SHLL(operand.U8(uint8(i)), bit)
		c.ORL(bit, mask)
	}
	c.TESTL(mask, mask)
	c.JNZ(operand.LabelRef("end"))
	c.ADDL(operand.U8(uint8(len(c.streams))), first)
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

// first does the first hash from round 4 on, and leaves its digest in the first
// two registers of each stream.
func (c *shaWriter) first() {
	const padding, length = 0x80000000, 640
	for i, s := range c.streams {
		// The nonce's word goes to a and e, and stands alone in words 0 to 3.
		n := reg.R9L
		c.LEAL(operand.Mem{Base: reg.RCX, Disp: i}, n)
		c.BSWAPL(n)
		c.MOVD(n, wk)
		c.PSHUFD(operand.U8(0x11), wk, s.abef)
		c.PADDD(prepared(quadABEF), s.abef)
		c.MOVOA(prepared(quadCDGH), s.cdgh)
		// Words 18 and 19 need σ0 of the nonce's word, and that word.
		c.PSHUFD(operand.U8(0x15), wk, s.word(16))
		c.PXOR(wk, wk)
		c.SHA256MSG1(wk, s.word(16))
		c.PADDD(prepared(quadW16), s.word(16))
		c.keep(s, 16)
	}
	c.constRounds(4, padding, 0, 0, 0)
	c.constRounds(8, 0, 0, 0, 0)
	c.constRounds(12, 0, 0, 0, length)
	for t := 16; t < 64; t += 4 {
		for _, s := range c.streams {
			c.rounds(s, t, s.word(t))
			switch t {
			case 16:
				c.MOVOA(prepared(quadW20), s.word(20))
				c.SHA256MSG2(s.word(16), s.word(20))
				c.keep(s, 20)
			case 20:
				c.MOVOA(s.word(20), s.word(24))
				c.PALIGNR(operand.U8(4), s.word(16), s.word(24))
				c.SHA256MSG2(s.word(20), s.word(24))
				c.keep(s, 24)
			case 24:
				c.MOVOA(prepared(quadW28), s.word(28))
				c.finish(s, 28)
			case 60:
			default:
				c.expand(s, t+4)
			}
		}
	}
	for _, s := range c.streams {
		c.PADDD(prepared(quadABEF0), s.abef)
		c.PADDD(prepared(quadCDGH0), s.cdgh)
		c.MOVOA(s.abef, s.r[0])
		c.MOVOA(s.abef, s.r[1])
		c.SHUFPS(operand.U8(0xbb), s.cdgh, s.r[0]) // a, b, c, d
		c.SHUFPS(operand.U8(0x11), s.cdgh, s.r[1]) // e, f, g, h
	}
}

// second does the second hash up to round 61. Then the lowest word of what is
// in cdgh, f, is the digest's last word less the initial one.
func (c *shaWriter) second() {
	const padding, length = 0x80000000, 256
	w8, w12 := c.quad(padding, 0, 0, 0), c.quad(0, 0, 0, length)
	for _, s := range c.streams {
		c.MOVOA(c.quad(initial[5], initial[4], initial[1], initial[0]), s.abef)
		c.MOVOA(c.quad(initial[7], initial[6], initial[3], initial[2]), s.cdgh)
		c.rounds(s, 0, s.r[0])
	}
	for _, s := range c.streams {
		c.rounds(s, 4, s.r[1])
		// Words 16 to 23, as far as they do not depend on each other. Words 9 to
		// 12 are zero.
		c.SHA256MSG1(s.r[1], s.r[0])
		c.MOVOA(w12, wk)
		c.SHA256MSG2(wk, s.r[0])
		c.SHA256MSG1(w8, s.r[1])
	}
	c.constRounds(8, padding, 0, 0, 0)
	c.constRounds(12, 0, 0, 0, length)
	// From here on the registers are in the order of words 16, 20, 24.
	for _, s := range c.streams {
		s.r[1], s.r[2], s.r[0] = s.r[0], s.r[1], s.r[2]
		c.keep(s, 16)
	}
	for t := 16; t < 60; t += 4 {
		for _, s := range c.streams {
			c.rounds(s, t, s.word(t))
			switch t {
			case 16:
				c.MOVOA(s.word(16), wk)
				c.PALIGNR(operand.U8(4), w12, wk)
				c.PADDD(wk, s.word(20))
				c.SHA256MSG2(s.word(16), s.word(20))
				c.keep(s, 20)
			case 20:
				c.MOVOA(w8, s.word(24)) // SHA256MSG1 changes nothing in words 8 to 11
				c.finish(s, 24)
			case 24:
				c.MOVOA(w12, s.word(28))
				c.SHA256MSG1(s.old(16), s.word(28))
				c.finish(s, 28)
			default:
				c.expand(s, t+4)
			}
		}
	}
	for _, s := range c.streams {
		c.PADDD(c.quad(round[60:64]...), s.word(60))
		c.MOVOA(s.word(60), wk)
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
