package stratum

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"goldpan/core/jsonrpc"
)

// URL is a pool's address. It is comparable; the zero value is no address. It never holds a user or a password.
type URL struct {
	scheme string // stratum+tcp, stratum+tls, ws or wss
	host   string // host:port
	path   string // for ws and wss, with its query, beginning with a slash
	pins   string // of the server's key, as a query; "" for none
}

// ParseURL reads an address: stratum+tcp://host:port, stratum+tls:// (also stratum+ssl://), ws:// and wss:// with an
// optional path. The encrypted ones take pins as jsonrpc.Dialer knows them, ?pin=sha256:….
//
// It refuses what would mislead: user names and passwords in the address, which would end up in logs, blanks and
// line breaks, fragments, a pin that is none, and one where there is no certificate. Errors are ErrScheme or
// ErrAddress, and do not repeat the text.
func ParseURL(s string) (URL, error) {
	if len(s) > 2048 {
		return URL{}, fmt.Errorf("%w: too long", ErrAddress)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return URL{}, fmt.Errorf("%w: it holds a blank, a line break or an invisible character", ErrAddress)
	}
	scheme, _, ok := strings.Cut(s, "://")
	if !ok {
		return URL{}, fmt.Errorf("%w: it must begin with stratum+tcp:// or ws://", ErrScheme)
	}
	var u URL
	switch strings.ToLower(scheme) {
	case "stratum+tcp":
		u.scheme = "stratum+tcp"
	case "stratum+tls", "stratum+ssl":
		u.scheme = "stratum+tls"
	case "ws", "wss":
		u.scheme = strings.ToLower(scheme)
	default:
		return URL{}, fmt.Errorf("%w: known are stratum+tcp, stratum+tls, ws and wss", ErrScheme)
	}
	p, err := url.Parse(s)
	switch {
	case err != nil: // its text holds the address
		return URL{}, fmt.Errorf("%w: not a URL", ErrAddress)
	case p.User != nil:
		return URL{}, fmt.Errorf("%w: user and password do not belong into the address", ErrAddress)
	case p.Fragment != "" || strings.HasSuffix(s, "#"):
		return URL{}, fmt.Errorf("%w: it holds a fragment", ErrAddress)
	case p.Hostname() == "":
		return URL{}, fmt.Errorf("%w: no host", ErrAddress)
	}
	if u.host, err = hostPort(p, u.webSocket()); err != nil {
		return URL{}, err
	}
	query, err := url.ParseQuery(p.RawQuery)
	if err != nil {
		return URL{}, fmt.Errorf("%w: query not readable", ErrAddress)
	}
	if query.Has("pin") && !u.TLS() {
		return URL{}, fmt.Errorf("%w: a pin needs an encrypted connection", ErrAddress)
	}
	if u.pins, err = pinQuery(query["pin"]); err != nil {
		return URL{}, err
	}
	query.Del("pin")
	if !u.webSocket() {
		if strings.Trim(p.Path, "/") != "" || len(query) > 0 {
			return URL{}, fmt.Errorf("%w: nothing may follow the port", ErrAddress)
		}
		return u, nil
	}
	u.path = p.EscapedPath()
	if u.path == "" {
		u.path = "/"
	}
	if len(query) > 0 {
		u.path += "?" + query.Encode()
	}
	return u, nil
}

// pinQuery writes pins in their plain form.
func pinQuery(list []string) (string, error) {
	var pins []string
	for _, text := range list {
		p, err := jsonrpc.ParsePin(text)
		if err != nil {
			return "", fmt.Errorf("%w: a pin is sha256: and 64 hexadecimal digits", ErrAddress)
		}
		if q := "pin=" + p.String(); !slices.Contains(pins, q) {
			pins = append(pins, q)
		}
	}
	return strings.Join(pins, "&"), nil
}

func hostPort(p *url.URL, webSocket bool) (string, error) {
	port := p.Port()
	if port == "" {
		if !webSocket {
			return "", fmt.Errorf("%w: no port", ErrAddress)
		}
		if port = "80"; strings.EqualFold(p.Scheme, "wss") {
			port = "443"
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%w: port out of range", ErrAddress)
	}
	host := strings.ToLower(p.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return net.JoinHostPort(ip.String(), port), nil
	}
	// Letters of other scripts that look like these would lead elsewhere.
	if strings.ContainsFunc(host, notInName) {
		return "", fmt.Errorf("%w: host name with unusual characters", ErrAddress)
	}
	return net.JoinHostPort(host, port), nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

func (u URL) webSocket() bool { return u.scheme == "ws" || u.scheme == "wss" }

// TLS reports whether the connection is to be encrypted.
func (u URL) TLS() bool { return u.scheme == "stratum+tls" || u.scheme == "wss" }

// IsZero reports whether u is no address at all.
func (u URL) IsZero() bool { return u == URL{} }

// Host returns host and port.
func (u URL) Host() string { return u.host }

// String returns the address in its plain form, which ParseURL reads back; "" for the zero value.
func (u URL) String() string {
	if u.IsZero() {
		return ""
	}
	s := u.scheme + "://" + u.host + u.path
	if u.pins != "" {
		sep := "?"
		if strings.Contains(u.path, "?") {
			sep = "&"
		}
		s += sep + u.pins
	}
	return s
}

// Dial connects to the pool through d, of which nil stands for the zero value. Errors are those of jsonrpc.Dialer.
func (u URL) Dial(ctx context.Context, d *jsonrpc.Dialer) (jsonrpc.Conn, error) {
	if u.IsZero() {
		return nil, fmt.Errorf("%w: none given", ErrAddress)
	}
	return d.Dial(ctx, u.String(), MaxMessage)
}
