// Package wallet keeps seed words sealed at rest, hands out the addresses made of them, and knows from an Electrum
// server, whose every confirmed claim it checks, what they own.
//
// It refuses another chain than the one it knows, a wallet file that another process has open, and real networks
// without a passphrase. It never shows a server's text, writes no secret in clear but a practice network's key
// (whose coins are worth nothing), and never writes over a wallet. Without a server it works with what it knew last.
//
// One seed serves a network; each coin of the network is an account of it. Specifications: see packages hd,
// electrum and seal.
package wallet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

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
	// ErrClosed says that the wallet was closed.
	ErrClosed = errors.New("the wallet is closed")
)

// GapLimit is how many unused addresses in a row end the search for used ones (BIP44).
const GapLimit = 20

// maxIndex bounds the addresses of one chain of an account that are watched.
const maxIndex = 10_000

// Options say which wallet, and how it is kept.
type Options struct {
	Dir     string  // the folder of its files; it is made if it is missing. Not for a browser.
	Storage Storage // instead of Dir
	Params  *coin.Params
	Purpose uint32 // of the derivation path: 44, 49, 84 or 86; 0 for the coin's own

	// Passphrase seals the files. A practice wallet may do without: its key then lies beside it.
	Passphrase string
	WorkFactor int // of the passphrase, when one is set; 0 for the platform's own
	// Words is how many words Create makes: 12, which 0 stands for, or 24.
	Words int
	// SeedPassphrase is BIP39's own, the "25th word", for Create and Restore. It is sealed with the words.
	SeedPassphrase string

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
}

// Format hides the passphrases from logs.
func (Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(wallet options)") }

func (o *Options) defaults() error {
	if o.Params == nil {
		return errors.New("wallet: no network given")
	}
	if o.Purpose == 0 {
		o.Purpose = o.Params.Purpose
	}
	if o.WorkFactor == 0 {
		o.WorkFactor = seal.DefaultWorkFactor
	}
	if o.Words == 0 {
		o.Words = 12
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

// Wallet is one coin's account of an open wallet. All its methods may be called at once, but for Run and Sync, of
// which one runs at a time.
type Wallet struct {
	o       Options
	key     seal.Key
	account *hd.Account
	release func() error
	running sync.Mutex // held by Run and Sync; guards chain
	chain   *electrum.Chain
	saved   savedMarks

	mu     sync.Mutex
	state  *state // replaced as a whole by put, never changed
	owned  Balance
	sync   State
	stir   func() // wakes the session
	closed bool
}

// Format hides the key from logs.
func (*Wallet) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(wallet)") }

// put replaces the state; the caller holds w.mu, or is alone with the wallet.
func (w *Wallet) put(s *state) {
	w.state, w.owned = s, s.balance(w.o.Params.Maturity)
}

// Create makes a wallet with new words.
func Create(o Options) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	m, err := hd.NewMnemonic(o.Words)
	if err != nil {
		return nil, err
	}
	return create(o, m)
}

// Restore makes a wallet of words that a person has.
func Restore(o Options, m hd.Mnemonic) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	return create(o, m)
}

func create(o Options, m hd.Mnemonic) (*Wallet, error) {
	if o.Passphrase == "" && o.Params.Network != coin.Practice {
		return nil, ErrNoPassphrase
	}
	if len(m.Words()) == 0 {
		return nil, hd.ErrLength // else the seed of no words would be kept, and never open again
	}
	// An account that cannot be derived must fail before anything is written.
	account, err := derive(o, m, o.SeedPassphrase)
	if err != nil {
		return nil, err
	}
	key, err := writeSecret(o, secret{Words: m, Passphrase: o.SeedPassphrase, Created: o.now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil, err
	}
	return open(o, key, account)
}

// Open opens the network's wallet. It fails with ErrMissing, ErrInUse, ErrDamaged, ErrKeyFile, or
// seal.ErrPassphrase.
func Open(o Options) (*Wallet, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	key, s, err := readSecret(o)
	if err != nil {
		return nil, err
	}
	account, err := derive(o, s.Words, s.Passphrase)
	if err != nil {
		return nil, err
	}
	return open(o, key, account)
}

// derive makes the account, and leaves no seed behind.
func derive(o Options, m hd.Mnemonic, seedPassphrase string) (*hd.Account, error) {
	seed := m.Seed(seedPassphrase)
	defer clear(seed)
	return hd.NewAccount(seed, o.Params, o.Purpose, 0)
}

func open(o Options, key seal.Key, account *hd.Account) (*Wallet, error) {
	o.Passphrase, o.SeedPassphrase = "", "" // of no more use
	release, err := o.Storage.Lock(accountName(o))
	if err != nil {
		return nil, err
	}
	w := &Wallet{o: o, key: key, account: account, release: release, stir: func() {}}
	if err := w.load(); err != nil {
		return nil, errors.Join(err, release())
	}
	return w, nil
}

// Mnemonic reads the seed words from the file again, for a person who backs them up.
func (w *Wallet) Mnemonic(passphrase string) (m hd.Mnemonic, seedPassphrase string, err error) {
	o := w.o
	o.Passphrase = passphrase
	_, s, err := readSecret(o)
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
	w.mu.Unlock()
	w.running.Lock()
	defer w.running.Unlock()
	return errors.Join(w.save(true), w.release())
}

// Params are those of the wallet's coin and network.
func (w *Wallet) Params() *coin.Params { return w.account.Params() }

// Address is the receiving address number index. Asking for one has it watched, below 10,000.
func (w *Wallet) Address(index uint32) (string, error) {
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
// until it is paid.
func (w *Wallet) NextUnused() (addr string, index uint32, err error) {
	w.mu.Lock()
	index = uint32(w.state.used(hd.Receive))
	w.mu.Unlock()
	addr, err = w.Address(index)
	return addr, index, err
}

// Balance is what the wallet owns, in three parts that do not overlap.
type Balance struct {
	Confirmed   coin.Amount // can be spent
	Immature    coin.Amount // block rewards that are not yet as deep as the coin demands
	Unconfirmed coin.Amount // in no block yet: it may never come
}

// Total is the sum of the three.
func (b Balance) Total() coin.Amount { return add(add(b.Confirmed, b.Immature), b.Unconfirmed) }

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
	Mature        bool        // can be spent
}

// History is every transaction, the newest first.
func (w *Wallet) History() []Entry {
	w.mu.Lock()
	s := w.state
	w.mu.Unlock()
	return s.entries(w.Params().Maturity)
}

// Height is that of the last verified block header, -1 before the first.
func (w *Wallet) Height() int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state.height
}

// State says how the wallet stands with its server.
type State struct {
	Connected bool
	Synced    bool  // what is shown is what the server knows
	Err       error // why the last connection ended, or nil; in our own words
}

// State is the present one.
func (w *Wallet) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sync
}

func (w *Wallet) setState(s State) {
	w.mu.Lock()
	w.sync = s
	w.mu.Unlock()
	w.o.Changed()
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
