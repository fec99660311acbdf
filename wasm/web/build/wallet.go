//go:build !js

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"goldpan/assets"
)

// purse lists the wallet's own files of wasm/web. All that belongs to the wallet has the word in its name: the page
// fetches none of it before a person opens the wallet.
var purse = []string{"wallet.js", "wallet-ui.js", "wallet-make.js", "wallet-home.js", "wallet-send.js", "wallet-worker.js", "wallet.css"}

// addWallet writes the wallet's files: its scripts, its texts and its program.
func addWallet(root string, write func(name string, body []byte) error) error {
	source := filepath.Join(root, "wasm", "web")
	for _, name := range purse {
		body, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if err := write(name, body); err != nil {
			return err
		}
	}
	for _, language := range assets.Languages() {
		name := "wallet." + language + ".json"
		body, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := json.Compact(&out, body); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := write(name, out.Bytes()); err != nil {
			return err
		}
	}
	program, err := compile(root, "./wasm/wallet", slices.Concat([]string{"-tags=tinygo"}, tight())...)
	if err != nil {
		return err
	}
	if err := dropPoints(program); err != nil {
		return err
	}
	packed, err := pack(program)
	if err != nil {
		return err
	}
	small, err := brotlied(program)
	if err != nil {
		return err
	}
	if err := write("goldpan-wallet.wasm.gz", packed); err != nil {
		return err
	}
	return write("goldpan-wallet.wasm.br", small)
}

// tight are the flags that save a tenth: functions are not copied into their callers, but where time is spent.
func tight() []string {
	flags := []string{"-gcflags=all=-l"}
	for _, quick := range []string{"golang.org/x/crypto/...", "github.com/decred/...", "crypto/internal/fips140/sha256", "crypto/internal/fips140/sha512", "crypto/internal/fips140deps/..."} {
		flags = append(flags, "-gcflags="+quick+"=")
	}
	return flags
}

// dropPoints overwrites half a megabyte of points of the curve secp256k1, which are nothing but chance to a packer.
// They make the making of public keys quicker; with the tag tinygo, which no other module knows, the curve's own code
// for small machines does without, and nothing in the program reads them.
func dropPoints(program []byte) error {
	dir, err := goTool("list", "-m", "-f", "{{.Dir}}", "github.com/decred/dcrd/dcrec/secp256k1/v4")
	if err != nil {
		return err
	}
	source, err := os.ReadFile(filepath.Join(dir, "compressedbytepoints.go"))
	if err != nil {
		return err
	}
	_, text, _ := bytes.Cut(source, []byte(`var compressedBytePoints = "`))
	text, _, ok := bytes.Cut(text, []byte(`"`))
	if !ok || len(text) < 100_000 {
		return errors.New("the points of secp256k1 are not where they were")
	}
	at := bytes.Index(program, text)
	if at < 0 || bytes.Contains(program[at+1:], text) {
		return errors.New("the points of secp256k1 are not once in the wallet's program")
	}
	clear(program[at : at+len(text)])
	return nil
}

// ofWallet tells whether a file is the wallet's.
func ofWallet(name string) bool { return strings.Contains(name, "wallet") }
