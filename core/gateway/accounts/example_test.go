//go:build !js

package accounts_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"goldpan/core/gateway/accounts"
)

func Example() {
	dir, err := os.MkdirTemp("", "accounts")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	book, err := accounts.Open(accounts.Config{Path: filepath.Join(dir, "accounts.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error)
	go func() { ended <- book.Run(ctx) }()

	now := time.Now()
	book.Add(accounts.Share{Device: "phone", Result: accounts.Accepted, Credit: 1, Best: 1.7, At: now})
	last := book.Add(accounts.Share{Device: "laptop", Result: accounts.Accepted, Credit: 3, Best: 12, At: now})
	if err := book.Wait(ctx, last); err != nil { // both are on the disk now
		fmt.Println(err)
		return
	}
	all, err := book.Report(ctx, 10*time.Minute)
	for _, a := range all {
		fmt.Printf("%s: %d share, best %.1f, %.0f %% of the household\n", a.Device, a.Accepted, a.Best, 100*a.Part)
	}
	cancel()
	fmt.Println(err, <-ended, book.Close())
	// Output:
	// laptop: 1 share, best 12.0, 75 % of the household
	// phone: 1 share, best 1.7, 25 % of the household
	// <nil> <nil> <nil>
}
