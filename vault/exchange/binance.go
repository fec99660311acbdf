//go:build !js

package exchange

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"goldpan/vault"
	"goldpan/vault/policy"
	"goldpan/vault/reply"
)

// binance follows developers.binance.com, as known in November 2026: Spot REST API
// ("Account information", "Error codes") and Wallet ("Get API Key Permission",
// "Deposit Address"). The test network has no Wallet.
type binance struct{ *client }

// recvWindow is how old a request may be when it arrives, in milliseconds: Binance's
// own default.
const recvWindow = "5000"

func (b *binance) Permissions(ctx context.Context) (vault.Permissions, error) {
	if b.test {
		return vault.Permissions{}, policy.ErrCannotTell
	}
	var r struct {
		IPRestrict        *bool `json:"ipRestrict"`
		Reading           *bool `json:"enableReading"`
		Withdrawals       *bool `json:"enableWithdrawals"`
		InternalTransfer  *bool `json:"enableInternalTransfer"`
		UniversalTransfer *bool `json:"permitsUniversalTransfer"`
		SpotAndMargin     *bool `json:"enableSpotAndMarginTrading"`
		Margin            bool  `json:"enableMargin"`
		Futures           bool  `json:"enableFutures"`
		Options           bool  `json:"enableVanillaOptions"`
		Portfolio         bool  `json:"enablePortfolioMarginTrading"`
		FixTrade          bool  `json:"enableFixApiTrade"`
	}
	err := b.call(ctx, vault.Request{Method: http.MethodGet, URL: "/sapi/v1/account/apiRestrictions", Query: url.Values{"recvWindow": {recvWindow}},
		Purpose: "read what the key may do", Cost: 1}, binanceJudge, &r)
	if err != nil {
		return vault.Permissions{}, err
	}
	if r.Reading == nil || r.Withdrawals == nil {
		return vault.Permissions{}, unreadable(b.title)
	}
	p := vault.Permissions{Seen: seen(), Read: maybe(r.Reading), Withdraw: maybe(r.Withdrawals), Allowlist: maybe(r.IPRestrict)}
	switch {
	case is(r.InternalTransfer) || is(r.UniversalTransfer):
		p.Transfer = vault.Yes
	case r.InternalTransfer != nil && r.UniversalTransfer != nil:
		p.Transfer = vault.No
	}
	switch {
	case is(r.SpotAndMargin) || r.Margin || r.Futures || r.Options || r.Portfolio || r.FixTrade:
		// tradingAuthorityExpirationTime ends this right alone: the key itself has no
		// end that is told.
		p.Trade = vault.Yes
	case r.SpotAndMargin != nil:
		p.Trade = vault.No
	}
	return p, nil
}

func is(b *bool) bool { return b != nil && *b }

func (b *binance) Balances(ctx context.Context) ([]Balance, error) {
	var r struct {
		Balances []struct {
			Asset        reply.Text
			Free, Locked reply.Amount
		} `json:"balances"`
	}
	err := b.call(ctx, vault.Request{Method: http.MethodGet, URL: "/api/v3/account",
		Query: url.Values{"omitZeroBalances": {"true"}, "recvWindow": {recvWindow}}, Purpose: "read balances", Cost: 20}, binanceJudge, &r)
	if err != nil {
		return nil, err
	}
	if r.Balances == nil {
		return nil, unreadable(b.title)
	}
	var list []Balance
	for _, x := range r.Balances {
		if x.Asset != "" && !(x.Free.IsZero() && x.Locked.IsZero()) {
			list = append(list, Balance{Asset: x.Asset, Free: x.Free, Held: x.Locked})
		}
	}
	return list, nil
}

func (b *binance) DepositAddress(ctx context.Context, asset, network string) ([]Deposit, error) {
	asset, err := symbol(asset)
	if err != nil {
		return nil, b.explain(err, "", 200)
	}
	if network, err = symbol(network); err != nil {
		return nil, b.explain(err, "", 200)
	}
	q := url.Values{"coin": {asset}, "recvWindow": {recvWindow}}
	if network != "" {
		q.Set("network", network)
	}
	var r struct{ Coin, Address, Tag reply.Text }
	err = b.call(ctx, vault.Request{Method: http.MethodGet, URL: "/sapi/v1/capital/deposit/address", Query: q, Purpose: "read a deposit address", Cost: 10}, binanceJudge, &r)
	if err != nil {
		return nil, err
	}
	if r.Address == "" || r.Coin != reply.Text(asset) {
		return nil, b.explain(ErrNoAddress, "", 200)
	}
	return []Deposit{{Asset: r.Coin, Network: reply.Text(network), Address: r.Address, Tag: r.Tag}}, nil
}

// binanceJudge reads {"code":-1021,"msg":"…"}.
func binanceJudge(status int, body []byte) (string, error) {
	if status/100 == 2 {
		return "", nil
	}
	var r struct{ Code json.Number }
	_ = reply.Decode(body, &r) // a proxy in between may answer in another form
	code := r.Code.String()
	switch code {
	case "-1021":
		return code, ErrClock
	case "-1022", "-2014", "-2015":
		return code, ErrKey
	case "-1002":
		return code, ErrDenied
	case "-1003", "-1001", "-1006", "-1007", "-1008", "-1016":
		return code, ErrBusy
	case "-4018", "-4019", "-4024", "-4031":
		return code, ErrNoAddress
	}
	return code, byStatus(status)
}
