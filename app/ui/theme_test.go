package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"goldpan/assets"
)

// The window's colours are those of assets/theme.json.
func TestThemeIsTheSharedLook(t *testing.T) {
	l, err := assets.Theme()
	if err != nil {
		t.Fatal(err)
	}
	th, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	for variant, p := range map[fyne.ThemeVariant]assets.Palette{theme.VariantLight: l.Colors.Light, theme.VariantDark: l.Colors.Dark} {
		for name, want := range map[fyne.ThemeColorName]assets.Color{
			theme.ColorNameBackground: p.Background, colorSurface: p.Surface, theme.ColorNameButton: p.Raised,
			colorLine: p.Line, theme.ColorNameForeground: p.Text, theme.ColorNameDisabled: p.Muted,
			theme.ColorNamePrimary: p.Gold, theme.ColorNameForegroundOnPrimary: p.OnGold, theme.ColorNameWarning: p.GoldText,
			theme.ColorNameSuccess: p.Good, theme.ColorNameError: p.Bad, theme.ColorNameHyperlink: p.Focus,
			colorWater: p.Water, colorDeep: p.Deep, colorGrain: p.Grain,
		} {
			if got := th.Color(name, variant); got != want.NRGBA() {
				t.Errorf("variant %d, %s: %v, want %s", variant, name, got, want)
			}
		}
	}
	for name, want := range map[fyne.ThemeSizeName]float32{
		theme.SizeNameText: l.Type.Size.Body, theme.SizeNameSubHeadingText: l.Type.Size.Heading, sizeHero: l.Type.Size.Hero,
		theme.SizeNameInputRadius: l.Radius.S, theme.SizeNamePadding: l.Space.XS,
	} {
		if got := th.Size(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if th.Size(theme.SizeNameInlineIcon) <= 0 || th.Font(fyne.TextStyle{}) == nil || th.Icon(theme.IconNameConfirm) == nil {
		t.Error("what theme.json leaves open is missing")
	}
}

func TestThemeNamesEveryColor(t *testing.T) {
	th, err := Theme()
	if err != nil {
		t.Fatal(err)
	}
	test.AssertAllColorNamesDefined(t, th, "goldpan")
}
