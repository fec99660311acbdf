//go:build !js

package exchange

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// okx follows www.okx.com/docs-v5 ("REST Authentication", "Get account configuration",
// "Get balance" of the trading and of the funding account, "Get deposit address"), as
// known in November 2026, with the codes that ccxt/ccxt keeps of it in ts/src/okx.ts.
// A key that may trade may also move money between the parts of the account and its
// sub-accounts. It does not tell of a key's end.
type okx struct{ *client }

func (o *okx) ask(ctx context.Context, path string, q url.Values, purpose string, into any) error {
	return o.call(ctx, vault.Request{Method: http.MethodGet, URL: path, Query: q, Purpose: purpose, Cost: 1}, okxJudge, into)
}

func (o *okx) Permissions(ctx context.Context) (vault.Permissions, error) {
	var r struct {
		Data []struct {
			Perm *string `json:"perm"`
			IP   *string `json:"ip"`
		} `json:"data"`
	}
	if err := o.ask(ctx, "/api/v5/account/config", nil, "read what the key may do", &r); err != nil {
		return vault.Permissions{}, err
	}
	if len(r.Data) != 1 || r.Data[0].Perm == nil || len(*r.Data[0].Perm) > 200 {
		return vault.Permissions{}, unreadable(o.title)
	}
	p := vault.Permissions{Seen: seen(), Read: vault.No, Trade: vault.No, Transfer: vault.No, Withdraw: vault.No}
	for name := range strings.SplitSeq(*r.Data[0].Perm, ",") {
		switch strings.TrimSpace(name) {
		case "read_only":
			p.Read = vault.Yes
		case "trade":
			p.Trade, p.Transfer = vault.Yes, vault.Yes
		case "withdraw":
			p.Withdraw = vault.Yes
		case "":
		default:
			p.Transfer = vault.Yes // a power that Goldpan has never heard of
		}
	}
	if r.Data[0].IP != nil {
		p.Allowlist = allowlist(strings.Split(*r.Data[0].IP, ","))
	}
	return p, nil
}

func (o *okx) Balances(ctx context.Context) ([]Balance, error) {
	var trading struct {
		Data []struct {
			Details []struct {
				Asset reply.Text   `json:"ccy"`
				Free  reply.Amount `json:"availBal"`
				Held  reply.Amount `json:"frozenBal"`
			} `json:"details"`
		} `json:"data"`
	}
	if err := o.ask(ctx, "/api/v5/account/balance", nil, "read balances", &trading); err != nil {
		return nil, err
	}
	var funding struct {
		Data []struct {
			Asset reply.Text   `json:"ccy"`
			Free  reply.Amount `json:"availBal"`
			Held  reply.Amount `json:"frozenBal"`
		} `json:"data"`
	}
	if err := o.ask(ctx, "/api/v5/asset/balances", nil, "read balances", &funding); err != nil {
		return nil, err
	}
	if trading.Data == nil || funding.Data == nil {
		return nil, unreadable(o.title)
	}
	var list []Balance
	add := func(account string, asset reply.Text, free, held reply.Amount) {
		if !(free.IsZero() && held.IsZero()) {
			list = append(list, Balance{Asset: named(asset), Account: account, Free: free, Held: held})
		}
	}
	for _, d := range trading.Data {
		for _, x := range d.Details {
			add("trading", x.Asset, x.Free, x.Held)
		}
	}
	for _, x := range funding.Data {
		add("funding", x.Asset, x.Free, x.Held)
	}
	return list, nil
}

func (o *okx) DepositAddress(ctx context.Context, asset, network string) ([]Deposit, error) {
	asset, err := symbol(asset)
	if err != nil {
		return nil, o.explain(err, "", 200)
	}
	var r struct {
		Data []struct {
			Asset   reply.Text `json:"ccy"`
			Chain   reply.Text `json:"chain"`
			Address reply.Text `json:"addr"`
			Tag     reply.Text `json:"tag"`
			Memo    reply.Text `json:"memo"`
			Payment reply.Text `json:"pmtId"`
			More    attachment `json:"addrEx"`
		} `json:"data"`
	}
	if err := o.ask(ctx, "/api/v5/asset/deposit-address", url.Values{"ccy": {asset}}, "read a deposit address", &r); err != nil {
		return nil, err
	}
	var list []Deposit
	for _, x := range r.Data {
		_, short, _ := strings.Cut(string(x.Chain), "-") // "USDT-TRC20"
		if x.Address == "" || string(x.Asset) != asset || network != "" && !strings.EqualFold(string(x.Chain), network) && !strings.EqualFold(short, network) {
			continue
		}
		if x.More.unclear {
			continue // coins that are sent without it are lost
		}
		list = append(list, Deposit{Asset: x.Asset, Network: x.Chain, Address: x.Address, Tag: first(x.Tag, x.Memo, x.Payment, x.More.tag)})
	}
	if len(list) == 0 {
		return nil, o.explain(ErrNoAddress, "", 200)
	}
	return list, nil
}

// attachment is what else goes with an address, such as {"comment":"123456"}, where a
// network has a name of its own for a tag.
type attachment struct {
	tag     reply.Text
	unclear bool // there is something, and it cannot be told
}

// UnmarshalJSON takes an object of one text; null and "" for none.
func (a *attachment) UnmarshalJSON(b []byte) error {
	*a = attachment{}
	if s := string(b); s == "null" || s == `""` || s == "{}" {
		return nil
	}
	var parts map[string]reply.Text
	a.unclear = json.Unmarshal(b, &parts) != nil || len(parts) != 1
	for _, text := range parts {
		a.tag, a.unclear = text, a.unclear || text == ""
	}
	return nil
}

// okxJudge reads {"code":"50011","msg":"…","data":[]}.
func okxJudge(status int, body []byte) (string, error) {
	var r struct {
		Code *string `json:"code"`
	}
	if reply.Decode(body, &r) != nil || r.Code == nil {
		if status/100 == 2 {
			return "", reply.ErrUnreadable
		}
		return "", byStatus(status)
	}
	switch code := *r.Code; code {
	case "0":
		if status/100 == 2 {
			return "", nil
		}
		return "", byStatus(status)
	case "50102", "50112", "50107":
		return code, ErrClock
	case "50103", "50104", "50105", "50106", "50111", "50113", "50114", "50119":
		return code, ErrKey
	case "50101":
		return code, vault.ErrEnvironment
	case "50100", "50110", "50120", "50030", "50035":
		return code, ErrDenied
	case "50001", "50004", "50011", "50013", "50026", "50061":
		return code, ErrBusy
	case "51000", "51012":
		return code, ErrNoAddress
	default:
		return code, ErrRefused
	}
}
