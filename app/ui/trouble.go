package ui

import (
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"goldpan/app/desk"
)

// troubleScreen says what happened, what to do about it, and has the one button
// that does it.
func troubleScreen(err error, button string, mend func()) fyne.CanvasObject {
	message, hint := desk.Explain(err)
	title := figure(theme.SizeNameSubHeadingText)
	title.Wrapping = fyne.TextWrapWord
	title.SetText(sentence(message))
	help := widget.NewLabel(hint)
	help.Wrapping = fyne.TextWrapWord
	if hint == "" {
		help.Hide()
	}
	kept := explanation("Mining has stopped. Your wallet and your coins are kept as they are.")
	if errors.Is(err, desk.ErrInUse) {
		kept.SetText("The other copy goes on as before, and your wallet and your coins are safe.")
	}
	act := widget.NewButton(button, mend)
	act.Importance = widget.HighImportance
	th := fyne.CurrentApp().Settings().Theme()
	big := container.New(atLeast{200, 52}, container.NewThemeOverride(act, roomy{th}))
	words := container.NewBorder(nil, nil,
		container.New(layout.NewCustomPaddedLayout(6, 0, 0, 8), container.NewVBox(container.New(atLeast{28, 28}, widget.NewIcon(theme.NewErrorThemedResource(theme.WarningIcon()))))),
		nil, container.New(column{4}, title, help, kept))
	body := container.New(atLeast{440, 0}, newPanel(container.New(column{12}, words, container.NewCenter(big))))
	return container.NewCenter(body)
}
