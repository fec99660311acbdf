package main

import (
	"context"
	"flag"
	"strings"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/wallet"
)

// ownWallet is what --payout takes instead of an address.
const ownWallet = "wallet"

// payoutFlags say which wallet --payout wallet means, and how it is opened.
type payoutFlags struct{ name, passphraseFile *string }

func definePayout(f *flag.FlagSet) payoutFlags {
	return payoutFlags{
		f.String("payout-wallet", "", "`NAME` of the wallet that --payout wallet means; if not given, the network's own"),
		f.String("wallet-passphrase-file", "", "`FILE` that holds the passphrase of that wallet; - is standard input; if not given, the keyring opens it if it may, else it is asked for"),
	}
}

// needless refuses flags about a wallet that nothing is paid to.
func (p payoutFlags) needless(payout string) error {
	if payout != ownWallet && *p.name+*p.passphraseFile != "" {
		return usagef("--payout-wallet and --wallet-passphrase-file go with --payout wallet")
	}
	return nil
}

// payoutAddress is where the wallet of a coin and a network is to be paid: the same address until it was paid. The
// wallet is open for that moment alone.
func (t *terminal) payoutAddress(ctx context.Context, p payoutFlags, coinID, network string) (address string, err error) {
	c := walletFlags(flag.NewFlagSet("", flag.ContinueOnError))
	*c.coin, *c.name, *c.passphraseFile = coinID, *p.name, *p.passphraseFile
	if network != "" {
		*c.network = network
	}
	err = t.withWallet(ctx, c, nil, func(w *wallet.Wallet) error {
		address, err = desk.PayoutAddress(w)
		return err
	})
	if err == nil {
		t.say("Your wallet is paid at %s.", address)
	}
	return address, err
}

// payToWallet puts the wallet's address where the flags of mine name the wallet.
func (t *terminal) payToWallet(ctx context.Context, m *mineFlags, coinID string) error {
	payout := m.overrides["payout"]
	if err := m.payout.needless(strings.Join(payout.values, "")); err != nil || len(payout.values) == 0 || payout.values[0] != ownWallet {
		return err
	}
	if coinID == "" {
		return usagef("--payout wallet: --coin is needed, to know which coin's address is meant")
	}
	address, err := t.payoutAddress(ctx, m.payout, coinID, string(coin.Main))
	if err != nil {
		return err
	}
	payout.values = []string{address}
	if account, worker, _ := strings.Cut(m.user, "."); account == ownWallet {
		m.user = address
		if worker != "" {
			m.user += "." + worker
		}
	}
	return nil
}

// stdinTwice tells whether more than one of some secrets is to come from standard input.
func stdinTwice(files ...string) bool {
	n := 0
	for _, f := range files {
		if f == "-" {
			n++
		}
	}
	return n > 1
}
