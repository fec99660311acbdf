package vault

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// parseOrigin reads the address of a provider: a scheme and a host, and nothing
// after them. Clear text goes to loopback alone.
func parseOrigin(s string) (*url.URL, error) {
	bad := errors.New("an endpoint is https:// and a host, without a path; http:// is for this machine alone (127.0.0.1 or [::1])")
	u, err := url.Parse(s)
	if err != nil || len(s) > maxEndpoint || u.User != nil || u.Opaque != "" || s != u.Scheme+"://"+u.Host || !plainHost(u) {
		return nil, bad
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !loopback(u.Hostname()) {
			return nil, bad
		}
	default:
		return nil, bad
	}
	return u, nil
}

// plainHost says whether a host is spelled in its one way: lower-case ASCII, no dot
// at its end, and no port that goes without saying. Another spelling would reach
// the same host, or one that looks like it, under a name that no list knows.
func plainHost(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if host == "" || strings.HasSuffix(host, ".") || strings.Contains(host, "..") ||
		strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._:") != "" {
		return false
	}
	if strings.Contains(host, ":") {
		if a, err := netip.ParseAddr(host); err != nil || a.String() != host || a.Is4In6() {
			return false
		}
	}
	spelled := host
	if strings.Contains(host, ":") {
		spelled = "[" + host + "]"
	}
	if port == "" {
		return u.Host == spelled
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1<<16 && strconv.Itoa(n) == port && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] && u.Host == spelled+":"+port
}

// loopback takes addresses alone: a name can be pointed elsewhere.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// parseTokenURL reads the address that renews an OAuth 2.0 token.
func parseTokenURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxTokenURL || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("a token's address is https://, a host and a path")
	}
	if _, err := parseOrigin(u.Scheme + "://" + u.Host); err != nil || u.User != nil {
		return nil, errors.New("a token's address is https://, a host and a path")
	}
	return u, nil
}

// parsePin reads "sha256:" and the base64 of a hash.
func parsePin(s string) ([sha256.Size]byte, error) {
	var pin [sha256.Size]byte
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(s, "sha256:"))
	if err != nil || !strings.HasPrefix(s, "sha256:") || len(b) != len(pin) {
		return pin, errors.New("a pin is sha256: and 44 characters of base64")
	}
	return [sha256.Size]byte(b), nil
}

// Provider is one who issues keys: where its key is used, what it may do at
// most, and what a person does there.
type Provider struct {
	Name   string `json:"name"` // as in Entry.Provider
	Title  string `json:"title"`
	Kind   Kind   `json:"kind"`
	Scheme Scheme `json:"scheme"`
	// Schemes are further ones that it takes.
	Schemes []Scheme `json:"schemes,omitempty"`
	Field   string   `json:"field,omitempty"`
	// Hosts are its origins; the first is proposed.
	Live []string `json:"live"`
	Test []string `json:"test,omitempty"`
	// Parts are the words by which it calls a Credential's key, secret and
	// passphrase; "" for a part that it does not have.
	Parts [3]string `json:"parts"`
	// Steps tell how to make a key with the least rights; Revoke how to end
	// one; Support where to ask. They are for a person, a line each.
	Steps   []string `json:"steps"`
	Revoke  []string `json:"revoke"`
	Support string   `json:"support"`
	Source  string   `json:"source"` // its documents
}

//go:embed providers.json
var providersJSON []byte

var providers = sync.OnceValue(func() []Provider {
	var list []Provider
	if err := json.Unmarshal(providersJSON, &list); err != nil {
		panic("vault: providers.json: " + err.Error())
	}
	return list
})

// Providers lists those that Goldpan knows, by name.
func Providers() []Provider { return slices.Clone(providers()) }

// ProviderOf returns one of Providers.
func ProviderOf(name string) (Provider, bool) {
	i := slices.IndexFunc(providers(), func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return providers()[i], true
}

// Origins are the provider's own for an environment.
func (p Provider) Origins(e Environment) []string {
	if e == Live {
		return p.Live
	}
	return p.Test
}

// ErrEnvironment says that keys for real money and keys for tests would be mixed.
var ErrEnvironment = errors.New("real and test keys are not mixed")

// checkProviderHost keeps keys for real money and keys for tests apart: a host
// that is known as one is refused to the other, and a provider's key goes to its
// own hosts, or to this machine.
func checkProviderHost(provider string, environment Environment, endpoint string) error {
	for _, p := range providers() {
		other := p.Test
		if environment != Live {
			other = p.Live
		}
		if slices.Contains(other, endpoint) && !slices.Contains(p.Origins(environment), endpoint) {
			return fmt.Errorf("%w: %s is not for %s keys", ErrEnvironment, endpoint, environment)
		}
		if p.Name != provider || slices.Contains(p.Origins(environment), endpoint) {
			continue
		}
		if u, err := parseOrigin(endpoint); err != nil || !loopback(u.Hostname()) {
			return fmt.Errorf("a key of %s goes to its own addresses alone: %s", p.Title, strings.Join(p.Origins(environment), ", "))
		}
	}
	return nil
}
