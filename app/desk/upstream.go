package desk

import (
	"strings"

	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
)

// Upstream is what a gateway needs to have devices mine on this practice network, paid to its wallet. It is good while
// the practice runs.
func (p *Practice) Upstream() config.Config {
	c := config.Default()
	c.Algorithm, c.Payout = string(p.options.Algorithm), p.address
	c.Pools = []config.Pool{{URL: p.network.PoolURL(), User: p.address + ".home"}}
	return c
}

// PaidTo is who is paid by the settings, as devices may be shown it: the payout address, or the account at the first pool
// without its worker's name. It is empty without either.
func PaidTo(c config.Config) string {
	if c.Payout != "" || len(c.Pools) == 0 {
		return c.Payout
	}
	account, _, _ := strings.Cut(c.Pools[0].User, ".")
	return account
}

// HomeSnapshot is how a household's gateway and its devices stand.
type HomeSnapshot = home.Snapshot
