// Package hd makes seed words, and of a seed the addresses of an account.
//
// It refuses words that are in no list or fail their checksum, derives no address of another network, and keeps no
// private key: an Account holds public keys alone, and whoever signs derives anew from the seed.
//
// Specifications: BIP39 (English words), BIP32, BIP43, and for purposes BIP44, BIP49, BIP84 and BIP86; coin types
// by SLIP-44.
package hd

import (
	"errors"
	"fmt"

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

// Account derives the addresses of one account, m/purpose'/coin'/account'. It does not change, and any number of
// goroutines may call it at once.
type Account struct {
	params  *coin.Params
	purpose uint32
	number  uint32
	public  *hdkeychain.ExtendedKey    // the account
	chains  [2]*hdkeychain.ExtendedKey // its two chains
}

// NewAccount derives an account from a seed of 16 to 64 bytes. Purpose is 44 (addresses by key hash), 49 (witness
// within script hash), 84 (witness) or 86 (taproot). The seed is not kept.
func NewAccount(seed []byte, params *coin.Params, purpose, account uint32) (*Account, error) {
	switch purpose {
	case 44:
	case 49, 84, 86:
		if params.Chain.Bech32HRPSegwit == "" {
			return nil, ErrPurpose
		}
	default:
		return nil, ErrPurpose
	}
	master, err := hdkeychain.NewMaster(seed, params.Chain)
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	defer master.Zero()
	private, err := derive(master, hardened(purpose), hardened(params.CoinType), hardened(account))
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	defer private.Zero()
	a := &Account{params: params, purpose: purpose, number: account}
	// Neuter shares the chain code's memory with the private key, which is zeroed above, hence the copy.
	public, err := private.Neuter()
	if err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	if a.public, err = hdkeychain.NewKeyFromString(public.String()); err != nil {
		return nil, fmt.Errorf("derive account: %w", err)
	}
	for i := range a.chains {
		if a.chains[i], err = a.public.Derive(uint32(i)); err != nil {
			return nil, fmt.Errorf("derive account: %w", err)
		}
	}
	return a, nil
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

// Purpose is the first number of the account's path.
func (a *Account) Purpose() uint32 { return a.purpose }

// Path is the derivation path of an address, for people who check it elsewhere.
func (a *Account) Path(chain, index uint32) string {
	return fmt.Sprintf("m/%d'/%d'/%d'/%d/%d", a.purpose, a.params.CoinType, a.number, chain, index)
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
	if chain > Change || index >= hdkeychain.HardenedKeyStart {
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
	switch a.purpose {
	case 44:
		return address.NewAddressPubKeyHash(hash, chain)
	case 49:
		witness, err := address.NewAddressWitnessPubKeyHash(hash, chain)
		if err != nil {
			return nil, err
		}
		script, err := txscript.PayToAddrScript(witness)
		if err != nil {
			return nil, err
		}
		return address.NewAddressScriptHash(script, chain)
	case 84:
		return address.NewAddressWitnessPubKeyHash(hash, chain)
	case 86:
		internal, err := schnorr.ParsePubKey(compressed[1:])
		if err != nil {
			return nil, err
		}
		return address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(internal)), chain)
	}
	return nil, ErrPurpose // NewAccount refused it already
}
