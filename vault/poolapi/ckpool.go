//go:build !js

package poolapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// ckpool follows the user statistics that ckpool writes (README of
// bitbucket.org/ckolivas/ckpool, "users"), as solo.ckpool.org/users/ADDRESS shows
// them; as known in November 2026. A hash rate is text such as "1.23T".
type ckpool struct {
	*client
	address string
}

// quietAfter is how long after its last share a worker counts as gone, where the pool
// does not say.
const quietAfter = 15 * time.Minute

// short is a hash rate with a letter behind it.
type short struct{ reply.Amount }

func (s *short) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	number := strings.TrimRight(text, letters)
	n, ok := power(text[len(number):])
	a, err := reply.ParseAmount(number)
	if !ok || err != nil {
		return reply.ErrUnreadable
	}
	s.Amount = a.Times(n)
	return nil
}

func (p ckpool) Stats(ctx context.Context) (Stats, error) {
	var r struct {
		Now    *short       `json:"hashrate5m"`
		Day    short        `json:"hashrate1d"`
		Last   reply.Amount `json:"lastshare"`
		Best   reply.Amount `json:"bestshare"`
		Worker []struct {
			Name reply.Text   `json:"workername"`
			Now  short        `json:"hashrate5m"`
			Last reply.Amount `json:"lastshare"`
		} `json:"worker"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/users/" + p.address}, &r); err != nil {
		return Stats{}, err
	}
	if r.Now == nil {
		return Stats{}, p.explain(reply.ErrUnreadable, "")
	}
	s := Stats{HashRate: r.Now.Amount, HashRate1: r.Day.Amount, BestShare: r.Best, LastShare: reply.Unix(r.Last)}
	var list []Worker
	for _, w := range r.Worker {
		name := strings.TrimPrefix(strings.TrimPrefix(string(w.Name), p.address), ".")
		last := reply.Unix(w.Last)
		list = append(list, Worker{Name: reply.Text(name), Online: time.Since(last) < quietAfter, HashRate: w.Now.Amount, LastShare: last})
	}
	s.keep(list)
	return s, nil
}
