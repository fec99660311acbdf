//go:build !js

package gateway_test

import (
	"context"
	"errors"
	"fmt"

	"goldpan/core/gateway"
	"goldpan/core/hasher"
	"goldpan/core/stratum"
)

// household lets one device in.
type household struct{}

func (household) Authorize(user, password string) (gateway.Device, error) {
	if user != "phone" || password != "its own token" {
		return gateway.Device{}, errors.New("unknown device")
	}
	return gateway.Device{ID: "1", Name: "Ada's phone"}, nil
}

func Example() {
	pool, err := stratum.ParseURL("stratum+tcp://127.0.0.1:3333")
	if err != nil {
		panic(err)
	}
	g, err := gateway.New(gateway.Config{
		Pools:     []stratum.Pool{{URL: pool, User: "the.household"}},
		Algorithm: hasher.SHA256d,
		Devices:   household{},
		Payee:     gateway.Payee{Name: "Ada", Address: "her address"},
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- g.Run(ctx) }()

	// Hand each connection that a listener accepts to g.ServeMiner or g.ServeLanes.
	fmt.Println(len(g.Snapshot().Devices), "devices mine for", g.Payee().Name)

	stop()
	fmt.Println(<-done)
	// Output:
	// 0 devices mine for Ada
	// <nil>
}
