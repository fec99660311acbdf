package desk

import (
	"context"
	"net"
	"net/url"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
	"goldpan/core/engine"
)

// NodeOptions are the options of mining on the node that the settings name, on
// the network that their payout address is of. secret fetches the node's password
// from the vault by its id; it may be nil where the settings name none.
func NodeOptions(ctx context.Context, c config.Config, secret func(ctx context.Context, id string) (string, error)) (o SoloOptions, err error) {
	_, network, err := payoutScript(c)
	if err != nil {
		return SoloOptions{}, err
	}
	o = SoloOptions{
		Coin: c.Coin, Network: network, Payout: c.Payout, Node: c.Node.URL, User: c.Node.User, CookieFile: c.Node.Cookie,
		Rules: c.Rules(), // lanes for all processors: the rules may let more work later
	}
	if network == "" {
		o.Network = string(coin.Main)
	}
	if c.Node.PasswordKey != "" {
		if secret == nil {
			return SoloOptions{}, errNoVault
		}
		if o.Password, err = secret(ctx, c.Node.PasswordKey); err != nil {
			return SoloOptions{}, err
		}
	}
	if !here(c.Node.URL) {
		o.Proxy = c.Proxy
	}
	return o, nil
}

// here tells whether an address is on this machine.
func here(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// CheckNode says what is wrong with mining on the node that the settings name, as
// far as that can be told without contacting it. hasLogin tells that a password is
// to come.
func CheckNode(c config.Config, hasLogin bool) error {
	o, err := NodeOptions(context.Background(), c, func(context.Context, string) (string, error) { return "x", nil })
	if err != nil {
		return err
	}
	if hasLogin {
		o.Password = "x"
	}
	o.Rules, o.Threads = engine.Rules{}, 1
	_, err = NewSolo(o)
	return err
}
