//go:build !js

package exchange

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"goldpan/vault"
	"goldpan/vault/policy"
	"goldpan/vault/reply"
)

// binance follows binance/binance-spot-api-docs, rest-api.md ("Limits", "SIGNED Endpoint
// security", "Account information") and errors.md, of 21 July 2026; and Wallet ("Get API
// Key Permission", "Deposit Address") as binance/binance-connector-js describes it in
// clients/wallet 22.0.1 of 21 July 2026. The codes -4018 to -4031 are Wallet's as known.
// The test network has no Wallet.
type binance struct{ *client }

// recvWindow is how old a request may be when it arrives, in milliseconds: Binance's
// own default.
const recvWindow = "5000"

func (b *binance) Permissions(ctx context.Context) (vault.Permissions, error) {
	if b.test {
		return vault.Permissions{}, policy.ErrCannotTell
	}
	var r binancePowers
	err := b.call(ctx, vault.Request{Method: http.MethodGet, URL: "/sapi/v1/account/apiRestrictions", Query: url.Values{"recvWindow": {recvWindow}},
		Purpose: "read what the key may do", Cost: 1}, binanceJudge, &r)
	if err != nil {
		return vault.Permissions{}, err
	}
	if r.has("enableReading") == "" || r.has("enableWithdrawals") == "" {
		return vault.Permissions{}, unreadable(b.title)
	}
	p := vault.Permissions{Seen: seen(), Read: r.has("enableReading"), Allowlist: r.has("ipRestrict"), Withdraw: r.has("enableWithdrawals"), Trade: r.has("enableSpotAndMarginTrading")}
	if r.has("enableInternalTransfer") != "" && r.has("permitsUniversalTransfer") != "" {
		p.Transfer = vault.No
	}
	for name, yes := range r {
		if !yes {
			continue
		}
		switch name {
		case "enableReading", "enableWithdrawals", "enableFixReadOnly", "ipRestrict":
		case "enableInternalTransfer", "permitsUniversalTransfer":
			p.Transfer = vault.Yes
		case "enableSpotAndMarginTrading", "enableMargin", "enableFutures", "enableVanillaOptions", "enablePortfolioMarginTrading", "enableFixApiTrade":
			// tradingAuthorityExpirationTime ends this right alone: the key itself
			// has no end that is told.
			p.Trade = vault.Yes
		default:
			// A power that Goldpan has never heard of: what it is called is all
			// that is known.
			switch name = strings.ToLower(name); {
			case strings.Contains(name, "withdraw"):
				p.Withdraw = vault.Yes
			case strings.Contains(name, "transfer"), strings.HasPrefix(name, "permits"):
				p.Transfer = vault.Yes
			case !strings.Contains(name, "read"):
				p.Trade = vault.Yes
			}
		}
	}
	return p, nil
}

// binancePowers are an answer's fields that are true or false.
type binancePowers map[string]bool

// UnmarshalJSON passes over fields of another kind, such as times.
func (p *binancePowers) UnmarshalJSON(b []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	*p = make(binancePowers)
	for name, value := range all {
		if text := string(value); text == "true" || text == "false" {
			(*p)[name] = text == "true"
		}
	}
	return nil
}

func (p binancePowers) has(name string) vault.Answer {
	yes, told := p[name]
	if !told {
		return ""
	}
	return answer(yes)
}

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
		if !(x.Free.IsZero() && x.Locked.IsZero()) {
			list = append(list, Balance{Asset: named(x.Asset), Free: x.Free, Held: x.Locked})
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
	case "-1003", "-1001", "-1006", "-1007", "-1008":
		return code, ErrBusy
	case "-4018", "-4019", "-4024", "-4031":
		return code, ErrNoAddress
	}
	return code, byStatus(status)
}
