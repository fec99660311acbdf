package stratum

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
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
	pin    string // of a certificate, as written
}

// ParseURL reads an address: stratum+tcp://host:port, stratum+tls:// (also stratum+ssl://) with an optional
// ?pin=sha256:…, ws:// and wss:// with an optional path. Encrypted ones are read, and refused when dialled until
// this build can verify certificates.
//
// It refuses what would mislead: user names and passwords in the address, which would end up in logs, blanks and
// line breaks, fragments, and a pin where there is no certificate. Errors are ErrScheme or ErrAddress, and do not
// repeat the text.
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
	if query.Has("pin") {
		// A plus of base64, left as it is in an address, is read as a blank.
		if u.pin = strings.ReplaceAll(query.Get("pin"), " ", "+"); !u.TLS() {
			return URL{}, fmt.Errorf("%w: a pin needs an encrypted connection", ErrAddress)
		}
		query.Del("pin")
	}
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
	if u.pin != "" {
		sep := "?"
		if strings.Contains(u.path, "?") {
			sep = "&"
		}
		s += sep + "pin=" + url.QueryEscape(u.pin)
	}
	return s
}

// Dial connects to the pool. Errors are those of jsonrpc.Dial.
func (u URL) Dial(ctx context.Context) (jsonrpc.Conn, error) {
	if u.IsZero() {
		return nil, fmt.Errorf("%w: none given", ErrAddress)
	}
	return jsonrpc.Dial(ctx, u.String(), MaxMessage)
}
