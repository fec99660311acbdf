package ui

import (
	"strings"
	"testing"

	"goldpan/app/desk/config"
	"goldpan/core/coin"
)

// Addresses are those of BIP 173 and of well-known examples; nobody here holds
// their keys.
const (
	bitcoinAddress  = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	testnetAddress  = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"
	scriptAddress   = "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
	practiceAddress = "pan1q30dl0dxyvkty0w9sp50tvhl57xeegs7a04s9d8"
	words           = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
)

func coinOf(t *testing.T, id string) coin.Coin {
	t.Helper()
	c, err := coin.ByID(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func presetOf(t *testing.T, id string) coin.Pool {
	t.Helper()
	for _, p := range coin.Pools() {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("there is no preset %s", id)
	return coin.Pool{}
}

func TestJudge(t *testing.T) {
	preset, account := presetOf(t, "public-pool"), presetOf(t, "braiins")
	for _, test := range []struct {
		name, coin string
		venue      venue
		preset     coin.Pool
		payee      string
		kind       kind
		says       string
		mended     string
		ask        bool
	}{
		{"nothing", "bitcoin", presetPool, preset, "", kindReady, "paste it here", "", false},
		{"good", "bitcoin", presetPool, preset, bitcoinAddress, kindGood, "bc1qw5 … v8f3t4", "", false},
		{"line break", "bitcoin", presetPool, preset, bitcoinAddress + "\n", kindBad, "line break", bitcoinAddress, false},
		{"zero width", "bitcoin", presetPool, preset, bitcoinAddress[:9] + "\u200b" + bitcoinAddress[9:], kindBad, "copied along", bitcoinAddress, false},
		{"typing error", "bitcoin", presetPool, preset, bitcoinAddress[:20] + "q" + bitcoinAddress[21:], kindBad, "check letters", "", false},
		{"other coin", "litecoin", presetPool, presetOf(t, "litesolo"), bitcoinAddress, kindBad, "Bitcoin", "", false},
		{"two coins", "litecoin", presetPool, presetOf(t, "litesolo"), scriptAddress, kindWait, "Litecoin", "M", false},
		{"test network", "bitcoin", presetPool, preset, testnetAddress, kindBad, "worth nothing", "", false},
		{"practice coins", "bitcoin", presetPool, preset, practiceAddress, kindBad, "worth nothing", "", false},
		{"practice pool", "bitcoin", otherPool, coin.Pool{}, practiceAddress, kindWait, "worth nothing", "", true},
		{"test node", "bitcoin", ownNode, coin.Pool{}, testnetAddress, kindWait, "worth nothing", "", true},
		{"practice and node", "bitcoin", ownNode, coin.Pool{}, practiceAddress, kindBad, "worth nothing", "", false},
		{"account", "bitcoin", presetPool, account, "someone", kindGood, "account", "", false},
		{"account with a space", "bitcoin", presetPool, account, "some one", kindBad, "", "someone", false},
		{"account like an address", "bitcoin", otherPool, coin.Pool{}, bitcoinAddress[:20] + "q" + bitcoinAddress[21:], kindWait, "typing error", "", true},
		{"words", "bitcoin", presetPool, account, words, kindBad, "nobody else may ever see", "", false},
		{"no address", "bitcoin", presetPool, preset, "someone", kindBad, "", "", false},
	} {
		d := draft{coin: coinOf(t, test.coin), venue: test.venue, preset: test.preset, payee: test.payee, worker: defaultWorker}
		v := d.judge()
		if v.kind != test.kind || !strings.Contains(v.text, test.says) || !strings.HasPrefix(v.mended, test.mended) || (v.mended == "") != (test.mended == "") || (v.ask != "") != test.ask {
			t.Errorf("%s: %+v", test.name, v)
		}
		if strings.Contains(v.text, "abandon") {
			t.Errorf("%s: the words are repeated: %q", test.name, v.text)
		}
		if v.good(&d) != (v.kind == kindGood) {
			t.Errorf("%s: good is %v", test.name, v.good(&d))
		}
		if d.agreed = d.payee; test.ask && !v.good(&d) {
			t.Errorf("%s: the person's word does not count", test.name)
		}
	}
}

// What the person agreed to is that address and no other.
func TestAgreementIsForOneAddress(t *testing.T) {
	d := draft{coin: coinOf(t, "bitcoin"), venue: otherPool, payee: practiceAddress, agreed: testnetAddress}
	if d.judge().good(&d) {
		t.Error("an agreement was taken for another address")
	}
}

func TestApply(t *testing.T) {
	c := config.Default()
	c.Limits.Percent = 40
	c.Node.URL = "http://127.0.0.1:8332"
	d := draft{coin: coinOf(t, "bitcoin"), preset: presetOf(t, "public-pool"), payee: bitcoinAddress, worker: "attic"}
	got, err := d.settings(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Pools) != 1 || got.Pools[0].URL != "preset:public-pool" || got.Pools[0].User != bitcoinAddress+".attic" || got.Payout != bitcoinAddress ||
		got.Coin != "bitcoin" || got.Limits.Percent != 40 || got.Node.URL != "" {
		t.Errorf("a preset: %+v", got)
	}
	d = draft{coin: coinOf(t, "litecoin"), venue: otherPool, address: "stratum+tls://pool.example:3333", payee: "me", worker: ""}
	if got, err = d.settings(got); err != nil || got.Pools[0].URL != d.address || got.Pools[0].User != "me" || got.Payout != "" || got.Pools[0].Solo {
		t.Errorf("another pool: %+v, %v", got, err)
	}
	d = draft{coin: coinOf(t, "bitcoin"), venue: ownNode, node: "http://127.0.0.1:8332", login: "me", payee: bitcoinAddress, worker: defaultWorker, password: "secret"}
	if got, err = d.settings(got); err != nil || len(got.Pools) != 0 || got.Node.URL != d.node || got.Node.User != "me" || got.Payout != bitcoinAddress {
		t.Errorf("a node: %+v, %v", got, err)
	}
	if hosts, _, err := d.contacts(got); err != nil || len(hosts) != 1 || hosts[0] != "127.0.0.1:8332" {
		t.Errorf("contacts %q, %v", hosts, err)
	}
	got.Node.URL, d.node = "http://node.example:8332", "http://node.example:8332"
	if _, _, err := d.contacts(got); err == nil {
		t.Error("a password would go to another machine in clear text")
	}
	d.node = "127.0.0.1"
	if _, err := d.settings(got); err == nil {
		t.Error("an address that is none was taken")
	}
}

func TestLimitWords(t *testing.T) {
	c := config.Default()
	if got := strings.Join(limitWords(c, 8), " "); got != "8 threads, one for each processor. It slows down above 90 °C. It pauses on battery." {
		t.Errorf("the defaults: %q", got)
	}
	c.Limits = config.Limits{Threads: 1, Percent: 30, Watts: 12.5, Hashrate: 2e6}
	c.Manners = config.Manners{OnBattery: true, OthersPercent: 20, Schedule: []string{"22:00-07:00"}}
	if got := strings.Join(limitWords(c, 8), " "); got != "At most 1 thread, each working 30% of the time. It stays under 12.5 W. It stays under 2.00 MH/s. It goes on on battery. It pauses while you use the computer. It pauses while other programs are busy. It mines at these times only: 22:00-07:00." {
		t.Errorf("all limits: %q", got)
	}
}
