package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"slices"
	"strings"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet"
	"goldpan/wallet/tx"
)

// payment is what the flags of wallet send ask for.
type payment struct {
	to        *string
	amount    *string
	all       *bool
	blocks    *int
	rate      *float64
	dry, sure *bool
	giveUp    *string
}

func (p payment) check() (amount coin.Amount, fee wallet.Fee, err error) {
	fail := func(format string, args ...any) (coin.Amount, wallet.Fee, error) {
		return 0, wallet.Fee{}, usagef(format, args...)
	}
	switch {
	case *p.to == "":
		return fail("--to: say whom to pay, an address or a payment link")
	case *p.all && *p.amount != "":
		return fail("--all sends everything: give no --amount beside it")
	case *p.rate != 0 && *p.blocks != 0:
		return fail("give --fee-blocks or --fee-rate, not both")
	case *p.blocks < 0 || *p.blocks > wallet.MaxBlocks:
		return fail("--fee-blocks: from 1 to %d", wallet.MaxBlocks)
	case *p.rate != 0 && (!(*p.rate > 0 && *p.rate <= 1e7) || tx.PerByte(*p.rate) == 0): // NaN is none of them
		return fail("--fee-rate: the coin's smallest units for each virtual byte")
	case *p.all:
		amount = wallet.Everything
	case *p.amount != "":
		if amount, err = coin.ParseTyped(*p.amount); err != nil {
			return fail("--amount: %s", err)
		}
		if amount == 0 {
			return fail("--amount: it must be more than 0")
		}
	case !strings.Contains(*p.to, ":"):
		return fail("--amount: say how much, or --all for everything")
	}
	return amount, wallet.Fee{Blocks: *p.blocks, Rate: tx.PerByte(*p.rate)}, nil
}

// agrees refuses an amount beside a payment link that asks for another: one of the two is a mistake.
func (p payment) agrees(w *wallet.Wallet, amount coin.Amount) error {
	if amount == 0 {
		return nil
	}
	r, err := w.ParseRecipient(*p.to)
	if err != nil || r.Amount == 0 || r.Amount == amount {
		return err
	}
	unit := w.Params().Coin.Symbol
	if w.Params().Network == coin.Practice {
		unit = "practice " + unit
	}
	flag, said := "--amount", amount.String()
	if *p.all {
		flag, said = "--all", "everything"
	}
	return usagef("--to: the link asks for %s %s, and %s says %s. Leave %[3]s out to pay what the link asks for, or give the address alone, %[5]s, to pay something else",
		r.Amount, unit, flag, said, r.Address.Text)
}

func walletSendCommand() command {
	return command{
		name:    "wallet send",
		summary: "Pay somebody.",
		usage:   "--to ADDRESS|LINK --amount A|--all [--fee-blocks N|--fee-rate R] [--dry-run] [--yes] [--coin COIN] [--network NETWORK] [--server URL …] [--proxy URL] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			servers := serverFlags(f, "the payment is signed and kept, and sent when a command next reaches a server")
			p := payment{
				to:     f.String("to", "", "`ADDRESS` to pay, or a payment link such as bitcoin:…"),
				amount: f.String("amount", "", "`AMOUNT` that arrives, in whole coins; a link may name it"),
				all:    f.Bool("all", false, "send everything that can be spent; the fee is taken out of it"),
				blocks: f.Int("fee-blocks", 0, "pay what is usual to be in one of the next `N` blocks; 0 stands for 6"),
				rate:   f.Float64("fee-rate", 0, "pay `RATE` smallest units for each virtual byte"),
				dry:    f.Bool("dry-run", false, "show what would leave and arrive, and stop there"),
				sure:   f.Bool("yes", false, "do not ask before it is sent"),
				giveUp: f.String("give-up", "", "`TXID` of a payment that every server refused: it is not sent any more, and its coins are free"),
			}
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				var amount coin.Amount
				var fee wallet.Fee
				var err error
				if *p.giveUp != "" && (*p.to != "" || *p.amount != "" || *p.all) {
					return usagef("--give-up pays nobody: give no --to and no amount beside it")
				}
				if *p.giveUp == "" {
					if amount, fee, err = p.check(); err != nil {
						return err
					}
					if !*p.dry && !*p.sure && (t.json || !t.interactive()) {
						return usagef("nobody can be asked here: look at it with --dry-run first, then add --yes")
					}
				}
				dial, err := t.serverDial(servers)
				if err != nil {
					return err
				}
				return t.withWallet(ctx, c, dial, func(w *wallet.Wallet) error {
					if *p.giveUp != "" {
						return t.giveUp(w, *p.giveUp)
					}
					if err := t.learn(ctx, w, servers.urls); err != nil {
						return err
					}
					if err := p.agrees(w, amount); err != nil {
						return err
					}
					plan, err := w.PlanPayment(*p.to, amount, fee)
					if err != nil {
						return err
					}
					return t.pay(ctx, w, plan, servers.urls, *p.dry, *p.sure)
				})
			}
		},
	}
}

// pay shows a payment, asks, and makes it.
func (t *terminal) pay(ctx context.Context, w *wallet.Wallet, p wallet.Payment, servers []string, dry, sure bool) error {
	params := w.Params()
	t.emit(record{"type": "payment", "coin": params.Coin.ID, "network": params.Network, "to": p.To, "amount": p.Amount.String(), "fee": p.Fee.String(),
		"leaves": p.Leaves.String(), "change": p.Change.String(), "remains": p.Remains.String(), "coins": p.Coins, "vsize": p.VSize, "fee_rate": p.Rate.String(),
		"fee_blocks": p.Blocks, "fee_guessed": p.Guessed, "everything": p.All, "dry_run": dry})
	if !t.json {
		for _, line := range p.Words() {
			t.say("  %s", line)
		}
		t.say("  Compare the address, first and last above all: %s", t.stressed(p.To))
	}
	if dry {
		t.say("Nothing was signed and nothing was sent.")
		return nil
	}
	if !sure {
		t.say("Pay this? y for yes, anything else for no:")
		if !t.yes(ctx) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.say("Nothing was sent.")
			return nil
		}
	}
	id, err := w.Pay(ctx, p, servers...)
	if id == (pow.Hash{}) {
		return err
	}
	if errors.Is(err, wallet.ErrUnsent) && len(servers) == 0 {
		err = nil // as was asked for
	}
	state := wallet.PayWaiting
	if i := slices.IndexFunc(w.Payments(), func(s wallet.Sent) bool { return s.TxID == id }); i >= 0 {
		state = w.Payments()[i].State
	}
	words := map[wallet.PayState]string{
		wallet.PayWaiting: "Signed and kept, and not sent yet: it is sent when a command next reaches a server. Its id: %s",
		wallet.PayRefused: "The servers do not take it at present. It is kept and offered to them again, and its coins are set aside. Its id: %s",
	}[state]
	if words == "" {
		words = "Sent. It is on its way, and counts once it is in a block. Its id: %s"
	}
	t.print(record{"type": "sent", "coin": params.Coin.ID, "network": params.Network, "txid": id.String(), "state": state}, words, id)
	return err
}

// giveUp frees the coins of a payment that nobody took.
func (t *terminal) giveUp(w *wallet.Wallet, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(pow.Hash{}) {
		return usagef("--give-up: 64 hexadecimal digits, as wallet send and wallet history show them")
	}
	slices.Reverse(b)
	if err := w.GiveUp(pow.Hash(b)); err != nil {
		return err
	}
	t.print(record{"type": "given-up", "txid": text}, "It is not sent any more. The next payment spends one of its coins whatever else it spends, so that only one of the two can ever be in a block.")
	return nil
}
