package jsonrpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]Proxy{
		"":                           {},
		"socks5://127.0.0.1:9050":    {scheme: "socks5", host: "127.0.0.1", port: "9050"},
		"SOCKS5h://Proxy.Test:1080/": {scheme: "socks5", host: "proxy.test", port: "1080"},
		"socks5://[::1]:1080":        {scheme: "socks5", host: "::1", port: "1080"},
		"http://ann:open%20sesame@proxy.test:3128": {scheme: "http", host: "proxy.test", port: "3128", user: "ann", password: "open sesame"},
		"socks5://ann@proxy.test:1080":             {scheme: "socks5", host: "proxy.test", port: "1080", user: "ann"},
		"socks5://a%3Ab:c%3Ad@proxy.test:1080":     {scheme: "socks5", host: "proxy.test", port: "1080", user: "a:b", password: "c:d"},
	} {
		p, err := ParseProxy(text)
		if err != nil || p != want || p.IsZero() != (text == "") {
			t.Errorf("%s: got %#v, %v", text, p, err)
		}
		again, err := ParseProxy(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%s: reads back as %v, %v", p, again, err)
		}
	}
	for text, want := range map[string]error{
		"127.0.0.1:9050":                                 ErrUnsupportedScheme,
		"proxy.test":                                     ErrUnsupportedScheme,
		"https://sesame@proxy.test:1":                    ErrUnsupportedScheme,
		"socks4://proxy.test:1080":                       ErrUnsupportedScheme,
		"socks5://":                                      ErrAddress,
		"socks5://proxy.test":                            ErrAddress,
		"http://proxy.test":                              ErrAddress,
		"http://:3128":                                   ErrAddress,
		"http://proxy.test:0":                            ErrAddress,
		"http://proxy.test:sesame":                       ErrAddress,
		"http://ann:sesame@proxy.test:99999":             ErrAddress,
		"http://:sesame@proxy.test:1":                    ErrAddress,
		"http://a%3Ab:sesame@proxy.test:1":               ErrAddress,
		"http://proxy.test:1/path":                       ErrAddress,
		"http://proxy.test:1?q=sesame":                   ErrAddress,
		"http://proxy.test:1?":                           ErrAddress,
		"http://proxy.test:1#sesame":                     ErrAddress,
		"http://ann:ses ame@proxy.test:1":                ErrAddress,
		"http://ann:sesame%0d@proxy.test:1\r\n":          ErrAddress,
		"http://ann:%zz@proxy.test:1":                    ErrAddress,
		"socks5://\u0440roxy.test:1":                     ErrAddress,
		"socks5://::1:1080":                              ErrAddress,
		"socks5://[127.0.0.1]:1080":                      ErrAddress,
		"socks5://[fe80::1%25eth0]:1080":                 ErrAddress,
		"socks5://" + strings.Repeat("a", 254) + ":1080": ErrAddress,
		"socks5://ann:" + strings.Repeat("sesame", 50) + "@proxy.test:1": ErrAddress,
		"socks5://" + strings.Repeat("sesame", 50) + ":ann@proxy.test:1": ErrAddress,
		"socks5://proxy.test:1080/" + strings.Repeat("/", maxAddress):    ErrAddress,
	} {
		p, err := ParseProxy(text)
		if !errors.Is(err, want) || !p.IsZero() {
			t.Errorf("%s: got %v, %v; want %v", text, p, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

func TestProxyHidesItsPassword(t *testing.T) {
	p, err := ParseProxy("socks5://ann:sesame@proxy.test:1080")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("dialling", "proxy", p, "dialer", Dialer{Proxy: p})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("dialling", "proxy", p, "dialer", Dialer{Proxy: p})
	text, err := json.Marshal(struct{ Proxy Proxy }{p})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+" "+verb+" "+verb+"\n", p, &p, Dialer{Proxy: p})
	}
	for _, secret := range []string{"sesame", "ann", "736573616d65"} {
		if strings.Contains(strings.ToLower(log.String()), secret) {
			t.Errorf("%s is told:\n%s", secret, log.String())
		}
	}
	if p.String() != "socks5://proxy.test:1080" {
		t.Errorf("got %s", p)
	}
}

func FuzzParseProxy(f *testing.F) {
	f.Add("socks5://ann:sesame@127.0.0.1:9050")
	f.Add("http://[::1]:3128/")
	f.Add("socks5h://a%3a:%ff@x:1")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProxy(text)
		if err != nil {
			if !errors.Is(err, ErrAddress) && !errors.Is(err, ErrUnsupportedScheme) || !p.IsZero() {
				t.Fatal(p, err)
			}
			return
		}
		if len(p.user) > maxCredential || len(p.password) > maxCredential || strings.ContainsAny(p.host+p.port, "\r\n @/") {
			t.Fatalf("%q passed as %q %q", text, p.host, p.port)
		}
		again, err := ParseProxy(p.String())
		again.user, again.password = p.user, p.password
		if err != nil || again != p {
			t.Fatalf("%q reads back as %v, %v", p, again, err)
		}
	})
}

func TestParseTarget(t *testing.T) {
	pin := "sha256:" + strings.Repeat("0f", 32)
	for text, want := range map[string]string{ // scheme, host and port, url, pins
		"tcp://pool.test:3333":                                  "tcp pool.test:3333  0",
		"STRATUM+TCP://Pool.Test:3333/":                         "tcp pool.test:3333  0",
		"ssl://[2001:DB8::0:1]:50002":                           "tls [2001:db8::1]:50002  0",
		"stratum+ssl://127.0.0.1:1?pin=" + pin:                  "tls 127.0.0.1:1  1",
		"tls://a.onion:1/?pin=" + pin + "&pin=" + pin:           "tls a.onion:1  1",
		"ws://pool.test":                                        "ws pool.test:80 ws://pool.test:80 0",
		"ws://[::1]/a%20b?c=d":                                  "ws [::1]:80 ws://[::1]:80/a%20b?c=d 0",
		"wss://Pool.test/s?x=1&pin=" + strings.ToUpper(pin[7:]): "",
		"wss://Pool.test/s?x=1&pin=" + pin:                      "wss pool.test:443 wss://pool.test:443/s?x=1 1",
		"wss://pool.test:444?pin=" + pin:                        "wss pool.test:444 wss://pool.test:444 1",
	} {
		got, err := parseTarget(text)
		if line := fmt.Sprintf("%s %s %s %d", got.scheme, got.addr(), got.url, len(got.pins)); want != "" && (err != nil || line != want) {
			t.Errorf("%s: got %s, %v; want %s", text, line, err, want)
		} else if want == "" && !errors.Is(err, ErrAddress) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	for text, want := range map[string]error{
		"":                                                  ErrUnsupportedScheme,
		"pool.test:3333":                                    ErrUnsupportedScheme,
		"http://pool.test:80":                               ErrUnsupportedScheme,
		"stratum2+tcp://pool.test:1":                        ErrUnsupportedScheme,
		"tcp://pool.test":                                   ErrAddress,
		"tls://pool.test":                                   ErrAddress,
		"tcp://pool.test:0":                                 ErrAddress,
		"tcp://:1":                                          ErrAddress,
		"tcp://ann:hunter2@pool.test:1":                     ErrAddress,
		"wss://hunter2@pool.test":                           ErrAddress,
		"tcp://pool.test:1/hunter2":                         ErrAddress,
		"tcp://pool.test:1?hunter2":                         ErrAddress,
		"tls://pool.test:1?hunter2=1&pin=" + pin:            ErrAddress,
		"tcp://pool.test:1?pin=" + pin:                      ErrAddress,
		"ws://pool.test?pin=" + pin:                         ErrAddress,
		"ws://pool.test?pin=":                               ErrAddress,
		"tls://pool.test:1?pin=":                            ErrAddress,
		"tls://pool.test:1?pin=sha256:00":                   ErrAddress,
		"tls://pool.test:1?pin=" + pin + "&pin=hunter2":     ErrAddress,
		"ws://pool.test/#hunter2":                           ErrAddress,
		"ws://pool.test/?a=%zz":                             ErrAddress,
		"tcp://pool.test:1\n":                               ErrAddress,
		"tcp://pool\u200b.test:1":                           ErrAddress,
		"tcp://\u0440ool.test:1":                            ErrAddress,
		"tcp://::1:1":                                       ErrAddress,
		"tcp://[fe80::1%25eth0]:1":                          ErrAddress,
		"tcp://" + strings.Repeat("a", 254) + ":1":          ErrAddress,
		"ws://pool.test/" + strings.Repeat("a", maxAddress): ErrAddress,
		"tls://pool.test:1?pin=" + strings.Repeat(pin+"&pin=", maxPins) + pin: ErrAddress,
	} {
		got, err := parseTarget(text)
		if !errors.Is(err, want) {
			t.Errorf("%q: got %+v, %v; want %v", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the address: %v", err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("stratum+tls://pool.test:3333?pin=sha256:" + strings.Repeat("0f", 32))
	f.Add("ws://[::1]:8080/a%20b?c=d&e=f")
	f.Add("tcp://127.0.0.1:1/")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTarget(text)
		if err != nil {
			if !errors.Is(err, ErrAddress) && !errors.Is(err, ErrUnsupportedScheme) {
				t.Fatal(err)
			}
			return
		}
		if strings.ContainsAny(got.addr(), "\r\n @/?#") || got.webSocket() != (got.url != "") {
			t.Fatalf("%q became %+v", text, got)
		}
		if u, err := url.Parse(text); err == nil && u.Query().Has("pin") && len(got.pins) == 0 {
			t.Fatalf("%q lost its pin", text)
		}
		if got.webSocket() {
			again, err := parseTarget(got.url)
			if err != nil || again.addr() != got.addr() || again.url != got.url || len(again.pins) > 0 {
				t.Fatalf("%q became %q, %v", text, got.url, err)
			}
		}
	})
}
