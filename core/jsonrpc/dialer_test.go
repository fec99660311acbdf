//go:build !js

package jsonrpc

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
)

// A name is resolved anew at each dial: a pool that moves, and a router that starts again, are followed.
func TestNamesAreNotKept(t *testing.T) {
	var known atomic.Bool
	var asked atomic.Int32
	d := &Dialer{resolver: nameServer(t, func(name string) []netip.Addr {
		if name != "pool.test" || !known.Load() {
			return nil
		}
		asked.Add(1)
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})}
	for _, scheme := range []string{"tcp", "ws"} {
		rawURL := scheme + "://pool.test:" + echoServer(t, scheme, "127.0.0.1", nil)
		for range 3 {
			known.Store(false)
			if err := dialFails(t, d, rawURL); !errors.Is(err, ErrNoHost) {
				t.Fatalf("got %v", err)
			}
			known.Store(true)
			before := asked.Load()
			mustEcho(t, d, rawURL)
			if asked.Load() == before {
				t.Error("the name server was not asked")
			}
		}
	}
}

// A name with a dead address and a living one is reached.
func TestSeveralAddresses(t *testing.T) {
	port := echoServer(t, "tcp", "127.0.0.1", nil)
	d := &Dialer{resolver: nameServer(t, func(string) []netip.Addr {
		return []netip.Addr{netip.IPv6Loopback(), netip.MustParseAddr("127.0.0.1")} // nobody listens on the first
	})}
	mustEcho(t, d, "tcp://pool.test:"+port)
}

// IPv6 addresses, directly and through proxies, over every transport. Where the machine has none, reading and writing
// them is still held by TestParseTarget and TestParseProxy.
func TestIPv6(t *testing.T) {
	if !hasIPv6(t) {
		t.Log("NOT RUN: this machine has no IPv6 loopback address, so no connection was made over IPv6")
		return
	}
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}}
	socks, socksAsked := proxyServer(t, "socks5", "", "")
	web, webAsked := proxyServer(t, "http", "", "")
	for _, scheme := range []string{"tcp", "tls", "ws", "wss"} {
		addr := "[::1]:" + echoServer(t, scheme, "::1", config)
		mustEcho(t, &Dialer{Roots: a.pool()}, scheme+"://"+addr)
		mustEcho(t, &Dialer{Roots: a.pool(), Proxy: mustParseProxy(t, "socks5://"+socks)}, scheme+"://"+addr)
		mustEcho(t, &Dialer{Roots: a.pool(), Proxy: mustParseProxy(t, "http://"+web)}, scheme+"://"+addr)
		if s, w := <-socksAsked, <-webAsked; s.addr != addr || w.addr != addr {
			t.Errorf("asked for %s and %s", s.addr, w.addr)
		}
	}
}

// hasIPv6 fails the test when the address is there and cannot be used.
func hasIPv6(t *testing.T) bool {
	ours, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range ours {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(net.IPv6loopback) {
			return true
		}
	}
	return false
}

// A proxy that the environment names is not used: it would see what the person has not chosen to show.
func TestEnvironmentsProxyIsNotUsed(t *testing.T) {
	ln := listenOn(t, "127.0.0.1:0")
	serve(t, ln, func(net.Conn) { t.Error("the environment's proxy was used") })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+ln.Addr().String())
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}}
	d := &Dialer{Roots: a.pool(), resolver: nameServer(t, func(string) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})}
	for _, scheme := range []string{"tcp", "tls", "ws", "wss"} {
		mustEcho(t, d, scheme+"://pool.test:"+echoServer(t, scheme, "127.0.0.1", config))
	}
}

// Open gives the connection that Dial would use, and none to what begins with a handshake of its own.
func TestOpen(t *testing.T) {
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}}
	d := &Dialer{Roots: a.pool()}
	for _, scheme := range []string{"tcp", "tls"} {
		rawURL := scheme + "://127.0.0.1:" + echoServer(t, scheme, "127.0.0.1", config)
		c, err := d.Open(deadline(t), rawURL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "{}\n"); err != nil {
			t.Fatal(err)
		}
		var b [3]byte
		if _, err := io.ReadFull(c, b[:]); err != nil || string(b[:]) != "{}\n" {
			t.Errorf("%s: %q, %v", scheme, b, err)
		}
		c.Close()
		if _, err := (*Dialer)(nil).Open(deadline(t), rawURL+"?pin=sha256:1"); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	for _, rawURL := range []string{"ws://127.0.0.1:1", "wss://127.0.0.1:1"} {
		if _, err := d.Open(deadline(t), rawURL); !errors.Is(err, ErrUnsupportedScheme) {
			t.Errorf("%s: %v", rawURL, err)
		}
	}
}
