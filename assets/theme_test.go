package assets

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// luminance is WCAG 2.2's relative luminance.
func luminance(c Color) float64 {
	v := c.NRGBA()
	ch := func(u uint8) float64 {
		f := float64(u) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*ch(v.R) + 0.7152*ch(v.G) + 0.0722*ch(v.B)
}

// contrast is WCAG 2.2's contrast ratio.
func contrast(a, b Color) float64 {
	x, y := luminance(a), luminance(b)
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

func TestContrastFormula(t *testing.T) {
	// Black on white is 21 by definition; #767676 on white is the specification's
	// well-known edge of AA.
	if got := contrast("#000000", "#ffffff"); math.Abs(got-21) > 1e-9 {
		t.Errorf("black on white: %v, want 21", got)
	}
	if got := contrast("#767676", "#ffffff"); got < 4.5 || got > 4.6 {
		t.Errorf("#767676 on white: %v, want just over 4.5", got)
	}
}

// Text meets AA (4.5); what is only a shape meets WCAG 1.4.11 (3).
func TestThemeContrast(t *testing.T) {
	l, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Palette{"light": l.Colors.Light, "dark": l.Colors.Dark} {
		grounds := map[string]Color{"background": p.Background, "surface": p.Surface, "raised": p.Raised}
		for g, ground := range grounds {
			for what, c := range map[string]Color{"text": p.Text, "muted": p.Muted, "gold-text": p.GoldText, "good": p.Good, "bad": p.Bad} {
				if r := contrast(c, ground); r < 4.5 {
					t.Errorf("%s: %s on %s is %.2f, want 4.5", name, what, g, r)
				}
			}
			if r := contrast(p.Focus, ground); r < 4.5 {
				t.Errorf("%s: focus on %s is %.2f, want 4.5", name, g, r)
			}
		}
		for g, ground := range map[string]Color{"background": p.Background, "surface": p.Surface} {
			for what, c := range map[string]Color{"gold": p.Gold, "line": p.Line} {
				if r := contrast(c, ground); r < 3 {
					t.Errorf("%s: %s on %s is %.2f, want 3", name, what, g, r)
				}
			}
		}
		if r := contrast(p.OnGold, p.Gold); r < 4.5 {
			t.Errorf("%s: text on gold is %.2f, want 4.5", name, r)
		}
		for what, c := range map[string]Color{"water": p.Water, "grain": p.Grain, "gold": p.Gold, "text": p.Text} {
			floor := 2.8 // a shape in a picture that also has words under it
			if what == "text" {
				floor = 4.5
			}
			if r := contrast(c, p.Deep); r < floor {
				t.Errorf("%s: %s on the river's bed is %.2f, want %.1f", name, what, r, floor)
			}
		}
	}
}

// Every colour and every length of theme.json is a custom property, in both
// palettes, and with its value.
func TestCSSHoldsTheWholeTheme(t *testing.T) {
	l, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	css := string(l.CSS())
	for _, n := range l.Colors.Light.named() {
		if !strings.Contains(css, fmt.Sprintf("--color-%s: %s;", n.name, n.color)) {
			t.Errorf("light %s is not in the style sheet", n.name)
		}
	}
	for _, n := range l.Colors.Dark.named() {
		if got := strings.Count(css, fmt.Sprintf("--color-%s: %s;", n.name, n.color)); got < 2 {
			t.Errorf("dark %s stands %d times in the style sheet, want 2 (asked for, and by the system)", n.name, got)
		}
	}
	for _, n := range l.lengths() {
		if !strings.Contains(css, fmt.Sprintf("--%s: %vrem;", n.name, n.px/16)) {
			t.Errorf("%s is not in the style sheet", n.name)
		}
	}
	if got, want := len(l.Colors.Light.named()), reflect.TypeOf(Palette{}).NumField(); got != want {
		t.Errorf("named lists %d colours of %d", got, want)
	}
	scales := reflect.TypeOf(Sizes{}).NumField() + reflect.TypeOf(Steps{}).NumField() + reflect.TypeOf(Corners{}).NumField()
	if got := len(l.lengths()); got != scales {
		t.Errorf("lengths lists %d figures of %d", got, scales)
	}
}

func TestThemeRefusesSlips(t *testing.T) {
	good := mustRead("theme.json")
	for name, edit := range map[string][2]string{
		"an unknown field":     {`"space":`, `"spaces":`},
		"a colour by its name": {`"#eef3f5"`, `"mintcream"`},
		"a short colour":       {`"#eef3f5"`, `"#eee"`},
		"a colour of no hex":   {`"#eef3f5"`, `"#eef3fz"`},
		"a missing length":     {`"caption": 12,`, ``},
		"a missing colour":     {`"background": "#eef3f5",`, ``},
		"a missing family":     {`"mono": "ui`, `"mono2": "ui`},
	} {
		bad := bytes.Replace(good, []byte(edit[0]), []byte(edit[1]), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%s: the edit found nothing to change", name)
		}
		if _, err := parseTheme(bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
