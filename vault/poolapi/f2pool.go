//go:build !js

package poolapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// f2pool follows api.f2pool.com/v2/doc as average-gary/f2-pool-open-api-spec kept it on 23
// May 2024: "API authentication", "Hashrate information", "Worker list", "Fetch current
// user's asset details". calculate_estimated_income is newer, and as known. Every question
// is a POST.
type f2pool struct {
	*client
	account Account
}

// f2coin is F2Pool's name of a coin.
func f2coin(symbol string) string {
	switch strings.ToUpper(symbol) {
	case "", "BTC":
		return "bitcoin"
	case "LTC":
		return "litecoin"
	case "BCH":
		return "bitcoin-cash"
	}
	return strings.ToLower(symbol)
}

func (p f2pool) ask(ctx context.Context, path string, more map[string]any, into any) error {
	question := map[string]any{"mining_user_name": p.account.User, "currency": f2coin(p.account.Coin)}
	for name, value := range more {
		question[name] = value
	}
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	var r envelope
	if err := p.call(ctx, vault.Request{Method: http.MethodPost, URL: "/v2/" + path, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, &r); err != nil {
		return err
	}
	// An error is {"code":-10001,"msg":"…"} with status 200.
	var refused struct {
		Code reply.Amount `json:"code"`
	}
	if reply.Decode(r, &refused) == nil && !refused.Code.IsZero() {
		return p.explain(ErrRefused, "code "+string(refused.Code))
	}
	if reply.Decode(r, into) != nil {
		return p.explain(reply.ErrUnreadable, "")
	}
	return nil
}

func (p f2pool) Stats(ctx context.Context) (Stats, error) {
	if p.account.User == "" {
		return Stats{}, p.explain(ErrUnknown, "it wants the name of a mining user")
	}
	var rate struct {
		Info *struct {
			Now reply.Amount `json:"hash_rate"`
			Day reply.Amount `json:"h24_hash_rate"`
		} `json:"info"`
	}
	if err := p.ask(ctx, "hash_rate/info", nil, &rate); err != nil {
		return Stats{}, err
	}
	var balance struct {
		Info *struct {
			Balance reply.Amount `json:"balance"`
			Paid    reply.Amount `json:"paid"`
			Today   reply.Amount `json:"estimated_today_income"`
		} `json:"balance_info"`
	}
	if err := p.ask(ctx, "assets/balance", map[string]any{"calculate_estimated_income": true}, &balance); err != nil {
		return Stats{}, err
	}
	var workers struct {
		Workers []struct {
			Info struct {
				Name reply.Text   `json:"name"`
				Now  reply.Amount `json:"hash_rate"`
			} `json:"hash_rate_info"`
			Last   reply.Amount `json:"last_share_at"`
			Status int          `json:"status"` // 0 online, 1 offline, 2 expired
		} `json:"workers"`
	}
	if err := p.ask(ctx, "hash_rate/worker/list", nil, &workers); err != nil {
		return Stats{}, err
	}
	if rate.Info == nil || balance.Info == nil {
		return Stats{}, p.explain(reply.ErrUnreadable, "")
	}
	coin := strings.ToUpper(p.account.Coin)
	if coin == "" {
		coin = "BTC"
	}
	s := Stats{HashRate: rate.Info.Now, HashRate1: rate.Info.Day,
		Earned: []Earned{{Coin: reply.Plain(coin), Unpaid: balance.Info.Balance, Paid: balance.Info.Paid, Day: balance.Info.Today}}}
	var list []Worker
	for _, w := range workers.Workers {
		if w.Status < 2 {
			list = append(list, Worker{Name: w.Info.Name, Online: w.Status == 0, HashRate: w.Info.Now, LastShare: reply.Unix(w.Last)})
		}
	}
	s.keep(list)
	return s, nil
}
