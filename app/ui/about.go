package ui

import (
	"runtime/debug"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/assets"
	"goldpan/core"
)

// aboutScreen says what Goldpan is, what it costs and refuses, and whose work is
// in it.
func aboutScreen(dir string) fyne.CanvasObject {
	title := figure(theme.SizeNameSubHeadingText)
	title.SetText("Goldpan " + core.Version)
	built := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		built = "Built with " + info.GoVersion + "."
	}
	box := container.New(column{8}, container.New(column{0}, title, explanation("It lets you mine with the computers that you own, and see what that is worth. "+built)))
	for _, part := range []struct{ title, text string }{
		{"What it costs", "Nothing. No fee is taken from what you mine, and nothing is told to anybody: there is no telemetry, and no server is contacted that you have not seen listed. What mining costs is electricity."},
		{"What it refuses to do", "It never mines before you press Start, never hides, never goes on after this window is closed, and never starts by itself with the computer. Nobody can start it or change its payout address from elsewhere."},
		{"Where it keeps things", "Settings, wallets and the log are in " + dir + ". Passwords are in this computer's keyring, or in a file sealed by your passphrase."},
		{"Be careful", "Mining wears and heats a computer. What coins are worth changes by the hour. Whoever promises you a sure profit, or asks for money first, is not honest."},
	} {
		l := widget.NewLabel(part.text)
		l.Wrapping = fyne.TextWrapWord
		box.Add(newPanel(container.New(column{0}, caption(part.title), l)))
	}
	box.Add(newPanel(licences()))
	return container.New(layout.NewCustomPaddedLayout(8, 12, 14, 14), box)
}

// licences lists the work of others, each with its notice.
func licences() fyne.CanvasObject {
	all := assets.Licenses()
	names := make([]string, len(all))
	for i, l := range all {
		names[i] = l.Module
	}
	text := widget.NewLabel("")
	text.Wrapping = fyne.TextWrapWord
	text.SizeName = theme.SizeNameCaptionText
	text.TextStyle.Monospace = true
	text.Hide()
	choice := widget.NewSelect(names, func(name string) {
		for _, l := range all {
			if l.Module == name {
				text.SetText(strings.TrimSpace(l.Text))
				text.Show()
			}
		}
	})
	choice.PlaceHolder = "Choose one to read its licence"
	return container.New(column{4}, caption("The work of others in it"),
		explanation("Goldpan stands on the work of "+plural(len(all), "project")+". Each is used under its own licence."), choice, text)
}
