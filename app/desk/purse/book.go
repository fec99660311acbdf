package purse

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"goldpan/core/coin"
	"goldpan/core/seal"
	"goldpan/wallet"
)

// ErrBook says that the list of wallets cannot be read. The wallets are not in it.
var ErrBook = errors.New("the list of wallets is damaged")

const (
	bookName    = "wallets.json"
	maxBook     = 256 << 10
	maxListed   = 200
	bookVersion = 1
)

// book is the file wallets.json: which wallets are shown, and which servers each asks. It holds no secret.
type book struct {
	Version int     `json:"version"`
	Lock    *int    `json:"lock_minutes,omitempty"` // 0 is never
	Wallets []shown `json:"wallets"`
}

type shown struct {
	ID
	Watch   bool     `json:"watch,omitempty"`
	Servers []string `json:"servers,omitempty"`
}

func (b *book) autoLock() time.Duration {
	if b.Lock == nil {
		return DefaultAutoLock
	}
	return time.Duration(*b.Lock) * time.Minute
}

func (b *book) setAutoLock(after time.Duration) {
	minutes := int(after / time.Minute)
	b.Lock = &minutes
}

func readBook(dir string) (book, error) {
	path := filepath.Join(dir, bookName)
	data, restored, err := seal.ReadFile(path, maxBook, func(data []byte) error {
		_, err := parseBook(data)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return book{Version: bookVersion}, nil
	}
	if err == nil && restored {
		err = seal.Mend(path, data, 0o600)
	}
	if err != nil {
		return book{}, fmt.Errorf("%w: %s: %w", ErrBook, path, err)
	}
	return parseBook(data)
}

// parseBook reads the file's content, which anybody may have changed.
func parseBook(data []byte) (book, error) {
	var b book
	switch {
	case len(data) > maxBook || json.Unmarshal(data, &b) != nil:
		return book{}, errors.New("it is no JSON of the right shape")
	case b.Version > bookVersion:
		return book{}, errors.New("a later version of Goldpan wrote it")
	case b.Version != bookVersion:
		return book{}, errors.New("its version is missing")
	case len(b.Wallets) > maxListed:
		return book{}, errors.New("it names too many wallets")
	case b.Lock != nil && (*b.Lock < 0 || *b.Lock > 24*60):
		return book{}, errors.New("its lock is out of bounds")
	}
	for i, e := range b.Wallets {
		if _, err := e.ID.Params(); err != nil {
			return book{}, fmt.Errorf("wallet %d: its coin or network is unknown", i+1)
		}
		if _, err := parsePath(e.Path); err != nil || !goodName(e.Name) {
			return book{}, fmt.Errorf("wallet %d: its name or path is none", i+1)
		}
		if checkServers(e.Servers) != nil {
			return book{}, fmt.Errorf("wallet %d: its servers are none", i+1)
		}
		if slices.ContainsFunc(b.Wallets[:i], func(f shown) bool { return f.ID == e.ID }) {
			return book{}, fmt.Errorf("wallet %d stands there twice", i+1)
		}
	}
	return b, nil
}

// goodName bounds a wallet's name, which becomes a file's; wallet.Options checks it again.
func goodName(s string) bool {
	return len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// keep writes the book.
func (p *Purse) keep() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.book.Version = bookVersion
	p.book.Wallets = []shown{}
	for _, a := range p.accounts {
		if a.id.Network == coin.Practice {
			continue // it is always there, and its server is inside
		}
		p.book.Wallets = append(p.book.Wallets, shown{a.id, a.watch, a.named()})
	}
	data, err := json.MarshalIndent(p.book, "", "\t")
	if err != nil {
		return err
	}
	return seal.WriteFile(filepath.Join(p.desk.Dir(), bookName), append(data, '\n'), 0o600)
}

// discover finds the wallets that the terminal has made: by their files and by what was learned of each coin.
func discover(dir string) (found []ID, err error) {
	files, err := os.ReadDir(filepath.Join(dir, "wallets"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		base, ok := strings.CutSuffix(f.Name(), ".wallet")
		if !ok {
			continue
		}
		network, name, _ := strings.Cut(base, ".")
		if n := coin.Network(network); n != coin.Practice && slices.Contains(coin.Networks(), n) && goodName(name) {
			found = append(found, coins(filepath.Join(dir, "wallets", base+".state"), n, name)...)
		}
	}
	return found, nil
}

// coins are the accounts of one wallet file.
func coins(state string, n coin.Network, name string) (found []ID) {
	entries, err := os.ReadDir(state)
	if err != nil {
		return nil // it was never opened: the person says of which coin it is
	}
	for _, e := range entries {
		id, account, ok := strings.Cut(e.Name(), "-")
		c, err := coin.ByID(id)
		if !ok || err != nil || !e.IsDir() {
			continue
		}
		params, err := c.Params(n)
		if err != nil {
			continue
		}
		if account == fmt.Sprint(params.Purpose) || account == "watch" {
			found = append(found, ID{Coin: id, Network: n, Name: name})
		}
	}
	return found
}

// checkServers refuses what is no list of wallet servers.
func checkServers(urls []string) error {
	if len(urls) > wallet.MaxServers {
		return ErrServers
	}
	for i, u := range urls {
		if slices.Contains(urls[:i], u) {
			return ErrServers
		}
		if err := CheckServer(u); err != nil {
			return err
		}
	}
	return nil
}
