// Package limit keeps requests within what providers allow, so that nobody is
// banned by Goldpan's doing.
//
// A provider's limits are in Rules, in its own units: Binance's weights, Kraken's
// counter, requests a second elsewhere. Each request is paid for before it is sent.
// A provider that says to wait, by 429, 418, 403, 503 with Retry-After, by the
// X-RateLimit or X-MBX-USED-WEIGHT headers, or in the body, is not asked again
// before the time is over, whoever asks and also after a new start: both what was
// spent and how long to be silent are in files. Limits is what a vault.Broker asks;
// Patient wraps a vault.Doer of a client that only looks, and tries again with
// pauses that grow and differ.
//
// It refuses to send when the wait would be longer than Patience, and says until
// when. It does not know what other programs at the same address do, but for what
// the provider's headers tell of it: so it keeps to a small part of each limit.
//
// Retry-After is RFC 9110, section 10.2.3; RateLimit-Remaining and -Reset follow
// draft-ietf-httpapi-ratelimit-headers-07. The hosts of one provider count together:
// Binance's api and api1 are one address's weights.
package limit

import (
	"strings"
	"time"
)

// Bucket is a limit of a provider as Goldpan keeps it, well below what the provider
// allows: somebody's other programs count there too. What was spent drains away at
// Drain a second, and may reach Size.
type Bucket struct {
	// Name tells apart a provider's buckets.
	Name string
	// Unit is what the provider counts, for a person.
	Unit  string
	Size  float64
	Drain float64 // units a second
	// PerKey is set where the provider counts for each key, and not for the
	// address that requests come from.
	PerKey bool
	// Path is the beginning of the paths that count; "" for all.
	Path string
	// Allows is what the provider itself allows in Window, for its headers and for
	// a person.
	Allows float64
	Window time.Duration
	// Used is the header that tells how much of Allows is used in this window.
	Used string
}

// Rules are what is known of one provider's limits.
type Rules struct {
	Buckets []Bucket
	// Busy, Forbidden and Banned are how long nothing is sent after 429, 403 and
	// 418 where the provider gives no time; each doubles when it comes again.
	Busy, Forbidden, Banned time.Duration
	// Notices are words in the body of an answer that mean 429, with the time to
	// stay silent.
	Notices []Notice
	// Source names the documents, and when they were read.
	Source string
}

// Notice is a limit that a provider tells of in the body, whatever the status.
type Notice struct {
	Text string
	Wait time.Duration
	// Until is set where a time to wait for may stand behind the text.
	Until bool
}

// RulesOf returns what is known of a provider, by its name in vault.Providers; for
// others rules that fit any pool.
func RulesOf(provider string) Rules {
	switch provider {
	case "binance":
		return Rules{
			Buckets: []Bucket{
				{Name: "weight", Unit: "weight", Size: 600, Drain: 10, Path: "/api/", Allows: 6000, Window: time.Minute, Used: "X-Mbx-Used-Weight-1m"},
				{Name: "sapi", Unit: "weight", Size: 600, Drain: 10, Path: "/sapi/", Allows: 12000, Window: time.Minute, Used: "X-Sapi-Used-Ip-Weight-1m"},
			},
			Busy: time.Minute, Forbidden: 5 * time.Minute, Banned: 2 * time.Minute,
			Source: "binance/binance-spot-api-docs, rest-api.md, Limits, of 21 July 2026: counted for the address, 429 and 418 with Retry-After in seconds, bans of 2 minutes to 3 days; 6,000 weights a minute from exchangeInfo, and 12,000 for Wallet, as known",
		}
	case "kraken":
		return Rules{
			Buckets: []Bucket{{Name: "counter", Unit: "counts", Size: 10, Drain: 0.3, PerKey: true, Allows: 15, Window: 45 * time.Second}},
			Busy:    30 * time.Second, Forbidden: 30 * time.Second, Banned: 15 * time.Minute,
			Notices: []Notice{
				{Text: "EAPI:Rate limit exceeded", Wait: 30 * time.Second},
				{Text: "EGeneral:Too many requests", Wait: 30 * time.Second},
				{Text: "EService: Throttled", Wait: time.Minute, Until: true}, // "EService: Throttled: 1772627060"
				{Text: "EService:Throttled", Wait: time.Minute, Until: true},
				{Text: "EGeneral:Temporary lockout", Wait: 15 * time.Minute},
			},
			Source: "docs.kraken.com/exchange/guides/rest/ratelimits, as stored in 2026: a counter for each key of at most 15, which loses 0.33 a second (Starter); general/errors: the lockout is for a few minutes",
		}
	case "coinbase":
		return Rules{
			Buckets: []Bucket{{Name: "requests", Unit: "requests", Size: 5, Drain: 3, PerKey: true, Allows: 30, Window: time.Second}},
			Busy:    10 * time.Second, Forbidden: 15 * time.Second, Banned: 10 * time.Minute,
			Source: "docs.cdp.coinbase.com, Advanced Trade REST rate limits: 30 requests a second and user; as known in November 2026",
		}
	case "okx":
		return Rules{
			Buckets: []Bucket{{Name: "requests", Unit: "requests", Size: 3, Drain: 1, PerKey: true, Allows: 5, Window: 2 * time.Second}},
			Busy:    10 * time.Second, Forbidden: 15 * time.Second, Banned: 10 * time.Minute,
			Notices: []Notice{{Text: `"code":"50011"`, Wait: 5 * time.Second}, {Text: `"code":"50061"`, Wait: 30 * time.Second}},
			Source:  "www.okx.com/docs-v5: account/config 5 requests in 2 seconds and user, the lowest of those used; as known in November 2026",
		}
	case "braiins":
		return Rules{
			Buckets: []Bucket{{Name: "requests", Unit: "requests", Size: 2, Drain: 0.1, Allows: 1, Window: 5 * time.Second}},
			Busy:    time.Minute, Forbidden: 5 * time.Minute, Banned: time.Hour,
			Source: "academy.braiins.com, Braiins Pool, Monitoring, API request limit: about one request in 5 seconds, then a ban of the address; no header tells of it; as known in November 2026",
		}
	case "f2pool":
		return Rules{
			Buckets: []Bucket{{Name: "requests", Unit: "requests", Size: 1, Drain: 0.5, Allows: 1, Window: time.Second}},
			Busy:    time.Minute, Forbidden: time.Minute, Banned: time.Hour,
			Source: "api.f2pool.com/v2/doc names no figure; its users keep to one a second; as known in November 2026",
		}
	}
	// litecoinpool.org, ViaBTC and pools by address name no figure.
	return Rules{
		Buckets: []Bucket{{Name: "requests", Unit: "requests", Size: 4, Drain: 0.1, Allows: 0, Window: time.Minute}},
		Busy:    time.Minute, Forbidden: time.Minute, Banned: time.Hour,
		Source: "no figure is published",
	}
}

// counts says whether a request of this path is charged to the bucket.
func (b Bucket) counts(path string) bool { return strings.HasPrefix(path, b.Path) }
