// Package counter serves the page's wallet as a bank's counter does: each call is a name and a JSON object, and so is
// its answer.
//
// It shows words only against the passphrase, gives no address before the words, or a backup file, were proven to bring
// the wallet back (a browser may throw away what it keeps), asks for a passphrase that is not soon guessed even where
// the coins are worth nothing, and contacts no server but the one that a call names. Errors become words for whoever
// translates (Explain); a server's text is never among them.
//
// Amounts are decimal strings in whole coins, times seconds since 1970, bytes base64.
package counter

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/core/seal"
	"goldpan/wallet"
)

const (
	// autoLock locks the wallet this long after its words were last used, however the page fares.
	autoLock = 10 * time.Minute
	// minStrength is what a new passphrase must have, in bits.
	minStrength = max(50, seal.MinStrength)
	// maxCall bounds a call, in bytes: a backup file is the largest part of one.
	maxCall = 32 << 20
	// handover is how long a wallet that another page has just closed is waited for.
	handover = 5 * time.Second
)

// Options say where the wallet is kept.
type Options struct {
	Storage    wallet.Storage
	Persistent bool  // the browser promised not to throw it away by itself
	Unusable   error // why there is no Storage; every call but "able" fails with it
	Changed    func()
	WorkFactor int // of passphrases; 0 for the platform's own

	network wallet.Options // Dial, for tests
}

// Counter serves one wallet at a time. Its methods are safe for concurrent use.
type Counter struct {
	o     Options
	calls map[string]func(*Counter, []byte) (any, error)

	serving sync.Mutex // held by calls that open, close or change the wallet

	mu     sync.Mutex
	params *coin.Params // of the wallet that was chosen
	w      *wallet.Wallet
	url    string // of the server that is followed; ""
	stop   func() // ends following it, and waits

	plans   int            // how many were made
	planned wallet.Payment // the last
}

// New makes a counter. Nothing is opened yet.
func New(o Options) *Counter {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Counter{o: o, calls: calls()}
}

var (
	errCall   = errors.New("the page asked for what the wallet does not know")
	errClosed = errors.New("no wallet is open")
	errUnfit  = errors.New("no wallet was chosen")
)

// in makes a call of a method that takes an object and gives one.
func in[A, B any](f func(*Counter, A) (B, error)) func(*Counter, []byte) (any, error) {
	return func(c *Counter, b []byte) (any, error) {
		var a A
		if len(b) > maxCall || json.Unmarshal(b, &a) != nil {
			return nil, errCall
		}
		return f(c, a)
	}
}

type none struct{}

func calls() map[string]func(*Counter, []byte) (any, error) {
	return map[string]func(*Counter, []byte) (any, error){
		"able":        in((*Counter).able),
		"offers":      in((*Counter).offers),
		"choose":      in((*Counter).choose),
		"strength":    in((*Counter).strength),
		"suggest":     in((*Counter).suggest),
		"create":      in((*Counter).create),
		"complete":    in((*Counter).complete),
		"check":       in((*Counter).check),
		"restore":     in((*Counter).restore),
		"restorefile": in((*Counter).restoreFile),
		"open":        in((*Counter).open),
		"lock":        in((*Counter).lock),
		"close":       in((*Counter).close),
		"status":      in((*Counter).status),
		"words":       in((*Counter).words),
		"challenge":   in((*Counter).challenge),
		"answer":      in((*Counter).answer),
		"receive":     in((*Counter).receive),
		"mine":        in((*Counter).mine),
		"label":       in((*Counter).label),
		"backup":      in((*Counter).backup),
		"verify":      in((*Counter).verify),
		"export":      in((*Counter).export),
		"plan":        in((*Counter).plan),
		"pay":         in((*Counter).pay),
		"giveup":      in((*Counter).giveUp),
		"follow":      in((*Counter).follow),
		"unfollow":    in((*Counter).unfollow),
		"renew":       in((*Counter).renew),
	}
}

// Call serves one call.
func (c *Counter) Call(name string, ask []byte) (any, error) {
	f := c.calls[name]
	if f == nil {
		return nil, errCall
	}
	if c.o.Unusable != nil && name != "able" {
		return nil, c.o.Unusable
	}
	return f(c, ask)
}

type able struct {
	Persistent bool `json:"persistent"`
}

// able tells whether a wallet can be kept here at all.
func (c *Counter) able(none) (able, error) {
	return able{c.o.Persistent}, c.o.Unusable
}

// opened is the wallet that is open.
func (c *Counter) opened() (*wallet.Wallet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.w == nil {
		return nil, errClosed
	}
	return c.w, nil
}

// options are those of the chosen wallet.
func (c *Counter) options() (wallet.Options, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.params == nil {
		return wallet.Options{}, errUnfit
	}
	o := c.o.network
	o.Storage, o.Params, o.WorkFactor = c.o.Storage, c.params, c.o.WorkFactor
	o.AutoLock, o.Changed, o.MinStrength, o.ProveFirst = autoLock, c.o.Changed, minStrength, true
	return o, nil
}

// adopt takes a wallet that was just opened.
func (c *Counter) adopt(w *wallet.Wallet) {
	c.mu.Lock()
	c.w = w
	c.mu.Unlock()
}

type followed struct {
	URL string `json:"url"`
}

// follow stays in step with a server from now on, and leaves the one before.
func (c *Counter) follow(f followed) (none, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	w, err := c.opened()
	if err != nil {
		return none{}, err
	}
	if err := mayFollow(f.URL); err != nil {
		return none{}, err
	}
	c.leave()
	c.begin(w, f.URL)
	return none{}, nil
}

func (c *Counter) begin(w *wallet.Wallet, address string) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx, address) // State tells how it goes
		c.o.Changed()
	}()
	c.mu.Lock()
	c.url = address
	c.stop = func() { cancel(); <-ended }
	c.mu.Unlock()
}

// renew takes the chain of the server that is followed for the wallet's from now on: a practice chain may be begun anew,
// and its coins were worth nothing. A wallet of any other network keeps its chain: errUnfit.
func (c *Counter) renew(none) (none, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	w, err := c.opened()
	if err != nil {
		return none{}, err
	}
	if w.Params().Network != coin.Practice {
		return none{}, errUnfit
	}
	c.mu.Lock()
	address := c.url
	c.mu.Unlock()
	if address == "" {
		return none{}, errServer
	}
	c.leave()
	err = w.FixGenesis(pow.Hash{})
	c.begin(w, address)
	return none{}, err
}

// unfollow leaves the server.
func (c *Counter) unfollow(none) (none, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	c.leave()
	return none{}, nil
}

func (c *Counter) leave() {
	c.mu.Lock()
	stop := c.stop
	c.stop, c.url = nil, ""
	c.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// close closes the wallet; what was chosen stays.
func (c *Counter) close(none) (none, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	return none{}, c.shut()
}

func (c *Counter) shut() error {
	c.leave()
	c.mu.Lock()
	w := c.w
	c.w = nil
	c.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.Close()
}
