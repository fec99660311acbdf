package main

import (
	"context"
	"errors"
	"flag"

	"goldpan/app/desk"
	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/wallet"
)

func walletUnlockKeyCommand() command {
	return command{
		name:    "wallet unlock-key",
		summary: "Let the system's keyring open the wallet instead of its passphrase, or end that.",
		usage: "add|remove [--network NETWORK] [--wallet NAME] [--passphrase-file F]\n\n" +
			"With add, whoever is signed in to your desktop can open the wallet without its passphrase. The passphrase opens it all the same; do not forget it.",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			return func(ctx context.Context, args []string) error {
				if len(args) != 1 || args[0] != "add" && args[0] != "remove" {
					return usagef("say add or remove")
				}
				return t.unlockKey(ctx, c, args[0] == "add")
			}
		},
	}
}

func (t *terminal) unlockKey(ctx context.Context, c walletChoice, add bool) error {
	return t.withDesk(ctx, c, nil, func(d *desk.Desk, w *wallet.Wallet) error {
		if !w.Sealed() {
			return desk.ErrNoPassphraseKept
		}
		r := record{"type": "unlock-key", "kept": add, "network": w.Params().Network, "wallet": w.Name()}
		v, err := d.WalletKeys(ctx)
		if !add {
			switch {
			case err == nil:
				err = desk.DropUnlockKey(ctx, v, w)
			case errors.Is(err, vault.ErrUnavailable):
				t.say("This session has no keyring. What the keyring of another one keeps opens nothing any more.")
				err = w.DropUnlockKey()
			}
			if err != nil {
				return err
			}
			t.print(r, "From now on only the passphrase opens the wallet.")
			return nil
		}
		if err != nil {
			return err
		}
		if err := desk.KeepUnlockKey(ctx, v, w); err != nil {
			return err
		}
		t.print(r, "The keyring opens the wallet from now on, and so does its passphrase.")
		return nil
	})
}

// keptKey fetches from the keyring what opens a wallet instead of its passphrase; the zero key where the passphrase
// is to be asked for.
func (t *terminal) keptKey(ctx context.Context, d *desk.Desk, o wallet.Options) seal.Key {
	key, err := d.KeptUnlockKey(ctx, o)
	if err == nil {
		return key
	}
	message, _ := desk.Explain(err)
	t.say("The keyring does not open the wallet: %s.", message)
	return seal.Key{}
}
