//go:build !js

package poolapi

import (
	"context"
	"net/http"
	"time"

	"goldpan/vault"
	"goldpan/vault/reply"
)

// publicPool follows github.com/benjamin-wilson/public-pool of 27 April 2025, GET
// /api/client/ADDRESS (src/controllers/client/client.controller.ts). Each connection is a
// worker of its own; its hash rate is in H/s. An address that it has never seen gets an
// empty list.
type publicPool struct {
	*client
	address string
}

func (p publicPool) Stats(ctx context.Context) (Stats, error) {
	var r struct {
		Best    reply.Amount `json:"bestDifficulty"`
		Workers *[]struct {
			Name reply.Text   `json:"name"`
			Now  reply.Amount `json:"hashRate"`
			Seen reply.Text   `json:"lastSeen"`
		} `json:"workers"`
	}
	if err := p.call(ctx, vault.Request{Method: http.MethodGet, URL: "/api/client/" + p.address}, &r); err != nil {
		return Stats{}, err
	}
	if r.Workers == nil {
		return Stats{}, p.explain(reply.ErrUnreadable, "")
	}
	s := Stats{HashRate: "0", BestShare: r.Best}
	var list []Worker
	for _, w := range *r.Workers {
		last, err := time.Parse(time.RFC3339, string(w.Seen))
		if err != nil {
			last = time.Time{}
		}
		s.HashRate = s.HashRate.Add(w.Now)
		list = append(list, Worker{Name: w.Name, Online: time.Since(last) < quietAfter, HashRate: w.Now, LastShare: last.UTC()})
	}
	s.keep(list)
	return s, nil
}
