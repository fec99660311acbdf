//go:build !js

package poolapi

import (
	"context"
	"net/http"
	"net/url"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// viabtc follows github.com/viabtc/viapool_api/wiki of November 2021, as known in
// November 2026: "hashrate", "hashrate worker", "account".
type viabtc struct {
	*client
	coin string
}

func (p viabtc) get(ctx context.Context, path string, q url.Values, into any) error {
	var r struct {
		Code *int      `json:"code"`
		Data *envelope `json:"data"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/res/openapi/v1/" + path, Query: q}, &r); err != nil {
		return err
	}
	switch {
	case r.Code == nil:
		return p.explain(reply.ErrUnreadable, "")
	case *r.Code != 0:
		return p.explain(ErrRefused, "")
	case r.Data == nil || reply.Decode(*r.Data, into) != nil:
		return p.explain(reply.ErrUnreadable, "")
	}
	return nil
}

// envelope keeps what is inside of an answer until it is known to be good.
type envelope []byte

func (e *envelope) UnmarshalJSON(b []byte) error {
	*e = append((*e)[:0], b...)
	return nil
}

func (p viabtc) Stats(ctx context.Context) (Stats, error) {
	coin := p.coin
	if coin == "" {
		coin = "BTC"
	}
	var rate struct {
		Now reply.Amount `json:"hashrate_10min"`
		Day reply.Amount `json:"hashrate_24hour"`
	}
	if err := p.get(ctx, "hashrate", url.Values{"coin": {coin}}, &rate); err != nil {
		return Stats{}, err
	}
	var workers struct {
		Data []struct {
			Name   reply.Text   `json:"worker_name"`
			Status string       `json:"worker_status"`
			Now    reply.Amount `json:"hashrate_10min"`
		} `json:"data"`
	}
	if err := p.get(ctx, "hashrate/worker", url.Values{"coin": {coin}}, &workers); err != nil {
		return Stats{}, err
	}
	var account struct {
		Balance []struct {
			Coin   reply.Text   `json:"coin"`
			Amount reply.Amount `json:"amount"`
		} `json:"balance"`
	}
	if err := p.get(ctx, "account", nil, &account); err != nil {
		return Stats{}, err
	}
	s := Stats{HashRate: rate.Now, HashRate1: rate.Day}
	for _, b := range account.Balance {
		if b.Coin != "" && (!b.Amount.IsZero() || string(b.Coin) == coin) {
			s.Earned = append(s.Earned, Earned{Coin: b.Coin, Unpaid: b.Amount})
		}
	}
	var list []Worker
	for _, w := range workers.Data {
		list = append(list, Worker{Name: w.Name, Online: w.Status == "active", HashRate: w.Now})
	}
	s.keep(list)
	return s, nil
}
