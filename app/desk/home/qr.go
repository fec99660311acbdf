package home

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// Matrix is a QR code (ISO/IEC 18004): rows of modules, true for dark, without the quiet zone, which whoever draws it
// leaves around it, four modules wide.
type Matrix [][]bool

// quiet is the width of the quiet zone in modules.
const quiet = 4

// maxQR is the length of the longest text that is drawn, in bytes.
const maxQR = 400

// QR draws a text, with error correction of level M, which mends 15 % of it.
func QR(text string) (Matrix, error) {
	if len(text) > maxQR {
		return nil, fmt.Errorf("qr code: a text of %d bytes is too long", len(text))
	}
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return nil, fmt.Errorf("qr code: %w", err)
	}
	size := code.Bounds().Dx()
	m := make(Matrix, size)
	for y := range m {
		m[y] = make([]bool, size)
		for x := range m[y] {
			grey, ok := color.GrayModel.Convert(code.At(x, y)).(color.Gray)
			m[y][x] = ok && grey.Y < 128
		}
	}
	return m, nil
}

func (m Matrix) dark(x, y int) bool {
	return x >= 0 && y >= 0 && y < len(m) && x < len(m[y]) && m[y][x]
}

// Width is the columns that String takes.
func (m Matrix) Width() int { return len(m) + 2*quiet }

// String draws the code with half blocks, two rows to a line, quiet zone included, for a terminal that writes light on
// dark: what is light in the code is drawn.
func (m Matrix) String() string {
	var b strings.Builder
	for y := -quiet; y < len(m)+quiet; y += 2 {
		for x := -quiet; x < len(m)+quiet; x++ {
			upper, lower := !m.dark(x, y), !m.dark(x, y+1)
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Colours draws the same with the colours set, black on white, for a terminal that knows them, whatever its own are.
func (m Matrix) Colours() string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(m.String(), "\n"), "\n") {
		b.WriteString("\x1b[97;40m" + line + "\x1b[0m\n")
	}
	return b.String()
}
