package main

import (
	"encoding/hex"
	"errors"
	"maps"
	"syscall/js"
	"time"

	"goldpan/core"
	"goldpan/core/hasher"
	"goldpan/core/invite/knock"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// watched is what the lanes say beside their work for the engine. Everything here happens on JavaScript's one
// thread.
type watched struct {
	ports  []js.Value
	listen js.Func
	header hasher.Header // the last one that a lane hashed
	seen   bool          // there is one
	fresh  bool          // it has not been shown
	first  chan struct{} // closed with the first header
	fault  string        // why a lane gave up
	slower bool          // a lane that came later runs the generic kernel

	// What was shown last: it is worked out only when it changes.
	shown      map[string]any
	difficulty float64
	target     string
}

// listen hears on the lanes' ports. It calls failed when a lane gives up.
func listen(ports []js.Value, failed func()) *watched {
	w := &watched{ports: ports, first: make(chan struct{})}
	w.listen = js.FuncOf(func(_ js.Value, args []js.Value) any {
		m := args[0].Get("data")
		if h := m.Get("header"); h.Type() == js.TypeObject && h.Length() == len(w.header) {
			js.CopyBytesToGo(w.header[:], h)
			if !w.seen {
				close(w.first)
			}
			w.seen, w.fresh = true, true
		}
		switch m.Get("type").String() {
		case "ready":
			w.slower = w.slower || text(m, "kernel") == "generic"
		case "fault":
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

// tellSnapshot tells the page how things stand: code is the reason as a word for who translates, slowed what heat
// leaves of the speed, 0 to 1. The header that was hashed last comes with its nonce, its hash and the target, as
// the page shows them.
func (w *watched) tellSnapshot(s core.Snapshot, code string, slowed float64) {
	state, kernel := s.State, s.Kernel
	if w.slower {
		kernel = "generic" // one slower lane is what the page must speak of
	}
	if code == waiting {
		state = waiting
	}
	message := map[string]any{
		"type": "snapshot", "state": state, "reason": s.Reason, "code": code, "slowed": slowed,
		"algorithm": string(s.Algorithm), "kernel": kernel, "lanes": s.Lanes, "percent": s.Percent,
		"hashrate": s.Hashrate, "hashes": float64(s.Hashes),
		"accepted": float64(s.Accepted), "rejected": float64(s.Rejected), "stale": float64(s.Stale),
		"difficulty": s.Difficulty, "best": s.Best, "seconds": s.Uptime.Seconds(),
		"header": "", "nonce": 0, "hash": "", "target": "",
	}
	if w.seen {
		if w.fresh {
			w.fresh = false
			if h, err := pow.ParseHeader(w.header[:]); err == nil {
				w.shown = map[string]any{"header": hex.EncodeToString(w.header[:]), "nonce": float64(h.Nonce), "hash": h.PoWHash(s.Algorithm).String()}
			}
		}
		if s.Difficulty != w.difficulty && s.Difficulty > 0 {
			w.difficulty = s.Difficulty
			w.target = pow.Hash(pow.TargetFromDifficulty(s.Algorithm, s.Difficulty)).String() // it is written as a hash is
		}
		maps.Copy(message, w.shown)
		message["target"] = w.target
	}
	post(message)
}

// waiting is the state, and the code, of a pool that was reached and has no work. A Session takes it for connecting.
const waiting = "waiting"

// codeOf is why it stands as it does, as a word that never changes; "" where there is nothing to say.
func (c *controller) codeOf(s core.Snapshot) string {
	switch {
	case s.State == core.StatePaused:
		return c.paused
	case s.State == core.StateConnecting && c.greets:
		return "joining"
	case s.State == core.StateConnecting && !c.since.IsZero() && time.Since(c.since) > idleMost:
		return waiting
	case s.State == core.StateDown && errors.Is(s.Err, knock.ErrBusy):
		return "rejected"
	case s.State == core.StateDown && s.Err != nil:
		return stratum.Cause(s.Err)
	case s.State == core.StateMining && s.Faults > 0:
		return "wrong"
	}
	return ""
}

// sharesMost is how many shares between two snapshots the page hears of one by one. A snapshot counts all of them; a pool
// that asks for next to nothing must not keep the page too busy for Stop.
const sharesMost = 16

// tellShare tells the page of a share's fate.
func (c *controller) tellShare(r pow.Result) {
	if c.shares++; c.shares > sharesMost {
		return
	}
	post(map[string]any{
		"type": "share", "result": r.Status.String(), "difficulty": r.Difficulty, "reason": r.Reason,
	})
}

// tellEnd tells the page why nothing runs any more.
func tellEnd(err error) {
	failure, refused := errors.AsType[*knock.Failure](err)
	switch {
	case err == nil:
	case refused:
		post(map[string]any{"type": "refused", "code": failure.Code, "reason": failure.Text, "login": failure.Login, "proven": failure.Proven})
	case errors.Is(err, errExpired):
		post(map[string]any{"type": "ended", "code": "expired", "reason": err.Error()})
	default:
		js.Global().Call("goldpanFault", err.Error())
	}
}
