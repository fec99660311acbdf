package stratum

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"stratum+tcp://pool.test:3333":                                           "",
		"STRATUM+TCP://Pool.Test:3333/":                                          "stratum+tcp://pool.test:3333",
		"stratum+tcp://127.0.0.1:1":                                              "",
		"stratum+tcp://[::1]:65535":                                              "",
		"stratum+ssl://pool.test:443":                                            "stratum+tls://pool.test:443",
		"stratum+tls://pool.test:443?pin=sha256:" + pinA:                         "",
		"stratum+tls://pool.test:443?pin=sha256%3A" + strings.ToUpper(pinA):      "stratum+tls://pool.test:443?pin=sha256:" + pinA,
		"stratum+tls://pool.test:443?pin=sha256:" + pinA + "&pin=sha256:" + pinB: "",
		"ws://pool.test":                                                         "ws://pool.test:80/",
		"wss://pool.test":                                                        "wss://pool.test:443/",
		"ws://pool.test:8080/a%20b/c?device=1":                                   "ws://pool.test:8080/a%20b/c?device=1",
		"wss://pool.test/s?pin=sha256:" + pinA + "&x=1":                          "wss://pool.test:443/s?x=1&pin=sha256:" + pinA,
		"ws://xn--bcher-kva.test:8333/stratum":                                   "",
		"stratum+tcp://under_score.a-b.test:3333":                                "",
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
		"":                                                     ErrScheme,
		"pool.test:3333":                                       ErrScheme,
		"http://pool.test":                                     ErrScheme,
		"stratum2+tcp://pool.test:1":                           ErrScheme,
		"tcp://pool.test:1":                                    ErrScheme,
		"stratum+tcp://":                                       ErrAddress,
		"stratum+tcp://pool.test":                              ErrAddress,
		"stratum+tcp://pool.test:":                             ErrAddress,
		"stratum+tcp://pool.test:0":                            ErrAddress,
		"stratum+tcp://pool.test:65536":                        ErrAddress,
		"stratum+tcp://pool.test:http":                         ErrAddress,
		"stratum+tcp://:3333":                                  ErrAddress,
		"stratum+tcp://user:hunter2@pool.test:1":               ErrAddress,
		"ws://hunter2@pool.test":                               ErrAddress,
		"ws://pool.test:x@hunter2":                             ErrAddress,
		"stratum+tcp://pool.test:1/path":                       ErrAddress,
		"stratum+tcp://pool.test:1?x=hunter2":                  ErrAddress,
		"stratum+tcp://pool.test:1?pin=sha256:" + pinA:         ErrAddress,
		"ws://pool.test?pin=":                                  ErrAddress,
		"stratum+tls://pool.test:1?pin=":                       ErrAddress,
		"stratum+tls://pool.test:1?pin=sha256:hunter2":         ErrAddress,
		"wss://pool.test/?pin=sha256:" + pinA + "&pin=sha1:00": ErrAddress,
		"ws://pool.test/#hunter2":                              ErrAddress,
		"ws://pool.test/#":                                     ErrAddress,
		"ws://pool.test/?a=%zz":                                ErrAddress,
		"stratum+tcp://pool.test:1\n":                          ErrAddress,
		" stratum+tcp://pool.test:1":                           ErrAddress,
		"stratum+tcp://pool.test\u200b:1":                      ErrAddress,
		"stratum+tcp://\u0440ool.test:1":                       ErrAddress,
		"stratum+tcp://[fe80::1%25eth0]:1":                     ErrAddress,
		"ws://pool.test/" + strings.Repeat("a", 2048):          ErrAddress,
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

const (
	pinA = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	pinB = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)
