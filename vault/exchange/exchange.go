//go:build !js

package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// Exchange is an account at an exchange, as one key sees it. Its methods may be
// called from several goroutines at once.
type Exchange interface {
	// Permissions asks what the key may do. policy.ErrCannotTell says that the
	// provider does not tell in this environment.
	Permissions(ctx context.Context) (vault.Permissions, error)
	// Balances lists what is there, without what is nothing.
	Balances(ctx context.Context) ([]Balance, error)
	// DepositAddress tells where coins are sent in. network is the provider's own
	// name of one, or "" for the coin's own. It makes no new address where the
	// provider has one.
	DepositAddress(ctx context.Context, asset, network string) ([]Deposit, error)
}

// Balance is one asset of an account.
type Balance struct {
	Asset   reply.Text   `json:"asset"`             // the provider's name of it, or "?" where that cannot be shown
	Account string       `json:"account,omitempty"` // of the account's parts, where there are several
	Free    reply.Amount `json:"free"`
	Held    reply.Amount `json:"held"` // in orders, or otherwise not free
}

// Deposit is an address to send coins to.
type Deposit struct {
	Asset   reply.Text `json:"asset"`
	Network reply.Text `json:"network,omitempty"`
	Address reply.Text `json:"address"`
	// Tag goes with the address where a network wants one; without it the coins are
	// lost.
	Tag reply.Text `json:"tag,omitempty"`
}

// Errors that callers branch on.
var (
	// ErrKey: the provider does not know the key, or its signature is wrong.
	ErrKey = errors.New("it does not take this key")
	// ErrDenied: the key may not do this, or not from this address.
	ErrDenied = errors.New("the key may not do this")
	// ErrClock: this computer's clock is wrong by more than the provider takes.
	ErrClock = errors.New("this computer's clock is wrong")
	// ErrShared: another program uses the same key.
	ErrShared = errors.New("another program uses this key")
	// ErrBusy: not now.
	ErrBusy = errors.New("it cannot answer now")
	// ErrRefused: another refusal of the provider, with its code.
	ErrRefused = errors.New("it refused")
	// ErrNoAddress: there is no such coin or network, or no address for it yet.
	ErrNoAddress = errors.New("there is no address for this coin and network")
)

// New returns a client for the provider of e; d makes the requests with its key.
func New(e vault.Entry, d vault.Doer) (Exchange, error) {
	c := &client{do: d, title: e.Provider, test: e.Environment != vault.Live}
	if p, ok := vault.ProviderOf(e.Provider); ok {
		c.title = p.Title
	}
	switch e.Provider {
	case "binance":
		return &binance{c}, nil
	case "kraken":
		return &kraken{c}, nil
	case "coinbase":
		return &coinbase{c}, nil
	case "okx":
		return &okx{c}, nil
	}
	return nil, fmt.Errorf("exchange: %s is not one that Goldpan can ask", c.title)
}

// symbol checks a coin's or a network's name before it goes into a request.
func symbol(s string) (string, error) {
	if len(s) > 32 {
		return "", ErrNoAddress
	}
	out := []byte(s)
	for i, b := range out {
		switch {
		case 'a' <= b && b <= 'z':
			out[i] = b - 'a' + 'A'
		case 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '.', b == '_', b == ' ', b == '(', b == ')':
		default:
			return "", ErrNoAddress
		}
	}
	return string(out), nil
}

func answer(yes bool) vault.Answer {
	if yes {
		return vault.Yes
	}
	return vault.No
}

// named gives an asset whose name cannot be shown, such as one in Chinese, a name: it
// is there all the same.
func named(asset reply.Text) reply.Text {
	if asset == "" {
		return "?"
	}
	return asset
}

// allowlist says whether a list of addresses keeps anybody out: none does not, nor
// does the whole internet.
func allowlist(list []string) vault.Answer {
	some := false
	for _, text := range list {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if text == "*" || text == "0.0.0.0" || text == "::" {
			return vault.No
		}
		if p, err := netip.ParsePrefix(text); err == nil && p.Bits() < 8 {
			return vault.No
		}
		some = true
	}
	return answer(some)
}

func seen() time.Time { return time.Now().UTC().Truncate(time.Second) }
