package home

import (
	"strings"
	"testing"
)

// decode reads a QR code of version 2 or 3 with one block, in byte mode, as ISO/IEC 18004 draws it: written here to read
// what the library writes.
func decode(t *testing.T, m Matrix) string {
	t.Helper()
	size := len(m)
	format := 0
	for i, at := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		if m[at[1]][at[0]] {
			format |= 1 << (14 - i)
		}
	}
	format ^= 0x5412
	if level := format >> 13; level != 0 {
		t.Fatalf("error correction level %b is not M", level)
	}
	masks := []func(x, y int) bool{
		func(x, y int) bool { return (x+y)%2 == 0 }, func(_, y int) bool { return y%2 == 0 },
		func(x, _ int) bool { return x%3 == 0 }, func(x, y int) bool { return (x+y)%3 == 0 },
		func(x, y int) bool { return (x/3+y/2)%2 == 0 }, func(x, y int) bool { return x*y%2+x*y%3 == 0 },
		func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 }, func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
	}
	mask := masks[format>>10&7]
	center := size - 7 // of the only alignment pattern
	fixed := func(x, y int) bool {
		return x < 9 && y < 9 || x < 9 && y >= size-8 || x >= size-8 && y < 9 || x == 6 || y == 6 ||
			x >= center-2 && x <= center+2 && y >= center-2 && y <= center+2
	}
	var bits []bool
	for right, up := size-1, true; right > 0; right, up = right-2, !up {
		if right == 6 {
			right--
		}
		for i := range size {
			y := i
			if up {
				y = size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if !fixed(x, y) {
					bits = append(bits, m[y][x] != mask(x, y))
				}
			}
		}
	}
	take := func(n int) (v int) {
		for ; n > 0; n-- {
			v <<= 1
			if bits[0] {
				v++
			}
			bits = bits[1:]
		}
		return v
	}
	if mode := take(4); mode != 4 {
		t.Fatalf("mode %b is not bytes", mode)
	}
	text := make([]byte, take(8))
	for i := range text {
		text[i] = byte(take(8))
	}
	return string(text)
}

func TestQRIsRead(t *testing.T) {
	for _, want := range []string{"http://10.0.0.7:8080/", "http://192.168.1.20/#join=AbC-_z0123456789"} {
		m, err := QR(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, m); got != want {
			t.Errorf("%q is read as %q", want, got)
		}
	}
	if _, err := QR(strings.Repeat("x", maxQR+1)); err == nil {
		t.Error("a text without end is drawn")
	}
	if _, err := QR(strings.Repeat("x", maxQR)); err != nil {
		t.Errorf("the longest link: %v", err)
	}
}

// The picture in a terminal has each module where it belongs, and the quiet zone around.
func TestQRInATerminal(t *testing.T) {
	m, err := QR("http://10.0.0.7:8080/")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(m.String(), "\n"), "\n")
	for y := range m {
		for x := range m {
			r := []rune(lines[(y+quiet)/2])[x+quiet]
			light := r == '█' || (y+quiet)%2 == 0 && r == '▀' || (y+quiet)%2 == 1 && r == '▄'
			if light == m[y][x] {
				t.Fatalf("module %d, %d is drawn as %c", x, y, r)
			}
		}
	}
	for _, l := range []string{lines[0], lines[1], lines[len(lines)-1]} {
		if strings.Trim(l, "█") != "" {
			t.Errorf("the quiet zone holds %q", l)
		}
	}
	if got := strings.Count(m.Colours(), "\x1b[97;40m"); got != len(lines) {
		t.Errorf("%d lines are coloured", got)
	}
}
