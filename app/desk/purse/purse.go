package purse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

var (
	// ErrShut says that a wallet was not opened since the program began.
	ErrShut = errors.New("the wallet is not open")
	// ErrListed says that this wallet is shown already.
	ErrListed = errors.New("that wallet is in the list already")
	// ErrServer says that a text is no wallet server's address.
	ErrServer = errors.New("a wallet server's address begins with tls://, tcp://, wss:// or ws://, and has a port")
	// ErrServers says that too many servers were named, or one twice.
	ErrServers = errors.New("name each server once, and at most eight")
)

// ID names a wallet that is shown: one account of the words of a network, or one that is watched.
type ID struct {
	Coin    string       `json:"coin"`
	Network coin.Network `json:"network"`
	Name    string       `json:"name,omitempty"` // wallet.Options.Name: "" for the network's own words
	Path    string       `json:"path,omitempty"` // "" for the coin's own path, else as hd.Path writes it: "m/44'/0'/0', pkh"
}

// Params are those of the coin and the network.
func (i ID) Params() (*coin.Params, error) {
	c, err := coin.ByID(i.Coin)
	if err != nil {
		return nil, err
	}
	return c.Params(i.Network)
}

// group is what one passphrase opens.
type group struct {
	network coin.Network
	name    string
}

func (i ID) group() group { return group{i.Network, i.Name} }

// DefaultAutoLock is how long a wallet stays unlocked unless the person says otherwise.
const DefaultAutoLock = 10 * time.Minute

// Dial connects to a wallet server.
type Dial func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error)

// Options are for tests; the zero value is what a program uses.
type Options struct {
	Dial       Dial // instead of desk.WalletDialer's
	WorkFactor int  // of new passphrases; 0 for the platform's own
}

// Purse is every wallet of a data directory. Its methods may be called by several goroutines; those that open, make
// or prove take the time of a key derivation, about a second.
type Purse struct {
	desk    *desk.Desk
	options Options
	wake    chan struct{} // what is to be synced has changed

	mu       sync.Mutex
	book     book
	accounts []*Account
	closed   bool
}

// New lists the wallets of d. It opens none.
func New(d *desk.Desk, o Options) (*Purse, error) {
	p := &Purse{desk: d, options: o, wake: make(chan struct{}, 1)}
	b, err := readBook(d.Dir())
	if err != nil {
		return nil, err
	}
	found, err := discover(d.Dir())
	if err != nil {
		return nil, err
	}
	p.book = b
	for _, e := range b.Wallets {
		if err := p.exists(e.ID); errors.Is(err, wallet.ErrMissing) {
			continue // its file was taken away
		}
		p.accounts = append(p.accounts, &Account{purse: p, id: e.ID, watch: e.Watch, servers: e.Servers})
	}
	for _, id := range found {
		if p.find(id) == nil {
			p.accounts = append(p.accounts, &Account{purse: p, id: id, watch: strings.HasPrefix(id.Name, watchName)})
		}
	}
	slices.SortStableFunc(p.accounts, func(a, b *Account) int { return compare(a.id, b.id) })
	return p, nil
}

// compare puts real coins first, in the order of coin.All, then the worthless.
func compare(a, b ID) int {
	place := func(i ID) int {
		for n, c := range coin.All() {
			if c.ID == i.Coin {
				return n
			}
		}
		return 0
	}
	network := func(i ID) int { return slices.Index(coin.Networks(), i.Network) }
	return cmp.Or(cmp.Compare(network(a), network(b)), cmp.Compare(a.Name, b.Name), cmp.Compare(place(a), place(b)), cmp.Compare(a.Path, b.Path))
}

// find is the account of an ID; the caller holds p.mu, or is alone with the purse.
func (p *Purse) find(id ID) *Account {
	for _, a := range p.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}

func (p *Purse) exists(id ID) error {
	o, err := p.walletOptions(id)
	if err != nil {
		return err
	}
	return wallet.Exists(o)
}

// walletOptions are what opens or makes the wallet of an ID, but for what a person knows.
func (p *Purse) walletOptions(id ID) (wallet.Options, error) {
	params, err := id.Params()
	if err != nil {
		return wallet.Options{}, err
	}
	o := p.desk.WalletOptions(params)
	o.Name, o.WorkFactor = id.Name, p.options.WorkFactor
	if o.Path, err = parsePath(id.Path); err != nil {
		return wallet.Options{}, err
	}
	p.mu.Lock()
	o.AutoLock = p.book.autoLock()
	p.mu.Unlock()
	o.Dial = func(ctx context.Context, url string, limit int) (jsonrpc.Conn, error) {
		dial := p.options.Dial
		if dial == nil {
			d, err := desk.WalletDialer(p.desk.Dir(), "") // the settings may have changed since
			if err != nil {
				return nil, err
			}
			dial = d.Dial
		}
		return dial(ctx, url, limit)
	}
	return o, nil
}

// parsePath reads what hd.Path writes; "" is the zero path.
func parsePath(s string) (hd.Path, error) {
	if s == "" {
		return hd.Path{}, nil
	}
	steps, kind, ok := strings.Cut(strings.TrimPrefix(s, "m/"), ", ")
	if !ok || !slices.Contains(hd.Kinds(), hd.Kind(kind)) {
		return hd.Path{}, fmt.Errorf("purse: %q is no path", s)
	}
	return hd.Path{Kind: hd.Kind(kind), Steps: steps}, nil
}

// Accounts are the wallets, the real ones first.
func (p *Purse) Accounts() []*Account {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.accounts)
}

// Words tells whether a network has words already, so that another coin of it needs no new ones.
func (p *Purse) Words(n coin.Network) bool {
	for _, c := range coin.All() {
		if p.exists(ID{Coin: c.ID, Network: n}) == nil {
			return true
		}
	}
	return false
}

// How wallets of words of their own, and those that are watched, are called.
const (
	wordsName = "words-"
	watchName = "watch-"
)

// fresh is a name that no wallet of the network has.
func (p *Purse) fresh(id ID, prefix string) ID {
	for n := 2; ; n++ {
		id.Name = prefix + strconv.Itoa(n)
		if err := p.exists(id); err != nil {
			return id
		}
	}
}

// Making is what makes a wallet.
type Making struct {
	Coin       string
	Network    coin.Network
	Passphrase string // seals it; none for the practice network

	// One of these, or none for new words.
	Words          []string // of another program, or of paper
	SeedPassphrase string   // BIP39's own, with Words
	Backup         []byte   // a backup file's content
	BackupWord     string   // its passphrase
	Watch          string   // an extended public key or a descriptor
	Kind           string   // of Watch where it does not tell: pkh, sh(wpkh), wpkh or tr
}

// Make makes a wallet and opens it. Where the network has words already, it stands beside them.
func (p *Purse) Make(m Making) (*Account, error) {
	id := ID{Coin: m.Coin, Network: m.Network}
	switch {
	case m.Watch != "":
		id = p.fresh(id, watchName)
	case p.Words(m.Network):
		id = p.fresh(id, wordsName)
	}
	o, err := p.walletOptions(id)
	if err != nil {
		return nil, err
	}
	o.Passphrase, o.SeedPassphrase = m.Passphrase, m.SeedPassphrase
	var w *wallet.Wallet
	switch {
	case m.Watch != "":
		o.Path.Kind = hd.Kind(m.Kind)
		w, err = wallet.Watch(o, m.Watch)
	case m.Backup != nil:
		w, err = wallet.RestoreBackup(o, m.Backup, m.BackupWord)
	case m.Words != nil:
		var words hd.Mnemonic
		if words, err = hd.ParseMnemonic(strings.Join(m.Words, " ")); err == nil {
			defer words.Wipe()
			w, err = wallet.Restore(o, words)
		}
	default:
		w, err = wallet.Create(o)
	}
	if err != nil {
		return nil, err
	}
	a := &Account{purse: p, id: id, watch: w.WatchOnly()}
	if err := p.add(a); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return a, a.opened(w)
}

// Strong says of a new passphrase how many bits a guesser must try, and refuses one that is too soon guessed with
// wallet.ErrWeak or wallet.ErrNoPassphrase.
func (p *Purse) Strong(n coin.Network, passphrase string) (bits float64, enough bool) {
	bits = seal.Strength(passphrase)
	o, err := p.walletOptions(ID{Coin: coin.All()[0].ID, Network: n})
	return bits, err == nil && (passphrase != "" || n == coin.Practice) && o.Strong(passphrase) == nil
}

// Show puts another coin, or another path, of words that are there into the list. It must be opened.
func (p *Purse) Show(id ID) (*Account, error) {
	if err := p.exists(id); err != nil {
		return nil, err
	}
	p.mu.Lock()
	a := p.find(id)
	p.mu.Unlock()
	if a != nil {
		return a, ErrListed
	}
	a = &Account{purse: p, id: id}
	return a, p.add(a)
}

func (p *Purse) add(a *Account) error {
	p.mu.Lock()
	p.accounts = append(p.accounts, a)
	slices.SortStableFunc(p.accounts, func(a, b *Account) int { return compare(a.id, b.id) })
	p.mu.Unlock()
	return p.keep()
}

// Open opens every coin of the words that an account is of. An empty passphrase has the system's keyring open them, if
// it was told to keep a key.
func (p *Purse) Open(ctx context.Context, a *Account, passphrase string) error {
	var key seal.Key
	defer clear(key[:])
	if passphrase == "" && a.id.Network != coin.Practice {
		o, err := p.walletOptions(a.id)
		if err != nil {
			return err
		}
		if key, err = p.desk.KeptUnlockKey(ctx, o); err != nil {
			return err
		}
		if key == (seal.Key{}) {
			return seal.ErrPassphrase
		}
	}
	// The one that was asked for comes first: if its passphrase is wrong, nothing else is tried.
	all := p.Accounts()
	slices.SortStableFunc(all, func(x, y *Account) int {
		return cmp.Compare(btoi(x != a), btoi(y != a))
	})
	for _, b := range all {
		if b.id.group() != a.id.group() {
			continue
		}
		if err := b.open(passphrase, key); err != nil && (b == a || !errors.Is(err, wallet.ErrInUse)) {
			return err
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// KeyringOpens tells whether the keyring was told to keep what opens a wallet.
func (p *Purse) KeyringOpens(a *Account) bool {
	o, err := p.walletOptions(a.id)
	if err != nil {
		return false
	}
	takes, err := wallet.TakesUnlockKey(o)
	return err == nil && takes
}

// Trust keeps a server's key from now on, once the person has compared its fingerprint, and connects to it at once.
func (p *Purse) Trust(host, fingerprint string) error {
	known, err := desk.OpenKnownServers(p.desk.Dir())
	if err != nil {
		return err
	}
	if err := known.Add(host, fingerprint); err != nil {
		return err
	}
	for _, a := range p.Accounts() {
		a.again()
	}
	return nil
}

// AutoLock is after how long a wallet locks itself; 0 is never.
func (p *Purse) AutoLock() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.book.autoLock()
}

// SetAutoLock changes it, also for what is open.
func (p *Purse) SetAutoLock(after time.Duration) error {
	p.mu.Lock()
	p.book.setAutoLock(after)
	p.mu.Unlock()
	for _, a := range p.Accounts() {
		if w, err := a.wallet(); err == nil && a.id.Network != coin.Practice {
			w.SetAutoLock(after)
		}
	}
	return p.keep()
}
