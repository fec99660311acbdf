package home

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"goldpan/core/jsonrpc"
)

// Bounds of a wallet's connection through the relay. A wallet may send a whole transaction, and ask for two thousand
// headers at once.
const (
	maxAsk, maxTell             = 1 << 20, 4 << 20 // bytes of a message, from the page and to it
	relayRate, relayBurst       = 20, 200          // messages a second from the page
	relayIdle                   = 10 * time.Minute
	relayBytes            int64 = 256 << 20 // that one connection may carry
	relayEach                   = 4         // wallets of one address at once
)

// relay carries a page's wallet to a wallet server of a fixed list, since a browser can open no TCP connection. It is no
// proxy: the page names no server, and says nothing but what the Electrum protocol has.
type relay struct {
	servers []string
	dialer  *jsonrpc.Dialer
	crowd   *crowd
}

func newRelay(servers []string, dialer *jsonrpc.Dialer, most int) *relay {
	return &relay{servers: slices.Clone(servers), dialer: dialer, crowd: newCrowd(most, relayEach, connectRate, connectBurst)}
}

var (
	errRelayFull = errors.New("relay: as many wallets as may be are connected, in all or from one address")
	errRelayTalk = errors.New("relay: not the wallet protocol")
	errRelayMuch = errors.New("relay: more than one wallet needs")
)

// serve carries one wallet until either side leaves.
func (r *relay) serve(ctx context.Context, page jsonrpc.Conn) error {
	defer page.Close()
	who := neighbour(page.RemoteAddr())
	if !r.crowd.enter(who) {
		return errRelayFull
	}
	defer r.crowd.leave(who)
	server, err := r.dial(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(relayIdle, cancel)
	defer idle.Stop()
	var carried atomic.Int64
	pass := func(from, to jsonrpc.Conn, check func([]byte) error) error {
		for {
			m, err := from.ReadMessage(ctx)
			if err != nil {
				return err
			}
			idle.Reset(relayIdle)
			if err := check(m); err != nil {
				return err
			}
			if carried.Add(int64(len(m))) > relayBytes {
				return errRelayMuch
			}
			if err := to.WriteMessage(ctx, m); err != nil {
				return err
			}
		}
	}
	ended := make(chan error, 2)
	pace := newPace(relayRate, relayBurst)
	go func() {
		ended <- pass(page, server, func(m []byte) error {
			if !asksWallet(m) {
				return errRelayTalk
			}
			return pace.wait(ctx)
		})
	}()
	go func() {
		ended <- pass(server, page, func([]byte) error { return nil })
	}()
	err = <-ended
	cancel()
	_, _ = page.Close(), server.Close()
	<-ended
	return err
}

// dial tries the servers in order.
func (r *relay) dial(ctx context.Context) (jsonrpc.Conn, error) {
	var all error
	for _, s := range r.servers {
		c, err := r.dialer.Dial(ctx, s, maxTell)
		if err == nil {
			return c, nil
		}
		all = errors.Join(all, err)
	}
	return nil, all
}

// asksWallet tells whether a message is a request, or a list of requests, of the Electrum protocol.
func asksWallet(m []byte) bool {
	if len(m) > maxAsk || jsonrpc.Depth(m) > 8 {
		return false
	}
	var list []map[string]json.RawMessage // a struct would match names without regard to case
	if strings.HasPrefix(strings.TrimLeft(string(m[:min(len(m), 8)]), " \t\r"), "[") {
		if json.Unmarshal(m, &list) != nil || len(list) > 100 {
			return false
		}
	} else {
		var one map[string]json.RawMessage
		if json.Unmarshal(m, &one) != nil {
			return false
		}
		list = append(list, one)
	}
	return len(list) > 0 && !slices.ContainsFunc(list, func(r map[string]json.RawMessage) bool {
		var method string
		if json.Unmarshal(r["method"], &method) != nil {
			return true
		}
		return !strings.HasPrefix(method, "blockchain.") && !strings.HasPrefix(method, "mempool.") &&
			!slices.Contains([]string{"server.version", "server.ping", "server.features", "server.banner"}, method)
	})
}

// pace lets so many through a second, and some more at once. It is used by one goroutine.
type pace struct {
	rate, burst, tokens float64
	last                time.Time
}

func newPace(rate, burst float64) *pace {
	return &pace{rate: rate, burst: burst, tokens: burst, last: time.Now()}
}

func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	p.tokens = min(p.burst, p.tokens+p.rate*now.Sub(p.last).Seconds())
	p.last = now
	p.tokens--
	if p.tokens >= 0 {
		return nil
	}
	timer := time.NewTimer(time.Duration(-p.tokens / p.rate * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
