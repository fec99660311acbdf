//go:build !js

package limit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"goldpan/vault"
	"goldpan/vault/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a provider asked for holds after a new start.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	l, err := limit.Open(dir)
	if err != nil {
		panic(err)
	}
	u := vault.Use{Provider: "binance", Host: "api.binance.com", Path: "/api/v3/account", Cost: 20}
	fmt.Println(l.Wait(context.Background(), u))
	l.Saw(u, http.StatusTeapot, http.Header{"Retry-After": {"3600"}})

	l, err = limit.Open(dir)
	if err != nil {
		panic(err)
	}
	err = l.Wait(context.Background(), u)
	fmt.Println(errors.Is(err, limit.ErrHeld))
	// Output:
	// <nil>
	// true
}
