package jsonrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ErrAddress says that an address, of a server or of a proxy, cannot be read. The error does not repeat it: a
// password may stand in it.
var ErrAddress = errors.New("address not readable")

// Dialer opens connections. The zero value, and nil, dial directly and trust the system's roots. It keeps nothing
// between two dials: names are resolved anew at each. It may be used by several goroutines, and must not be changed
// while it is.
//
// Encrypted transports are TLS 1.2 or later with Go's choice of ciphers, and the server names itself by a
// certificate that the roots, a pin in the address, or Trust must vouch for; see [CertificateError]. There is no
// falling back to clear text, no redirect is followed, and no proxy is taken from the environment.
//
// A browser has its own roots and its own proxy: there, ws and wss alone can be dialled, and a Dialer with anything
// set is refused with ErrUnsupportedScheme, as is a pin.
type Dialer struct {
	// Proxy carries all connections when it is set. Names are then resolved by the proxy, never here.
	Proxy Proxy
	// Roots are the authorities that may sign certificates; nil stands for the system's.
	Roots *Roots
	// Trust is asked about a certificate that the roots do not vouch for; nil refuses them all.
	Trust Trust

	resolver *net.Resolver // nil: the system's
	timeout  time.Duration // 0: dialTimeout, or proxyTimeout
}

// Trust decides about a certificate that the roots do not verify: nil accepts it. The host is host:port as it was
// dialled, in lower case; the server has proved that it holds the leaf's key; why is ErrUnknownAuthority,
// ErrExpired, ErrWrongHost or ErrCertificate. An error that is ErrChanged says that another key was known for this
// host. It is called while a connection waits, by any goroutine.
type Trust func(host string, leaf *Leaf, why error) error

// Dial connects with the zero Dialer.
func Dial(ctx context.Context, rawURL string, limit int) (Conn, error) {
	return new(Dialer).Dial(ctx, rawURL, limit)
}

// Dial connects to a URL whose scheme names the transport: tcp and stratum+tcp for lines over TCP; tls, ssl,
// stratum+tls and stratum+ssl for lines over TLS; ws and wss for WebSocket. The limit is the longest message in bytes
// and counts for what is read.
//
// The address of an encrypted transport may hold pins (see [ParsePin]), as the query pin=sha256:…, several by
// repeating it. One of them must be the server's key, and then the roots are not asked: who proves to hold the
// pinned key is the server, whatever names and dates its certificate bears. A pin is not sent to the server.
//
// An error of the proxy is ErrProxy; the sentinels of this package say what went wrong.
func (d *Dialer) Dial(ctx context.Context, rawURL string, limit int) (Conn, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if d == nil {
		d = new(Dialer)
	}
	return d.dial(ctx, t, limit)
}

// Open connects as Dial does to an address of tcp or tls, and leaves it to the caller what is spoken there.
func (d *Dialer) Open(ctx context.Context, rawURL string) (net.Conn, error) {
	t, err := parseTarget(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if t.webSocket() {
		return nil, fmt.Errorf("dial: a WebSocket carries messages alone: %w", ErrUnsupportedScheme)
	}
	if d == nil {
		d = new(Dialer)
	}
	return d.open(ctx, t)
}

// browserRefuses says what a browser cannot do, so that it is never left out in silence.
func (d *Dialer) browserRefuses(t target) error {
	switch {
	case !t.webSocket():
		return fmt.Errorf("a browser opens no tcp connections: %w", ErrUnsupportedScheme)
	case !d.Proxy.IsZero() || d.Roots != nil || d.Trust != nil || d.resolver != nil || d.timeout != 0 || len(t.pins) > 0:
		return fmt.Errorf("proxies and certificates are the browser's own affair: %w", ErrUnsupportedScheme)
	}
	return nil
}

// target is an address taken apart.
type target struct {
	scheme     string // tcp, tls, ws or wss
	host, port string // in lower case, an IPv6 address without brackets
	url        string // for ws and wss, without its pins
	pins       []Pin
}

func (t target) addr() string    { return net.JoinHostPort(t.host, t.port) }
func (t target) encrypted() bool { return t.scheme == "tls" || t.scheme == "wss" }
func (t target) webSocket() bool { return t.scheme == "ws" || t.scheme == "wss" }

const (
	maxAddress = 2048
	maxName    = 253 // of a host, RFC 1035
	maxPins    = 8
)

var schemes = map[string]string{
	"tcp": "tcp", "stratum+tcp": "tcp",
	"tls": "tls", "ssl": "tls", "stratum+tls": "tls", "stratum+ssl": "tls",
	"ws": "ws", "wss": "wss",
}

func parseTarget(rawURL string) (target, error) {
	p, err := parseURL(rawURL)
	if err != nil {
		return target{}, err
	}
	t := target{scheme: schemes[p.Scheme]}
	if t.scheme == "" {
		return target{}, fmt.Errorf("unknown scheme: %w", ErrUnsupportedScheme)
	}
	if p.User != nil {
		return target{}, fmt.Errorf("%w: user and password do not belong into it", ErrAddress)
	}
	port := map[string]string{"ws": "80", "wss": "443"}[t.scheme]
	if t.host, t.port, err = hostPort(p, port); err != nil {
		return target{}, err
	}
	query, err := url.ParseQuery(p.RawQuery)
	if err != nil {
		return target{}, fmt.Errorf("%w: its query", ErrAddress)
	}
	if t.pins, err = parsePins(query["pin"]); err != nil {
		return target{}, err
	}
	if len(t.pins) > 0 {
		if !t.encrypted() {
			return target{}, fmt.Errorf("%w: a pin needs an encrypted connection", ErrAddress)
		}
		query.Del("pin")
		p.RawQuery = query.Encode()
	}
	if t.webSocket() {
		p.Host = t.addr()
		t.url = p.String()
	} else if p.Path != "" && p.Path != "/" || len(query) > 0 {
		return target{}, fmt.Errorf("%w: nothing may follow the port", ErrAddress)
	}
	return t, nil
}

// parseURL refuses what misleads a reader or a parser, and repeats nothing of the text.
func parseURL(rawURL string) (*url.URL, error) {
	if !strings.Contains(rawURL, "://") {
		return nil, fmt.Errorf("address without a scheme: %w", ErrUnsupportedScheme)
	}
	if len(rawURL) > maxAddress {
		return nil, fmt.Errorf("%w: too long", ErrAddress)
	}
	if strings.ContainsFunc(rawURL, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return nil, fmt.Errorf("%w: it holds a blank, a line break or an invisible character", ErrAddress)
	}
	p, err := url.Parse(rawURL)
	if err != nil { // its text holds the address
		return nil, fmt.Errorf("%w: not a URL", ErrAddress)
	}
	if p.Fragment != "" || strings.HasSuffix(rawURL, "#") {
		return nil, fmt.Errorf("%w: it holds a fragment", ErrAddress)
	}
	return p, nil
}

// hostPort returns a URL's host, in lower case and without brackets, and its port, or the default where there is
// none.
func hostPort(p *url.URL, port string) (string, string, error) {
	if p.Port() != "" {
		port = p.Port()
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", fmt.Errorf("%w: no port, or one out of range", ErrAddress)
	}
	host := strings.ToLower(p.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		if ip.Is6() != strings.HasPrefix(p.Host, "[") {
			return "", "", fmt.Errorf("%w: an IPv6 address stands in brackets", ErrAddress)
		}
		return ip.String(), port, nil
	}
	// Letters of other scripts that look like these would lead elsewhere.
	if host == "" || len(host) > maxName || strings.HasPrefix(p.Host, "[") || strings.ContainsFunc(host, notInName) {
		return "", "", fmt.Errorf("%w: no host, or one with unusual characters", ErrAddress)
	}
	return host, port, nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
