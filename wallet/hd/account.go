// Package hd makes seed words, and of a seed the addresses of an account.
//
// It refuses words that are in no list or fail their checksum, derives no address of another network, and keeps no
// private key: an Account holds public keys alone, and whoever signs derives anew from the seed.
//
// It watches an account of which it has the public key alone: an extended key, or an output descriptor.
//
// Specifications: BIP39 (all nine lists), BIP32, BIP43, and for purposes BIP44, BIP49, BIP84 and BIP86; coin types
// by SLIP-44, versions of extended keys by SLIP-132; descriptors by BIP380 to 382, 386 and 389, of one key.
package hd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/txscript/v2"

	"goldpan/core/coin"
)

// The two chains of an account.
const (
	Receive uint32 = 0
	Change  uint32 = 1
)

// ErrPurpose says that the coin has no addresses of that purpose.
var ErrPurpose = errors.New("the coin has no addresses of that kind: choose 44, 49, 84 or 86 where it has segregated witness, else 44")

// Account derives the addresses of one account. It does not change, and any number of goroutines may call it at
// once.
type Account struct {
	params      *coin.Params
	kind        Kind
	base        *hdkeychain.ExtendedKey // public; of the account, or what a descriptor names
	origin      []uint32                // the path to base; nil if it is not known
	fingerprint []byte                  // of the master key, four bytes; nil if it is not known
	steps       [][]uint32              // from base to each chain: one or two
	chains      []*hdkeychain.ExtendedKey
}

// NewAccount derives account m/purpose'/coin'/account' from a seed of 16 to 64 bytes. Purpose is 44 (addresses by
// key hash), 49 (witness within script hash), 84 (witness) or 86 (taproot). The seed is not kept.
func NewAccount(seed []byte, params *coin.Params, purpose, account uint32) (*Account, error) {
	p, err := PathOf(params, purpose, account)
	if err != nil {
		return nil, err
	}
	return NewAccountAt(seed, params, p)
}

// NewAccountAt derives the account of a path. The seed is not kept.
func NewAccountAt(seed []byte, params *coin.Params, p Path) (*Account, error) {
	master, steps, err := masterFor(seed, params, p)
	if err != nil {
		return nil, err
	}
	defer master.Zero()
	public, err := master.ECPubKey()
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	private, err := derive(master, steps...)
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	defer private.Zero()
	a := &Account{params: params, kind: p.Kind, origin: steps, steps: [][]uint32{{Receive}, {Change}}}
	a.fingerprint = address.Hash160(public.SerializeCompressed())[:4]
	// Neuter shares the chain code's memory with the private key, which is zeroed above, hence the copy.
	neuter, err := private.Neuter()
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	if a.base, err = hdkeychain.NewKeyFromString(neuter.String()); err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	return a, a.open()
}

// masterFor is the master key of a seed and the steps of a path that the coin has. The caller zeroes the key.
func masterFor(seed []byte, params *coin.Params, p Path) (*hdkeychain.ExtendedKey, []uint32, error) {
	if err := kindFor(p.Kind, params); err != nil {
		return nil, nil, err
	}
	steps, err := parseSteps(p.Steps)
	if err != nil {
		return nil, nil, err
	}
	master, err := hdkeychain.NewMaster(seed, params.Chain)
	if err != nil {
		return nil, nil, fmt.Errorf("derive master key: %w", err)
	}
	return master, steps, nil
}

// Watch makes an account of an extended public key or of an output descriptor. A kind must be given for a key that
// does not tell it (ErrKind), and is left "" for one that does. It holds no private key, and nothing can be spent
// with it.
func Watch(params *coin.Params, text string, kind Kind) (*Account, error) {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "(") {
		a, err := watchDescriptor(params, text)
		if err == nil && kind != "" && kind != a.kind {
			return nil, ErrKind
		}
		return a, err
	}
	key, told, err := parseExtended(text, params)
	switch {
	case err != nil:
		return nil, err
	case told == "" && kind == "":
		return nil, ErrKind
	case told == "":
	case kind == "":
		kind = told
	case kind != told:
		return nil, ErrKind
	}
	if err := kindFor(kind, params); err != nil {
		return nil, err
	}
	a := &Account{params: params, kind: kind, base: key, steps: [][]uint32{{Receive}, {Change}}}
	return a, a.open()
}

// open derives the chains.
func (a *Account) open() error {
	for _, steps := range a.steps {
		k := a.base
		for _, n := range steps {
			child, err := k.Derive(n)
			if err != nil {
				return fmt.Errorf("derive account: %w", err)
			}
			k = child
		}
		a.chains = append(a.chains, k)
	}
	return nil
}

// Same tells whether two accounts have the same addresses.
func (a *Account) Same(b *Account) bool {
	if a.params != b.params || a.kind != b.kind || len(a.chains) != len(b.chains) {
		return false
	}
	for i := range a.chains {
		x, err := a.chains[i].ECPubKey()
		if err != nil {
			return false
		}
		y, err := b.chains[i].ECPubKey()
		if err != nil || !x.IsEqual(y) || string(a.chains[i].ChainCode()) != string(b.chains[i].ChainCode()) {
			return false
		}
	}
	return true
}

func hardened(i uint32) uint32 { return i | hdkeychain.HardenedKeyStart }

// derive follows a path of private keys and zeroes those between.
func derive(k *hdkeychain.ExtendedKey, path ...uint32) (*hdkeychain.ExtendedKey, error) {
	for i, n := range path {
		child, err := k.Derive(n)
		if i > 0 {
			k.Zero()
		}
		if err != nil {
			return nil, err
		}
		k = child
	}
	return k, nil
}

// Params are those the account was made for.
func (a *Account) Params() *coin.Params { return a.params }

// Kind is what its addresses are.
func (a *Account) Kind() Kind { return a.kind }

// Purpose is the number of its kind in a path: 44, 49, 84 or 86.
func (a *Account) Purpose() uint32 { return a.kind.Purpose() }

// Chains is how many chains it has: two, or one without change where a descriptor names one alone.
func (a *Account) Chains() int { return len(a.chains) }

// Path is the derivation path of an address, for people who check it elsewhere. It begins with … where it is not
// known what is above the key.
func (a *Account) Path(chain, index uint32) string {
	above := "…"
	if a.fingerprint != nil {
		above = "m" + below(formatSteps(a.origin, "'"))
	}
	if int(chain) < len(a.steps) {
		above += below(formatSteps(a.steps[chain], "'"))
	}
	return fmt.Sprintf("%s/%d", above, index)
}

// Address is the address number index, below 2^31, of the chain Receive or Change.
func (a *Account) Address(chain, index uint32) (string, error) {
	addr, err := a.address(chain, index)
	if err != nil {
		return "", err
	}
	return addr.EncodeAddress(), nil
}

// Script is the output script that pays Address.
func (a *Account) Script(chain, index uint32) ([]byte, error) {
	addr, err := a.address(chain, index)
	if err != nil {
		return nil, err
	}
	script, err := txscript.PayToAddrScript(addr)
	if err != nil {
		return nil, fmt.Errorf("derive script: %w", err)
	}
	return script, nil
}

func (a *Account) address(chain, index uint32) (address.Address, error) {
	if int(chain) >= len(a.chains) || index >= hdkeychain.HardenedKeyStart {
		return nil, fmt.Errorf("derive address: no chain %d, index %d", chain, index)
	}
	key, err := a.chains[chain].Derive(index)
	if err != nil {
		return nil, fmt.Errorf("derive address: %w", err)
	}
	public, err := key.ECPubKey()
	if err != nil {
		return nil, fmt.Errorf("derive address: %w", err)
	}
	addr, err := a.encode(public.SerializeCompressed())
	if err != nil {
		return nil, fmt.Errorf("derive address: %w", err)
	}
	return addr, nil
}

func (a *Account) encode(compressed []byte) (address.Address, error) {
	chain := a.params.Chain
	hash := address.Hash160(compressed)
	switch a.kind {
	case PKH:
		return address.NewAddressPubKeyHash(hash, chain)
	case SHWPKH:
		witness, err := address.NewAddressWitnessPubKeyHash(hash, chain)
		if err != nil {
			return nil, err
		}
		script, err := txscript.PayToAddrScript(witness)
		if err != nil {
			return nil, err
		}
		return address.NewAddressScriptHash(script, chain)
	case WPKH:
		return address.NewAddressWitnessPubKeyHash(hash, chain)
	case TR:
		internal, err := schnorr.ParsePubKey(compressed[1:])
		if err != nil {
			return nil, err
		}
		return address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(internal)), chain)
	}
	return nil, ErrPurpose // NewAccount refused it already
}
