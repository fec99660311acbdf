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

// asked is a client of a pool that always gets one answer.
func asked(t *testing.T, name, body string) (Stats, error) {
	t.Helper()
	d := said{200, []byte(body)}
	p, err := New(vault.Entry{Provider: name}, d, Account{User: "me"})
	if name == "ckpool" || name == "public-pool" {
		p, err = ByAddress(name, "x", address, d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.Stats(t.Context())
}

// The forms that hash rates and names have at ckpool, by its own source.
func TestCKPoolForms(t *testing.T) {
	for text, want := range map[string]reply.Amount{"0": "0", "999": "999", "1.23K": "1230", "1e+03G": "1000000000000", "12.3P": "12300000000000000", "1.5E": "1500000000000000000"} {
		if s, err := asked(t, "ckpool", `{"hashrate5m":"`+text+`","hashrate1d":"0","worker":[]}`); err != nil || s.HashRate != want {
			t.Errorf("%s: %s, %v", text, s.HashRate, err)
		}
	}
	for name, want := range map[string]reply.Text{address: "", address + ".rig": "rig", address + "_rig.2": "rig.2", address + "x.rig": address + "x.rig", "other": "other"} {
		if s, err := asked(t, "ckpool", `{"hashrate5m":"0","hashrate1d":"0","worker":[{"workername":"`+name+`","hashrate5m":"0"}]}`); err != nil || s.Workers[0].Name != want {
			t.Errorf("%s: %+v, %v", name, s.Workers, err)
		}
	}
}

// A worker whose monitoring is off is not one that is down.
func TestBraiinsStates(t *testing.T) {
	for state, want := range map[string]bool{"ok": true, "low": true, "off": false, "dis": true, "new": false} {
		body := `{"btc":{"hash_rate_unit":"Gh/s","hash_rate_5m":1,"workers":{"a":{"state":"` + state + `","hash_rate_unit":"Gh/s","hash_rate_5m":2.5}}}}`
		if s, err := asked(t, "braiins", body); err != nil || len(s.Workers) != 1 || s.Workers[0].Online != want {
			t.Errorf("%s: %+v, %v", state, s.Workers, err)
		}
	}
}

// ViaBTC's own count stands where its list goes on, and pages without end are not read.
func TestViaBTCPages(t *testing.T) {
	s, err := asked(t, "viabtc", `{"code":0,"data":{"hashrate_10min":"1","active_workers":700,"unactive_workers":40,"has_next":true,"balance":[],
		"data":[`+strings.Repeat(`{"worker_name":"w","worker_status":"active"},`, 99)+`{"worker_name":"w","worker_status":"unactive"}]}}`)
	if err != nil || len(s.Workers) != maxWorkers || s.Online != 700 || s.Offline != 40 {
		t.Errorf("%d workers, %d online, %d offline, %v", len(s.Workers), s.Online, s.Offline, err)
	}
}
