package main

import (
	"context"
	"math"
	"math/rand/v2"
	"syscall/js"
	"time"

	"goldpan/core"
	"goldpan/core/engine"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// idleMost is how long a pool may have no work, after it was reached, before the page says so.
const idleMost = 3 * time.Second

// retryMost bounds the pause between two attempts to connect: a person is looking at the page.
const retryMost = 10 * time.Second

// backoff knocks soon again, and not with all other devices at once.
func backoff(n int) time.Duration {
	bound := min(retryMost, 500*time.Millisecond<<min(max(n-1, 0), 10))
	return bound/10 + time.Duration(rand.Int64N(int64(bound))) //nolint:gosec // it spreads, and keeps no secret
}

// dial connects to the page's own origin, wherever a pool sends its miners, and keeps hold of the connection, so that one
// that a sleep has broken can be let go at once.
func (c *controller) dial(ctx context.Context, _ stratum.URL) (jsonrpc.Conn, error) {
	c.since = time.Time{}
	conn, err := c.pool.Dial(ctx, nil)
	if c.conn = conn; err == nil {
		c.since = time.Now()
	}
	return conn, err
}

// rules are what the person allows, less what heat takes. The page sees for itself whether there is a battery and whether
// anybody looks.
func (c *controller) rules() engine.Rules {
	allowed := max(1, int(math.Round(float64(c.percent*c.heat.Percent())/100)))
	return engine.Rules{Threads: c.lanes, Percent: allowed, OnBattery: true, WhileActive: true}
}

// lanesOf reads how many lanes work, of those that there are; all of them if that is not to be read.
func lanesOf(m js.Value, most int) int {
	if n := m.Get("lanes"); n.Type() == js.TypeNumber && n.Float() >= 1 && n.Float() <= float64(most) {
		return n.Int()
	}
	return most
}

// percentOf reads what the person set; everything if that is not to be read.
func percentOf(m js.Value) int {
	if p := m.Get("percent"); p.Type() == js.TypeNumber && p.Float() >= 1 && p.Float() <= 100 {
		return p.Int()
	}
	return 100
}

// hear takes what the page says: {type: "pause", code}, "resume", {type: "rules", lanes, percent}, "wake", "stop".
func (c *controller) hear(m js.Value) {
	switch m.Get("type").String() {
	case "pause":
		c.paused = text(m, "code")
		c.session.SetPaused(pauseReason(c.paused))
	case "resume":
		c.paused = ""
		c.session.SetPaused("")
	case "rules":
		if p, n := percentOf(m), lanesOf(m, len(c.live.ports)); p != c.percent || n != c.lanes {
			c.percent, c.lanes = p, n
			c.heat.Forget()
			c.govern()
		}
	case "wake":
		if c.conn != nil {
			c.conn.Close() // it would take minutes to be missed
		}
	case "stop":
		c.stop()
	}
}

// govern lets the lanes do what the person allows, less what heat takes.
func (c *controller) govern() {
	if rules := c.rules(); rules.Percent != c.told.Percent || rules.Threads != c.told.Threads {
		c.told = rules
		_ = c.session.SetRules(rules) // from 1 to 100 percent, which is what is taken
	}
}

// pauseReason says in words why the page rests.
func pauseReason(code string) string {
	switch code {
	case "hidden":
		return "this page is hidden; mining goes on when you come back"
	case "battery":
		return "the battery is low; mining goes on when it has charged"
	case "unplugged":
		return "this device is not plugged in; mining goes on when it is, as you have set it"
	}
	return "this page lets the device rest"
}

// tell tells the page how things stand, again and again, and looks after the heat.
func (c *controller) tell(ctx context.Context) {
	tick := time.NewTicker(snapshotInterval)
	defer tick.Stop()
	first := c.live.first // the page hears of the first hash at once
	for turn := 0; ; turn++ {
		s := c.session.Snapshot()
		switch {
		case s.State != core.StateMining:
			c.heat.Break()
		case turn%2 == 0:
			c.heat.Sample(time.Now(), s.Hashes)
			c.govern()
		}
		s.Lanes = c.lanes // the others rest
		c.shares = 0
		c.live.tellSnapshot(s, c.codeOf(s), float64(c.heat.Percent())/100)
		select {
		case <-tick.C:
		case <-first:
			first = nil
		case <-ctx.Done():
			return
		}
	}
}
