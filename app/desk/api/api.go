// Package api tells other programs on this machine how mining goes, over HTTP: as
// JSON, described in OpenAPI 3.1, and as metrics for Prometheus. Who has the token
// may also pause mining, resume it, and change how much of the machine it uses.
//
// It listens on the loopback interface alone, and refuses every other address. It
// answers to names and addresses of the loopback interface alone, so that a web
// page cannot reach it under a name of its own; it refuses what other web pages
// send, and gives no page leave to read. Requests, their number, their rate and
// their time are bounded. Nothing that is sent to it is written down or repeated.
//
// Every program and every user of this machine may read without a token. So it
// tells no account, no payout address, no path, no part of a pool's address behind
// the port, and not when the person used the keyboard last.
//
// It follows RFC 9110 (HTTP), RFC 6750 (bearer tokens) and the OpenAPI
// Specification 3.1.
package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"goldpan/core"
	"goldpan/core/engine"
)

// Options say what is told, and what may be changed. The functions are called from
// several goroutines.
type Options struct {
	// Address is HOST:PORT, where the host is localhost or an address of the
	// loopback interface. Port 0 takes one that is free.
	Address string
	// Token lets whoever sends it change things; without one nobody can. See
	// [CheckToken].
	Token string

	Snapshot  func() core.Snapshot
	Rules     func() engine.Rules
	SetRules  func(engine.Rules) error
	SetPaused func(why string)
}

// Errors of options.
var (
	// ErrAddress: it is none of the loopback interface.
	ErrAddress = errors.New("this is no address of this machine alone")
	// ErrToken: it is too short to be safe, or cannot be sent.
	ErrToken = errors.New("a token has 16 to 256 letters, digits and signs, without spaces")
)

// Bounds of a token, in bytes.
const (
	minToken = 16
	maxToken = 256
)

// CheckToken refuses a token that is short, or that does not fit into a header.
func CheckToken(token string) error {
	if len(token) < minToken || len(token) > maxToken {
		return ErrToken
	}
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return ErrToken
		}
	}
	return nil
}

// bounds are what a caller may use up.
type bounds struct {
	connections int           // at once
	requests    int           // a second, of all callers together; also the most at once
	header      int           // bytes
	body        int64         // bytes
	read        time.Duration // for a request's header, and for all of it
	write       time.Duration // for the answer
	idle        time.Duration // between two requests
}

var usual = bounds{connections: 32, requests: 50, header: 8 << 10, body: 4 << 10, read: 5 * time.Second, write: 10 * time.Second, idle: 30 * time.Second}

// Server serves the interface.
type Server struct {
	options  Options
	writable bool              // there is a token
	token    [sha256.Size]byte // its digest
	bounds   bounds
	listener *listener
	server   *http.Server
	port     string
	routes   map[string]route
	rate     rate
	changing sync.Mutex
}

// Listen opens the address; Run serves it, and Close gives it back unserved.
func Listen(o Options) (*Server, error) { return listen(o, usual) }

func listen(o Options, b bounds) (*Server, error) {
	address, err := loopback(o.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, bounds: b, rate: rate{most: b.requests, left: float64(b.requests)}}
	if o.Token != "" {
		if err := CheckToken(o.Token); err != nil {
			return nil, err
		}
		s.token, s.writable = sha256.Sum256([]byte(o.Token)), true
		s.options.Token = ""
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve programs of this machine: %w", err)
	}
	s.listener = &listener{Listener: l, most: b.connections}
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	s.routes = s.table()
	s.server = &http.Server{
		Handler:                      s,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            b.read,
		ReadTimeout:                  b.read,
		WriteTimeout:                 b.write,
		IdleTimeout:                  b.idle,
		MaxHeaderBytes:               b.header,
		// It would write down what callers send.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return s, nil
}

// loopback returns the address to listen on. A name is not looked up: whoever
// answers for names would say where it listens.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", ErrAddress
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", ErrAddress
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if a, err := netip.ParseAddr(host); err != nil || !a.IsLoopback() || a.Zone() != "" {
		return "", ErrAddress
	}
	return net.JoinHostPort(host, port), nil
}

// URL is where it is served.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Run serves until ctx ends, which is no error, and every connection is closed.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer s.listener.wait()
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		_ = s.server.Close()
		return fmt.Errorf("serve programs of this machine: %w", err)
	}
	return nil
}

// Close gives the address back. It is for a Server that is not run.
func (s *Server) Close() error { return s.listener.Close() }

// listener takes only so many connections at once. One too many is closed at once
// rather than left to wait, so that who holds them all shuts nobody in.
type listener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open int
	all  sync.WaitGroup
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		full := l.open >= l.most
		if !full {
			l.open++
			l.all.Add(1)
		}
		l.mu.Unlock()
		if !full {
			return &conn{Conn: c, listener: l}, nil
		}
		_ = c.Close()
	}
}

// wait returns when the last connection is closed.
func (l *listener) wait() { l.all.Wait() }

type conn struct {
	net.Conn
	listener *listener
	once     sync.Once
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.listener.mu.Lock()
		c.listener.open--
		c.listener.mu.Unlock()
		c.listener.all.Done()
	})
	return err
}
