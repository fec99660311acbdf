package purse

import (
	"net/url"
	"slices"
	"strings"
)

// maxServer bounds a server's address, in bytes.
const maxServer = 512

// CheckServer refuses what is no wallet server's address, with ErrServer. It contacts nobody.
func CheckServer(text string) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxServer || u.User != nil || u.Hostname() == "" || u.Fragment != "" ||
		!slices.Contains([]string{"tls", "ssl", "tcp", "wss", "ws"}, u.Scheme) || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ErrServer
	}
	if u.Port() == "" && !strings.HasPrefix(u.Scheme, "ws") {
		return ErrServer
	}
	return nil
}

// Encrypted tells whether nobody on the way can read what is asked there.
func Encrypted(server string) bool {
	scheme, _, _ := strings.Cut(server, "://")
	return scheme == "tls" || scheme == "ssl" || scheme == "wss"
}

// Host is the part of a server's address that a person knows it by.
func Host(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	return u.Host
}
