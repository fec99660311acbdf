package pow

import (
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"testing"

	"goldpan/core/hasher"
)

func hash(t testing.TB, s string) Hash {
	t.Helper()
	h, err := ParseHash(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Bitcoin's genesis block, from Bitcoin Core's chainparams.cpp.
const genesis = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"

func TestHeader(t *testing.T) {
	b, err := hex.DecodeString(genesis)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	if again := h.Bytes(); hex.EncodeToString(again[:]) != genesis {
		t.Errorf("header reads back as %x", again)
	}
	if h.Version != 1 || h.Time != 1231006505 || h.Bits != 0x1d00ffff || h.Nonce != 2083236893 ||
		h.Merkle.String() != "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" {
		t.Errorf("%+v", h)
	}
	if got := h.BlockHash().String(); got != "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" {
		t.Errorf("block hash %s", got)
	}
	if h.PoWHash(hasher.SHA256d) != h.BlockHash() {
		t.Error("for sha256d the two hashes are one")
	}
	if _, err := ParseHeader(b[:79]); err == nil {
		t.Error("79 bytes were taken")
	}
}

func TestParseHash(t *testing.T) {
	const s = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
	if h := hash(t, s); h.String() != s || h[0] != 0x6f {
		t.Errorf("%s", h)
	}
	for _, bad := range []string{"", s[1:], s + "00", "g" + s[1:]} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}

// Compact forms and targets from Bitcoin Core's arith_uint256 tests and from the
// mainnet headers they stand in.
func TestBits(t *testing.T) {
	for bits, want := range map[uint32]string{
		0x1d00ffff: "ffff0000000000000000000000000000000000000000000000000000",
		0x1b0404cb: "404cb000000000000000000000000000000000000000000000000",
		0x207fffff: "7fffff0000000000000000000000000000000000000000000000000000000000",
		0x01120000: "12",
		0x04123456: "12345600",
		0x05009234: "92340000",
	} {
		target, err := TargetFromBits(bits)
		if err != nil || target.Big().Text(16) != want {
			t.Errorf("%08x: %x, %v; want %s", bits, target.Big(), err, want)
			continue
		}
		if target.Bits() != bits {
			t.Errorf("%08x comes back as %08x", bits, target.Bits())
		}
	}
	for _, bits := range []uint32{0, 0x00123456, 0x01003456, 0x04923456, 0x01fedcba, 0xff123456, 0x21123456, 0x1d800000} {
		if target, err := TargetFromBits(bits); !errors.Is(err, ErrBits) {
			t.Errorf("%08x: %x, %v", bits, target, err)
		}
	}
}

func TestDifficulty(t *testing.T) {
	// The Bitcoin wiki's example: bits 0x1b0404cb is difficulty 16307.42.
	target, err := TargetFromBits(0x1b0404cb)
	if err != nil {
		t.Fatal(err)
	}
	if d := target.Difficulty(hasher.SHA256d); math.Abs(d-16307.420938523983) > 1e-6 {
		t.Errorf("difficulty %v", d)
	}
	for _, a := range hasher.Algorithms() {
		for _, d := range []float64{1.0000000000000001e-5, 0.001, 0.5, 1, 3, 512, 16307.42, 1e12, 1e40} {
			if a == hasher.Scrypt && d < 1.0/65536 {
				continue // easier than any hash; see below
			}
			target := TargetFromDifficulty(a, d)
			if got := target.Difficulty(a); math.Abs(got/d-1) > 1e-9 {
				t.Errorf("%s: difficulty %g comes back as %g", a, d, got)
			}
			if !target.Met(Hash(target)) {
				t.Errorf("%s %g: a hash equal to the target misses it", a, d)
			}
			above := TargetFromBig(new(big.Int).Add(target.Big(), big.NewInt(1)))
			if target.Met(Hash(above)) {
				t.Errorf("%s %g: a hash one above the target meets it", a, d)
			}
		}
		if got := TargetFromDifficulty(a, 1e-40); got.Big().BitLen() != 256 {
			t.Errorf("%s: the easiest target has %d bits", a, got.Big().BitLen())
		}
		for _, d := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1)} {
			if got := TargetFromDifficulty(a, d); got != (Target{}) {
				t.Errorf("%s: difficulty %g gives %x", a, d, got)
			}
		}
	}
	if e := TargetFromDifficulty(hasher.SHA256d, 1).Expected(); math.Abs(e/4295032833-1) > 1e-9 {
		t.Errorf("difficulty 1 takes %f hashes", e)
	}
}

// Block 100,000 of Bitcoin: four transactions.
func TestMerkle(t *testing.T) {
	ids := []Hash{
		hash(t, "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87"),
		hash(t, "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4"),
		hash(t, "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4"),
		hash(t, "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d"),
	}
	const want = "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766"
	branch := MerkleBranch(append([]Hash{{}}, ids[1:]...))
	if got := MerkleRoot(ids[0], branch).String(); got != want || len(branch) != 2 {
		t.Errorf("root %s over a branch of %d", got, len(branch))
	}
	if MerkleBranch(ids[:1]) != nil || MerkleRoot(ids[0], nil) != ids[0] {
		t.Error("a lone transaction is its own root")
	}
}

func TestCheck(t *testing.T) {
	j := &Job{Algorithm: hasher.SHA256d, Coinbase1: []byte{1}, Extranonce1: []byte{2}, Coinbase2: []byte{3}, Version: 1, Bits: 0x207fffff, Time: 9}
	j.Target = TargetFromDifficulty(j.Algorithm, 1e-9)
	extranonce2 := []byte{0, 0}
	found := false
	for nonce := uint32(0); nonce < 1000; nonce++ {
		solution := Solution{Extranonce2: extranonce2, Version: j.Version, Time: j.Time, Nonce: nonce}
		h := j.Header(solution)
		s, ok := j.Check(solution)
		if ok != j.Target.Met(h.PoWHash(j.Algorithm)) {
			t.Fatalf("nonce %d: %v", nonce, ok)
		}
		if ok {
			found = true
			if s.Hash != h.BlockHash() || s.Difficulty < 1e-9 || s.Nonce != nonce {
				t.Errorf("%+v", s)
			}
		}
	}
	if !found {
		t.Error("no share in a thousand nonces at one in four")
	}
	if got, want := j.Header(Solution{Extranonce2: []byte{7, 8}}).Merkle, Hash(hasher.SumSHA256d([]byte{1, 2, 7, 8, 3})); got != want {
		t.Errorf("merkle root %s, want %s", got, want)
	}
}

func FuzzBits(f *testing.F) {
	f.Add(uint32(0x1d00ffff))
	f.Fuzz(func(t *testing.T, bits uint32) {
		target, err := TargetFromBits(bits)
		if err != nil {
			return
		}
		again, err := TargetFromBits(target.Bits())
		if err != nil || again != target {
			t.Fatalf("%08x: %x reads back as %x, %v", bits, target, again, err)
		}
	})
}
