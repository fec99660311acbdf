package hd

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
)

func account(t testing.TB, p *coin.Params, purpose uint32) *Account {
	t.Helper()
	m, err := ParseMnemonic(twelve)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAccount(m.Seed(""), p, purpose, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDescriptorVectors(t *testing.T) {
	var v struct {
		Vectors []struct {
			BIP         int
			Valid       bool
			Group, Text string
			Note        string
			Gives       []string
		}
	}
	load(t, "descriptors.json", &v)
	if len(v.Vectors) != 113 {
		t.Fatalf("%d vectors", len(v.Vectors))
	}
	p := cointest.Params(t, "bitcoin", coin.Main)
	watched := 0
	for _, x := range v.Vectors {
		text := x.Text
		switch x.Group {
		case "checksum":
			if _, err := checkDescriptor(text); (err == nil) != x.Valid {
				t.Errorf("BIP%d %s: %v", x.BIP, x.Note, err)
			}
			continue
		case "key":
			text = "pkh(" + text + ")"
		}
		a, err := Watch(p, text, "")
		var what *UnsupportedError
		switch {
		case !x.Valid && err == nil:
			t.Errorf("BIP%d: taken though it is invalid, %s: %s", x.BIP, x.Note, x.Text)
		case x.Valid && err != nil && !errors.As(err, &what) && !errors.Is(err, ErrPrivate):
			t.Errorf("BIP%d: %v: %s", x.BIP, err, x.Text)
		case err != nil:
		case x.BIP == 389:
			watched++
			for chain, expanded := range x.Gives {
				b, err := Watch(p, expanded, "")
				if err != nil {
					t.Errorf("BIP389: %s: %v", expanded, err)
					continue
				}
				want, err := b.Script(0, 7)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := a.Script(uint32(chain), 7); err != nil || string(got) != string(want) {
					t.Errorf("BIP389: chain %d of %s: %x, %v", chain, x.Text, got, err)
				}
			}
		default:
			watched++
			for i, want := range x.Gives {
				if got, err := a.Script(0, uint32(i)); err != nil || hex.EncodeToString(got) != want {
					t.Errorf("BIP%d: %d of %s: %x, %v", x.BIP, i, x.Text, got, err)
				}
			}
		}
	}
	// All others of the vectors ask for what is refused by name.
	if watched != 3 {
		t.Errorf("%d descriptors could be watched", watched)
	}
}

func TestInvalidExtendedKeys(t *testing.T) {
	var v struct {
		Invalid []struct{ Key, Why string }
	}
	load(t, "bip32.json", &v)
	if len(v.Invalid) != 16 {
		t.Fatalf("%d keys", len(v.Invalid))
	}
	p := cointest.Params(t, "bitcoin", coin.Main)
	for _, x := range v.Invalid {
		if _, _, err := parseExtended(x.Key, p); err == nil {
			t.Errorf("taken: %s", x.Why)
		}
	}
}

func TestExtendedKeyVectors(t *testing.T) {
	var v struct {
		SLIP132 struct {
			Keys []struct {
				Purpose                  uint32
				Public, Private, Address string
			}
		}
	}
	load(t, "accounts.json", &v)
	if len(v.SLIP132.Keys) != 3 {
		t.Fatal("vectors are missing")
	}
	p := cointest.Params(t, "bitcoin", coin.Main)
	for _, x := range v.SLIP132.Keys {
		a := account(t, p, x.Purpose)
		if got, err := a.Registered(); err != nil || got != x.Public {
			t.Errorf("%d: %s, %v", x.Purpose, got, err)
		}
		kind, err := KindOf(x.Purpose)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Watch(p, " "+x.Public+"\n", kind)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Address(Receive, 0); err != nil || got != x.Address || !w.Same(a) {
			t.Errorf("%d: %s, %v", x.Purpose, got, err)
		}
		if _, err := Watch(p, x.Private, kind); !errors.Is(err, ErrPrivate) {
			t.Errorf("%d: a private key: %v", x.Purpose, err)
		}
	}
}

func TestCoinVectors(t *testing.T) {
	var v struct {
		Coins struct {
			Accounts []struct {
				Coin                     string
				Purpose                  uint32
				Public, Private, Address string
			}
		}
	}
	load(t, "accounts.json", &v)
	if len(v.Coins.Accounts) != 4 {
		t.Fatal("vectors are missing")
	}
	for _, x := range v.Coins.Accounts {
		p := cointest.Params(t, x.Coin, coin.Main)
		a := account(t, p, x.Purpose)
		if got, err := a.Address(Receive, 0); err != nil || got != x.Address {
			t.Errorf("%s %d: %s, %v", x.Coin, x.Purpose, got, err)
		}
		if got, err := a.Registered(); err != nil || got != x.Public {
			t.Errorf("%s %d: %s, %v", x.Coin, x.Purpose, got, err)
		}
		if _, err := Watch(p, x.Private, a.Kind()); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s %d: a private key: %v", x.Coin, x.Purpose, err)
		}
	}
}

func TestExtendedKeysOfEveryCoin(t *testing.T) {
	for _, x := range []struct {
		coin    string
		network coin.Network
		purpose uint32
		begins  string
	}{
		{"bitcoin", coin.Main, 44, "xpub"}, {"bitcoin", coin.Main, 49, "ypub"}, {"bitcoin", coin.Main, 84, "zpub"}, {"bitcoin", coin.Main, 86, "xpub"},
		{"bitcoin", coin.Test, 44, "tpub"}, {"bitcoin", coin.Test, 49, "upub"}, {"bitcoin", coin.Test, 84, "vpub"},
		{"litecoin", coin.Main, 44, "Ltub"}, {"litecoin", coin.Main, 49, "Mtub"}, {"litecoin", coin.Main, 84, "zpub"},
		{"litecoin", coin.Test, 44, "ttub"}, {"dogecoin", coin.Main, 44, "dgub"}, {"dogecoin", coin.Test, 44, "tpub"},
	} {
		p := cointest.Params(t, x.coin, x.network)
		a := account(t, p, x.purpose)
		kind, err := KindOf(x.purpose)
		if err != nil {
			t.Fatal(err)
		}
		key, err := a.Registered()
		if err != nil || !strings.HasPrefix(key, x.begins) {
			t.Errorf("%s %s %d: %.6s…, %v", x.coin, x.network, x.purpose, key, err)
		}
		for _, text := range []string{key, a.Extended()} {
			if w, err := Watch(p, text, kind); err != nil || !w.Same(a) {
				t.Errorf("%s %s %d: %.6s…: %v", x.coin, x.network, x.purpose, text, err)
			}
		}
		w, err := Watch(p, a.Descriptor(), "")
		if err != nil || !w.Same(a) || w.Descriptor() != a.Descriptor() || w.Path(1, 7) != a.Path(1, 7) {
			t.Errorf("%s %s %d: %s: %v", x.coin, x.network, x.purpose, a.Descriptor(), err)
		}
		if x.network == coin.Main {
			if _, err := Watch(cointest.Params(t, "bitcoin", coin.Test), key, kind); !errors.Is(err, ErrOther) {
				t.Errorf("%s: a key of the real network on a test network: %v", key[:4], err)
			}
		}
	}
	btc := cointest.Params(t, "bitcoin", coin.Main)
	xpub := account(t, btc, 44).Extended()
	if _, err := Watch(btc, xpub, ""); !errors.Is(err, ErrKind) {
		t.Errorf("an xpub does not tell: %v", err)
	}
	if _, err := Watch(cointest.Params(t, "dogecoin", coin.Main), xpub, ""); err != nil {
		t.Errorf("Dogecoin has one kind: %v", err)
	}
	dgub := account(t, cointest.Params(t, "dogecoin", coin.Main), 44).Extended()
	if _, err := Watch(btc, dgub, PKH); !errors.Is(err, ErrOther) {
		t.Errorf("a dgub for Bitcoin: %v", err)
	}
	if _, err := Watch(btc, "Zpub75bKLk9fCjgfELzLr2XS5TEcCXXGrci4EDwAcppFNBDwpNy53JhJS8cbRjdv39noPDKSfzK7EPC1Ciyfb7jRwY7DmiuYJ6WDr2nEL6yTkHi", WPKH); err == nil {
		t.Error("a key of several that sign was taken")
	}
}

// A path is one, however it is written.
func TestCleanPath(t *testing.T) {
	want := Path{WPKH, "84'/0'/7"}
	for _, steps := range []string{"84'/0'/7", "84h/0h/7", "084'/00h/07"} {
		if got, err := (Path{WPKH, steps}).Clean(); err != nil || got != want {
			t.Errorf("%s: %v, %v", steps, got, err)
		}
	}
	for _, steps := range []string{"m/84'", "84''", "/", "1/", "2147483648", "-1", "x"} {
		if got, err := (Path{WPKH, steps}).Clean(); err == nil {
			t.Errorf("%s: %v", steps, got)
		}
	}
}

// A key that tells its kind stands in a descriptor of that kind alone.
func TestDescriptorOfAnotherKind(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	zpub, err := account(t, p, 84).Registered()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"pkh(" + zpub + "/0/*)", "sh(wpkh(" + zpub + "/0/*))", "tr(" + zpub + "/0/*)"} {
		if _, err := Watch(p, text, ""); !errors.Is(err, ErrDescriptor) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Watch(p, "wpkh("+zpub+"/0/*)", ""); err != nil {
		t.Error(err)
	}
}

func TestDescriptorOfOneChain(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	a := account(t, p, 84)
	key := a.Extended()
	pair, err := Watch(p, "wpkh("+key+"/0/*)", "")
	if err != nil || !pair.Same(a) {
		t.Errorf("the receiving chain alone watches its change too: %v", err)
	}
	one, err := Watch(p, "wpkh("+key+"/7/*)", "")
	if err != nil || one.Chains() != 1 {
		t.Fatalf("%v", err)
	}
	if _, err := one.Address(Change, 0); err == nil {
		t.Error("a chain that is not there")
	}
	if again, err := Watch(p, one.Descriptor(), ""); err != nil || again.Chains() != 1 || !again.Same(one) {
		t.Errorf("%s: %v", one.Descriptor(), err)
	}
	if got := one.Path(Receive, 3); got != "…/7/3" {
		t.Error(got)
	}
	if _, err := Watch(p, a.Descriptor(), PKH); !errors.Is(err, ErrKind) {
		t.Errorf("another kind than the descriptor's: %v", err)
	}
	d := a.Descriptor()
	for i := range d {
		bad := d[:i] + string(d[i]^1) + d[i+1:]
		if _, err := Watch(p, bad, ""); err == nil {
			t.Errorf("one letter changed: %s", bad)
		}
	}
}

func TestCandidates(t *testing.T) {
	for _, x := range []struct {
		coin string
		want []string
	}{
		{"bitcoin", []string{"m/84'/0'/0', wpkh", "m/44'/0'/0', pkh", "m/49'/0'/0', sh(wpkh)", "m/86'/0'/0', tr", "m/0', pkh"}},
		{"litecoin", []string{"m/84'/2'/0', wpkh", "m/44'/2'/0', pkh", "m/49'/2'/0', sh(wpkh)", "m/0', pkh", "m/44'/0'/0', pkh"}},
		{"dogecoin", []string{"m/44'/3'/0', pkh", "m/44'/0'/0', pkh"}},
	} {
		p := cointest.Params(t, x.coin, coin.Main)
		seen := map[string]bool{}
		for _, f := range Candidates(p) {
			if seen[f.String()] {
				t.Errorf("%s: %s twice", x.coin, f)
			}
			seen[f.String()] = true
			if _, err := NewAccountAt(make([]byte, 64), p, f.Path); err != nil {
				t.Errorf("%s: %s: %v", x.coin, f, err)
			}
		}
		for _, w := range x.want {
			if !seen[w] {
				t.Errorf("%s: %s is not looked at", x.coin, w)
			}
		}
	}
}

func FuzzWatch(f *testing.F) {
	c, err := coin.ByID("bitcoin")
	if err != nil {
		f.Fatal(err)
	}
	p, err := c.Params(coin.Main)
	if err != nil {
		f.Fatal(err)
	}
	for _, purpose := range []uint32{44, 49, 84, 86} {
		f.Add(account(f, p, purpose).Descriptor())
		f.Add(account(f, p, purpose).Extended())
	}
	f.Add("wsh(pk(02))")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Watch(p, s, "")
		if err != nil {
			if len(err.Error()) > 300 {
				t.Fatalf("long error: %s", err)
			}
			return
		}
		b, err := Watch(p, a.Descriptor(), "")
		if err != nil || !b.Same(a) || b.Descriptor() != a.Descriptor() {
			t.Fatalf("does not read back: %s: %v", a.Descriptor(), err)
		}
	})
}
