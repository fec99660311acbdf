package uri_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/coin/cointest"
	"goldpan/wallet/uri"
)

// BIP21, Examples, bitcoin/bips commit 7fe0b034ec967b52a5a28276419117326df93263. Their addresses are invalid by
// intent, so that the address of BIP173's examples stands in for them in the second round.
func TestExamplesOfBIP21(t *testing.T) {
	const invalid, good = "175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
	p := cointest.Params(t, "bitcoin", coin.Main)
	for _, x := range []struct {
		link           string
		amount         coin.Amount
		label, message string
		err            error
	}{
		{"bitcoin:" + invalid, 0, "", "", nil},
		{"bitcoin:" + invalid + "?label=Luke-Jr", 0, "Luke-Jr", "", nil},
		{"bitcoin:" + invalid + "?amount=20.3&label=Luke-Jr", 2_030_000_000, "Luke-Jr", "", nil},
		{"bitcoin:" + invalid + "?amount=50&label=Luke-Jr&message=Donation%20for%20project%20xyz", 50 * coin.Unit, "Luke-Jr", "Donation for project xyz", nil},
		{"bitcoin:" + invalid + "?req-somethingyoudontunderstand=50&req-somethingelseyoudontget=999", 0, "", "", uri.ErrRequired},
		{"bitcoin:" + invalid + "?somethingyoudontunderstand=50&somethingelseyoudontget=999", 0, "", "", nil},
	} {
		if _, err := uri.Parse(p, x.link); !errors.Is(err, coin.ErrBadAddress) {
			t.Errorf("%s: the address is invalid: %v", x.link, err)
		}
		r, err := uri.Parse(p, strings.Replace(x.link, invalid, good, 1))
		if x.err != nil {
			if !errors.Is(err, x.err) {
				t.Errorf("%s: %v", x.link, err)
			}
			continue
		}
		if err != nil || r.Amount != x.amount || r.Label != x.label || r.Message != x.message || r.Address.Text != good {
			t.Errorf("%s: %+v %v", x.link, r, err)
		}
	}
}

const segwit = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

func TestParse(t *testing.T) {
	p := cointest.Params(t, "bitcoin", coin.Main)
	for _, link := range []string{"BITCOIN:" + strings.ToUpper(segwit), "bitcoin://" + segwit, "BitCoin:" + segwit + "?", "bitcoin:" + segwit + "?amount=.5", "bitcoin:" + segwit + "?amount=5."} {
		if r, err := uri.Parse(p, link); err != nil || r.Address.Text != segwit {
			t.Errorf("%s: %v", link, err)
		}
	}
	for link, want := range map[string]error{
		"":                   uri.ErrLink,
		segwit:               uri.ErrLink,
		"http://example.com": uri.ErrLink,
		"litecoin:" + segwit: uri.ErrCoin,
		"bitcoin:":           coin.ErrBadAddress,
		"bitcoin:ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9": coin.ErrWrongNetwork,
		"bitcoin:" + segwit + "?amount=1&amount=2":            uri.ErrTwice,
		"bitcoin:" + segwit + "?label=a&label=b":              uri.ErrTwice,
		"bitcoin:" + segwit + "?amount=1&AMOUNT=2":            uri.ErrTwice,
		"bitcoin:" + segwit + "?amount=1,5":                   uri.ErrLink,
		"bitcoin:" + segwit + "?amount=-1":                    uri.ErrLink,
		"bitcoin:" + segwit + "?amount=1e3":                   uri.ErrLink,
		"bitcoin:" + segwit + "?amount=":                      uri.ErrLink,
		"bitcoin:" + segwit + "?amount=0":                     uri.ErrLink,
		"bitcoin:" + segwit + "?amount=0.000000001":           uri.ErrLink,
		"bitcoin:" + segwit + "?amount=99999999999999":        uri.ErrLink,
		"bitcoin:" + segwit + "?label=%zz":                    uri.ErrLink,
		"bitcoin:" + segwit + "?label=%ff":                    uri.ErrLink,
		"bitcoin:" + segwit + "?REQ-x=1":                      uri.ErrRequired,
		"bitcoin:" + segwit + "?%72eq-x=1":                    uri.ErrRequired,
		"bitcoin:" + segwit + strings.Repeat("&a", 2000):      uri.ErrLink,
		"bitcoin:" + segwit + "?" + strings.Repeat("&", 100):  uri.ErrLink,
	} {
		if _, err := uri.Parse(p, link); !errors.Is(err, want) {
			t.Errorf("%.80s: %v", link, err)
		}
	}
	r, err := uri.Parse(p, strings.ToUpper("bitcoin:"+segwit+"?amount=0.5"))
	if err != nil || r.Amount != coin.Unit/2 {
		t.Errorf("in capitals: %+v %v", r, err)
	}
	r, err = uri.Parse(p, "bitcoin:"+segwit+"?label=a%E2%80%AEb%0Ac&message=1+1")
	if err != nil || r.Label != "abc" || r.Message != "1+1" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestEveryCoin(t *testing.T) {
	for _, x := range []struct {
		coin    string
		network coin.Network
		address string
	}{
		{"litecoin", coin.Main, "LT2KVaAy1ppRuxRgrS5RNU3vBsy7RibPeA"},
		{"dogecoin", coin.Main, "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"},
	} {
		p := cointest.Params(t, x.coin, x.network)
		a, err := p.ParseAddress(x.address)
		if err != nil {
			t.Fatal(err)
		}
		want := uri.Request{Address: a, Amount: 123_450_000, Label: "Fluß & Sand = Gold?", Message: "50 % +1 #2"}
		link := uri.Format(p, want)
		got, err := uri.Parse(p, link)
		if err != nil || got.Address.Text != x.address || got.Amount != want.Amount || got.Label != want.Label || got.Message != want.Message {
			t.Errorf("%s: %+v %v", link, got, err)
		}
	}
}

func Example() {
	bitcoin, err := coin.ByID("bitcoin")
	if err != nil {
		panic(err)
	}
	params, err := bitcoin.Params(coin.Main)
	if err != nil {
		panic(err)
	}
	address, err := params.ParseAddress("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
	if err != nil {
		panic(err)
	}
	link := uri.Format(params, uri.Request{Address: address, Amount: coin.Unit / 2, Label: "river gold"})
	fmt.Println(link)
	request, err := uri.Parse(params, link)
	fmt.Println(request.Amount, request.Label, err)
	// Output:
	// bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4?amount=0.5&label=river%20gold
	// 0.50000000 river gold <nil>
}

func FuzzParse(f *testing.F) {
	p := cointest.Params(f, "bitcoin", coin.Main)
	f.Add("bitcoin:" + segwit + "?amount=20.3&label=Luke-Jr&message=a%20b")
	f.Add("bitcoin:" + segwit + "?req-x=1")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := uri.Parse(p, s)
		if err != nil {
			return
		}
		again, err := uri.Parse(p, uri.Format(p, r))
		if err != nil || again.Amount != r.Amount || again.Label != r.Label || again.Message != r.Message || again.Address.Text != r.Address.Text {
			t.Fatalf("%q: %+v, then %+v, %v", s, r, again, err)
		}
	})
}
