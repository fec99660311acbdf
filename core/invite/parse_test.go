package invite

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParseLinkRefuses(t *testing.T) {
	g, _ := gate(t)
	good := mustInvite(t, g).Link()
	code := good[strings.Index(good, "=")+1:]
	for _, c := range []struct {
		link string
		want error
	}{
		{"", ErrLink},
		{"http://192.168.1.20:8080/", ErrLink},
		{"ftp://192.168.1.20/#join=" + code, ErrLink},
		{"HTTP://192.168.1.20:8080/#join=" + code, ErrLink},
		{"http://user@192.168.1.20:8080/#join=" + code, ErrLink},
		{"http://192.168.1.20:8080/x#join=" + code, ErrLink},
		{"http://192.168.1.20:8080/?a#join=" + code, ErrLink},
		{"http://192.168.1.20:80/#join=" + code, ErrLink},
		{"https://a:443/#join=" + code, ErrLink},
		{"http://a:080/#join=" + code, ErrLink},
		{"http://a:0/#join=" + code, ErrLink},
		{"http://a:65536/#join=" + code, ErrLink},
		{"http://a:/#join=" + code, ErrLink},
		{"http://a:+1/#join=" + code, ErrLink},
		{"http://192.168.020.1/#join=" + code, ErrLink},
		{"http://0x7f.1/#join=" + code, ErrLink},
		{"http://127.1/#join=" + code, ErrLink},
		{"http://-a/#join=" + code, ErrLink},
		{"http://a..b/#join=" + code, ErrLink},
		{"http://bücher.example/#join=" + code, ErrLink},
		{"http://[::0001]/#join=" + code, ErrLink},
		{"http://[::1]x/#join=" + code, ErrLink},
		{"http://[fe80::1%25eth0]/#join=" + code, ErrLink},
		{"http://a/#join=" + strings.Repeat("A", MaxLink), ErrLink},
		{"http://192.168.1.21:8080/#join=" + code, ErrTypo},
		{"https://192.168.1.20:8080/#join=" + code, ErrTypo},
		{good + "A", ErrTypo},
		{good + "\n", ErrTypo},
		{good[:len(good)-1], ErrTypo},
		{good + "=", ErrTypo},
		{"http://a/#join=", ErrTypo},
		{"http://a/#join=Ag", ErrNewer},
	} {
		if _, err := ParseLink(c.link); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.link, err, c.want)
		}
	}
	for _, origin := range []string{"http://localhost", "https://mine.example", "http://[::1]:8080", "http://[fd00::1]", "http://goldpan.local:3333", "http://10.0.0.1"} {
		i, err := g.Invite(origin)
		if err != nil {
			t.Fatalf("%s: %v", origin, err)
		}
		got, err := ParseLink(i.Link())
		if err != nil || got.Origin != origin || got.ID != i.ID || got.Secret != i.Secret {
			t.Errorf("%s: %v %v", origin, got, err)
		}
	}
}

// Each letter of a link that is typed wrong, left out or swapped with the next is told.
func TestMistypedLinks(t *testing.T) {
	g, _ := gate(t)
	for range 20 {
		link := mustInvite(t, g).Link()
		for k := range link {
			wrong := []byte(link)
			wrong[k] ^= 1
			for _, s := range []string{string(wrong), link[:k] + link[k+1:], link[:k]} {
				if _, err := ParseLink(s); err == nil {
					t.Fatalf("%q was taken for %q", s, link)
				}
			}
			if k+1 < len(link) && link[k] != link[k+1] {
				if _, err := ParseLink(link[:k] + link[k+1:k+2] + link[k:k+1] + link[k+2:]); err == nil {
					t.Fatal("two letters were swapped")
				}
			}
		}
	}
}

// A message that is cut anywhere, or goes on, is none.
func TestTruncatedMessages(t *testing.T) {
	g, _ := gate(t)
	a, ch, c := begin(t, g, mustInvite(t, g))
	p, _, err := c.Answer(ch)
	want(t, "answer", err, nil)
	_, w, err := a.Finish(p, payee)
	want(t, "finish", err, nil)
	cut(t, c.Hello())
	cut(t, ch)
	cut(t, p)
	cut(t, w)
}

func cut[M Message](t *testing.T, m M) {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for k := range b {
		if _, err := Decode[M](b[:k]); !errors.Is(err, ErrMessage) {
			t.Errorf("%T cut at %d: %v", m, k, err)
		}
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for name, v := range fields {
		if name == "payee" || name == "address" {
			continue
		}
		delete(fields, name)
		short, _ := json.Marshal(fields)
		if _, err := Decode[M](short); !errors.Is(err, ErrMessage) {
			t.Errorf("%T without %s: %v", m, name, err)
		}
		if s, ok := v.(string); ok && name != "origin" {
			for _, other := range []string{s[:len(s)-1], s + "A", s + "\n", ""} {
				fields[name] = other
				bad, _ := json.Marshal(fields)
				if _, err := Decode[M](bad); !errors.Is(err, ErrMessage) {
					t.Errorf("%T with %s %q: %v", m, name, other, err)
				}
			}
		}
		fields[name] = v
	}
	for _, more := range []string{"{}", "x", ",", " 1"} {
		if _, err := Decode[M]([]byte(string(b) + more)); !errors.Is(err, ErrMessage) {
			t.Errorf("%T and %q: %v", m, more, err)
		}
	}
	if _, err := Decode[M]([]byte(strings.Repeat(" ", MaxMessage) + string(b))); !errors.Is(err, ErrMessage) {
		t.Errorf("%T too long: %v", m, err)
	}
	if _, err := Decode[M]([]byte(strings.Replace(string(b), "{", `{"secret":"",`, 1))); !errors.Is(err, ErrMessage) {
		t.Errorf("%T with a field of its own: %v", m, err)
	}
}

func TestPayeeIsPlain(t *testing.T) {
	g, _ := gate(t)
	for _, p := range []Payee{{Name: "a\x1b[2J"}, {Name: "a\u202eb"}, {Address: "a\nb"}, {Name: strings.Repeat("a", 121)}, {Name: "\xff"}} {
		a, ch, c := begin(t, g, mustInvite(t, g))
		proof, _, err := c.Answer(ch)
		want(t, "answer", err, nil)
		_, _, err = a.Finish(proof, p)
		want(t, "finish", err, ErrMessage)
		b, _ := json.Marshal(Welcome{Device: ID{1}, Proof: Tag{1}, Payee: p})
		if p.Name != "\xff" { // which JSON replaces
			_, err = Decode[Welcome](b)
			want(t, "decode", err, ErrMessage)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("http://192.168.1.20:8080/#join=AQECAwQFBgcICRAREhMUFRYXGBkaGxwdHh_L1n1K")
	f.Add("https://[::1]/#join=AQ")
	f.Fuzz(func(t *testing.T, link string) {
		i, err := ParseLink(link)
		if err == nil && i.Link() != link {
			t.Errorf("%q became %q", link, i.Link())
		}
	})
}

func fuzzMessage[M Message](f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode[M](b)
		if err != nil {
			return
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Decode[M](out); err != nil || again != m {
			t.Errorf("%v %v, then %v", err, m, again)
		}
	})
}

const (
	someID  = `"AQIDBAUGBwgJ"`
	someTag = `"rv3r-hrNuDH3fSNAwqut2DsH-FdwSojKr7LW7fDwvLk"`
)

func FuzzHello(f *testing.F) {
	f.Add([]byte(`{"v":1,"kind":"join","id":` + someID + `,"nonce":` + someTag + `,"origin":"http://a"}`))
	fuzzMessage[Hello](f)
}

func FuzzChallenge(f *testing.F) {
	f.Add([]byte(`{"echo":` + someTag + `,"nonce":` + someTag + `,"proof":` + someTag + `}`))
	fuzzMessage[Challenge](f)
}

func FuzzProof(f *testing.F) {
	f.Add([]byte(`{"echo":` + someTag + `,"proof":` + someTag + `}`))
	fuzzMessage[Proof](f)
}

func FuzzWelcome(f *testing.F) {
	f.Add([]byte(`{"device":` + someID + `,"payee":"Home","address":"bc1q","proof":` + someTag + `}`))
	fuzzMessage[Welcome](f)
}

func FuzzToken(f *testing.F) {
	f.Add("gp1aeaqeayeaudaocajcaireeyuculbogazdinryhi6d765fqn6")
	f.Fuzz(func(t *testing.T, token string) {
		id, secret, err := parseToken(token)
		if err == nil && !strings.EqualFold(formatToken(id, secret), token) {
			t.Errorf("%q", token)
		}
	})
}

func FuzzCredential(f *testing.F) {
	f.Add(home, "AeRFtOdF0PNY5XTHkLM43N5uyEbP60ZmWFoH-t-nS0rhJawiBTbMjknxp58WaA")
	f.Fuzz(func(t *testing.T, origin, text string) {
		c, err := ParseCredential(origin, text)
		if err == nil && c.Export() != text {
			t.Errorf("%q", text)
		}
	})
}

func FuzzDevice(f *testing.F) {
	f.Add([]byte(`{"id":` + someID + `,"token":"gKCLaKKqnsVWVUJyKArvEYdWRa8yWhEO9hvIT/JOFRQ=","joined":"2026-11-22T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDevice(b)
		if err != nil {
			return
		}
		out, err := d.Export()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseDevice(out); err != nil || again != d {
			t.Errorf("%v: %v, then %v", err, d, again)
		}
	})
}
