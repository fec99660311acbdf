//go:build !js

package exchange

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// coinbase follows docs.cdp.coinbase.com as it was in 2026: Advanced Trade ("Get API Key
// Permissions", "List Accounts", "Advanced Trade Scope & Permissions") and Coinbase App
// ("API Key Authentication", "List addresses"), with the fields of
// coinbase/coinbase-advanced-py of 19 June 2026. All that is asked here wants View alone.
// It does not tell whether a key has an allowlist or an end.
type coinbase struct{ *client }

// maxPages is how many pages of accounts are read, 250 on each.
const maxPages = 8

func (c *coinbase) ask(ctx context.Context, path string, q url.Values, purpose string, into any) error {
	return c.call(ctx, vault.Request{Method: http.MethodGet, URL: path, Query: q, Purpose: purpose, Cost: 1}, coinbaseJudge, into)
}

func (c *coinbase) Permissions(ctx context.Context) (vault.Permissions, error) {
	var r struct {
		View     *bool `json:"can_view"`
		Trade    *bool `json:"can_trade"`
		Transfer *bool `json:"can_transfer"`
	}
	if err := c.ask(ctx, "/api/v3/brokerage/key_permissions", nil, "read what the key may do", &r); err != nil {
		return vault.Permissions{}, err
	}
	if r.View == nil || r.Trade == nil || r.Transfer == nil {
		return vault.Permissions{}, unreadable(c.title)
	}
	// Coinbase's Transfer is also the right to send coins away.
	return vault.Permissions{Seen: seen(), Read: answer(*r.View), Trade: answer(*r.Trade), Transfer: answer(*r.Transfer), Withdraw: answer(*r.Transfer)}, nil
}

// cbAccount is one account of a portfolio: each holds one currency.
type cbAccount struct {
	ID        reply.Text `json:"uuid"`
	Currency  reply.Text `json:"currency"`
	Available struct {
		Value reply.Amount `json:"value"`
	} `json:"available_balance"`
	Hold struct {
		Value reply.Amount `json:"value"`
	} `json:"hold"`
}

func (c *coinbase) accounts(ctx context.Context) ([]cbAccount, error) {
	var list []cbAccount
	cursor := ""
	for range maxPages {
		var r struct {
			Accounts *[]cbAccount `json:"accounts"`
			More     bool         `json:"has_next"`
			Cursor   reply.Text   `json:"cursor"`
		}
		q := url.Values{"limit": {"250"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if err := c.ask(ctx, "/api/v3/brokerage/accounts", q, "read balances", &r); err != nil {
			return nil, err
		}
		if r.Accounts == nil {
			return nil, unreadable(c.title)
		}
		list = append(list, *r.Accounts...)
		if !r.More {
			return list, nil
		}
		if string(r.Cursor) == cursor { // none, or one that leads nowhere
			break
		}
		cursor = string(r.Cursor)
	}
	return nil, unreadable(c.title) // half of an account is not told as the whole
}

func (c *coinbase) Balances(ctx context.Context) ([]Balance, error) {
	accounts, err := c.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var list []Balance
	for _, a := range accounts {
		if !(a.Available.Value.IsZero() && a.Hold.Value.IsZero()) {
			list = append(list, Balance{Asset: named(a.Currency), Free: a.Available.Value, Held: a.Hold.Value})
		}
	}
	return list, nil
}

func (c *coinbase) DepositAddress(ctx context.Context, asset, network string) ([]Deposit, error) {
	asset, err := symbol(asset)
	if err != nil {
		return nil, c.explain(err, "", 200)
	}
	accounts, err := c.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var list []Deposit
	for _, a := range accounts {
		// The id becomes a part of the path.
		if string(a.Currency) != asset || a.ID == "" || strings.Trim(string(a.ID), "0123456789abcdefABCDEF-") != "" {
			continue
		}
		var r struct {
			Data []struct {
				Address reply.Text `json:"address"`
				Network reply.Text `json:"network"`
				Info    struct {
					Tag reply.Text `json:"destination_tag"`
				} `json:"address_info"`
			} `json:"data"`
		}
		if err := c.ask(ctx, "/v2/accounts/"+string(a.ID)+"/addresses", url.Values{"limit": {"25"}}, "read a deposit address", &r); err != nil {
			return nil, err
		}
		for _, x := range r.Data {
			if x.Address != "" && (network == "" || strings.EqualFold(string(x.Network), network)) {
				list = append(list, Deposit{Asset: a.Currency, Network: x.Network, Address: x.Address, Tag: x.Info.Tag})
			}
		}
		if len(list) > 0 {
			return list, nil
		}
	}
	return nil, c.explain(ErrNoAddress, "", 200)
}

// coinbaseJudge goes by the status alone: its errors are sentences.
func coinbaseJudge(status int, _ []byte) (string, error) {
	if status/100 == 2 {
		return "", nil
	}
	return "", byStatus(status)
}
