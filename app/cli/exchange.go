package main

import (
	"context"
	"errors"
	"flag"
	"time"

	"goldpan/app/desk"
	"goldpan/vault"
	"goldpan/vault/exchange"
)

// onExchange opens the account of a key for the length of work, after the key was
// judged.
func (t *terminal) onExchange(ctx context.Context, c storeChoice, id string, work func(exchange.Exchange, vault.Entry) error) error {
	return t.deskKeys(ctx, c, func(d *desk.Desk, v *vault.Vault) error {
		b := d.Broker(v)
		defer b.Close()
		x, e, warnings, err := d.Exchange(ctx, v, b, id)
		for _, w := range warnings {
			t.say("%s", w)
		}
		if err != nil {
			return err
		}
		if err := work(x, e); err != nil {
			return err
		}
		t.budget(d, e)
		return nil
	})
}

// budget tells what is left of a provider's limits, where something was spent.
func (t *terminal) budget(d *desk.Desk, e vault.Entry) {
	for _, b := range d.Budget(e) {
		t.emit(record{"type": "budget", "host": b.Host, "name": b.Name, "unit": b.Unit, "left": int(b.Left), "of": int(b.Size)})
		if !b.Until.IsZero() {
			t.say("%s wants no requests before %s.", b.Host, b.Until.Local().Format("2 January 15:04:05"))
		} else if b.Left < b.Size/2 {
			t.say("%d of the %d %s that Goldpan allows itself at %s are left; all are back in %s.", int(b.Left), int(b.Size), b.Unit, b.Host, b.Full)
		}
	}
}

func exchangeBalanceCommand() command {
	return command{
		name:    "exchange balance",
		summary: "Show what is in an account at an exchange. Goldpan looks, and moves nothing.",
		usage:   "KEY [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				id, err := oneID(args)
				if err != nil {
					return err
				}
				return t.onExchange(ctx, store, id, func(x exchange.Exchange, e vault.Entry) error {
					balances, err := x.Balances(ctx)
					if err != nil {
						return err
					}
					for _, b := range balances {
						r := record{"type": "exchange-balance", "key": e.ID, "environment": e.Environment, "asset": b.Asset, "free": b.Free, "held": b.Held}
						where := ""
						if b.Account != "" {
							r["account"] = b.Account
							where = " (" + b.Account + ")"
						}
						held := ""
						if !b.Held.IsZero() {
							held = ", and " + string(b.Held) + " held"
						}
						t.print(r, "%s %s free%s%s", b.Free, b.Asset, held, where)
					}
					if len(balances) == 0 {
						t.say("The account is empty.")
					}
					t.emit(record{"type": "done", "balances": len(balances)})
					return nil
				})
			}
		},
	}
}

func exchangeDepositCommand() command {
	return command{
		name:    "exchange deposit-address",
		summary: "Show to which address coins are sent in, as the exchange tells it.",
		usage:   "KEY COIN [--network NAME] [--store keyring|file]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			network := f.String("network", "", "`NAME` of the network as the exchange calls it; the coin's own if not given")
			store := storeFlags(f)
			return func(ctx context.Context, args []string) error {
				if len(args) != 2 {
					return usagef("the id of a key and a coin are needed, such as my-kraken BTC")
				}
				return t.onExchange(ctx, store, args[0], func(x exchange.Exchange, e vault.Entry) error {
					list, err := x.DepositAddress(ctx, args[1], *network)
					if err != nil {
						return err
					}
					for _, a := range list {
						line := string(a.Address)
						if a.Network != "" {
							line += "  network " + string(a.Network)
						}
						if a.Tag != "" {
							line += "  tag " + string(a.Tag)
						}
						t.print(record{"type": "deposit-address", "key": e.ID, "environment": e.Environment, "asset": a.Asset, "network": a.Network, "address": a.Address, "tag": a.Tag}, "%s", line)
						if a.Tag != "" {
							t.say("Give the tag too: without it the coins do not reach your account.")
						}
					}
					t.say("Compare it with what the exchange's own page shows before you send, and send a small amount first.")
					t.emit(record{"type": "done", "addresses": len(list)})
					return nil
				})
			}
		},
	}
}

func exchangePermissionsCommand() command {
	return onKey("exchange permissions", "Ask an exchange what a key may do, and say what is more than it needs.", func(ctx context.Context, t *terminal, d *desk.Desk, v *vault.Vault, k desk.KeyView) error {
		p, words, err := d.AskPermissions(ctx, v, k.Entry)
		if err != nil && !errors.Is(err, desk.ErrTooMuchPower) {
			return err
		}
		t.print(record{"type": "key-permissions", "key": k.ID, "environment": k.Environment, "permissions": p, "warnings": wordList(words.Problems), "notes": wordList(words.Notes), "refused": err != nil},
			"%s may: %s (asked %s)", k.ID, p, p.Seen.Format(time.RFC3339))
		t.tell(words)
		t.budget(d, k.Entry)
		return err
	})
}
