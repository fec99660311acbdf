// Command arm64 writes Goldpan's kernels for 64-bit ARM: Go assembly and the
// Go declarations that go with it. It is run by go generate in core/hasher.
//
// There is no library for this architecture like the one that the amd64
// kernels are described with, and none is needed: a kernel is a few loops of
// one instruction over several hashes, and the registers are given out by hand
// where the loops stand. Everything used has a name in Go's assembler.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("out", ".", "folder of package hasher")
	flag.Parse()

	sha, scrypt := newText(), newText()
	scan := sha256d(sha)
	compress(sha)
	for _, v := range variants {
		romix(scrypt, v)
	}

	var shaStubs, scryptStubs stubs
	shaStubs.declare(`// sha256dScanSHA2 hashes groups of four nonces, beginning at first, until all
// are done or one has a candidate: a last digest word that is at most limit
// once its bytes are reversed. It returns how many groups it passed before
// that, and leaves the four reversed words of the last group in last.`,
		"func sha256dScanSHA2(tape *[sha2Tape][4]uint32, first, groups, limit uint32, last *[4]uint32) (passed uint32)")
	shaStubs.declare(`// compressSHA2 is block with the SHA-2 instructions.`,
		"func compressSHA2(state *[8]uint32, m *[16]uint32)")
	shaStubs.tape(scan)
	for _, v := range variants {
		with := ""
		if v.eor3 {
			with = ",\n// with the EOR3 of the SHA-3 instructions"
		}
		scryptStubs.declare(fmt.Sprintf(`// %s runs scryptROMix over %d hashes at once%s. v holds for each of
// them %d blocks, one after the other: the input in the first, the output in
// the last. scratch is 64 bytes a hash. Blocks are in diagonal form.`, v.name, v.width, with, blocks),
			fmt.Sprintf("func %s(v, scratch *uint32)", v.name))
	}

	for name, content := range map[string][]byte{
		"sha256d_sha2_arm64.s":   sha.Bytes(),
		"scrypt_neon_arm64.s":    scrypt.Bytes(),
		"sha256d_stubs_arm64.go": shaStubs.source(),
		"scrypt_stubs_arm64.go":  scryptStubs.source(),
	} {
		if err := os.WriteFile(filepath.Join(*dir, name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// stubs is a Go file being written: what the assembly and its callers share.
type stubs struct{ bytes.Buffer }

func (s *stubs) declare(doc, signature string) {
	fmt.Fprintf(s, "\n%s\n//\n//go:noescape\n%s\n", doc, signature)
}

// tape writes how the tape of the sha256d kernel is laid out.
func (s *stubs) tape(scan *scanner) {
	fmt.Fprintf(s, "\n// sha2Tape is how many vectors sha256dScanSHA2 reads.\nconst sha2Tape = %d\n", len(scan.tape))
	s.WriteString("\n// Places on the tape of what is not a round's constants.\nconst (\n")
	for _, name := range named {
		fmt.Fprintf(s, "%s = %d\n", name, scan.tape[name])
	}
	s.WriteString(`)

// sha2Round is where on the tape the constants of four rounds stand, and what is
// added to them: the words of a message that are always the same.
var sha2Round = [...]struct {
	at, round int
	plus      [4]uint32
}{
`)
	for _, r := range scan.rounds {
		fmt.Fprintf(s, "{%d, %d, [4]uint32{%#x, %#x, %#x, %#x}},\n", r.at, r.round, r.plus[0], r.plus[1], r.plus[2], r.plus[3])
	}
	s.WriteString("}\n")
}

// source returns the whole file. What cannot be formatted is not Go, and that is
// this program's mistake.
func (s *stubs) source() []byte {
	text, err := format.Source(append([]byte(banner+"\npackage hasher\n"), s.Bytes()...))
	if err != nil {
		panic(err)
	}
	return text
}
