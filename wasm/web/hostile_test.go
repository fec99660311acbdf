//go:build !js

package web

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"goldpan/core/jsonrpc"
)

// Whatever answers in the gateway's place can waste the page's time, and no more: the page says what is wrong, goes on
// trying, and Stop ends it. The browser's own WebSocket has no bounds; those of the page's are put to the test.
func TestHostileGateways(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	var attack atomic.Pointer[func(context.Context, jsonrpc.Conn) error]
	options := pool.options()
	options.Stratum = func(ctx context.Context, conn jsonrpc.Conn) error {
		defer conn.Close()
		return (*attack.Load())(ctx, conn)
	}
	address, _ := serve(t, newServer(builtPage(t), options))
	tab := chrome(t)
	say := func(text string, times int) func(context.Context, jsonrpc.Conn) error {
		return func(ctx context.Context, conn jsonrpc.Conn) error {
			for range times {
				if err := conn.WriteMessage(ctx, []byte(text)); err != nil {
					return err
				}
			}
			_, err := conn.ReadMessage(ctx)
			for err == nil {
				_, err = conn.ReadMessage(ctx)
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		attack func(context.Context, jsonrpc.Conn) error
		words  string
	}{
		"a megabyte":      {say(`{"id":1,"result":"`+strings.Repeat("x", 1<<20)+`"}`, 1), "does not speak as a pool"},
		"no JSON":         {say("hello", 1), "does not speak as a pool"},
		"a tower":         {say(strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000), 1), "does not speak as a pool"},
		"a refusal":       {say(`{"id":1,"result":null,"error":[20,"<img src=x onerror=alert(1)>",null]}`, 1), "does not let this device mine"},
		"a hasty goodbye": {func(context.Context, jsonrpc.Conn) error { return nil }, "closed from the other side"},
	} {
		attack.Store(&c.attack)
		visit(t, tab, "about:blank")
		visit(t, tab, address+"/")
		await(t, tab, isReady)
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, "document.body.dataset.state === 'down' && "+reason+".includes('"+c.words+"')")
		if evaluate[bool](t, tab, "document.body.innerHTML.includes('onerror')") {
			t.Errorf("%s: the page shows the other side's words", name)
		}
		do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
		eventually(t, patience, "the workers end", func() bool { return workers(t, tab) == 0 })
	}
}

// A flood of messages is read or refused, and the page stays alive: in the end it mines.
func TestFlood(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	options, floods := pool.options(), atomic.Int32{}
	serving := options.Stratum
	options.Stratum = func(ctx context.Context, conn jsonrpc.Conn) error {
		if floods.Add(1) > 2 {
			return serving(ctx, conn)
		}
		defer conn.Close()
		for range 20_000 {
			if err := conn.WriteMessage(ctx, []byte(`{"id":null,"method":"mining.ping","params":[]}`)); err != nil {
				return err
			}
		}
		return nil
	}
	address, _ := serve(t, newServer(builtPage(t), options))
	tab := chrome(t)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	do(t, tab, chromedp.Click(chromedp.CSS("#start")))
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestStaysAtItsOrigin: whoever answers cannot send the page elsewhere, not even to another port, and no header of a host's
// is needed for that.
func TestStaysAtItsOrigin(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	options := pool.options()
	serving := options.Stratum
	var last atomic.Pointer[jsonrpc.Conn]
	options.Stratum = func(ctx context.Context, conn jsonrpc.Conn) error {
		last.Store(&conn)
		return serving(ctx, conn)
	}
	page := newServer(builtPage(t), options)
	address, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stratum" {
			page.ServeHTTP(w, r)
			return
		}
		page.ServeHTTP(bare{w}, r)
	}))
	var asked atomic.Int32
	elsewhere, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	tab := chrome(t)
	mines(t, tab, address)
	before := pool.connections()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(elsewhere, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := (*last.Load()).WriteMessage(t.Context(), []byte(`{"id":null,"method":"client.reconnect","params":["127.0.0.1",`+port+`,0]}`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the page connects again", func() bool { return pool.connections() > before || asked.Load() > 0 })
	if n := asked.Load(); n != 0 {
		t.Errorf("another port was asked %d times", n)
	}
	await(t, tab, isMining)
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}
