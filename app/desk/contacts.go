package desk

import (
	"fmt"
	"net/url"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// Contacts lists whom mining by c would connect to: pools in order, as host:port,
// and the proxy that all goes through, or nothing. It contacts nobody. used are
// the presets among the pools.
func Contacts(c config.Config) (hosts []string, proxy string, used []coin.Pool, err error) {
	c, used, err = Expand(c)
	if err != nil {
		return nil, "", nil, err
	}
	var p plan
	for i, pool := range c.Pools {
		u, err := stratum.ParseURL(pool.URL)
		if err != nil {
			return nil, "", nil, fmt.Errorf("pool %d: %w", i+1, err)
		}
		p.pools = append(p.pools, stratum.Pool{URL: u})
	}
	if p.proxy, err = jsonrpc.ParseProxy(c.Proxy); err != nil {
		return nil, "", nil, err
	}
	return p.hosts(), p.proxy.String(), used, nil
}

// Encrypted tells whether a pool's address is reached by TLS, which nobody on the
// way can read or change.
func Encrypted(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "stratum+tls", "stratum+ssl", "tls", "ssl", "wss", "https":
		return true
	}
	return false
}
