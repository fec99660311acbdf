package hasher

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

type realHeader struct {
	algorithm Algorithm
	header    Header
	hash      [32]byte // internal byte order
}

func realHeaders(t testing.TB) (all []realHeader) {
	t.Helper()
	f, err := os.Open("testdata/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[0] == "#" {
			continue
		}
		r := realHeader{algorithm: Algorithm(fields[0])}
		if n, err := hex.Decode(r.header[:], []byte(fields[1])); err != nil || n != HeaderSize {
			t.Fatalf("header %s: %d bytes, %v", fields[1], n, err)
		}
		if n, err := hex.Decode(r.hash[:], []byte(fields[2])); err != nil || n != 32 {
			t.Fatalf("hash %s: %d bytes, %v", fields[2], n, err)
		}
		slices.Reverse(r.hash[:])
		all = append(all, r)
	}
	if len(all) != 4 {
		t.Fatalf("%d headers in testdata, want 4", len(all))
	}
	return all
}

// kernels visits every kernel that this machine can run, the page's too.
func kernels(t *testing.T, visit func(*testing.T, Kernel)) {
	for _, a := range Algorithms() {
		for _, k := range everyKernel(t, a) {
			t.Run(string(a)+"/"+k.Name, func(t *testing.T) { visit(t, k) })
		}
	}
}

func TestSumOfRealHeaders(t *testing.T) {
	for _, r := range realHeaders(t) {
		if got := r.algorithm.Sum(&r.header); got != r.hash {
			t.Errorf("%s of %x: got %x, want %x", r.algorithm, r.header, got, r.hash)
		}
	}
}

func TestKernelsFindRealNonces(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		for _, r := range realHeaders(t) {
			if r.algorithm != k.Algorithm {
				continue
			}
			nonce := binary.LittleEndian.Uint32(r.header[76:])
			w := NewWork(k.Algorithm, &r.header, r.hash) // the tightest target that it meets
			kept, s := *w, k.New()
			// The nonce stands in every place of the range scanned, the first and the last among them.
			for before := range uint32(17) {
				var hits Hits
				scanned := s.Scan(w, nonce-before, 17, &hits)
				if scanned != 17 || hits.N != 1 || hits.Nonces[0] != nonce {
					t.Errorf("nonce %d from %d before: scanned %d, hits %v", nonce, before, scanned, hits.Nonces[:hits.N])
				}
			}
			if *w != kept {
				t.Error("the scan changed its work")
			}
			var hits Hits
			k.New().Scan(NewWork(k.Algorithm, &r.header, moved(r.hash, -1)), nonce, 1, &hits)
			if hits.N != 0 {
				t.Errorf("nonce %d is a hit for a target one below its hash", nonce)
			}
		}
	})
}

// TestKernelsFindDogecoin: Dogecoin's genesis block, from Dogecoin Core's
// chainparams.cpp. What is published there is the block hash, which shows that
// the header is the real one, and the target, which its scrypt hash must meet.
func TestKernelsFindDogecoin(t *testing.T) {
	merkle, err := hex.DecodeString("696ad20e2dd4365c7459b4a4a5af743d5e92c6da3229e6532cd605f6533f2a5b")
	if err != nil {
		t.Fatal(err)
	}
	var h Header
	h[0] = 1
	copy(h[36:], merkle)
	binary.LittleEndian.PutUint32(h[68:], 1386325540)
	binary.LittleEndian.PutUint32(h[72:], 0x1e0ffff0)
	const nonce = 99943
	binary.LittleEndian.PutUint32(h[76:], nonce)
	id := SumSHA256d(h[:])
	slices.Reverse(id[:])
	if got := hex.EncodeToString(id[:]); got != "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691" {
		t.Fatalf("the header is not that of the block: %s", got)
	}
	target := [32]byte{27: 0xf0, 28: 0xff, 29: 0x0f}
	for _, k := range everyKernel(t, Scrypt) {
		var hits Hits
		k.New().Scan(NewWork(Scrypt, &h, target), nonce-30, 50, &hits)
		if hits.N != 1 || hits.Nonces[0] != nonce {
			t.Errorf("%s: hits %v", k.Name, hits.Nonces[:hits.N])
		}
	}
}

func TestSelfCheckAndChoice(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		if err := k.SelfCheck(); err != nil {
			t.Error(err)
		}
		forced, err := choose(k.Algorithm, k.Name)
		if k.Name == "wasm" { // the page's is none of a program's
			if !errors.Is(err, ErrKernel) {
				t.Errorf("forcing %s: %v", k.Name, err)
			}
		} else if err != nil || forced.Name != k.Name {
			t.Errorf("forcing %s gave %s, %v", k.Name, forced.Name, err)
		}
		wrong := k
		wrong.New = func() Scanner { return deaf{} }
		if err := wrong.SelfCheck(); !errors.Is(err, ErrKernel) {
			t.Errorf("a kernel that finds nothing passed: %v", err)
		}
	})
	if _, err := choose(SHA256d, "abacus"); !errors.Is(err, ErrKernel) {
		t.Errorf("a forced and missing kernel: %v", err)
	}
	if _, err := choose("x11", ""); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("an unknown algorithm: %v", err)
	}
}

type deaf struct{}

func (deaf) Scan(_ *Work, _, count uint32, hits *Hits) uint32 { hits.N = 0; return count }

func TestScanStopsWhenHitsAreFull(t *testing.T) {
	easy := [32]byte{}
	for i := range easy {
		easy[i] = 0xff
	}
	kernels(t, func(t *testing.T, k Kernel) {
		var hits Hits
		const first = 0xffffffff - 9 // the range wraps
		scanned := k.New().Scan(NewWork(k.Algorithm, &Header{}, easy), first, MaxHits+36, &hits)
		if scanned != MaxHits || hits.N != MaxHits {
			t.Fatalf("scanned %d with %d hits, want %d of both", scanned, hits.N, MaxHits)
		}
		for i, n := range hits.Nonces {
			if n != first+uint32(i) {
				t.Fatalf("hit %d is nonce %d", i, n)
			}
		}
	})
}

func TestWorkBytes(t *testing.T) {
	for _, r := range realHeaders(t) {
		w := NewWork(r.algorithm, &r.header, r.hash)
		got, err := ParseWork(w.Bytes())
		if err != nil || *got != *w {
			t.Errorf("round trip: %v", err)
		}
		if w.Kind() != r.algorithm {
			t.Errorf("kind %s, want %s", w.Kind(), r.algorithm)
		}
		if h := w.HeaderWith(binary.LittleEndian.Uint32(r.header[76:])); h != r.header {
			t.Errorf("header %x, want %x", h, r.header)
		}
		b := w.Bytes()
		b[3] ^= 1
		if _, err := ParseWork(b); err == nil {
			t.Error("a wrong midstate was taken")
		}
	}
	if _, err := ParseWork(make([]byte, WorkSize-1)); err == nil {
		t.Error("short work was taken")
	}
}

// TestGenericMatchesReference holds the generic kernels against the reference on
// headers that are not special.
func TestGenericMatchesReference(t *testing.T) {
	for _, a := range Algorithms() {
		var h Header
		for i := range h {
			h[i] = byte(i * 37)
		}
		for nonce := uint32(1<<31 - 3); nonce != 1<<31+3; nonce++ {
			binary.LittleEndian.PutUint32(h[76:], nonce)
			w := NewWork(a, &h, referenceSum(t, a, &h))
			for _, k := range everyKernel(t, a) {
				var hits Hits
				k.New().Scan(w, nonce, 1, &hits)
				if hits.N != 1 {
					t.Errorf("%s/%s misses nonce %d", a, k.Name, nonce)
				}
			}
		}
	}
}

func TestMeasure(t *testing.T) {
	for _, a := range Algorithms() {
		k, err := Select(a)
		if err != nil {
			t.Fatal(err)
		}
		m := Measure(context.Background(), k, 2, 30*time.Millisecond)
		if m.Hashes == 0 || m.Hashrate() <= 0 || m.Threads != 2 || m.Kernel != k.Name {
			t.Errorf("%+v", m)
		}
		if (m.Clock == 0 || m.CPU == 0) != (m.CyclesPerHash() == 0) {
			t.Errorf("cycles a hash %g from clock %g and CPU time %s", m.CyclesPerHash(), m.Clock, m.CPU)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if m := Measure(ended, Kernels(SHA256d)[0], 1, time.Hour); m.Hashes != 0 {
		t.Errorf("%d hashes after the end", m.Hashes)
	}
}

// TestScanAllocatesNothing holds the kernels to what Scanner promises.
func TestScanAllocatesNothing(t *testing.T) {
	kernels(t, func(t *testing.T, k Kernel) {
		if k.Name == "wasm" {
			return // its host here is for tests
		}
		w, s, hits := NewWork(k.Algorithm, &Header{}, [32]byte{}), k.New(), new(Hits)
		if n := testing.AllocsPerRun(3, func() { s.Scan(w, 0, 13, hits) }); n != 0 {
			t.Errorf("%g allocations a scan", n)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	for _, a := range Algorithms() {
		for _, k := range Kernels(a) {
			b.Run(string(a)+"/"+k.Name, func(b *testing.B) {
				w, s, hits := NewWork(a, &Header{}, [32]byte{}), k.New(), new(Hits)
				b.ReportAllocs()
				b.ResetTimer()
				s.Scan(w, 0, uint32(b.N), hits)
			})
		}
	}
}
