//go:build !js

package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"

	"goldpan/core/jsonrpc"
	"goldpan/wasm/web"
)

func ExampleHandler() {
	handler := web.Handler(web.Options{
		Info: func() web.Info {
			return web.Info{
				Network: "practice", Coin: "Bitcoin", Algorithm: "sha256d",
				PayeeName: "the practice wallet", Payout: "pan1…", Worthless: true,
			}
		},
		Stratum: func(ctx context.Context, conn jsonrpc.Conn) error { return conn.Close() },
		Allow:   func(host string) bool { return host == "goldpan.local" },
	})

	for _, host := range []string{"goldpan.local:8080", "evil.example"} {
		r := httptest.NewRequest("GET", "http://"+host+"/info.json", nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var info web.Info
		if err := json.Unmarshal(w.Body.Bytes(), &info); err != nil {
			fmt.Print(w.Code, " ", w.Body)
			continue
		}
		fmt.Println(w.Code, info.PayeeName, info.Payout)
	}
	// Output:
	// 200 the practice wallet pan1…
	// 421 Goldpan does not serve a page under this name. Open the address that Goldpan shows on its computer, or start it there with --web-host and this name.
}
