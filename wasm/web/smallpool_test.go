//go:build !js

package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

func smallPool(ctx context.Context, conn jsonrpc.Conn) error {
	const d = 0.00002
	job := &pow.Job{ID: "1", Algorithm: hasher.SHA256d, Coinbase1: []byte{1, 0, 0, 0}, Coinbase2: []byte{9, 9},
		Version: 0x20000000, Bits: 0x207fffff, Time: 0x60000000, Clean: true, Extranonce1: []byte{1, 2, 3, 4}, Extranonce2Size: 4,
		Target: pow.TargetFromDifficulty(hasher.SHA256d, d), Difficulty: d}
	for {
		b, err := conn.ReadMessage(ctx)
		if err != nil {
			return err
		}
		var m struct {
			ID     json.RawMessage
			Method string
			Params []any
		}
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		result := "true"
		switch m.Method {
		case "mining.subscribe":
			result = `[[["mining.notify","1"]],"01020304",4]`
		case "mining.submit":
			e2, _ := hex.DecodeString(m.Params[2].(string))
			tm, _ := strconv.ParseUint(m.Params[3].(string), 16, 32)
			n, _ := strconv.ParseUint(m.Params[4].(string), 16, 32)
			if _, ok := job.Check(e2, uint32(tm), uint32(n)); !ok {
				result = "false"
			}
		}
		if err := conn.WriteMessage(ctx, fmt.Appendf(nil, `{"id":%s,"result":%s,"error":null}`, m.ID, result)); err != nil {
			return err
		}
		if m.Method == "mining.authorize" {
			conn.WriteMessage(ctx, fmt.Appendf(nil, `{"id":null,"method":"mining.set_difficulty","params":[%v]}`, d))
			conn.WriteMessage(ctx, []byte(`{"id":null,"method":"mining.notify","params":["1","0000000000000000000000000000000000000000000000000000000000000000","01000000","0909",[],"20000000","207fffff","60000000",true]}`))
		}
	}
}
