package desk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"goldpan/app/desk/home"
	"goldpan/core/jsonrpc"
	"goldpan/wasm/web"
)

// webServer serves the page of a practice.
type webServer struct {
	listener net.Listener
	server   *http.Server

	mu      sync.Mutex
	closing bool
	devices sync.WaitGroup // connections that the network is serving
}

// whileOpen serves a connection unless the page is being closed, which waits
// for it.
func (w *webServer) whileOpen(serve func(context.Context, jsonrpc.Conn) error) func(context.Context, jsonrpc.Conn) error {
	return func(ctx context.Context, conn jsonrpc.Conn) error {
		if !w.enter() {
			return net.ErrClosed
		}
		defer w.devices.Done()
		return serve(ctx, conn)
	}
}

// enter lets a device in, unless the page is being closed; devices.Done lets it
// out.
func (w *webServer) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closing {
		w.devices.Add(1)
	}
	return !w.closing
}

// leave lets no more devices in and waits until the last is gone.
func (w *webServer) leave() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.devices.Wait()
}

// listenWeb opens the page's address. It answers to the names and addresses of
// this machine, and to those that the person gave, and to no other: a foreign
// name that points here is an attack (DNS rebinding).
func (p *Practice) listenWeb(address string) (*webServer, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the page: %w", err)
	}
	w := &webServer{listener: l}
	handler := web.Handler(web.Options{
		Info: func() web.Info {
			return web.Info{
				Network:   string(p.params.Network),
				Coin:      p.params.Coin.Name,
				Algorithm: string(p.params.Algorithm),
				PayeeName: "the practice wallet of the computer that serves this page",
				Payee:     "practice",
				Payout:    p.address,
				Worthless: true,
			}
		},
		Stratum:  w.whileOpen(p.network.StratumConn),
		Electrum: w.whileOpen(p.network.ElectrumConn),
		Allow:    func(host string) bool { return home.OwnName(host) || slices.Contains(p.options.WebHosts, host) },
	})
	w.server = &http.Server{
		Handler: handler,
		// A WebSocket takes its connection over, so these bound only requests.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	return w, nil
}

// Run serves until ctx ends and every device has been let go.
func (w *webServer) Run(ctx context.Context) error {
	w.server.BaseContext = func(net.Listener) context.Context { return ctx }
	stop := context.AfterFunc(ctx, func() { _ = w.server.Close() })
	defer stop()
	defer w.leave() // the server does not know of WebSockets any more
	if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

func (w *webServer) close() error {
	if err := w.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// url returns where a browser on this machine finds the page; for a listener on
// all interfaces that is the loopback address.
func (w *webServer) url() string {
	a := w.listener.Addr().(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return httpURL(net.JoinHostPort(host, fmt.Sprint(a.Port)))
}
