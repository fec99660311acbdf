package purse

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"goldpan/app/desk"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/label"
	"goldpan/wallet/uri"
)

// Account is one wallet of a Purse. Its methods may be called by several goroutines.
type Account struct {
	purse *Purse
	id    ID
	watch bool // it has no words

	mu      sync.Mutex
	w       *wallet.Wallet // nil until it is opened
	lent    bool           // somebody else keeps it in step, and closes it
	sealed  bool
	servers []string
	run     *following
	failed  error // how the last run ended by itself
	given   int   // index of the address that was asked for; it is shown until it is paid
	labels  map[string]string
	changes uint64 // of labels and of what was proven
}

// following is one Wallet.Run.
type following struct {
	cancel context.CancelFunc
	done   chan struct{}
	urls   []string
}

// State says what a wallet can do now.
type State int

// The states.
const (
	Shut   State = iota // not opened since the program began: nothing of it is known
	Locked              // it watches, and its words are out of reach
	Open
)

// Snapshot is how a wallet stands.
type Snapshot struct {
	ID        ID
	Params    *coin.Params
	State     State
	WatchOnly bool
	Sealed    bool // a passphrase opens it
	BackedUp  bool
	Backup    wallet.Backup

	Balance wallet.Balance

	Address   string // to be paid at: the same until it is paid, or another is asked for
	Index     uint32
	Path      string
	NoAddress error // why there is none

	Named   []string     // servers that the person named
	Sync    wallet.State // how it stands with them
	Height  int32        // of the last proven block, -1 before the first
	Failed  error        // why nothing is synced any more
	Changes uint64       // grows when labels change; see History
}

// Ripening says of the rewards that cannot be spent yet how far the first of them is.
type Ripening struct {
	Rewards int   // how many ripen
	Deep    int32 // blocks on the one that will be ripe first, itself included
	Needs   int32 // how many there must be
}

// Entry is one line of a history.
type Entry struct {
	wallet.Entry
	Label string
}

// ID names the wallet.
func (a *Account) ID() ID { return a.id }

// WatchOnly tells whether the wallet has no words.
func (a *Account) WatchOnly() bool { return a.watch }

func (a *Account) wallet() (*wallet.Wallet, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.w == nil {
		return nil, ErrShut
	}
	return a.w, nil
}

// named are its servers; the caller may hold the purse's lock.
func (a *Account) named() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.servers)
}

// open opens it, or unlocks it where it is open.
func (a *Account) open(passphrase string, key seal.Key) error {
	if w, err := a.wallet(); err == nil {
		if key != (seal.Key{}) {
			return w.UnlockWith(key)
		}
		return w.Unlock(passphrase)
	}
	o, err := a.purse.walletOptions(a.id)
	if err != nil {
		return err
	}
	o.Passphrase, o.UnlockKey = passphrase, key
	w, err := wallet.Open(o)
	if err != nil {
		return err
	}
	return a.opened(w)
}

// opened takes a wallet over.
func (a *Account) opened(w *wallet.Wallet) error {
	a.purse.mu.Lock()
	closed := a.purse.closed
	a.purse.mu.Unlock()
	a.mu.Lock()
	if closed || a.w != nil {
		a.mu.Unlock()
		return errors.Join(wallet.ErrClosed, w.Close())
	}
	a.w, a.sealed, a.labels = w, w.Sealed(), nil
	a.mu.Unlock()
	a.purse.stir()
	return nil
}

// Lock puts the words out of reach, for every coin of them, as Open opens them; the wallets go on watching.
func (a *Account) Lock() {
	for _, b := range a.purse.Accounts() {
		if b.id.group() != a.id.group() {
			continue
		}
		if w, err := b.wallet(); err == nil {
			w.Lock()
		}
	}
}

// Snapshot is the present one. It reads no file but the labels, once.
func (a *Account) Snapshot() Snapshot {
	a.mu.Lock()
	w, s := a.w, Snapshot{ID: a.id, WatchOnly: a.watch, Sealed: a.sealed, Named: slices.Clone(a.servers), Failed: a.failed, Changes: a.changes, Height: -1}
	given := a.given
	a.mu.Unlock()
	s.Params, _ = a.id.Params() // New and Make took no other
	if w == nil {
		return s
	}
	s.State = Open
	if w.Locked() && !a.watch {
		s.State = Locked
	}
	s.BackedUp, s.Backup = w.BackedUp(), w.Backup()
	s.Balance, s.Height, s.Sync = w.Balance(), w.Height(), w.State()
	s.Address, s.Index, s.NoAddress = w.NextUnused()
	if uint32(given) > s.Index && s.NoAddress == nil {
		s.Index = uint32(given)
		s.Address, s.NoAddress = w.Address(s.Index)
	}
	s.Path = w.Path(s.Index)
	return s
}

// History is every transaction, the newest first, and how far the rewards among them are. Its cost grows with their
// number: it is asked for when Height, Balance or Changes of a Snapshot have changed.
func (a *Account) History() ([]Entry, Ripening) {
	w, err := a.wallet()
	if err != nil {
		return nil, Ripening{}
	}
	labels := a.texts(w)
	list := w.History()
	entries := make([]Entry, len(list))
	var r Ripening
	for i, e := range list {
		entries[i] = Entry{e, labels[e.TxID.String()]}
		if e.Reward && !e.Mature && e.Height > 0 {
			r.Rewards++
			if r.Deep <= e.Confirmations {
				r.Deep, r.Needs = e.Confirmations, e.Matures
			}
		}
	}
	return entries, r
}

// texts are the labels by reference.
func (a *Account) texts(w *wallet.Wallet) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.labels == nil {
		list, err := w.Labels()
		if err != nil {
			return nil // a label is no reason to hide a history
		}
		a.labels = map[string]string{}
		for _, x := range list {
			a.labels[x.Ref] = x.Label
		}
	}
	return a.labels
}

// changed has labels read anew.
func (a *Account) changed() {
	a.mu.Lock()
	a.labels = nil
	a.changes++
	a.mu.Unlock()
}

// Label names a transaction, or with addr an address; an empty text takes the name away.
func (a *Account) Label(ref, text string, addr bool) error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	kind := label.Tx
	if addr {
		kind = label.Address
	}
	if err := w.SetLabel(kind, ref, text); err != nil {
		return err
	}
	a.changed()
	return nil
}

// LabelOf is the label of an address or a transaction, or "".
func (a *Account) LabelOf(ref string) string {
	w, err := a.wallet()
	if err != nil {
		return ""
	}
	return a.texts(w)[ref]
}

// Fresh shows an address that was given to nobody yet.
func (a *Account) Fresh() error {
	w, err := a.wallet()
	if err != nil {
		return err
	}
	_, index, err := w.Fresh()
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.given = int(index)
	a.mu.Unlock()
	return nil
}

// Link is a payment link to an address (BIP21), with an amount unless it is 0.
func (a *Account) Link(address string, amount coin.Amount) string {
	p, err := a.id.Params()
	if err != nil {
		return address
	}
	return uri.Format(p, uri.Request{Address: coin.Address{Text: address}, Amount: amount})
}

// Mine tells whether an address is the wallet's, and its path.
func (a *Account) Mine(address string) (path string, ok bool, err error) {
	w, err := a.wallet()
	if err != nil {
		return "", false, err
	}
	path, ok, err = w.Mine(address)
	var shared *coin.AmbiguousError
	if errors.As(err, &shared) {
		return w.Mine(shared.Means.Text)
	}
	return path, ok, err
}

// Payout is where what is mined is to be paid; see desk.PayoutAddress.
func (a *Account) Payout() (string, error) {
	w, err := a.wallet()
	if err != nil {
		return "", err
	}
	return desk.PayoutAddress(w)
}

// SetServers names the servers that are asked from now on; none is asked where there are none.
func (a *Account) SetServers(urls ...string) error {
	if err := checkServers(urls); err != nil {
		return err
	}
	a.mu.Lock()
	a.servers, a.failed = slices.Clone(urls), nil
	a.mu.Unlock()
	err := a.purse.keep()
	a.purse.stir()
	return err
}

// Contacts are the servers that the person named, by host, and the proxy that the settings name, or "".
func (a *Account) Contacts() (hosts []string, proxy string, err error) {
	for _, u := range a.named() {
		hosts = append(hosts, Host(u))
	}
	d, err := desk.WalletDialer(a.purse.desk.Dir(), "")
	if err != nil {
		return hosts, "", err
	}
	if d.Proxy.IsZero() {
		return hosts, "", nil
	}
	return hosts, d.Proxy.String(), nil
}

// Certificate is a certificate that a server showed and that nobody vouches for, or nil.
func (s Snapshot) Certificate() *jsonrpc.CertificateError {
	for _, x := range s.Sync.Servers {
		var c *jsonrpc.CertificateError
		if errors.As(x.Err, &c) {
			return c
		}
	}
	return nil
}

// Proven is when the person last proved a backup; the zero time for never.
func (s Snapshot) Proven() time.Time {
	if s.Backup.Words.After(s.Backup.File) {
		return s.Backup.Words
	}
	return s.Backup.File
}
