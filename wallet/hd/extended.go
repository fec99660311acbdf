package hd

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"goldpan/core/coin"
)

// Why an extended key is refused. The message of each is a sentence to show.
var (
	ErrExtended = errors.New("that is no extended public key: a letter is wrong, missing or too many")
	ErrPrivate  = errors.New("that is a private key, which nobody else may ever see; to watch a wallet take its public one")
	ErrMultisig = errors.New("that key is one of several that sign together; Goldpan watches wallets of one key")
	ErrOther    = errors.New("that key is of another coin or network")
	// ErrKind says that an extended key does not tell what addresses are made of it; the caller asks, or tries each.
	ErrKind = errors.New("that key does not say which kind of addresses belongs to it: choose pkh, sh(wpkh), wpkh or tr")
)

// A prefix is the first four bytes of an extended key, of SLIP-132 where it is registered there.
type prefix struct {
	version uint32
	private uint32
	kind    Kind   // "" for any
	coin    string // "" for any
	main    bool
}

// prefixes is every version that is met. Litecoin's segregated accounts are written as Bitcoin's by the wallets that
// there are.
func prefixes() []prefix {
	return []prefix{
		{0x0488b21e, 0x0488ade4, "", "", true},             // xpub; Litecoin Core writes it too
		{0x049d7cb2, 0x049d7878, SHWPKH, "", true},         // ypub
		{0x04b24746, 0x04b2430c, WPKH, "", true},           // zpub
		{0x019da462, 0x019d9cfe, "", "litecoin", true},     // Ltub
		{0x01b26ef6, 0x01b26792, SHWPKH, "litecoin", true}, // Mtub
		{0x02facafd, 0x02fac398, PKH, "dogecoin", true},    // dgub
		{0x043587cf, 0x04358394, "", "", false},            // tpub
		{0x044a5262, 0x044a4e28, SHWPKH, "", false},        // upub
		{0x045f1cf6, 0x045f18bc, WPKH, "", false},          // vpub
		{0x0436f6e1, 0x0436ef7d, "", "litecoin", false},    // ttub
	}
}

// Multi-signature versions: Ypub, Zpub, Upub, Vpub, and their private ones.
func multisig(version uint32) bool {
	return slices.Contains([]uint32{0x0295b43f, 0x0295b005, 0x02aa7ed3, 0x02aa7a99, 0x024289ef, 0x024285b5, 0x02575483, 0x02575048}, version)
}

const (
	extendedSize = 78 // bytes, and four of checksum
	maxExtended  = 120
)

// parseExtended reads an extended public key of the coin, and the kind that it names, "" for any.
func parseExtended(text string, params *coin.Params) (*hdkeychain.ExtendedKey, Kind, error) {
	if len(text) == 0 || len(text) > maxExtended {
		return nil, "", ErrExtended
	}
	raw := base58.Decode(text)
	if len(raw) != extendedSize+4 {
		return nil, "", ErrExtended
	}
	first := sha256.Sum256(raw[:extendedSize])
	if sum := sha256.Sum256(first[:]); string(sum[:4]) != string(raw[extendedSize:]) {
		return nil, "", ErrExtended
	}
	version := binary.BigEndian.Uint32(raw)
	if multisig(version) {
		return nil, "", ErrMultisig
	}
	known := prefixes()
	if slices.ContainsFunc(known, func(p prefix) bool { return p.private == version }) {
		return nil, "", ErrPrivate
	}
	i := slices.IndexFunc(known, func(p prefix) bool { return p.version == version })
	if i < 0 {
		return nil, "", ErrExtended
	}
	p := known[i]
	kind := p.kind
	if p.main != (params.Network == coin.Main) || p.coin != "" && p.coin != params.Coin.ID {
		return nil, "", ErrOther
	}
	if kind == "" && params.Chain.Bech32HRPSegwit == "" {
		kind = PKH
	}
	if kind != "" && kindFor(kind, params) != nil {
		return nil, "", ErrOther
	}
	// BIP32: a key with no parent names none.
	if raw[4] == 0 && string(raw[5:13]) != string(make([]byte, 8)) {
		return nil, "", ErrExtended
	}
	k, err := hdkeychain.NewKeyFromString(text)
	if err != nil || k.IsPrivate() {
		return nil, "", ErrExtended
	}
	if k, err = k.CloneWithVersion(params.Chain.HDPublicKeyID[:]); err != nil {
		return nil, "", ErrExtended
	}
	return k, kind, nil
}

// Extended is the account's extended public key, under the coin's own version: xpub, tpub or dgub. Whoever has it
// sees every address, and can spend nothing.
func (a *Account) Extended() string { return a.base.String() }

// Registered is Extended under the version that SLIP-132 registers for the kind, for programs that want a ypub, a
// zpub, an Ltub or an Mtub. Taproot has none.
func (a *Account) Registered() (string, error) {
	mainnet := a.params.Network == coin.Main
	best := prefix{}
	for _, p := range prefixes() {
		if p.main != mainnet || p.coin != "" && p.coin != a.params.Coin.ID {
			continue
		}
		// The coin's own before one that all share; the kind's own before one for any.
		if (p.kind == a.kind || p.kind == "" && a.kind == PKH) && (best.version == 0 || p.coin != "") {
			best = p
		}
	}
	if best.version == 0 {
		return a.Extended(), nil
	}
	k, err := a.base.CloneWithVersion(binary.BigEndian.AppendUint32(nil, best.version))
	if err != nil {
		return "", fmt.Errorf("write extended key: %w", err)
	}
	return k.String(), nil
}
