//go:build !js

package jsonrpc

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// asked is what a proxy was asked for.
type asked struct {
	addr  string // as the client named it
	login string // user:password
}

// proxyServer is a working proxy. It reaches what is asked for on the machine itself: a name stands for 127.0.0.1.
func proxyServer(t testing.TB, scheme, login, greeting string) (addr string, log <-chan asked) {
	ln := listenOn(t, "127.0.0.1:0")
	requests := make(chan asked, 100)
	serve(t, ln, func(c net.Conn) {
		speak := socksServer
		if scheme == "http" {
			speak = connectServer
		}
		r := bufio.NewReader(c)
		a, reply, err := speak(c, r, login)
		if err != nil {
			return
		}
		requests <- a
		host, port, err := net.SplitHostPort(a.addr)
		if err != nil {
			t.Error(err)
		}
		if host != "::1" {
			host = "127.0.0.1"
		}
		server, err := net.Dial("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Error(err)
			return
		}
		// What the server says first may come in one piece with the proxy's own words.
		io.WriteString(c, reply+greeting)
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.Copy(c, server)
			c.Close()
		}()
		io.Copy(server, r)
		server.Close()
		<-done
	})
	return ln.Addr().String(), requests
}

// socksServer follows RFC 1928 and RFC 1929 to the letter, and fails a client that does not.
func socksServer(w io.Writer, r *bufio.Reader, login string) (a asked, reply string, err error) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(r, b)
		}
		return b
	}
	head := read(2)
	methods := read(int(head[1]))
	if err != nil || head[0] != 5 {
		return a, "", errors.New("no socks5")
	}
	want := byte(0)
	if login != "" {
		want = 2
	}
	if !bytes.Contains(methods, []byte{want}) {
		io.WriteString(w, "\x05\xff")
		return a, "", errors.New("no method")
	}
	w.Write([]byte{5, want})
	if login != "" {
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if a.login = string(user) + ":" + string(password); a.login != login {
			io.WriteString(w, "\x01\x01")
			return a, "", errors.New("wrong password")
		}
		io.WriteString(w, "\x01\x00")
	}
	head = read(4)
	if !bytes.Equal(head[:3], []byte{5, 1, 0}) {
		return a, "", errors.New("no request")
	}
	var host string
	switch head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = net.IP(read(16)).String()
	}
	a.addr = net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(read(2))))
	return a, "\x05\x00\x00\x04" + strings.Repeat("\x00", 18), err
}

func connectServer(w io.Writer, r *bufio.Reader, login string) (a asked, reply string, err error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return a, "", err
	}
	if req.Method != http.MethodConnect || req.Host != req.URL.Host {
		io.WriteString(w, "HTTP/1.1 400 Bad Request\r\n\r\n")
		return a, "", errors.New("no request")
	}
	if basic, ok := strings.CutPrefix(req.Header.Get("Proxy-Authorization"), "Basic "); ok {
		b, err := base64.StdEncoding.DecodeString(basic)
		if err != nil {
			return a, "", err
		}
		a.login = string(b)
	}
	if a.login != login {
		io.WriteString(w, "HTTP/1.1 407 hunter2\r\nProxy-Authenticate: Basic realm=\"hunter2\"\r\nContent-Length: 7\r\n\r\nhunter2")
		return a, "", errors.New("wrong password")
	}
	a.addr = req.URL.Host
	return a, "HTTP/1.1 200 Connection established\r\nVia: 1.1 hunter2\r\n\r\n", nil
}

func mustParseProxy(t testing.TB, text string) Proxy {
	p, err := ParseProxy(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every transport goes through every proxy, with and without a password, to names, which are not resolved here, and to
// addresses.
func TestProxies(t *testing.T) {
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}}
	for _, proxy := range []string{"socks5", "http"} {
		for _, login := range []string{"", "ann:open sesame", "ann:"} {
			address, requests := proxyServer(t, proxy, login, "")
			userinfo := ""
			if login != "" {
				userinfo = strings.ReplaceAll(login, " ", "%20") + "@"
			}
			d := &Dialer{Proxy: mustParseProxy(t, proxy+"://"+userinfo+address), Roots: a.pool(), resolver: noNames(t)}
			for _, scheme := range []string{"tcp", "tls", "ws", "wss"} {
				for _, host := range []string{"pool.test", "127.0.0.1"} {
					target := host + ":" + echoServer(t, scheme, "127.0.0.1", config)
					t.Run(fmt.Sprintf("%s %q %s %s", proxy, login, scheme, host), func(t *testing.T) {
						c := mustEcho(t, d, scheme+"://"+target)
						if got := <-requests; got != (asked{target, login}) {
							t.Errorf("asked for %+v", got)
						}
						if !strings.Contains(c.RemoteAddr(), target) {
							t.Errorf("the peer is called %s", c.RemoteAddr())
						}
					})
				}
			}
		}
	}
}

// A certificate is judged by the server's name, not by the proxy's.
func TestProxyAndCertificate(t *testing.T) {
	a := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}}
	address, _ := proxyServer(t, "socks5", "", "")
	d := &Dialer{Proxy: mustParseProxy(t, "socks5://"+address), Roots: a.pool()}
	for _, scheme := range []string{"tls", "wss"} {
		port := echoServer(t, scheme, "127.0.0.1", config)
		mustEcho(t, d, scheme+"://pool.test:"+port)
		if err := dialFails(t, d, scheme+"://other.test:"+port); !errors.Is(err, ErrWrongHost) || errors.Is(err, ErrProxy) {
			t.Errorf("got %v", err)
		}
	}
}

// What the server says first is not lost with the proxy's words.
func TestProxyKeepsTheGreeting(t *testing.T) {
	for _, proxy := range []string{"socks5", "http"} {
		address, _ := proxyServer(t, proxy, "", "{\"hello\":1}\n")
		port := echoServer(t, "tcp", "127.0.0.1", nil)
		d := &Dialer{Proxy: mustParseProxy(t, proxy+"://"+address)}
		c, err := d.Dial(deadline(t), "tcp://pool.test:"+port, 1024)
		if err != nil {
			t.Fatal(err)
		}
		mustRead(t, c, `{"hello":1}`)
		c.Close()
	}
}

// A proxy that cannot be reached, or wants a password, has failed; nothing of the password or of its words is told.
func TestProxyFails(t *testing.T) {
	ln := listenOn(t, "127.0.0.1:0")
	held, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	free := held.LocalAddr().String() // taken, so that nothing else can come to listen there
	for _, proxy := range []string{"socks5", "http"} {
		err := dialFails(t, &Dialer{Proxy: mustParseProxy(t, proxy+"://ann:sesame@"+free)}, "tls://pool.test:1")
		if !errors.Is(err, ErrProxy) || !errors.Is(err, ErrRefused) {
			t.Errorf("%s that is not there: %v", proxy, err)
		}
		address, _ := proxyServer(t, proxy, "ann:sesame", "")
		for _, login := range []string{"", "ann:hunter2@", "bob@"} {
			err := dialFails(t, &Dialer{Proxy: mustParseProxy(t, proxy+"://"+login+address)}, "tcp://pool.test:1")
			if !errors.Is(err, ErrProxy) {
				t.Errorf("%s asked as %q: %v", proxy, login, err)
			}
		}
	}
}

// What a proxy may answer, and whose fault it then is. A server that it cannot reach is no fault of the proxy.
func TestProxyReplies(t *testing.T) {
	many := strings.Repeat("hunter2", 2000)
	for _, test := range []struct {
		proxy, name, text string
		want              error
		proxyFailed       bool
	}{
		{"socks5", "hangs up", "", nil, true},
		{"socks5", "another version", "\x04\x00", nil, true},
		{"socks5", "a web server", "HTTP/1.1 400 hunter2\r\n\r\n", nil, true},
		{"socks5", "no method", "\x05\xff", nil, true},
		{"socks5", "a method not offered", "\x05\x01", nil, true},
		{"socks5", "wrong version of the login", "\x05\x02\x05\x00", nil, true},
		{"socks5", "refuses the login", "\x05\x02\x01\x01", nil, true},
		{"socks5", "hangs up before the answer", "\x05\x00", nil, true},
		{"socks5", "an answer of another version", "\x05\x00\x04\x00\x00\x01", nil, true},
		{"socks5", "general failure", "\x05\x00\x05\x01\x00\x01", nil, true},
		{"socks5", "not allowed", "\x05\x00\x05\x02\x00\x01", nil, true},
		{"socks5", "no network", "\x05\x00\x05\x03\x00\x01", ErrUnreachable, false},
		{"socks5", "no such host", "\x05\x00\x05\x04\x00\x01", ErrUnreachable, false},
		{"socks5", "refused", "\x05\x00\x05\x05\x00\x01", ErrRefused, false},
		{"socks5", "expired", "\x05\x00\x05\x06\x00\x01", ErrTimeout, false},
		{"socks5", "no such command", "\x05\x00\x05\x07\x00\x01", nil, true},
		{"socks5", "a code of its own", "\x05\x00\x05\xee\x00\x01", nil, true},
		{"socks5", "torn", "\x05\x00\x05\x00\x00", nil, true},
		{"socks5", "a torn address", "\x05\x00\x05\x00\x00\x01\x00\x00", nil, true},
		{"socks5", "a torn name", "\x05\x00\x05\x00\x00\x03", nil, true},
		{"socks5", "an address of no kind", "\x05\x00\x05\x00\x00\x09", nil, true},

		{"http", "hangs up", "", nil, true},
		{"http", "garbage", "hunter2", nil, true},
		{"http", "socks", "\x05\x00", nil, true},
		{"http", "another version", "HTTP/2 200\r\n\r\n", nil, true},
		{"http", "no status", "HTTP/1.1\r\n\r\n", nil, true},
		{"http", "a short status", "HTTP/1.1 20\r\n\r\n", nil, true},
		{"http", "a long status", "HTTP/1.1 2000\r\n\r\n", nil, true},
		{"http", "a signed status", "HTTP/1.1 +20\r\n\r\n", nil, true},
		{"http", "an empty line", "\r\n\r\n", nil, true},
		{"http", "endless line", "HTTP/1.1 200 " + many, nil, true},
		{"http", "endless header", "HTTP/1.1 200 OK\r\nA: " + many, nil, true},
		{"http", "endless headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 2000), nil, true},
		{"http", "endless interim replies", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), nil, true},
		{"http", "switches protocols", "HTTP/1.1 101 hunter2\r\n\r\n", nil, true},
		{"http", "torn", "HTTP/1.1 200 OK\r\nVia: hunt", nil, true},
		{"http", "redirects", "HTTP/1.1 302 Found\r\nLocation: http://hunter2.test\r\n\r\n", nil, true},
		{"http", "forbids", "HTTP/1.1 403 hunter2\r\n\r\n", nil, true},
		{"http", "wants a password", "HTTP/1.1 407 hunter2\r\n\r\n", nil, true},
		{"http", "bad gateway", "HTTP/1.1 502 hunter2\r\n\r\n", ErrUnreachable, false},
		{"http", "unavailable", "HTTP/1.0 503\r\n\r\n", ErrUnreachable, false},
		{"http", "timeout", "HTTP/1.1 504 hunter2\n\n", ErrTimeout, false},
	} {
		t.Run(test.proxy+"/"+test.name, func(t *testing.T) {
			ln := listenOn(t, "127.0.0.1:0")
			serve(t, ln, func(c net.Conn) {
				io.WriteString(c, test.text)
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, c)
			})
			for _, login := range []string{"", "ann:sesame@"} {
				if login == "" && strings.HasPrefix(test.text, "\x05\x02") {
					continue // a method that was not offered then; asked for below
				}
				p := mustParseProxy(t, test.proxy+"://"+login+ln.Addr().String())
				err := dialFails(t, &Dialer{Proxy: p}, "tls://pool.test:1")
				if errors.Is(err, ErrProxy) != test.proxyFailed || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("got %v; want %v", err, test.want)
				}
			}
		})
	}
	for _, text := range []string{"\x05\x02", "\x05\x02\x01\x00"} { // a password is asked for, and we have none
		if err := (Proxy{scheme: "socks5"}).socks(&script{in: strings.NewReader(text)}, target{host: "pool.test", port: "1"}); !errors.Is(err, ErrProxy) {
			t.Errorf("got %v", err)
		}
	}
}

// script is a connection that says what it says.
type script struct {
	net.Conn
	in *strings.Reader
}

func (s *script) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error) { return len(b), nil }

// Time is bounded in every step, and the step says whose fault it is.
func TestProxyTakesTooLong(t *testing.T) {
	for _, test := range []struct {
		proxy, name, text string
		slowly            bool
		proxyFailed       bool
	}{
		{"socks5", "silence", "", false, true},
		{"socks5", "silence while it dials", "\x05\x00", false, false},
		{"socks5", "silence in the answer", "\x05\x00\x05\x00\x00\x03\xff", false, true},
		{"socks5", "slow drip", "\x05\x00\x05\x00\x00\x03\xff" + strings.Repeat("x", 255), true, true},
		{"http", "silence while it dials", "", false, false},
		{"http", "silence in the answer", "HTTP/1.1 200 OK\r\n", false, true},
		{"http", "slow drip", "HTTP/1.1 200 " + strings.Repeat("x", maxConnectReply), true, true},
	} {
		t.Run(test.proxy+"/"+test.name, func(t *testing.T) {
			ln := listenOn(t, "127.0.0.1:0")
			serve(t, ln, func(c net.Conn) {
				if test.slowly {
					drip(c, []byte(test.text))
				} else {
					io.WriteString(c, test.text)
				}
				io.Copy(io.Discard, c)
			})
			d := &Dialer{Proxy: mustParseProxy(t, test.proxy+"://"+ln.Addr().String()), timeout: 300 * time.Millisecond}
			err := dialFails(t, d, "tls://pool.test:1")
			// On a machine so slow that no step is reached in time, the fault is the first step's.
			if !errors.Is(err, ErrTimeout) || test.proxyFailed && !errors.Is(err, ErrProxy) {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := waiting(&net.OpError{Op: "read", Err: timeout{}}); !errors.Is(err, ErrTimeout) || errors.Is(err, ErrProxy) {
		t.Errorf("while the proxy dials: %v", err)
	}
}

type timeout struct{}

func (timeout) Error() string   { return "timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// after is what a reader has left.
func after(r io.Reader) string {
	b, _ := io.ReadAll(r)
	return string(b)
}

// An accepted reply ends where the server's words begin, whatever they are, and a refused one has a known error.
func fuzzReply(t *testing.T, data []byte, read func(io.Reader) error, limit int, whole func([]byte) bool) {
	r := bytes.NewReader(data)
	err := read(r)
	used := len(data) - r.Len()
	if used > limit {
		t.Fatalf("%d bytes were read", used)
	}
	if err != nil {
		for _, known := range []error{ErrProxy, ErrUnreachable, ErrRefused, ErrTimeout} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatalf("an error of no kind: %v", err)
	}
	if !whole(data[:used]) {
		t.Fatalf("took %q", data[:used])
	}
	r = bytes.NewReader(append(bytes.Clone(data[:used]), "server"...))
	if err := read(r); err != nil || after(r) != "server" {
		t.Fatalf("%q took of what follows: %v", data[:used], err)
	}
}

func FuzzSocksReply(f *testing.F) {
	f.Add([]byte("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50{}\n"))
	f.Add([]byte("\x05\x00\x00\x03\x04name\x00\x50"))
	f.Add([]byte("\x05\x05\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzReply(t, data, readSocksReply, 4+1+255+2, func(b []byte) bool {
			return b[0] == 5 && b[1] == 0 && len(b) == 6+map[byte]int{1: 4, 3: 1 + int(b[4]), 4: 16}[b[3]]
		})
	})
}

func FuzzConnectReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n{}\n"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204\n\n"))
	f.Add([]byte("HTTP/1.1 407 No\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzReply(t, data, readConnectReply, maxConnectReply, func(b []byte) bool {
			plain := bytes.ReplaceAll(b, []byte("\r"), nil)
			return bytes.HasSuffix(plain, []byte("\n\n")) && bytes.Contains(plain, []byte("HTTP/1."))
		})
	})
}
