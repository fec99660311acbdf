//go:build !js

package fake

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// Coinbase plays Coinbase, after docs.cdp.coinbase.com as it was in 2026: "API Key
// Authentication" with ES256 (a token ends after two minutes), "Rate Limits" as known, "Get API Key Permissions", "List
// Accounts", "List addresses". The account's Secret is a private key in PEM form.
func Coinbase(a Account) *Server {
	return newServer(a, &coinbase{used: make(map[string]bool)}, map[string]meter{"requests": &window{length: time.Second, limit: 30}})
}

type coinbase struct{ used map[string]bool }

func coinbaseError(status int, why *int) *answer {
	return &answer{status: status, body: map[string]string{"error": "what went wrong", "message": "in words"}, why: why}
}

func (c *coinbase) verify(s *Server, r *http.Request, _ []byte, now time.Time) *answer {
	refused := coinbaseError(http.StatusUnauthorized, &s.counts.Unsigned)
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		return refused
	}
	var raw [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return refused
		}
		raw[i] = b
	}
	var header struct{ Alg, Typ, Kid, Nonce string }
	var claims struct {
		Sub, Iss, URI string
		Nbf, Exp      int64
	}
	if json.Unmarshal(raw[0], &header) != nil || json.Unmarshal(raw[1], &claims) != nil {
		return refused
	}
	block, _ := pem.Decode([]byte(s.Account.Secret))
	if block == nil || len(raw[2]) != 64 {
		return refused
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return refused
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
		return refused
	}
	if header.Alg != "ES256" || header.Typ != "JWT" || header.Kid != s.Account.Key || claims.Sub != s.Account.Key || claims.Iss != "cdp" ||
		claims.URI != r.Method+" "+r.Host+r.URL.EscapedPath() || header.Nonce == "" || c.used[header.Nonce] {
		return refused
	}
	if at := now.Unix(); claims.Exp-claims.Nbf > 120 || claims.Nbf > at+5 || claims.Exp < at {
		return coinbaseError(http.StatusUnauthorized, &s.counts.Late)
	}
	c.used[header.Nonce] = true
	if !s.Account.Read {
		return coinbaseError(http.StatusForbidden, nil)
	}
	return nil
}

func (c *coinbase) cost(string) (string, float64, string) { return "requests", 1, "" }

func (c *coinbase) limited() answer { return *coinbaseError(http.StatusTooManyRequests, nil) }

func (c *coinbase) serve(s *Server, r *http.Request, _ []byte, _ time.Time) answer {
	a := s.Account
	if r.Method != http.MethodGet {
		return *coinbaseError(http.StatusMethodNotAllowed, nil)
	}
	id := func(n int) string { return "8bfc20d7-f7c6-4422-bf07-8243ca4169f" + string(rune('0'+n)) }
	assets := sorted(a.Balances)
	switch path := r.URL.Path; path {
	case "/api/v3/brokerage/key_permissions":
		return answer{status: 200, body: map[string]any{"can_view": a.Read, "can_trade": a.Trade, "can_transfer": a.Transfer || a.Withdraw, "portfolio_uuid": id(9), "portfolio_type": "DEFAULT"}}
	case "/api/v3/brokerage/accounts":
		// Two pages.
		half := (len(assets) + 1) / 2
		from, to, cursor := 0, half, "second"
		if r.URL.Query().Get("cursor") == "second" {
			from, to, cursor = half, len(assets), ""
		}
		list := []map[string]any{}
		for i := from; i < to; i++ {
			b := a.Balances[assets[i]]
			list = append(list, map[string]any{"uuid": id(i), "name": assets[i] + " Wallet", "currency": assets[i], "active": true, "ready": true, "type": "ACCOUNT_TYPE_CRYPTO",
				"available_balance": map[string]string{"value": b[0], "currency": assets[i]}, "hold": map[string]string{"value": b[1], "currency": assets[i]}})
		}
		return answer{status: 200, body: map[string]any{"accounts": list, "has_next": cursor != "", "cursor": cursor, "size": len(list)}}
	default:
		for i, asset := range assets {
			if path == "/v2/accounts/"+id(i)+"/addresses" {
				list := []map[string]any{}
				if address := a.Addresses[asset]; address != "" {
					list = append(list, map[string]any{"id": id(8), "address": address, "network": strings.ToLower(asset), "address_info": map[string]string{"address": address}})
				}
				return answer{status: 200, body: map[string]any{"pagination": map[string]any{"limit": 25}, "data": list}}
			}
		}
	}
	return *coinbaseError(http.StatusNotFound, nil)
}
