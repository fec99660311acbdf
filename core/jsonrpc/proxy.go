package jsonrpc

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrProxy says that the proxy failed: it cannot be reached, is none, or refuses us. A server that cannot be reached
// through a proxy that works is ErrRefused, ErrUnreachable or ErrTimeout, as far as the proxy tells.
var ErrProxy = errors.New("the proxy does not serve")

// ErrUnreachable says that the proxy works, and found no way to the server.
var ErrUnreachable = errors.New("the proxy cannot reach the server")

// Proxy is a proxy's address, with its user and password. It is comparable; the zero value is no proxy. However it
// is printed, the password is not.
type Proxy struct {
	scheme         string // socks5 or http
	host, port     string // an IPv6 address without brackets
	user, password string
}

// maxCredential is what SOCKS5 can carry (RFC 1929).
const maxCredential = 255

// ParseProxy reads socks5://[user:password@]host:port (also socks5h://, which means the same here: the proxy
// resolves the names), or http://[user:password@]host:port for a proxy that is asked with CONNECT. An empty text is
// no proxy. User and password go to the proxy in clear, as both protocols have it.
//
// Errors are ErrAddress or ErrUnsupportedScheme, and do not repeat the text.
func ParseProxy(s string) (Proxy, error) {
	if s == "" {
		return Proxy{}, nil
	}
	u, err := parseURL(s)
	if err != nil {
		return Proxy{}, fmt.Errorf("proxy: %w", err)
	}
	var p Proxy
	switch u.Scheme {
	case "socks5", "socks5h":
		p.scheme = "socks5"
	case "http":
		p.scheme = "http"
	default:
		return Proxy{}, fmt.Errorf("proxy: known are socks5 and http: %w", ErrUnsupportedScheme)
	}
	if p.host, p.port, err = hostPort(u, ""); err != nil {
		return Proxy{}, fmt.Errorf("proxy: %w", err)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery {
		return Proxy{}, fmt.Errorf("proxy: %w: nothing may follow the port", ErrAddress)
	}
	p.user = u.User.Username()
	p.password, _ = u.User.Password()
	switch {
	case len(p.user) > maxCredential || len(p.password) > maxCredential:
		return Proxy{}, fmt.Errorf("proxy: %w: user or password over %d bytes", ErrAddress, maxCredential)
	case p.user == "" && u.User != nil:
		return Proxy{}, fmt.Errorf("proxy: %w: a password without a user", ErrAddress)
	case p.scheme == "http" && strings.Contains(p.user, ":"):
		return Proxy{}, fmt.Errorf("proxy: %w: a colon in the user's name", ErrAddress)
	}
	return p, nil
}

// IsZero reports whether p is no proxy.
func (p Proxy) IsZero() bool { return p == Proxy{} }

// String returns the proxy's address without user and password; "" for none.
func (p Proxy) String() string {
	if p.IsZero() {
		return ""
	}
	return p.scheme + "://" + target{host: p.host, port: p.port}.addr()
}

// Format hides the password from every verb.
func (p Proxy) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }
