//go:build !js

// Package fake plays exchanges and pools for tests. It speaks the wire forms that
// their documents describe, and checks signatures, nonces, clocks and limits with
// code of its own: it imports nothing of Goldpan.
//
// A Server is strict where a provider is: a wrong signature, an old timestamp, a
// nonce that does not grow, a spent limit are refused as the provider refuses them,
// and whoever goes on although told to wait is banned. It also fails on demand, as
// networks and providers do: see Fault.
package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Account is what a key opens, and what the key may do.
type Account struct {
	Key, Secret, Passphrase string
	// What the key may do.
	Read, Trade, Transfer, Withdraw bool
	Deposit                         bool // make addresses, where that is a right of its own
	Allowlist                       []string
	Expires                         time.Time
	// Free and held amounts by asset, as the provider writes them.
	Balances map[string][2]string
	// Addresses by asset.
	Addresses map[string]string
}

// Fault is what goes wrong with one request.
type Fault int

// The faults.
const (
	None    Fault = iota
	Broken        // 500
	Busy          // 429 with Retry-After
	Ban           // 418 with Retry-After, not earned
	Block         // 403 of a wall in front of the provider
	Slow          // the answer takes longer than anybody waits
	Cut           // the connection ends within the answer
	Garbage       // 200, and not what the documents say
	Skewed        // the provider's clock jumps by Server.Jump
	Words         // a limit told in the body, where the provider does that
	Faults        // how many there are
)

// Counts is what a Server saw.
type Counts struct {
	Requests  int // all that arrived
	Served    int // answered as asked
	Unsigned  int // refused for key, signature or nonce
	Late      int // refused for the time
	Limited   int // refused because a limit was spent
	Impatient int // arrived although silence was asked for
	Bans      int // earned by the client
	Injected  map[Fault]int
	Peak      float64 // the most that was spent of the limit, as a part of it
}

// A meter is a provider's own count of what was spent.
type meter interface {
	// spend charges a request and says whether it is over the limit, and the part
	// of the limit that is spent.
	spend(now time.Time, cost float64) (over bool, part float64)
}

// window counts in fixed windows, as Binance does.
type window struct {
	length time.Duration
	limit  float64
	start  time.Time
	used   float64
}

func (w *window) spend(now time.Time, cost float64) (bool, float64) {
	if start := now.Truncate(w.length); !start.Equal(w.start) {
		w.start, w.used = start, 0
	}
	w.used += cost
	return w.used > w.limit, w.used / w.limit
}

// decaying loses something every second, as Kraken's counter does.
type decaying struct {
	limit, rate, used float64
	at                time.Time
}

func (d *decaying) spend(now time.Time, cost float64) (bool, float64) {
	d.used = max(d.used-now.Sub(d.at).Seconds()*d.rate, 0) + cost
	d.at = now
	return d.used > d.limit, d.used / d.limit
}

// Server is one provider. It is an http.Handler.
type Server struct {
	Account Account
	// Plan says what goes wrong with the n-th request, from 0; nil for nothing.
	Plan func(n int) Fault
	// Jump is how far the clock jumps at a Skewed request, back and forth.
	Jump time.Duration
	// Silence is what Retry-After asks for in Busy and Ban.
	Silence time.Duration

	mu     sync.Mutex
	speak  provider
	counts Counts
	ahead  time.Duration // of the clock
	quiet  time.Time     // until when nobody is to ask
	nonce  uint64
	meters map[string]meter
}

// provider is how one of them talks.
type provider interface {
	// verify checks who asks; the answer says what is wrong, or is nil.
	verify(s *Server, r *http.Request, body []byte, now time.Time) *answer
	// cost is which meter a request is charged to, and how much; header, if any,
	// tells what is used.
	cost(path string) (meter string, cost float64, header string)
	// serve answers a request that is in order.
	serve(s *Server, r *http.Request, body []byte, now time.Time) answer
	// limited and late answer one that is not.
	limited() answer
}

// answer is a status and what is sent with it.
type answer struct {
	status int
	body   any
	header map[string]string
	why    *int // the count that it belongs to
}

func newServer(a Account, p provider, meters map[string]meter) *Server {
	return &Server{Account: a, speak: p, meters: meters, Jump: 90 * time.Second, Silence: 20 * time.Second, counts: Counts{Injected: make(map[Fault]int)}}
}

// Counts returns what was seen so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Injected = make(map[Fault]int)
	for f, n := range s.counts.Injected {
		c.Injected[f] = n
	}
	return c
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	fault, a := s.judge(r, body)
	switch fault {
	case Slow:
		select {
		case <-r.Context().Done():
		case <-time.After(2 * time.Minute):
		}
		return
	case Cut:
		w.Header().Set("Content-Length", "4096")
		_, _ = io.WriteString(w, `{"cut":`)
		panic(http.ErrAbortHandler)
	case Garbage:
		_, _ = io.WriteString(w, garbage[s.Counts().Requests%len(garbage)])
		return
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	if text, ok := a.body.(string); ok {
		_, _ = io.WriteString(w, text)
		return
	}
	_ = json.NewEncoder(w).Encode(a.body)
}

// garbage is what a provider never says.
var garbage = []string{"", "<html>maintenance</html>", "{", "[]", "null", `{"balances":[{"asset":"BTC","free":"NaN","locked":"1"}]}`, `{"code":0}{"code":0}`,
	strings.Repeat("[", 4000), `{"data":{"x":1e999}}`, `{"result":{"permissions":"all"},"error":[]}`, "\x00\xff"}

// judge says how a request is answered.
func (s *Server) judge(r *http.Request, body []byte) (Fault, answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.counts.Requests
	s.counts.Requests++
	now := time.Now()
	date := func(a answer) answer {
		if a.header == nil {
			a.header = make(map[string]string)
		}
		a.header["Date"] = now.Add(s.ahead).UTC().Format(http.TimeFormat)
		return a
	}
	if now.Before(s.quiet) {
		// As Binance does with who ignores 429.
		s.counts.Impatient++
		ban := min(2*time.Minute<<min(s.counts.Bans, 11), 72*time.Hour)
		s.counts.Bans++
		s.quiet = now.Add(ban)
		return None, date(answer{status: http.StatusTeapot, body: map[string]any{"code": -1003, "msg": "banned"}, header: map[string]string{"Retry-After": fmt.Sprint(int(ban.Seconds()))}})
	}
	fault := None
	if s.Plan != nil {
		fault = s.Plan(n)
	}
	s.counts.Injected[fault]++
	name, cost, header := s.speak.cost(r.URL.Path)
	var part float64
	if m := s.meters[name]; m != nil {
		over, p := m.spend(now, cost)
		part = p
		s.counts.Peak = max(s.counts.Peak, part)
		if over {
			s.counts.Limited++
			s.quiet = now.Add(s.Silence)
			a := s.speak.limited()
			if a.header["Retry-After"] != "" {
				a.header["Retry-After"] = fmt.Sprint(int(s.Silence.Seconds()))
			}
			return None, date(a)
		}
	}
	// RFC 9110 knows two forms.
	retry := map[string]string{"Retry-After": fmt.Sprint(int(s.Silence.Seconds()))}
	if n%2 == 1 {
		retry["Retry-After"] = now.Add(s.ahead + s.Silence).UTC().Format(http.TimeFormat)
	}
	switch fault {
	case Broken:
		return None, date(answer{status: http.StatusInternalServerError, body: "internal error"})
	case Busy:
		s.quiet = now.Add(s.Silence)
		return None, date(answer{status: http.StatusTooManyRequests, body: "{}", header: retry})
	case Ban:
		s.quiet = now.Add(s.Silence)
		return None, date(answer{status: http.StatusTeapot, body: "{}", header: retry})
	case Block:
		s.quiet = now.Add(5 * time.Second)
		return None, date(answer{status: http.StatusForbidden, body: "<html>blocked</html>"})
	case Words:
		a := s.speak.limited()
		if a.status != http.StatusOK {
			break
		}
		s.quiet = now.Add(5 * time.Second)
		return None, date(a)
	case Skewed:
		if s.ahead == 0 {
			s.ahead = s.Jump
		} else {
			s.ahead = 0
		}
	case Slow, Cut, Garbage:
		return fault, date(answer{})
	}
	if wrong := s.speak.verify(s, r, body, now.Add(s.ahead)); wrong != nil {
		if wrong.why != nil {
			*wrong.why++
		}
		return None, date(*wrong)
	}
	s.counts.Served++
	a := date(s.speak.serve(s, r, body, now.Add(s.ahead)))
	if header != "" {
		if w, ok := s.meters[name].(*window); ok {
			a.header[header] = fmt.Sprint(int(w.used))
		}
	}
	return None, a
}
