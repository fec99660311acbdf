// Command scrypt writes the amd64 kernels for scrypt of package hasher: for
// each of SSE2, AVX2 and AVX-512 a file of Go assembly, and for all of them
// one file with the Go declarations. It is run in the module's
// directory, and writes into the one above.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "scrypt:", err)
		os.Exit(1)
	}
}

func generate() error {
	config := printer.Config{Name: "go generate", Pkg: "hasher"}
	all := ir.NewFile()
	for _, s := range []*isa{avx512, avx2, sse2} {
		s.ConstraintExpr("!purego")
		s.compression(s.constants())
		switch s {
		case avx512:
			s.romix("scryptMixAVX512", 3)
			s.romix("scryptMixAVX512Wide", 6)
		case avx2:
			s.romix("scryptMixAVX2", 5)
		case sse2:
			s.romix("scryptMixSSE2", 6)
			s.identify()
		}
		file, err := s.Result()
		if err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		if err := pass.Compile.Execute(file); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		if err := write("scrypt_"+strings.ToLower(s.suffix)+"_amd64.s", printer.NewGoAsm(config), file); err != nil {
			return err
		}
		all.Constraints = file.Constraints
		all.Sections = append(all.Sections, file.Sections...)
	}
	return write("scrypt_stubs_amd64.go", printer.NewStubs(config), all)
}

// write prints file to path.
func write(path string, p printer.Printer, file *ir.File) error {
	text, err := p.Print(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(filepath.Join("..", path), bytes.TrimLeft(text, "\n"), 0o644)
}

// identify writes cpuid.
func (s *isa) identify() {
	s.Function("cpuid")
	s.Attributes(attr.NOSPLIT)
	s.SignatureExpr("func(leaf, subleaf uint32) (a, b, c, d uint32)")
	s.Doc("cpuid asks the processor about itself.")
	s.Load(s.Param("leaf"), EAX)
	s.Load(s.Param("subleaf"), ECX)
	s.CPUID()
	for i, r := range []Register{EAX, EBX, ECX, EDX} {
		s.Store(r, s.ReturnIndex(i))
	}
	s.RET()
}
