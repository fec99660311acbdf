//go:build !js

package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// OKX plays OKX, after www.okx.com/docs-v5 (as known in November 2026): "REST Authentication",
// "Rate Limits", "Get account configuration", "Get balance", "Get deposit address".
func OKX(a Account) *Server {
	return newServer(a, okx{}, map[string]meter{
		"config": &window{length: 2 * time.Second, limit: 5}, "balance": &window{length: 2 * time.Second, limit: 10}, "asset": &window{length: time.Second, limit: 6},
	})
}

type okx struct{}

func okxError(status int, code string, why *int) *answer {
	return &answer{status: status, body: map[string]any{"code": code, "msg": "what went wrong", "data": []any{}}, why: why}
}

func (okx) verify(s *Server, r *http.Request, body []byte, now time.Time) *answer {
	a := s.Account
	if r.Header.Get("OK-ACCESS-KEY") != a.Key {
		return okxError(http.StatusUnauthorized, "50111", &s.counts.Unsigned)
	}
	if r.Header.Get("OK-ACCESS-PASSPHRASE") != a.Passphrase {
		return okxError(http.StatusUnauthorized, "50105", &s.counts.Unsigned)
	}
	if r.Header.Get("x-simulated-trading") != "" {
		return okxError(http.StatusUnauthorized, "50101", &s.counts.Unsigned)
	}
	stamp := r.Header.Get("OK-ACCESS-TIMESTAMP")
	at, err := time.Parse("2006-01-02T15:04:05.000Z", stamp)
	if err != nil {
		return okxError(http.StatusUnauthorized, "50112", &s.counts.Late)
	}
	if now.Sub(at).Abs() > 30*time.Second {
		return okxError(http.StatusUnauthorized, "50102", &s.counts.Late)
	}
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(stamp + r.Method + r.URL.RequestURI()))
	mac.Write(body)
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("OK-ACCESS-SIGN"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return okxError(http.StatusUnauthorized, "50113", &s.counts.Unsigned)
	}
	if !a.Read {
		return okxError(http.StatusUnauthorized, "50120", nil)
	}
	return nil
}

func (okx) cost(path string) (string, float64, string) {
	switch path {
	case "/api/v5/account/config":
		return "config", 1, ""
	case "/api/v5/account/balance":
		return "balance", 1, ""
	}
	return "asset", 1, ""
}

func (okx) limited() answer { return *okxError(http.StatusTooManyRequests, "50011", nil) }

func (okx) serve(s *Server, r *http.Request, _ []byte, _ time.Time) answer {
	a := s.Account
	ok := func(data ...any) answer {
		if data == nil {
			data = []any{}
		}
		return answer{status: 200, body: map[string]any{"code": "0", "msg": "", "data": data}}
	}
	if r.Method != http.MethodGet {
		return *okxError(http.StatusOK, "50000", nil)
	}
	switch r.URL.Path {
	case "/api/v5/account/config":
		perm := []string{"read_only"}
		if a.Trade || a.Transfer {
			perm = append(perm, "trade")
		}
		if a.Withdraw {
			perm = append(perm, "withdraw")
		}
		return ok(map[string]any{"uid": "44705892343619584", "mainUid": "44705892343619584", "acctLv": "2", "posMode": "net_mode", "perm": strings.Join(perm, ","),
			"ip": strings.Join(a.Allowlist, ","), "label": "goldpan", "roleType": "0", "kycLv": "3"})
	case "/api/v5/account/balance":
		details := []map[string]string{}
		for _, asset := range sorted(a.Balances) {
			b := a.Balances[asset]
			details = append(details, map[string]string{"ccy": asset, "availBal": b[0], "frozenBal": b[1], "cashBal": b[0], "eq": b[0]})
		}
		return ok(map[string]any{"totalEq": "1", "details": details})
	case "/api/v5/asset/balances":
		return ok(map[string]string{"ccy": "LTC", "bal": "1", "availBal": "1", "frozenBal": "0"})
	case "/api/v5/asset/deposit-address":
		asset := r.URL.Query().Get("ccy")
		if a.Addresses[asset] == "" {
			return *okxError(http.StatusOK, "51000", nil)
		}
		return ok(map[string]any{"ccy": asset, "chain": asset + "-Chain", "addr": a.Addresses[asset], "to": "6", "selected": true, "tag": "", "memo": "", "pmtId": "", "addrEx": nil})
	}
	return *okxError(http.StatusNotFound, "50000", nil)
}
