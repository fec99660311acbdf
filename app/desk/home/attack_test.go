package home

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// upgrade asks for a WebSocket with these headers, and returns the status.
func upgrade(t *testing.T, g running, header map[string]string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.listeners.web.Addr().String()+"/stratum", nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(k, v)
	}
	for k, v := range header {
		if k == "Host" {
			r.Host = v
		} else {
			r.Header.Set(k, v)
		}
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if got := answer.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("%v: other origins may read: %s", header, got)
	}
	return answer.StatusCode
}

// A page of another origin, and one that came in under a foreign name that points here, open no WebSocket; nor does
// anybody read anything under that name.
func TestForeignPages(t *testing.T) {
	g := serve(t, options(t, "", ""))
	own := g.listeners.web.Addr().String()
	for _, c := range []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"the own page", map[string]string{"Origin": "http://" + own}, http.StatusSwitchingProtocols},
		{"another origin", map[string]string{"Origin": "http://evil.example"}, http.StatusForbidden},
		{"another port", map[string]string{"Origin": "http://127.0.0.1:1"}, http.StatusForbidden},
		{"a file", map[string]string{"Origin": "null"}, http.StatusForbidden},
		{"a foreign name that points here", map[string]string{"Host": "evil.example", "Origin": "http://evil.example"}, http.StatusMisdirectedRequest},
		{"with our port", map[string]string{"Host": "evil.example:" + own[strings.LastIndexByte(own, ':')+1:]}, http.StatusMisdirectedRequest},
		{"no name at all", map[string]string{"Host": "evil example"}, http.StatusBadRequest},
	} {
		if got := upgrade(t, g, c.header); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, path := range []string{"/", "/info.json"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+own+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusMisdirectedRequest || strings.Contains(string(body), "Ada") {
			t.Errorf("%s: %d, %s", path, answer.StatusCode, body)
		}
	}
}

// What the page says of the gateway, and what a device is told, holds no credential of the pool and no other device.
func TestDevicesLearnNoSecrets(t *testing.T) {
	o := options(t, "", "")
	o.Pools[0].User, o.Pools[0].Password = "the-account.home", "the-pools-password"
	g := serve(t, o)
	if _, err := g.Invite("Somebody's phone"); err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + g.listeners.web.Addr().String() + "/info.json")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(string(body), `"join":true`) || !strings.Contains(string(body), "pan1qada") {
		t.Fatalf("%s, %v", body, err)
	}
	_, token, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	box := script(t, g.listeners.tcp.Addr().String())
	heard := box.ask(`{"id":1,"method":"mining.subscribe","params":[]}`, `"id":1`)
	heard = append(heard, box.ask(`{"id":2,"method":"mining.authorize","params":["x","`+token+`"]}`, "show_message")...)
	for _, secret := range []string{"the-account", "the-pools-password", "phone"} {
		if strings.Contains(string(body)+strings.Join(heard, ""), secret) {
			t.Errorf("%q is told", secret)
		}
	}
}

// An invitation is good once and for ten minutes, and a miner's token until its device is removed.
func TestCredentialsEnd(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	o := options(t, "", "")
	o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	g := serve(t, o)
	try := func(link string) error {
		conn, err := jsonrpc.Dial(t.Context(), g.ws(), stratum.MaxMessage)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return (&page{}).greeter(link, invite.Credential{})(t.Context(), conn)
	}
	used, err := g.Invite("")
	if err != nil {
		t.Fatal(err)
	}
	if err := try(used.Link()); err != nil {
		t.Fatal(err)
	}
	if err := try(used.Link()); !errors.Is(err, invite.ErrSpent) {
		t.Errorf("used twice: %v", err)
	}
	late, err := g.Invite("")
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	now = now.Add(invite.Lifetime)
	mu.Unlock()
	if err := try(late.Link()); !errors.Is(err, invite.ErrExpired) {
		t.Errorf("used late: %v", err)
	}
	gone, err := g.Invite("")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Withdraw(gone.ID); err != nil {
		t.Fatal(err)
	}
	if err := try(gone.Link()); !errors.Is(err, invite.ErrExpired) {
		t.Errorf("withdrawn: %v", err)
	}

	box, token, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	login := func() string {
		s := script(t, g.listeners.tcp.Addr().String())
		s.ask(`{"id":1,"method":"mining.subscribe","params":[]}`, `"id":1`)
		heard := s.ask(`{"id":2,"method":"mining.authorize","params":["x","`+token+`"]}`, `"id":2`)
		return heard[len(heard)-1]
	}
	if got := login(); !strings.Contains(got, `"result":true`) {
		t.Errorf("a token: %s", got)
	}
	if _, err := g.Remove(box.ID); err != nil {
		t.Fatal(err)
	}
	if got := login(); strings.Contains(got, `"result":true`) || !strings.Contains(got, "token") {
		t.Errorf("the token of a removed device: %s", got)
	}
}

// Thousands who connect and say nothing, from one address or from many, hold no more than the bound, keep nobody out who
// is in, and are gone after a while.
func TestHalfOpen(t *testing.T) {
	const attempts = 10_000
	o := options(t, "", "")
	o.knocking = 3 * time.Second
	g := serve(t, o)
	_, token, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	at := g.listeners.tcp.Addr().String()
	box := script(t, at)
	box.ask(`{"id":1,"method":"mining.subscribe","params":[]}`, `"id":1`)
	box.ask(`{"id":2,"method":"mining.authorize","params":["x","`+token+`"]}`, `"id":2,"result":true`)

	all, each := 4*invite.MaxDevices+64, invite.MaxDevices+16
	before, most := runtime.NumGoroutine(), 0
	crowd := g.listeners.tcp.(guarded).crowd
	here := func() int { crowd.mu.Lock(); defer crowd.mu.Unlock(); return crowd.here }
	storm := func(from func(i int) net.Addr, bound int, why string) {
		t.Helper()
		var held [64]net.Conn
		for i := range attempts / 2 {
			d := net.Dialer{LocalAddr: from(i), Timeout: deadline}
			c, err := d.DialContext(t.Context(), "tcp", at)
			if err != nil {
				continue // its own side of the socket is used up: as good as refused
			}
			if held[i%len(held)] != nil && i > 2*all {
				_ = held[i%len(held)].Close()
			}
			held[i%len(held)] = c
			if i <= 2*all { // the first stay open
				defer c.Close()
			}
			most = max(most, here())
			if n := here(); n > bound {
				t.Fatalf("%s: %d connections are held", why, n)
			}
		}
		for _, c := range held {
			if c != nil {
				_ = c.Close()
			}
		}
	}
	storm(func(int) net.Addr { return nil }, each, "one address")
	if runtime.GOOS == "linux" { // elsewhere a machine has one loopback address
		storm(func(i int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, byte(1+i/250%250), byte(i%250), 9)} }, all, "many addresses")
		if most < each {
			t.Errorf("at most %d were held: the storm was none", most)
		}
	}
	t.Logf("of %d connections at most %d were held at once: %d of one address, %d of all", attempts, most, each, all)
	if n := runtime.NumGoroutine() - before; n > 8*all {
		t.Errorf("%d goroutines", n)
	}
	box.ask(`{"id":3,"method":"mining.ping"}`, `"id":3`)
	until(t, "they are gone", func() bool { return here() == 1 })
}

// A request whose head never ends is ended, and so is a TLS handshake that never begins.
func TestSlowRequests(t *testing.T) {
	o := options(t, "", "")
	o.knocking = 200 * time.Millisecond
	o.CertFile, o.KeyFile, _ = certify(t, t.TempDir(), 1)
	o.ListenTLS = "127.0.0.1:0"
	g := serve(t, o)
	for name, c := range map[string]struct {
		at  net.Addr
		say string
	}{
		"half a head":    {g.listeners.web.Addr(), "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"},
		"no head":        {g.listeners.web.Addr(), ""},
		"no tls":         {g.listeners.tls.Addr(), ""},
		"no words":       {g.listeners.tcp.Addr(), ""},
		"half a message": {g.listeners.tcp.Addr(), `{"id":1,`},
		"http to miners": {g.listeners.tcp.Addr(), "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"},
	} {
		conn, err := net.Dial("tcp", c.at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(deadline))
		if _, err := io.WriteString(conn, c.say); err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, conn)
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			t.Errorf("%s: the connection is still open", name)
		}
	}
	big, err := net.Dial("tcp", g.listeners.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	_ = big.SetDeadline(time.Now().Add(deadline))
	go func() {
		_, _ = fmt.Fprintf(big, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: %s\r\n\r\n", strings.Repeat("x", 1<<20))
	}()
	answer, err := http.ReadResponse(bufio.NewReader(big), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of a megabyte: %+v, %v", answer, err)
	}
}

// A miner that logs in over TLS is served, and an old protocol is refused.
func TestMinerOverTLS(t *testing.T) {
	pool, payee := network(t)
	o := options(t, pool, payee+".home")
	certFile, keyFile, roots := certify(t, t.TempDir(), 1)
	o.CertFile, o.KeyFile, o.ListenTLS = certFile, keyFile, "127.0.0.1:0"
	g := serve(t, o)
	_, token, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	box := begin(t, stratum.Config{User: "x", Password: token, Dialer: &jsonrpc.Dialer{Roots: roots}}, g.stratum()[1])
	box.mine(t, box.job(t), 1)
	_, err = tls.DialWithDialer(&net.Dialer{Timeout: deadline}, "tcp", g.listeners.tls.Addr().String(), &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// A device that reads nothing of what it is sent holds nobody up, and is let go when it is removed.
func TestSlowReader(t *testing.T) {
	g := serve(t, options(t, "", ""))
	_, token, err := g.Token("Box")
	if err != nil {
		t.Fatal(err)
	}
	s := script(t, g.listeners.tcp.Addr().String())
	s.ask(`{"id":1,"method":"mining.subscribe","params":[]}`, `"id":1`)
	s.ask(`{"id":2,"method":"mining.authorize","params":["x","`+token+`"]}`, `"id":2,"result":true`)
	ended := make(chan struct{})
	go func() { // it asks and asks, and reads nothing
		defer close(ended)
		line := []byte(strings.Repeat(`{"id":9,"method":"mining.get_version"}`+"\n", 100))
		for {
			if _, err := s.c.Write(line); err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if _, err := Ask(ctx, g.options.Dir, Command{Do: "remove", Device: "Box"}); err != nil {
		t.Fatal(err)
	}
	await(t, ended)
	until(t, "it is gone", func() bool { return g.Snapshot().Connected == 0 })
}
