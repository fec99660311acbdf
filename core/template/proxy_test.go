//go:build !js

package template_test

import (
	"bufio"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/template"
)

// proxy is an HTTP proxy that knows one way: to a server, whatever it is asked for. Without a server it wants a
// password that nobody has.
type proxy struct {
	ln net.Listener

	mu    sync.Mutex
	asked []string
}

func newProxy(t *testing.T, server string) *proxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln}
	var serving sync.WaitGroup
	t.Cleanup(func() { ln.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(c, server) })
		}
	})
	return p
}

func (p *proxy) serve(c net.Conn, server string) {
	defer c.Close()
	r := bufio.NewReader(c)
	request, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, request.Method+" "+request.Host)
	p.mu.Unlock()
	if server == "" {
		_, _ = io.WriteString(c, "HTTP/1.1 407 sesame<script>\r\n\r\n")
		return
	}
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer s.Close()
	if _, err := io.WriteString(c, "HTTP/1.1 200 go ahead\r\n\r\n"); err != nil {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(c, s)
		c.Close()
	}()
	_, _ = io.Copy(s, r)
	s.Close()
	<-back
}

func (p *proxy) questions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// A node on another machine is reached through the proxy, which learns its name and
// nothing else; one on this machine is not. What goes wrong there is said without
// the proxy's password or words.
func TestProxy(t *testing.T) {
	f := newFake(t)
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer func() { s.CloseClientConnections(); s.Close() }()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	through := func(p *proxy) *jsonrpc.Dialer {
		address, err := jsonrpc.ParseProxy("http://us:sesame@" + p.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return &jsonrpc.Dialer{Roots: roots, Proxy: address}
	}

	willing, unwilling := newProxy(t, s.Listener.Addr().String()), newProxy(t, "")
	config := f.config()
	config.Node, config.Dialer = link(t, "https://example.com:8332"), through(willing)
	r := record(t, config)
	r.state(t, pow.Mining)
	r.cancel()
	for _, q := range willing.questions() {
		if q != "CONNECT example.com:8332" {
			t.Errorf("the proxy was asked to %s", q)
		}
	}

	config.Dialer = through(unwilling)
	r = record(t, config)
	d := r.down(t)
	if !errors.Is(d.Err, jsonrpc.ErrProxy) || d.Retry == 0 {
		t.Errorf("%+v", d)
	}
	clean(t, d.Reason+d.Err.Error())
	r.cancel()

	direct := newProxy(t, "")
	config.Node, config.Dialer = link(t, s.URL), through(direct)
	r = record(t, config)
	r.state(t, pow.Mining)
	r.cancel()
	if q := direct.questions(); len(q) > 0 {
		t.Errorf("the proxy was asked for a node on this machine: %q", q)
	}
}

// words is what the program's log gets.
type words struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// What answers before it is asked, and goes on when it has answered, gets nothing of
// its words into the program's log.
func TestBabble(t *testing.T) {
	var heard words
	log.SetOutput(&heard)
	defer log.SetOutput(os.Stderr)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	defer func() { ln.Close(); serving.Wait() }()
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				for range 3 {
					if _, err := io.WriteString(c, "HTTP/1.1 200 sesame\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
						return
					}
				}
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	config := newFake(t).config()
	config.Node = link(t, "http://"+ln.Addr().String())
	r := record(t, config)
	for range 10 {
		if d := r.down(t); !errors.Is(d.Err, template.ErrProtocol) {
			t.Fatalf("%+v", d)
		}
	}
	r.cancel()
	<-r.ended
	clean(t, heard.String())
}
