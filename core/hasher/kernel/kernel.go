// Package kernel holds the hashing kernel of Goldpan's page: one WebAssembly
// module with 128-bit vectors (SIMD128) for sha256d and scrypt. Go's own
// WebAssembly has no vectors, so the module is written instruction by instruction
// by goldpan/core/hasher/_gen/wasm.
//
// The module imports nothing and can reach nothing. It exports
//
//	memory               its own, of a fixed size; scrypt works in it too
//	load()               prepares what the work at [WorkAt] decides; call it after
//	                     the work is written and before the first scan
//	scan(first, count)   hashes count nonces beginning at first, wrapping past the
//	                     last, and returns how many it did: fewer only when
//	                     [MaxHits] are found
//
// All numbers are 32 bits, unsigned and little-endian. In memory lie
//
//	WorkAt   hasher.Work.Bytes, 148 bytes, written by the host; its algorithm
//	         says what scan hashes
//	HitsAt   written by scan: how many hits, then their nonces in the order scanned
//
// and beyond 1024 what is the module's own. A hit is exact: the whole hash is at
// most the target. The work is left as it is. Neither function can fail or trap,
// and a scan of the same nonces gives the same hits.
//
// A host gives each lane an instance of its own, and looks with
// WebAssembly.validate first whether the browser knows vectors.
package kernel

import _ "embed"

// Where the host and the module meet in the module's memory, in bytes.
const (
	WorkAt  = 0   // the work
	HitsAt  = 256 // the number of hits, then the nonces
	MaxHits = 64  // how many nonces fit there
)

//go:embed kernel.wasm
var module string

// Module returns the module's bytes.
func Module() []byte { return []byte(module) }
