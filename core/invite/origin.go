package invite

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// ErrOrigin is returned for an origin that is none, or is not the gateway's.
var ErrOrigin = errors.New("the address is not the one that the invitation is for")

// checkOrigin takes an origin in a browser's form and nothing else, so that two
// ways to write one are never two origins in a proof.
func checkOrigin(origin string) error {
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return ErrOrigin
	}
	if rest, found := strings.CutPrefix(host, "["); found {
		address, port, closed := strings.Cut(rest, "]")
		a, err := netip.ParseAddr(address)
		if !closed || err != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" || a.String() != address {
			return ErrOrigin
		}
		return checkPort(scheme, port)
	}
	name, port := host, ""
	if i := strings.IndexByte(host, ':'); i >= 0 {
		name, port = host[:i], host[i:]
	}
	if err := checkName(name); err != nil {
		return err
	}
	return checkPort(scheme, port)
}

func checkName(name string) error {
	if len(name) == 0 || len(name) > 253 {
		return ErrOrigin
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return ErrOrigin
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return ErrOrigin
			}
		}
	}
	// Browsers take a name whose last label looks like a number for an address, however it is written.
	last := labels[len(labels)-1]
	if last[0] >= '0' && last[0] <= '9' {
		if a, err := netip.ParseAddr(name); err != nil || !a.Is4() || a.String() != name {
			return ErrOrigin
		}
	}
	return nil
}

// checkPort takes "" or ":PORT", where PORT is not the scheme's own.
func checkPort(scheme, port string) error {
	if port == "" {
		return nil
	}
	digits, ok := strings.CutPrefix(port, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || n == 0 || strconv.FormatUint(n, 10) != digits ||
		scheme == "http" && n == 80 || scheme == "https" && n == 443 {
		return ErrOrigin
	}
	return nil
}
