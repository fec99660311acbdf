package main

import (
	"encoding/hex"
	"syscall/js"

	"goldpan/core"
	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// watched is what the lanes say beside their work for the engine. Everything here happens on JavaScript's one
// thread.
type watched struct {
	ports  []js.Value
	listen js.Func
	header hasher.Header // the last one that a lane hashed
	seen   bool
	fault  string // why a lane gave up
}

// watch listens in on the lanes' ports. It calls failed when a lane gives up.
func watch(ports []js.Value, failed func()) *watched {
	w := &watched{ports: ports}
	w.listen = js.FuncOf(func(_ js.Value, args []js.Value) any {
		m := args[0].Get("data")
		if h := m.Get("header"); h.Type() == js.TypeObject && h.Length() == len(w.header) {
			js.CopyBytesToGo(w.header[:], h)
			w.seen = true
		}
		if m.Get("type").String() == "fault" {
			w.fault = m.Get("reason").String()
			failed()
		}
		return nil
	})
	for _, port := range ports {
		port.Call("addEventListener", "message", w.listen)
	}
	return w
}

func (w *watched) release() {
	for _, port := range w.ports {
		port.Call("removeEventListener", "message", w.listen)
	}
	w.listen.Release()
}

// tellSnapshot tells the page how things stand, with the last header, its nonce and its hash as the page
// shows them.
func tellSnapshot(s core.Snapshot, live *watched) {
	message := map[string]any{
		"type": "snapshot", "state": s.State, "reason": s.Reason,
		"algorithm": string(s.Algorithm), "kernel": s.Kernel, "lanes": s.Lanes,
		"hashrate": s.Hashrate, "hashes": float64(s.Hashes),
		"accepted": float64(s.Accepted), "rejected": float64(s.Rejected), "stale": float64(s.Stale),
		"difficulty": s.Difficulty, "best": s.Best, "seconds": s.Uptime.Seconds(),
		"header": "", "nonce": 0, "hash": "",
	}
	if h, err := pow.ParseHeader(live.header[:]); err == nil && live.seen {
		message["header"] = hex.EncodeToString(live.header[:])
		message["nonce"] = float64(h.Nonce)
		message["hash"] = h.PoWHash(s.Algorithm).String()
	}
	js.Global().Call("postMessage", message)
}

// tellShare tells the page of a share's fate.
func tellShare(r pow.Result) {
	js.Global().Call("postMessage", map[string]any{
		"type": "share", "result": r.Status.String(), "difficulty": r.Difficulty, "reason": r.Reason,
	})
}
