package coin

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"goldpan/core/hasher"
)

// Bounds of a file.
const (
	maxFile  = 64 << 10 // bytes
	maxText  = 400      // bytes in one text
	maxItems = 40       // in one list
)

// errFile is wrapped by every refusal of a file.
var errFile = errors.New("preset cannot be used")

type coinFile struct {
	ID        string                   `json:"id"`
	Name      string                   `json:"name"`
	Symbol    string                   `json:"symbol"`
	Algorithm string                   `json:"algorithm"`
	Units     []unitFile               `json:"units"`
	Sources   []string                 `json:"sources"`
	Networks  map[Network]*networkFile `json:"networks"`
}

type unitFile struct {
	Name     string `json:"name"`
	Symbol   string `json:"symbol"`
	Decimals int    `json:"decimals"`
}

type networkFile struct {
	Magic string `json:"magic"` // hex, as sent
	Ports struct {
		P2P int `json:"p2p"`
		RPC int `json:"rpc"`
	} `json:"ports"`
	Address struct {
		P2PKH  int    `json:"p2pkh"`
		P2SH   []int  `json:"p2sh"`
		WIF    int    `json:"wif"`
		Bech32 string `json:"bech32"`
		MWEB   string `json:"mweb"`
	} `json:"address"`
	Extended struct {
		Public  string `json:"public"`
		Private string `json:"private"`
	} `json:"extended"`
	CoinType        uint32     `json:"coin_type"`
	Maturity        int        `json:"maturity"`
	IntervalSeconds int        `json:"interval_seconds"`
	Emission        []tierFile `json:"emission"`
	Template        struct {
		Rules        []string `json:"rules"`
		FixedVersion bool     `json:"fixed_version"`
	} `json:"template"`
	Explorers []explorerFile `json:"explorers"`
}

type tierFile struct {
	From    int64  `json:"from"`
	Reward  string `json:"reward,omitempty"`
	Halving int64  `json:"halving,omitempty"`
	Unknown string `json:"unknown,omitempty"`
}

type explorerFile struct {
	Name    string `json:"name"`
	Tx      string `json:"tx"`
	Block   string `json:"block"`
	Address string `json:"address"`
	Source  string `json:"source"`
}

type endedFile struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Symbol string `json:"symbol"`
	Since  string `json:"since"`
	Why    string `json:"why"`
	Source string `json:"source"`
}

// decode reads exactly one JSON value into v, without unknown or repeated fields.
func decode(b []byte, v any) error {
	if len(b) > maxFile {
		return fmt.Errorf("%w: it has more than %d bytes", errFile, maxFile)
	}
	if err := keysOnce(json.NewDecoder(bytes.NewReader(b)), 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the value", errFile)
	}
	return nil
}

// keysOnce refuses, in the next value of d, an object that names a key twice or
// in capitals: the library would take the last, and either writing.
func keysOnce(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth > 8 {
		return errors.New("it is nested too deeply")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, ok := key.(string)
			if !ok || seen[name] || !shaped(name, 1, 32, small+numbers+"_") {
				return errors.New("a key stands twice or is none of ours")
			}
			seen[name] = true
		}
		if err := keysOnce(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// load reads a folder laid out as assets/presets is.
func load(files fs.FS) (*book, error) {
	b := &book{params: map[string]map[Network]*Params{}}
	each := func(folder string, read func(id string, text []byte) error) error {
		names, err := fs.Glob(files, folder+"/*.json")
		if err != nil {
			return err
		}
		for _, name := range names { // Glob sorts
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			if err := read(strings.TrimSuffix(path.Base(name), ".json"), text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	if err := each("coins", b.addCoin); err != nil {
		return nil, err
	}
	if len(b.coins) == 0 {
		return nil, fmt.Errorf("%w: there is no coin", errFile)
	}
	// SLIP-44 numbers were given in the order of the coins' age: the ones that
	// people know come first.
	slices.SortStableFunc(b.coins, func(x, y Coin) int {
		return int(b.params[x.ID][Main].CoinType) - int(b.params[y.ID][Main].CoinType)
	})
	text, err := fs.ReadFile(files, "ended.json")
	if err != nil {
		return nil, err
	}
	if err := b.addEnded(text); err != nil {
		return nil, fmt.Errorf("ended.json: %w", err)
	}
	return b, each("pools", b.addPool)
}

const (
	small   = "abcdefghijklmnopqrstuvwxyz"
	large   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	numbers = "0123456789"
)

// shaped tells whether s has least to most characters, each of them in set.
func shaped(s string, least, most int, set string) bool {
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

func goodID(s string) bool {
	return shaped(s, 2, 32, small+numbers+"-") && strings.IndexByte(small, s[0]) >= 0
}

func goodSymbol(s string) bool { return shaped(s, 2, 8, large) }

// check collects what is wrong with a file, one reason at a time.
type check struct{ err error }

func (c *check) that(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = fmt.Errorf("%w: %s", errFile, fmt.Sprintf(format, args...))
	}
}

// text demands one to maxText bytes of printable text.
func (c *check) text(field, s string) {
	ok := s != "" && len(s) <= maxText && strings.TrimSpace(s) == s
	for _, r := range s {
		ok = ok && r >= ' ' && r != 0x7f && r != 0xfffd
	}
	c.that(ok, "%s is not a text of 1 to %d bytes", field, maxText)
}

func (c *check) between(field string, n, least, most int) {
	c.that(n >= least && n <= most, "%s is %d, not %d to %d", field, n, least, most)
}

func (c *check) texts(field string, list []string) {
	c.between("number of "+field, len(list), 1, maxItems)
	for _, s := range list {
		c.text(field, s)
	}
}

// hex4 reads four bytes.
func (c *check) hex4(field, s string) (out [4]byte) {
	b, err := hex.DecodeString(s)
	c.that(err == nil && len(b) == 4, "%s is not four bytes in hex", field)
	copy(out[:], b)
	return out
}

func (b *book) addCoin(id string, text []byte) error {
	var f coinFile
	if err := decode(text, &f); err != nil {
		return err
	}
	var c check
	c.that(f.ID == id && goodID(id), "id %q does not fit the file's name", f.ID)
	c.that(b.params[id] == nil, "there are two coins of this id")
	c.that(goodSymbol(f.Symbol), "symbol %q", f.Symbol)
	c.text("name", f.Name)
	algorithm, err := hasher.ParseAlgorithm(f.Algorithm)
	c.that(err == nil, "algorithm %q is not known", f.Algorithm)
	c.texts("sources", f.Sources)
	c.between("number of units", len(f.Units), 1, 8)
	var units []Denomination
	for i, u := range f.Units {
		c.text("unit's name", u.Name)
		c.text("unit's symbol", u.Symbol)
		c.between("unit's decimals", u.Decimals, 0, 8)
		c.that(i > 0 || u.Decimals == 8, "the first unit is not the whole coin")
		units = append(units, Denomination(u))
	}
	c.that(f.Networks[Main] != nil, "there is no main network")
	for n := range f.Networks {
		c.that(slices.Contains(Networks(), n), "network %q is not known", n)
	}
	if c.err != nil {
		return c.err
	}
	coin := Coin{ID: f.ID, Name: f.Name, Symbol: f.Symbol, Algorithm: algorithm}
	networks := map[Network]*Params{}
	for _, n := range Networks() {
		if f.Networks[n] == nil {
			continue
		}
		p, err := f.Networks[n].params(coin, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
		p.Denominations, p.book = units, b
		networks[n] = p
	}
	b.coins = append(b.coins, coin)
	b.params[id] = networks
	return nil
}

// params checks the file of one network.
func (f *networkFile) params(coin Coin, n Network) (*Params, error) {
	var c check
	p := &Params{
		Coin: coin, Network: n, Algorithm: coin.Algorithm,
		CoinType: f.CoinType, Maturity: f.Maturity, BlockInterval: time.Duration(f.IntervalSeconds) * time.Second,
		Purpose: 84, P2PPort: f.Ports.P2P, RPCPort: f.Ports.RPC, mweb: f.Address.MWEB,
		Template: Template{Rules: f.Template.Rules, FixedVersion: f.Template.FixedVersion},
	}
	p.Magic = c.hex4("magic", f.Magic)
	least := 1
	if n == Practice {
		least = 0
	}
	c.between("ports.p2p", p.P2PPort, least, 65535)
	c.between("ports.rpc", p.RPCPort, least, 65535)
	c.between("address.p2pkh", f.Address.P2PKH, 0, 255)
	c.between("address.wif", f.Address.WIF, 0, 255)
	c.between("number of address.p2sh", len(f.Address.P2SH), 1, 2)
	for _, v := range f.Address.P2SH {
		c.between("address.p2sh", v, 0, 255)
		c.that(v != f.Address.P2PKH && !bytes.Contains(p.scripts, []byte{byte(v)}), "address.p2sh %d is taken", v)
		p.scripts = append(p.scripts, byte(v))
	}
	hrp := f.Address.Bech32
	c.that(hrp == "" || shaped(hrp, 1, 16, small), "address.bech32 %q", hrp)
	c.that(p.mweb == "" || shaped(p.mweb, 1, 16, small) && p.mweb != hrp, "address.mweb %q", p.mweb)
	if hrp == "" {
		p.Purpose = 44
	}
	public, private := c.hex4("extended.public", f.Extended.Public), c.hex4("extended.private", f.Extended.Private)
	c.that(public != private, "extended keys of both kinds begin alike")
	c.that(p.CoinType < 1<<31, "coin_type is %d", p.CoinType)
	c.between("maturity", p.Maturity, 1, 100_000)
	c.between("interval_seconds", f.IntervalSeconds, 1, 86_400)
	c.between("number of template.rules", len(p.Template.Rules), 0, maxItems)
	for _, r := range p.Template.Rules {
		c.that(shaped(r, 1, 16, small+numbers+"!"), "template.rules %q", r)
	}
	p.emission = c.tiers(f.Emission)
	p.Explorers = c.explorers(f.Explorers)
	if c.err != nil {
		return nil, c.err
	}
	base := map[Network]*chaincfg.Params{Main: &chaincfg.MainNetParams, Test: &chaincfg.TestNet3Params}[n]
	if base == nil {
		base = &chaincfg.RegressionNetParams
	}
	chain := *base
	chain.Name, chain.Bech32HRPSegwit = coin.ID+"-"+string(n), hrp
	chain.PubKeyHashAddrID, chain.ScriptHashAddrID, chain.PrivateKeyID = byte(f.Address.P2PKH), p.scripts[0], byte(f.Address.WIF)
	chain.HDPublicKeyID, chain.HDPrivateKeyID, chain.HDCoinType = public, private, p.CoinType
	return p, p.register(&chain, base)
}

// register makes the network known to the libraries that derive keys.
func (p *Params) register(chain, base *chaincfg.Params) error {
	chain.Net = wire.BitcoinNet(binary.LittleEndian.Uint32(p.Magic[:]))
	if same := *base; chain.Net == base.Net {
		same.Name = chain.Name
		if equalPrefixes(chain, &same) {
			p.Chain = base // the library's own
			return nil
		}
	}
	// Nodes of different coins reuse one magic, and the registry must tell them
	// apart: such a network has a number made from its name.
	err := chaincfg.Register(chain)
	if errors.Is(err, chaincfg.ErrDuplicateNet) {
		h := fnv.New32a()
		h.Write([]byte(chain.Name))
		chain.Net = wire.BitcoinNet(h.Sum32())
		err = chaincfg.Register(chain)
	}
	if err != nil && !errors.Is(err, chaincfg.ErrDuplicateNet) {
		return fmt.Errorf("%w: %w", errFile, err)
	}
	p.Chain = chain
	return nil
}

func equalPrefixes(a, b *chaincfg.Params) bool {
	return a.PubKeyHashAddrID == b.PubKeyHashAddrID && a.ScriptHashAddrID == b.ScriptHashAddrID &&
		a.PrivateKeyID == b.PrivateKeyID && a.Bech32HRPSegwit == b.Bech32HRPSegwit &&
		a.HDPublicKeyID == b.HDPublicKeyID && a.HDPrivateKeyID == b.HDPrivateKeyID && a.HDCoinType == b.HDCoinType
}

func (c *check) tiers(list []tierFile) (out []tier) {
	c.between("number of emission", len(list), 1, maxItems)
	for i, f := range list {
		t := tier{from: f.From, halving: f.Halving, unknown: f.Unknown}
		c.that(i > 0 || t.from == 0, "emission does not begin at block 0")
		c.that(i == 0 || t.from > list[i-1].From, "emission is out of order")
		c.that(t.from < 1<<40, "emission begins too late")
		c.that(t.halving >= 0 && t.halving < 1<<40, "emission.halving is %d", t.halving)
		if f.Unknown != "" {
			c.text("emission.unknown", f.Unknown)
			c.that(f.Reward == "" && f.Halving == 0, "emission is unknown and has a reward")
		} else {
			var err error
			t.reward, err = ParseAmount(f.Reward)
			c.that(err == nil, "emission.reward %q", f.Reward)
		}
		out = append(out, t)
	}
	return out
}

func (c *check) explorers(list []explorerFile) (out []Explorer) {
	c.between("number of explorers", len(list), 0, maxItems)
	for _, f := range list {
		c.text("explorer's name", f.Name)
		c.text("explorer's source", f.Source)
		for _, pattern := range []string{f.Tx, f.Block, f.Address} {
			c.text("explorer's address", pattern)
			c.that(goodPattern(pattern), "explorer's address %q", pattern)
		}
		out = append(out, Explorer{Name: f.Name, Source: f.Source, tx: f.Tx, block: f.Block, address: f.Address})
	}
	return out
}

func (b *book) addEnded(text []byte) error {
	var list []endedFile
	if err := decode(text, &list); err != nil {
		return err
	}
	var c check
	c.between("number of coins", len(list), 0, maxItems)
	for _, e := range list {
		c.that(goodID(e.ID) && b.params[e.ID] == nil, "id %q", e.ID)
		c.text("name", e.Name)
		c.that(goodSymbol(e.Symbol), "symbol %q", e.Symbol)
		c.day("since", e.Since)
		c.text("why", e.Why)
		c.text("source", e.Source)
		b.ended = append(b.ended, Ended(e))
	}
	return c.err
}

// day demands a date as 2006-01-02.
func (c *check) day(field, s string) {
	_, err := time.Parse(time.DateOnly, s)
	c.that(err == nil, "%s is not a day", field)
}
