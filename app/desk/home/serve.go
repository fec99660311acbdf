package home

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"goldpan/core/gateway"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
	"goldpan/wasm/web"
)

// Bounds on what a listener takes. A device needs one connection; a browser that loads the page some more.
const (
	knocking    = 15 * time.Second // until a miner must have logged in, a TLS handshake be done, a request's head be there
	sendingTime = 2 * time.Minute  // that a file of the page may take
	idleTime    = time.Minute
	maxHeader   = 8 << 10
)

// listeners are the gateway's. Each may be nil.
type listeners struct {
	web, tcp, tls, control net.Listener
	controlFiles           []string // to remove in the end
}

func (l *listeners) close() error {
	var all error
	for _, each := range []net.Listener{l.web, l.tcp, l.tls, l.control} {
		if each != nil {
			if err := each.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				all = errors.Join(all, err)
			}
		}
	}
	for _, path := range l.controlFiles {
		all = errors.Join(all, removeFile(path))
	}
	return all
}

// listen opens all addresses.
func (g *Gateway) listen() (err error) {
	o := g.options
	if o.PublicURL != "" {
		if _, _, err := parsePublic(o.PublicURL); err != nil {
			return err
		}
	}
	if g.cert == nil && (o.ListenTLS != "" || o.PublicURL != "") {
		return ErrCertificate
	}
	most := 4*o.MaxDevices + 64
	each := o.MaxDevices + 16
	open := func(what, address string) (net.Listener, error) {
		if address == "" {
			return nil, nil
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return guarded{l, newCrowd(most, each, connectRate, connectBurst)}, nil
	}
	if g.listeners.web, err = open("serve the page", o.Web); err != nil {
		return err
	}
	// An invitation that nobody sees tells whether one can be made for this address.
	if _, err := invite.NewGate(invite.Config{}).Invite(g.origin()); g.origin() != "" && err != nil {
		if g.public() {
			return ErrPublicURL
		}
		return ErrWebHost
	}
	if g.listeners.tcp, err = open("serve miners", o.Listen); err != nil {
		return err
	}
	if g.listeners.tls, err = open("serve miners over tls", o.ListenTLS); err != nil {
		return err
	}
	return g.listenControl()
}

// servers are what runs on the listeners.
func (g *Gateway) servers() []func(context.Context) error {
	all := []func(context.Context) error{g.serveControl}
	if g.listeners.web != nil {
		all = append(all, g.serveWeb)
	}
	if g.listeners.tcp != nil {
		all = append(all, func(ctx context.Context) error { return g.serveMiners(ctx, g.listeners.tcp, nil) })
	}
	if g.listeners.tls != nil {
		all = append(all, func(ctx context.Context) error { return g.serveMiners(ctx, g.listeners.tls, g.cert.config()) })
	}
	return all
}

// public tells whether the page is a public https origin.
func (g *Gateway) public() bool { return g.options.PublicURL != "" }

// origin is what invitations are for; "" without a page.
func (g *Gateway) origin() string {
	switch {
	case g.listeners.web == nil:
		return ""
	case g.public():
		origin, _, _ := parsePublic(g.options.PublicURL) // it was read before
		return origin
	}
	name := ""
	if len(g.options.WebHosts) > 0 {
		name = g.options.WebHosts[0]
	}
	return originOf("http", reach(g.listeners.web.Addr(), name))
}

func (g *Gateway) page() string {
	if o := g.origin(); o != "" {
		return o + "/"
	}
	return ""
}

// stratum is where miners' programs find the gateway.
func (g *Gateway) stratum() []string {
	var all []string
	if l := g.listeners.tcp; l != nil {
		all = append(all, "stratum+tcp://"+reach(l.Addr(), ""))
	}
	if l := g.listeners.tls; l != nil {
		all = append(all, "stratum+tls://"+reach(l.Addr(), g.certified(l.Addr())))
	}
	return all
}

// certified is the name under which miners must ask for a listener, for their certificate to be good; "" where it is good
// for the address too.
func (g *Gateway) certified(at net.Addr) string {
	leaf := g.cert.current().Leaf
	if host, _, err := net.SplitHostPort(reach(at, "")); err != nil || leaf.VerifyHostname(host) == nil {
		return ""
	}
	for _, name := range leaf.DNSNames {
		if !strings.HasPrefix(name, "*") {
			return name
		}
	}
	return ""
}

// allowed tells whether the page is served under a name. At home that is this machine's, and what the person named; a
// public origin has its own name alone.
func (g *Gateway) allowed(host string) bool {
	if g.public() {
		_, name, _ := parsePublic(g.options.PublicURL)
		return host == name
	}
	return OwnName(host) || slices.ContainsFunc(g.options.WebHosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// serveWeb serves the page and its WebSockets until ctx ends.
func (g *Gateway) serveWeb(ctx context.Context) error {
	options := web.Options{Info: g.info, Allow: g.allowed,
		// Not where the request is answered: what net/http keeps for it, it would keep as long as the device stays.
		Device: func(_ context.Context, conn jsonrpc.Conn, origin string) error {
			if !g.visits.enter() {
				return conn.Close()
			}
			go func() {
				defer g.visits.leave()
				_ = g.serveDevice(ctx, conn, origin) // why it was sent away is its own affair
			}()
			return nil
		},
	}
	if g.public() && len(g.options.Electrum) > 0 {
		r := newRelay(g.options.Electrum, g.options.Dialer, g.options.MaxDevices)
		options.Electrum = func(ctx context.Context, conn jsonrpc.Conn) error {
			return g.visits.within(func() error { return r.serve(ctx, conn) })
		}
	}
	server := &http.Server{
		Handler: paced(web.Handler(options)),
		// A WebSocket takes its connection over, so these bound only requests.
		ReadHeaderTimeout: g.options.knocking,
		ReadTimeout:       g.options.knocking,
		WriteTimeout:      sendingTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no http/2: nothing here needs it
		ErrorLog:          log.New(io.Discard, "", 0),                               // it would hold strangers' words
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	l := g.listeners.web
	if g.public() {
		l = tls.NewListener(l, g.cert.config())
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

// serveDevice lets a page prove whose it is, and mine.
func (g *Gateway) serveDevice(ctx context.Context, conn jsonrpc.Conn, origin string) error {
	device, err := gateway.Greet(ctx, conn, g.gate, origin, g.options.Payee)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	return g.core.ServePage(ctx, conn, g.named(device.ID))
}

// serveMiners serves miners' programs until ctx ends.
func (g *Gateway) serveMiners(ctx context.Context, l net.Listener, secure *tls.Config) error {
	return g.accept(ctx, l, func(c net.Conn) { g.serveMiner(ctx, c, secure) })
}

// accept serves whoever comes until ctx ends.
func (g *Gateway) accept(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			if !g.visits.enter() {
				_ = c.Close()
				return nil
			}
			go func() {
				defer g.visits.leave()
				serve(c)
			}()
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept at %s: %w", l.Addr(), err)
		default: // too many open files, mostly: it passes
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func (g *Gateway) serveMiner(ctx context.Context, c net.Conn, secure *tls.Config) {
	if secure != nil {
		t := tls.Server(c, secure)
		shaking, cancel := context.WithTimeout(ctx, g.options.knocking)
		err := t.HandshakeContext(shaking)
		cancel()
		if err != nil {
			_ = c.Close()
			return
		}
		c = abrupt{t}
	}
	// Why a miner was sent away is its own affair.
	_ = g.core.ServeMiner(ctx, jsonrpc.NewLineConn(c, stratum.MaxMessage))
}

// abrupt closes without the farewell of TLS, which waits seconds for a peer that does not read.
type abrupt struct{ *tls.Conn }

func (c abrupt) Close() error { return c.NetConn().Close() }
