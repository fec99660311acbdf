package coin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
)

// Why an address is refused. Each but ErrWrongNetwork and ErrAmbiguous is also
// an ErrBadAddress; the message of each is a sentence to show.
var (
	ErrBadAddress   = errors.New("not an address")
	ErrWrongNetwork = errors.New("address of another network") // see [*ElsewhereError]
	ErrAmbiguous    = errors.New("address that two coins share")

	ErrHidden     = refusal("it has a character that does not belong there")
	ErrLink       = refusal("that is a payment link; paste the address in it alone")
	ErrPublicKey  = refusal("that is a public key, not an address made from it")
	ErrPrivateKey = refusal("that is a private key, which nobody else may ever see; the address made from it is what to give")
	ErrExtended   = refusal("that is an extended key, from which a wallet makes addresses; paste one of those")
	ErrWords      = refusal("that looks like the words of a wallet, which nobody else may ever see")
	ErrMWEB       = refusal("that is an address of Litecoin's extension blocks (MWEB), which mining cannot pay; use one that begins with ltc1, L or M")
	ErrChecksum   = refusal("its check letters do not fit: a letter is wrong, missing or too many")
	ErrMixedCase  = refusal("it mixes capital and small letters, which an address of this kind never does")
	ErrVersion    = refusal("it is of a kind that the coin has no rules for yet; coins sent there could be lost")
)

func refusal(sentence string) error { return fmt.Errorf("%w: %s", ErrBadAddress, sentence) }

// Kind is what an address pays to.
type Kind string

// The kinds.
const (
	PubKeyHash        Kind = "pubkeyhash"        // one key, the oldest form
	ScriptHash        Kind = "scripthash"        // a script by its hash
	WitnessPubKeyHash Kind = "witnesspubkeyhash" // one key (BIP 141)
	WitnessScriptHash Kind = "witnessscripthash" // a script by its hash (BIP 141)
	Taproot           Kind = "taproot"           // BIP 341
)

// Address is an address that was read and found good.
type Address struct {
	Text   string // as the coin's wallets write it
	Kind   Kind
	Script []byte // the output script that pays it
}

// ElsewhereError says that an address is good, but on other networks. It is an
// [ErrWrongNetwork].
type ElsewhereError struct {
	Want  *Params
	Looks []*Params // the networks it is good on, at least one
}

// Error names the coin that the address looks like.
func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("%v: it belongs to %s, and one of %s is wanted", ErrWrongNetwork, e.Want.named(e.Looks), e.Want.spoken())
}

// named lists networks as in a sentence. Where the real coin is wanted it does
// not tell test networks apart: many share their addresses.
func (p *Params) named(list []*Params) string {
	var names []string
	for _, q := range list {
		name := q.spoken()
		if p.Network == Main && (q.Network == Test || q.Network == Regtest) {
			name = "a test network"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return or(names)
}

// Is tells errors.Is what this is.
func (e *ElsewhereError) Is(target error) bool { return target == ErrWrongNetwork }

// spoken names the network as in a sentence.
func (p *Params) spoken() string {
	switch p.Network {
	case Main:
		return p.Coin.Name
	case Practice:
		return "practice coins, worth nothing (" + string(p.Algorithm) + ")"
	case Regtest:
		return p.Coin.Name + "'s regtest network"
	}
	return p.Coin.Name + "'s test network"
}

// AmbiguousError says that an address is written in a form that another coin
// uses too. Whoever meets it asks the person whether Means is what they want,
// and goes on with Means. It is an [ErrAmbiguous].
type AmbiguousError struct {
	Want  *Params
	Means Address   // the same address in the form that is this coin's alone
	Also  []*Params // whose address it may be just as well
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: it is written like one of %s; if it is yours here, write it as %s", ErrAmbiguous, e.Want.named(e.Also), e.Means.Text)
}

// Is tells errors.Is what this is.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// HiddenError says what character does not belong into an address, where it
// stands, and what would be left without such characters. It is an
// [ErrHidden].
type HiddenError struct {
	What  string // as in "a line break"
	At    int    // after how many characters
	Clean string // the rest, at most 200 bytes: to be checked by the person, never used unasked
}

func (e *HiddenError) Error() string {
	where := "at its start"
	if e.At > 0 {
		where = fmt.Sprintf("after character %d", e.At)
	}
	return fmt.Sprintf("%v: there is %s %s", ErrBadAddress, e.What, where)
}

// Is tells errors.Is what this is.
func (e *HiddenError) Is(target error) bool { return target == ErrHidden || target == ErrBadAddress }

// maxAddress is longer than any address and any link to one that is met:
// bech32 allows 90 characters, and Litecoin's extension blocks take some more.
const maxAddress = 200

// ParseAddress reads an address of exactly this network. It repairs nothing.
// Its errors say why not, and are the ones listed above: a good address of
// another network is an [*ElsewhereError], and one that is written in a form
// that two coins share an [*AmbiguousError].
func (p *Params) ParseAddress(text string) (Address, error) {
	if len(text) == 0 || len(text) > maxAddress {
		return Address{}, ErrBadAddress
	}
	if err := p.notAnAddress(text); err != nil {
		return Address{}, err
	}
	if hrp, _, ok := cutLast(strings.ToLower(text), '1'); ok {
		for _, q := range p.book.all() {
			if q.Chain.Bech32HRPSegwit == hrp && hrp != "" {
				return p.fromBech32(text)
			}
		}
	}
	return p.fromBase58(text)
}

// Script returns the output script that pays the address.
func (p *Params) Script(address string) ([]byte, error) {
	a, err := p.ParseAddress(address)
	return a.Script, err
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// notAnAddress recognises what people paste instead.
func (p *Params) notAnAddress(text string) error {
	if looksLikeWords(text) {
		return ErrWords
	}
	if err := hidden(text); err != nil {
		return err
	}
	if strings.ContainsAny(text, ":?=/") {
		return ErrLink
	}
	if looksLikeKey(text) {
		return ErrPublicKey
	}
	lower := strings.ToLower(text)
	for _, q := range p.book.all() {
		if q.mweb != "" && strings.HasPrefix(lower, q.mweb+"1") {
			return ErrMWEB
		}
	}
	return nil
}

// looksLikeWords tells whether text is a list of words, as a seed is.
func looksLikeWords(text string) bool {
	words := strings.Fields(text)
	for _, w := range words {
		for _, r := range w {
			if !unicode.IsLower(r) {
				return false
			}
		}
	}
	return len(words) >= 6
}

// looksLikeKey tells whether text is a public key in hex: the first nodes took
// one for an address.
func looksLikeKey(text string) bool {
	if len(text) != 66 && len(text) != 130 {
		return false
	}
	for i := range len(text) {
		if c := text[i] | 0x20; (text[i] < '0' || text[i] > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// hidden finds the first character that is no part of any address.
func hidden(text string) error {
	at := 0
	var first *HiddenError
	var clean strings.Builder
	for _, r := range text {
		if what := stranger(r); what == "" {
			clean.WriteRune(r)
		} else if first == nil {
			first = &HiddenError{What: what, At: at}
		}
		at++
	}
	if first == nil {
		return nil
	}
	first.Clean = clean.String()
	return first
}

// stranger names a character that is in no address; "" if it may be in one, or
// in a link to one.
func stranger(r rune) string {
	switch {
	case r > ' ' && r < 0x7f:
		return ""
	case r == ' ':
		return "a blank"
	case r == '\n', r == '\r', r == 0x85, r == 0x2028, r == 0x2029:
		return "a line break"
	case r == '\t':
		return "a tab"
	case r == 0xa0, r == 0x202f, r == 0x2007, unicode.Is(unicode.Zs, r):
		return "a blank of a special kind"
	case r == 0xad, r == 0x2060, r == 0xfeff, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return "an invisible character"
	case r == utf8.RuneError, unicode.IsControl(r):
		return "a character that cannot be shown"
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return "a letter of another alphabet"
	}
	return "a character that no address has"
}

// fromBase58 reads an address of the older form.
func (p *Params) fromBase58(text string) (Address, error) {
	payload, version, err := base58.CheckDecode(text)
	switch {
	case errors.Is(err, base58.ErrChecksum):
		return Address{}, ErrChecksum
	case err != nil:
		return Address{}, ErrBadAddress
	}
	all := p.book.all()
	switch len(payload) {
	case 20:
	case 32, 33:
		if slices.ContainsFunc(all, func(q *Params) bool { return q.Chain.PrivateKeyID == version }) {
			return Address{}, ErrPrivateKey
		}
		return Address{}, ErrBadAddress
	case 77: // four bytes of version, of which one was taken off
		return Address{}, ErrExtended
	default:
		return Address{}, ErrBadAddress
	}
	var also []*Params
	for _, q := range all {
		if q != p && (q.Chain.PubKeyHashAddrID == version || slices.Contains(q.scripts, version)) {
			also = append(also, q)
		}
	}
	switch at := slices.Index(p.scripts, version); {
	case version == p.Chain.PubKeyHashAddrID:
		script := slices.Concat([]byte{0x76, 0xa9, 20}, payload, []byte{0x88, 0xac})
		return Address{Text: text, Kind: PubKeyHash, Script: script}, nil
	case at >= 0:
		a := Address{
			Text:   base58.CheckEncode(payload, p.scripts[0]),
			Kind:   ScriptHash,
			Script: slices.Concat([]byte{0xa9, 20}, payload, []byte{0x87}),
		}
		if at > 0 && len(also) > 0 {
			// The coin whose first form it is comes first to mind.
			slices.SortStableFunc(also, func(x, y *Params) int {
				return slices.Index(x.scripts, version) - slices.Index(y.scripts, version)
			})
			also = slices.DeleteFunc(also, func(q *Params) bool { return q.Coin == p.Coin })
			return Address{}, &AmbiguousError{Want: p, Means: a, Also: also}
		}
		return a, nil
	case len(also) > 0:
		return Address{}, &ElsewhereError{Want: p, Looks: also}
	}
	return Address{}, fmt.Errorf("%w: no coin that Goldpan knows begins so", ErrBadAddress)
}

// fromBech32 reads a segregated witness address of any network that there is.
func (p *Params) fromBech32(text string) (Address, error) {
	if strings.ToLower(text) != text && strings.ToUpper(text) != text {
		return Address{}, ErrMixedCase
	}
	hrp, data, sum, err := bech32.DecodeGeneric(text)
	switch {
	case errors.As(err, new(bech32.ErrInvalidChecksum)), errors.As(err, new(bech32.ErrNonCharsetChar)):
		return Address{}, ErrChecksum
	case err != nil || len(data) == 0:
		return Address{}, ErrBadAddress
	}
	version := data[0]
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil || version > 16 || len(program) < 2 || len(program) > 40 {
		return Address{}, ErrBadAddress
	}
	if (version == 0) != (sum == bech32.Version0) {
		return Address{}, fmt.Errorf("%w (it carries those of another kind of address)", ErrChecksum)
	}
	var kind Kind
	switch {
	case version == 0 && len(program) == 20:
		kind = WitnessPubKeyHash
	case version == 0 && len(program) == 32:
		kind = WitnessScriptHash
	case version == 0:
		return Address{}, ErrBadAddress
	case version == 1 && len(program) == 32:
		kind = Taproot
	}
	if hrp != p.Chain.Bech32HRPSegwit {
		looks := slices.DeleteFunc(p.book.all(), func(q *Params) bool { return q.Chain.Bech32HRPSegwit != hrp })
		return Address{}, &ElsewhereError{Want: p, Looks: looks}
	}
	// BIP 350 lets a sender pay to every later version too. A reward would be
	// anybody's there.
	if kind == "" {
		return Address{}, ErrVersion
	}
	return Address{Text: strings.ToLower(text), Kind: kind, Script: witnessScript(version, program)}, nil
}

// witnessScript returns the output script of a witness program (BIP 141).
func witnessScript(version byte, program []byte) []byte {
	if version > 0 {
		version += 0x50 // OP_1 to OP_16
	}
	return append([]byte{version, byte(len(program))}, program...)
}
