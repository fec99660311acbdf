package home

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestCrowd(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCrowd(5, 3, 1, 4)
	c.now = func() time.Time { return now }
	a, b := neighbour("192.168.1.2:1000"), neighbour("192.168.1.3:1000")
	in := func(who netip.Prefix, want bool, why string) {
		t.Helper()
		if got := c.enter(who); got != want {
			t.Errorf("%s: %v", why, got)
		}
	}
	in(a, true, "first")
	in(a, true, "second")
	in(a, true, "third")
	in(a, false, "a fourth of one address")
	in(b, true, "another address")
	in(b, true, "another address again")
	in(b, false, "more than may be in all")
	c.leave(a)
	in(a, true, "one has left") // its fourth token
	c.leave(a)
	in(a, false, "too often")
	now = now.Add(time.Second)
	in(a, true, "a second later")

	for i := range 3 * maxVisitors { // none of them is here
		c.ask(neighbour(fmt.Sprintf("10.%d.%d.1:1", i/256, i%256)))
	}
	if len(c.by) > maxVisitors {
		t.Errorf("%d addresses are remembered", len(c.by))
	}
	in(b, false, "who is here is not forgotten")
}

func TestNeighbour(t *testing.T) {
	for _, pair := range [][2]string{
		{"192.168.1.2:1", "192.168.1.2:9"}, {"[2001:db8::1]:1", "[2001:db8::ffff]:2"}, {"[::ffff:10.0.0.1]:1", "10.0.0.1:2"}, {"[fe80::1%eth0]:1", "[fe80::2%eth1]:1"}, {"", "@"},
	} {
		if neighbour(pair[0]) != neighbour(pair[1]) {
			t.Errorf("%s and %s are told apart", pair[0], pair[1])
		}
	}
	if neighbour("192.168.1.2:1") == neighbour("192.168.1.3:1") || neighbour("[2001:db8:0:1::1]:1") == neighbour("[2001:db8::1]:1") {
		t.Error("two neighbours are one")
	}
}

func TestRequestsArePaced(t *testing.T) {
	h := paced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	ask := func(from string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	refused := false
	for range 20 * requestBurst {
		refused = refused || ask("192.168.1.2:1") == http.StatusTooManyRequests
	}
	if !refused {
		t.Error("one address may ask without end")
	}
	if got := ask("192.168.1.3:1"); got != http.StatusOK {
		t.Errorf("another address: %d", got)
	}
}
