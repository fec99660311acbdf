//go:build !js

package exchange

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"goldpan/vault"
	"goldpan/vault/exchange/fake"
	"goldpan/vault/policy"
	"goldpan/vault/reply"
)

// providers are the exchanges that Goldpan knows, each with its fake and an account
// whose parts have the provider's form.
func providers(t testing.TB) map[string]*fake.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	k, c := account(), account()
	k.Secret = base64.StdEncoding.EncodeToString([]byte("planted-secret-4711"))
	c.Secret = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	k.Passphrase, c.Passphrase = "", ""
	b := account()
	b.Passphrase = ""
	return map[string]*fake.Server{"binance": fake.Binance(b), "kraken": fake.Kraken(k), "coinbase": fake.Coinbase(c), "okx": fake.OKX(account())}
}

func TestProviders(t *testing.T) {
	for name, s := range providers(t) {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(s)
			defer web.Close()
			o := open(t, name, web.URL, s.Account)
			p, err := o.asked.Permissions(t.Context())
			if err != nil || p.Read != vault.Yes || p.Trade != vault.No || p.Withdraw != vault.No || p.Transfer != vault.No || p.Allowlist == vault.Yes {
				t.Errorf("%v, %v", p, err)
			}
			warnings, err := policy.Judge(name, p, policy.Use{})
			if notes := policy.Notes(name, p); err != nil || len(warnings)+len(notes) != 2 {
				t.Errorf("%q, %q, %v", warnings, notes, err)
			}
			balances, err := o.asked.Balances(t.Context())
			if err != nil || len(balances) < 2 || balances[0].Asset != "BTC" || balances[0].Held != "0.10000000" {
				t.Errorf("%+v, %v", balances, err)
			}
			where, err := o.asked.DepositAddress(t.Context(), "btc", "")
			if err != nil || len(where) != 1 || where[0].Address != "bc1qexamplexample" || where[0].Asset != "BTC" {
				t.Errorf("%+v, %v", where, err)
			}
			for _, bad := range []string{"NOPE", "a/b", strings.Repeat("A", 40)} {
				if _, err := o.asked.DepositAddress(t.Context(), bad, ""); !errors.Is(err, ErrNoAddress) || vault.Hint(err) == "" {
					t.Errorf("%s: %v", bad, err)
				}
			}
			if c := s.Counts(); c.Bans+c.Unsigned+c.Late+c.Limited != 0 || c.Served != c.Requests {
				t.Errorf("%+v", c)
			}
		})
	}
}

// Every power that moves money is seen, and refused.
func TestPowers(t *testing.T) {
	for name, s := range providers(t) {
		for what, change := range map[string]func(*fake.Account){
			"withdraw": func(a *fake.Account) { a.Withdraw = true },
			"transfer": func(a *fake.Account) { a.Transfer = true },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				plain := s.Account
				defer func() { s.Account = plain }()
				change(&s.Account)
				web := httptest.NewServer(s)
				defer web.Close()
				o := open(t, name, web.URL, s.Account)
				// A key that is about to be added is asked about in the same way.
				x, err := New(o.entry, o.broker.Try(o.entry, credential(s.Account)))
				if err != nil {
					t.Fatal(err)
				}
				p, err := x.Permissions(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := policy.Judge(name, p, policy.Use{}); !errors.Is(err, policy.ErrPower) || vault.Hint(err) == "" {
					t.Errorf("%v: %v", p, err)
				}
				if warnings, err := policy.Judge(name, p, policy.Use{Override: true}); err != nil || !strings.Contains(warnings[0], "empty the account") {
					t.Errorf("overridden: %q, %v", warnings, err)
				}
			})
		}
		t.Run(name+" trade", func(t *testing.T) {
			s.Account.Trade, s.Account.Allowlist, s.Account.Expires = true, []string{"192.0.2.7"}, time.Now().Add(time.Hour)
			web := httptest.NewServer(s)
			defer web.Close()
			p, err := open(t, name, web.URL, s.Account).asked.Permissions(t.Context())
			if err != nil || p.Trade != vault.Yes || p.Allowlist == vault.No {
				t.Errorf("%v, %v", p, err)
			}
			if name == "kraken" && !p.Expires.Equal(s.Account.Expires.UTC().Truncate(time.Second)) {
				t.Errorf("it ends %s", p.Expires)
			}
		})
	}
}

// A wrong secret and a clock that is wrong are told apart, and the clock is set.
func TestRefusedKeys(t *testing.T) {
	for name, s := range providers(t) {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(s)
			defer web.Close()
			right := s.Account
			s.Plan = func(n int) fake.Fault {
				if n == 1 {
					return fake.Skewed
				}
				return fake.None
			}
			o := open(t, name, web.URL, right)
			for range 3 {
				if _, err := o.asked.Permissions(t.Context()); err != nil {
					t.Errorf("after the clock jumped: %v", err)
				}
			}
			s.Account.Key = "another"
			_, err := o.asked.Balances(t.Context())
			if !errors.Is(err, ErrKey) || vault.Hint(err) == "" {
				t.Errorf("another key: %v", err)
			}
			for _, part := range []string{right.Key, right.Secret, "what went wrong"} {
				if err != nil && strings.Contains(err.Error()+vault.Hint(err), part) {
					t.Errorf("the error repeats %q", part)
				}
			}
		})
	}
}

// The test network of Binance cannot tell; who is not known is not asked.
func TestCannotTell(t *testing.T) {
	x, err := New(vault.Entry{Provider: "binance", Environment: vault.Test}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Permissions(t.Context()); !errors.Is(err, policy.ErrCannotTell) {
		t.Error(err)
	}
	if _, err := New(vault.Entry{Provider: "nobody"}, nil); err == nil {
		t.Error("an exchange of nobody's")
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"error":["EGeneral:Unknown method"]}`))
	}))
	defer web.Close()
	a := account()
	a.Secret = base64.StdEncoding.EncodeToString([]byte(a.Secret))
	if _, err := open(t, "kraken", web.URL, a).asked.Permissions(t.Context()); !errors.Is(err, policy.ErrCannotTell) {
		t.Error(err)
	}
}

// What no document describes is an error, and nothing of it is shown.
func TestUnreadable(t *testing.T) {
	for name := range providers(t) {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"code":"0","data":7,"peer":"planted-words"}`))
		}))
		s := providers(t)[name]
		o := open(t, name, web.URL, s.Account)
		if _, err := o.asked.Permissions(t.Context()); !errors.Is(err, reply.ErrUnreadable) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := o.asked.Balances(t.Context()); !errors.Is(err, reply.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
		web.Close()
	}
}
