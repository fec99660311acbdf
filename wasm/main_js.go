// Command goldpan for the browser: what Goldpan's page runs inside its workers.
//
// The page's worker says which half it wants by the first argument. As "control" the program joins the pool,
// hands work to the lanes and checks what they find, after the person's consent only. As "lane ALGORITHM" it
// lends its generic kernel to a lane. It starts nothing by itself, keeps nothing (the page keeps what makes it a
// gateway's device), and connects only to the pool address that the page hands it, which is the page's own origin.
package main

import (
	"context"
	"errors"
	"os"
)

func main() {
	tellEnd(run(context.Background(), os.Args[1:]))
	// Timers and messages of before may still come: a program that has exited would complain of each. The page ends
	// this worker.
	select {}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "control":
		return control(ctx)
	case len(args) == 2 && args[0] == "lane":
		return lane(ctx, args[1])
	}
	return errors.New("this program runs inside Goldpan's page")
}
