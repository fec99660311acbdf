package main

import (
	"context"
	"flag"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/wallet"
)

// chosen tells whether a person named one account.
func (c walletChoice) chosen() bool { return *c.purpose != 0 || *c.account != 0 || *c.path != "" }

// accountsCommand shows something of a wallet's accounts.
func accountsCommand(name, summary string, show func(*terminal, []*wallet.Wallet) error) command {
	return command{
		name:    name,
		summary: summary,
		usage:   "[--coin COIN] [--network NETWORK] [--server URL …] [--proxy URL] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			servers := serverFlags(f, "what was learned last is shown")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				dial, err := t.serverDial(servers)
				if err != nil {
					return err
				}
				return t.withAccounts(ctx, c, dial, servers.urls, func(list []*wallet.Wallet) error {
					t.sayUnproven(list[0])
					return show(t, list)
				})
			}
		},
	}
}

// withAccounts opens a wallet and the accounts that were found beside it, brings them in step, and closes them after
// work. Where one account was named, it is the only one.
func (t *terminal) withAccounts(ctx context.Context, c walletChoice, dial walletDial, servers []string, work func([]*wallet.Wallet) error) error {
	return t.withWallet(ctx, c, dial, func(w *wallet.Wallet) error {
		list := []*wallet.Wallet{w}
		if !c.chosen() {
			a, err := w.Accounts()
			if err != nil {
				return err
			}
			defer func() { _ = a.Close() }() // each was saved when its sync ended
			for _, p := range a.Held() {
				t.say("The account at %s is open elsewhere, and left out here.", p)
			}
			list = a.List()
			for _, x := range list[1:] {
				t.sayDamaged(x)
			}
		}
		for _, x := range list {
			if err := t.learn(ctx, x, servers); err != nil {
				return err
			}
			if len(servers) == 0 {
				break // that it is off line is said once
			}
		}
		return work(list)
	})
}

// printBalances shows what each account has, where there are several, and the sum.
func (t *terminal) printBalances(list []*wallet.Wallet) error {
	p := list[0].Params()
	note := ""
	if p.Network == coin.Practice {
		note = " (practice coins, worth nothing)"
	}
	var sum wallet.Balance
	for _, w := range list {
		b := w.Balance()
		sum = sum.Plus(b)
		if len(list) > 1 {
			r := desk.BalanceRecord(p.Coin.ID, string(p.Network), b)
			r["type"], r["path"] = "account", w.Account().String()
			t.print(r, "At %s: %s to spend, %s ripening, %s not confirmed yet%s", w.Account(), b.Confirmed, b.Immature, b.Unconfirmed, note)
		}
	}
	r := desk.BalanceRecord(p.Coin.ID, string(p.Network), sum)
	r["backed_up"] = list[0].BackedUp()
	all := ""
	if len(list) > 1 {
		all = "In all: "
	}
	t.print(r, "%s%s to spend, %s ripening, %s not confirmed yet%s", all, sum.Confirmed, sum.Immature, sum.Unconfirmed, note)
	if len(list) > 1 {
		t.say("A payment spends from one account: give --path to choose another than the first.")
	}
	return nil
}
