package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/wallet"
	"goldpan/wallet/label"
	"goldpan/wallet/uri"
)

func walletAddressCommand() command {
	return command{
		name:    "wallet address",
		summary: "Show an address to receive at, or tell whether one is yours.",
		usage:   "[--coin COIN] [--network NETWORK] [--new | --index N | --mine ADDRESS] [--amount A] [--label TEXT] [--purpose 44|49|84|86] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			index := f.Int64("index", -1, "`N`th address, from 0; if not given, the next unused one")
			fresh := f.Bool("new", false, "one that was given to nobody yet")
			mine := f.String("mine", "", "tell whether this `ADDRESS` is the wallet's")
			amount := f.String("amount", "", "`A` to ask for, in whole coins, in the payment link")
			text := f.String("label", "", "`TEXT` that tells the payer who you are, in the payment link")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *index < -1 || *index >= wallet.MaxAddresses {
					return usagef("--index: from 0 to %d; what is paid to an address beyond would not be seen", wallet.MaxAddresses-1)
				}
				if *fresh && *index >= 0 || *mine != "" && (*fresh || *index >= 0) {
					return usagef("choose one: --new, --index or --mine")
				}
				request := uri.Request{Label: *text}
				if *amount != "" {
					var err error
					if request.Amount, err = coin.ParseTyped(*amount); err != nil {
						return usagef("--amount: %s", err)
					}
				}
				return t.withWallet(ctx, c, nil, func(w *wallet.Wallet) error {
					if *mine != "" {
						return t.isMine(w, *mine)
					}
					var address string
					var at uint32
					var err error
					switch {
					case *fresh:
						address, at, err = w.Fresh()
					case *index >= 0:
						at = uint32(*index)
						address, err = w.Address(at)
					default:
						address, at, err = w.NextUnused()
					}
					if err != nil {
						return err
					}
					request.Address.Text = address
					p := w.Params()
					link := uri.Format(p, request)
					t.print(record{"type": "address", "coin": p.Coin.ID, "network": p.Network, "address": address, "index": at, "path": w.Path(at), "groups": wallet.Groups(address), "uri": link}, "%s", address)
					if !t.json {
						t.say("Compare it so, first and last above all: %s", t.stressed(address))
						if request.Amount > 0 || request.Label != "" {
							t.say("Payment link: %s", link)
						}
					}
					return nil
				})
			}
		},
	}
}

// stressed is an address in groups of four, the first and the last two of them in bold where a terminal shows it.
func (t *terminal) stressed(address string) string {
	groups := wallet.Groups(address)
	if t.live() && os.Getenv("NO_COLOR") == "" {
		for i := range groups {
			if i < 2 || i >= len(groups)-2 {
				groups[i] = "\x1b[1m" + groups[i] + "\x1b[0m"
			}
		}
	}
	return strings.Join(groups, " ")
}

func (t *terminal) isMine(w *wallet.Wallet, address string) error {
	path, ok, err := w.Mine(address)
	if err != nil {
		var shared *coin.AmbiguousError
		if !errors.As(err, &shared) {
			return err
		}
		if path, ok, err = w.Mine(shared.Means.Text); err != nil {
			return err
		}
	}
	r := record{"type": "mine", "address": address, "mine": ok}
	if !ok {
		t.print(r, "That address is not this wallet's, as far as its next some hundred addresses go.")
		return nil
	}
	r["path"] = path
	t.print(r, "That address is this wallet's: %s", path)
	return nil
}

func walletHistoryCommand() command {
	return accountsCommand("wallet history", "Show what came in and went out.", (*terminal).printHistories)
}

func (t *terminal) printHistories(list []*wallet.Wallet) error {
	total, unlabelled := 0, false
	for _, w := range list {
		labels, err := w.Labels()
		if errors.Is(err, wallet.ErrLabels) {
			if !unlabelled {
				t.unlabelled(err)
			}
			unlabelled = true
		} else if err != nil {
			return err
		}
		total += t.history(w, labels, len(list) > 1)
	}
	if total == 0 {
		t.say("Nothing came in yet.")
	}
	t.emit(record{"type": "done", "transactions": total})
	return nil
}

// unlabelled says why a history stands without its labels: it is whole without them.
func (t *terminal) unlabelled(err error) {
	message, hint := desk.Explain(err)
	text := "The labels are missing here: " + message + ". " + hint
	t.say("%s", text)
	t.emit(record{"type": "notice", "level": core.Warning, "text": text, "quote": ""})
}

// history shows one account's, with its path where there are several, and tells how long it is.
func (t *terminal) history(w *wallet.Wallet, labels []label.Record, several bool) int {
	texts := map[string]string{}
	for _, x := range labels {
		if x.Type == label.Tx {
			texts[x.Ref] = x.Label
		}
	}
	p := w.Params()
	list := w.History()
	if several && len(list) > 0 {
		t.say("At %s:", w.Account())
	}
	paid := map[pow.Hash]wallet.PayState{}
	for _, x := range w.Payments() {
		paid[x.TxID] = x.State
	}
	for _, e := range list {
		id := e.TxID.String()
		state := "confirmed"
		switch {
		case paid[e.TxID] == wallet.PayWaiting:
			state = "not sent yet"
		case paid[e.TxID] == wallet.PayRefused:
			state = "not taken yet"
		case e.Height == 0 && e.Amount < 0:
			state = "on its way"
		case e.Height == 0:
			state = "not confirmed yet"
		case !e.Mature:
			state = "ripening"
		}
		r := record{"type": "transaction", "coin": p.Coin.ID, "network": p.Network, "txid": id, "time": e.Time.UTC().Format(time.RFC3339), "height": e.Height,
			"confirmations": e.Confirmations, "amount": e.Amount.String(), "reward": e.Reward, "mature": e.Mature}
		text := texts[id]
		if text != "" {
			r["label"] = text
		}
		if several {
			r["path"] = w.Account().String()
		}
		if x := paid[e.TxID]; x != "" {
			r["to"], r["fee"], r["state"] = e.To, e.Fee.String(), x
			text = strings.TrimSpace("to " + e.To + "  " + text)
		}
		if e.Confirmations > 0 {
			state += ", " + some(int(e.Confirmations), "block") + " deep"
		}
		t.print(r, "%s  %16s %s  %s  %s  %s", e.Time.Local().Format("2006-01-02 15:04"), e.Amount, p.Coin.Symbol, state, id, text)
	}
	if p.Network == coin.Practice && len(list) > 0 {
		t.say("All of these are practice coins, worth nothing.")
	}
	return len(list)
}

func walletLabelCommand() command {
	return command{
		name:    "wallet label",
		summary: "Label an address or a transaction, show the labels, or take in another wallet's.",
		usage:   "[ADDRESS|TXID|TXID:N [TEXT]] [--import FILE] [--coin COIN] [--network NETWORK] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			file := f.String("import", "", "`FILE` of labels that another wallet wrote (BIP329)")
			return func(ctx context.Context, args []string) error {
				if len(args) > 2 || *file != "" && len(args) > 0 {
					return usagef("give one thing and its label; a label of several words stands in quotes")
				}
				return t.withWallet(ctx, c, nil, func(w *wallet.Wallet) error {
					switch {
					case *file != "":
						return t.importLabels(w, *file)
					case len(args) == 2:
						kind, ref, err := labelled(w.Params(), args[0])
						if err != nil {
							return err
						}
						text, cut := label.Clean(args[1])
						if err := w.SetLabel(kind, ref, text); err != nil {
							return err
						}
						if cut {
							t.say("The label was cut: it was longer than %d characters, or held some that cannot be shown.", label.MaxLabel)
						}
						t.print(record{"type": "label", "of": kind, "ref": ref, "label": text}, "%s: %s", ref, text)
						return nil
					}
					list, err := w.Labels()
					if err != nil {
						return err
					}
					for _, x := range list {
						if len(args) == 0 || x.Ref == args[0] {
							t.print(record{"type": "label", "of": x.Type, "ref": x.Ref, "label": x.Label}, "%s: %s", x.Ref, x.Label)
						}
					}
					return nil
				})
			}
		},
	}
}

// labelled tells what a text names: a transaction, an output of one, or an address.
func labelled(p *coin.Params, s string) (label.Type, string, error) {
	id, n, output := strings.Cut(strings.ToLower(s), ":")
	if len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
		if !output {
			return label.Tx, id, nil
		}
		if n != "" && len(n) < 7 && strings.Trim(n, "0123456789") == "" {
			return label.Output, id + ":" + n, nil
		}
	}
	a, err := p.ParseAddress(s)
	return label.Address, a.Text, err
}

func (t *terminal) importLabels(w *wallet.Wallet, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	result, err := w.ImportLabels(f)
	if err != nil {
		return err
	}
	t.print(record{"type": "labels", "taken": result.Taken, "skipped": result.Skipped, "cut": result.Cut},
		"%d labels taken in; %d lines passed over, %d labels cut.", result.Taken, result.Skipped, result.Cut)
	return nil
}
