package counter

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/hd"
)

// offer is a wallet that the page may keep.
type offer struct {
	Coin      string `json:"coin"`
	Network   string `json:"network"`
	Name      string `json:"name"`   // of the coin, for people
	Symbol    string `json:"symbol"` // of its unit
	Worthless bool   `json:"worthless"`
	Here      bool   `json:"here"`  // it is what the page mines
	State     string `json:"state"` // none, kept, damaged
}

type mined struct {
	Network   string `json:"network"`
	Coin      string `json:"coin"` // its name for people
	Algorithm string `json:"algorithm"`
}

// offers lists the wallets: of what the page mines, and of the coins that have a value.
func (c *Counter) offers(m mined) ([]offer, error) {
	var list []*coin.Params
	add := func(id coin.Coin, n coin.Network) {
		p, err := id.Params(n)
		if err == nil && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	here := 0
	if a, err := hasher.ParseAlgorithm(m.Algorithm); err == nil && m.Network == string(coin.Practice) {
		add(coin.ForPractice(a), coin.Practice)
		here = len(list)
	}
	for _, k := range coin.All() {
		if k.Name == m.Coin && m.Network != string(coin.Practice) {
			add(k, coin.Network(m.Network))
			here = len(list)
		}
	}
	for _, id := range []string{"bitcoin", "litecoin", "dogecoin"} {
		if k, err := coin.ByID(id); err == nil {
			add(k, coin.Main)
		}
	}
	var out []offer
	for i, p := range list {
		o := offer{Coin: p.Coin.ID, Network: string(p.Network), Name: p.Coin.Name, Symbol: p.Coin.Symbol,
			Worthless: p.Network != coin.Main, Here: i < here, State: "kept"}
		err := wallet.Exists(wallet.Options{Storage: c.o.Storage, Params: p})
		switch {
		case errors.Is(err, wallet.ErrMissing):
			o.State = "none"
		case errors.Is(err, wallet.ErrDamaged):
			o.State = "damaged"
		case err != nil:
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

type choice struct {
	Coin    string `json:"coin"`
	Network string `json:"network"`
}

// choose says which wallet the calls that follow are about; another that is open is closed.
func (c *Counter) choose(a choice) (none, error) {
	k, err := coin.ByID(a.Coin)
	if err != nil {
		return none{}, err
	}
	p, err := k.Params(coin.Network(a.Network))
	if err != nil {
		return none{}, err
	}
	c.serving.Lock()
	defer c.serving.Unlock()
	c.mu.Lock()
	same := c.params == p
	c.mu.Unlock()
	if same {
		return none{}, nil
	}
	err = c.shut()
	c.mu.Lock()
	c.params = p
	c.mu.Unlock()
	return none{}, err
}

type secretly struct {
	Passphrase string `json:"passphrase"`
}

type strength struct {
	Bits   float64 `json:"bits"`
	Enough bool    `json:"enough"`
	Least  float64 `json:"least"`
}

// strength tells how soon a passphrase is guessed.
func (c *Counter) strength(a secretly) (strength, error) {
	bits := seal.Strength(a.Passphrase)
	return strength{bits, bits >= minStrength, minStrength}, nil
}

// suggest makes a passphrase of words.
func (c *Counter) suggest(none) (secretly, error) {
	for {
		m, err := hd.NewMnemonic(12)
		if err != nil {
			return secretly{}, err
		}
		// The last words hold the checksum: the first are chance alone. Short ones count for less.
		words := m.Words()
		for n := 5; n < 9; n++ {
			if s := strings.Join(words[:n], " "); seal.Strength(s) >= minStrength {
				m.Wipe()
				return secretly{s}, nil
			}
		}
	}
}

func strong(passphrase string) error {
	if seal.Strength(passphrase) < minStrength {
		return wallet.ErrWeak
	}
	return nil
}

type creation struct {
	Passphrase string `json:"passphrase"` // seals the wallet
	Length     int    `json:"length"`     // of new words: 12 or 24
	Words      string `json:"words"`      // to restore
	Extra      string `json:"extra"`      // BIP39's own passphrase
	File       []byte `json:"file"`       // a backup file to restore
	Opens      string `json:"opens"`      // what opens the file
}

func (c *Counter) make(a creation, how func(wallet.Options) (*wallet.Wallet, error)) (status, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	o, err := c.options()
	if err != nil {
		return status{}, err
	}
	if err := strong(a.Passphrase); err != nil {
		return status{}, err
	}
	if err := c.shut(); err != nil {
		return status{}, err
	}
	o.Passphrase, o.SeedPassphrase = a.Passphrase, a.Extra
	w, err := how(o)
	if err != nil {
		return status{}, err
	}
	c.adopt(w)
	return c.status(none{})
}

// create makes a wallet with new words.
func (c *Counter) create(a creation) (status, error) {
	return c.make(a, func(o wallet.Options) (*wallet.Wallet, error) {
		o.Words, o.SeedPassphrase = a.Length, ""
		return wallet.Create(o)
	})
}

// restore makes a wallet of words that a person has.
func (c *Counter) restore(a creation) (status, error) {
	return c.make(a, func(o wallet.Options) (*wallet.Wallet, error) {
		m, err := hd.ParseMnemonic(a.Words)
		if err != nil {
			return nil, err
		}
		defer m.Wipe()
		return wallet.Restore(o, m)
	})
}

// restoreFile makes a wallet of a backup file.
func (c *Counter) restoreFile(a creation) (status, error) {
	return c.make(a, func(o wallet.Options) (*wallet.Wallet, error) {
		o.SeedPassphrase = ""
		return wallet.RestoreBackup(o, a.File, a.Opens)
	})
}

type typed struct {
	Typed string   `json:"typed"`
	Words []string `json:"words"` // those before it
}

// complete lists the words that begin as what was typed.
func (c *Counter) complete(a typed) ([]string, error) {
	if len(a.Words) > 24 || len(a.Typed) > 64 {
		return nil, errCall
	}
	found := hd.Complete(a.Typed, hd.Detect(a.Words...)...)
	if found == nil {
		found = []string{}
	}
	return found, nil
}

type wordy struct {
	Words string `json:"words"`
}

// check tells what is wrong with words.
func (c *Counter) check(a wordy) (none, error) {
	if len(a.Words) > 4096 {
		return none{}, hd.ErrLength
	}
	m, err := hd.ParseMnemonic(a.Words)
	m.Wipe()
	return none{}, err
}

// open opens the chosen wallet, or unlocks it.
func (c *Counter) open(a secretly) (status, error) {
	c.serving.Lock()
	defer c.serving.Unlock()
	if w, err := c.opened(); err == nil {
		if err := w.Unlock(a.Passphrase); err != nil {
			return status{}, err
		}
		return c.status(none{})
	}
	o, err := c.options()
	if err != nil {
		return status{}, err
	}
	o.Passphrase = a.Passphrase
	w, err := wallet.Open(o)
	// A page that was just loaded again has left the wallet, though its browser may not have noticed.
	for until := time.Now().Add(handover); errors.Is(err, wallet.ErrInUse) && time.Now().Before(until); {
		time.Sleep(100 * time.Millisecond)
		w, err = wallet.Open(o)
	}
	if err != nil {
		return status{}, err
	}
	c.adopt(w)
	return c.status(none{})
}

// lock forgets the key of the words.
func (c *Counter) lock(none) (none, error) {
	w, err := c.opened()
	if err == nil {
		w.Lock()
	}
	return none{}, err
}

// errServer says that a server's address cannot be used from a page.
var errServer = errors.New("a page reaches a wallet server by wss:// alone, or by ws:// on this computer")

// mayFollow demands an encrypted connection, unless the server is this machine.
func mayFollow(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return errServer
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || loopback(host)
	if u.Scheme == "wss" || u.Scheme == "ws" && local {
		return nil
	}
	return errServer
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
