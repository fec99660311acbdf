//go:build !js

package jsonrpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func pinOf(c tls.Certificate) string { return PinOf(c.Leaf).String() }

// Each way to be right and each mistake, over both encrypted transports, against a real server.
func TestCertificates(t *testing.T) {
	good, other := newAuthority(t), newAuthority(t)
	expire := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	later := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	rename := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"hunter2.test"}, nil }
	client := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	never := func(*testing.T) Trust {
		return func(string, *x509.Certificate, error) error { return errors.New("own words") }
	}
	always := func(*testing.T) Trust { return func(string, *x509.Certificate, error) error { return nil } }
	changed := func(*testing.T) Trust { return func(string, *x509.Certificate, error) error { return ErrChanged } }
	unasked := func(t *testing.T) Trust {
		return func(string, *x509.Certificate, error) error { t.Error("Trust was asked"); return nil }
	}
	strange := PinOf(good.cert).String()
	for name, test := range map[string]struct {
		by       authority
		edit     func(*x509.Certificate)
		pins     []string // "own" stands for the server's
		trust    func(*testing.T) Trust
		want     error // nil: it connects
		mayTrust bool
	}{
		"verified":                          {by: good, trust: unasked},
		"self-signed":                       {want: ErrUnknownAuthority, mayTrust: true},
		"self-signed, out of date":          {edit: expire, want: ErrUnknownAuthority, mayTrust: true},
		"self-signed, for another host":     {edit: rename, want: ErrUnknownAuthority, mayTrust: true},
		"of another authority":              {by: other, want: ErrUnknownAuthority, mayTrust: true},
		"expired":                           {by: good, edit: expire, want: ErrExpired},
		"not yet valid":                     {by: good, edit: later, want: ErrExpired},
		"for another host":                  {by: good, edit: rename, want: ErrWrongHost},
		"for clients":                       {by: good, edit: client, want: ErrCertificate},
		"pinned":                            {pins: []string{"own"}, trust: unasked},
		"pinned beside another":             {pins: []string{strange, "own"}},
		"pinned, out of date":               {by: good, edit: expire, pins: []string{"own"}},
		"pinned, for another host":          {edit: rename, pins: []string{"own"}},
		"another key than the pinned one":   {pins: []string{strange}, trust: unasked, want: ErrPinned},
		"verified, but not the pinned one":  {by: good, pins: []string{strange}, trust: unasked, want: ErrPinned},
		"trusted":                           {trust: always},
		"trusted, out of date":              {by: good, edit: expire, trust: always},
		"known with another key":            {trust: changed, want: ErrChanged},
		"known with another key, expired":   {by: good, edit: expire, trust: changed, want: ErrChanged},
		"not trusted, for a reason unknown": {trust: never, want: ErrUnknownAuthority, mayTrust: true},
	} {
		for _, scheme := range []string{"tls", "wss"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				cert := test.by.issue(t, test.edit)
				port := echoServer(t, scheme, "127.0.0.1", &tls.Config{Certificates: []tls.Certificate{cert}})
				rawURL := scheme + "://127.0.0.1:" + port
				for i, p := range test.pins {
					if p == "own" {
						p = pinOf(cert)
					}
					rawURL += []string{"?", "&"}[min(i, 1)] + "pin=" + p
				}
				d := &Dialer{Roots: good.pool()}
				if test.trust != nil {
					d.Trust = test.trust(t)
				}
				if test.want == nil {
					mustEcho(t, d, rawURL)
					return
				}
				err := dialFails(t, d, rawURL)
				var ce *CertificateError
				if !errors.Is(err, ErrCertificate) || !errors.Is(err, test.want) || !errors.As(err, &ce) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				want := CertificateError{Host: "127.0.0.1:" + port, Fingerprint: pinOf(cert), Changed: test.want == ErrChanged, Err: ce.Err}
				if *ce != want || ce.MayTrust() != test.mayTrust {
					t.Errorf("got %+v, may be trusted: %v", ce, ce.MayTrust())
				}
				for _, wrong := range []error{ErrUnknownAuthority, ErrExpired, ErrWrongHost, ErrPinned} {
					if test.want != ErrChanged && errors.Is(err, wrong) && wrong != test.want {
						t.Errorf("%v is also %v", err, wrong)
					}
				}
			})
		}
	}
}

// Nobody but the system's roots is trusted by default.
func TestSystemRoots(t *testing.T) {
	a := newAuthority(t)
	port := echoServer(t, "tls", "127.0.0.1", &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}})
	for _, d := range []*Dialer{nil, {}} {
		if err := dialFails(t, d, "stratum+tls://127.0.0.1:"+port); !errors.Is(err, ErrUnknownAuthority) {
			t.Errorf("got %v", err)
		}
	}
}

func TestTrustIsTold(t *testing.T) {
	cert := authority{}.issue(t, nil)
	port := echoServer(t, "tls", "127.0.0.1", &tls.Config{Certificates: []tls.Certificate{cert}})
	asked := 0
	mustEcho(t, &Dialer{Trust: func(host string, leaf *x509.Certificate, why error) error {
		if asked++; host != "127.0.0.1:"+port || !leaf.Equal(cert.Leaf) || why != ErrUnknownAuthority {
			t.Errorf("asked about %s, %v", host, why)
		}
		return nil
	}}, "ssl://127.0.0.1:"+port)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// A server whose key changes between two dials is refused by its pin and by who remembers the old one.
func TestChangedKey(t *testing.T) {
	now := make(chan tls.Certificate, 1)
	old, replaced := authority{}.issue(t, nil), authority{}.issue(t, nil)
	now <- old
	port := echoServer(t, "tls", "127.0.0.1", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c := <-now
		now <- c
		return &c, nil
	}})
	remember := &Dialer{Trust: func(_ string, leaf *x509.Certificate, _ error) error {
		if PinOf(leaf).String() != pinOf(old) {
			return ErrChanged
		}
		return nil
	}}
	plain, pinned := "tls://127.0.0.1:"+port, "tls://127.0.0.1:"+port+"?pin="+pinOf(old)
	mustEcho(t, remember, plain)
	mustEcho(t, nil, pinned)
	<-now
	now <- replaced
	var ce *CertificateError
	if err := dialFails(t, remember, plain); !errors.As(err, &ce) || !ce.Changed || ce.MayTrust() || ce.Fingerprint != pinOf(replaced) {
		t.Errorf("got %v", err)
	}
	if err := dialFails(t, nil, pinned); !errors.Is(err, ErrPinned) {
		t.Errorf("got %v", err)
	}
}

// What is said before the connection is encrypted: the name, and for a WebSocket the protocol, nothing for Stratum.
func TestClientHello(t *testing.T) {
	a := newAuthority(t)
	cert := a.issue(t, nil)
	resolver := nameServer(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	for _, test := range []struct {
		scheme, host, name string
		protocols          []string
	}{
		{"tls", "pool.test", "pool.test", nil},
		{"tls", "Pool.Test", "pool.test", nil},
		{"tls", "127.0.0.1", "", nil},
		{"wss", "pool.test", "pool.test", []string{"http/1.1"}},
	} {
		hello := make(chan *tls.ClientHelloInfo, 1)
		port := echoServer(t, test.scheme, "127.0.0.1", &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			hello <- h
			return &cert, nil
		}})
		mustEcho(t, &Dialer{Roots: a.pool(), resolver: resolver}, test.scheme+"://"+test.host+":"+port)
		h := <-hello
		if h.ServerName != test.name || !slices.Equal(h.SupportedProtos, test.protocols) {
			t.Errorf("%v: asked for %q, %v", test, h.ServerName, h.SupportedProtos)
		}
		if least := slices.Min(h.SupportedVersions); least < tls.VersionTLS12 {
			t.Errorf("%v: offered version %#x", test, least)
		}
	}
}

func TestOldTLSRefused(t *testing.T) {
	a := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		port := echoServer(t, "tls", "127.0.0.1", &tls.Config{
			Certificates: []tls.Certificate{a.issue(t, nil)}, MinVersion: tls.VersionTLS10, MaxVersion: version,
		})
		d := &Dialer{Roots: a.pool()}
		if version >= tls.VersionTLS12 {
			mustEcho(t, d, "tls://127.0.0.1:"+port)
		} else if err := dialFails(t, d, "tls://127.0.0.1:"+port); !errors.Is(err, ErrTLS) {
			t.Errorf("version %#x: %v", version, err)
		}
	}
}

// What answers without TLS, or not at all, is not spoken to in clear.
func TestNoTLS(t *testing.T) {
	for name, test := range map[string]struct {
		handle func(net.Conn)
		want   error
	}{
		"clear text": {func(c net.Conn) { io.WriteString(c, "{\"hunter2\":1}\n"); io.Copy(io.Discard, c) }, ErrTLS},
		"hangs up":   {func(c net.Conn) { c.Read(make([]byte, 1)) }, ErrTLS},
		"silence":    {func(c net.Conn) { io.Copy(io.Discard, c) }, ErrTimeout},
		"slow drip": {func(c net.Conn) {
			// A handshake record that announces 16 KiB, a byte at a time.
			drip(c, append([]byte{22, 3, 3, 0x3f, 0xff}, make([]byte, 1<<14)...))
		}, ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			ln := listenOn(t, "127.0.0.1:0")
			serve(t, ln, test.handle)
			for _, scheme := range []string{"tls", "wss"} {
				d := &Dialer{}
				if test.want == ErrTimeout {
					d.timeout = 200 * time.Millisecond
				}
				if err := dialFails(t, d, scheme+"://"+ln.Addr().String()); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
		})
	}
}

func TestHandshakeIsCanceled(t *testing.T) {
	ln := listenOn(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	serve(t, ln, func(c net.Conn) {
		c.Read(make([]byte, 1))
		cancel() // in the middle of it
		io.Copy(io.Discard, c)
	})
	if _, err := Dial(ctx, "tls://"+ln.Addr().String(), 1024); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Close does not wait for a peer that reads nothing.
func TestCloseEncryptedAtOnce(t *testing.T) {
	a := newAuthority(t)
	full := make(chan struct{})
	ln := listenOn(t, "127.0.0.1:0")
	serve(t, ln, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}})
		if err := s.Handshake(); err != nil {
			t.Error(err)
		}
		<-full
	})
	c, err := (&Dialer{Roots: a.pool()}).Dial(deadline(t), "tls://"+ln.Addr().String(), 1024)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for msg := make([]byte, 1<<20); err == nil; {
		err = c.WriteMessage(ctx, msg)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	c.Close()
	close(full)
}

func TestParsePin(t *testing.T) {
	digits := strings.Repeat("0f", 32)
	for _, text := range []string{"sha256:" + digits, "sha256:" + strings.ToUpper(digits)} {
		if p, err := ParsePin(text); err != nil || p.String() != "sha256:"+digits {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "sha256:", digits, "sha1:" + digits, "SHA256:" + digits, "sha256:" + digits[1:],
		"sha256:" + digits + "00", "sha256:" + digits[:62] + "hu", "sha256: " + digits[1:]} {
		if p, err := ParsePin(text); !errors.Is(err, ErrAddress) || p != (Pin{}) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0f", 32))
	f.Add("sha256:" + strings.Repeat("AB", 32))
	f.Add("sha256:hunter2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePin(text)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatal(err)
			}
			return
		}
		if !strings.EqualFold(p.String(), text) {
			t.Fatalf("%q became %s", text, p)
		}
	})
}
