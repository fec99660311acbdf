//go:build !js

package jsonrpc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// This file holds the peers of the tests: servers with certificates, and a name server.

// authority signs certificates; the zero value lets them sign themselves.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t testing.TB) authority {
	key := newKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hunter2 authority"},
		NotBefore: time.Now().AddDate(-9, 0, 0), NotAfter: time.Now().AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return authority{c, key}
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate for pool.test, 127.0.0.1 and ::1, as edit changes it.
func (a authority) issue(t testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	key := newKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "hunter2"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"pool.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if edit != nil {
		edit(c)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// listenOn is a listener that ends with the test.
func listenOn(t testing.TB, addr string) net.Listener {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// serve gives each connection to handle, closes it afterwards, and waits for all at the end of the test.
func serve(t testing.TB, ln net.Listener, handle func(net.Conn)) {
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// echo sends every message back.
func echo(c Conn) {
	defer c.Close()
	for {
		msg, err := c.ReadMessage(context.Background())
		if err != nil {
			return
		}
		if err := c.WriteMessage(context.Background(), msg); err != nil {
			return
		}
	}
}

// echoServer starts one of a scheme (tcp, tls, ws, wss) and returns its port.
func echoServer(t testing.TB, scheme, host string, config *tls.Config) string {
	ln := listenOn(t, net.JoinHostPort(host, "0"))
	switch scheme {
	case "tcp":
		serve(t, ln, func(c net.Conn) { echo(NewLineConn(c, 1024)) })
	case "tls":
		serve(t, ln, func(c net.Conn) { echo(NewLineConn(tls.Server(c, config), 1024)) })
	default:
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("pin") {
				t.Error("the server was told the pin")
			}
			if c, err := AcceptWebSocket(w, r, 1024, nil); err == nil {
				echo(c)
			}
		}))
		srv.Listener.Close()
		srv.Listener, srv.TLS = ln, config
		srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of refused handshakes
		if scheme == "wss" {
			srv.StartTLS()
		} else {
			srv.Start()
		}
		t.Cleanup(srv.Close)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// drip sends text a byte at a time, and slowly.
func drip(c net.Conn, text []byte) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, b := range text {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		<-tick.C
	}
}

// mustEcho sends a message through a new connection and back.
func mustEcho(t testing.TB, d *Dialer, rawURL string) Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := d.Dial(ctx, rawURL, 1024)
	if err != nil {
		t.Fatalf("%s: %v", rawURL, err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.WriteMessage(ctx, []byte(`{"id":1}`)); err != nil {
		t.Fatal(err)
	}
	if msg, err := c.ReadMessage(ctx); err != nil || string(msg) != `{"id":1}` {
		t.Fatalf("%s: got %q, %v", rawURL, msg, err)
	}
	return c
}

// dialFails returns the error of a dial that must not succeed, and looks for what no error may hold.
func dialFails(t testing.TB, d *Dialer, rawURL string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := d.Dial(ctx, rawURL, 1024)
	if err == nil {
		c.Close()
		t.Fatalf("%s: connected", rawURL)
	}
	for _, secret := range []string{"hunter2", "sesame"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %s: %v", secret, err)
		}
	}
	return err
}

// nameServer is a resolver that asks answer, and nobody else; no address means that the name does not exist.
func nameServer(t testing.TB, answer func(name string) []netip.Addr) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(func() { pc.Close(); done.Wait() })
	done.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := answerQuery(buf[:n], answer); reply != nil {
				pc.WriteTo(reply, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// answerQuery answers a question of RFC 1035, section 4.
func answerQuery(query []byte, answer func(string) []netip.Addr) []byte {
	const header = 12
	var labels []string
	at := header
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		if end >= len(query) {
			return nil
		}
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	if at+5 > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[at+1:])
	reply := append([]byte{}, query[:at+5]...) // the header and the question
	binary.BigEndian.PutUint16(reply[2:], 0x8180)
	clear(reply[6:header]) // no more records
	found := answer(strings.Join(labels, "."))
	if len(found) == 0 {
		reply[3] |= 3 // no such name
		return reply
	}
	for _, ip := range found {
		if ip.Is4() == (kind == 1) {
			reply = append(reply, 0xc0, header, 0, byte(kind), 0, 1, 0, 0, 0x0e, 0x10, 0, byte(ip.BitLen()/8)) // for an hour
			reply = append(reply, ip.AsSlice()...)
			reply[7]++
		}
	}
	return reply
}

// noNames is a resolver that must not be asked.
func noNames(t testing.TB) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("a name was asked for here")
		return nil, errors.New("no names")
	}}
}
