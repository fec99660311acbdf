package desk

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"goldpan/app/desk/config"
	"goldpan/core/jsonrpc"
	"goldpan/vault"
	"goldpan/vault/exchange"
	"goldpan/vault/limit"
	"goldpan/vault/policy"
	"goldpan/vault/poolapi"
)

// Errors that shells branch on.
var (
	// ErrCannotTell says that a provider does not tell what a key may do.
	ErrCannotTell = policy.ErrCannotTell
	// ErrTooMuchPower says that a key may move money away, and the person has not
	// said that it is meant to.
	ErrTooMuchPower = policy.ErrPower
)

// Limits keep the requests of this data directory within what providers allow.
func (d *Desk) Limits() (*limit.Limits, error) {
	d.limiting.Lock()
	defer d.limiting.Unlock()
	if d.limits != nil {
		return d.limits, nil
	}
	dir := filepath.Join(d.dir, "vault", "limits")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	l, err := limit.Open(dir)
	d.limits = l
	return l, err
}

// noLimits refuses every request, for a ban may be unknown.
type noLimits struct{ err error }

func (n noLimits) Wait(context.Context, vault.Use) error { return n.err }
func (n noLimits) Saw(_ vault.Use, _ int, _ http.Header) {}

// Broker makes requests with v's keys. Whoever opens one closes it.
func (d *Desk) Broker(v *vault.Vault) *vault.Broker {
	o, err := d.reach()
	if err != nil {
		o.Limits = noLimits{err}
	}
	return vault.NewBroker(v, o)
}

// ErrBrokerProxy says that the settings' proxy wants a password.
var ErrBrokerProxy = &vault.Error{Store: "the settings' proxy", Detail: "it wants a password, which Goldpan does not fetch for exchanges and statistics of pools", Err: vault.ErrRequest,
	Hint: "Name a proxy without a password in the settings, or none."}

// reach says how providers are reached: within their limits, and through the proxy of
// the settings, if there is one. Where either is not known nothing is sent.
func (d *Desk) reach() (vault.BrokerOptions, error) {
	l, err := d.Limits()
	if err != nil {
		return vault.BrokerOptions{}, err
	}
	o := vault.BrokerOptions{Limits: l}
	settings, err := config.Read(d.dir)
	if err != nil {
		return o, err
	}
	if settings.ProxyKey != "" {
		return o, ErrBrokerProxy
	}
	proxy, err := jsonrpc.ParseProxy(settings.Proxy)
	if err != nil || proxy.IsZero() {
		return o, err
	}
	through := &jsonrpc.Dialer{Proxy: proxy}
	o.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
		return through.Open(ctx, "tcp://"+address) // encrypted by whoever asked for it
	}
	return o, nil
}

// patient lets requests that only look be made again.
func (d *Desk) patient(e vault.Entry, ask vault.Doer) vault.Doer {
	l, err := d.Limits()
	if err != nil {
		return ask
	}
	return l.Patient(e, ask)
}

// KeyPermissions asks a provider what a key may do: ask is for a key that is kept
// (Broker.Key) or for one that is about to be (Broker.Try).
func (d *Desk) KeyPermissions(ctx context.Context, e vault.Entry, ask vault.Doer) (vault.Permissions, error) {
	if e.Kind != vault.KindExchange {
		return vault.Permissions{}, ErrCannotTell
	}
	x, err := exchange.New(e, d.patient(e, ask))
	if err != nil {
		return vault.Permissions{}, ErrCannotTell
	}
	return x.Permissions(ctx)
}

// Exchange opens the account that a key of the vault belongs to. The key is judged
// first, by what its provider says once a day; warnings are in plain words. An error
// means that the key is not used.
func (d *Desk) Exchange(ctx context.Context, v *vault.Vault, b *vault.Broker, id string) (x exchange.Exchange, e vault.Entry, warnings []string, err error) {
	if e, err = v.Show(ctx, id); err != nil {
		return nil, e, nil, err
	}
	if e.Kind != vault.KindExchange {
		return nil, e, nil, fmt.Errorf("%s: %w", id, vault.ErrWrongKind)
	}
	if x, err = exchange.New(e, d.patient(e, b.Key(id))); err != nil {
		return nil, e, nil, err
	}
	warnings, err = policy.Daily(ctx, v, e, policy.Use{}, time.Now(), x.Permissions)
	return x, e, warnings, err
}

// Budget tells what is left of a provider's limits for a key.
func (d *Desk) Budget(e vault.Entry) []limit.Budget {
	l, err := d.Limits()
	if err != nil {
		return nil
	}
	_, host, _ := strings.Cut(e.Endpoint, "://")
	return l.Budget(e.Provider, host, e.ID)
}

// PoolStats asks a pool what it counts for the person whose key is kept by this id.
func (d *Desk) PoolStats(ctx context.Context, v *vault.Vault, b *vault.Broker, id string, a poolapi.Account) (poolapi.Stats, vault.Entry, error) {
	e, err := v.Show(ctx, id)
	if err != nil {
		return poolapi.Stats{}, e, err
	}
	if e.Kind != vault.KindPoolAPI {
		return poolapi.Stats{}, e, fmt.Errorf("%s: %w", id, vault.ErrWrongKind)
	}
	p, err := poolapi.New(e, d.patient(e, b.Key(id)), a)
	if err != nil {
		return poolapi.Stats{}, e, err
	}
	s, err := p.Stats(ctx)
	return s, e, err
}

// openBroker makes requests for public data, with a vault that holds nothing.
func (d *Desk) openBroker() (*vault.Broker, error) {
	o, err := d.reach()
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(d.dir, vault.NewMemory())
	if err != nil {
		return nil, err
	}
	return vault.NewBroker(v, o), nil
}

// AddressStats asks a pool of one of poolapi.Styles, at https:// and a host, what it
// counts for an address. No key is needed, and no vault is opened.
func (d *Desk) AddressStats(ctx context.Context, style, endpoint, address string) (poolapi.Stats, vault.Entry, error) {
	e := vault.Entry{Environment: vault.Live, Endpoint: strings.TrimSuffix(endpoint, "/")}
	b, err := d.openBroker()
	if err != nil {
		return poolapi.Stats{}, e, err
	}
	defer b.Close()
	_, host, _ := strings.Cut(e.Endpoint, "://")
	p, err := poolapi.ByAddress(style, host, address, d.patient(e, b.Open(e)))
	if err != nil {
		return poolapi.Stats{}, e, err
	}
	s, err := p.Stats(ctx)
	return s, e, err
}
