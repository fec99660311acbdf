package home

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"goldpan/core/jsonrpc"
)

// walletServer is one that answers each line with the line.
func walletServer(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				conn := jsonrpc.NewLineConn(c, maxAsk)
				defer conn.Close()
				for {
					m, err := conn.ReadMessage(ctx)
					if err != nil || conn.WriteMessage(ctx, m) != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { cancel(); _ = ln.Close(); all.Wait() })
	return "tcp://" + ln.Addr().String()
}

// A public page speaks with the wallet servers of the gateway's list, the first that answers, and with nobody else; a
// page at home, over plain http, with none.
func TestRelay(t *testing.T) {
	o := options(t, "", "")
	certFile, keyFile, roots := certify(t, t.TempDir(), 1)
	o.CertFile, o.KeyFile, o.PublicURL, o.MaxDevices = certFile, keyFile, "https://home.test", 2
	o.Electrum = []string{strings.TrimPrefix(refusing(t), "stratum+"), walletServer(t)}
	g := serve(t, o)
	if g.page() != "https://home.test/" {
		t.Errorf("the page is at %s", g.page())
	}
	// The certificate is for home.test, which no resolver knows: the request names it, the connection goes here.
	dial := func(host string) (jsonrpc.Conn, error) {
		local := "wss://" + strings.Replace(g.listeners.web.Addr().String(), "127.0.0.1", host, 1) + "/electrum"
		return (&jsonrpc.Dialer{Roots: roots}).Dial(t.Context(), local, maxTell)
	}
	if _, err := dial("localhost"); err == nil {
		t.Fatal("a public page is served under this machine's own name too")
	}
	r := newRelay(o.Electrum, nil, 2)
	ask := func(question string) (string, error) {
		here, there := net.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- r.serve(t.Context(), jsonrpc.NewLineConn(there, maxAsk)) }()
		conn := jsonrpc.NewLineConn(here, maxTell)
		defer func() { _ = conn.Close(); await(t, ended) }()
		if err := conn.WriteMessage(t.Context(), []byte(question)); err != nil {
			return "", err
		}
		b, err := conn.ReadMessage(t.Context())
		return string(b), err
	}
	for _, good := range []string{`{"id":1,"method":"server.version","params":["x","1.4"]}`, `[{"id":1,"method":"blockchain.headers.subscribe"},{"id":2,"method":"mempool.get_fee_histogram"}]`} {
		if got, err := ask(good); err != nil || got != good {
			t.Errorf("%s: %s, %v", good, got, err)
		}
	}
	for _, bad := range []string{`{"id":1,"method":"server.peers.subscribe"}`, `{"id":1,"method":"mining.subscribe"}`, `GET / HTTP/1.1`, `{"id":1}`, `[]`, `{"id":1,"METHOD":"server.version"}`,
		`[{"id":1,"method":"blockchain.x"},{"id":2,"method":"eval"}]`, strings.Repeat("[", 20) + strings.Repeat("]", 20)} {
		if got, err := ask(bad); err == nil {
			t.Errorf("%s is passed on, and answered %s", bad, got)
		}
	}
	here := func() int { r.crowd.mu.Lock(); defer r.crowd.mu.Unlock(); return r.crowd.here }
	r.crowd.mu.Lock()
	r.crowd.max = 0
	r.crowd.mu.Unlock()
	if _, err := ask(`{"id":1,"method":"server.ping"}`); err == nil {
		t.Error("there are more wallets than may be")
	}
	until(t, "no wallet that has left is counted", func() bool { return here() == 0 })

	// At home the page has no wallet server, whatever the list says.
	o.PublicURL, o.CertFile, o.KeyFile, o.Dir = "", "", "", t.TempDir()
	plain := serve(t, o)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + plain.listeners.web.Addr().String() + "/electrum")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("at home: %d", answer.StatusCode)
	}
}

// A public page is served under its own name alone, over TLS, with the certificate of its files.
func TestPublicPage(t *testing.T) {
	o := options(t, "", "")
	certFile, keyFile, roots := certify(t, t.TempDir(), 1)
	o.CertFile, o.KeyFile, o.PublicURL = certFile, keyFile, "https://localhost"
	o.Electrum = []string{walletServer(t)}
	g := serve(t, o)
	local := g.listeners.web.Addr().String()
	conn, err := (&jsonrpc.Dialer{Roots: roots}).Dial(t.Context(), "wss://"+strings.Replace(local, "127.0.0.1", "localhost", 1)+"/electrum", maxTell)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	question, _ := json.Marshal(map[string]any{"id": 1, "method": "server.ping"})
	if err := conn.WriteMessage(t.Context(), question); err != nil {
		t.Fatal(err)
	}
	if b, err := conn.ReadMessage(t.Context()); err != nil || string(b) != string(question) {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := (&jsonrpc.Dialer{Roots: roots}).Dial(t.Context(), "wss://"+local+"/electrum", maxTell); err == nil {
		t.Error("served by its address too")
	}
	if i, err := g.Invite(""); err != nil || !strings.HasPrefix(i.Link(), "https://localhost/#join=") {
		t.Errorf("invited to %s, %v", i.Link(), err)
	}
}

func FuzzAsksWallet(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"server.version"}`))
	f.Add([]byte(` [{"method":"blockchain.x"}]`))
	f.Fuzz(func(t *testing.T, m []byte) {
		if asksWallet(m) && !json.Valid(m) {
			t.Errorf("%q is taken", m)
		}
	})
}

// One address cannot have all the places of the relay.
func TestRelayIsShared(t *testing.T) {
	r := newRelay([]string{walletServer(t)}, &jsonrpc.Dialer{}, 10*relayEach)
	var all sync.WaitGroup
	defer all.Wait()
	open := func() (jsonrpc.Conn, <-chan error) {
		near, far := net.Pipe() // all pipes have one address
		page, ended := jsonrpc.NewLineConn(near, maxTell), make(chan error, 1)
		all.Go(func() { ended <- r.serve(t.Context(), jsonrpc.NewLineConn(far, maxAsk)) })
		return page, ended
	}
	for i := range relayEach {
		page, _ := open()
		defer page.Close()
		if err := page.WriteMessage(t.Context(), []byte(`{"id":1,"method":"server.ping"}`)); err != nil {
			t.Fatalf("wallet %d: %v", i, err)
		}
		if _, err := page.ReadMessage(t.Context()); err != nil {
			t.Fatalf("wallet %d: %v", i, err)
		}
	}
	page, ended := open()
	defer page.Close()
	if err := <-ended; !errors.Is(err, errRelayFull) {
		t.Errorf("one more wallet of the same address: %v", err)
	}
	if !r.crowd.enter(neighbour("192.0.2.1:1234")) {
		t.Error("a wallet of another address is refused")
	}
}
