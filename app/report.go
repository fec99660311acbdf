package main

import (
	"fmt"
	"io"
	"sync"

	"goldpan/app/desk"
	"goldpan/core"
)

// reporter tells on standard output, as JSON lines where they are asked for,
// what the window shows, and errors on standard error for people. Its methods
// may be called by several at once.
type reporter struct {
	json     bool
	out, err io.Writer

	mu     sync.Mutex
	last   desk.PracticeSnapshot
	told   bool          // the balance of last
	mined  core.Snapshot // for real, by the session of the last look
	blocks int
}

// write prints a line; mu is held.
func (r *reporter) write(line desk.Record) {
	if r.json {
		line.Write(r.out)
	}
}

// look tells the state, and the balance when it has changed.
func (r *reporter) look(s desk.PracticeSnapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.StatusRecord(s.Mining))
	if !r.told || s.Balance != r.last.Balance {
		r.write(desk.BalanceRecord(s.Coin.ID, "practice", s.Balance))
	}
	r.told, r.last = true, s
}

// real tells the state of mining for real.
func (r *reporter) real(s core.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.StatusRecord(s))
	r.mined = s
}

// home tells how the devices at home stand: no secret, and of each only what the
// window's list shows.
func (r *reporter) home(s desk.HomeSnapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	devices := []desk.Record{}
	for _, d := range s.Devices {
		if d.Removed.IsZero() {
			devices = append(devices, desk.Record{"name": d.Name, "here": d.Connected, "paused": d.Paused, "hashrate": d.Hashrate, "part": d.Part, "accepted": d.Accepted, "best": d.Best})
		}
	}
	state := "connecting"
	if len(s.Upstreams) > 0 {
		state = s.Upstreams[0].State
	}
	r.write(desk.Record{"type": "home", "state": state, "page": s.Page, "stratum": s.Stratum, "payee": s.Payee.Name, "payout": s.Payee.Address, "hashrate": s.Hashrate, "connected": s.Connected, "invitations": len(s.Invitations), "devices": devices})
}

// screen tells where the person is in the window.
func (r *reporter) screen(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.Record{"type": "screen", "screen": name})
}

// asked tells which of a wallet's words are asked back, by their positions.
func (r *reporter) asked(positions []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.Record{"type": "asked", "words": positions})
}

// notice tells what the person should hear of.
func (r *reporter) notice(n core.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.Record{"type": "notice", "level": n.Level, "text": n.Text, "quote": n.Quote})
}

func (r *reporter) share(s desk.Share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.ShareRecord(s))
}

func (r *reporter) block(b desk.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocks++
	r.write(desk.BlockRecord(b))
}

// trouble tells of an error that the window shows too.
func (r *reporter) trouble(err error) { r.fail(desk.Explain(err)) }

func (r *reporter) fail(message, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(desk.ErrorRecord(message, hint))
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
	done := desk.TotalsRecord(r.last.Mining)
	done["blocks"], done["height"] = r.blocks, r.last.Height
	r.write(done)
}
