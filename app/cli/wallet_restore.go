package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// restoring is where a wallet comes from.
type restoring struct {
	wordsFile, backupFile, backupPassphrase, watchFile, kind *string
	oneByOne                                                 *bool
}

func walletRestoreCommand() command {
	return command{
		name:    "wallet restore",
		summary: "Bring a wallet back from its seed words or its backup file, or watch one by its public key.",
		usage:   "[--coin COIN] [--network NETWORK] [--words-file FILE | --backup-file FILE | --watch-file FILE] [--server URL …] [--seed-passphrase-file F] [--passphrase-file F]",
		groups: []group{
			{"from words", []string{"words-file", "one-by-one", "seed-passphrase-file"}},
			{"from a backup file", []string{"backup-file", "backup-passphrase-file"}},
			{"to watch only", []string{"watch-file", "kind"}},
		},
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			from := restoring{
				f.String("words-file", "", "`FILE` that holds the words; - is standard input; if not given they are asked for"),
				f.String("backup-file", "", "backup `FILE` that goldpan wallet export made"),
				f.String("backup-passphrase-file", "", "`FILE` that holds the passphrase of the backup file; - is standard input; if not given it is asked for"),
				f.String("watch-file", "", "`FILE` that holds an extended public key (xpub, ypub, zpub and the like) or an output descriptor; nothing can be spent with it"),
				f.String("kind", "", "`KIND` of addresses of a key that does not tell: pkh, sh(wpkh), wpkh or tr"),
				f.Bool("one-by-one", false, "ask for each word alone; its first letters are enough where they are one word's"),
			}
			servers := serverFlags(f, "no other path is looked at")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if err := from.check(c); err != nil {
					return err
				}
				dial, err := t.serverDial(servers)
				if err != nil {
					return err
				}
				w, o, closeAll, err := t.restore(ctx, c, from, dial)
				if err != nil {
					return err
				}
				defer closeAll()
				address, err := w.Address(0)
				if err != nil {
					return err
				}
				if o.Params.Network == coin.Main {
					t.say("%s", unaudited)
				}
				if servers.online() && !w.WatchOnly() {
					if err := t.probe(ctx, w, servers.urls); err != nil {
						return err
					}
				}
				r := record{"type": "wallet", "coin": o.Params.Coin.ID, "network": o.Params.Network, "address": address, "path": w.Path(0), "watch_only": w.WatchOnly()}
				if o.Words > 0 {
					r["words"] = o.Words
				}
				if w.WatchOnly() {
					t.print(r, "The %s wallet is watched; nothing can be spent from here. Its first address: %s", o.Params.Coin.Name, address)
				} else {
					t.print(r, "Your %s wallet is back. Its first address: %s", o.Params.Coin.Name, address)
				}
				return nil
			}
		},
	}
}

// check refuses flags that do not go together.
func (from restoring) check(c walletChoice) error {
	given := 0
	for _, f := range []*string{from.wordsFile, from.backupFile, from.watchFile} {
		if *f != "" {
			given++
		}
	}
	if given > 1 || given == 1 && *from.oneByOne {
		return usagef("choose one: words, a backup file, or a key to watch")
	}
	if *from.kind != "" && !slices.Contains(hd.Kinds(), hd.Kind(*from.kind)) {
		return usagef("--kind: pkh, sh(wpkh), wpkh or tr")
	}
	if *c.seedPassphraseFile != "" && (*from.backupFile != "" || *from.watchFile != "") {
		return usagef("--seed-passphrase-file goes with words: a backup file holds theirs, and a key to watch has none")
	}
	inputs := 0
	for _, f := range []*string{from.wordsFile, from.watchFile, from.backupPassphrase, c.passphraseFile, c.seedPassphraseFile} {
		if *f == "-" {
			inputs++
		}
	}
	if inputs > 1 {
		return usagef("standard input can hold one secret, not two")
	}
	return nil
}

// restore makes the wallet of what the flags name. What is given is read before a passphrase is asked for.
func (t *terminal) restore(ctx context.Context, c walletChoice, from restoring, dial walletDial) (w *wallet.Wallet, o wallet.Options, closeAll func(), err error) {
	fail := func(err error) (*wallet.Wallet, wallet.Options, func(), error) {
		return nil, wallet.Options{}, nil, err
	}
	var build func(o wallet.Options) (*wallet.Wallet, error)
	count := 0
	switch {
	case *from.watchFile != "":
		key, err := t.secret(ctx, *from.watchFile, "Key")
		if err != nil {
			return fail(err)
		}
		build = func(o wallet.Options) (*wallet.Wallet, error) {
			o.Path.Kind = hd.Kind(*from.kind)
			return wallet.Watch(o, key)
		}
	case *from.backupFile != "":
		b, err := desk.ReadBackup(*from.backupFile)
		if err != nil {
			return fail(err)
		}
		passphrase, err := t.secret(ctx, *from.backupPassphrase, "Passphrase of the backup file")
		if err != nil {
			return fail(err)
		}
		build = func(o wallet.Options) (*wallet.Wallet, error) { return wallet.RestoreBackup(o, b, passphrase) }
	default:
		m, err := t.words(ctx, *from.wordsFile, *from.oneByOne)
		if err != nil {
			return fail(err)
		}
		defer m.Wipe()
		count = len(m.Words())
		build = func(o wallet.Options) (*wallet.Wallet, error) { return wallet.Restore(o, m) }
	}
	d, o, err := t.options(ctx, c, true)
	if err != nil {
		return fail(err)
	}
	o.Dial, o.Words = dial, count
	if w, err = build(o); err != nil {
		return fail(errors.Join(err, d.Close()))
	}
	return w, o, func() { _ = errors.Join(w.Close(), d.Close()) }, nil
}

// words reads seed words: from a file, or as they are typed.
func (t *terminal) words(ctx context.Context, file string, oneByOne bool) (hd.Mnemonic, error) {
	if oneByOne {
		return wordByWord(func(prompt string) (string, error) { return t.secret(ctx, "", prompt) }, func(s string) { t.say("%s", s) })
	}
	words, err := t.secret(ctx, file, "Seed words, separated by spaces")
	if err != nil {
		return hd.Mnemonic{}, err
	}
	return hd.ParseMnemonic(words)
}

// wordByWord asks for each word until an empty line ends them, or 24 are there. The beginning of a word is enough
// where only one word of the language begins so.
func wordByWord(ask func(prompt string) (string, error), say func(string)) (hd.Mnemonic, error) {
	var words []string
	for len(words) < 24 {
		prompt := fmt.Sprintf("Word %d", len(words)+1)
		if n := len(words); n >= 12 && n%3 == 0 {
			prompt += ", or Enter if there are no more"
		}
		answer, err := ask(prompt)
		if err != nil {
			return hd.Mnemonic{}, err
		}
		answer = strings.TrimSpace(answer)
		if answer == "" {
			if n := len(words); n >= 12 && n%3 == 0 {
				break
			}
			say("A word is wanted there.")
			continue
		}
		found := hd.Complete(answer, hd.Detect(words...)...)
		switch {
		case len(found) > 0 && hd.Detect(append(slices.Clone(words), answer)...) != nil:
			words = append(words, answer)
		case len(found) == 1:
			words = append(words, found[0])
		case len(found) > 1:
			say("More than one word begins so; type some more letters of it.")
		default:
			say("No word of the list begins so. Look at it once more.")
		}
	}
	return hd.ParseMnemonic(strings.Join(words, " "))
}

// probe looks for a history on every path that wallets are known to use, shows what it finds, and remembers it.
func (t *terminal) probe(ctx context.Context, w *wallet.Wallet, servers []string) error {
	candidates := hd.Candidates(w.Params())
	t.say("Looking for what these words own, on the %d paths that wallets are known to use. The servers see those addresses.", len(candidates))
	found := 0
	for _, c := range candidates {
		n, b, err := t.probeOne(ctx, w, c.Path, servers)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		found++
		if err := w.Remember(c.Path); err != nil {
			return err
		}
		t.print(record{"type": "found", "path": c.String(), "by": c.By, "transactions": n, "confirmed": b.Confirmed.String(), "immature": b.Immature.String(), "unconfirmed": b.Unconfirmed.String()},
			"Found at %s: %d transactions, %s to spend. Used by %s.", c.Path, n, b.Confirmed, c.By)
	}
	if found == 0 {
		t.say("Nothing was found: these words were never paid, or another program used a path that is not known here.")
	}
	if found > 1 {
		t.say("goldpan wallet balance shows each of them, and the sum.")
	}
	return nil
}

func (t *terminal) probeOne(ctx context.Context, own *wallet.Wallet, path hd.Path, servers []string) (n int, b wallet.Balance, err error) {
	w := own
	if path != own.Account() {
		if w, err = own.OpenPath(path); err != nil {
			return 0, b, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
	}
	if err := t.learn(ctx, w, servers); err != nil {
		return 0, b, err
	}
	return len(w.History()), w.Balance(), nil
}
