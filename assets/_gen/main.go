// Command _gen draws Goldpan's mark, a gold pan seen from above with one nugget,
// as an SVG and as PNGs, and copies the licences of third parties.
//
// It calculates in whole numbers only, so that every machine draws the same
// pixels, and it leaves a picture alone whose pixels are already right: another
// release of Go may compress the same picture into other bytes.
//
// Usage: go generate, which runs it in the folder assets
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// unit is the side of the drawing's square in its own coordinates.
const unit = 1024

// shape is one layer of the mark, painted in order.
type shape struct {
	name       string
	fill       color.NRGBA
	circle     *[3]int  // centre x, y, radius
	polygon    [][2]int // corners, clockwise
	background bool
}

func hex(n uint32) color.NRGBA {
	return color.NRGBA{R: uint8(n >> 16), G: uint8(n >> 8), B: uint8(n), A: 255}
}

func circle(name string, fill uint32, x, y, r int) shape {
	return shape{name: name, fill: hex(fill), circle: &[3]int{x, y, r}}
}

// mark is the drawing. The pan lies inside the middle 80 %, which every platform
// leaves whole when it cuts an icon to its own shape.
var mark = []shape{
	{name: "river", fill: hex(0x18252d), background: true},
	circle("rim's shadow", 0x0b1318, 512, 536, 384),
	circle("rim", 0x8ba2ae, 512, 512, 384),
	circle("rim's inner edge", 0x4a5f6b, 512, 512, 340),
	circle("wall", 0x5f7884, 512, 520, 332),
	circle("first riffle", 0x4a5f6b, 512, 524, 286),
	circle("between", 0x5f7884, 512, 530, 272),
	circle("bed's edge", 0x22333d, 512, 532, 226),
	circle("water", 0x2f7f9e, 512, 536, 214),
	circle("light on the water", 0x4fa3c4, 482, 500, 150),
	circle("water again", 0x2f7f9e, 496, 524, 150),
	{name: "nugget", fill: hex(0xf0b740), polygon: [][2]int{
		{470, 560}, {492, 500}, {552, 474}, {622, 496}, {656, 552}, {640, 618}, {580, 650}, {508, 636},
	}},
	{name: "nugget's light", fill: hex(0xffe0a0), polygon: [][2]int{
		{500, 556}, {516, 518}, {556, 500}, {596, 512}, {560, 540}, {530, 576},
	}},
	{name: "nugget's shade", fill: hex(0xb67610), polygon: [][2]int{
		{656, 552}, {640, 618}, {580, 650}, {508, 636}, {560, 618}, {612, 596},
	}},
	circle("grain", 0xf0b740, 424, 612, 16),
	circle("smaller grain", 0xf0b740, 452, 664, 10),
}

// corner is the radius of the square's corners where they are round.
const corner = 224

func (s shape) covers(x, y int) bool {
	switch {
	case s.background:
		return true
	case s.circle != nil:
		dx, dy := x-s.circle[0]*scale, y-s.circle[1]*scale
		r := s.circle[2] * scale
		return dx*dx+dy*dy <= r*r
	default:
		// Even-odd rule by crossings to the right.
		in := false
		for i, a := range s.polygon {
			b := s.polygon[(i+1)%len(s.polygon)]
			ax, ay, bx, by := a[0]*scale, a[1]*scale, b[0]*scale, b[1]*scale
			if (ay > y) == (by > y) {
				continue
			}
			// x < ax + (y-ay)(bx-ax)/(by-ay), kept in whole numbers.
			l, r := (x-ax)*(by-ay), (y-ay)*(bx-ax)
			if by < ay {
				l, r = -l, -r
			}
			if l < r {
				in = !in
			}
		}
		return in
	}
}

// inRoundSquare tells whether a point lies in the square with round corners.
func inRoundSquare(x, y int) bool {
	c := corner * scale
	far := unit*scale - c
	dx, dy := 0, 0
	if x < c {
		dx = c - x
	} else if x > far {
		dx = x - far
	}
	if y < c {
		dy = c - y
	} else if y > far {
		dy = y - far
	}
	return dx*dx+dy*dy <= c*c
}

const (
	samples = 8  // a side, in each pixel
	scale   = 64 // finer coordinates than the drawing's own
)

// draw paints the mark at size×size pixels.
func draw(size int, round bool) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for py := range size {
		for px := range size {
			var r, g, b, n int
			for sy := range samples {
				for sx := range samples {
					x := (2*(px*samples+sx) + 1) * unit * scale / (2 * size * samples)
					y := (2*(py*samples+sy) + 1) * unit * scale / (2 * size * samples)
					if round && !inRoundSquare(x, y) {
						continue
					}
					var c color.NRGBA
					for i := len(mark) - 1; i >= 0; i-- {
						if mark[i].covers(x, y) {
							c = mark[i].fill
							break
						}
					}
					r, g, b, n = r+int(c.R), g+int(c.G), b+int(c.B), n+1
				}
			}
			if n == 0 {
				continue
			}
			img.SetNRGBA(px, py, color.NRGBA{
				R: uint8(r / n), G: uint8(g / n), B: uint8(b / n),
				A: uint8(n * 255 / (samples * samples)),
			})
		}
	}
	return img
}

func svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Goldpan\">\n", unit, unit)
	for _, s := range mark {
		fill := fmt.Sprintf("#%02x%02x%02x", s.fill.R, s.fill.G, s.fill.B)
		switch {
		case s.background:
			fmt.Fprintf(&b, "  <rect width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"%s\"/>\n", unit, unit, corner, fill)
		case s.circle != nil:
			fmt.Fprintf(&b, "  <circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>\n", s.circle[0], s.circle[1], s.circle[2], fill)
		default:
			var pts []string
			for _, p := range s.polygon {
				pts = append(pts, fmt.Sprintf("%d,%d", p[0], p[1]))
			}
			fmt.Fprintf(&b, "  <polygon points=\"%s\" fill=\"%s\"/>\n", strings.Join(pts, " "), fill)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// writePNG writes the picture unless the file already shows it.
func writePNG(path string, img *image.NRGBA) error {
	if old, err := os.ReadFile(path); err == nil {
		if was, err := png.Decode(bytes.NewReader(old)); err == nil && same(was, img) {
			return nil
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func same(a image.Image, b *image.NRGBA) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range b.Rect.Dy() {
		for x := range b.Rect.Dx() {
			if color.NRGBAModel.Convert(a.At(x, y)) != b.NRGBAAt(x, y) {
				return false
			}
		}
	}
	return true
}

func main() {
	log.SetFlags(0)
	const dir = "icons"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mark.svg"), svg(), 0o644); err != nil {
		log.Fatal(err)
	}
	for _, p := range []struct {
		name  string
		size  int
		round bool
	}{
		{"icon-32.png", 32, true}, {"icon-192.png", 192, true}, {"icon-512.png", 512, true},
		{"icon-180.png", 180, false}, {"icon-maskable-512.png", 512, false},
	} {
		if err := writePNG(filepath.Join(dir, p.name), draw(p.size, p.round)); err != nil {
			log.Fatal(err)
		}
	}
	if err := licenses("licenses"); err != nil {
		log.Fatal(err)
	}
}
