package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"goldpan/app/desk"
	"goldpan/wallet"
)

func walletVerifyCommand() command {
	return command{
		name:    "wallet verify",
		summary: "Prove that your words, or your backup file, bring this wallet back. It shows nothing of them.",
		usage:   "[--coin COIN] [--network NETWORK] [--words-file FILE | --backup-file FILE] [--ask N] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			wordsFile := f.String("words-file", "", "`FILE` that holds all the words; - is standard input; if not given some of them are asked for")
			backupFile := f.String("backup-file", "", "backup `FILE` that goldpan wallet export made")
			backupPassphrase := f.String("backup-passphrase-file", "", "`FILE` that holds the passphrase of the backup file; - is standard input; if not given it is asked for")
			ask := f.Int("ask", 4, "`N` words to ask for, at least 3; 0 for all")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *wordsFile != "" && *backupFile != "" {
					return usagef("choose one: words or a backup file")
				}
				if *ask < 0 || *ask > 24 || *ask > 0 && *ask < 3 {
					return usagef("--ask: from 3 to 24, or 0 for all")
				}
				return t.withWallet(ctx, c, nil, func(w *wallet.Wallet) error {
					by := "words"
					var err error
					switch {
					case *backupFile != "":
						by = "backup-file"
						err = t.verifyFile(ctx, w, *backupFile, *backupPassphrase)
					case *wordsFile != "":
						err = t.verifyWords(ctx, w, c, *wordsFile)
					default:
						by = "asked"
						err = t.askBack(ctx, w, *ask)
					}
					if err != nil {
						return err
					}
					t.print(record{"type": "verified", "by": by, "coin": w.Params().Coin.ID, "network": w.Params().Network}, "That brings this wallet back. Keep it where you will find it, and nobody else does.")
					return nil
				})
			}
		},
	}
}

func (t *terminal) verifyFile(ctx context.Context, w *wallet.Wallet, file, passphraseFile string) error {
	b, err := desk.ReadBackup(file)
	if err != nil {
		return err
	}
	passphrase, err := t.secret(ctx, passphraseFile, "Passphrase of the backup file")
	if err != nil {
		return err
	}
	return w.VerifyBackup(b, passphrase)
}

func (t *terminal) verifyWords(ctx context.Context, w *wallet.Wallet, c walletChoice, file string) error {
	m, err := t.words(ctx, file, false)
	if err != nil {
		return err
	}
	defer m.Wipe()
	own := ""
	if *c.seedPassphraseFile != "" {
		if own, err = t.secret(ctx, *c.seedPassphraseFile, ""); err != nil {
			return err
		}
	}
	return w.VerifyWords(m, own)
}

// askBack asks for some words, and again for those that were wrong.
func (t *terminal) askBack(ctx context.Context, w *wallet.Wallet, n int) error {
	positions, err := w.Challenge(n)
	if err != nil {
		return err
	}
	if err := t.askSeedPassphrase(ctx, w); err != nil {
		return err
	}
	words := make([]string, len(positions))
	left := positions
	for range 3 {
		for i, at := range positions {
			for _, again := range left {
				if at == again {
					if words[i], err = t.secret(ctx, "", fmt.Sprintf("Word %d of what you wrote down", at)); err != nil {
						return err
					}
				}
			}
		}
		if left, err = w.Answer(positions, words); err != nil || len(left) == 0 {
			return err
		}
		t.say("Wrong: %s. Look at your paper once more.", listed(left))
	}
	return wallet.ErrOther
}

// askSeedPassphrase asks for BIP39's own passphrase where the words have one: without it they bring back another wallet.
func (t *terminal) askSeedPassphrase(ctx context.Context, w *wallet.Wallet) error {
	is, err := w.SeedPassphraseIs("")
	for range 3 {
		if is || err != nil {
			return err
		}
		var own string
		if own, err = t.secret(ctx, "", "Passphrase of the words, which they bring nothing back without"); err != nil {
			return err
		}
		if is, err = w.SeedPassphraseIs(own); err == nil && !is {
			t.say("That is not their passphrase. Its capitals and blanks count.")
		}
	}
	if is || err != nil {
		return err
	}
	return wallet.ErrOther
}

// listed joins positions as in "word 3, word 7".
func listed(positions []int) string {
	s := ""
	for i, at := range positions {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("word %d", at)
	}
	return s
}

func walletExportCommand() command {
	return command{
		name:    "wallet export",
		summary: "Write a sealed backup file, the labels, the history, or what others watch the wallet by.",
		usage:   "[--coin COIN] [--network NETWORK] [--backup FILE] [--labels FILE] [--csv FILE] [--public] [--passphrase-file F]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := walletFlags(f)
			backup := f.String("backup", "", "write a backup to this new `FILE`: words, labels and paths, sealed under a passphrase")
			backupPassphrase := f.String("backup-passphrase-file", "", "`FILE` that holds a passphrase for the backup file; - is standard input; if not given it is asked for")
			labels := f.String("labels", "", "write the labels to this new `FILE`, for other wallets (BIP329); - is standard output")
			table := f.String("csv", "", "write the history to this new `FILE`, as a table; - is standard output")
			public := f.Bool("public", false, "show the extended public key and the descriptor: whoever has them sees every address, and can spend nothing")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				if *backup == "" && *labels == "" && *table == "" && !*public {
					return usagef("say what to write: --backup FILE, --labels FILE, --csv FILE or --public")
				}
				if *backup == "-" {
					return usagef("--backup: name a file")
				}
				if t.json && (*labels == "-" || *table == "-") {
					return usagef("with --json, standard output is for JSON lines: name a file")
				}
				return t.withWallet(ctx, c, nil, func(w *wallet.Wallet) error {
					if *backup != "" {
						if err := t.writeBackup(ctx, w, *backup, *backupPassphrase); err != nil {
							return err
						}
					}
					if *labels != "" {
						if err := t.writeNew(*labels, w.ExportLabels); err != nil {
							return err
						}
						t.wrote("labels", *labels)
					}
					if *table != "" {
						if err := t.writeNew(*table, w.WriteCSV); err != nil {
							return err
						}
						t.wrote("csv", *table)
					}
					if *public {
						plain, registered, err := w.Extended()
						if err != nil {
							return err
						}
						t.print(record{"type": "public", "coin": w.Params().Coin.ID, "network": w.Params().Network, "extended": plain, "registered": registered, "descriptor": w.Descriptor()},
							"%s\n%s\n%s", plain, registered, w.Descriptor())
					}
					return nil
				})
			}
		},
	}
}

func (t *terminal) wrote(what, file string) {
	if file != "-" {
		t.print(record{"type": "written", "what": what, "file": file}, "Written to %s.", file)
	}
}

// writeBackup writes a backup file, reads it again, and proves it.
func (t *terminal) writeBackup(ctx context.Context, w *wallet.Wallet, file, passphraseFile string) error {
	passphrase, err := t.newSecret(ctx, passphraseFile, "Passphrase of the backup file", true)
	if err != nil {
		return err
	}
	if err := desk.WriteBackup(w, file, passphrase); err != nil {
		return err
	}
	t.wrote("backup", file)
	t.say("It was read again, and brings this wallet back. Keep it on another disk than this one; it opens with its passphrase alone.")
	return nil
}

// writeNew writes a new file, or standard output.
func (t *terminal) writeNew(path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(t.out)
	}
	return desk.WriteNew(path, write)
}
