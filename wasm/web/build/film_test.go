//go:build !js

package main

import (
	"encoding/binary"
	"testing"
)

// Each box's length leads to the next, and the samples lie where the tables say.
func TestFilm(t *testing.T) {
	b := film()
	if len(b) > 20_000 {
		t.Errorf("the film has %d bytes", len(b))
	}
	var kinds []string
	mdat := 0
	for at := 0; at < len(b); {
		size := int(binary.BigEndian.Uint32(b[at:]))
		if size < 8 || at+size > len(b) {
			t.Fatalf("the box at %d has %d bytes", at, size)
		}
		kinds = append(kinds, string(b[at+4:at+8]))
		mdat = at + 8
		at += size
	}
	if len(kinds) != 3 || kinds[0] != "ftyp" || kinds[1] != "moov" || kinds[2] != "mdat" {
		t.Fatalf("the film has %q", kinds)
	}
	// The first unit of the film is a picture that stands for itself.
	if unit := b[mdat+4]; unit != 0x65 {
		t.Errorf("the film begins with a unit of type %#x", unit)
	}
}

// Table 9-2 of H.264.
func TestExpGolomb(t *testing.T) {
	for v, want := range map[uint32][]byte{0: {0x80}, 1: {0x40}, 2: {0x60}, 3: {0x20}, 25: {0x0D, 0x00}} {
		var b bits
		b.ue(v)
		if got := b.align().out; string(got) != string(want) {
			t.Errorf("ue(%d) is %x, want %x", v, got, want)
		}
	}
}
