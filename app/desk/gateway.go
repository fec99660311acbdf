package desk

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/vault"
	"goldpan/vault/sealed"
)

// Gateway is the household's gateway: Run serves, Snapshot tells how it stands, Invite, Token, Rename, Pause, Limit and
// Remove are for a person. See [home.QR] for the picture of an invitation's link.
type Gateway = home.Gateway

// GatewayOptions say what a gateway serves. Of Config it takes the pools, the algorithm or the coin, the payout address
// and the proxy.
type GatewayOptions struct {
	Dir      string // the data directory; "" is the default
	Config   config.Config
	Password string                                               // for pools that have none in Config
	Secret   func(ctx context.Context, id string) (string, error) // fetches one from the vault; may be nil
	Roots    *x509.CertPool                                       // nil for the system's
	Key      *seal.Key                                            // seals the list of devices; see Desk.GatewayKey

	PayeeName string // "" is home.Household
	Payee     string // the address or account that is paid, as devices are shown it; "" is found in Config

	Web, Listen, ListenTLS, PublicURL string // addresses; "" for none
	WebHosts                          []string
	CertFile, KeyFile                 string
	Electrum                          []string // for a public page's wallet
	MaxDevices                        int
	Events                            func(home.Event)
}

// ErrNoPayee says that nothing tells who is paid.
var ErrNoPayee = errors.New("devices must be told who is paid")

// gatewayDir is the gateway's folder in the data directory.
const gatewayDir = "gateway"

// NewGateway prepares a gateway and opens its addresses; Run starts it, and contacts nobody before.
func NewGateway(ctx context.Context, o GatewayOptions) (*Gateway, error) {
	dir, err := GatewayDir(o.Dir)
	if err != nil {
		return nil, err
	}
	c, _, err := Expand(o.Config)
	if err != nil {
		return nil, err
	}
	m := &Mining{options: MineOptions{Dir: filepath.Dir(dir), Password: o.Password, Secret: o.Secret}}
	if _, err := OpenKnownServers(m.options.Dir); err != nil {
		return nil, err
	}
	c.Payout = "" // a pool that promises whole blocks is checked by mine alone
	for i := range c.Pools {
		c.Pools[i].Solo = false
	}
	p, err := m.resolve(ctx, c)
	if err != nil {
		return nil, err
	}
	h := home.Options{
		Dir: dir, Key: o.Key, Pools: p.pools, Algorithm: p.algorithm,
		Dialer: &jsonrpc.Dialer{Proxy: p.proxy, Roots: o.Roots, Trust: m.trust},
		Web:    o.Web, WebHosts: o.WebHosts, Listen: o.Listen, ListenTLS: o.ListenTLS, CertFile: o.CertFile, KeyFile: o.KeyFile,
		PublicURL: o.PublicURL, Electrum: o.Electrum, MaxDevices: o.MaxDevices, Events: o.Events,
	}
	for _, address := range []string{o.Web, o.Listen, o.ListenTLS} {
		if address != "" {
			if err := checkListen(address); err != nil {
				return nil, err
			}
		}
	}
	paid := o.Payee
	if paid == "" {
		paid = o.Config.Payout
	}
	if paid == "" {
		paid, _, _ = strings.Cut(p.pools[0].User, ".")
		if _, network := whose(p.algorithm, c.Coin, paid); network == "" {
			return nil, ErrNoPayee // an account's name is between the person and the pool
		}
	}
	h.Payee = invite.Payee{Name: o.PayeeName, Address: paid}
	if h.Payee.Name == "" {
		h.Payee.Name = home.Household
	}
	h.Coin, h.Network = whose(p.algorithm, c.Coin, paid)
	if h.Network == "" {
		h.Network = string(coin.Main)
	}
	h.Worthless = h.Network != string(coin.Main)
	return home.New(h)
}

// GatewayDir is where the gateway of a data directory keeps what is its own.
func GatewayDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return "", fmt.Errorf("%w: %w", ErrDataDir, err)
		}
	}
	return filepath.Join(dir, gatewayDir), nil
}

// whose tells the coin's name and the network that an address is of; the network is empty for what is no address of the
// coin, or without a coin of any that has the algorithm. The name is one to be shown in any case.
func whose(a hasher.Algorithm, id, address string) (name, network string) {
	coins := []coin.Coin{coin.ForPractice(a)}
	for _, c := range coin.All() {
		if c.ID == id || id == "" && c.Algorithm == a {
			coins = append(coins, c)
		}
		if c.ID == id {
			name = c.Name
		}
	}
	for _, c := range coins {
		for _, n := range coin.Networks() {
			params, err := c.Params(n)
			if err != nil {
				continue // the coin has no such network
			}
			if _, err := params.ParseAddress(address); err == nil {
				return c.Name, string(n)
			}
		}
	}
	if name == "" {
		name = "coins of " + string(a)
	}
	return name, ""
}

// GatewayKey is the key that seals the list of devices: from the keyring, where there is one, or with FileStore from the
// file that a passphrase seals. It is made when it is first asked for. Without a keyring, and unless the file was chosen,
// it is nil, and where says so.
func (d *Desk) GatewayKey(ctx context.Context, choice KeyStore, passphrase func(context.Context, bool) (vault.Secret, error)) (key *seal.Key, where string, err error) {
	var store vault.Store
	if choice == FileStore {
		path := filepath.Join(d.dir, "vault", "file")
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrDataDir, err)
		}
		if store, err = sealed.Open(sealed.Options{Path: filepath.Join(path, "keys.sealed"), Passphrase: passphrase, WorkFactor: d.work}); err != nil {
			return nil, "", err
		}
	} else {
		ring, err := systemKeyring()
		if err != nil {
			return nil, "", err
		}
		switch err := ring.Check(ctx); {
		case choice == AutoStore && errors.Is(err, vault.ErrUnavailable):
			return nil, "a file that you alone can read: this session has no keyring", nil
		case err != nil:
			return nil, "", err
		}
		store = ring
	}
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(dir))
	id := "gateway-" + hex.EncodeToString(sum[:8])
	b, err := store.Get(ctx, id)
	if errors.Is(err, vault.ErrNotFound) {
		made := seal.GenerateKey()
		b = []byte(hex.EncodeToString(made[:]))
		err = store.Put(ctx, id, b)
	}
	if err != nil {
		return nil, "", err
	}
	defer vault.Wipe(b)
	key = new(seal.Key)
	if len(b) != hex.EncodedLen(len(key)) {
		b = nil
	}
	if n, err := hex.Decode(key[:], b); err != nil || n != len(key) {
		return nil, "", fmt.Errorf("%w: the gateway's key is not one", vault.ErrDamaged)
	}
	return key, "a file sealed under a key in the " + store.Name(), nil
}
