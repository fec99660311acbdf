package stratum

import (
	"errors"
	"strings"
	"testing"

	"goldpan/core/jsonrpc"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"stratum+tcp://pool.test:3333":                 "",
		"STRATUM+TCP://Pool.Test:3333/":                "stratum+tcp://pool.test:3333",
		"stratum+tcp://127.0.0.1:1":                    "",
		"stratum+tcp://[::1]:65535":                    "",
		"stratum+ssl://pool.test:443":                  "stratum+tls://pool.test:443",
		"stratum+tls://pool.test:443?pin=sha256:ab/+=": "stratum+tls://pool.test:443?pin=sha256%3Aab%2F%2B%3D",
		"ws://pool.test":                               "ws://pool.test:80/",
		"wss://pool.test":                              "wss://pool.test:443/",
		"ws://pool.test:8080/a%20b/c?device=1":         "ws://pool.test:8080/a%20b/c?device=1",
		"wss://pool.test/s?x=1&pin=sha256:00":          "wss://pool.test:443/s?x=1&pin=sha256%3A00",
		"ws://xn--bcher-kva.test:8333/stratum":         "",
		"stratum+tcp://under_score.a-b.test:3333":      "",
	} {
		if want == "" {
			want = text
		}
		u, err := ParseURL(text)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v; want %s", text, u, err, want)
		}
		if u.IsZero() || u.TLS() != (strings.Contains(want, "tls:") || strings.Contains(want, "wss:")) || u.Host() == "" {
			t.Errorf("%s: %+v", text, u)
		}
	}
	for text, want := range map[string]error{
		"":                                            ErrScheme,
		"pool.test:3333":                              ErrScheme,
		"http://pool.test":                            ErrScheme,
		"stratum2+tcp://pool.test:1":                  ErrScheme,
		"tcp://pool.test:1":                           ErrScheme,
		"stratum+tcp://":                              ErrAddress,
		"stratum+tcp://pool.test":                     ErrAddress,
		"stratum+tcp://pool.test:":                    ErrAddress,
		"stratum+tcp://pool.test:0":                   ErrAddress,
		"stratum+tcp://pool.test:65536":               ErrAddress,
		"stratum+tcp://pool.test:http":                ErrAddress,
		"stratum+tcp://:3333":                         ErrAddress,
		"stratum+tcp://user:hunter2@pool.test:1":      ErrAddress,
		"ws://hunter2@pool.test":                      ErrAddress,
		"ws://pool.test:x@hunter2":                    ErrAddress,
		"stratum+tcp://pool.test:1/path":              ErrAddress,
		"stratum+tcp://pool.test:1?x=hunter2":         ErrAddress,
		"stratum+tcp://pool.test:1?pin=sha256:a":      ErrAddress,
		"ws://pool.test/#hunter2":                     ErrAddress,
		"ws://pool.test/#":                            ErrAddress,
		"ws://pool.test/?a=%zz":                       ErrAddress,
		"stratum+tcp://pool.test:1\n":                 ErrAddress,
		" stratum+tcp://pool.test:1":                  ErrAddress,
		"stratum+tcp://pool.test\u200b:1":             ErrAddress,
		"stratum+tcp://\u0440ool.test:1":              ErrAddress,
		"stratum+tcp://[fe80::1%25eth0]:1":            ErrAddress,
		"ws://pool.test/" + strings.Repeat("a", 2048): ErrAddress,
	} {
		u, err := ParseURL(text)
		if !errors.Is(err, want) || !u.IsZero() {
			t.Errorf("%q: got %v, %v; want %v", text, u, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error tells a secret: %v", text, err)
		}
	}
}

func TestDialEncrypted(t *testing.T) {
	for _, text := range []string{"stratum+tls://127.0.0.1:1", "stratum+ssl://127.0.0.1:1", "wss://127.0.0.1:1"} {
		u, err := ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Dial(t.Context()); !errors.Is(err, jsonrpc.ErrUnsupportedScheme) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := (URL{}).Dial(t.Context()); !errors.Is(err, ErrAddress) {
		t.Errorf("no address: %v", err)
	}
}
