package assets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"strconv"
)

// Color is "#rrggbb", sRGB, opaque.
type Color string

// NRGBA is the colour for Go's image packages and for Fyne. A malformed colour,
// which Theme never returns, is black.
func (c Color) NRGBA() color.NRGBA {
	v, err := c.parse()
	if err != nil {
		return color.NRGBA{A: 255}
	}
	return v
}

func (c Color) parse() (color.NRGBA, error) {
	if len(c) != 7 || c[0] != '#' {
		return color.NRGBA{}, fmt.Errorf("colour %q is not #rrggbb", string(c))
	}
	n, err := strconv.ParseUint(string(c[1:]), 16, 24)
	if err != nil {
		return color.NRGBA{}, fmt.Errorf("colour %q is not #rrggbb", string(c))
	}
	return color.NRGBA{R: uint8(n >> 16), G: uint8(n >> 8 & 255), B: uint8(n & 255), A: 255}, nil
}

// Palette is one set of colours, by their use.
type Palette struct {
	Background Color `json:"background"` // behind everything
	Surface    Color `json:"surface"`    // cards and fields
	Raised     Color `json:"raised"`     // what is hovered, chosen or pressed
	Line       Color `json:"line"`       // borders and axes
	Text       Color `json:"text"`
	Muted      Color `json:"muted"`    // second-rank text, still readable
	Gold       Color `json:"gold"`     // the accent: what matters now, and nothing else
	OnGold     Color `json:"onGold"`   // text upon Gold
	GoldText   Color `json:"goldText"` // the accent as text
	Good       Color `json:"good"`     // with a shape or a word beside it
	Bad        Color `json:"bad"`      // with a shape or a word beside it
	Focus      Color `json:"focus"`    // the ring round what has the keyboard, and links
	Water      Color `json:"water"`    // the picture: the river, a chart's line
	Deep       Color `json:"deep"`     // the picture: the river's bed
	Grain      Color `json:"grain"`    // the picture: a hash
}

// Look is theme.json.
type Look struct {
	Colors struct {
		Light Palette `json:"light"`
		Dark  Palette `json:"dark"`
	} `json:"colors"`
	Type struct {
		Family     string  `json:"family"` // CSS font-family; the window uses Fyne's own font
		Mono       string  `json:"mono"`
		LineHeight float64 `json:"lineHeight"`
		Size       Sizes   `json:"size"`
	} `json:"type"`
	Space  Steps   `json:"space"`
	Radius Corners `json:"radius"`
}

// Sizes is the type scale in device-independent pixels.
type Sizes struct {
	Caption float32 `json:"caption"`
	Body    float32 `json:"body"`
	Heading float32 `json:"heading"`
	Title   float32 `json:"title"`
	Hero    float32 `json:"hero"`
}

// Steps is the scale of gaps in device-independent pixels.
type Steps struct {
	XS float32 `json:"xs"`
	S  float32 `json:"s"`
	M  float32 `json:"m"`
	L  float32 `json:"l"`
	XL float32 `json:"xl"`
}

// Corners is the scale of corner radii in device-independent pixels.
type Corners struct {
	S float32 `json:"s"`
	M float32 `json:"m"`
	L float32 `json:"l"`
}

// Theme reads the look. It fails on an unknown or missing field and on a
// malformed colour, so that a slip in theme.json is seen and never drawn.
func Theme() (Look, error) { return parseTheme(mustRead("theme.json")) }

func parseTheme(b []byte) (Look, error) {
	var l Look
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Look{}, fmt.Errorf("theme: %w", err)
	}
	for _, p := range []Palette{l.Colors.Light, l.Colors.Dark} {
		for _, n := range p.named() {
			if _, err := n.color.parse(); err != nil {
				return Look{}, fmt.Errorf("theme: %s: %w", n.name, err)
			}
		}
	}
	for _, n := range l.lengths() {
		if n.px <= 0 {
			return Look{}, fmt.Errorf("theme: %s is missing", n.name)
		}
	}
	if l.Type.Family == "" || l.Type.Mono == "" || l.Type.LineHeight < 1 {
		return Look{}, fmt.Errorf("theme: type is incomplete")
	}
	return l, nil
}

type namedColor struct {
	name  string
	color Color
}

// named lists the colours with their CSS names.
func (p Palette) named() []namedColor {
	return []namedColor{
		{"background", p.Background}, {"surface", p.Surface}, {"raised", p.Raised},
		{"line", p.Line}, {"text", p.Text}, {"muted", p.Muted},
		{"gold", p.Gold}, {"on-gold", p.OnGold}, {"gold-text", p.GoldText},
		{"good", p.Good}, {"bad", p.Bad}, {"focus", p.Focus},
		{"water", p.Water}, {"deep", p.Deep}, {"grain", p.Grain},
	}
}

type namedLength struct {
	name string
	px   float32
}

// lengths lists the scales with their CSS names.
func (l Look) lengths() []namedLength {
	s, g, r := l.Type.Size, l.Space, l.Radius
	return []namedLength{
		{"size-caption", s.Caption}, {"size-body", s.Body}, {"size-heading", s.Heading},
		{"size-title", s.Title}, {"size-hero", s.Hero},
		{"space-xs", g.XS}, {"space-s", g.S}, {"space-m", g.M}, {"space-l", g.L}, {"space-xl", g.XL},
		{"radius-s", r.S}, {"radius-m", r.M}, {"radius-l", r.L},
	}
}

// CSS is the look as custom properties for the page: --color-NAME, --size-NAME,
// --space-NAME, --radius-NAME, --font, --font-mono and --line-height. Lengths
// are rem, so that a reader who asks the browser for larger text gets it. The
// palette follows the system unless <html data-theme> says "light" or "dark".
func (l Look) CSS() []byte {
	var b bytes.Buffer
	b.WriteString("/* Written from assets/theme.json. Change that file. */\n")
	b.WriteString(":root {\n  color-scheme: light;\n")
	for _, n := range l.lengths() {
		fmt.Fprintf(&b, "  --%s: %srem;\n", n.name, strconv.FormatFloat(float64(n.px)/16, 'f', -1, 64))
	}
	fmt.Fprintf(&b, "  --font: %s;\n  --font-mono: %s;\n  --line-height: %g;\n", l.Type.Family, l.Type.Mono, l.Type.LineHeight)
	l.Colors.Light.css(&b, "  ")
	b.WriteString("}\n")
	b.WriteString(":root[data-theme=\"dark\"] {\n  color-scheme: dark;\n")
	l.Colors.Dark.css(&b, "  ")
	b.WriteString("}\n")
	b.WriteString("@media (prefers-color-scheme: dark) {\n  :root:not([data-theme=\"light\"]) {\n    color-scheme: dark;\n")
	l.Colors.Dark.css(&b, "    ")
	b.WriteString("  }\n}\n")
	return b.Bytes()
}

func (p Palette) css(b *bytes.Buffer, indent string) {
	for _, n := range p.named() {
		fmt.Fprintf(b, "%s--color-%s: %s;\n", indent, n.name, n.color)
	}
}
