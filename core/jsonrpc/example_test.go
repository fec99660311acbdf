//go:build !js

package jsonrpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"goldpan/core/jsonrpc"
)

func Example() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		server := jsonrpc.NewLineConn(c, 1024)
		defer server.Close()
		msg, _ := server.ReadMessage(context.Background())
		fmt.Printf("asked: %s\n", msg)
		server.WriteMessage(context.Background(), []byte(`{"id":1,"result":"pong"}`))
	}()

	ctx := context.Background()
	conn, err := jsonrpc.Dial(ctx, "tcp://"+ln.Addr().String(), 1024)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	conn.WriteMessage(ctx, []byte(`{"id":1,"method":"ping"}`))
	msg, _ := conn.ReadMessage(ctx)
	fmt.Printf("answered: %s\n", msg)
	// Output:
	// asked: {"id":1,"method":"ping"}
	// answered: {"id":1,"result":"pong"}
}

// A server whose certificate nobody vouches for is refused, until the person has compared its fingerprint and pinned
// it in the address.
func ExampleDialer() {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := jsonrpc.AcceptWebSocket(w, r, 1024, nil)
		if err != nil {
			return
		}
		defer c.Close()
		msg, _ := c.ReadMessage(r.Context())
		fmt.Printf("asked: %s\n", msg)
	}))
	srv.Config.ErrorLog = nil
	defer srv.Close()
	url := strings.Replace(srv.URL, "https", "wss", 1)

	ctx := context.Background()
	dialer := &jsonrpc.Dialer{}
	_, err := dialer.Dial(ctx, url, 1024)
	var refused *jsonrpc.CertificateError
	if errors.As(err, &refused) {
		fmt.Println(refused.Err, "- may be trusted:", refused.MayTrust())
	}

	conn, err := dialer.Dial(ctx, url+"?pin="+refused.Fingerprint, 1024)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	conn.WriteMessage(ctx, []byte(`{"id":1,"method":"ping"}`))
	conn.ReadMessage(ctx) // until the server has closed
	// Output:
	// signed by nobody that this system trusts - may be trusted: true
	// asked: {"id":1,"method":"ping"}
}

func ExampleParseProxy() {
	proxy, err := jsonrpc.ParseProxy("socks5://ann:a%20secret@127.0.0.1:9050")
	if err != nil {
		panic(err)
	}
	dialer := jsonrpc.Dialer{Proxy: proxy}
	fmt.Println(dialer.Proxy)
	// Output: socks5://127.0.0.1:9050
}
