//go:build !js

package exchange

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"goldpan/vault"
	"goldpan/vault/exchange/fake"
	"goldpan/vault/reply"
)

// asked is a client of a provider that always gets one answer.
func asked(t *testing.T, provider, body string) Exchange {
	t.Helper()
	x, err := New(vault.Entry{Provider: provider, Environment: vault.Live}, said{200, []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A power that nobody has heard of is none that a key has by the way.
func TestUnknownPowers(t *testing.T) {
	const known = `"ipRestrict":true,"enableReading":true,"enableWithdrawals":false,"enableInternalTransfer":false,"permitsUniversalTransfer":false,"enableSpotAndMarginTrading":false,"createTime":1623840271000`
	for more, want := range map[string]vault.Permissions{
		``:                                   {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No},
		`,"enableFixReadOnly":true`:          {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No},
		`,"enableFixApiTrade":true`:          {Trade: vault.Yes, Transfer: vault.No, Withdraw: vault.No},
		`,"enableMoonTrading":true`:          {Trade: vault.Yes, Transfer: vault.No, Withdraw: vault.No},
		`,"enableMoonTrading":false`:         {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No},
		`,"permitsMoonLanding":true`:         {Trade: vault.No, Transfer: vault.Yes, Withdraw: vault.No},
		`,"enableSubaccountTransfer":true`:   {Trade: vault.No, Transfer: vault.Yes, Withdraw: vault.No},
		`,"enableFastWithdrawSwitch":true`:   {Trade: vault.No, Transfer: vault.No, Withdraw: vault.Yes},
		`,"enableMoon":"true"`:               {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No},
		`,"enablewithdrawals":true,"x":null`: {Trade: vault.No, Transfer: vault.No, Withdraw: vault.Yes},
	} {
		p, err := asked(t, "binance", "{"+known+more+"}").Permissions(t.Context())
		if err != nil || p.Read != vault.Yes || p.Allowlist != vault.Yes || p.Trade != want.Trade || p.Transfer != want.Transfer || p.Withdraw != want.Withdraw {
			t.Errorf("binance %s: %+v, %v", more, p, err)
		}
	}
	for _, partial := range []string{`{}`, `{"enableReading":true}`, `{"enableReading":"true","enableWithdrawals":"false"}`, `[]`, `null`} {
		if p, err := asked(t, "binance", partial).Permissions(t.Context()); !errors.Is(err, reply.ErrUnreadable) {
			t.Errorf("binance %s: %+v, %v", partial, p, err)
		}
	}
	for name, want := range map[string]vault.Permissions{
		"query-funds": {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No}, "query-moon": {Trade: vault.No, Transfer: vault.No, Withdraw: vault.No},
		"modify-trades": {Trade: vault.Yes, Transfer: vault.No, Withdraw: vault.No}, "moon-funds": {Trade: vault.No, Transfer: vault.Yes, Withdraw: vault.No},
		"fast-withdraw": {Trade: vault.No, Transfer: vault.No, Withdraw: vault.Yes}, "withdraw-funds": {Trade: vault.No, Transfer: vault.No, Withdraw: vault.Yes},
	} {
		p, err := asked(t, "kraken", `{"error":[],"result":{"permissions":["`+name+`"],"validUntil":"0","ipAllowlist":[]}}`).Permissions(t.Context())
		if err != nil || p.Trade != want.Trade || p.Transfer != want.Transfer || p.Withdraw != want.Withdraw {
			t.Errorf("kraken %s: %+v, %v", name, p, err)
		}
	}
}

// A list that lets everybody in is no list.
func TestAllowlists(t *testing.T) {
	for list, want := range map[string]vault.Answer{
		"": vault.No, " , ": vault.No, "192.0.2.7": vault.Yes, "192.0.2.0/24": vault.Yes, "0.0.0.0/0": vault.No, "192.0.2.7,0.0.0.0/0": vault.No,
		"::/0": vault.No, "*": vault.No, "0.0.0.0": vault.No, "2001:db8::1": vault.Yes, "128.0.0.0/1": vault.No,
	} {
		if got := allowlist(strings.Split(list, ",")); got != want {
			t.Errorf("%q: %s", list, got)
		}
	}
}

// A key with Query alone, as the steps say, learns the addresses of the coins that are
// mined; for another coin it is told what is missing.
func TestKrakenDepositRights(t *testing.T) {
	s := providers(t)["kraken"]
	s.Account.Addresses["DOGE"], s.Account.Addresses["ADA"] = "Dexample", "addr1example"
	web := httptest.NewServer(s)
	defer web.Close()
	x := open(t, "kraken", web.URL, s.Account).asked
	for asset, want := range map[string]Deposit{
		"BTC": {Asset: "BTC", Network: "Bitcoin", Address: "bc1qexamplexample"}, "xbt": {Asset: "XBT", Network: "Bitcoin", Address: "bc1qexamplexample"},
		"ltc": {Asset: "LTC", Network: "Litecoin", Address: "ltc1qexample"}, "DOGE": {Asset: "DOGE", Network: "Dogecoin", Address: "Dexample"},
	} {
		where, err := x.DepositAddress(t.Context(), asset, "")
		if err != nil || len(where) != 1 || where[0] != want {
			t.Errorf("%s: %+v, %v", asset, where, err)
		}
	}
	if where, err := x.DepositAddress(t.Context(), "ADA", "ADA chain"); err != nil || len(where) != 1 {
		t.Errorf("a way that was named: %+v, %v", where, err)
	}
	if _, err := x.DepositAddress(t.Context(), "ADA", ""); !errors.Is(err, ErrNoAddress) || !strings.Contains(vault.Hint(err), "Deposit") {
		t.Errorf("another coin: %v (%s)", err, vault.Hint(err))
	}
	s.Account.Deposit = true
	if where, err := x.DepositAddress(t.Context(), "ADA", ""); err != nil || len(where) != 1 || where[0].Network != "ADA chain" {
		t.Errorf("with Deposit: %+v, %v", where, err)
	}
	if _, err := x.DepositAddress(t.Context(), "ADA", "another chain"); !errors.Is(err, ErrNoAddress) {
		t.Errorf("a way that is none: %v", err)
	}
}

// What goes with an address is never left out: without it the coins are lost.
func TestOKXAttachment(t *testing.T) {
	for extra, want := range map[string]string{
		`null`: "addr", `""`: "addr", `{}`: "addr", `{"comment":"123456"}`: "addr 123456", `{"comment":""}`: "", `{"a":"1","b":"2"}`: "", `["x"]`: "", `"x"`: "", `{"comment":{"a":1}}`: "",
	} {
		where, err := asked(t, "okx", `{"code":"0","msg":"","data":[{"ccy":"TON","chain":"TON-TON","addr":"addr","tag":"","memo":"","pmtId":"","addrEx":`+extra+`}]}`).DepositAddress(t.Context(), "TON", "")
		got := ""
		if err == nil && len(where) == 1 {
			got = strings.TrimSpace(string(where[0].Address + " " + where[0].Tag))
		} else if !errors.Is(err, ErrNoAddress) {
			t.Errorf("%s: %+v, %v", extra, where, err)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", extra, got, want)
		}
	}
	// A key without money in the account is not one without an address.
	if _, err := asked(t, "okx", `{"code":"58350","msg":"Insufficient balance","data":[]}`).DepositAddress(t.Context(), "BTC", ""); !errors.Is(err, ErrRefused) {
		t.Errorf("58350: %v", err)
	}
}

// What has a name that cannot be shown is there all the same.
func TestUnnamedBalances(t *testing.T) {
	for provider, body := range map[string]string{
		"binance":  `{"balances":[{"asset":"\u5e01\u5b89","free":"5","locked":"0"},{"asset":"BTC","free":"0","locked":"0"}]}`,
		"kraken":   `{"error":[],"result":{"\u5e01":{"balance":"5","hold_trade":"0"},"XXBT":{"balance":"0","hold_trade":"0"}}}`,
		"coinbase": `{"accounts":[{"uuid":"8b","currency":"\u5e01","available_balance":{"value":"5"},"hold":{"value":"0"}}],"has_next":false,"cursor":""}`,
		"okx":      `{"code":"0","data":[{"details":[{"ccy":"\u5e01","availBal":"5","frozenBal":"0"}],"ccy":"X","availBal":"0","frozenBal":"0"}]}`,
	} {
		balances, err := asked(t, provider, body).Balances(t.Context())
		if err != nil || len(balances) != 1 || balances[0].Asset != "?" || balances[0].Free != "5" {
			t.Errorf("%s: %+v, %v", provider, balances, err)
		}
	}
}

// Half of an account is not told as the whole.
func TestCoinbasePages(t *testing.T) {
	page := func(more, cursor string) string {
		return `{"accounts":[{"uuid":"8b","currency":"BTC","available_balance":{"value":"1"},"hold":{"value":"0"}}],"has_next":` + more + `,"cursor":"` + cursor + `"}`
	}
	for _, body := range []string{page("true", ""), page("true", "again"), page("true", strings.Repeat("x", 300))} {
		if b, err := asked(t, "coinbase", body).Balances(t.Context()); !errors.Is(err, reply.ErrUnreadable) {
			t.Errorf("%.90s: %+v, %v", body, b, err)
		}
	}
	if b, err := asked(t, "coinbase", page("false", "x")).Balances(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
}

// A clock that is wrong by seconds, either way, is set: no exchange takes that for a
// wrong key for long.
func TestSmallSkews(t *testing.T) {
	for _, jump := range []time.Duration{8 * time.Second, -8 * time.Second, 40 * time.Second, -40 * time.Second} {
		for name, s := range providers(t) {
			web := httptest.NewServer(s)
			s.Jump = jump
			s.Plan = func(n int) fake.Fault {
				if n == 0 {
					return fake.Skewed
				}
				return fake.None
			}
			x := open(t, name, web.URL, s.Account).asked
			for range 2 {
				if _, err := x.Permissions(t.Context()); err != nil {
					t.Errorf("%s, %s: %v", name, jump, err)
				}
			}
			if c := s.Counts(); c.Served != 2 || c.Requests > 3 {
				t.Errorf("%s, %s: %+v", name, jump, c)
			}
			web.Close()
		}
	}
}

// A small answer that unfolds into a huge one is cut off.
func TestBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	defer web.Close()
	s := providers(t)["binance"]
	v, err := vault.Open(t.TempDir(), vault.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	b := vault.NewBroker(v, vault.BrokerOptions{})
	defer b.Close()
	e := vault.Entry{Provider: "binance", Environment: vault.Live, Endpoint: web.URL, Scheme: vault.SchemeBinance, Kind: vault.KindExchange}
	x, err := New(e, b.Try(e, credential(s.Account)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Balances(t.Context()); !errors.Is(err, vault.ErrUnanswered) {
		t.Errorf("%d bytes that become 64 MiB: %v", bomb.Len(), err)
	}
}

// altered changes requests on their way to a fake.
type altered struct {
	to    *fake.Server
	alter func(*http.Request)
}

func (a altered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.alter(r)
	a.to.ServeHTTP(w, r)
}

// The fakes take nothing that was altered on its way, or sent twice.
func TestFakesAreStrict(t *testing.T) {
	for name, alter := range map[string]func(*http.Request){
		"binance": func(r *http.Request) { r.URL.RawQuery = "coin=X&" + r.URL.RawQuery },
		"kraken":  func(r *http.Request) { r.URL.Path = "/0/private/Withdraw" },
		"coinbase": func(r *http.Request) {
			r.URL.Path = "/api/v3/brokerage/orders"
		},
		"okx": func(r *http.Request) { r.URL.RawQuery = "ccy=BTC" },
	} {
		s := providers(t)[name]
		web := httptest.NewServer(altered{s, alter})
		if _, err := open(t, name, web.URL, s.Account).asked.Permissions(context.Background()); !errors.Is(err, ErrKey) {
			t.Errorf("%s: altered: %v", name, err)
		}
		if c := s.Counts(); c.Served != 0 || c.Unsigned == 0 {
			t.Errorf("%s: %+v", name, c)
		}
		web.Close()
	}
	// The same request twice, where a nonce forbids that.
	for _, name := range []string{"kraken", "coinbase"} {
		s := providers(t)[name]
		s.Account.Deposit = true
		first := true
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				copied := r.Clone(r.Context())
				var body bytes.Buffer
				_, _ = body.ReadFrom(r.Body)
				copied.Body, r.Body = http.NoBody, http.NoBody
				if body.Len() > 0 {
					copied.Body, r.Body = readCloser{bytes.NewReader(body.Bytes())}, readCloser{bytes.NewReader(body.Bytes())}
				}
				s.ServeHTTP(httptest.NewRecorder(), copied)
			}
			s.ServeHTTP(w, r)
		}))
		if _, err := open(t, name, web.URL, s.Account).asked.Permissions(t.Context()); !errors.Is(err, ErrShared) && !errors.Is(err, ErrKey) {
			t.Errorf("%s: twice: %v", name, err)
		}
		if c := s.Counts(); c.Served != 1 || c.Unsigned != 1 {
			t.Errorf("%s: %+v", name, c)
		}
		web.Close()
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
