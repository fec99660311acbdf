//go:build !js

package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Pool plays a pool, by its name in Goldpan: "litecoinpool", "braiins", "f2pool",
// "viabtc", "ckpool" or "public-pool", after the documents that package poolapi names.
// The account's Key is a mining user or an address where a pool wants one, and its
// Secret the key. It returns nil for another name.
func Pool(name string, a Account) *Server {
	p, ok := map[string]pool{
		"litecoinpool": {allowed: queryKey, replies: map[string]string{"/api": `{"user":{"hash_rate":123.45,"expected_24h_rewards":0.5,"total_rewards":3.25,"paid_rewards":3,"unpaid_rewards":0.25,"past_24h_rewards":1.5e-5,
			"paid_rewards_doge":100,"unpaid_rewards_doge":7.5,"past_24h_rewards_doge":2},"workers":{"me.b":{"connected":false,"hash_rate":0,"hash_rate_24h":3,"last_share_time":1700000000},
			"me.a":{"connected":true,"hash_rate":123.45,"hash_rate_24h":120,"last_share_time":1700000600}},"pool":{"hash_rate":1}}`}},
		"braiins": {allowed: headerKey("Pool-Auth-Token"), refuse: "Invalid Access Profile token", replies: map[string]string{
			"/accounts/profile/json/btc/": `{"username":"me","btc":{"all_time_reward":"0.12345678","hash_rate_unit":"Gh/s","hash_rate_5m":27977.5,"hash_rate_60m":27977.5,"hash_rate_24h":27000,
				"low_workers":0,"off_workers":1,"ok_workers":1,"current_balance":"0.02345678","today_reward":"0.00000100","estimated_reward":"0.00000200"}}`,
			"/accounts/workers/json/btc/": `{"btc":{"workers":{"me.a":{"state":"ok","last_share":1700000600,"hash_rate_unit":"Gh/s","hash_rate_5m":27977.5},"me.b":{"state":"off","last_share":1700000000,"hash_rate_unit":"Gh/s","hash_rate_5m":0}}}}`}},
		"f2pool": {allowed: f2key, replies: map[string]string{
			"/v2/hash_rate/info":        `{"info":{"name":"me","hash_rate":12650560751040,"h1_hash_rate":12650560751040,"h24_hash_rate":12000000000000.5,"h1_stale_hash_rate":0},"currency":"bitcoin"}`,
			"/v2/assets/balance":        `{"balance_info":{"balance":0.000045036645168645,"paid":1.01,"total_income":1.0100450366,"yesterday_income":1e-8,"estimated_today_income":2.5e-8}}`,
			"/v2/hash_rate/worker/list": `{"workers":[{"hash_rate_info":{"name":"a","hash_rate":12650560751040},"last_share_at":1700000600,"status":0},{"hash_rate_info":{"name":"b","hash_rate":0},"last_share_at":1700000000,"status":1}]}`}},
		"viabtc": {allowed: viaKey, replies: map[string]string{
			"/res/openapi/v1/hashrate":               `{"code":0,"message":"OK","data":{"coin":"BTC","active_workers":1,"unactive_workers":1,"hashrate_10min":"12650560751040","hashrate_1hour":"12650560751040","hashrate_24hour":"12000000000000"}}`,
			"/res/openapi/v1/hashrate/worker?page=1": `{"code":0,"message":"OK","data":{"count":2,"curr_page":1,"has_next":true,"data":[{"worker_id":1,"worker_name":"a","worker_status":"active","hashrate_10min":"12650560751040"}]}}`,
			"/res/openapi/v1/hashrate/worker?page=2": `{"code":0,"message":"OK","data":{"count":2,"curr_page":2,"has_next":false,"data":[{"worker_id":2,"worker_name":"b","worker_status":"unactive","hashrate_10min":"0"}]}}`,
			"/res/openapi/v1/account":                `{"code":0,"message":"OK","data":{"account":"me","balance":[{"coin":"BTC","amount":"0.00012345"},{"coin":"LTC","amount":"0"}]}}`}},
		"ckpool": {allowed: anybody, replies: map[string]string{"/users/" + a.Key: `{"hashrate1m":"1.3T","hashrate5m":"1.23T","hashrate1hr":"1.2T","hashrate1d":"1.1T","hashrate7d":"999G","lastshare":1700000600,"workers":2,"shares":12345,
			"bestshare":1234567.8,"bestever":1234567,"worker":[{"workername":"` + a.Key + `.a","hashrate5m":"1.23T","lastshare":1700000600},{"workername":"` + a.Key + `","hashrate5m":"0","lastshare":1700000000}]}`}},
		"public-pool": {allowed: anybody, replies: map[string]string{"/api/client/" + a.Key: `{"bestDifficulty":1234567.8,"workersCount":2,"workers":[{"sessionId":"0a","name":"a","bestDifficulty":"1.00","hashRate":1230000000000.5,
			"startTime":"2023-11-14T22:13:20.000Z","lastSeen":"2023-11-14T22:23:20.000Z"},{"sessionId":"0b","name":"b","bestDifficulty":"1.00","hashRate":5e11,"startTime":"2023-11-14T22:13:20.000Z","lastSeen":"2023-11-14T22:13:20.000Z"}]}`}},
	}[name]
	if !ok {
		return nil
	}
	m := map[string]meter{"requests": &window{length: time.Minute, limit: 30}}
	if name == "braiins" {
		// One in five seconds, and a little more for a moment.
		m["requests"] = &decaying{limit: 4, rate: 0.2}
	}
	return newServer(a, p, m)
}

type pool struct {
	allowed func(a Account, r *http.Request, body []byte, now time.Time) (ok, late bool)
	replies map[string]string // by path, and by path, "?page=" and a number
	refuse  string            // what who is not allowed gets with status 200, instead of 401
}

func (p pool) verify(s *Server, r *http.Request, body []byte, now time.Time) *answer {
	ok, late := p.allowed(s.Account, r, body, now)
	switch {
	case late:
		return &answer{status: http.StatusUnauthorized, body: "{}", why: &s.counts.Late}
	case !ok && p.refuse != "":
		return &answer{status: http.StatusOK, body: p.refuse, why: &s.counts.Unsigned}
	case !ok:
		return &answer{status: http.StatusUnauthorized, body: "{}", why: &s.counts.Unsigned}
	}
	return nil
}

func (p pool) cost(string) (string, float64, string) { return "requests", 1, "" }

func (p pool) limited() answer { return answer{status: http.StatusTooManyRequests, body: "{}"} }

func (p pool) serve(_ *Server, r *http.Request, _ []byte, _ time.Time) answer {
	text, ok := p.replies[r.URL.Path+"?page="+r.URL.Query().Get("page")]
	if !ok {
		text, ok = p.replies[r.URL.Path]
	}
	if !ok {
		return answer{status: http.StatusNotFound, body: "{}"}
	}
	return answer{status: http.StatusOK, body: text}
}

func anybody(_ Account, r *http.Request, _ []byte, _ time.Time) (bool, bool) {
	return r.Method == http.MethodGet && r.Header.Get("Authorization") == "" && r.URL.RawQuery == "", false
}

func queryKey(a Account, r *http.Request, _ []byte, _ time.Time) (bool, bool) {
	return r.Method == http.MethodGet && r.URL.Query().Get("api_key") == a.Secret, false
}

func headerKey(name string) func(Account, *http.Request, []byte, time.Time) (bool, bool) {
	return func(a Account, r *http.Request, _ []byte, _ time.Time) (bool, bool) {
		return r.Method == http.MethodGet && r.Header.Get(name) == a.Secret, false
	}
}

func f2key(a Account, r *http.Request, body []byte, _ time.Time) (bool, bool) {
	var q struct {
		User     string `json:"mining_user_name"`
		Currency string `json:"currency"`
	}
	return r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/json" && r.Header.Get("F2P-API-SECRET") == a.Secret &&
		json.Unmarshal(body, &q) == nil && q.User == a.Key && q.Currency == "bitcoin", false
}

func viaKey(a Account, r *http.Request, _ []byte, now time.Time) (ok, late bool) {
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte(r.URL.RawQuery))
	given, err := hex.DecodeString(r.Header.Get("X-SIGNATURE"))
	if err != nil || r.Method != http.MethodGet || r.Header.Get("X-API-KEY") != a.Key || !hmac.Equal(given, mac.Sum(nil)) {
		return false, false
	}
	var ms int64
	for _, c := range strings.TrimPrefix(r.URL.Query().Get("tonce"), "-") {
		ms = ms*10 + int64(c-'0')
	}
	return true, now.Sub(time.UnixMilli(ms)).Abs() > time.Minute
}
