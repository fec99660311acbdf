//go:build !js

package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Kraken plays Kraken, after docs.kraken.com as it was in 2026: "Authentication", "Spot
// REST Rate Limits" of the lowest tier, "Get API Key Info", "Get Extended Balance", "Get
// Deposit Methods" (which wants Query and Deposit), "Get Deposit Addresses" (Query).
func Kraken(a Account) *Server {
	return newServer(a, kraken{}, map[string]meter{"counter": &decaying{limit: 15, rate: 0.33}})
}

type kraken struct{}

func krakenError(text string, why *int) *answer {
	return &answer{status: http.StatusOK, body: map[string]any{"error": []string{text}}, why: why}
}

func (kraken) verify(s *Server, r *http.Request, body []byte, _ time.Time) *answer {
	if r.Method != http.MethodPost || r.Header.Get("API-Key") != s.Account.Key {
		return krakenError("EAPI:Invalid key", &s.counts.Unsigned)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return krakenError("EGeneral:Invalid arguments", &s.counts.Unsigned)
	}
	if len(form["nonce"]) != 1 {
		return krakenError("EAPI:Invalid nonce", &s.counts.Unsigned)
	}
	nonce := form.Get("nonce")
	hash := sha256.Sum256(append([]byte(nonce), body...))
	key, err := base64.StdEncoding.DecodeString(s.Account.Secret)
	if err != nil {
		return krakenError("EAPI:Invalid signature", &s.counts.Unsigned)
	}
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte(r.URL.EscapedPath()))
	mac.Write(hash[:])
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("API-Sign"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return krakenError("EAPI:Invalid signature", &s.counts.Unsigned)
	}
	n, err := strconv.ParseUint(nonce, 10, 64)
	if err != nil || n <= s.nonce {
		return krakenError("EAPI:Invalid nonce", &s.counts.Unsigned)
	}
	s.nonce = n
	return nil
}

func (kraken) cost(string) (string, float64, string) { return "counter", 1, "" }

func (kraken) limited() answer { return *krakenError("EAPI:Rate limit exceeded", nil) }

func (kraken) serve(s *Server, r *http.Request, body []byte, now time.Time) answer {
	a := s.Account
	form, _ := url.ParseQuery(string(body))
	ok := func(result any) answer {
		return answer{status: http.StatusOK, body: map[string]any{"error": []string{}, "result": result}}
	}
	switch r.URL.Path {
	case "/0/private/GetApiKeyInfo":
		permissions := []string{}
		for name, has := range map[string]bool{"query-funds": a.Read, "add-funds": a.Deposit, "modify-trades": a.Trade, "earn-funds": a.Transfer, "withdraw-funds": a.Withdraw} {
			if has {
				permissions = append(permissions, name)
			}
		}
		until := "0"
		if !a.Expires.IsZero() {
			until = strconv.FormatInt(a.Expires.Unix(), 10)
		}
		list := a.Allowlist
		if list == nil {
			list = []string{}
		}
		return ok(map[string]any{"apiKeyName": "goldpan", "apiKey": a.Key, "nonce": form.Get("nonce"), "nonceWindow": 0, "permissions": permissions, "iban": "AA88 N84G WOAK NMOI",
			"validUntil": until, "queryFrom": "0", "queryTo": "0", "createdTime": "1772542900", "modifiedTime": "1772543095", "ipAllowlist": list, "lastUsed": strconv.FormatInt(now.Unix(), 10)})
	case "/0/private/BalanceEx":
		if !a.Read {
			return *krakenError("EGeneral:Permission denied", nil)
		}
		result := make(map[string]any)
		for asset, b := range a.Balances {
			result[asset] = map[string]string{"balance": b[0], "hold_trade": b[1]}
		}
		return ok(result)
	case "/0/private/DepositMethods":
		if !a.Read || !a.Deposit {
			return *krakenError("EGeneral:Permission denied", nil)
		}
		asset, way := krakenWay(form.Get("asset"))
		if a.Addresses[asset] == "" {
			return *krakenError("EFunding:Unknown asset", nil)
		}
		return ok([]map[string]any{{"method": way, "limit": false, "fee": "0.0", "gen-address": true, "minimum": "0.0001"}})
	case "/0/private/DepositAddresses":
		if !a.Read {
			return *krakenError("EGeneral:Permission denied", nil)
		}
		asset, way := krakenWay(form.Get("asset"))
		if a.Addresses[asset] == "" {
			return *krakenError("EFunding:Unknown asset", nil)
		}
		if form.Get("method") != way {
			return *krakenError("EFunding:No funding method", nil)
		}
		if form.Get("new") != "" {
			return *krakenError("EGeneral:Permission denied", nil)
		}
		return ok([]map[string]any{{"address": a.Addresses[asset], "expiretm": "0", "new": true}})
	}
	return *krakenError("EGeneral:Unknown method", nil)
}

// krakenWay gives the symbol that others use for Kraken's name of a coin, and what
// Kraken calls its way in. Kraken does not know BTC and DOGE here.
func krakenWay(name string) (asset, way string) {
	switch name {
	case "XBT":
		return "BTC", "Bitcoin"
	case "XDG":
		return "DOGE", "Dogecoin"
	case "LTC":
		return "LTC", "Litecoin"
	case "BTC", "DOGE":
		return "", ""
	}
	return name, name + " chain"
}
