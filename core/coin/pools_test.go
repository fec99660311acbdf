package coin

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"goldpan/assets/presets"
)

// What every preset must be, and what the person looks for.
func TestPools(t *testing.T) {
	pools := Pools()
	if len(pools) < 8 {
		t.Fatalf("%d pools", len(pools))
	}
	low := map[string]bool{}
	for i, p := range pools {
		if p.Low != LowNone {
			low[p.Coin] = true
			if i > 0 && pools[i-1].Low == LowNone {
				t.Errorf("%s stands behind a pool that sees no slow miner", p.ID)
			}
		}
		if p.Solo && p.Scheme != "solo" {
			t.Errorf("%s promises solo and pays by %s", p.ID, p.Scheme)
		}
		if p.Fee() == "" && p.FeeHundredths != -1 {
			t.Errorf("%s: fee %d", p.ID, p.FeeHundredths)
		}
		// No preset pays anybody but the person.
		text, err := fs.ReadFile(presets.Files(), "pools/"+p.ID+".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(string(text), func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", r)
		}) {
			for _, q := range shelf().all() {
				if _, err := q.ParseAddress(word); err == nil || errors.Is(err, ErrWrongNetwork) || errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrPrivateKey) {
					t.Errorf("%s holds an address or a key", p.ID)
				}
			}
		}
	}
	for _, c := range All() {
		if !low[c.ID] {
			t.Errorf("no pool of %s sees a processor", c.Name)
		}
		for _, p := range PoolsFor(c) {
			if p.Coin != c.ID || p.Algorithm != c.Algorithm {
				t.Errorf("%s for %s", p.ID, c.ID)
			}
		}
	}
}

const somewhere = `{
  "id": "somewhere", "name": "Somewhere", "page": "https://pool.example/", "coin": "litecoin", "algorithm": "scrypt",
  "servers": [{"url": "stratum+tls://pool.example:443", "where": "the moon"}, {"url": "stratum+tcp://pool.example:3333", "where": ""}],
  "user": "address.worker", "password": "x", "options": [{"password": "d={difficulty}", "means": "easier work"}],
  "scheme": "solo", "solo": true, "fee_percent": "1.25", "minimum_payout": "0.01", "low_difficulty": "password", "note": "",
  "sources": [{"url": "https://pool.example/help", "says": "everything", "read": "copy"}], "checked": "2026-01-31"
}`

func TestPoolFile(t *testing.T) {
	b := shelf().clone()
	b.pools = nil
	if err := b.addPool("somewhere", []byte(somewhere)); err != nil {
		t.Fatal(err)
	}
	if p := b.pools[0]; p.Fee() != "1.25%" || p.MinimumPayout != Unit/100 || p.Options[0].Means != "easier work" || p.Servers[1].URL != "stratum+tcp://pool.example:3333" {
		t.Errorf("%+v", p)
	}
	if err := b.addPool("somewhere", []byte(somewhere)); !errors.Is(err, errFile) {
		t.Errorf("twice: %v", err)
	}
	for change, says := range map[string]string{
		`"id": "somewhere"|"id": "elsewhere"`:                          "id",
		`"name": "Somewhere"|"name": " "`:                              "name",
		`"page": "https://pool.example/"|"page": "pool.example"`:       "page",
		`"coin": "litecoin"|"coin": "ethereum"`:                        "coin",
		`"algorithm": "scrypt"|"algorithm": "sha256d"`:                 "algorithm",
		`"algorithm": "scrypt"|"algorithm": "x11"`:                     "algorithm",
		`tls://pool.example:443|tcp://pool.example:443", "x": "`:       "unknown field",
		`stratum+tcp://pool.example:3333|stratum+tls://pool.example:0`: "server",
		`stratum+tls://|https://`:                                      "server",
		`tls://pool.example:443|tls://me:x@pool.example:443`:           "server",
		`tls://pool.example:443|tls://10.0.0.1:443`:                    "server",
		`tls://pool.example:443|tls://localhost:443`:                   "server",
		`tls://pool.example:443|tls://pool.example:443/x`:              "server",
		`stratum+tls://pool.example:443|stratum+tcp://pool.example:1`:  "",
		`"user": "address.worker"|"user": "me"`:                        "user",
		`"user": "address.worker"|"user": "account.worker"`:            "solo pays an address",
		`"password": "x"|"password": ""`:                               "password",
		`d={difficulty}|d={diff}`:                                      "option",
		`d={difficulty}|d=1`:                                           "no option",
		`"scheme": "solo"|"scheme": ""`:                                "scheme",
		`"fee_percent": "1.25"|"fee_percent": "1.255"`:                 "fee_percent",
		`"fee_percent": "1.25"|"fee_percent": "51"`:                    "fee_percent",
		`"fee_percent": "1.25"|"fee_percent": "-1"`:                    "fee_percent",
		`"minimum_payout": "0.01"|"minimum_payout": "a little"`:        "minimum_payout",
		`"low_difficulty": "password"|"low_difficulty": "please"`:      "low_difficulty",
		`"read": "copy"|"read": "believed"`:                            "read",
		`https://pool.example/help|javascript:alert(1)`:                "source",
		`"2026-01-31"|"2026-02-31"`:                                    "checked",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(somewhere, from, to, 1)
		if text == somewhere {
			t.Fatalf("%s changes nothing", change)
		}
		b.pools = nil
		err := b.addPool("somewhere", []byte(text))
		if says == "" {
			if err != nil {
				t.Errorf("%s: %v", change, err)
			}
			continue
		}
		if !errors.Is(err, errFile) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", change, err)
		}
	}
	// An encrypted server stands first.
	b.pools = nil
	turned := strings.Replace(somewhere, "stratum+tls://pool.example:443", "stratum+tcp://pool.example:1", 1)
	turned = strings.Replace(turned, "stratum+tcp://pool.example:3333", "stratum+tls://pool.example:443", 1)
	if err := b.addPool("somewhere", []byte(turned)); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("%v", err)
	}
}

func FuzzPoolFile(f *testing.F) {
	f.Add([]byte(somewhere))
	for name, file := range files(f) {
		if strings.HasPrefix(name, "pools/") {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := shelf().clone()
		b.pools = nil
		var file poolFile
		if decode(text, &file) != nil || b.addPool(file.ID, text) != nil {
			return
		}
		p := b.pools[0]
		if p.FeeHundredths < -1 || p.FeeHundredths > 5000 || p.MinimumPayout < -1 || len(p.Servers) == 0 || len(p.Sources) == 0 {
			t.Fatalf("%+v", p)
		}
	})
}
