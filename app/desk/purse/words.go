package purse

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"goldpan/app/desk"
	"goldpan/vault"
	"goldpan/wallet"
	"goldpan/wallet/hd"
	"goldpan/wallet/label"
)

// Words are the words, for a person who writes them down, against the passphrase that seals them. seed is BIP39's own
// passphrase, which belongs to them.
func (a *Account) Words(passphrase string) (words []string, seed string, err error) {
	w, err := a.wallet()
	if err != nil {
		return nil, "", err
	}
	m, seed, err := w.Mnemonic(passphrase)
	if err != nil {
		return nil, "", err
	}
	defer m.Wipe()
	return m.Words(), seed, nil
}

// Challenge chooses n words to ask back, by their positions from 1.
func (a *Account) Challenge(n int) ([]int, error) {
	w, err := a.wallet()
	if err != nil {
		return nil, err
	}
	return w.Challenge(n)
}

// Answer says at which positions the words given are wrong; when none is, the wallet is backed up.
func (a *Account) Answer(positions []int, words []string) (wrong []int, err error) {
	w, err := a.wallet()
	if err != nil {
		return nil, err
	}
	defer a.changed()
	return w.Answer(positions, words)
}

// Complete is the words, at most ten, that begin so and can stand after those before.
func Complete(prefix string, before ...string) []string {
	return hd.Complete(prefix, hd.Detect(before...)...)
}

// Known tells whether a word is whole: one of a list that holds those before too.
func Known(word string, before ...string) bool {
	return word != "" && len(hd.Detect(append(slices.Clone(before), word)...)) > 0
}

// Near is a word of the list that may be meant, or "".
func Near(word string, before ...string) string { return hd.Near(word, hd.Detect(before...)...) }

// CheckWords refuses words that are no seed: hd.ErrLength, hd.ErrChecksum or a *hd.WordError.
func CheckWords(words []string) error {
	m, err := hd.ParseMnemonic(strings.Join(words, " "))
	m.Wipe()
	return err
}

// KeepKey has the system's keyring keep a key that opens the wallet instead of its passphrase. It must be unlocked.
func (a *Account) KeepKey(ctx context.Context) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	v, err := a.purse.desk.WalletKeys(ctx)
	if err != nil {
		return err
	}
	return desk.KeepUnlockKey(ctx, v, w)
}

// DropKey makes the passphrase the only way again.
func (a *Account) DropKey(ctx context.Context) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	v, err := a.purse.desk.WalletKeys(ctx)
	if errors.Is(err, vault.ErrUnavailable) {
		return w.DropUnlockKey() // what another session's keyring keeps opens nothing any more
	}
	if err != nil {
		return err
	}
	return desk.DropUnlockKey(ctx, v, w)
}

// WriteBackup writes a new backup file, sealed by a passphrase, and proves that it brings the wallet back.
func (a *Account) WriteBackup(path, passphrase string) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	defer a.changed()
	return desk.WriteBackup(w, path, passphrase)
}

// WriteCSV writes the history as a table into a new file.
func (a *Account) WriteCSV(path string) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	return desk.WriteNew(path, w.WriteCSV)
}

// WriteLabels writes the labels for other wallets (BIP329) into a new file.
func (a *Account) WriteLabels(path string) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	return desk.WriteNew(path, w.ExportLabels)
}

// ReadLabels takes in the labels that another wallet wrote (BIP329).
func (a *Account) ReadLabels(path string) (label.Result, error) {
	w, err := a.wallet()
	if err != nil {
		return label.Result{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return label.Result{}, err
	}
	defer f.Close()
	defer a.changed()
	return w.ImportLabels(f)
}

// ReadBackup reads a backup file for Make.
func ReadBackup(path string) ([]byte, error) { return desk.ReadBackup(path) }

// NewPassphrase is a passphrase of six English words.
func NewPassphrase() (string, error) { return desk.NewPassphrase() }

// Public is what others watch the wallet by: whoever has it sees every address, and can spend nothing.
func (a *Account) Public() (extended, descriptor string, err error) {
	w, err := a.wallet()
	if err != nil {
		return "", "", err
	}
	_, extended, err = w.Extended()
	return extended, w.Descriptor(), err
}

// Found is what lies at one path of a wallet's words.
type Found struct {
	Path         string
	By           string // who uses it
	Transactions int
	Balance      wallet.Balance
}

// Probe looks for a history on every path that wallets are known to keep the coin at, at the servers that were named,
// which see those addresses, and remembers what it finds. The wallet must be unlocked. told may be nil.
func (a *Account) Probe(ctx context.Context, told func(done, all int)) (found []Found, err error) {
	w, err := a.wallet()
	if err != nil {
		return nil, err
	}
	servers := a.named()
	candidates := hd.Candidates(w.Params())
	for i, c := range candidates {
		if told != nil {
			told(i, len(candidates))
		}
		f, err := probe(ctx, w, c, servers)
		if errors.Is(err, wallet.ErrInUse) {
			continue // it is shown already
		}
		if err != nil {
			return found, err
		}
		if f.Transactions > 0 {
			found = append(found, f)
			if err := w.Remember(c.Path); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

func probe(ctx context.Context, w *wallet.Wallet, c hd.Found, servers []string) (_ Found, err error) {
	other, err := w.OpenPath(c.Path)
	if err != nil {
		return Found{}, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	if err := other.Sync(ctx, servers...); err != nil {
		return Found{}, err
	}
	return Found{c.Path.String(), c.By, len(other.History()), other.Balance()}, nil
}
