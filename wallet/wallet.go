// Package wallet keeps seed words sealed at rest, hands out the addresses made of them, and knows from Electrum
// servers, whose every confirmed claim it checks, what they own.
//
// It refuses another chain than the one it knows, a wallet file that another process has open, and real networks
// without a passphrase. It never shows a server's text, writes no secret in clear but a practice network's key
// (whose coins are worth nothing), and never writes over a wallet. Without a server it works with what it knew last.
//
// One seed serves a network; each coin of the network is an account of it, and so is each path that another program
// has used. A wallet of another name beside it has words of its own, or watches what others spend. A wallet that is
// locked goes on watching and keeps no key in memory that opens its words. Specifications: see packages hd, electrum
// and seal; BIP329 for labels.
package wallet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/wallet/electrum"
	"goldpan/wallet/electrum/message"
	"goldpan/wallet/hd"
)

var (
	// ErrExists says that there is a wallet of that network already.
	ErrExists = errors.New("there is a wallet of that network already")
	// ErrMissing says that there is no wallet of that network.
	ErrMissing = errors.New("there is no wallet of that network")
	// ErrInUse says that another process, or this one, has the wallet open.
	ErrInUse = errors.New("the wallet is open elsewhere")
	// ErrDamaged says that neither the file nor its previous copy is a whole wallet.
	ErrDamaged = errors.New("the wallet file is damaged")
	// ErrNoPassphrase says that a wallet of a real network was to be kept without a passphrase.
	ErrNoPassphrase = errors.New("a wallet of a real network needs a passphrase")
	// ErrKeyFile says that the practice key's file is missing, damaged, or readable by others.
	ErrKeyFile = errors.New("the practice key file cannot be used: it must be there, whole, and readable by its owner alone")
	// ErrName says that a wallet cannot be called so.
	ErrName = errors.New("a wallet's name has 1 to 32 small letters, digits and hyphens")
	// ErrLocked says that the wallet must be unlocked first.
	ErrLocked = errors.New("the wallet is locked")
	// ErrUnlockKey says that the key that was handed in does not open the wallet; its passphrase does.
	ErrUnlockKey = errors.New("the kept key does not open the wallet any more")
	// ErrWatchOnly says that the wallet has no words: it watches what others spend.
	ErrWatchOnly = errors.New("that wallet watches only: it has no seed words")
	// ErrWeak says that the passphrase is too soon guessed for where the wallet is kept.
	ErrWeak = errors.New("that passphrase is too soon guessed")
	// ErrNotProven says that no address is given before the words were proven to be written down.
	ErrNotProven = errors.New("the words must be proven to be written down first")
	// ErrSeedPassphrase says that BIP39's own passphrase is not written in UTF-8: what is kept of it, and any other
	// program, would make another wallet of it.
	ErrSeedPassphrase = errors.New("the passphrase of the words is not written in UTF-8: save its file so, or type it anew")
	// ErrClosed says that the wallet was closed.
	ErrClosed = errors.New("the wallet is closed")
)

// GapLimit is how many unused addresses in a row end the search for used ones (BIP44).
const GapLimit = 20

// maxIndex bounds the addresses of one chain of an account that are watched.
const maxIndex = 10_000

// MaxAddresses is how many receiving addresses of an account are watched at most. Address gives one beyond them too, and
// what is paid there is not seen.
const MaxAddresses = maxIndex

// Options say which wallet, and how it is kept.
type Options struct {
	Dir     string  // the folder of its files; it is made if it is missing. Not for a browser.
	Storage Storage // instead of Dir
	Params  *coin.Params
	Name    string // "" for the network's own wallet; others stand beside it, with other words or none
	Purpose uint32 // of the derivation path: 44, 49, 84 or 86; 0 for the coin's own
	Account uint32 // the account's number
	// Path is instead of Purpose and Account where another program's path is wanted; see hd.Candidates.
	Path hd.Path

	// Passphrase seals the files. A practice wallet may do without: its key then lies beside it.
	Passphrase string
	WorkFactor int // of the passphrase, when one is set; 0 for the platform's own
	// MinStrength is what a new passphrase of a real network's wallet, or of a backup file of it, must have at least,
	// in bits as seal.Strength counts them. It is never below the platform's own, seal.MinStrength.
	MinStrength float64
	// UnlockKey opens the wallet instead of the passphrase, once NewUnlockKey made it: the system's keyring keeps it.
	UnlockKey seal.Key
	// AutoLock locks the wallet this long after it was opened, unlocked, or its seed was last used; 0 for never.
	AutoLock time.Duration
	// Words is how many words Create makes: 12, which 0 stands for, or 24; Language is of which list, "" for English.
	Words    int
	Language hd.Language
	// SeedPassphrase is BIP39's own, the "25th word", for Create and Restore. It is sealed with the words.
	SeedPassphrase string

	// GapLimit is how many unused addresses in a row end the search for used ones, when the wallet is made; 0 for 20.
	GapLimit int
	// ProveFirst gives no receiving address before the wallet is backed up. In a browser it is always so.
	ProveFirst bool

	// Genesis fixes the first block of a practice network. When it is not the one remembered, what was learned
	// of the other chain is forgotten. Without it, the first server's is trusted, and kept.
	Genesis *pow.Hash
	// Changed is called after the balance, the history, the height or the State changed. It must not block, and
	// may call the wallet's methods.
	Changed func()

	// Dial connects to a wallet server; default jsonrpc.Dial. Proxies, roots and trusted keys come with the Dial of a
	// jsonrpc.Dialer.
	Dial func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error)

	now  func() time.Time
	wait func(context.Context, time.Duration) error

	account string // which one, in the names of its blobs
}

// Format hides the passphrases from logs.
func (Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(wallet options)") }

func (o *Options) defaults() error {
	if o.Params == nil {
		return errors.New("wallet: no network given")
	}
	if err := o.path(); err != nil {
		return err
	}
	if o.Name != "" && !goodName(o.Name) {
		return ErrName
	}
	if o.GapLimit < 0 || o.GapLimit > MaxGapLimit {
		return errGap
	}
	if o.WorkFactor == 0 {
		o.WorkFactor = seal.DefaultWorkFactor
	}
	if o.Words == 0 {
		o.Words = 12
	}
	if o.Language == "" {
		o.Language = hd.English
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Dial == nil {
		o.Dial = jsonrpc.Dial
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.wait == nil {
		o.wait = sleep
	}
	if o.Storage == nil {
		s, err := dirStorage(o.Dir)
		if err != nil {
			return err
		}
		o.Storage = s
	}
	return nil
}

func goodName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 32
}

// path settles which account is meant, and its short name.
func (o *Options) path() error {
	if o.Path == (hd.Path{}) {
		if o.Purpose == 0 {
			o.Purpose = o.Params.Purpose
		}
		p, err := hd.PathOf(o.Params, o.Purpose, o.Account)
		if err != nil {
			return err
		}
		o.Path = p
	}
	// One account has one name, in which its payments and its lock are, however its path is written.
	p, err := o.Path.Clean()
	if err != nil {
		return err
	}
	o.Path = p
	o.account = strings.NewReplacer("'", "h", "/", "_").Replace(o.Path.Steps) + "-" + strconv.Itoa(int(o.Path.Kind.Purpose()))
	// The first account of each purpose has the name that it always had.
	for _, purpose := range []uint32{44, 49, 84, 86} {
		if p, err := hd.PathOf(o.Params, purpose, 0); err == nil && p == o.Path {
			o.account = strconv.Itoa(int(purpose))
		}
	}
	return nil
}

// Wallet is one account of an open wallet. All its methods may be called at once, but for Run and Sync, of which one
// runs at a time.
type Wallet struct {
	o       Options
	key     seal.Key // of what is private: what was learned, notes, labels
	account *hd.Account
	watches bool // it has no words
	release func() error
	running sync.Mutex // held by Run and Sync
	servers servers
	dust    coin.Amount // what is below it costs more than it is worth
	saved   savedMarks  // guarded by servers.saving
	pays    payments

	mu     sync.Mutex
	chain  *electrum.Chain
	lent   bool        // the chain is another account's too
	file   seal.Key    // of the words; zero while locked
	auto   *time.Timer // locks it; nil for never
	after  time.Duration
	until  time.Time // when it locks, by the clock on the wall
	notes  notes
	state  *state // replaced as a whole by put, never changed
	owned  Balance
	closed bool
}

// Format hides the key from logs.
func (*Wallet) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(wallet)") }

// put replaces the state; the caller holds w.mu, or is alone with the wallet.
func (w *Wallet) put(s *state) {
	w.state, w.pays.shown = s, w.withPayments(s)
	w.owned = w.pays.shown.balance(w.o.Params.Maturity, w.dust)
}

// Create makes a wallet with new words.
func Create(o Options) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	m, err := hd.NewMnemonicIn(o.Language, o.Words)
	if err != nil {
		return nil, err
	}
	defer m.Wipe()
	return create(o, secret{Words: m}, notes{})
}

// Restore makes a wallet of words that a person has. They count as written down.
func Restore(o Options, m hd.Mnemonic) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	if len(m.Words()) == 0 {
		return nil, hd.ErrLength // else the seed of no words would be kept, and never open again
	}
	return create(o, secret{Words: m}, notes{Words: o.today()})
}

// Watch makes a wallet that has no words, and watches the addresses of an extended public key or of an output
// descriptor. A key that does not tell of which kind its addresses are is hd.ErrKind, and Options.Path.Kind tells.
func Watch(o Options, key string) (*Wallet, error) {
	kind := o.Path.Kind
	o.Path = hd.Path{}
	if err := o.defaults(); err != nil {
		return nil, err
	}
	if len(key) > maxWatch {
		return nil, hd.ErrDescriptor
	}
	return create(o, secret{Watch: watched{Coin: o.Params.Coin.ID, Key: strings.TrimSpace(key), Kind: kind}}, notes{})
}

// maxWatch bounds a key to watch, in bytes.
const maxWatch = 2048

// today is the time as the files keep it.
func (o Options) today() time.Time { return o.now().UTC().Truncate(time.Second) }

func create(o Options, s secret, n notes) (*Wallet, error) {
	if err := o.mayKeep(); err != nil {
		return nil, err
	}
	if s.Created.IsZero() {
		s.Created = o.today()
	}
	if s.Passphrase == "" && s.Watch.Key == "" {
		s.Passphrase = o.SeedPassphrase
	}
	if !utf8.ValidString(s.Passphrase) {
		return nil, ErrSeedPassphrase
	}
	// An account that cannot be derived must fail before anything is written.
	account, err := derive(&o, s)
	if err != nil {
		return nil, err
	}
	key, err := writeSecret(o, s, n)
	if err != nil {
		return nil, err
	}
	return open(o, key, s, n, account)
}

// mayKeep refuses to keep a wallet under a passphrase that does not suit where it is kept.
func (o Options) mayKeep() error {
	if o.Params.Network != coin.Practice && o.Passphrase == "" {
		return ErrNoPassphrase
	}
	return o.Strong(o.Passphrase)
}

// Strong refuses a new passphrase that is too soon guessed for this wallet, with ErrWeak.
func (o Options) Strong(passphrase string) error {
	if o.Params.Network != coin.Practice && seal.Strength(passphrase) < max(seal.MinStrength, o.MinStrength) {
		return ErrWeak
	}
	return nil
}

// Open opens the network's wallet, or the one of Options.Name. It fails with ErrMissing, ErrInUse, ErrDamaged,
// ErrKeyFile, ErrUnlockKey or seal.ErrPassphrase.
func Open(o Options) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	key, s, n, err := readSecret(o)
	if err != nil {
		return nil, err
	}
	defer s.Words.Wipe()
	account, err := derive(&o, s)
	if err != nil {
		return nil, err
	}
	return open(o, key, s, n, account)
}

// derive makes the account, and leaves no seed behind.
func derive(o *Options, s secret) (*hd.Account, error) {
	if s.Watch.Key != "" {
		if s.Watch.Coin != o.Params.Coin.ID {
			return nil, fmt.Errorf("%w: it watches another coin", ErrMissing)
		}
		o.account = "watch"
		return hd.Watch(o.Params, s.Watch.Key, s.Watch.Kind)
	}
	seed := s.Words.Seed(s.Passphrase)
	defer clear(seed)
	return hd.NewAccountAt(seed, o.Params, o.Path)
}

func open(o Options, file seal.Key, s secret, n notes, account *hd.Account) (*Wallet, error) {
	o.Passphrase, o.SeedPassphrase, o.UnlockKey = "", "", seal.Key{} // of no more use
	release, err := o.Storage.Lock(o.accountName())
	if err != nil {
		return nil, err
	}
	w := &Wallet{o: o, key: file.Derive(privatePurpose), file: file, notes: n, account: account, watches: s.Watch.Key != "", release: release, dust: uneconomic(o.Params, account.Kind()), after: o.AutoLock}
	if err := w.load(); err != nil {
		return nil, errors.Join(err, release())
	}
	w.loadPayments()
	w.arm()
	return w, nil
}

// WatchOnly tells whether the wallet has no words: nothing can be spent with it.
func (w *Wallet) WatchOnly() bool { return w.watches }

// Mnemonic reads the seed words from the file again, for a person who backs them up. The caller wipes them.
func (w *Wallet) Mnemonic(passphrase string) (m hd.Mnemonic, seedPassphrase string, err error) {
	if w.watches {
		return hd.Mnemonic{}, "", ErrWatchOnly
	}
	o := w.o
	o.Passphrase = passphrase
	_, s, _, err := readSecret(o)
	if err != nil {
		return hd.Mnemonic{}, "", err
	}
	return s.Words, s.Passphrase, nil
}

// Close saves what was learned and gives the wallet free. Run and Sync must have ended.
func (w *Wallet) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.forget()
	w.pays.wake() // nobody waits for an answer that cannot come any more
	w.mu.Unlock()
	w.running.Lock()
	defer w.running.Unlock()
	w.pays.busy.Lock() // a payment that is just being signed is kept under the key that is cleared below
	defer w.pays.busy.Unlock()
	err := errors.Join(w.save(true), w.release())
	clear(w.key[:])
	return err
}

// Sealed tells whether a passphrase opens the wallet; where it does not, the practice network's key file does.
func (w *Wallet) Sealed() bool {
	e, err := w.o.read()
	return err == nil && len(e.Key) > 0
}

// Name is Options.Name: "" for the network's own wallet.
func (w *Wallet) Name() string { return w.o.Name }

// Params are those of the wallet's coin and network.
func (w *Wallet) Params() *coin.Params { return w.account.Params() }

// Address is the receiving address number index. Asking for one has it watched, below 10,000.
func (w *Wallet) Address(index uint32) (string, error) {
	if w.mustProve() {
		return "", ErrNotProven
	}
	a, err := w.account.Address(hd.Receive, index)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if index < maxIndex && int(index) >= w.state.issued {
		s := w.state.clone()
		s.issued = int(index) + 1
		w.put(s)
		w.stir()
	}
	return a, nil
}

// Path is the derivation path of Address(index).
func (w *Wallet) Path(index uint32) string { return w.account.Path(hd.Receive, index) }

// NextUnused is the first receiving address after every one that was ever paid, and its index. It stays the same
// until it is paid. Where all that are watched were paid, it is the last of them.
func (w *Wallet) NextUnused() (addr string, index uint32, err error) {
	w.mu.Lock()
	index = uint32(min(w.state.used(hd.Receive), maxIndex-1))
	w.mu.Unlock()
	addr, err = w.Address(index)
	return addr, index, err
}

// Balance is what the wallet owns, in parts that do not overlap.
type Balance struct {
	Confirmed   coin.Amount // can be spent
	Immature    coin.Amount // block rewards that are not yet as deep as the coin demands
	Unconfirmed coin.Amount // in no block yet: it may never come
	Dust        coin.Amount // confirmed, in coins so small that to spend them costs more than they are worth
}

// Total is the sum of the parts.
func (b Balance) Total() coin.Amount {
	return add(add(b.Confirmed, b.Immature), add(b.Unconfirmed, b.Dust))
}

// Balance is computed from what was learned last.
func (w *Wallet) Balance() Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owned
}

// Entry is one transaction as it concerns the wallet.
type Entry struct {
	TxID          pow.Hash
	Time          time.Time // of its block, or when it was first seen
	Height        int32     // 0 when unconfirmed
	Confirmations int32
	Amount        coin.Amount // what it adds; negative when it spends
	Reward        bool        // a block's reward
	Matures       int32       // at how many confirmations it can be spent: over 1 for a reward
	Mature        bool        // can be spent
	To            string      // the address that was paid, where this wallet made the payment
	Fee           coin.Amount // of it
}

// History is every transaction, the newest first.
func (w *Wallet) History() []Entry {
	w.mu.Lock()
	s, paid := w.pays.shown, w.pays.byID()
	w.mu.Unlock()
	list := s.entries(w.Params().Maturity)
	for i := range list {
		if p := paid[list[i].TxID]; p != nil {
			list[i].To, list[i].Fee = p.to, p.fee
		}
	}
	return list
}

// Height is that of the last verified block header, -1 before the first.
func (w *Wallet) Height() int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.height
}

func (w *Wallet) dial(ctx context.Context, url string) (jsonrpc.Conn, error) {
	conn, err := w.o.Dial(ctx, url, message.MaxReply)
	if err != nil {
		return nil, fmt.Errorf("connect to the wallet server: %w", err)
	}
	return conn, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
