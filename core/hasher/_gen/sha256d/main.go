// Command sha256d writes the amd64 kernels that scan nonces for double SHA-256
// (FIPS 180-4), and their Go declarations.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// directory is that of the package, from that of the generators' module.
const directory = ".."

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sha256d:", err)
		os.Exit(1)
	}
}

func run() error {
	stubs := build.NewContext()
	for _, kernel := range []struct {
		name  string
		write func(*build.Context)
	}{
		{"avx512", func(c *build.Context) { writeVector(c, avx512) }},
		{"avx2", func(c *build.Context) { writeVector(c, avx2) }},
		{"shani", writeSHANI},
	} {
		c := build.NewContext()
		kernel.write(c)
		kernel.write(stubs)
		if err := write(c, printer.NewGoAsm, filepath.Join(directory, "sha256d_"+kernel.name+"_amd64.s")); err != nil {
			return err
		}
	}
	return write(stubs, printer.NewStubs, filepath.Join(directory, "sha256d_stubs_amd64.go"))
}

func write(c *build.Context, to printer.Builder, name string) error {
	c.ConstraintExpr("!purego")
	f, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(f); err != nil {
		return err
	}
	b, err := to(printer.Config{Name: "_gen/sha256d", Pkg: "hasher"}).Print(f)
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
