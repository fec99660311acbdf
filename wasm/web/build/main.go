//go:build !js

// Command build assembles the page into wasm/web/dist, from where package web embeds it:
//
//	go run ./wasm/web/build [-out DIR]
//
// It writes the page's own files, theme.css and the icons from assets, the Go release's wasm_exec.js, the lanes'
// kernel, and the program for the workers. The program is kept as gzip and brotli only: every browser asks for
// one of them, and it is a quarter of the size. The same sources and the same Go release give the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"goldpan/assets"
	"goldpan/core/hasher/kernel"
)

// page lists the files of wasm/web that the browser gets.
var page = []string{"index.html", "style.css", "page.js", "mining.js", "join.js", "tabs.js", "manners.js", "screen.js",
	"figures.js", "settings.js", "today.js", "film.js", "words.js", "pan.js", "control.js", "lane.js", "install.js", "watch.js", "manifest.webmanifest",
	"scan.svg", "purse.js"}

// icons lists the files of assets/icons that the page names.
var icons = []string{"mark.svg", "icon-180.png", "icon-192.png", "icon-512.png", "icon-maskable-512.png"}

func main() {
	out := flag.String("out", "", "the folder to write (default wasm/web/dist of this module)")
	flag.Parse()
	if err := build(*out); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func build(out string) error {
	root, err := goTool("list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	source := filepath.Join(root, "wasm", "web")
	if out == "" {
		out = filepath.Join(source, "dist")
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	// A fresh folder beside the old one: a build that fails leaves the last good page.
	fresh := out + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := os.MkdirAll(fresh, 0o755); err != nil {
		return err
	}
	write := func(name string, body []byte) error {
		return os.WriteFile(filepath.Join(fresh, name), body, 0o644)
	}

	for _, name := range page {
		body, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		if name == "index.html" {
			if body, err = written(body); err != nil {
				return err
			}
		}
		if name == "manifest.webmanifest" {
			if body, err = manifest(body); err != nil {
				return err
			}
		}
		if err := write(name, body); err != nil {
			return err
		}
	}
	for _, language := range assets.Languages() {
		body, err := texts(language)
		if err != nil {
			return err
		}
		if err := write("text."+language+".json", body); err != nil {
			return err
		}
	}
	look, err := assets.Theme()
	if err != nil {
		return err
	}
	if err := write("theme.css", look.CSS()); err != nil {
		return err
	}
	for _, name := range icons {
		body, err := fs.ReadFile(assets.Icons(), name)
		if err != nil {
			return err
		}
		if err := write(name, body); err != nil {
			return err
		}
	}
	goroot, err := goTool("env", "GOROOT")
	if err != nil {
		return err
	}
	glue, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return err
	}
	if err := write("wasm_exec.js", glue); err != nil {
		return err
	}

	if err := write("still.mp4", film()); err != nil {
		return err
	}
	if err := write("kernel.wasm", kernel.Module()); err != nil {
		return err
	}
	program, err := compile(root, "./wasm")
	if err != nil {
		return err
	}
	packed, err := pack(program)
	if err != nil {
		return err
	}
	if err := write("goldpan.wasm.gz", packed); err != nil {
		return err
	}
	small, err := brotlied(program)
	if err != nil {
		return err
	}
	if err := write("goldpan.wasm.br", small); err != nil {
		return err
	}
	if err := addWallet(root, write); err != nil {
		return err
	}
	sw, err := os.ReadFile(filepath.Join(source, "sw.js"))
	if err != nil {
		return err
	}
	if sw, err = serviceWorker(sw, fresh); err != nil {
		return err
	}
	if err := write("sw.js", sw); err != nil {
		return err
	}
	if err := packTexts(fresh); err != nil {
		return err
	}
	if err := write(".keep", nil); err != nil { // the folder is embedded, so it must exist in a fresh checkout
		return err
	}

	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.Rename(fresh, out); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "page: %s, program %.1f MB, %.1f MB packed\n", filepath.ToSlash(shown(root, out)),
		float64(len(program))/1e6, float64(len(packed))/1e6)
	return nil
}

// compile returns a program for the page's workers.
func compile(root, pkg string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "goldpan-page-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "goldpan.wasm")
	cmd := exec.Command("go", slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file}, flags, []string{pkg})...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build %s: %w", pkg, err)
	}
	return os.ReadFile(file)
}

// pack is gzip without a name or a time in it.
func pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func goTool(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	// go run may have been told another target; what is asked here is about this machine.
	cmd.Env = append(os.Environ(), "GOOS=", "GOARCH=")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

func shown(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}
