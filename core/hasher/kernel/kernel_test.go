package kernel_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"goldpan/core/hasher"
	"goldpan/core/hasher/kernel"
)

// compiled is the module, made ready for this machine once.
var compiled = sync.OnceValues(func() (*program, error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(64))
	m, err := r.CompileModule(ctx, kernel.Module())
	return &program{r, m}, err
})

type program struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// machine is one instance of the module, as a hasher.Scanner.
type machine struct {
	memory     api.Memory
	load, scan api.Function
	loaded     hasher.Work
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	p, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	i, err := p.runtime.InstantiateModule(t.Context(), p.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close(context.Background()) })
	return &machine{memory: i.Memory(), load: i.ExportedFunction("load"), scan: i.ExportedFunction("scan")}
}

func (m *machine) Scan(w *hasher.Work, first, count uint32, hits *hasher.Hits) uint32 {
	ctx := context.Background()
	if m.loaded != *w {
		m.memory.Write(kernel.WorkAt, w.Bytes())
		if _, err := m.load.Call(ctx); err != nil {
			panic(err)
		}
		m.loaded = *w
	}
	scanned, err := m.scan.Call(ctx, uint64(first), uint64(count))
	if err != nil {
		panic(err)
	}
	b, _ := m.memory.Read(kernel.HitsAt, 4+4*kernel.MaxHits)
	hits.N = int(binary.LittleEndian.Uint32(b))
	for i := range hits.N {
		hits.Nonces[i] = binary.LittleEndian.Uint32(b[4+4*i:])
	}
	return uint32(scanned[0])
}

// each visits both algorithms with the module as a kernel of its own, and with the
// generic kernel to hold it against.
func each(t *testing.T, visit func(t *testing.T, m *machine, k, generic hasher.Kernel)) {
	for _, a := range hasher.Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			m := newMachine(t)
			all := hasher.Kernels(a)
			visit(t, m, hasher.Kernel{Name: "wasm", Algorithm: a, Batch: 64, New: func() hasher.Scanner { return m }}, all[len(all)-1])
		})
	}
}

func TestContract(t *testing.T) {
	if kernel.MaxHits != hasher.MaxHits || kernel.WorkAt+hasher.WorkSize > kernel.HitsAt {
		t.Error("the memory's layout is not hasher's")
	}
	if n := len(kernel.Module()); n > 64<<10 {
		t.Errorf("the module has %d bytes, more than 64 KiB", n)
	}
	p, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.module.ImportedFunctions()) + len(p.module.ImportedMemories()); n != 0 {
		t.Errorf("the module imports %d things", n)
	}
	if n := len(p.module.ExportedFunctions()); n != 2 {
		t.Errorf("the module exports %d functions", n)
	}
	memory := p.module.ExportedMemories()["memory"]
	if memory == nil {
		t.Fatal("the module exports no memory")
	}
	if most, ok := memory.Max(); !ok || most != memory.Min() {
		t.Error("the memory can grow")
	}
	each(t, func(t *testing.T, _ *machine, k, _ hasher.Kernel) {
		if err := k.SelfCheck(); err != nil {
			t.Error(err)
		}
	})
}

func TestPublishedHeaders(t *testing.T) {
	f, err := os.Open("../testdata/headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := 0
	lines := bufio.NewScanner(f)
	m := newMachine(t)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[0] == "#" {
			continue
		}
		found++
		var h hasher.Header
		var hash [32]byte
		if _, err := hex.Decode(h[:], []byte(fields[1])); err != nil {
			t.Fatal(err)
		}
		if _, err := hex.Decode(hash[:], []byte(fields[2])); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(hash[:])
		nonce := binary.LittleEndian.Uint32(h[76:])
		w := hasher.NewWork(hasher.Algorithm(fields[0]), &h, hash) // the tightest target that it meets
		for before := range uint32(17) {
			var hits hasher.Hits
			if n := m.Scan(w, nonce-before, 17, &hits); n != 17 || hits.N != 1 || hits.Nonces[0] != nonce {
				t.Errorf("%s: nonce %d from %d before: scanned %d, hits %d", fields[0], nonce, before, n, hits.Nonces[:hits.N])
			}
		}
		below := minus(hash)
		var hits hasher.Hits
		if m.Scan(hasher.NewWork(hasher.Algorithm(fields[0]), &h, below), nonce, 1, &hits); hits.N != 0 {
			t.Errorf("%s: a hit for a target one below its hash", fields[0])
		}
	}
	if found != 4 {
		t.Errorf("%d headers, want 4", found)
	}
}

// minus and plus are the little-endian numbers beside n; they wrap.
func minus(n [32]byte) [32]byte {
	for i := range n {
		if n[i]--; n[i] != 0xff {
			break
		}
	}
	return n
}

func plus(n [32]byte) [32]byte {
	for i := range n {
		if n[i]++; n[i] != 0 {
			break
		}
	}
	return n
}

// compare demands the same of the module as of the generic kernel.
func compare(t *testing.T, m *machine, generic hasher.Scanner, w *hasher.Work, first, count uint32) {
	t.Helper()
	var got, want hasher.Hits
	n, expected := m.Scan(w, first, count, &got), generic.Scan(w, first, count, &want)
	if n != expected || got.N != want.N || got.Nonces != want.Nonces {
		t.Fatalf("%d nonces from %d of %x: scanned %d with hits %d, want %d with %d",
			count, first, w.Bytes(), n, got.Nonces[:got.N], expected, want.Nonces[:want.N])
	}
	if b, _ := m.memory.Read(kernel.WorkAt, hasher.WorkSize); string(b) != string(w.Bytes()) {
		t.Fatal("the scan changed its work")
	}
}

func ones() (n [32]byte) {
	for i := range n {
		n[i] = 0xff
	}
	return n
}

func randomHeader(random *rand.Rand) (h hasher.Header) {
	for i := 0; i < len(h); i += 4 {
		binary.LittleEndian.PutUint32(h[i:], random.Uint32())
	}
	return h
}

func TestRanges(t *testing.T) {
	each(t, func(t *testing.T, m *machine, k, generic hasher.Kernel) {
		random := rand.New(rand.NewPCG(1, 2))
		h := randomHeader(random)
		s := generic.New()
		some := ones() // one nonce in eight meets it
		some[31] = 0x1f
		for _, target := range [][32]byte{{}, some, ones()} {
			w := hasher.NewWork(k.Algorithm, &h, target)
			for _, first := range []uint32{0, 1, 0x7ffffffe, 0xfffffff8, 0xfffffffd, 0xffffffff} {
				for _, count := range []uint32{0, 1, 2, 3, 4, 5, 7, 8, 13} {
					compare(t, m, s, w, first, count)
				}
			}
			// The hits run full, in the middle of four and at their end.
			for first := range uint32(4) {
				compare(t, m, s, w, first-2, 67)
			}
		}
	})
}

func TestTargetEdges(t *testing.T) {
	each(t, func(t *testing.T, m *machine, k, generic hasher.Kernel) {
		random := rand.New(rand.NewPCG(3, 4))
		s := generic.New()
		for range 6 {
			h := randomHeader(random)
			nonce := binary.LittleEndian.Uint32(h[76:])
			hash := k.Algorithm.Sum(&h)
			targets := [][32]byte{hash, minus(hash), plus(hash)}
			for word := range 8 { // one word decides
				for _, by := range []uint32{1, ^uint32(0), 1 << 31} {
					near := hash
					binary.LittleEndian.PutUint32(near[4*word:], binary.LittleEndian.Uint32(hash[4*word:])+by)
					targets = append(targets, near)
				}
			}
			for _, target := range targets {
				for _, before := range []uint32{0, 2} {
					compare(t, m, s, hasher.NewWork(k.Algorithm, &h, target), nonce-before, 4)
				}
			}
		}
	})
}

// randomCase compares on a header, a range and a target that nobody chose.
func randomCase(t *testing.T, m *machine, a hasher.Algorithm, generic hasher.Scanner, random *rand.Rand, most uint32) {
	t.Helper()
	h := randomHeader(random)
	first, count := random.Uint32(), 1+random.Uint32N(most)
	if random.Uint32N(8) == 0 {
		first = -random.Uint32N(2 * most) // the range may wrap
	}
	target := ones()
	switch random.Uint32N(3) {
	case 0: // a few hits
		binary.LittleEndian.PutUint32(target[28:], 1<<(random.Uint32N(4)+28))
	case 1: // the hash of one of the nonces, or one beside it
		binary.LittleEndian.PutUint32(h[76:], first+random.Uint32N(count))
		target = a.Sum(&h)
		if random.Uint32N(2) == 0 {
			target = minus(target)
		}
	default:
		for i := 0; i < 32; i += 4 {
			binary.LittleEndian.PutUint32(target[i:], random.Uint32())
		}
	}
	compare(t, m, generic, hasher.NewWork(a, &h, target), first, count)
}

func TestManySHA256d(t *testing.T) {
	m, all := newMachine(t), hasher.Kernels(hasher.SHA256d)
	generic, random := all[len(all)-1].New(), rand.New(rand.NewPCG(5, 6))
	const cases = 100_000
	for range cases {
		randomCase(t, m, hasher.SHA256d, generic, random, 8)
	}
	t.Logf("%d cases", cases)
}

// The cases of scrypt are as many as its time allows, and some at least.
func TestManyScrypt(t *testing.T) {
	m, all := newMachine(t), hasher.Kernels(hasher.Scrypt)
	generic, random := all[len(all)-1].New(), rand.New(rand.NewPCG(7, 8))
	cases := 0
	for begun := time.Now(); cases < 100 || time.Since(begun) < 3*time.Second; cases++ {
		randomCase(t, m, hasher.Scrypt, generic, random, 6)
	}
	t.Logf("%d cases", cases)
}

func FuzzAgainstGeneric(f *testing.F) {
	f.Add([]byte("header"), []byte("target"), uint32(0xfffffffe), uint8(5), false)
	f.Add([]byte{}, []byte{}, uint32(0), uint8(0), true)
	f.Fuzz(func(t *testing.T, header, target []byte, first uint32, count uint8, scrypt bool) {
		a := hasher.SHA256d
		if scrypt {
			a, count = hasher.Scrypt, count%12
		}
		var h hasher.Header
		var limit [32]byte
		copy(h[:], header)
		copy(limit[:], target)
		all := hasher.Kernels(a)
		compare(t, newMachine(t), all[len(all)-1].New(), hasher.NewWork(a, &h, limit), first, uint32(count))
	})
}

func Example() {
	fmt.Println(string(kernel.Module()[1:4]))
	// Output: asm
}
