package jsonrpc

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
)

// A browser keeps certificates and proxies to itself: what it could not do is refused, never left out.
func TestBrowserRefusals(t *testing.T) {
	pin := "?pin=sha256:" + strings.Repeat("0f", 32)
	trust := func(string, *x509.Certificate, error) error { return nil }
	for name, test := range map[string]struct {
		d      *Dialer
		rawURL string
	}{
		"tcp":   {nil, "stratum+tcp://pool.test:1"},
		"tls":   {nil, "stratum+tls://pool.test:1"},
		"pin":   {nil, "wss://pool.test/" + pin},
		"proxy": {&Dialer{Proxy: Proxy{scheme: "http", host: "proxy.test", port: "1"}}, "wss://pool.test/"},
		"roots": {&Dialer{Roots: x509.NewCertPool()}, "wss://pool.test/"},
		"trust": {&Dialer{Trust: trust}, "ws://pool.test/"},
	} {
		if _, err := test.d.Dial(t.Context(), test.rawURL, 1024); !errors.Is(err, ErrUnsupportedScheme) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Dial(t.Context(), "wss://ann:sesame@pool.test/", 1024); !errors.Is(err, ErrAddress) {
		t.Errorf("got %v", err)
	}
}
