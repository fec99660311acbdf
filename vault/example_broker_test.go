//go:build !js

package vault_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	"goldpan/vault"
)

// A pool that takes its key in a header, here played on this machine.
func ExampleBroker() {
	pool := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for the key %s", r.URL.Query().Get("coin"), r.Header.Get("Pool-Auth-Token"))
	}))
	defer pool.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	v, err := vault.Open(dir, vault.NewMemory())
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	key := vault.Credential{Secret: vault.NewSecret([]byte("hunter2hunter2"))}
	defer key.Wipe()
	secret, err := key.Encode()
	if err != nil {
		panic(err)
	}
	defer secret.Wipe()
	if _, err := v.Add(ctx, vault.Entry{ID: "my-pool", Name: "My pool", Kind: vault.KindPoolAPI, Environment: vault.Test,
		Endpoint: pool.URL, Scheme: vault.SchemeHeader, Field: "Pool-Auth-Token"}, secret); err != nil {
		panic(err)
	}

	b := vault.NewBroker(v, vault.BrokerOptions{})
	defer b.Close()
	answer, err := b.Key("my-pool").Do(ctx, vault.Request{Method: "GET", URL: "/stats", Query: url.Values{"coin": {"BTC"}}, Purpose: "show statistics"})
	fmt.Println(answer.Status, string(answer.Body), err)

	records, err := v.Audit(ctx)
	last := records[len(records)-1]
	fmt.Println(last.Action, last.Key, last.Who, last.Path, last.Outcome, err)
	// Output:
	// 200 BTC for the key ••• <nil>
	// request my-pool show statistics /stats status 200 <nil>
}
