package hasher

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/scrypt"
)

// referenceSum computes a hash with other people's code alone.
func referenceSum(t testing.TB, a Algorithm, h *Header) [32]byte {
	t.Helper()
	if a == SHA256d {
		first := sha256.Sum256(h[:])
		return sha256.Sum256(first[:])
	}
	d, err := scrypt.Key(h[:], h[:], 1024, 1, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(d)
}

// rfc7914 reads the RFC's vectors as little-endian words, by name.
func rfc7914(t *testing.T) map[string][]uint32 {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc7914.txt")
	if err != nil {
		t.Fatal(err)
	}
	vectors, name := map[string][]uint32{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		b, err := hex.DecodeString(strings.ReplaceAll(line, " ", ""))
		if err != nil {
			name = line
			continue
		}
		for ; len(b) > 0; b = b[4:] {
			vectors[name] = append(vectors[name], binary.LittleEndian.Uint32(b))
		}
	}
	return vectors
}

func TestRFC7914(t *testing.T) {
	v := rfc7914(t)
	salsa := [16]uint32(v["salsa208 in"])
	salsa208(&salsa, new([16]uint32))
	if salsa != [16]uint32(v["salsa208 out"]) {
		t.Errorf("Salsa20/8: %08x", salsa)
	}
	mixed := [32]uint32(v["blockmix in"])
	blockMix(&mixed)
	if mixed != [32]uint32(v["blockmix out"]) {
		t.Errorf("scryptBlockMix: %08x", mixed)
	}
	// The RFC's scryptROMix vector starts from the same input.
	mixed = [32]uint32(v["blockmix in"])
	newScryptGeneric(16).mix(&mixed)
	if mixed != [32]uint32(v["romix out"]) {
		t.Errorf("scryptROMix: %08x", mixed)
	}
}

// TestScryptOtherN holds powers of two other than 1024 against the reference
// that published vectors were checked with.
func TestScryptOtherN(t *testing.T) {
	var h Header
	for i := range h {
		h[i] = byte(i ^ 0x5a)
	}
	for n := 2; n <= 4096; n *= 2 {
		want, err := scrypt.Key(h[:], h[:], n, 1, 1, 32)
		if err != nil {
			t.Fatal(err)
		}
		w := NewWork(Scrypt, &h, [32]byte{})
		digest := newScryptGeneric(n).sum(&w.Midstate, &w.Header)
		if digestBytes(&digest) != [32]byte(want) {
			t.Errorf("N=%d: %x, want %x", n, digestBytes(&digest), want)
		}
	}
}

// BenchmarkPeer is what the standard library's SHA-256 and x/crypto's scrypt do
// on the same headers: the yardstick for BenchmarkScan in the same run.
func BenchmarkPeer(b *testing.B) {
	for _, a := range Algorithms() {
		b.Run(string(a), func(b *testing.B) {
			var h Header
			b.ReportAllocs()
			for i := range b.N {
				binary.LittleEndian.PutUint32(h[76:], uint32(i))
				referenceSum(b, a, &h)
			}
		})
	}
}
