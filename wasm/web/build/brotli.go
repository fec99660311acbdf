//go:build !js

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"

	"github.com/andybalholm/brotli"
)

// The highest quality saves another seventh, and takes half a minute.
const (
	brotliQuality = 6
	brotliWindow  = 24 // bits: the largest that every browser takes (RFC 7932)
)

// brotlied is for browsers over https: they take brotli there alone.
func brotlied(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: brotliQuality, LGWin: brotliWindow})
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// packTexts keeps each text of the page, and the kernel, packed beside its plain form.
func packTexts(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{".html", ".css", ".js", ".json", ".svg", ".wasm", ".webmanifest"}, filepath.Ext(e.Name())) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		packed, err := pack(body)
		if err != nil {
			return err
		}
		small, err := brotlied(body)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name+".gz", packed, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(name+".br", small, 0o644); err != nil {
			return err
		}
	}
	return nil
}
