// Package coin says what a coin is: its algorithm, its units, and on each
// network the parameters of its addresses and keys.
//
// Practice is a network of its own with prefixes of its own: an address of it
// can be mistaken for no other network's, and its coins are worth nothing.
package coin

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

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

// Errors of this package.
var (
	ErrCoin         = errors.New("unknown coin")
	ErrNetwork      = errors.New("unknown network")
	ErrBadAddress   = errors.New("not an address")
	ErrWrongNetwork = errors.New("address of another network")
)

// Coin is a currency.
type Coin struct {
	ID        string // lower case, as on the command line
	Name      string
	Symbol    string
	Algorithm hasher.Algorithm
}

var (
	bitcoin  = Coin{ID: "bitcoin", Name: "Bitcoin", Symbol: "BTC", Algorithm: hasher.SHA256d}
	litecoin = Coin{ID: "litecoin", Name: "Litecoin", Symbol: "LTC", Algorithm: hasher.Scrypt}
	dogecoin = Coin{ID: "dogecoin", Name: "Dogecoin", Symbol: "DOGE", Algorithm: hasher.Scrypt}
)

// All returns every coin.
func All() []Coin { return []Coin{bitcoin, litecoin, dogecoin} }

// ByID returns the coin called id, or [ErrCoin].
func ByID(id string) (Coin, error) {
	for _, c := range All() {
		if c.ID == id {
			return c, nil
		}
	}
	return Coin{}, fmt.Errorf("%w: choose bitcoin, litecoin or dogecoin", ErrCoin)
}

// ForPractice returns the coin whose practice chain uses a.
func ForPractice(a hasher.Algorithm) Coin {
	if a == hasher.Scrypt {
		return litecoin
	}
	return bitcoin
}

// Params are a coin's parameters on one network. They are shared: nobody
// changes them.
type Params struct {
	Coin      Coin
	Network   Network
	Algorithm hasher.Algorithm
	// Chain carries address prefixes and extended-key versions. Of the other
	// fields those of consensus hold for bitcoin alone.
	Chain         *chaincfg.Params
	CoinType      uint32 // SLIP-44, as in a derivation path
	Maturity      int    // how many blocks deep a reward must be to be spent
	BlockInterval time.Duration
	// Purpose is the derivation purpose of a new account: 84, or 44 where the
	// coin has no segregated witness.
	Purpose uint32
}

// Magic numbers of the networks that btcd does not know. Those of Litecoin and
// Dogecoin are their nodes' message start bytes, little-endian; those of
// practice are our own.
const (
	litecoinMain      wire.BitcoinNet = 0xdbb6c0fb
	litecoinTest      wire.BitcoinNet = 0xf1c8d2fd
	litecoinRegtest   wire.BitcoinNet = 0xdab5bffb ^ 0x4c5443 // the node reuses bitcoin's, which is taken
	dogecoinMain      wire.BitcoinNet = 0xc0c0c0c0
	dogecoinTest      wire.BitcoinNet = 0xdcb7c1fc
	dogecoinRegtest   wire.BitcoinNet = 0xdab5bffb ^ 0x444f47 // likewise
	practiceOfSHA256d wire.BitcoinNet = 0x6e617031            // "1pan"
	practiceOfScrypt  wire.BitcoinNet = 0x6e617032            // "2pan"
)

// Versions of Dogecoin's extended keys: they begin with dgpv and dgub.
var (
	dogecoinPrivate = [4]byte{0x02, 0xfa, 0xc3, 0x98}
	dogecoinPublic  = [4]byte{0x02, 0xfa, 0xca, 0xfd}
)

// table builds every Params once. chaincfg keeps its registered prefixes in
// package state, and decoding an address of ours needs them there.
var table = sync.OnceValue(func() map[string]map[Network]*Params {
	all := map[string]map[Network]*Params{}
	add := func(c Coin, n Network, chain *chaincfg.Params, maturity int, interval time.Duration) {
		p := &Params{Coin: c, Network: n, Algorithm: c.Algorithm, Chain: chain, CoinType: chain.HDCoinType,
			Maturity: maturity, BlockInterval: interval, Purpose: 84}
		if chain.Bech32HRPSegwit == "" {
			p.Purpose = 44
		}
		if all[c.ID] == nil {
			all[c.ID] = map[Network]*Params{}
		}
		all[c.ID][n] = p
	}
	// derive returns a copy of one of btcd's networks with other prefixes.
	// Versions of extended keys stay those of bitcoin, as in the coins' nodes,
	// but for Dogecoin's main network.
	derive := func(from chaincfg.Params, name string, net wire.BitcoinNet, hrp string, key, script, wif byte, coinType uint32) *chaincfg.Params {
		p := from
		p.Name, p.Net, p.Bech32HRPSegwit = name, net, hrp
		p.PubKeyHashAddrID, p.ScriptHashAddrID, p.PrivateKeyID, p.HDCoinType = key, script, wif, coinType
		if net == dogecoinMain {
			p.HDPrivateKeyID, p.HDPublicKeyID = dogecoinPrivate, dogecoinPublic
		}
		if err := chaincfg.Register(&p); err != nil {
			// Two of our own networks would have the same number.
			panic(fmt.Sprintf("coin: %s: %v", name, err))
		}
		return &p
	}
	const minute = time.Minute
	add(bitcoin, Main, &chaincfg.MainNetParams, 100, 10*minute)
	add(bitcoin, Test, &chaincfg.TestNet3Params, 100, 10*minute)
	add(bitcoin, Regtest, &chaincfg.RegressionNetParams, 100, 10*minute)
	add(litecoin, Main, derive(chaincfg.MainNetParams, "litecoin", litecoinMain, "ltc", 0x30, 0x32, 0xb0, 2), 100, 150*time.Second)
	add(litecoin, Test, derive(chaincfg.TestNet3Params, "litecoin-test", litecoinTest, "tltc", 0x6f, 0x3a, 0xef, 1), 100, 150*time.Second)
	add(litecoin, Regtest, derive(chaincfg.RegressionNetParams, "litecoin-regtest", litecoinRegtest, "rltc", 0x6f, 0x3a, 0xef, 1), 100, 150*time.Second)
	add(dogecoin, Main, derive(chaincfg.MainNetParams, "dogecoin", dogecoinMain, "", 0x1e, 0x16, 0x9e, 3), 240, minute)
	add(dogecoin, Test, derive(chaincfg.TestNet3Params, "dogecoin-test", dogecoinTest, "", 0x71, 0xc4, 0xf1, 1), 240, minute)
	add(dogecoin, Regtest, derive(chaincfg.RegressionNetParams, "dogecoin-regtest", dogecoinRegtest, "", 0x6f, 0xc4, 0xef, 1), 240, minute)
	// The practice networks take their base58 prefixes from the unused part of
	// the table, so that even an old-style address is their own.
	add(bitcoin, Practice, derive(chaincfg.RegressionNetParams, "practice-sha256d", practiceOfSHA256d, "pan", 0x37, 0x38, 0xb7, 1), PracticeMaturity, PracticeInterval)
	add(litecoin, Practice, derive(chaincfg.RegressionNetParams, "practice-scrypt", practiceOfScrypt, "panl", 0x39, 0x3b, 0xb9, 1), PracticeMaturity, PracticeInterval)
	return all
})

// Rules of the practice chains.
const (
	PracticeMaturity = 5                // blocks
	PracticeInterval = 10 * time.Second // between blocks, on average
	PracticeSubsidy  = 50 * Unit        // a block's reward; it never halves
)

// Params returns the parameters of c on n, or [ErrNetwork] where that chain
// does not exist: there is no practice chain of Dogecoin.
func (c Coin) Params(n Network) (*Params, error) {
	if p := table()[c.ID][n]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %s has no network of that name; choose main, test, regtest or practice", ErrNetwork, c.Name)
}

// maxAddress is longer than any address: bech32 allows 90 characters.
const maxAddress = 100

// DecodeAddress reads an address of exactly this network. A public key in hex,
// which Bitcoin's first nodes took for an address, is refused.
func (p *Params) DecodeAddress(s string) (address.Address, error) {
	if len(s) == 0 || len(s) > maxAddress {
		return nil, ErrBadAddress
	}
	a, err := address.DecodeAddress(s, p.Chain)
	if err != nil {
		for _, networks := range table() {
			for _, other := range networks {
				if other == p {
					continue
				}
				if a, err := address.DecodeAddress(s, other.Chain); err == nil && a.IsForNet(other.Chain) {
					if _, raw := a.(*address.AddressPubKey); !raw {
						return nil, ErrWrongNetwork
					}
				}
			}
		}
		return nil, ErrBadAddress
	}
	if _, raw := a.(*address.AddressPubKey); raw {
		return nil, ErrBadAddress
	}
	if !a.IsForNet(p.Chain) {
		return nil, ErrWrongNetwork
	}
	if _, segwit := a.(interface{ WitnessVersion() byte }); segwit && p.Chain.Bech32HRPSegwit == "" {
		return nil, ErrWrongNetwork
	}
	return a, nil
}

// Script returns the output script that pays addr.
func (p *Params) Script(addr string) ([]byte, error) {
	a, err := p.DecodeAddress(addr)
	if err != nil {
		return nil, err
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		return nil, ErrBadAddress
	}
	return script, nil
}
