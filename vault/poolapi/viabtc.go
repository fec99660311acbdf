//go:build !js

package poolapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// viabtc follows github.com/viabtc/viapool_api/wiki, "API Authentication" of 30 November
// 2021, and "hashrate", "hashrate worker" and "account" as known in November 2026. Workers
// come in pages; how many there are is told beside the hash rate.
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
		Now     reply.Amount `json:"hashrate_10min"`
		Day     reply.Amount `json:"hashrate_24hour"`
		Online  *int         `json:"active_workers"`
		Offline *int         `json:"unactive_workers"`
	}
	if err := p.get(ctx, "hashrate", url.Values{"coin": {coin}}, &rate); err != nil {
		return Stats{}, err
	}
	var list []Worker
	for page := 1; len(list) < maxWorkers; page++ {
		var workers struct {
			More bool `json:"has_next"`
			Data []struct {
				Name   reply.Text   `json:"worker_name"`
				Status string       `json:"worker_status"`
				Now    reply.Amount `json:"hashrate_10min"`
			} `json:"data"`
		}
		q := url.Values{"coin": {coin}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(viaPage)}}
		if err := p.get(ctx, "hashrate/worker", q, &workers); err != nil {
			return Stats{}, err
		}
		for _, w := range workers.Data {
			list = append(list, Worker{Name: w.Name, Online: w.Status == "active", HashRate: w.Now})
		}
		if !workers.More || len(workers.Data) == 0 {
			break
		}
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
	s.keep(list)
	if rate.Online != nil && rate.Offline != nil && *rate.Online >= 0 && *rate.Offline >= 0 {
		s.Online, s.Offline = *rate.Online, *rate.Offline // the list may have ended before
	}
	return s, nil
}

// viaPage is how many workers are asked for at once.
const viaPage = 100
