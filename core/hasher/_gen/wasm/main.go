// Command wasm writes the WebAssembly kernel: one module with 128-bit vectors
// that scans nonces for sha256d and for scrypt. What it exports and where things
// lie in its memory is the contract of package kernel, goldpan/core/hasher/kernel.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
)

// Where the host and the module meet in memory: hasher.Work.Bytes, then the hits.
const (
	workMidstate = 0
	workHeader   = 32
	workTarget   = 112
	workKind     = 144
	hitsAt       = 256 // how many, then the nonces
	maxHits      = 64
	dataAt       = 1024
	roomAt       = 16 << 10
	vAt          = 64 << 10 // scrypt's V
)

// layout gives out memory: constants that the module begins with, and room that
// it writes to.
type layout struct {
	data    []byte
	vectors map[[4]uint32]uint32
	free    uint32
}

// vector returns where a constant vector lies.
func (l *layout) vector(v [4]uint32) uint32 {
	at, ok := l.vectors[v]
	if !ok {
		at = dataAt + uint32(len(l.data))
		l.vectors[v] = at
		for _, w := range v {
			l.data = binary.LittleEndian.AppendUint32(l.data, w)
		}
	}
	return at
}

func (l *layout) splat(w uint32) uint32 { return l.vector([4]uint32{w, w, w, w}) }

// table returns where constant vectors lie in a row, each of one word.
func (l *layout) table(words []uint32) uint32 {
	at := dataAt + uint32(len(l.data))
	for _, w := range words {
		l.vectors[[4]uint32{w, w, w, w}] = dataAt + uint32(len(l.data))
		for range 4 {
			l.data = binary.LittleEndian.AppendUint32(l.data, w)
		}
	}
	return at
}

// room returns where so many bytes are free, sixteen bytes aligned.
func (l *layout) room(bytes uint32) uint32 {
	at := l.free
	l.free += (bytes + 15) &^ 15
	return at
}

// The functions of the module, by number.
const (
	fnLoad = iota
	fnScan
	fnSHA256d
	fnScrypt
	fnBlock4
	fnMix
	fnDigests
	fnMeets
	fnSwap
	functionCount
)

func build() ([]byte, error) {
	l := &layout{vectors: map[[4]uint32]uint32{}, free: roomAt}
	load := &function{}
	functions := make([]*function, functionCount)
	functions[fnLoad] = load
	functions[fnBlock4] = block4(l) // its table of constants serves the others too
	functions[fnSHA256d] = sha256d(l, load)
	functions[fnMix] = mix()
	lanes := newLanes(l, load)
	functions[fnScrypt] = lanes.scrypt()
	functions[fnDigests] = lanes.digests()
	functions[fnMeets] = lanes.meets()
	functions[fnSwap] = swap()
	functions[fnScan] = lanes.scan()
	if end := dataAt + len(l.data); end > roomAt || l.free > vAt {
		return nil, fmt.Errorf("the memory's parts overlap: constants end at %d, room at %d", end, l.free)
	}
	pages := uint32(1 + groups*scryptN*128/(64<<10))
	return module(functions, map[string]int{"load": fnLoad, "scan": fnScan}, []string{"load", "scan"}, pages, dataAt, l.data), nil
}

func main() {
	out := flag.String("out", "", "the `FILE` to write")
	flag.Parse()
	b, err := build()
	if err == nil {
		err = os.WriteFile(*out, b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasm:", err)
		os.Exit(1)
	}
}
