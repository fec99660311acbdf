package home

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// OwnName tells whether host, without a port, is this machine: a loopback name, the machine's own name, or an address of
// one of its interfaces.
func OwnName(host string) bool {
	if host == "localhost" {
		return true
	}
	if name, err := os.Hostname(); err == nil && (strings.EqualFold(host, name) || strings.EqualFold(host, name+".local")) {
		return true
	}
	asked, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if asked.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == asked.Unmap() {
			return true
		}
	}
	return false
}

// homeAddress is the address by which devices at home most likely reach this machine; 127.0.0.1 if it has no other.
func homeAddress() netip.Addr {
	best, rank := netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0
	interfaces, err := net.Interfaces()
	if err != nil {
		return best
	}
	route := routed()
	for _, i := range interfaces {
		// Tunnels lead point to point: what is behind them is not at home.
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagBroadcast == 0 {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			if r := rankOf(prefix.Addr().Unmap(), route); r > rank {
				best, rank = prefix.Addr().Unmap(), r
			}
		}
	}
	return best
}

// rankOf says how likely an address is the one by which devices at home come; 0 is never.
func rankOf(a, route netip.Addr) int {
	rank := 0
	switch {
	case a.IsLoopback(), a.IsLinkLocalUnicast(), !a.IsGlobalUnicast():
		return 0
	case a.Is4() && a.IsPrivate():
		rank = 7
	case a.Is4():
		rank = 5
	case a.IsPrivate():
		rank = 3
	default:
		rank = 1
	}
	if a == route {
		rank++
	}
	return rank
}

// routed is the address from which this machine would send to the world. Nothing is sent: a datagram socket is only told
// where it would send to, an address that is kept for documentation.
func routed() netip.Addr {
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// reach is the host and port by which devices find a listener.
func reach(l net.Addr, name string) string {
	a := l.(*net.TCPAddr).AddrPort()
	port, ip := strconv.Itoa(int(a.Port())), a.Addr().Unmap().WithZone("")
	switch {
	case name != "":
		return net.JoinHostPort(name, port)
	case ip.IsUnspecified():
		return net.JoinHostPort(homeAddress().String(), port)
	}
	return net.JoinHostPort(ip.String(), port)
}

// originOf is a host and port as an origin in a browser's form.
func originOf(scheme, host string) string {
	host = strings.ToLower(host)
	for s, port := range map[string]string{"http": ":80", "https": ":443"} {
		if s == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return scheme + "://" + host
}

// parsePublic reads --public-url: https, a host, perhaps a port, and nothing else.
func parsePublic(s string) (origin, host string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", "", ErrPublicURL
	}
	return originOf("https", u.Host), strings.ToLower(u.Hostname()), nil
}
