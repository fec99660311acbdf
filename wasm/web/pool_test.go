//go:build !js

package web

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/address/v2"

	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/practice"
)

// pool is the practice network behind a page under test, with a tally of what went over the wire.
type pool struct {
	info  Info
	serve func(ctx context.Context, conn jsonrpc.Conn) error

	mu                                  sync.Mutex
	open, opened, shares, sharesGranted int
}

func (p *pool) options() Options {
	return Options{
		Info:  func() (i Info) { p.count(func() { i = p.info }); return },
		Allow: func(host string) bool { return host == "127.0.0.1" || host == "phone.test" },
		Stratum: func(ctx context.Context, conn jsonrpc.Conn) error {
			p.count(func() { p.open++; p.opened++ })
			defer p.count(func() { p.open-- })
			return p.serve(ctx, &tally{Conn: conn, pool: p, asked: map[string]bool{}})
		},
	}
}

func (p *pool) count(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *pool) connected() (n int)   { p.count(func() { n = p.open }); return }
func (p *pool) connections() (n int) { p.count(func() { n = p.opened }); return }
func (p *pool) submitted() (n int)   { p.count(func() { n = p.shares }); return }
func (p *pool) accepted() (n int)    { p.count(func() { n = p.sharesGranted }); return }

// forget sets the count of connections back.
func (p *pool) forget() { p.count(func() { p.opened = 0 }) }

// tally counts the shares on a connection, and those that the pool took.
type tally struct {
	jsonrpc.Conn
	pool *pool

	mu    sync.Mutex
	asked map[string]bool // ids of submissions without an answer
}

type wire struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
}

func (c *tally) ReadMessage(ctx context.Context) ([]byte, error) {
	b, err := c.Conn.ReadMessage(ctx)
	var m wire
	if err == nil && json.Unmarshal(b, &m) == nil && m.Method == "mining.submit" {
		c.mu.Lock()
		c.asked[string(m.ID)] = true
		c.mu.Unlock()
		c.pool.count(func() { c.pool.shares++ })
	}
	return b, err
}

func (c *tally) WriteMessage(ctx context.Context, b []byte) error {
	var m wire
	if json.Unmarshal(b, &m) == nil && m.Method == "" {
		c.mu.Lock()
		if c.asked[string(m.ID)] && string(m.Result) == "true" {
			c.pool.count(func() { c.pool.sharesGranted++ })
		}
		delete(c.asked, string(m.ID))
		c.mu.Unlock()
	}
	return c.Conn.WriteMessage(ctx, b)
}

// newPool opens a practice network of its own, whose first blocks any browser finds at once.
func newPool(t *testing.T) *pool {
	t.Helper()
	return newPoolOf(t, hasher.SHA256d, 50_000)
}

func newPoolOf(t *testing.T, algorithm hasher.Algorithm, hashrate float64) *pool {
	t.Helper()
	coins := coin.ForPractice(algorithm)
	params, err := coins.Params(coin.Practice)
	if err != nil {
		t.Fatal(err)
	}
	payout, err := address.NewAddressWitnessPubKeyHash(make([]byte, 20), params.Chain)
	if err != nil {
		t.Fatal(err)
	}
	network, err := practice.Open(practice.Config{
		Dir: t.TempDir(), Algorithm: algorithm, Hashrate: hashrate, Payout: payout.String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- network.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ran, network.Close()); err != nil {
			t.Errorf("practice network: %v", err)
		}
	})
	info := practiceInfo
	info.Payout, info.Algorithm = payout.String(), string(algorithm)
	return &pool{info: info, serve: network.StratumConn}
}
