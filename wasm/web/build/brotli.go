//go:build !js

package main

import (
	"bytes"

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
