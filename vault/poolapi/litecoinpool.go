//go:build !js

package poolapi

import (
	"context"
	"net/http"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// litecoinpool follows www.litecoinpool.org/api, as known in November 2026: the pool
// publishes no document, and the names are those that programs which ask it use. The key
// goes into the query, which the vault keeps out of errors and the audit. Hash rates are
// in kH/s.
type litecoinpool struct{ *client }

func (p litecoinpool) Stats(ctx context.Context) (Stats, error) {
	var r struct {
		User *struct {
			HashRate   reply.Amount `json:"hash_rate"`
			Paid       reply.Amount `json:"paid_rewards"`
			Unpaid     reply.Amount `json:"unpaid_rewards"`
			Day        reply.Amount `json:"past_24h_rewards"`
			PaidDoge   reply.Amount `json:"paid_rewards_doge"`
			UnpaidDoge reply.Amount `json:"unpaid_rewards_doge"`
			DayDoge    reply.Amount `json:"past_24h_rewards_doge"`
		} `json:"user"`
		Workers map[string]struct {
			Connected bool         `json:"connected"`
			HashRate  reply.Amount `json:"hash_rate"`
			Day       reply.Amount `json:"hash_rate_24h"`
			Last      reply.Amount `json:"last_share_time"`
		} `json:"workers"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/api"}, &r); err != nil {
		return Stats{}, err
	}
	if r.User == nil {
		return Stats{}, p.explain(ErrKey, "") // an unknown key gets an object without it
	}
	s := Stats{HashRate: r.User.HashRate.Times(3), Earned: []Earned{{Coin: "LTC", Unpaid: r.User.Unpaid, Paid: r.User.Paid, Day: r.User.Day}}}
	if r.User.UnpaidDoge != "" || r.User.PaidDoge != "" {
		s.Earned = append(s.Earned, Earned{Coin: "DOGE", Unpaid: r.User.UnpaidDoge, Paid: r.User.PaidDoge, Day: r.User.DayDoge})
	}
	var list []Worker
	for name, w := range r.Workers {
		list = append(list, Worker{Name: reply.Plain(name), Online: w.Connected, HashRate: w.HashRate.Times(3), LastShare: reply.Unix(w.Last)})
		if w.Day != "" {
			s.HashRate1 = s.HashRate1.Add(w.Day.Times(3))
		}
	}
	s.keep(list)
	return s, nil
}
