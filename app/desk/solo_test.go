package desk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"goldpan/core/coin"
	"goldpan/core/template"
)

func TestOdds(t *testing.T) {
	const day = 24 * 3600
	for seconds, want := range map[float64]string{
		1:                  "A block takes about a second on average.",
		90:                 "A block takes 1.5 minutes on average.",
		3600:               "A block takes one hour on average.",
		2 * day:            "A block takes 2 days on average. The chance to find one within a day is 39%.",
		365.25 * day:       "A block takes one year on average. The chance to find one within a day is 1 in 366.",
		365.25 * day * 4e6: "A block takes 4 million years on average. The chance to find one within a day is 1 in 1.5 billion.",
	} {
		if got := odds(seconds); got != want {
			t.Errorf("%g s: %q, not %q", seconds, got, want)
		}
	}
}

func TestCookie(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".cookie")
	if _, _, err := readCookie(file); !errors.Is(err, ErrCookie) {
		t.Errorf("%v", err)
	}
	for text, good := range map[string]bool{
		"__cookie__:0123abc": true, "__cookie__:0123abc\n": true, "us:with:colon": true,
		"": false, "__cookie__": false, ":0123": false, "us:": false, "us:one\ntwo": false, strings.Repeat("a:", maxCookie): false,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if user, password, err := readCookie(file); (err == nil) != good || good && (user == "" || password == "") {
			t.Errorf("%q: %q, %v", text, user, err)
		}
	}
}

// Solo mining is refused before anything runs where nobody could be paid.
func TestSoloRefusals(t *testing.T) {
	good := SoloOptions{Coin: "bitcoin", Node: "https://127.0.0.1", Payout: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Threads: 1}
	for name, c := range map[string]struct {
		change func(*SoloOptions)
		want   error
	}{
		"good":        {func(*SoloOptions) {}, nil},
		"coin":        {func(o *SoloOptions) { o.Coin = "ethereum" }, coin.ErrCoin},
		"practice":    {func(o *SoloOptions) { o.Network = "practice" }, ErrNoSolo},
		"network":     {func(o *SoloOptions) { o.Network = "moon" }, coin.ErrNetwork},
		"elsewhere":   {func(o *SoloOptions) { o.Network = "test" }, coin.ErrWrongNetwork},
		"node":        {func(o *SoloOptions) { o.Node = "https://[" }, template.ErrAddress},
		"clear text":  {func(o *SoloOptions) { o.Node, o.User = "http://192.0.2.1", "us" }, template.ErrClearText},
		"certificate": {func(o *SoloOptions) { o.CertificateFile = "/nowhere" }, ErrCertificateFile},
	} {
		o := good
		c.change(&o)
		if _, err := NewSolo(o); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
