//go:build !js

package jsonrpc_test

import (
	"context"
	"fmt"
	"net"

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
