package message_test

import (
	"fmt"

	"goldpan/wallet/electrum/message"
)

func Example() {
	// A wallet asks,
	call, err := message.NewRequest(1, message.BlockHeader, message.HeaderParams{Height: 0})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", call.Bytes())

	// and a server reads and answers.
	got, err := message.ParseRequest(call.Bytes())
	if err != nil {
		panic(err)
	}
	var params message.HeaderParams
	if err := got.Decode(&params); err != nil {
		panic(err)
	}
	answer := message.Refuse(got, message.Errorf(message.CodeBadRequest, "no block at height %d", params.Height))
	fmt.Printf("%s\n", answer.Bytes())
	// Output:
	// {"jsonrpc":"2.0","id":1,"method":"blockchain.block.header","params":[0,0]}
	// {"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no block at height 0"}}
}
