package hasher

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"goldpan/core/hasher/kernel"
)

// everyKernel returns the kernels of a that this machine can run, and the page's
// kernel, which runs here in wazero and is held to the same.
func everyKernel(t testing.TB, a Algorithm) []Kernel {
	t.Helper()
	return append([]Kernel{{"wasm", a, 64, func() Scanner { return newInstance(t) }}}, Kernels(a)...)
}

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

// instance is one instance of the module, as a Scanner.
type instance struct {
	t          testing.TB
	memory     api.Memory
	load, scan api.Function
	loaded     Work
	fresh      bool
}

func newInstance(t testing.TB) *instance {
	t.Helper()
	p, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	module, err := p.runtime.InstantiateModule(context.Background(), p.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{t: t, memory: module.Memory(), load: module.ExportedFunction("load"), scan: module.ExportedFunction("scan"), fresh: true}
	runtime.AddCleanup(i, func(m api.Module) { m.Close(context.Background()) }, module)
	return i
}

func (i *instance) Scan(w *Work, first, count uint32, hits *Hits) uint32 {
	ctx := context.Background()
	if i.fresh || i.loaded != *w {
		i.memory.Write(kernel.WorkAt, w.Bytes())
		if _, err := i.load.Call(ctx); err != nil {
			i.t.Error(err)
		}
		i.loaded, i.fresh = *w, false
	}
	scanned, err := i.scan.Call(ctx, uint64(first), uint64(count))
	if err != nil {
		i.t.Error(err)
		return 0
	}
	b, _ := i.memory.Read(kernel.HitsAt, 4+4*kernel.MaxHits)
	hits.N = int(binary.LittleEndian.Uint32(b))
	for j := range hits.N {
		hits.Nonces[j] = binary.LittleEndian.Uint32(b[4+4*j:])
	}
	if b, _ := i.memory.Read(kernel.WorkAt, WorkSize); string(b) != string(w.Bytes()) {
		i.t.Error("the scan changed its work")
	}
	return uint32(scanned[0])
}

// TestModule holds the module to what package kernel says of it.
func TestModule(t *testing.T) {
	if kernel.MaxHits != MaxHits || kernel.WorkAt+WorkSize > kernel.HitsAt {
		t.Error("the memory's layout is not that of Work and Hits")
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
}
