//go:build !js

package web

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"

	"goldpan/core/gateway"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// home is a gateway on the practice network with its page: what a person has at home.
type home struct {
	t       *testing.T
	network *pool
	gate    *invite.Gate
	page    http.Handler

	byNumber, byName string // the page's addresses

	mu    sync.Mutex
	info  Info
	payee invite.Payee
	cut   bool // the network between the page and the gateway
	open  map[net.Conn]struct{}
	run   *gatewayRun
	met   int // connections that were let in
}

// gatewayRun is a gateway from its start to its end.
type gatewayRun struct {
	*gateway.Gateway
	ctx  context.Context
	stop func()
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, network: newPool(t), gate: invite.NewGate(invite.Config{}), open: map[net.Conn]struct{}{}}
	h.info = h.network.info
	h.info.Join, h.info.PayeeName = true, "Ada's wallet"
	h.payee = invite.Payee{Name: h.info.PayeeName, Address: h.info.Payout}
	h.page = newServer(builtPage(t), Options{
		Info:   func() Info { h.mu.Lock(); defer h.mu.Unlock(); return h.info },
		Allow:  func(host string) bool { return host == "127.0.0.1" || host == "phone.test" },
		Device: h.device,
	})
	h.byNumber, h.byName = serveThrough(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		cut := h.cut
		h.mu.Unlock()
		if cut {
			panic(http.ErrAbortHandler) // nothing answers
		}
		h.page.ServeHTTP(w, r)
	}), h.state)
	h.start()
	t.Cleanup(h.end)
	return h
}

// state keeps hold of the connections, to cut them.
func (h *home) state(c net.Conn, s http.ConnState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s == http.StateClosed {
		delete(h.open, c)
	} else {
		h.open[c] = struct{}{}
	}
}

// start starts a gateway, as after the computer was switched on. Its devices were kept.
func (h *home) start() {
	h.t.Helper()
	upstream, err := stratum.ParseURL("stratum+tcp://practice.test:3333")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	g, err := gateway.New(gateway.Config{
		Pools:     []stratum.Pool{{URL: upstream, User: h.info.Payout, Password: "x"}},
		Algorithm: hasher.SHA256d,
		Payee:     gateway.Payee{Name: h.payee.Name, Address: h.payee.Address},
		Devices:   nobodyElse{},
		Client: stratum.Config{Dial: func(context.Context, stratum.URL) (jsonrpc.Conn, error) {
			here, there := net.Pipe()
			served.Go(func() { _ = h.network.serve(ctx, jsonrpc.NewLineConn(there, stratum.MaxMessage)) })
			return jsonrpc.NewLineConn(here, stratum.MaxMessage), nil
		}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(ctx) }()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run = &gatewayRun{g, ctx, func() {
		cancel()
		if err := <-ran; err != nil {
			h.t.Error(err)
		}
		served.Wait()
	}}
}

// end ends the gateway, and with it the connections of its devices.
func (h *home) end() {
	h.mu.Lock()
	run := h.run
	h.run = nil
	h.mu.Unlock()
	if run != nil {
		run.stop()
	}
}

// cutting cuts the network, or mends it.
func (h *home) cutting(cut bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut = cut
	if cut {
		for c := range h.open {
			c.Close()
		}
	}
}

// device serves one page, once it has proved that it was invited.
func (h *home) device(ctx context.Context, conn jsonrpc.Conn, origin string) error {
	h.mu.Lock()
	run, payee := h.run, h.payee
	h.mu.Unlock()
	if run == nil {
		return conn.Close()
	}
	d, err := gateway.Greet(ctx, conn, h.gate, origin, payee)
	if err != nil {
		conn.Close()
		return err
	}
	h.mu.Lock()
	h.met++
	h.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(run.ctx, cancel)()
	return run.ServePage(ctx, conn, gateway.Device{ID: d.ID.String(), Name: "a device"})
}

// pays has the gateway pay another, from the next greeting on.
func (h *home) pays(name, address string, told bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.payee = invite.Payee{Name: name, Address: address}
	if told {
		h.info.PayeeName, h.info.Payout = name, address
	}
}

// invites makes an invitation's link.
func (h *home) invites(origin string) string {
	h.t.Helper()
	i, err := h.gate.Invite(origin)
	if err != nil {
		h.t.Fatal(err)
	}
	return i.Link()
}

// counted is how many shares the gateway has counted for the devices that are here, and how many devices those are.
func (h *home) counted() (shares uint64, devices int) {
	h.mu.Lock()
	run := h.run
	h.mu.Unlock()
	if run == nil {
		return 0, 0
	}
	s := run.Snapshot()
	for _, d := range s.Devices {
		shares += d.Shares
	}
	return shares, len(s.Devices)
}

func (h *home) meetings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.met
}

// nobodyElse lets no miner in by a password.
type nobodyElse struct{}

func (nobodyElse) Authorize(string, string) (gateway.Device, error) {
	return gateway.Device{}, &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "unknown device"}
}
