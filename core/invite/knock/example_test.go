package knock_test

import (
	"context"
	"errors"
	"fmt"

	"goldpan/core/invite"
	"goldpan/core/invite/knock"
	"goldpan/core/jsonrpc"
)

// A device has a link, and says what became of it.
func Example() {
	link := "http://192.168.1.20:8080/#join=AQECAwQ"
	err := enter(context.Background(), link)
	fmt.Println(knock.Say(err, false).Text)
	// Output:
	// This is no invitation, or it is mistyped or cut short. Copy the whole link, or scan the code again.
}

func enter(ctx context.Context, link string) error {
	invitation, err := invite.ParseLink(link)
	if err != nil {
		return err
	}
	caller, err := invite.NewJoin(invitation)
	if err != nil {
		return err
	}
	conn, err := jsonrpc.Dial(ctx, "ws://192.168.1.20:8080/stratum", 16<<10)
	if err != nil {
		return err
	}
	_, err = knock.Knock(ctx, conn, caller, func(_ context.Context, c invite.Credential) error {
		return errors.New("keep c.Export() here, in the device's own store")
	})
	return errors.Join(err, conn.Close())
}
