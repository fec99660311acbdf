package hd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"goldpan/core/coin"
)

// Kind is how an account's addresses are made of its keys, written as in a descriptor.
type Kind string

// The kinds.
const (
	PKH    Kind = "pkh"      // by key hash (BIP44)
	SHWPKH Kind = "sh(wpkh)" // witness within script hash (BIP49)
	WPKH   Kind = "wpkh"     // witness (BIP84)
	TR     Kind = "tr"       // taproot, by key alone (BIP86)
)

// Kinds is every kind.
func Kinds() []Kind { return []Kind{PKH, SHWPKH, WPKH, TR} }

// KindOf is the kind of a purpose, 44, 49, 84 or 86, or ErrPurpose.
func KindOf(purpose uint32) (Kind, error) {
	switch purpose {
	case 44:
		return PKH, nil
	case 49:
		return SHWPKH, nil
	case 84:
		return WPKH, nil
	case 86:
		return TR, nil
	}
	return "", ErrPurpose
}

// Purpose is the kind's number in a path.
func (k Kind) Purpose() uint32 {
	switch k {
	case PKH:
		return 44
	case SHWPKH:
		return 49
	case WPKH:
		return 84
	case TR:
		return 86
	}
	return 0
}

// kindFor refuses kinds that a coin has no addresses of.
func kindFor(k Kind, params *coin.Params) error {
	switch {
	case k == PKH:
		return nil
	case params.Chain.Bech32HRPSegwit == "":
		return ErrPurpose
	case k == SHWPKH, k == WPKH, k == TR:
		return nil
	}
	return ErrPurpose
}

// Path says where below a seed an account is, and what its addresses are. It can be compared.
type Path struct {
	Kind Kind
	// Steps lead to the account, as "84'/0'/0'"; below it are the two chains.
	Steps string
}

// PathOf is the path of BIP43's account number, m/purpose'/coin'/account', or ErrPurpose.
func PathOf(params *coin.Params, purpose, account uint32) (Path, error) {
	k, err := KindOf(purpose)
	if err != nil {
		return Path{}, err
	}
	if err := kindFor(k, params); err != nil {
		return Path{}, err
	}
	if account >= hdkeychain.HardenedKeyStart {
		return Path{}, fmt.Errorf("derive account: no account %d", account)
	}
	return Path{k, fmt.Sprintf("%d'/%d'/%d'", purpose, params.CoinType, account)}, nil
}

// Clean is the path as Steps is written here, with ' for each hardened step and no needless nought: two paths that
// lead to one account are the same then.
func (p Path) Clean() (Path, error) {
	steps, err := parseSteps(p.Steps)
	if err != nil {
		return Path{}, err
	}
	return Path{p.Kind, formatSteps(steps, "'")}, nil
}

// String is the path as people write it.
func (p Path) String() string { return fmt.Sprintf("m/%s, %s", p.Steps, p.Kind) }

// Found says who uses a path.
type Found struct {
	Path
	By string // for people
}

// Candidates is every path that wallets are known to have kept this coin at, the most likely first. Who restores
// words that another program made looks for a history on each.
func Candidates(params *coin.Params) []Found {
	var list []Found
	add := func(k Kind, steps, by string) {
		p := Found{Path{k, steps}, by}
		if kindFor(k, params) == nil && !slices.ContainsFunc(list, func(f Found) bool { return f.Path == p.Path }) {
			list = append(list, p)
		}
	}
	byPurpose := []struct {
		k  Kind
		by string
	}{{WPKH, "most wallets today (BIP84)"}, {PKH, "older wallets (BIP44)"}, {SHWPKH, "wallets of the years around 2018 (BIP49)"}, {TR, "taproot wallets (BIP86)"}}
	for account := range 2 {
		for _, x := range byPurpose {
			by := x.by
			if account > 0 {
				by += ", a second account"
			}
			add(x.k, fmt.Sprintf("%d'/%d'/%d'", x.k.Purpose(), params.CoinType, account), by)
		}
	}
	add(PKH, "0'", "BRD, Litewallet, MultiBit HD and Hive (BIP32's own account)")
	add(WPKH, "0'", "BRD and Litewallet with newer addresses; Electrum's own path")
	if params.CoinType > 1 {
		// Programs that knew Bitcoin's number alone.
		for _, x := range byPurpose {
			add(x.k, fmt.Sprintf("%d'/0'/0'", x.k.Purpose()), "programs that took Bitcoin's path for every coin")
		}
	}
	return list
}

var errSteps = errors.New("a derivation path is numbers below 2147483648 between strokes, each hardened by ' or h")

// maxSteps bounds a path; the deepest known has five.
const maxSteps = 10

// parseSteps reads "84'/0'/0'" or "84h/0h/0h", without the first m/.
func parseSteps(s string) ([]uint32, error) {
	if s == "" {
		return nil, nil
	}
	if len(s) > maxSteps*12 {
		return nil, errSteps
	}
	parts := strings.Split(s, "/")
	if len(parts) > maxSteps {
		return nil, errSteps
	}
	var steps []uint32
	for _, p := range parts {
		n, err := parseStep(p)
		if err != nil {
			return nil, err
		}
		steps = append(steps, n)
	}
	return steps, nil
}

func parseStep(p string) (uint32, error) {
	digits := strings.TrimSuffix(p, "'")
	if digits == p {
		digits = strings.TrimSuffix(p, "h")
	}
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, errSteps
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, errSteps
	}
	if digits != p {
		return hardened(uint32(n)), nil
	}
	return uint32(n), nil
}

// formatSteps writes a path, with the mark given for hardened steps.
func formatSteps(steps []uint32, mark string) string {
	var parts []string
	for _, n := range steps {
		if n >= hdkeychain.HardenedKeyStart {
			parts = append(parts, strconv.FormatUint(uint64(n-hdkeychain.HardenedKeyStart), 10)+mark)
		} else {
			parts = append(parts, strconv.FormatUint(uint64(n), 10))
		}
	}
	return strings.Join(parts, "/")
}
