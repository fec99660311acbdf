// Command goldpan-wallet is the light wallet of Goldpan's page: it runs in a worker of its own, so that neither the key
// derivation nor a server's answers ever hold up the page.
//
// The worker (wallet-worker.js) hands each call of the page over as a name and a JSON object, and takes a JSON object
// back; package counter knows the calls. The program keeps what it must in the browser's database, on a secure origin
// alone, contacts no server but the one that a call names, and posts nothing secret but what a call asked for.
package main

import (
	"encoding/json"
	"syscall/js"

	"goldpan/wallet"
	"goldpan/wasm/wallet/counter"
)

func main() {
	changed := js.Global().Get("goldpanChanged")
	storage, persistent, err := wallet.BrowserStorage()
	c := counter.New(counter.Options{Storage: storage, Persistent: persistent, Unusable: err, Changed: func() { changed.Invoke() }})
	call := js.FuncOf(func(_ js.Value, args []js.Value) any {
		name, ask, answer := args[0].String(), args[1].String(), args[2]
		go func() { answer.Invoke(string(reply(c.Call(name, []byte(ask))))) }()
		return nil
	})
	js.Global().Call("goldpanReady", call)
	select {}
}

// reply is what the worker gets: {"ok": …}, or {"error": {"code", …}}.
func reply(v any, err error) []byte {
	answer := map[string]any{"ok": v}
	if err != nil {
		answer = map[string]any{"error": counter.Explain(err)}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return []byte(`{"error":{"code":"other"}}`)
	}
	return b
}
