package counter

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
	"goldpan/wallet"
	"goldpan/wallet/electrum/electrumtest"
	"goldpan/wallet/hd"
)

const passphrase = "teal walrus hums under copper moons"

// ask makes a call as the page does.
func ask[T any](t *testing.T, c *Counter, name string, a any) (T, error) {
	t.Helper()
	var got T
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Call(name, b)
	if err != nil {
		return got, err
	}
	if b, err = json.Marshal(v); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%s: %v in %s", name, err, b)
	}
	return got, nil
}

func must[T any](t *testing.T, c *Counter, name string, a any) T {
	t.Helper()
	got, err := ask[T](t, c, name, a)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

type m = map[string]any

func chosen(t *testing.T, coin, network string) *Counter {
	t.Helper()
	c := New(Options{Storage: &wallet.MemoryStorage{}, WorkFactor: 1})
	t.Cleanup(func() {
		if _, err := ask[none](t, c, "close", m{}); err != nil {
			t.Error(err)
		}
	})
	must[none](t, c, "choose", m{"coin": coin, "network": network})
	return c
}

// Made, proven, and paid: no address is given before, not even where the coins are worth nothing.
func TestJourney(t *testing.T) {
	for _, x := range []struct{ coin, network, prefix string }{{"bitcoin", "practice", "pan1"}, {"bitcoin", "main", "bc1"}, {"litecoin", "main", "ltc1"}, {"dogecoin", "main", "D"}} {
		c := chosen(t, x.coin, x.network)
		if _, err := ask[status](t, c, "create", m{"passphrase": "river", "length": 12}); !errors.Is(err, wallet.ErrWeak) {
			t.Errorf("%s: a short passphrase: %v", x.network, err)
		}
		s := must[status](t, c, "create", m{"passphrase": passphrase, "length": 24})
		if !s.Open || s.Locked || s.Proven || s.Worthless != (x.network != "main") || s.Balance.Total != "0.00000000" || s.History == nil {
			t.Errorf("%+v", s)
		}
		if _, err := ask[received](t, c, "receive", m{}); !errors.Is(err, wallet.ErrNotProven) {
			t.Errorf("%s %s: an address before the words were proven: %v", x.coin, x.network, err)
		}
		if _, err := ask[shown](t, c, "words", m{"passphrase": "another"}); !errors.Is(err, seal.ErrPassphrase) {
			t.Errorf("the words against another passphrase: %v", err)
		}
		words := must[shown](t, c, "words", m{"passphrase": passphrase}).Words
		if len(words) != 24 {
			t.Fatalf("%d words", len(words))
		}
		at := must[challenge](t, c, "challenge", m{}).Positions
		given := make([]string, len(at))
		for i := range given {
			given[i] = "zoo"
		}
		if got := must[wrong](t, c, "answer", m{"positions": at, "words": given}).Wrong; len(got) == 0 {
			t.Error("any word will do")
		}
		for i, n := range at {
			given[i] = words[n-1]
		}
		if got := must[wrong](t, c, "answer", m{"positions": at, "words": given}).Wrong; len(got) > 0 {
			t.Errorf("right words are wrong at %v", got)
		}
		r := must[received](t, c, "receive", m{"amount": "1,5"})
		if !strings.HasPrefix(r.Address, x.prefix) || strings.Join(r.Groups, "") != r.Address || r.Link != x.coin+":"+r.Address+"?amount=1.5" {
			t.Errorf("%+v", r)
		}
		if len(r.QR) < 21 || len(r.QR[0]) != len(r.QR) || !strings.HasPrefix(r.QR[0], "1111111") {
			t.Errorf("the QR code is %q", r.QR)
		}
		if !must[owned](t, c, "mine", m{"address": " " + r.Link + " "}).Mine {
			t.Error("the address is not the wallet's own")
		}
		next := must[received](t, c, "receive", m{"next": true})
		if next.Address == r.Address || next.Index != r.Index+1 {
			t.Errorf("the next address is %s", next.Address)
		}

		// Locked and unlocked; closed and opened.
		must[none](t, c, "lock", m{})
		if !must[status](t, c, "status", m{}).Locked {
			t.Error("not locked")
		}
		if _, err := ask[challenge](t, c, "challenge", m{}); !errors.Is(err, wallet.ErrLocked) {
			t.Errorf("words while locked: %v", err)
		}
		if s := must[status](t, c, "open", m{"passphrase": passphrase}); s.Locked || !s.Proven {
			t.Errorf("%+v", s)
		}
		must[none](t, c, "close", m{})
		if must[status](t, c, "status", m{}).Open {
			t.Error("open after it was closed")
		}
		if _, err := ask[status](t, c, "open", m{"passphrase": "another"}); Explain(err).Code != "passphrase" {
			t.Errorf("opened with another passphrase: %v", err)
		}
		if s := must[status](t, c, "open", m{"passphrase": passphrase}); !s.Proven || s.Words == 0 {
			t.Errorf("%+v", s)
		}
	}
}

// A backup file brings the wallet back elsewhere, and words do; both count as proof.
func TestRestores(t *testing.T) {
	c := chosen(t, "bitcoin", "main")
	must[status](t, c, "create", m{"passphrase": passphrase, "length": 12})
	words := must[shown](t, c, "words", m{"passphrase": passphrase}).Words
	if _, err := ask[file](t, c, "backup", m{"passphrase": "river"}); !errors.Is(err, wallet.ErrWeak) {
		t.Errorf("a backup under a short passphrase: %v", err)
	}
	kept := must[file](t, c, "backup", m{"passphrase": passphrase})
	must[none](t, c, "verify", m{"file": kept.Data, "opens": passphrase})
	want := must[received](t, c, "receive", m{})

	from := chosen(t, "bitcoin", "main")
	if s := must[status](t, from, "restorefile", m{"passphrase": passphrase, "file": kept.Data, "opens": passphrase}); !s.Proven {
		t.Errorf("%+v", s)
	}
	byWords := chosen(t, "bitcoin", "main")
	must[status](t, byWords, "restore", m{"passphrase": passphrase, "words": strings.ToUpper(strings.Join(words, "  "))})
	for _, other := range []*Counter{from, byWords} {
		if got := must[received](t, other, "receive", m{}); got.Address != want.Address {
			t.Errorf("%s, want %s", got.Address, want.Address)
		}
	}
	if _, err := ask[status](t, byWords, "create", m{"passphrase": passphrase}); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("made over another: %v", err)
	}
	for _, what := range []string{"history", "labels"} {
		if f := must[file](t, c, "export", m{"what": what}); !strings.Contains(f.Name, what) {
			t.Errorf("%+v", f)
		}
	}
}

func TestWords(t *testing.T) {
	c := chosen(t, "bitcoin", "practice")
	if got := must[[]string](t, c, "complete", m{"typed": "aban"}); len(got) != 1 || got[0] != "abandon" {
		t.Errorf("%q", got)
	}
	if got := must[[]string](t, c, "complete", m{"typed": "qqq"}); got == nil || len(got) != 0 {
		t.Errorf("%q", got)
	}
	_, err := ask[none](t, c, "check", m{"words": strings.Repeat("abandon ", 10) + "abandn about"})
	if f := Explain(err); f.Code != "word" || f.Position != 11 || f.Near != "abandon" {
		t.Errorf("%+v", f)
	}
	if _, err := ask[none](t, c, "check", m{"words": strings.Repeat("abandon ", 12)}); !errors.Is(err, hd.ErrChecksum) {
		t.Errorf("%v", err)
	}
	must[none](t, c, "check", m{"words": strings.Repeat("abandon ", 11) + "about"})
	for range 20 {
		made := must[secretly](t, c, "suggest", m{}).Passphrase
		if s := must[strength](t, c, "strength", m{"passphrase": made}); !s.Enough {
			t.Errorf("%q has %v bits", made, s.Bits)
		}
	}
}

// What the page mines comes first, and a page without any still offers the coins of value.
func TestOffers(t *testing.T) {
	c := New(Options{Storage: &wallet.MemoryStorage{}})
	for _, x := range []struct {
		m     mined
		first string
		here  bool
		n     int
	}{
		{mined{"practice", "Bitcoin", "sha256d"}, "bitcoin practice", true, 4},
		{mined{"practice", "Litecoin", "scrypt"}, "litecoin practice", true, 4},
		{mined{"main", "Litecoin", "scrypt"}, "litecoin main", true, 3},
		{mined{}, "bitcoin main", false, 3},
	} {
		list := must[[]offer](t, c, "offers", x.m)
		if len(list) != x.n || list[0].Coin+" "+list[0].Network != x.first || list[0].Here != x.here || list[1].Here || list[0].State != "none" {
			t.Errorf("%+v: %+v", x.m, list)
		}
	}
}

func TestMayFollow(t *testing.T) {
	for address, good := range map[string]bool{
		"wss://wallet.example:50004/x": true, "ws://127.0.0.1:8080/electrum": true, "ws://localhost/electrum": true, "ws://[::1]:80/": true,
		"ws://192.168.1.2/electrum": false, "ws://127.evil.example/": false, "tcp://127.0.0.1:50001": false, "wss://": false, "wss://a:b@wallet.example": false, "": false, "javascript:x": false,
	} {
		if err := mayFollow(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A page that asks for anything else gets an error, and so it does before a wallet was chosen.
func TestRefuses(t *testing.T) {
	c := New(Options{Storage: &wallet.MemoryStorage{}})
	for name := range calls() {
		switch name {
		case "able", "offers", "strength", "suggest", "status", "complete", "unfollow", "close":
			continue
		}
		if _, err := c.Call(name, []byte(`{}`)); err == nil {
			t.Errorf("%s of no wallet", name)
		}
		if _, err := c.Call(name, []byte(`[`)); !errors.Is(err, errCall) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Call("steal", []byte(`{}`)); !errors.Is(err, errCall) {
		t.Errorf("%v", err)
	}
	c = New(Options{Unusable: wallet.ErrInsecure})
	if _, err := c.Call("offers", []byte(`{}`)); Explain(err).Code != "insecure" {
		t.Errorf("%v", err)
	}
}

// A practice chain that was begun anew on the same server is said to be another, and gone on with when the person says
// so; the addresses stay. No chain of value is left that way.
func TestRenew(t *testing.T) {
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		t.Fatal(err)
	}
	params, err := bitcoin.Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	const easy = 0x207fffff
	servers := [2]*electrumtest.Server{}
	for i := range servers {
		servers[i] = electrumtest.NewServer(electrumtest.NewChain(params, uint32(i+1), easy))
		servers[i].Update(func(c *electrumtest.Chain, _ *[][]byte) *electrumtest.Chain {
			c.MineEmpty(3 + i)
			return c
		})
		t.Cleanup(servers[i].Close)
	}
	var now atomic.Int32
	changed := make(chan struct{}, 1)
	c := New(Options{Storage: &wallet.MemoryStorage{}, WorkFactor: 1, Changed: func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}, network: wallet.Options{Dial: func(ctx context.Context, address string, limit int) (jsonrpc.Conn, error) {
		return servers[now.Load()].Dial(ctx, address, limit)
	}}})
	t.Cleanup(func() { _, _ = c.Call("close", []byte("{}")) })
	until := func(what string, ok func(status) bool) {
		t.Helper()
		deadline := time.After(time.Minute)
		for !ok(must[status](t, c, "status", m{})) {
			select {
			case <-changed:
			case <-deadline:
				t.Fatalf("%s: %+v", what, must[status](t, c, "status", m{}))
			}
		}
	}
	must[none](t, c, "choose", m{"coin": "bitcoin", "network": "practice"})
	must[status](t, c, "create", m{"passphrase": passphrase, "length": 12})
	if _, err := ask[none](t, c, "renew", m{}); Explain(err).Code != "server" {
		t.Errorf("renewed without a server: %v", err)
	}
	follow := func() { must[none](t, c, "follow", m{"url": "wss://wallet.example"}) }
	follow()
	until("synced", func(s status) bool { return s.Server.Synced && s.Server.Height == 3 })
	must[none](t, c, "unfollow", m{})
	now.Store(1)
	follow()
	until("another chain", func(s status) bool { return s.Server.Code == "genesis" })
	if s := must[status](t, c, "status", m{}); s.Server.Height != 3 {
		t.Errorf("a server of another chain changed what is known: %+v", s)
	}
	must[none](t, c, "renew", m{})
	until("the new chain", func(s status) bool { return s.Server.Synced && s.Server.Height == 4 && s.Server.Code == "" })

	real := chosen(t, "bitcoin", "main")
	must[status](t, real, "create", m{"passphrase": passphrase, "length": 12})
	if _, err := ask[none](t, real, "renew", m{}); !errors.Is(err, errUnfit) {
		t.Errorf("a chain of value was left: %v", err)
	}
}
