package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"goldpan/app/desk"
	"goldpan/core"
)

// record is one line of JSON.
type record map[string]any

// reporter tells on standard output, as JSON lines where they are asked for,
// what the window shows, and errors on standard error for people. Its methods
// may be called by several at once.
type reporter struct {
	json     bool
	out, err io.Writer

	mu      sync.Mutex
	last    desk.PracticeSnapshot
	balance record
	blocks  int
}

// write prints r; mu is held.
func (r *reporter) write(line record) {
	if !r.json {
		return
	}
	b, err := json.Marshal(line)
	if err != nil {
		panic(err) // a record holds plain values alone
	}
	fmt.Fprintf(r.out, "%s\n", b)
}

// look tells the state, and the balance when it has changed.
func (r *reporter) look(s desk.PracticeSnapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = s
	m := s.Mining
	r.write(record{"type": "status", "pool": m.Pool, "state": m.State, "reason": m.Reason, "algorithm": m.Algorithm,
		"kernel": m.Kernel, "lanes": m.Lanes, "hashrate": m.Hashrate, "accepted": m.Accepted, "rejected": m.Rejected,
		"stale": m.Stale, "difficulty": m.Difficulty, "uptime_s": m.Uptime.Seconds()})
	b := record{"type": "balance", "coin": s.Coin.ID, "network": "practice", "confirmed": s.Balance.Confirmed.String(),
		"immature": s.Balance.Immature.String(), "unconfirmed": s.Balance.Unconfirmed.String()}
	if fmt.Sprint(b) != fmt.Sprint(r.balance) {
		r.balance = b
		r.write(b)
	}
}

func (r *reporter) share(s desk.Share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(record{"type": "share", "result": s.Status.String(), "difficulty": s.Difficulty, "code": s.Code,
		"reason": s.Reason, "latency_ms": s.Latency.Milliseconds()})
}

func (r *reporter) block(b desk.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocks++
	r.write(record{"type": "block", "height": b.Height, "hash": b.Hash})
}

// trouble tells of an error that the window shows too.
func (r *reporter) trouble(err error) { r.fail(desk.Explain(err)) }

func (r *reporter) fail(message, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(record{"type": "error", "message": message, "hint": hint})
	if !r.json {
		fmt.Fprintf(r.err, "goldpan: %s\n", message)
		if hint != "" {
			fmt.Fprintln(r.err, hint)
		}
	}
}

// done tells the totals. The practice has ended by now.
func (r *reporter) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.last.Mining
	r.write(record{"type": "done", "blocks": r.blocks, "height": r.last.Height, "accepted": m.Accepted,
		"rejected": m.Rejected, "stale": m.Stale, "hashes": m.Hashes, "seconds": m.Uptime.Seconds(), "version": core.Version})
}
