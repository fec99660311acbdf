//go:build !js

package poolapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"goldpan/vault"
	"goldpan/vault/exchange/fake"
	"goldpan/vault/limit"
	"goldpan/vault/reply"
)

const address = "bc1qexampleaddress"

// open makes a client for a pool at a fake, with a key where it needs one.
func open(t *testing.T, name string, h http.Handler, a fake.Account) Pool {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	v, err := vault.Open(t.TempDir(), vault.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	l, err := limit.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := vault.NewBroker(v, vault.BrokerOptions{Limits: l})
	t.Cleanup(b.Close)
	if name == "ckpool" || name == "public-pool" {
		e := vault.Entry{Environment: vault.Live, Endpoint: web.URL}
		p, err := ByAddress(name, "a pool", a.Key, l.Patient(e, b.Open(e)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	known, ok := vault.ProviderOf(name)
	if !ok {
		t.Fatal("no such pool")
	}
	c := vault.Credential{Secret: vault.NewSecret([]byte(a.Secret))}
	if known.Parts[0] != "" {
		c.Key = vault.NewSecret([]byte(a.Key))
	}
	secret, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.Add(t.Context(), vault.Entry{ID: "key", Name: "key", Kind: known.Kind, Environment: vault.Live, Provider: name, Endpoint: web.URL, Scheme: known.Scheme, Field: known.Field}, secret)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(e, l.Patient(e, b.Key("key")), Account{User: a.Key, Coin: ""})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pools() []string {
	return []string{"litecoinpool", "braiins", "f2pool", "viabtc", "ckpool", "public-pool"}
}

func TestPools(t *testing.T) {
	want := map[string]Stats{
		"litecoinpool": {HashRate: "123450", HashRate1: "123000", Earned: []Earned{{"LTC", "0.25", "3", "0.000015"}, {"DOGE", "7.5", "100", "2"}}},
		"braiins":      {HashRate: "27977500000000", HashRate1: "27000000000000", Earned: []Earned{{"BTC", "0.02345678", "0.10000000", "0.00000100"}}},
		"f2pool":       {HashRate: "12650560751040", HashRate1: "12000000000000.5", Earned: []Earned{{"BTC", "0.000045036645168645", "1.01", "0.000000025"}}},
		"viabtc":       {HashRate: "12650560751040", HashRate1: "12000000000000", Earned: []Earned{{"BTC", "0.00012345", "", ""}}},
		"ckpool":       {HashRate: "1230000000000", HashRate1: "1100000000000", BestShare: "1234567.8"},
		"public-pool":  {HashRate: "1730000000000.5", BestShare: "1234567.8"},
	}
	for _, name := range pools() {
		t.Run(name, func(t *testing.T) {
			a := fake.Account{Key: address, Secret: "planted-secret-4711"}
			s := fake.Pool(name, a)
			got, err := open(t, name, s, a).Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w := want[name]
			if got.HashRate != w.HashRate || got.HashRate1 != w.HashRate1 || got.BestShare != w.BestShare || len(got.Earned) != len(w.Earned) {
				t.Errorf("%+v", got)
			}
			for i := range w.Earned {
				if got.Earned[i] != w.Earned[i] {
					t.Errorf("earned %+v, want %+v", got.Earned[i], w.Earned[i])
				}
			}
			if len(got.Workers) != 2 || got.Online+got.Offline != 2 {
				t.Errorf("workers %+v", got.Workers)
			}
			if name != "viabtc" && !got.LastShare.Equal(time.Unix(1700000600, 0)) {
				t.Errorf("last share %s", got.LastShare)
			}
			if c := s.Counts(); c.Served != c.Requests || c.Bans != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, name := range pools()[:4] {
		a := fake.Account{Key: address, Secret: "planted-secret-4711"}
		s := fake.Pool(name, a)
		s.Account.Secret = "another"
		_, err := open(t, name, s, a).Stats(t.Context())
		if !errors.Is(err, ErrKey) || vault.Hint(err) == "" || strings.Contains(err.Error(), a.Secret) {
			t.Errorf("%s: another key: %v", name, err)
		}
	}
	for _, name := range pools()[4:] {
		s := fake.Pool(name, fake.Account{Key: address})
		if _, err := open(t, name, s, fake.Account{Key: "unknown"}).Stats(t.Context()); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: an unknown address: %v", name, err)
		}
	}
	for _, bad := range []string{"", "a/b", "../x", strings.Repeat("a", 101), "a b", "a?b"} {
		if _, err := ByAddress("ckpool", "x", bad, nil); err == nil {
			t.Errorf("the address %q", bad)
		}
	}
	if _, err := ByAddress("nobody", "x", "a", nil); err == nil {
		t.Error("a style that nobody has")
	}
	if _, err := New(vault.Entry{Provider: "f2pool"}, nil, Account{User: "a\nb"}); err == nil {
		t.Error("a user of two lines")
	}
}

func TestUnreadable(t *testing.T) {
	for _, name := range pools() {
		for _, body := range []string{"", "null", "[]", `{"user":7}`, `{"code":0,"data":7}`, `{"btc":{"hash_rate_unit":"Furlong/s"}}`, `{"info":7}`, `{"hashrate5m":"1.2W"}`, `{"workers":7}`} {
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
			// Straight, for the limits would have this wait for minutes.
			web := httptest.NewServer(h)
			v, err := vault.Open(t.TempDir(), vault.NewMemory())
			if err != nil {
				t.Fatal(err)
			}
			b := vault.NewBroker(v, vault.BrokerOptions{})
			d := b.Open(vault.Entry{Environment: vault.Live, Endpoint: web.URL})
			p, err := New(vault.Entry{Provider: name}, d, Account{User: "me"})
			if name == "ckpool" || name == "public-pool" {
				p, err = ByAddress(name, "x", address, d)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Stats(t.Context()); !errors.Is(err, reply.ErrUnreadable) && !errors.Is(err, ErrKey) {
				t.Errorf("%s, %q: %+v, %v", name, body, got, err)
			}
			b.Close()
			web.Close()
		}
	}
}

func TestRate(t *testing.T) {
	for a, want := range map[reply.Amount]string{"": "unknown", "-1": "unknown", "0": "0 H/s", "999": "999 H/s", "1000": "1 kH/s", "27977500000000": "27.97 TH/s", "123450.5": "123.45 kH/s", "1230000000000000000000": "1.23 ZH/s"} {
		if got := Rate(a); got != want {
			t.Errorf("Rate(%q) = %q, want %q", a, got, want)
		}
	}
}
