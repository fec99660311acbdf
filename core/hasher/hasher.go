// Package hasher computes the proof-of-work hashes that Goldpan mines with.
//
// A lane is handed a [Work] and scans ranges of its nonces with a [Scanner];
// what may be a solution comes back as [Hits]. A hit is a claim, not a share:
// whoever submits it hashes the header again with [Algorithm.Sum], which is
// plain Go and never chosen by the CPU.
//
// The package knows headers and targets and nothing else: no job, no pool, no
// difficulty, no I/O. Algorithms: double SHA-256 of FIPS 180-4, and scrypt of
// RFC 7914 with N=1024, r=1, p=1 over the 80-byte block header as both
// password and salt.
package hasher

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Algorithm names a proof-of-work hash function.
type Algorithm string

// The algorithms that this build knows.
const (
	SHA256d Algorithm = "sha256d" // SHA-256 applied twice: Bitcoin
	Scrypt  Algorithm = "scrypt"  // scrypt (1024, 1, 1): Litecoin, Dogecoin
)

// ErrAlgorithm is returned for the name of an algorithm that is not known.
var ErrAlgorithm = errors.New("unknown algorithm")

// Algorithms returns every algorithm, in a fixed order.
func Algorithms() []Algorithm { return []Algorithm{SHA256d, Scrypt} }

// ParseAlgorithm returns the algorithm called name, or [ErrAlgorithm].
func ParseAlgorithm(name string) (Algorithm, error) {
	for _, a := range Algorithms() {
		if string(a) == name {
			return a, nil
		}
	}
	return "", fmt.Errorf("%w: choose sha256d or scrypt", ErrAlgorithm)
}

// HeaderSize is the length of a serialised block header in bytes.
const HeaderSize = 80

// Header is a block header as it goes over the wire: version, previous block
// hash, merkle root, time, bits and nonce, each little-endian. The nonce is in
// bytes 76 to 79.
type Header = [HeaderSize]byte

// Sum returns the proof-of-work hash of h in internal byte order: read as a
// little-endian number it is what a target is compared with. It panics on an
// algorithm that did not come from this package.
func (a Algorithm) Sum(h *Header) [32]byte {
	switch a {
	case SHA256d:
		return SumSHA256d(h[:])
	case Scrypt:
		return sumScrypt(h)
	}
	panic("hasher: unknown algorithm " + string(a))
}

// Work is what a lane hashes: one header whose nonce is free, and the target
// that its hash must not exceed. It has a fixed size and the same layout for
// every kernel: 32-bit words, in the order of the fields. It is immutable once
// a lane holds it.
type Work struct {
	// Midstate is the SHA-256 state after the header's first 64 bytes.
	Midstate [8]uint32
	// Header is the header as twenty big-endian words. The last one, the
	// nonce's, is ignored.
	Header [20]uint32
	// Target is the largest hash that is a hit, as a little-endian number:
	// Target[7] is its most significant word.
	Target [8]uint32
	// Algorithm is 0 for sha256d and 1 for scrypt.
	Algorithm uint32
}

// WorkSize is the length in bytes of a serialised [Work].
const WorkSize = 4 * (8 + 20 + 8 + 1)

// NewWork returns the work of finding nonces for header h whose hash, read as
// a little-endian number, is at most target.
func NewWork(a Algorithm, h *Header, target [32]byte) *Work {
	w := &Work{Midstate: initial}
	for i := range w.Header {
		w.Header[i] = binary.BigEndian.Uint32(h[4*i:])
	}
	block(&w.Midstate, (*[16]uint32)(w.Header[:16]))
	for i := range w.Target {
		w.Target[i] = binary.LittleEndian.Uint32(target[4*i:])
	}
	if a == Scrypt {
		w.Algorithm = 1
	}
	return w
}

// HeaderWith returns the header of w with its nonce set.
func (w *Work) HeaderWith(nonce uint32) (h Header) {
	for i, v := range w.Header[:19] {
		binary.BigEndian.PutUint32(h[4*i:], v)
	}
	binary.LittleEndian.PutUint32(h[76:], nonce)
	return h
}

// Bytes returns w as [WorkSize] bytes: its fields in order, each word
// little-endian, as a WebAssembly kernel reads them from its memory.
func (w *Work) Bytes() []byte {
	b := make([]byte, 0, WorkSize)
	for _, part := range [][]uint32{w.Midstate[:], w.Header[:], w.Target[:], {w.Algorithm}} {
		for _, v := range part {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	return b
}

// ParseWork is the inverse of [Work.Bytes]. It refuses another length, an
// unknown algorithm, and a midstate that is not that of the header.
func ParseWork(b []byte) (*Work, error) {
	if len(b) != WorkSize {
		return nil, fmt.Errorf("work has %d bytes, not %d", len(b), WorkSize)
	}
	w := new(Work)
	for _, part := range [][]uint32{w.Midstate[:], w.Header[:], w.Target[:]} {
		for i := range part {
			part[i] = binary.LittleEndian.Uint32(b)
			b = b[4:]
		}
	}
	w.Algorithm = binary.LittleEndian.Uint32(b)
	if w.Algorithm > 1 {
		return nil, fmt.Errorf("work: %w", ErrAlgorithm)
	}
	mid := initial
	block(&mid, (*[16]uint32)(w.Header[:16]))
	if mid != w.Midstate {
		return nil, errors.New("work: the midstate is not that of the header")
	}
	return w, nil
}

// Kind returns the algorithm that w is for.
func (w *Work) Kind() Algorithm {
	if w.Algorithm == 1 {
		return Scrypt
	}
	return SHA256d
}

// meets tells whether a hash, given as the eight big-endian words of its
// digest, is at most the target.
func (w *Work) meets(digest *[8]uint32) bool {
	for i := 7; i >= 0; i-- {
		v := bits.ReverseBytes32(digest[i])
		if v != w.Target[i] {
			return v < w.Target[i]
		}
	}
	return true
}

// MaxHits is how many hits one scan can report.
const MaxHits = 64

// Hits collects the nonces that a scan found. Its zero value is empty.
type Hits struct {
	N      int // how many of Nonces are set
	Nonces [MaxHits]uint32
}

func (h *Hits) add(nonce uint32) {
	h.Nonces[h.N] = nonce
	h.N++
}

// A Scanner hashes for one lane. It may hold scratch memory, so it is not for
// concurrent use.
type Scanner interface {
	// Scan empties hits, hashes count nonces of w beginning at first and
	// wrapping past the last, and reports in hits, in the order scanned, those
	// whose hash is at most the target. It returns how many nonces it did
	// scan: fewer than count only when hits is full. It changes nothing in w
	// and allocates nothing.
	Scan(w *Work, first, count uint32, hits *Hits) (scanned uint32)
}
