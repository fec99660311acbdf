package wallet

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet/hd"
)

var (
	// ErrOther says that the words, or the backup, are good, and are another wallet's.
	ErrOther = errors.New("that is another wallet's")
	// ErrBackup says that a file is no backup, or that it is damaged.
	ErrBackup = errors.New("that is no backup file of Goldpan, or it is damaged")
	// ErrFewWords says that too few words were asked back to prove anything.
	ErrFewWords = errors.New("at least three of the words are to be asked back")
)

// Backup says when a wallet was last proven to be backed up; the zero time is never.
type Backup struct {
	Words time.Time // its words were asked back
	File  time.Time // a backup file was opened again
}

// Backup is what is known of the wallet's backups.
func (w *Wallet) Backup() Backup {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Backup{w.notes.Words, w.notes.File}
}

// BackedUp tells whether a backup was ever proven to bring this wallet back. Until then every screen with a balance
// says that it was not. A wallet that watches only has nothing to lose.
func (w *Wallet) BackedUp() bool {
	b := w.Backup()
	return w.watches || !b.Words.IsZero() || !b.File.IsZero()
}

// mustProve tells whether no address is given yet: a browser may throw away what it keeps at any time.
func (w *Wallet) mustProve() bool {
	return (browser || w.o.ProveFirst) && w.o.Params.Network != coin.Practice && !w.BackedUp()
}

// note changes the notes, here and in the file.
func (w *Wallet) note(change func(*notes)) error {
	key, err := w.private()
	if err != nil {
		return err
	}
	var now notes
	err = w.o.alter(false, func(e *envelope) error {
		n, err := w.o.openNotes(key, *e)
		if err != nil {
			return err
		}
		change(&n)
		now = n
		e.Notes, err = w.o.sealNotes(key, n)
		return err
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.notes = now
	w.mu.Unlock()
	w.o.Changed()
	return nil
}

// fewest is how many words prove anything.
const fewest = 3

// Challenge chooses which words to ask back: n of them, at least three, by their positions from 1, in rising order.
// For n below 1, or more than there are, it is all. It fails with ErrLocked or ErrWatchOnly.
func (w *Wallet) Challenge(n int) (positions []int, err error) {
	if w.watches {
		return nil, ErrWatchOnly
	}
	s, err := w.secret()
	if err != nil {
		return nil, err
	}
	count := len(s.Words.Words())
	s.Words.Wipe()
	if n < 1 || n > count {
		n = count
	}
	for _, i := range rand.Perm(count)[:max(n, fewest)] {
		positions = append(positions, i+1)
	}
	slices.Sort(positions)
	return positions, nil
}

// Answer holds the words that a person gave against those at the positions, and says at which positions they are
// wrong. When none is, the wallet is backed up from then on.
func (w *Wallet) Answer(positions []int, words []string) (wrong []int, err error) {
	if w.watches {
		return nil, ErrWatchOnly
	}
	if len(positions) != len(words) || len(slices.Compact(slices.Sorted(slices.Values(positions)))) < fewest {
		return nil, ErrFewWords
	}
	s, err := w.secret()
	if err != nil {
		return nil, err
	}
	defer s.Words.Wipe()
	for i, at := range positions {
		if !s.Words.Is(at, words[i]) {
			wrong = append(wrong, at)
		}
	}
	if len(wrong) > 0 {
		return wrong, nil
	}
	return nil, w.note(func(n *notes) { n.Words = w.o.today() })
}

// VerifyWords proves that the words, with BIP39's own passphrase if they have one, bring this wallet back; it shows
// nothing, and works while the wallet is locked. Words of another wallet are ErrOther.
func (w *Wallet) VerifyWords(m hd.Mnemonic, seedPassphrase string) error {
	if w.watches {
		return ErrWatchOnly
	}
	if err := w.same(secret{Words: m, Passphrase: seedPassphrase}); err != nil {
		return err
	}
	return w.note(func(n *notes) { n.Words = w.o.today() })
}

// SeedPassphraseIs tells whether that is BIP39's own passphrase of the words: "" where they have none. The words alone
// bring back another wallet without it. It fails with ErrLocked or ErrWatchOnly.
func (w *Wallet) SeedPassphraseIs(seedPassphrase string) (bool, error) {
	if w.watches {
		return false, ErrWatchOnly
	}
	s, err := w.secret()
	if err != nil {
		return false, err
	}
	defer s.Words.Wipe()
	given, kept := norm.NFKD.String(seedPassphrase), norm.NFKD.String(s.Passphrase)
	return subtle.ConstantTimeCompare([]byte(given), []byte(kept)) == 1, nil
}

func (w *Wallet) same(s secret) error {
	if len(s.Words.Words()) == 0 && s.Watch.Key == "" {
		return hd.ErrLength
	}
	if s.Watch.Key != "" && !w.watches {
		return ErrOther // it has the same addresses, and nothing that spends
	}
	o := w.o
	a, err := derive(&o, s)
	if err != nil {
		return err
	}
	if !a.Same(w.account) {
		return ErrOther
	}
	return nil
}

const (
	// maxBackup bounds what a backup file holds, and maxBackupFile the file, in bytes.
	maxBackup     = 16 << 20
	maxBackupFile = maxBackup + 64<<10
)

// backupJSON is what a backup file holds, sealed under a passphrase: one age file.
type backupJSON struct {
	Goldpan    string               `json:"goldpan"` // "backup"
	Version    int                  `json:"version"`
	Network    coin.Network         `json:"network"`
	Name       string               `json:"name,omitempty"`
	Words      string               `json:"words,omitempty"`
	Passphrase string               `json:"passphrase,omitempty"`
	Created    time.Time            `json:"created"`
	Watch      watched              `json:"watch,omitzero"`
	Paths      map[string][]hd.Path `json:"paths,omitempty"`
	Labels     string               `json:"labels,omitempty"` // BIP329
}

// WriteBackup is a backup file of the whole wallet, all its coins, paths and labels, sealed under a passphrase. The
// file is to be kept elsewhere. What the chain knows is not in it. It fails with ErrLocked.
func (w *Wallet) WriteBackup(passphrase string) ([]byte, error) {
	s, err := w.secret()
	if err != nil {
		return nil, err
	}
	defer s.Words.Wipe()
	if err := w.o.Strong(passphrase); err != nil {
		return nil, err
	}
	var labels bytes.Buffer
	if err := w.ExportLabels(&labels); err != nil {
		return nil, err
	}
	w.mu.Lock()
	paths := w.notes.Paths
	w.mu.Unlock()
	plain, err := json.Marshal(backupJSON{Goldpan: "backup", Version: 1, Network: w.o.Params.Network, Name: w.o.Name,
		Words: strings.Join(s.Words.Words(), " "), Passphrase: s.Passphrase, Created: s.Created, Watch: s.Watch, Paths: paths, Labels: labels.String()})
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain) > maxBackup {
		return nil, errors.New("wallet: it holds too much for a backup file")
	}
	return seal.SealFile(plain, passphrase, w.o.WorkFactor)
}

// openBackup reads a backup file of the network.
func openBackup(b []byte, passphrase string, n coin.Network) (backupJSON, secret, error) {
	fail := func(err error) (backupJSON, secret, error) { return backupJSON{}, secret{}, err }
	if len(b) > maxBackupFile {
		return fail(ErrBackup)
	}
	plain, err := seal.OpenFile(b, passphrase, maxBackup)
	if errors.Is(err, seal.ErrWrapped) {
		err = ErrBackup
	}
	if err != nil {
		return fail(err)
	}
	defer clear(plain)
	var j backupJSON
	if json.Unmarshal(plain, &j) != nil || j.Goldpan != "backup" {
		return fail(ErrBackup)
	}
	if j.Version != 1 {
		return fail(errLater)
	}
	if j.Network != n {
		return fail(fmt.Errorf("%w: it is of another network", ErrOther))
	}
	s := secret{Passphrase: j.Passphrase, Created: j.Created, Watch: j.Watch}
	if j.Watch.Key == "" {
		if s.Words, err = hd.ParseMnemonic(j.Words); err != nil {
			return fail(ErrBackup)
		}
	}
	for id, list := range j.Paths {
		if len(list) > maxPaths {
			j.Paths[id] = list[:maxPaths]
		}
	}
	return j, s, nil
}

// RestoreBackup makes a wallet of a backup file. Options.Passphrase seals the new wallet, passphrase opens the file.
func RestoreBackup(o Options, b []byte, passphrase string) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	j, s, err := openBackup(b, passphrase, o.Params.Network)
	if err != nil {
		return nil, err
	}
	defer s.Words.Wipe()
	o.SeedPassphrase = "" // the file says whether there is one: another would make another wallet of its words
	w, err := create(o, s, notes{File: o.today(), Paths: j.Paths})
	if err != nil {
		return nil, err
	}
	if _, err := w.ImportLabels(strings.NewReader(j.Labels)); err != nil {
		return nil, errors.Join(fmt.Errorf("the wallet is back, but not its labels: %w", err), w.Close())
	}
	return w, nil
}

// VerifyBackup proves that a backup file brings this wallet back; it shows nothing, and works while the wallet is
// locked. It fails with seal.ErrPassphrase, ErrBackup or ErrOther.
func (w *Wallet) VerifyBackup(b []byte, passphrase string) error {
	_, s, err := openBackup(b, passphrase, w.o.Params.Network)
	if err != nil {
		return err
	}
	defer s.Words.Wipe()
	if err := w.same(s); err != nil {
		return err
	}
	return w.note(func(n *notes) { n.File = w.o.today() })
}
