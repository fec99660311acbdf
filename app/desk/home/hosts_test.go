package home

import (
	"net"
	"net/netip"
	"testing"

	"goldpan/core/invite"
)

func TestReach(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8080} }
	for _, c := range []struct{ ip, name, want string }{
		{"192.168.1.20", "", "192.168.1.20:8080"},
		{"127.0.0.1", "", "127.0.0.1:8080"},
		{"0.0.0.0", "", net.JoinHostPort(homeAddress().String(), "8080")},
		{"::", "", net.JoinHostPort(homeAddress().String(), "8080")},
		{"::1", "", "[::1]:8080"},
		{"0.0.0.0", "gold.home", "gold.home:8080"},
	} {
		if got := reach(at(c.ip), c.name); got != c.want {
			t.Errorf("%s, %q: %s", c.ip, c.name, got)
		}
	}
	// Whatever it is, an invitation can be made for it.
	if _, err := invite.NewGate(invite.Config{}).Invite(originOf("http", reach(at("0.0.0.0"), ""))); err != nil {
		t.Errorf("no invitation for %s: %v", reach(at("0.0.0.0"), ""), err)
	}
	if a := homeAddress(); !OwnName(a.String()) {
		t.Errorf("%s is not this machine's", a)
	}
}

func TestRankOf(t *testing.T) {
	order := []string{"192.168.1.20", "203.0.113.5", "fd00::1", "2001:db8::1"}
	last := 100
	for _, a := range order {
		r := rankOf(netip.MustParseAddr(a), netip.Addr{})
		if r >= last || r == 0 {
			t.Errorf("%s ranks %d", a, r)
		}
		last = r
	}
	for _, a := range []string{"127.0.0.1", "::1", "169.254.1.1", "fe80::1", "224.0.0.1"} {
		if r := rankOf(netip.MustParseAddr(a), netip.Addr{}); r != 0 {
			t.Errorf("%s ranks %d", a, r)
		}
	}
	a := netip.MustParseAddr("10.0.0.2")
	if rankOf(a, a) <= rankOf(a, netip.Addr{}) {
		t.Error("the address that leads out counts no more than another")
	}
}

func TestPublicURL(t *testing.T) {
	for s, want := range map[string]string{"https://gold.example": "https://gold.example", "https://Gold.example:443/": "https://gold.example", "https://gold.example:8443": "https://gold.example:8443"} {
		if origin, host, err := parsePublic(s); err != nil || origin != want || host != "gold.example" {
			t.Errorf("%s: %s, %s, %v", s, origin, host, err)
		}
	}
	for _, s := range []string{"", "http://gold.example", "https://", "https://u:p@gold.example", "https://gold.example/page", "https://gold.example?x", "gold.example"} {
		if _, _, err := parsePublic(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
