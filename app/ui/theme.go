package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"goldpan/assets"
)

// Names of Goldpan's own, for Label.SizeName and for its drawings.
const (
	sizeTitle fyne.ThemeSizeName = "goldpanTitle"
	sizeHero  fyne.ThemeSizeName = "goldpanHero"

	colorSurface fyne.ThemeColorName = "goldpanSurface"
	colorLine    fyne.ThemeColorName = "goldpanLine"
	colorWater   fyne.ThemeColorName = "goldpanWater"
	colorDeep    fyne.ThemeColorName = "goldpanDeep"
	colorGrain   fyne.ThemeColorName = "goldpanGrain"
	colorGold    fyne.ThemeColorName = "goldpanGold"
)

// look is assets/theme.json as a Fyne theme. Whether it is light or dark is the
// system's choice.
type look struct {
	assets.Look
	fyne.Theme // fonts, icons and what theme.json leaves open
}

// Theme returns Goldpan's look for Fyne.
func Theme() (fyne.Theme, error) {
	l, err := assets.Theme()
	if err != nil {
		return nil, err
	}
	return &look{l, theme.DefaultTheme()}, nil
}

func (l *look) palette(v fyne.ThemeVariant) *assets.Palette {
	if v == theme.VariantLight {
		return &l.Colors.Light
	}
	return &l.Colors.Dark
}

// Color implements fyne.Theme.
func (l *look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	p := l.palette(v)
	switch name {
	case theme.ColorNameBackground:
		return p.Background.NRGBA()
	case theme.ColorNameButton, theme.ColorNameDisabledButton:
		return p.Raised.NRGBA()
	case colorSurface, theme.ColorNameInputBackground, theme.ColorNameHeaderBackground,
		theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground:
		return p.Surface.NRGBA()
	case theme.ColorNameForeground:
		return p.Text.NRGBA()
	case theme.ColorNameDisabled, theme.ColorNamePlaceHolder:
		return p.Muted.NRGBA()
	case theme.ColorNamePrimary, colorGold:
		return p.Gold.NRGBA()
	case theme.ColorNameForegroundOnPrimary:
		return p.OnGold.NRGBA()
	case theme.ColorNameSuccess:
		return p.Good.NRGBA()
	case theme.ColorNameError:
		return p.Bad.NRGBA()
	case theme.ColorNameWarning:
		return p.GoldText.NRGBA()
	case theme.ColorNameHyperlink:
		return p.Focus.NRGBA()
	case theme.ColorNameFocus:
		return alpha(p.Focus, 0x70)
	case theme.ColorNameSelection:
		return alpha(p.Focus, 0x50)
	case theme.ColorNameHover:
		return alpha(p.Text, 0x14)
	case theme.ColorNamePressed:
		return alpha(p.Text, 0x28)
	case theme.ColorNameSeparator, theme.ColorNameInputBorder, theme.ColorNameScrollBar:
		return alpha(p.Line, 0x80)
	case colorLine:
		return p.Line.NRGBA()
	case colorWater:
		return p.Water.NRGBA()
	case colorDeep:
		return p.Deep.NRGBA()
	case colorGrain:
		return p.Grain.NRGBA()
	}
	return l.Theme.Color(name, v)
}

// alpha is c, see-through: it lies over whatever is hovered, pressed or focused.
func alpha(c assets.Color, a uint8) color.Color {
	v := c.NRGBA()
	v.A = a
	return v
}

// Size implements fyne.Theme.
func (l *look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return l.Type.Size.Body
	case theme.SizeNameCaptionText:
		return l.Type.Size.Caption + 1 // Fyne draws a size smaller than a browser does
	case theme.SizeNameSubHeadingText:
		return l.Type.Size.Heading
	case theme.SizeNameHeadingText, sizeTitle:
		return l.Type.Size.Title
	case sizeHero:
		return l.Type.Size.Hero
	case theme.SizeNamePadding, theme.SizeNameInnerPadding:
		return l.Space.XS
	case theme.SizeNameLineSpacing:
		return l.Space.XS / 2
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return l.Radius.S
	}
	return l.Theme.Size(name)
}

// lit is the look of a gold button, whose gold lightens where it has the focus.
type lit struct{ fyne.Theme }

func (l lit) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if name == theme.ColorNameFocus {
		return color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0x60}
	}
	return l.Theme.Color(name, v)
}

// roomy is the look of the one big button: larger text in more space.
type roomy struct{ fyne.Theme }

func (r roomy) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	return lit(r).Color(name, v)
}

func (r roomy) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText:
		return r.Theme.Size(theme.SizeNameSubHeadingText)
	case theme.SizeNameInlineIcon:
		return r.Theme.Size(theme.SizeNameHeadingText)
	case theme.SizeNameInnerPadding:
		return 12
	case theme.SizeNameInputRadius:
		return 12
	}
	return r.Theme.Size(name)
}
