//go:build !js

package exchange

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"goldpan/vault"
	"goldpan/vault/policy"
	"goldpan/vault/reply"
)

// kraken follows docs.kraken.com as it was in 2026: api-reference/account-data ("Get API
// Key Info", whose example is of 4 March 2026, "Get Extended Balance"), /funding ("Get
// Deposit Methods", "Get Deposit Addresses") and exchange/guides/general/errors. Of the
// permissions' names its example has four; the others are as known. XBT and XDG, and the
// ways in of the coins below, are as in ccxt/ccxt, ts/src/kraken.ts.
//
// An address wants the permission Query alone. The list of ways wants Deposit too,
// which makes addresses: so it is asked for only where the way is not known.
type kraken struct{ *client }

func (k *kraken) ask(ctx context.Context, method string, form url.Values, purpose string, into any) error {
	return k.call(ctx, vault.Request{Method: http.MethodPost, URL: "/0/private/" + method, Body: []byte(form.Encode()), Purpose: purpose, Cost: 1}, krakenJudge, into)
}

func (k *kraken) Permissions(ctx context.Context) (vault.Permissions, error) {
	var r struct {
		Result struct {
			Permissions []string     `json:"permissions"`
			ValidUntil  reply.Amount `json:"validUntil"`
			Allowlist   *[]string    `json:"ipAllowlist"`
		} `json:"result"`
	}
	if err := k.ask(ctx, "GetApiKeyInfo", nil, "read what the key may do", &r); err != nil {
		if errors.Is(err, errUnknownMethod) {
			return vault.Permissions{}, policy.ErrCannotTell
		}
		return vault.Permissions{}, err
	}
	if r.Result.Permissions == nil {
		return vault.Permissions{}, unreadable(k.title)
	}
	p := vault.Permissions{Seen: seen(), Read: vault.No, Trade: vault.No, Transfer: vault.No, Withdraw: vault.No, Expires: reply.Unix(r.Result.ValidUntil)}
	if r.Result.Allowlist != nil {
		p.Allowlist = allowlist(*r.Result.Allowlist)
	}
	for _, name := range r.Result.Permissions {
		switch name {
		case "query-funds":
			p.Read = vault.Yes
		case "add-funds", "query-open-trades", "query-closed-trades", "query-ledger", "export-data", "create-ws-token":
		case "modify-trades", "close-trades":
			p.Trade = vault.Yes
		case "earn-funds":
			p.Transfer = vault.Yes // from the balance into what Kraken lends
		case "withdraw-funds", "add-withdraw-address", "update-withdraw-address":
			p.Withdraw = vault.Yes // an address that was put there is half of it
		default:
			// A power that Goldpan has never heard of is none that a key has by the way.
			if strings.Contains(name, "withdraw") {
				p.Withdraw = vault.Yes
			} else if !strings.HasPrefix(name, "query-") {
				p.Transfer = vault.Yes
			}
		}
	}
	return p, nil
}

func (k *kraken) Balances(ctx context.Context) ([]Balance, error) {
	var r struct {
		Result map[string]struct {
			Balance reply.Amount `json:"balance"`
			Hold    reply.Amount `json:"hold_trade"`
		} `json:"result"`
	}
	if err := k.ask(ctx, "BalanceEx", nil, "read balances", &r); err != nil {
		return nil, err
	}
	if r.Result == nil {
		return nil, unreadable(k.title)
	}
	var list []Balance
	for name, x := range r.Result {
		if !x.Balance.IsZero() || !x.Hold.IsZero() {
			list = append(list, Balance{Asset: named(reply.Plain(name)), Free: x.Balance.Sub(x.Hold), Held: x.Hold})
		}
	}
	slices.SortFunc(list, func(a, b Balance) int { return strings.Compare(string(a.Asset), string(b.Asset)) })
	return list, nil
}

func (k *kraken) DepositAddress(ctx context.Context, asset, network string) ([]Deposit, error) {
	asset, err := symbol(asset)
	if err != nil || len(network) > 64 {
		return nil, k.explain(ErrNoAddress, "", 200)
	}
	name, way := krakenCoin(asset)
	if network != "" {
		way = network
	}
	if way != "" {
		list, err := k.addresses(ctx, asset, name, way)
		if err == nil && len(list) > 0 {
			return list, nil
		}
		if err != nil && !errors.Is(err, ErrNoAddress) {
			return nil, err
		}
	}
	var methods struct {
		Result []struct {
			Method reply.Text `json:"method"`
		} `json:"result"`
	}
	err = k.ask(ctx, "DepositMethods", url.Values{"asset": {name}}, "read the ways to send coins in", &methods)
	if errors.Is(err, ErrDenied) {
		return nil, &vault.Error{Store: k.title, Err: ErrNoAddress, Detail: "the key may not list the ways in",
			Hint: "Make an address at Kraken, and name the network as Kraken calls it there. To have it looked up, the key needs Deposit under Funds permissions too, which only makes addresses."}
	}
	if err != nil {
		return nil, err
	}
	for _, m := range methods.Result {
		if m.Method == "" || string(m.Method) == way || network != "" && !strings.EqualFold(string(m.Method), network) {
			continue
		}
		list, err := k.addresses(ctx, asset, name, string(m.Method))
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			return list, nil
		}
		break
	}
	return nil, k.explain(ErrNoAddress, "", 200)
}

// krakenCoin gives Kraken's name of a coin, and of its own way in where that is known.
func krakenCoin(asset string) (name, way string) {
	switch asset {
	case "BTC", "XBT":
		return "XBT", "Bitcoin"
	case "LTC":
		return "LTC", "Litecoin"
	case "DOGE", "XDG":
		return "XDG", "Dogecoin"
	case "BCH":
		return "BCH", "Bitcoin Cash"
	}
	return asset, ""
}

// addresses asks for those that were made for a coin and a way in. It makes none.
func (k *kraken) addresses(ctx context.Context, asset, name, way string) ([]Deposit, error) {
	var r struct {
		Result []struct {
			Address reply.Text `json:"address"`
			Tag     reply.Text `json:"tag"`
			Memo    reply.Text `json:"memo"`
		} `json:"result"`
	}
	if err := k.ask(ctx, "DepositAddresses", url.Values{"asset": {name}, "method": {way}}, "read a deposit address", &r); err != nil {
		return nil, err
	}
	var list []Deposit
	for _, x := range r.Result {
		if x.Address != "" {
			list = append(list, Deposit{Asset: reply.Text(asset), Network: reply.Plain(way), Address: x.Address, Tag: first(x.Tag, x.Memo)})
		}
	}
	return list, nil
}

func first(texts ...reply.Text) reply.Text {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

var errUnknownMethod = errors.New("it does not know this question")

// krakenJudge reads {"error":["EAPI:Invalid key"]}, which comes with status 200.
func krakenJudge(status int, body []byte) (string, error) {
	var r struct {
		Error []string `json:"error"`
	}
	if reply.Decode(body, &r) != nil || len(r.Error) == 0 {
		if status/100 == 2 {
			return "", nil
		}
		return "", byStatus(status)
	}
	code := r.Error[0]
	switch {
	case code == "EAPI:Invalid key", code == "EAPI:Invalid signature":
		return code, ErrKey
	case code == "EAPI:Invalid nonce":
		return code, ErrShared
	case code == "EGeneral:Permission denied":
		return code, ErrDenied
	case code == "EGeneral:Unknown method":
		return code, errUnknownMethod
	case strings.HasPrefix(code, "EService:"), code == "EAPI:Rate limit exceeded", code == "EGeneral:Temporary lockout", code == "EGeneral:Too many requests", code == "EGeneral:Internal error", code == "EDatabase:Internal error":
		return code, ErrBusy
	case code == "EFunding:Unknown asset", code == "EQuery:Unknown asset", strings.HasPrefix(code, "EFunding:No funding method"), code == "EFunding:Unknown method":
		return code, ErrNoAddress
	}
	return code, ErrRefused
}
