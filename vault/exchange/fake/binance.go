//go:build !js

package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Binance plays Binance, after binance/binance-spot-api-docs of 21 July 2026 ("SIGNED
// Endpoint security", "Timing security", "Limits", "Account information") and Wallet in
// binance/binance-connector-js of 21 July 2026 ("Get API Key Permission", "Deposit
// Address").
func Binance(a Account) *Server {
	return newServer(a, binance{}, map[string]meter{
		"api":  &window{length: time.Minute, limit: 6000},
		"sapi": &window{length: time.Minute, limit: 12000},
	})
}

type binance struct{}

func binanceError(status, code int, why *int) *answer {
	return &answer{status: status, body: map[string]any{"code": code, "msg": "what went wrong"}, why: why}
}

func (binance) verify(s *Server, r *http.Request, body []byte, now time.Time) *answer {
	if r.Header.Get("X-MBX-APIKEY") != s.Account.Key {
		return binanceError(http.StatusUnauthorized, -2015, &s.counts.Unsigned)
	}
	// What is signed is everything before the signature, as it was sent.
	at := strings.LastIndex(r.URL.RawQuery, "&signature=")
	if at < 0 {
		return binanceError(http.StatusBadRequest, -1102, &s.counts.Unsigned)
	}
	given, err := hex.DecodeString(r.URL.RawQuery[at+len("&signature="):])
	mac := hmac.New(sha256.New, []byte(s.Account.Secret))
	mac.Write([]byte(r.URL.RawQuery[:at]))
	mac.Write(body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return binanceError(http.StatusBadRequest, -1022, &s.counts.Unsigned)
	}
	q, err := url.ParseQuery(r.URL.RawQuery[:at])
	if err != nil {
		return binanceError(http.StatusBadRequest, -1100, &s.counts.Unsigned)
	}
	for name, values := range q {
		if len(values) != 1 {
			return binanceError(http.StatusBadRequest, -1101, &s.counts.Unsigned)
		}
		switch name {
		case "timestamp", "recvWindow", "omitZeroBalances", "coin", "network":
		default:
			return binanceError(http.StatusBadRequest, -1104, &s.counts.Unsigned)
		}
	}
	stamp, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	window := int64(5000)
	if text := q.Get("recvWindow"); text != "" {
		if window, err = strconv.ParseInt(text, 10, 64); err != nil || window > 60000 {
			return binanceError(http.StatusBadRequest, -1131, &s.counts.Late)
		}
	}
	if ms := now.UnixMilli(); err != nil || stamp >= ms+1000 || ms-stamp > window {
		return binanceError(http.StatusBadRequest, -1021, &s.counts.Late)
	}
	if !s.Account.Read {
		return binanceError(http.StatusUnauthorized, -2015, &s.counts.Unsigned)
	}
	return nil
}

func (binance) cost(path string) (string, float64, string) {
	switch path {
	case "/api/v3/account":
		return "api", 20, "X-Mbx-Used-Weight-1m"
	case "/sapi/v1/capital/deposit/address":
		return "sapi", 10, "X-Sapi-Used-Ip-Weight-1m"
	}
	return "sapi", 1, "X-Sapi-Used-Ip-Weight-1m"
}

func (binance) limited() answer {
	return answer{status: http.StatusTooManyRequests, body: map[string]any{"code": -1003, "msg": "too many"}, header: map[string]string{"Retry-After": "20"}}
}

func (binance) serve(s *Server, r *http.Request, _ []byte, now time.Time) answer {
	a := s.Account
	if r.Method != http.MethodGet {
		return *binanceError(http.StatusBadRequest, -1000, nil)
	}
	switch r.URL.Path {
	case "/sapi/v1/account/apiRestrictions":
		return answer{status: 200, body: map[string]any{
			"ipRestrict": len(a.Allowlist) > 0, "createTime": now.Add(-time.Hour).UnixMilli(), "enableReading": a.Read, "enableWithdrawals": a.Withdraw,
			"enableInternalTransfer": false, "permitsUniversalTransfer": a.Transfer, "enableMargin": false, "enableFutures": false,
			"enableVanillaOptions": false, "enableFixApiTrade": false, "enableFixReadOnly": false,
			"enableSpotAndMarginTrading": a.Trade, "enablePortfolioMarginTrading": false,
		}}
	case "/api/v3/account":
		balances := []map[string]string{}
		for _, asset := range sorted(a.Balances) {
			b := a.Balances[asset]
			balances = append(balances, map[string]string{"asset": asset, "free": b[0], "locked": b[1]})
		}
		return answer{status: 200, body: map[string]any{"makerCommission": 15, "canTrade": true, "canWithdraw": true, "canDeposit": true,
			"accountType": "SPOT", "balances": balances, "permissions": []string{"SPOT"}, "uid": 354937868}}
	case "/sapi/v1/capital/deposit/address":
		coin := r.URL.Query().Get("coin")
		address, ok := a.Addresses[coin]
		if !ok {
			return *binanceError(http.StatusBadRequest, -4018, nil)
		}
		return answer{status: 200, body: map[string]string{"address": address, "coin": coin, "tag": "", "url": ""}}
	}
	return answer{status: http.StatusNotFound, body: map[string]any{"code": -1000, "msg": "no such path"}}
}

func sorted(m map[string][2]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
