//go:build !js

package poolapi

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"goldpan/vault"
	"goldpan/vault/reply"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said answers everything in one way.
type said struct {
	status int
	body   []byte
}

func (s said) Do(context.Context, vault.Request) (vault.Response, error) {
	return vault.Response{Status: s.status, Body: s.body}, nil
}

// Whatever a pool answers, what comes out of it is bounded, exact and printable.
func FuzzStats(f *testing.F) {
	for _, body := range []string{
		`{"user":{"hash_rate":123.45,"paid_rewards":3,"unpaid_rewards":0.25},"workers":{"me.a":{"connected":true,"hash_rate":1,"last_share_time":1700000600}}}`,
		`{"btc":{"hash_rate_unit":"Gh/s","hash_rate_5m":27977.5,"current_balance":"0.1","all_time_reward":"0.2","workers":{"a":{"state":"ok","hash_rate_unit":"Gh/s","hash_rate_5m":1}}}}`,
		`{"info":{"hash_rate":1e13},"balance_info":{"balance":1e-8},"workers":[{"hash_rate_info":{"name":"a","hash_rate":1},"status":0}]}`,
		`{"code":0,"data":{"hashrate_10min":"1","balance":[{"coin":"BTC","amount":"1"}],"data":[{"worker_name":"a","worker_status":"active"}]}}`,
		`{"hashrate5m":"1.23T","lastshare":1700000600,"bestshare":1.5,"worker":[{"workername":"x.a","hashrate5m":"1.2T"}]}`,
		`{"bestDifficulty":1.5,"workers":[{"name":"a","hashRate":1.5,"lastSeen":"2023-11-14T22:23:20.000Z"}]}`, `{"code":-1,"msg":"a sentence of theirs"}`,
	} {
		f.Add(200, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, name := range []string{"litecoinpool", "braiins", "f2pool", "viabtc", "ckpool", "public-pool"} {
			p, err := New(vault.Entry{Provider: name}, said{status, body}, Account{User: "me"})
			if name == "ckpool" || name == "public-pool" {
				p, err = ByAddress(name, "x", "x", said{status, body})
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.Stats(t.Context())
			if err != nil {
				if len(err.Error()) > 200 || strings.Contains(err.Error(), "sentence of theirs") {
					t.Errorf("the error %q", err)
				}
				continue
			}
			amounts := []reply.Amount{s.HashRate, s.HashRate1, s.BestShare}
			for _, e := range s.Earned {
				amounts = append(amounts, e.Unpaid, e.Paid, e.Day)
			}
			for _, w := range s.Workers {
				amounts = append(amounts, w.HashRate)
				if len(w.Name) > 200 {
					t.Errorf("the name %q", w.Name)
				}
			}
			for _, a := range amounts {
				if len(a) > 300 || a != "" && strings.Trim(string(a), "-0123456789.") != "" {
					t.Errorf("%s: the amount %q", name, a)
				}
				if Rate(a) == "" {
					t.Errorf("no words for %q", a)
				}
			}
			if len(s.Workers) > maxWorkers {
				t.Errorf("%d workers", len(s.Workers))
			}
		}
	})
}

func ExampleByAddress() {
	pool, err := ByAddress("ckpool", "solo.example", "bc1qexample", said{200, []byte(`{"hashrate5m":"1.23T","hashrate1d":"1.1T","worker":[]}`)})
	if err != nil {
		panic(err)
	}
	s, err := pool.Stats(context.Background())
	fmt.Println(Rate(s.HashRate), Rate(s.HashRate1), err)
	// Output: 1.23 TH/s 1.10 TH/s <nil>
}
