package jsonrpc

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// A browser keeps certificates and proxies to itself: what it could not do is refused, never left out.
func TestBrowserRefusals(t *testing.T) {
	pin := "?pin=sha256:" + strings.Repeat("0f", 32)
	trust := func(string, *Leaf, error) error { return nil }
	for name, test := range map[string]struct {
		d      *Dialer
		rawURL string
	}{
		"tcp":   {&Dialer{}, "stratum+tcp://pool.test:1"},
		"tls":   {&Dialer{}, "stratum+tls://pool.test:1"},
		"pin":   {&Dialer{}, "wss://pool.test/" + pin},
		"proxy": {&Dialer{Proxy: Proxy{scheme: "http", host: "proxy.test", port: "1"}}, "wss://pool.test/"},
		"roots": {&Dialer{Roots: new(Roots)}, "wss://pool.test/"},
		"trust": {&Dialer{Trust: trust}, "ws://pool.test/"},
	} {
		to, err := parseTarget(test.rawURL)
		if err != nil {
			t.Fatal(err)
		}
		if err := test.d.browserRefuses(to); !errors.Is(err, ErrUnsupportedScheme) {
			t.Errorf("%s: got %v", name, err)
		}
		if runtime.GOOS == "js" {
			if _, err := test.d.Dial(t.Context(), test.rawURL, 1024); !errors.Is(err, ErrUnsupportedScheme) {
				t.Errorf("%s, dialled: got %v", name, err)
			}
		}
	}
	for _, rawURL := range []string{"ws://pool.test/", "wss://pool.test/"} {
		if to, err := parseTarget(rawURL); err != nil || (&Dialer{}).browserRefuses(to) != nil {
			t.Errorf("%s is refused", rawURL)
		}
	}
}
