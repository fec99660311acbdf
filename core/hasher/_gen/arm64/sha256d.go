package main

import "fmt"

// Four rounds are one SHA256H and one SHA256H2, four words of the schedule one
// SHA256SU0 and one SHA256SU1. On nearly every core that this is meant for all
// four go to one pipe, one a cycle (Neoverse V1, Cortex-X1: H and H2 take four
// cycles, SU0 and SU1 two; older ones take longer), so the pipe is the bound:
// what counts is how few of them a nonce needs, and that the pipe never waits.
// A single hash leaves it idle, since its H must wait for the H2 before; two
// nonces fill it where the schedule is computed too, but the rounds whose words
// are constant leave two instructions a nonce for five cycles. Four nonces fill
// it everywhere, also on a core that keeps the order of the program, and
// thirty-two registers just hold them: six a nonce, eight to share.
//
// Of the 112 that two blocks take, 64 for rounds and 48 for schedules, 103 a
// nonce are left:
//
//   - Rounds 0 to 3 of the first block are hoisted: the nonce is its word 3, and
//     enters the state after round 3 only by being added to a and to e.
//   - Words 4 to 15 are constant, so that rounds 4 to 15 take no schedule, and of
//     words 16 to 19 two do not know the nonce and two know it by a sum. SU0 of
//     words 20 to 31 is constant.
//   - The second block's upper half is padding: SU0 of words 24 to 27 is constant.
//   - The last digest word is h, which the last H2 alone gives.
//
// Nobody has timed it on such a processor yet. llvm-mca 16 gives, in cycles a
// nonce: Neoverse N2 104, Apple's cores, as it knows them, 105, Cortex-A72 188,
// Cortex-A55 230.
const nonces = 4

// tape is the vectors that the loop reads, in the order in which it first does.
type tape map[string]int

func (t tape) at(name string) int {
	if _, known := t[name]; !known {
		t[name] = len(t)
	}
	return 16 * t[name]
}

// named is what the Go side writes beside the constants of rounds.
var named = []string{
	"tapeSums",     // words 16 to 19 of the first block for a nonce of zero, without what it adds
	"tapeABCD",     // the state after round 3 for a nonce of zero
	"tapeEFGH",     //
	"tapeLast",     // words 12 to 15 of the first block
	"tapeTwenties", // SU0 of words 20 to 23 and 28 to 31 of the first block
	"tapeThirties", //
	"tapeMidABCD",  // the midstate
	"tapeMidEFGH",  //
	"tapeIVABCD",   // the initial state
	"tapeIVEFGH",   //
	"tapePad8",     // words 8 to 11 of the second block, which are also SU0 of words 24 to 27
	"tapePad12",    // words 12 to 15 of the second block
}

type roundConstants struct {
	at, round int
	plus      [4]uint32
}

type scanner struct {
	*text
	tape
	rounds []roundConstants
}

// The registers of a nonce: its state, and a ring of sixteen words.
func abcd(n int) vector         { return vector(6 * n) }
func efgh(n int) vector         { return vector(6*n + 1) }
func words(n, group int) vector { return vector(6*n + 2 + group%4) }

// And those that are shared: a sum each, two copies of abcd, two constants.
func sum(n int) vector    { return vector(24 + n) }
func copied(n int) vector { return vector(28 + n%2) }

const constant, constant2 = vector(30), vector(31)

const tapeBase = "R0"

func (s *scanner) fetch(name string, to vector) { s.load(s.at(name), tapeBase, to) }

// fetchRound loads the constants of four rounds with what is added to them.
func (s *scanner) fetchRound(group int, plus [4]uint32, to vector) {
	name := fmt.Sprintf("round %d plus %v", group, plus)
	if _, known := s.tape[name]; !known {
		s.at(name)
		s.rounds = append(s.rounds, roundConstants{s.tape[name], 4 * group, plus})
	}
	s.fetch(name, to)
}

func each(do func(n int)) {
	for n := range nonces {
		do(n)
	}
}

// four does four rounds of every nonce. wk holds for each the words with the
// constants added.
func (s *scanner) four(wk func(n int) vector) {
	for n := 0; n < nonces; n += 2 { // there are copies for two
		pair := func(do func(n int)) { do(n); do(n + 1) }
		pair(func(n int) { s.move(abcd(n), copied(n)) })
		pair(func(n int) { s.op("SHA256H %s, %s, %s", wk(n).words(), efgh(n).whole(), abcd(n).whole()) })
		pair(func(n int) { s.op("SHA256H2 %s, %s, %s", wk(n).words(), copied(n).whole(), efgh(n).whole()) })
	}
}

// fixed does four rounds whose words are constant.
func (s *scanner) fixed(group int, message [4]uint32) {
	s.fetchRound(group, message, constant)
	s.four(func(int) vector { return constant })
}

// sums adds the constants of a group to its words.
func (s *scanner) sums(group int) {
	s.fetchRound(group, [4]uint32{}, constant)
	each(func(n int) { s.add(words(n, group), constant, sum(n)) })
}

func (s *scanner) su0(next, to vector) { s.op("SHA256SU0 %s, %s", next.words(), to.words()) }
func (s *scanner) su1(middle, last, to vector) {
	s.op("SHA256SU1 %s, %s, %s", last.words(), middle.words(), to.words())
}

// schedule turns the ring's words of group-4 into those of group.
func (s *scanner) schedule(group int) {
	each(func(n int) { s.su0(words(n, group+1), words(n, group)) })
	each(func(n int) { s.su1(words(n, group+2), words(n, group+3), words(n, group)) })
}

// rest is the groups from 4 on, with the words of groups 4 to 7 in the ring; it
// stops before the group last.
func (s *scanner) rest(last int) {
	for group := 4; group < last; group++ {
		s.note("Rounds %d to %d.", 4*group, 4*group+3)
		s.sums(group)
		s.four(sum)
		if group+4 < 16 {
			s.schedule(group + 4)
		}
	}
}

func sha256d(t *text) *scanner {
	s := &scanner{text: t, tape: tape{}}
	const nonce, groups, limit, last, passed = "R1", "R2", "R3", "R4", "R5"
	const c18, c19, iv7 = "R6", "R7", "R8"
	t.function("sha256dScanSHA2", "func sha256dScanSHA2(tape *[sha2Tape][4]uint32, first, groups, limit uint32, last *[4]uint32) (passed uint32)", 36)
	t.op("MOVD tape+0(FP), %s", tapeBase)
	t.op("MOVWU first+8(FP), %s", nonce)
	t.op("MOVWU groups+12(FP), %s", groups)
	t.op("MOVWU limit+16(FP), %s", limit)
	t.op("MOVD last+24(FP), %s", last)
	t.op("MOVD $0, %s", passed)
	t.op("MOVWU %d(%s), %s", s.at("tapeSums")+8, tapeBase, c18)
	t.op("MOVWU %d(%s), %s", s.at("tapeSums")+12, tapeBase, c19)
	t.op("MOVWU %d(%s), %s", s.at("tapeIVEFGH")+12, tapeBase, iv7)

	t.label("group")
	t.note("Into word 18 goes σ0 of the nonce, into word 19, a and e the nonce itself.")
	s.fetch("tapeSums", constant)
	s.fetch("tapeABCD", constant2)
	s.fetch("tapeEFGH", sum(3)) // no sum is wanted yet
	each(func(n int) {
		t.op("ADDW $%d, %s, R9", n, nonce)
		t.op("REVW R9, R9") // the header is little-endian, SHA-256 is not
		t.op("RORW $7, R9, R10")
		t.op("EORW R9@>18, R10, R10")
		t.op("EORW R9>>3, R10, R10")
		t.op("ADDW %s, R10, R10", c18)
		t.op("ADDW %s, R9, R11", c19)
		t.op("ORR R11<<32, R10, R10")
		t.op("FMOVS R9, %s", copied(n).float())
		s.move(constant, words(n, 4))
		t.op("VMOV R10, V%d.D[1]", words(n, 4))
		t.add(copied(n), constant2, abcd(n))
		t.add(copied(n), sum(3), efgh(n))
	})

	t.note("First block: rounds 4 to 15, and words 20 to 31 beside them.")
	s.fetch("tapeLast", constant2)
	each(func(n int) { s.fetch("tapeTwenties", words(n, 5)) })
	s.fixed(1, [4]uint32{0x80000000})
	each(func(n int) { s.su1(constant2, words(n, 4), words(n, 5)) })
	each(func(n int) { t.op("VEOR %[1]s, %[1]s, %[1]s", words(n, 6).octets()) })
	s.fixed(2, [4]uint32{})
	each(func(n int) { s.su1(words(n, 4), words(n, 5), words(n, 6)) })
	each(func(n int) { s.fetch("tapeThirties", words(n, 7)) })
	s.fixed(3, [4]uint32{3: 640})
	each(func(n int) { s.su1(words(n, 5), words(n, 6), words(n, 7)) })
	s.rest(16)

	t.note("The digest is the second block's words 0 to 7.")
	s.fetch("tapeMidABCD", constant)
	s.fetch("tapeMidEFGH", constant2)
	each(func(n int) {
		t.add(abcd(n), constant, words(n, 0))
		t.add(efgh(n), constant2, words(n, 1))
	})
	each(func(n int) {
		s.fetch("tapeIVABCD", abcd(n))
		s.fetch("tapeIVEFGH", efgh(n))
	})

	t.note("Second block: rounds 0 to 15, and words 16 to 31 beside them.")
	s.sums(0)
	s.fetch("tapePad12", constant2)
	s.four(sum)
	s.fetch("tapePad8", constant)
	each(func(n int) { s.su0(words(n, 1), words(n, 0)) })
	each(func(n int) { s.su1(constant, constant2, words(n, 0)) })
	s.sums(1)
	s.four(sum)
	s.fetch("tapePad8", constant)
	each(func(n int) { s.su0(constant, words(n, 1)) })
	each(func(n int) { s.su1(constant2, words(n, 0), words(n, 1)) })
	each(func(n int) { s.move(constant, words(n, 2)) })
	s.fixed(2, [4]uint32{0x80000000})
	each(func(n int) { s.su1(words(n, 0), words(n, 1), words(n, 2)) })
	each(func(n int) { s.move(constant2, words(n, 3)) })
	s.fixed(3, [4]uint32{3: 256})
	each(func(n int) { s.su0(words(n, 0), words(n, 3)) })
	each(func(n int) { s.su1(words(n, 1), words(n, 2), words(n, 3)) })
	s.rest(15)

	t.note("Rounds 60 to 63, of which h alone is wanted: e after round 60.")
	s.sums(15)
	each(func(n int) { t.op("SHA256H2 %s, %s, %s", sum(n).words(), abcd(n).whole(), efgh(n).whole()) })
	each(func(n int) { t.op("VMOV %s, R%d", efgh(n).lane(3), 9+n) })
	each(func(n int) { t.op("ADDW %s, R%d, R%d", iv7, 9+n, 9+n) })
	each(func(n int) { t.op("REVW R%d, R%d", 9+n, 9+n) })
	each(func(n int) {
		t.op("CMPW %s, R%d", limit, 9+n)
		t.op("BLS candidate")
	})
	t.op("ADDW $%d, %s, %s", nonces, nonce, nonce)
	t.op("ADDW $1, %s, %s", passed, passed)
	t.op("CMPW %s, %s", groups, passed)
	t.op("BLO group")
	t.label("candidate")
	t.op("STPW (R9, R10), 0(%s)", last)
	t.op("STPW (R11, R12), 8(%s)", last)
	t.op("MOVW %s, passed+32(FP)", passed)
	t.op("RET")
	return s
}

// compress writes one compression of one message, for PBKDF2: sixteen of them a
// scrypt hash are not a hundredth of its time, so nothing is interleaved.
func compress(t *text) {
	t.function("compressSHA2", "func compressSHA2(state *[8]uint32, m *[16]uint32)", 16)
	t.op("MOVD state+0(FP), R0")
	t.op("MOVD m+8(FP), R1")
	t.op("MOVD $·round(SB), R2")
	const a, e, keptA, keptE, ring, k, wk, old = vector(0), vector(1), vector(2), vector(3), vector(4), vector(8), vector(9), vector(10)
	t.loadPair(0, "R0", a, e)
	t.loadPair(0, "R1", ring, ring+1)
	t.loadPair(32, "R1", ring+2, ring+3)
	t.move(a, keptA)
	t.move(e, keptE)
	word := func(group int) vector { return ring + vector(group%4) }
	for group := range 16 {
		t.load(16*group, "R2", k)
		t.add(word(group), k, wk)
		t.move(a, old)
		t.op("SHA256H %s, %s, %s", wk.words(), e.whole(), a.whole())
		t.op("SHA256H2 %s, %s, %s", wk.words(), old.whole(), e.whole())
		if group < 12 {
			t.op("SHA256SU0 %s, %s", word(group+1).words(), word(group).words())
			t.op("SHA256SU1 %s, %s, %s", word(group+3).words(), word(group+2).words(), word(group).words())
		}
	}
	t.add(a, keptA, a)
	t.add(e, keptE, e)
	t.storePair(a, e, 0, "R0")
	t.op("RET")
}
