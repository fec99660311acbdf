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

// ckpool follows the user statistics that ckpool writes, as solo.ckpool.org/users/ADDRESS
// shows them: src/stratifier.c and suffix_string in src/libckpool.c, read in a copy of June
// 2017 (ctubio/ckpool), with the fields that came later as known in November 2026. A hash
// rate is text such as "1.23T", "999" or "1e+03G". A worker's name is the address, "." or
// "_", and what the miner added.
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
		name := string(w.Name)
		if own, ok := strings.CutPrefix(name, p.address); ok && (own == "" || own[0] == '.' || own[0] == '_') {
			name = strings.TrimLeft(own, "._")
		}
		last := reply.Unix(w.Last)
		list = append(list, Worker{Name: reply.Text(name), Online: time.Since(last) < quietAfter, HashRate: w.Now.Amount, LastShare: last})
	}
	s.keep(list)
	return s, nil
}
