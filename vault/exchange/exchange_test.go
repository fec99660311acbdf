//go:build !js

package exchange

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"goldpan/vault"
	"goldpan/vault/exchange/fake"
	"goldpan/vault/limit"
	"goldpan/vault/policy"
)

// account is what the fakes hold in tests. Its parts are made up.
func account() fake.Account {
	return fake.Account{Key: "planted-key-name-4711", Secret: "planted-secret-4711", Passphrase: "planted-phrase-4711", Read: true,
		Balances:  map[string][2]string{"BTC": {"0.00012300", "0.10000000"}, "LTC": {"12.5", "0"}, "DOGE": {"0", "0.00000000"}},
		Addresses: map[string]string{"BTC": "bc1qexamplexample", "LTC": "ltc1qexample"}}
}

// opened is a key at a fake, in a vault of its own.
type opened struct {
	vault  *vault.Vault
	broker *vault.Broker
	limits *limit.Limits
	entry  vault.Entry
	asked  Exchange
}

// open keeps the fake's key for a provider and returns a client that uses it.
func open(t *testing.T, provider, endpoint string, a fake.Account) opened {
	t.Helper()
	dir := t.TempDir()
	v, err := vault.Open(dir, vault.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	p, ok := vault.ProviderOf(provider)
	if !ok {
		t.Fatal("no such provider")
	}
	secret, err := credential(a).Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Add(t.Context(), vault.Entry{ID: "key", Name: "key", Kind: p.Kind, Environment: vault.Live, Provider: provider, Endpoint: endpoint, Scheme: p.Scheme}, secret)
	if err != nil {
		t.Fatal(err)
	}
	l, err := limit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := vault.NewBroker(v, vault.BrokerOptions{Limits: l})
	t.Cleanup(b.Close)
	x, err := New(e, l.Patient(e, b.Key(e.ID)))
	if err != nil {
		t.Fatal(err)
	}
	return opened{v, b, l, e, x}
}

func credential(a fake.Account) vault.Credential {
	return vault.Credential{Key: vault.NewSecret([]byte(a.Key)), Secret: vault.NewSecret([]byte(a.Secret)), Passphrase: vault.NewSecret([]byte(a.Passphrase))}
}

func TestBinance(t *testing.T) {
	s := fake.Binance(account())
	web := httptest.NewServer(s)
	defer web.Close()
	o := open(t, "binance", web.URL, s.Account)
	p, err := o.asked.Permissions(t.Context())
	if err != nil || p.Read != vault.Yes || p.Trade != vault.No || p.Withdraw != vault.No || p.Transfer != vault.No || p.Allowlist != vault.No || p.Seen.IsZero() {
		t.Errorf("%v, %v", p, err)
	}
	balances, err := o.asked.Balances(t.Context())
	if err != nil || len(balances) != 2 || balances[0] != (Balance{Asset: "BTC", Free: "0.00012300", Held: "0.10000000"}) || balances[1].Free != "12.5" {
		t.Errorf("%+v, %v", balances, err)
	}
	where, err := o.asked.DepositAddress(t.Context(), "ltc", "")
	if err != nil || len(where) != 1 || where[0] != (Deposit{Asset: "LTC", Address: "ltc1qexample"}) {
		t.Errorf("%+v, %v", where, err)
	}
	if _, err := o.asked.DepositAddress(t.Context(), "XYZ", ""); !errors.Is(err, ErrNoAddress) || vault.Hint(err) == "" {
		t.Errorf("no such coin: %v", err)
	}
	if c := s.Counts(); c.Requests != 4 || c.Served != 4 || c.Bans != 0 {
		t.Errorf("%+v", c)
	}
	left := o.limits.Budget("binance", o.entry.Endpoint[len("http://"):], "key")
	if len(left) != 2 || left[0].Left < 580 || left[0].Size != 600 {
		t.Errorf("%+v", left)
	}
}

// A key that grew powers is refused from the day on that it did.
func TestDaily(t *testing.T) {
	s := fake.Binance(account())
	web := httptest.NewServer(s)
	defer web.Close()
	o := open(t, "binance", web.URL, s.Account)
	now := time.Now()
	daily := func(at time.Time) ([]string, error) {
		e, err := o.vault.Show(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		return policy.Daily(t.Context(), o.vault, e, policy.Use{}, at, o.asked.Permissions)
	}
	if warnings, err := daily(now); err != nil || len(warnings) != 2 {
		t.Errorf("%q, %v", warnings, err)
	}
	if warnings, err := daily(now.Add(time.Hour)); err != nil || len(warnings) != 0 || s.Counts().Requests != 1 {
		t.Errorf("within a day: %q, %v", warnings, err)
	}
	s.Account.Withdraw = true
	var alerts []vault.Alert
	o.vault.Alert = func(a vault.Alert) { alerts = append(alerts, a) }
	if _, err := daily(now.Add(25 * time.Hour)); !errors.Is(err, policy.ErrPower) || vault.Hint(err) == "" {
		t.Errorf("a key that can withdraw: %v", err)
	}
	if len(alerts) != 1 || alerts[0].Reason != vault.AlertPermissions {
		t.Errorf("%v", alerts)
	}
	if _, err := daily(now.Add(time.Minute)); !errors.Is(err, policy.ErrPower) {
		t.Errorf("and again: %v", err)
	}
	if err := o.vault.Override(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	if warnings, err := daily(now.Add(26 * time.Hour)); err != nil || len(warnings) != 3 {
		t.Errorf("an override: %q, %v", warnings, err)
	}
}
