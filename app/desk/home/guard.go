package home

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds on one address, which for IPv6 is its /64: a neighbour has as many addresses as it likes.
const (
	connectRate, connectBurst = 20, 100  // connections a second
	requestRate, requestBurst = 100, 400 // requests for the page a second
	maxVisitors               = 4096     // addresses that are remembered
)

// crowd counts who is here: all together, and by address.
type crowd struct {
	max, each   int // connections, of all and of one address
	rate, burst float64
	now         func() time.Time

	mu   sync.Mutex
	here int
	by   map[netip.Prefix]*visitor
}

type visitor struct {
	here   int
	tokens float64
	last   time.Time
}

func newCrowd(most, each int, rate, burst float64) *crowd {
	return &crowd{max: most, each: each, rate: rate, burst: burst, now: time.Now, by: map[netip.Prefix]*visitor{}}
}

// neighbour is whom an address belongs to.
func neighbour(remote string) netip.Prefix {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{} // all who have none share one
	}
	ip := a.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the lengths are right
	return p
}

// enter lets one more in, or does not. Who is in stays until leave.
func (c *crowd) enter(who netip.Prefix) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.visitor(who)
	if c.here >= c.max || v.here >= c.each || !c.take(v) {
		return false
	}
	c.here++
	v.here++
	return true
}

func (c *crowd) leave(who netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here--
	c.visitor(who).here--
}

// ask takes one turn of an address, which stays for no time.
func (c *crowd) ask(who netip.Prefix) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(c.visitor(who))
}

func (c *crowd) take(v *visitor) bool {
	now := c.now()
	v.tokens = min(c.burst, v.tokens+c.rate*max(0, now.Sub(v.last).Seconds()))
	v.last = now
	if v.tokens < 1 {
		return false
	}
	v.tokens--
	return true
}

// visitor finds an address, or takes note of it. Whoever is not here may be forgotten for another.
func (c *crowd) visitor(who netip.Prefix) *visitor {
	v := c.by[who]
	if v == nil {
		if len(c.by) >= maxVisitors {
			for p, old := range c.by {
				if old.here == 0 {
					delete(c.by, p)
				}
			}
		}
		v = &visitor{tokens: c.burst, last: c.now()}
		c.by[who] = v
	}
	return v
}

// guarded is a listener that closes at once whoever is one too many.
type guarded struct {
	net.Listener
	crowd *crowd
}

func (g guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if who := neighbour(c.RemoteAddr().String()); g.crowd.enter(who) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { g.crowd.leave(who) })}, nil
		}
		_ = c.Close()
	}
}

// counted is a connection that a crowd counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// paced serves as many requests of one address as it may send.
func paced(next http.Handler) http.Handler {
	asked := newCrowd(0, 0, requestRate, requestBurst)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !asked.ask(neighbour(r.RemoteAddr)) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}
