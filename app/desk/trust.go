package desk

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldpan/core/jsonrpc"
	"goldpan/core/seal"
)

var (
	// ErrKnownServers says that the file of trusted servers cannot be used. It is left as it is, for an empty list
	// in its place would take a changed key for a new one.
	ErrKnownServers = errors.New("the list of trusted servers is damaged")
	// ErrServerAddress says that a server to be trusted is not host:port, or its fingerprint is none.
	ErrServerAddress = errors.New("not a server's address and fingerprint")
	// ErrTooManyServers says that no more servers can be remembered.
	ErrTooManyServers = errors.New("too many trusted servers")
)

const (
	knownServersFile    = "known-servers.json"
	knownServersVersion = 1
	maxKnownServers     = 1000
	maxKnownServersFile = 512 << 10
)

// KnownServer is a server whose key the person has compared and trusts, though no authority vouches for it.
type KnownServer struct {
	Host        string    `json:"host"`        // host:port, in lower case
	Fingerprint string    `json:"fingerprint"` // of the key, as jsonrpc.Pin writes it
	Since       time.Time `json:"since"`
}

// knownServers is the file.
type knownServers struct {
	Version int           `json:"version"`
	Servers []KnownServer `json:"servers"`
}

// KnownServers are the servers that are trusted on first use, with their keys, as known-servers.json in the data
// directory keeps them: pools and wallet servers alike, each by its host and port. Only a person adds one. It may be
// used by several goroutines; of the file there must be one KnownServers at a time, as the lock of a Desk sees to.
type KnownServers struct {
	path     string
	restored bool

	mu      sync.Mutex
	servers map[string]KnownServer
}

// OpenKnownServers reads the list in dir; a missing file is an empty list. A damaged one is set aside, under the name
// that seal.Damaged says, when the copy of the list before the last change is good, which then is used; see Restored.
// Otherwise the error is ErrKnownServers, names the file, and the file stays: nobody is trusted until the person has
// called ForgetKnownServers.
func OpenKnownServers(dir string) (*KnownServers, error) {
	k := &KnownServers{path: filepath.Join(dir, knownServersFile), servers: map[string]KnownServer{}}
	data, restored, err := seal.ReadFile(k.path, maxKnownServersFile, func(data []byte) error {
		_, err := parseKnownServers(data)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return k, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrKnownServers, k.path, err)
	}
	if k.servers, err = parseKnownServers(data); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKnownServers, k.path, err)
	}
	if restored {
		if err := seal.Mend(k.path, data, 0o600); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrKnownServers, k.path, err)
		}
		k.restored = true
	}
	return k, nil
}

// ForgetKnownServers begins a new list in dir. It is for the person whose list is damaged; the old file is kept, and
// its path returned.
func ForgetKnownServers(dir string) (kept string, err error) {
	path := filepath.Join(dir, knownServersFile)
	data, err := json.Marshal(knownServers{Version: knownServersVersion, Servers: []KnownServer{}})
	if err != nil {
		return "", err
	}
	if err := seal.Mend(path, data, 0o600); err != nil {
		return "", err
	}
	return path + seal.Damaged, nil
}

// parseKnownServers reads the file's content, which anybody may have changed. Its errors repeat nothing of it.
func parseKnownServers(data []byte) (map[string]KnownServer, error) {
	var file knownServers
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, errors.New("it is no JSON of the right shape")
	}
	switch {
	case file.Version > knownServersVersion:
		return nil, errors.New("a later version of Goldpan wrote it")
	case file.Version != knownServersVersion:
		return nil, errors.New("its version is missing")
	case len(file.Servers) > maxKnownServers:
		return nil, ErrTooManyServers
	}
	servers := make(map[string]KnownServer, len(file.Servers))
	for i, s := range file.Servers {
		host, err := serverAddress(s.Host)
		if err != nil || host != s.Host {
			return nil, fmt.Errorf("entry %d: %w", i+1, ErrServerAddress)
		}
		pin, err := jsonrpc.ParsePin(s.Fingerprint)
		if err != nil || pin.String() != s.Fingerprint {
			return nil, fmt.Errorf("entry %d: %w", i+1, ErrServerAddress)
		}
		if _, twice := servers[host]; twice {
			return nil, fmt.Errorf("entry %d stands there twice", i+1)
		}
		servers[host] = s
	}
	return servers, nil
}

// serverAddress brings host:port into the form that jsonrpc tells.
func serverAddress(s string) (string, error) {
	host, port, err := net.SplitHostPort(strings.ToLower(s))
	if err != nil || len(host) > 253 || host == "" {
		return "", ErrServerAddress
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", ErrServerAddress
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return net.JoinHostPort(ip.String(), port), nil
	}
	for _, c := range host {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return "", ErrServerAddress
		}
	}
	return net.JoinHostPort(host, port), nil
}

// Restored reports whether the file was damaged and the copy before the last change took its place: the person should
// look whether the list is right. The damaged file is kept beside it.
func (k *KnownServers) Restored() bool { return k.restored }

// Trust returns what a jsonrpc.Dialer asks. A known server with its known key is accepted, whatever else is wrong with
// its certificate: the person trusts the key. With another key it is refused as changed, until the person has removed
// it here. An unknown one is refused for the reason there is, and the caller may offer Add.
func (k *KnownServers) Trust() jsonrpc.Trust {
	return func(host string, leaf *x509.Certificate, why error) error {
		k.mu.Lock()
		known, ok := k.servers[host]
		k.mu.Unlock()
		switch {
		case !ok:
			return why
		case known.Fingerprint != jsonrpc.PinOf(leaf).String():
			return jsonrpc.ErrChanged
		}
		return nil
	}
}

// Add remembers a server that the person trusts from now on, as a jsonrpc.CertificateError names it. One that is known
// with another key is refused with jsonrpc.ErrChanged: it must be removed first, so that no single press of a button
// lets a stranger in.
func (k *KnownServers) Add(host, fingerprint string) error {
	host, err := serverAddress(host)
	if err != nil {
		return err
	}
	pin, err := jsonrpc.ParsePin(fingerprint)
	if err != nil {
		return ErrServerAddress
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.servers[host]
	switch {
	case ok && known.Fingerprint == pin.String():
		return nil
	case ok:
		return jsonrpc.ErrChanged
	case len(k.servers) >= maxKnownServers:
		return ErrTooManyServers
	}
	servers := maps.Clone(k.servers)
	servers[host] = KnownServer{Host: host, Fingerprint: pin.String(), Since: time.Now().UTC().Truncate(time.Second)}
	return k.keep(servers)
}

// Remove forgets a server; one that is not known is no error.
func (k *KnownServers) Remove(host string) error {
	host, err := serverAddress(host)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.servers[host]; !ok {
		return nil
	}
	servers := maps.Clone(k.servers)
	delete(servers, host)
	return k.keep(servers)
}

// keep writes the list, and uses it only when it is on the disk.
func (k *KnownServers) keep(servers map[string]KnownServer) error {
	data, err := json.MarshalIndent(knownServers{Version: knownServersVersion, Servers: sorted(servers)}, "", "\t")
	if err != nil {
		return err
	}
	if err := seal.WriteFile(k.path, append(data, '\n'), 0o600); err != nil {
		return err
	}
	k.servers = servers
	return nil
}

// List returns the known servers by host.
func (k *KnownServers) List() []KnownServer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return sorted(k.servers)
}

func sorted(servers map[string]KnownServer) []KnownServer {
	list := make([]KnownServer, 0, len(servers))
	for _, s := range servers {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b KnownServer) int { return cmp.Compare(a.Host, b.Host) })
	return list
}
