package main

import (
	"context"

	"goldpan/app/desk"
	"goldpan/wallet"
)

// passphraseTries is how often a new passphrase is asked for.
const passphraseTries = 5

// walletPassphrase asks for the passphrase of a new wallet. At a terminal one that is too soon guessed is asked for
// again, and one of words is made for whoever wants none of their own.
func (t *terminal) walletPassphrase(ctx context.Context, file string, o wallet.Options) (string, error) {
	if file != "" || !t.interactive() {
		s, err := t.newSecret(ctx, file, passphrasePrompt, true)
		if err == nil {
			err = o.Strong(s) // before the work of a wallet is done
		}
		return s, err
	}
	return choosePassphrase(o.Strong, func(prompt string) (string, error) { return t.secret(ctx, "", prompt) }, func(s string) { t.say("%s", s) })
}

// choosePassphrase asks until a passphrase is strong and was typed twice. An empty answer has one made.
func choosePassphrase(strong func(string) error, ask func(prompt string) (string, error), say func(string)) (string, error) {
	say("A passphrase locks the wallet on this computer. Take several words that only you would put together, or press Enter alone to have some chosen for you.")
	var err error
	for range passphraseTries {
		var first, second string
		if first, err = ask(passphrasePrompt); err != nil {
			return "", err
		}
		if first == "" {
			if first, err = desk.NewPassphrase(); err != nil {
				return "", err
			}
			say("Your passphrase:\n\n  " + first + "\n\nWrite it down, apart from the wallet's own words, which are others. Then type it here.")
		} else if err = strong(first); err != nil {
			say("That one is too soon guessed. Put one or two more words to it that do not belong together, or press Enter alone.")
			continue
		}
		if second, err = ask("The same again"); err != nil {
			return "", err
		}
		if err = errDiffer; second == first {
			return first, nil
		}
		say("The two are not the same.")
	}
	return "", err
}
