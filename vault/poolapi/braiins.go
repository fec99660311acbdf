//go:build !js

package poolapi

import (
	"context"
	"net/http"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// braiins follows academy.braiins.com, Braiins Pool, Monitoring, "User Profile API"
// and "Worker API", as known in November 2026. A token that it does not know is answered
// with a sentence and status 200, as the library braiinspool found. A worker is ok, low,
// off, or dis: then the person has switched its monitoring off.
type braiins struct{ *client }

func (p braiins) Stats(ctx context.Context) (Stats, error) {
	var r struct {
		BTC *struct {
			Unit    string       `json:"hash_rate_unit"`
			Now     reply.Amount `json:"hash_rate_5m"`
			Day     reply.Amount `json:"hash_rate_24h"`
			Balance reply.Amount `json:"current_balance"`
			Today   reply.Amount `json:"today_reward"`
			All     reply.Amount `json:"all_time_reward"`
		} `json:"btc"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/accounts/profile/json/btc/"}, &r); err != nil {
		return Stats{}, err
	}
	if r.BTC == nil {
		return Stats{}, p.explain(reply.ErrUnreadable, "")
	}
	n, ok := power(r.BTC.Unit)
	if !ok {
		return Stats{}, p.explain(reply.ErrUnreadable, "")
	}
	earned := Earned{Coin: "BTC", Unpaid: r.BTC.Balance, Day: r.BTC.Today}
	if r.BTC.All != "" && r.BTC.Balance != "" {
		earned.Paid = r.BTC.All.Sub(r.BTC.Balance)
	}
	s := Stats{HashRate: r.BTC.Now.Times(n), HashRate1: r.BTC.Day.Times(n), Earned: []Earned{earned}}
	var workers struct {
		BTC struct {
			Workers map[string]struct {
				State string       `json:"state"`
				Last  reply.Amount `json:"last_share"`
				Unit  string       `json:"hash_rate_unit"`
				Now   reply.Amount `json:"hash_rate_5m"`
			} `json:"workers"`
		} `json:"btc"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/accounts/workers/json/btc/"}, &workers); err != nil {
		return Stats{}, err
	}
	var list []Worker
	for name, w := range workers.BTC.Workers {
		n, ok := power(w.Unit)
		if !ok {
			return Stats{}, p.explain(reply.ErrUnreadable, "")
		}
		online := w.State == "ok" || w.State == "low" || w.State == "dis" && !w.Now.IsZero()
		list = append(list, Worker{Name: reply.Plain(name), Online: online, HashRate: w.Now.Times(n), LastShare: reply.Unix(w.Last)})
	}
	s.keep(list)
	return s, nil
}
