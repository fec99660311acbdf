package home

import (
	"errors"
	"net"
	"net/netip"
	"strings"
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

// What could be shown to nobody, or opened by nobody, is refused before anybody is invited.
func TestOptionsThatNobodyCanUse(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   error
	}{
		"as it is":                  {func(*Options) {}, nil},
		"a name":                    {func(o *Options) { o.WebHosts = []string{"gold.home"} }, nil},
		"a name with a space":       {func(o *Options) { o.WebHosts = []string{"gold home"} }, ErrWebHost},
		"a name that ends in a dot": {func(o *Options) { o.WebHosts = []string{"gold.home."} }, ErrWebHost},
		"a payee turned around":     {func(o *Options) { o.Payee.Name = "Ada\u202e" }, ErrPayee},
		"a payee that is no text":   {func(o *Options) { o.Payee.Address = "\xff" }, ErrPayee},
		"a long payee":              {func(o *Options) { o.Payee.Name = strings.Repeat("x", 121) }, ErrPayee},
	} {
		o := options(t, "", "")
		c.change(&o)
		g, err := New(o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Miners are sent to where the certificate is good.
func TestCertifiedName(t *testing.T) {
	o := options(t, "", "")
	o.CertFile, o.KeyFile, _ = certify(t, t.TempDir(), 1) // for 127.0.0.1 and home.test
	o.ListenTLS = "127.0.0.1:0"
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for ip, want := range map[string]string{"127.0.0.1": "", "::1": "home.test", "192.0.2.1": "home.test"} {
		if got := g.certified(&net.TCPAddr{IP: net.ParseIP(ip), Port: 3334}); got != want {
			t.Errorf("%s: %q", ip, got)
		}
	}
}
