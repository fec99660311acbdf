package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// walletChoice are the flags that every wallet command takes.
type walletChoice struct {
	coin, network, name, passphraseFile, seedPassphraseFile *string
	purpose, account                                        *uint
	path                                                    *string
}

func walletFlags(f *flag.FlagSet) walletChoice {
	return walletChoice{
		f.String("coin", "bitcoin", "`COIN`: bitcoin, litecoin or dogecoin"),
		f.String("network", string(coin.Main), "`NETWORK`: main, test, regtest or practice"),
		f.String("wallet", "", "`NAME` of a wallet beside the network's own, with words of its own or none"),
		f.String("passphrase-file", "", "`FILE` that holds the passphrase which seals the wallet; - is standard input; if not given it is asked for. A practice wallet needs none"),
		f.String("seed-passphrase-file", "", "`FILE` that holds BIP39's own passphrase, if the words have one"),
		f.Uint("purpose", 0, "derivation `PURPOSE`: 44, 49, 84 or 86; 0 is the coin's own"),
		f.Uint("account", 0, "`NUMBER` of the account"),
		f.String("path", "", "`PATH` of an account that another program used, such as \"m/0', pkh\"; wallet restore shows which it found"),
	}
}

// options opens the desk and gathers what opens the wallet. create asks a new
// passphrase twice.
func (t *terminal) options(ctx context.Context, c walletChoice, create bool) (d *desk.Desk, o wallet.Options, err error) {
	chosen, err := coin.ByID(*c.coin)
	if err != nil {
		return nil, o, usagef("--coin: %s", err)
	}
	params, err := chosen.Params(coin.Network(*c.network))
	if err != nil {
		return nil, o, usagef("--network: %s", err)
	}
	switch *c.purpose {
	case 0, 44, 49, 84, 86:
	default:
		return nil, o, usagef("--purpose: 44, 49, 84 or 86")
	}
	if *c.account >= 1<<31 {
		return nil, o, usagef("--account: from 0 to 2147483647")
	}
	path, err := parsePath(*c.path)
	if err != nil {
		return nil, o, err
	}
	if d, err = desk.Open(t.data); err != nil {
		return nil, o, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	o = d.WalletOptions(params)
	o.Name, o.Purpose, o.Account, o.Path = *c.name, uint32(*c.purpose), uint32(*c.account), path
	if params.Network != coin.Practice || *c.passphraseFile != "" {
		if !create {
			// A missing wallet is told before a passphrase is asked for.
			if err = wallet.Exists(o); err != nil {
				return d, o, err
			}
		}
		if !create && *c.passphraseFile == "" {
			o.UnlockKey = t.keptKey(ctx, d, o)
		}
		if o.UnlockKey == (seal.Key{}) {
			if create {
				o.Passphrase, err = t.walletPassphrase(ctx, *c.passphraseFile, o)
			} else {
				o.Passphrase, err = t.secret(ctx, *c.passphraseFile, passphrasePrompt)
			}
			if err != nil {
				return d, o, err
			}
		}
	}
	if *c.seedPassphraseFile != "" {
		if o.SeedPassphrase, err = t.secret(ctx, *c.seedPassphraseFile, ""); err != nil {
			return d, o, err
		}
	}
	return d, o, nil
}

const passphrasePrompt = "Passphrase of the wallet"

// parsePath reads what wallet restore prints: "m/84'/0'/0', wpkh".
func parsePath(s string) (hd.Path, error) {
	if s == "" {
		return hd.Path{}, nil
	}
	steps, kind, ok := strings.Cut(s, ",")
	kind = strings.TrimSpace(kind)
	if !ok || !slices.Contains(hd.Kinds(), hd.Kind(kind)) {
		return hd.Path{}, usagef("--path: write it as \"m/84'/0'/0', wpkh\": pkh, sh(wpkh), wpkh or tr stands after the comma")
	}
	return hd.Path{Kind: hd.Kind(kind), Steps: strings.TrimPrefix(strings.TrimSpace(steps), "m/")}, nil
}

// unaudited is said wherever a real wallet is made.
const unaudited = "This wallet has not been audited. Keep small amounts in it."

func walletCreateCommand() command {
	return command{
		name:    "wallet create",
		summary: "Make a wallet with new seed words.",
		usage:   "[--coin COIN] [--network NETWORK] [--length 12|24] [--words-file FILE] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			length := f.Int("length", 12, "`N` words: 12 or 24")
			language := f.String("language", string(hd.English), "`LANGUAGE` of the words; few other wallets read any but english")
			wordsFile := f.String("words-file", "", "write the words to this new `FILE`, readable by you alone, instead of showing them")
			return func(ctx context.Context, args []string) (err error) {
				if err := noArguments(args); err != nil {
					return err
				}
				if *length != 12 && *length != 24 {
					return usagef("--length: 12 or 24 words")
				}
				if !slices.Contains(hd.Languages(), hd.Language(*language)) {
					return usagef("--language: one of %v", hd.Languages())
				}
				show := !t.json && isTerminal(t.out)
				if *wordsFile == "" && !show && coin.Network(*c.network) != coin.Practice {
					return usagef("the seed words must go somewhere: run this in a terminal, or give --words-file FILE")
				}
				d, o, err := t.options(ctx, c, true)
				if err != nil {
					return err
				}
				defer d.Close()
				var file *os.File
				if *wordsFile != "" {
					// The file comes first: words that cannot be written down must
					// not be the only ones.
					if file, err = os.OpenFile(*wordsFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
						return err
					}
					defer func() {
						err = errors.Join(err, file.Close())
						if err != nil {
							_ = os.Remove(*wordsFile)
						}
					}()
				}
				o.Words, o.Language = *length, hd.Language(*language)
				w, err := patiently(ctx, func() (*wallet.Wallet, error) { return wallet.Create(o) })
				if err != nil {
					return err
				}
				defer w.Close()
				m, _, err := w.Mnemonic(o.Passphrase)
				if err != nil {
					return err
				}
				defer m.Wipe()
				if file != nil {
					if _, err = fmt.Fprintln(file, strings.Join(m.Words(), " ")); err == nil {
						err = file.Sync()
					}
					if err != nil {
						// The wallet stands; its words are asked for again.
						return fmt.Errorf("the wallet is made, but its words could not be written: %w", err)
					}
				}
				address, err := w.Address(0)
				if err != nil {
					return err
				}
				if show {
					t.showWords(m)
				}
				if o.Params.Network == coin.Main {
					t.say("%s", unaudited)
				}
				t.sayUnproven(w)
				t.print(record{"type": "wallet", "coin": o.Params.Coin.ID, "network": o.Params.Network, "words": len(m.Words()), "address": address, "path": w.Path(0)},
					"Your %s wallet is made. Its first address: %s", o.Params.Coin.Name, address)
				return nil
			}
		},
	}
}

// showWords shows seed words on a screen, never in a pipe.
func (t *terminal) showWords(m hd.Mnemonic) {
	t.say("These words are your wallet. Whoever has them has the coins; without them a broken disk loses all.")
	t.say("Write them on paper, in this order. Make no photo and no file of them.")
	for i, w := range m.Words() {
		fmt.Fprintf(t.out, "  %2d  %s\n", i+1, w)
	}
}

func isTerminal(w any) bool {
	if o, ok := w.(*output); ok {
		w = o.to
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// withWallet opens a wallet for the length of work.
// It reaches a server through dial; nil where none is reached.
func (t *terminal) withWallet(ctx context.Context, c walletChoice, dial walletDial, work func(*wallet.Wallet) error) error {
	return t.withDesk(ctx, c, dial, func(_ *desk.Desk, w *wallet.Wallet) error { return work(w) })
}

// withDesk is withWallet for what needs the desk besides.
func (t *terminal) withDesk(ctx context.Context, c walletChoice, dial walletDial, work func(*desk.Desk, *wallet.Wallet) error) (err error) {
	d, o, err := t.options(ctx, c, false)
	if err != nil {
		return err
	}
	defer d.Close()
	o.Dial = dial
	open := func() (*wallet.Wallet, error) { return wallet.Open(o) }
	w, err := patiently(ctx, open)
	if errors.Is(err, wallet.ErrUnlockKey) {
		t.say("The key in the keyring does not open the wallet any more.")
		if o.Passphrase, err = t.secret(ctx, *c.passphraseFile, passphrasePrompt); err != nil {
			return err
		}
		w, err = patiently(ctx, open)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	t.sayDamaged(w)
	return work(d, w)
}

// sayDamaged says that the payments that were made cannot be read.
func (t *terminal) sayDamaged(w *wallet.Wallet) {
	if err := w.State().Damaged; err != nil {
		message, hint := desk.Explain(err)
		t.say("%s. %s", strings.ToUpper(message[:1])+message[1:], hint)
	}
}

// sayUnproven says that a wallet was never proven to be backed up.
func (t *terminal) sayUnproven(w *wallet.Wallet) {
	if !w.BackedUp() && w.Params().Network != coin.Practice {
		t.say("No backup of this wallet was proven yet. Write its words down, then run goldpan wallet verify: it asks for some of them.")
	}
}

func walletBalanceCommand() command {
	return accountsCommand("wallet balance", "Show what a wallet owns, at each account that was found.", (*terminal).printBalances)
}
