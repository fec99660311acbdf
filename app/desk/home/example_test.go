package home_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"goldpan/app/desk/home"
	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/stratum"
)

// A gateway is opened, runs, and is asked for an invitation by another program of the same person.
func Example() {
	dir, err := os.MkdirTemp("", "home")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	pool, err := stratum.ParseURL("stratum+tcp://127.0.0.1:9")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := home.New(home.Options{
		Dir: filepath.Join(dir, "gateway"), Pools: []stratum.Pool{{URL: pool, User: "account.home"}}, Algorithm: hasher.SHA256d,
		Payee: invite.Payee{Name: "Ada", Address: "bc1qexample"}, Web: "127.0.0.1:0",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()

	answer, err := home.Ask(ctx, filepath.Join(dir, "gateway"), home.Command{Do: "invite", Name: "Phone"})
	if err != nil {
		fmt.Println(err)
		return
	}
	link := answer.Invitation.Link() // for the person it is made for, and no log
	code, err := home.QR(link)
	fmt.Println(answer.Invitation.Name, strings.HasPrefix(link, g.Snapshot().Page+"#join="), len(code), err)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// Phone true 37 <nil>
	// <nil>
}
