package hd

import (
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"goldpan/core/coin"
)

// Keys derives the private keys of one account, for whoever signs. One goroutine uses it, and wipes it soon.
type Keys struct {
	chains [2]*hdkeychain.ExtendedKey
}

// NewKeys derives an account's two chains from a seed, which is not kept.
func NewKeys(seed []byte, params *coin.Params, p Path) (*Keys, error) {
	master, steps, err := masterFor(seed, params, p)
	if err != nil {
		return nil, err
	}
	defer master.Zero()
	account, err := derive(master, steps...)
	if err != nil {
		return nil, fmt.Errorf("derive keys: %w", err)
	}
	defer account.Zero()
	k := &Keys{}
	for chain := range k.chains {
		if k.chains[chain], err = account.Derive(uint32(chain)); err != nil {
			k.Wipe()
			return nil, fmt.Errorf("derive keys: %w", err)
		}
	}
	return k, nil
}

// Private is the key of the address number index of the chain Receive or Change; the caller zeroes it.
func (k *Keys) Private(chain, index uint32) (*btcec.PrivateKey, error) {
	if int(chain) >= len(k.chains) || index >= hdkeychain.HardenedKeyStart {
		return nil, fmt.Errorf("derive key: no chain %d, index %d", chain, index)
	}
	child, err := k.chains[chain].Derive(index)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer child.Zero()
	private, err := child.ECPrivKey()
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return private, nil
}

// Wipe overwrites the keys, as far as Go lets it.
func (k *Keys) Wipe() {
	for _, c := range k.chains {
		if c != nil {
			c.Zero()
		}
	}
}
