package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// pool is a Stratum server as simple as can be: it gives one easy job and takes
// every share. What it is told is kept.
type pool struct {
	addr string
	text string // for client.show_message, if not empty

	mu    sync.Mutex
	heard []string
}

// newPool serves on a loopback port, over TLS if config is not nil.
func newPool(t *testing.T, config *tls.Config) *pool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	p := &pool{addr: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			go p.serve(c)
		}
	}()
	return p
}

func (p *pool) serve(c net.Conn) {
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		p.mu.Lock()
		p.heard = append(p.heard, in.Text())
		p.mu.Unlock()
		var m struct {
			ID     json.RawMessage
			Method string
		}
		if json.Unmarshal(in.Bytes(), &m) != nil {
			return
		}
		result := "true"
		switch m.Method {
		case "mining.subscribe":
			result = `[[["mining.notify","1"]],"08000002",4]`
		case "mining.configure":
			result = `{}`
		case "mining.extranonce.subscribe":
			result = `false`
		}
		fmt.Fprintf(c, `{"id":%s,"result":%s,"error":null}`+"\n", m.ID, result)
		if m.Method != "mining.authorize" {
			continue
		}
		if p.text != "" {
			text, _ := json.Marshal(p.text)
			fmt.Fprintf(c, `{"id":null,"method":"client.show_message","params":[%s]}`+"\n", text)
		}
		_, _ = io.WriteString(c, `{"id":null,"method":"mining.set_difficulty","params":[0.001]}`+"\n"+
			`{"id":null,"method":"mining.notify","params":["1","`+strings.Repeat("00", 32)+`","01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff08","ffffffff0100f2052a01000000015100000000",[],"20000000","1d00ffff","`+
			fmt.Sprintf("%08x", time.Now().Unix())+`",true]}`+"\n")
	}
}

// said is all that the pool was told.
func (p *pool) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.heard, "\n")
}

// selfSigned makes a key and a certificate that nobody vouches for, and the
// fingerprint of the key.
func selfSigned(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, "sha256:" + hex.EncodeToString(sum[:])
}

// newProxy is an HTTP proxy for CONNECT, which counts what it is asked for.
func newProxy(t *testing.T) (addr string, asked func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	var hosts []string
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				request, err := http.ReadRequest(in)
				if err != nil || request.Method != http.MethodConnect {
					return
				}
				mu.Lock()
				hosts = append(hosts, request.Host)
				mu.Unlock()
				to, err := net.Dial("tcp", request.Host)
				if err != nil {
					_, _ = io.WriteString(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
					return
				}
				defer to.Close()
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
				go func() { _, _ = io.Copy(to, in) }()
				_, _ = io.Copy(c, to)
			}()
		}
	}()
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), hosts...)
	}
}

// refusing returns an address that refuses, and keeps doing so: one end of a
// connection holds it.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}
