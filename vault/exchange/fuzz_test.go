//go:build !js

package exchange

import (
	"context"
	"net/http"
	"net/http/httptest"
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

// Whatever an exchange answers, what comes out of it is bounded, exact and printable,
// and an error repeats none of its sentences.
func FuzzReplies(f *testing.F) {
	for _, body := range []string{
		`{"ipRestrict":false,"enableReading":true,"enableWithdrawals":false,"permitsUniversalTransfer":true,"enableInternalTransfer":false}`,
		`{"balances":[{"asset":"BTC","free":"0.1","locked":"1e-8"}]}`, `{"coin":"BTC","address":"bc1q","tag":""}`,
		`{"error":[],"result":{"permissions":["query-funds","withdraw-funds"],"validUntil":"1772542900","ipAllowlist":[]}}`,
		`{"error":["EAPI:Invalid key"]}`, `{"error":[],"result":{"XXBT":{"balance":"1.5","hold_trade":"0.5"}}}`, `{"error":[],"result":[{"method":"Bitcoin","address":"bc1q"}]}`,
		`{"can_view":true,"can_trade":false,"can_transfer":true}`, `{"accounts":[{"uuid":"8b","currency":"BTC","available_balance":{"value":"1"},"hold":{"value":"0"}}],"has_next":true,"cursor":"x"}`,
		`{"data":[{"address":"bc1q","network":"bitcoin"}]}`, `{"code":"0","data":[{"perm":"read_only,trade","ip":""}]}`, `{"code":"50011","msg":"a sentence of theirs"}`,
		`{"code":-1021,"msg":"a sentence of theirs"}`, `{"code":"0","data":[{"details":[{"ccy":"BTC","availBal":"1","frozenBal":"0"}],"ccy":"BTC","availBal":"2","frozenBal":"0","addr":"bc1q","chain":"BTC-Bitcoin"}]}`,
	} {
		f.Add(200, []byte(body))
		f.Add(400, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, name := range []string{"binance", "kraken", "coinbase", "okx"} {
			x, err := New(vault.Entry{Provider: name, Environment: vault.Live}, said{status, body})
			if err != nil {
				t.Fatal(err)
			}
			p, err := x.Permissions(t.Context())
			check(t, err)
			if err == nil && p.Seen.IsZero() {
				t.Error("an answer of no time")
			}
			balances, err := x.Balances(t.Context())
			check(t, err)
			for _, b := range balances {
				for _, a := range []reply.Amount{b.Free, b.Held} {
					if len(a) > 200 || a != "" && strings.Trim(string(a), "-0123456789.") != "" {
						t.Errorf("the amount %q", a)
					}
				}
				text(t, b.Asset)
			}
			where, err := x.DepositAddress(t.Context(), "BTC", "")
			check(t, err)
			for _, d := range where {
				text(t, d.Asset, d.Network, d.Address, d.Tag)
				if d.Address == "" {
					t.Error("no address")
				}
			}
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil && (len(err.Error()) > 200 || strings.Contains(err.Error(), "sentence of theirs")) {
		t.Errorf("the error %q", err)
	}
}

func text(t *testing.T, texts ...reply.Text) {
	t.Helper()
	for _, s := range texts {
		if len(s) > 200 || strings.ContainsFunc(string(s), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the text %q", s)
		}
	}
}

// The fakes serve nobody who does not sign.
func TestFakesRefuse(t *testing.T) {
	for name, s := range providers(t) {
		web := httptest.NewServer(s)
		for _, header := range []http.Header{{}, {"X-Mbx-Apikey": {s.Account.Key}, "Api-Key": {s.Account.Key}, "Ok-Access-Key": {s.Account.Key}, "Ok-Access-Passphrase": {s.Account.Passphrase}, "Authorization": {"Bearer a.b.c"}}} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web.URL+"/api/v3/account?timestamp=1&signature=00", strings.NewReader("nonce=1"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = header
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		}
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if c := s.Counts(); c.Served != 0 || c.Unsigned+c.Late != 2 {
			t.Errorf("%s: %+v", name, c)
		}
		web.Close()
	}
}
