// Package coin says what a coin is: its algorithm, its units, what its blocks
// create, and on each network the parameters of its addresses and keys. It also
// reads addresses, and lists the pools that Goldpan knows.
//
// A coin is a data file of assets/presets, and so is a pool: one that uses parts
// that are known needs no code. Files are read strictly: what is unknown or out
// of range is refused.
//
// Practice is a network of its own with prefixes of its own: an address of it
// can be mistaken for no other network's, and its coins are worth nothing.
//
// Addresses follow Base58Check, BIP 173, BIP 350 and SLIP-173; coin types
// SLIP-44.
package coin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"goldpan/assets/presets"
	"goldpan/core/hasher"
)

// Network tells chains of one coin apart.
type Network string

// The networks.
const (
	Main     Network = "main"
	Test     Network = "test"
	Regtest  Network = "regtest"
	Practice Network = "practice" // embedded, worth nothing
)

// Networks returns every network, the real one first.
func Networks() []Network { return []Network{Main, Test, Regtest, Practice} }

// Errors of this package.
var (
	ErrCoin    = errors.New("unknown coin")
	ErrNetwork = errors.New("unknown network")
)

// Coin is a currency.
type Coin struct {
	ID        string // lower case, as on the command line
	Name      string
	Symbol    string
	Algorithm hasher.Algorithm
}

// Ended is a coin that people look for and that cannot be mined any more.
type Ended struct {
	ID, Name, Symbol string
	Since            string // the day, as 2006-01-02
	Why              string // one sentence
	Source           string
}

// EndedError says that a coin cannot be mined any more, and why. It is an
// [ErrCoin].
type EndedError struct{ Coin Ended }

func (e *EndedError) Error() string { return e.Coin.Why }

// Is tells errors.Is that the coin is none of ours.
func (e *EndedError) Is(target error) bool { return target == ErrCoin }

// book is everything that was read.
type book struct {
	coins  []Coin
	params map[string]map[Network]*Params
	ended  []Ended
	pools  []Pool
}

// shelf reads the embedded files once. chaincfg keeps its registered prefixes
// in package state, and keys are derived with what it finds there.
var shelf = sync.OnceValue(func() *book {
	b, err := load(presets.Files())
	if err != nil {
		panic("coin: " + err.Error()) // the files are ours and embedded
	}
	return b
})

// All returns every coin that can be mined.
func All() []Coin { return slices.Clone(shelf().coins) }

// NotMineable returns the coins that cannot be mined any more, for wherever
// somebody looks for them.
func NotMineable() []Ended { return slices.Clone(shelf().ended) }

// ByID returns the coin called id, or [ErrCoin], which for a coin that cannot
// be mined any more is an [*EndedError].
func ByID(id string) (Coin, error) { return shelf().byID(id) }

func (b *book) byID(id string) (Coin, error) {
	var known []string
	for _, c := range b.coins {
		if c.ID == id {
			return c, nil
		}
		known = append(known, c.ID)
	}
	for _, e := range b.ended {
		if e.ID == id {
			return Coin{}, &EndedError{Coin: e}
		}
	}
	return Coin{}, fmt.Errorf("%w: choose %s", ErrCoin, or(known))
}

// or joins words as "a, b or c".
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// ForPractice returns the coin whose practice chain uses a.
func ForPractice(a hasher.Algorithm) Coin {
	b := shelf()
	for _, c := range b.coins {
		if c.Algorithm == a && b.params[c.ID][Practice] != nil {
			return c
		}
	}
	return b.coins[0]
}

// Params are a coin's parameters on one network. They are shared: nobody
// changes them.
type Params struct {
	Coin      Coin
	Network   Network
	Algorithm hasher.Algorithm
	// Chain carries address prefixes and extended-key versions. Of the other
	// fields those of consensus hold for bitcoin alone, and Net is a number that
	// tells our networks apart: a node's is Magic.
	Chain         *chaincfg.Params
	CoinType      uint32 // SLIP-44, as in a derivation path
	Maturity      int    // how many blocks deep a reward must be to be spent
	BlockInterval time.Duration
	// Purpose is the derivation purpose of a new account: 84, or 44 where the
	// coin has no segregated witness.
	Purpose uint32
	// Magic is how each message of the coin's nodes begins, as sent. Networks of
	// different coins may share it.
	Magic            [4]byte
	P2PPort, RPCPort int // a node's defaults; 0 where there is no node
	Template         Template
	Denominations    []Denomination // the whole coin first
	Explorers        []Explorer     // none for networks that nobody shows

	scripts  []byte // prefixes of pay-to-script-hash addresses; the first is written
	mweb     string // what addresses of extension blocks begin with; "" for none
	emission []tier
	book     *book
}

// Template is what a node must be asked with for work (getblocktemplate).
type Template struct {
	Rules []string // the rules that the miner must know
	// FixedVersion forbids changing the block's version, of which a part names
	// the chain.
	FixedVersion bool
}

// Denomination is a unit of account: 10 to the power of Decimals smallest
// units.
type Denomination struct {
	Name, Symbol string
	Decimals     int // 0 to 8, also for [Amount.Format]
}

// Rules of the practice chains.
const (
	PracticeMaturity = 5                // blocks
	PracticeInterval = 10 * time.Second // between blocks, on average
	PracticeSubsidy  = 50 * Unit        // a block's reward; it never halves
)

// Params returns the parameters of c on n, or [ErrNetwork] where that chain
// does not exist: there is no practice chain of Dogecoin.
func (c Coin) Params(n Network) (*Params, error) { return shelf().find(c, n) }

func (b *book) find(c Coin, n Network) (*Params, error) {
	if p := b.params[c.ID][n]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %s has no network of that name; choose main, test, regtest or practice", ErrNetwork, c.Name)
}

// all returns every network of every coin in one fixed order.
func (b *book) all() []*Params {
	var found []*Params
	for _, c := range b.coins {
		for _, n := range Networks() {
			if p := b.params[c.ID][n]; p != nil {
				found = append(found, p)
			}
		}
	}
	return found
}
