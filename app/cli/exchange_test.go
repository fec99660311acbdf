package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"goldpan/vault/exchange/fake"
)

// runAs is run for the commands that use keys.
func (b *keyBox) runAs(t *testing.T, code int, words string, flags []string, args ...string) ([]map[string]any, string) {
	t.Helper()
	var out, said transcript
	line := append(append(append(strings.Fields(words), flags...), "--json"), args...)
	if got := (&terminal{out: &out, err: &said, trying: 1}).run(t.Context(), line); got != code {
		t.Fatalf("goldpan %s %s: exit code %d, want %d\n%s\n%s", words, strings.Join(args, " "), got, code, out.String(), said.String())
	}
	var lines []map[string]any
	for text := range strings.Lines(out.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("not a line of the contract: %q, %v", text, err)
		}
		lines = append(lines, l)
	}
	return lines, out.String() + said.String()
}

func TestExchange(t *testing.T) {
	s := fake.Binance(fake.Account{Key: "planted-name-4711", Secret: "planted-secret-4711", Read: true, Withdraw: true,
		Balances: map[string][2]string{"BTC": {"0.00012300", "1"}}, Addresses: map[string]string{"BTC": "bc1qexample"}})
	web := httptest.NewServer(s)
	defer web.Close()
	b := newKeyBox(t)
	add := []string{"--provider", "binance", "--endpoint", web.URL, "--key-file", b.file(t, "planted-name-4711"), "--secret-file", b.file(t, "planted-secret-4711")}
	// A key that can withdraw is refused, and says what to do.
	lines, _ := b.runAs(t, 1, "key add", b.flags, append(add, "strong")...)
	if l := lines[0]; l["type"] != "error" || !strings.Contains(l["hint"].(string), "Enable Withdrawals") || !strings.Contains(l["hint"].(string), "--although-it-can-withdraw") {
		t.Errorf("%v", l)
	}
	b.runAs(t, 0, "key add", b.flags, append(append([]string{"--although-it-can-withdraw"}, add...), "strong")...)
	if l := b.run(t, 0, "audit"); l[1]["action"] != "override" {
		t.Errorf("the override is not noted: %v", l)
	}
	s.Account.Withdraw = false
	lines, text := b.runAs(t, 0, "exchange permissions", b.flags, "strong")
	if l := lines[0]; l["type"] != "key-permissions" || l["refused"] != false || len(l["warnings"].([]any)) != 1 || len(l["notes"].([]any)) != 1 || l["permissions"].(map[string]any)["withdraw"] != "no" {
		t.Errorf("%v", l)
	}
	lines, more := b.runAs(t, 0, "exchange balance", b.flags, "strong")
	if l := lines[0]; l["type"] != "exchange-balance" || l["asset"] != "BTC" || l["free"] != "0.00012300" || l["held"] != "1" {
		t.Errorf("%v", l)
	}
	if l := lines[len(lines)-1]; l["type"] != "budget" {
		t.Errorf("%v", l)
	}
	text += more
	lines, more = b.runAs(t, 0, "exchange deposit-address", b.flags, "strong", "btc")
	if l := lines[0]; l["type"] != "deposit-address" || l["address"] != "bc1qexample" {
		t.Errorf("%v", l)
	}
	b.runAs(t, 1, "exchange deposit-address", b.flags, "strong", "doge")
	b.runAs(t, 2, "exchange deposit-address", b.flags, "strong")
	if text += more; strings.Contains(text, "planted") {
		t.Error("a part of the key is told")
	}
	// A silence that was asked for holds in the next start too.
	s.Plan = func(int) fake.Fault { return fake.Ban }
	s.Silence = 1e12 // a quarter of an hour
	before := s.Counts().Requests
	b.runAs(t, 1, "exchange balance", b.flags, "strong")
	lines, _ = b.runAs(t, 1, "exchange balance", b.flags, "strong")
	if c := s.Counts(); c.Requests != before+1 || c.Bans != 0 || !strings.Contains(fmt.Sprint(lines), "wants no requests before") {
		t.Errorf("%+v, %v", c, lines)
	}
	b.run(t, 0, "add", "--secret-file", b.file(t, "x"), "my-pool")
	b.runAs(t, 1, "exchange balance", b.flags, "my-pool")
}

func TestPoolstats(t *testing.T) {
	b := newKeyBox(t)
	s := fake.Pool("litecoinpool", fake.Account{Secret: "planted-secret-4711"})
	web := httptest.NewServer(s)
	defer web.Close()
	b.runAs(t, 0, "key add", b.flags, "--provider", "litecoinpool", "--endpoint", web.URL, "--secret-file", b.file(t, "planted-secret-4711"), "lp")
	lines, text := b.runAs(t, 0, "poolstats", b.flags, "lp")
	if l := lines[0]; l["type"] != "pool-stats" || l["hash_rate"] != "123450" || l["online"] != 1.0 {
		t.Errorf("%v", l)
	}
	if l := lines[1]; l["type"] != "pool-earned" || l["coin"] != "LTC" || l["unpaid"] != "0.25" || strings.Contains(text, "planted") {
		t.Errorf("%v", l)
	}
	c := fake.Pool("ckpool", fake.Account{Key: "bc1qexample"})
	solo := httptest.NewServer(c)
	defer solo.Close()
	data := b.flags[len(b.flags)-2:]
	lines, _ = b.runAs(t, 0, "poolstats", data, "--kind", "ckpool", "--pool", solo.URL, "--address", "bc1qexample")
	if l := lines[0]; l["hash_rate"] != "1230000000000" || l["best_share"] != "1234567.8" {
		t.Errorf("%v", l)
	}
	b.runAs(t, 2, "poolstats", data, "--kind", "ckpool")
	b.runAs(t, 1, "poolstats", data, "--kind", "ckpool", "--pool", "http://example.org", "--address", "bc1qexample")
}
