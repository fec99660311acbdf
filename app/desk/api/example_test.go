package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"goldpan/app/desk/api"
	"goldpan/core"
	"goldpan/core/engine"
)

func Example() {
	s, err := api.Listen(api.Options{
		Address:  "127.0.0.1:0",
		Snapshot: func() core.Snapshot { return core.Snapshot{State: core.StateMining, Hashrate: 41_234.5} },
		Rules:    func() engine.Rules { return engine.Rules{} },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()

	resp, err := http.Get(s.URL() + "/v1/status")
	if err != nil {
		fmt.Println(err)
		return
	}
	var status api.Status
	err = json.NewDecoder(resp.Body).Decode(&status)
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, status.State, status.Hashrate, err)

	cancel()
	fmt.Println(<-ended)
	// Output:
	// 200 mining 41234.5 <nil>
	// <nil>
}
