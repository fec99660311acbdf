package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"time"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

func mineCommand() command {
	return command{
		name:    "mine",
		summary: "Mine on a pool.",
		usage:   "--pool URL --user USER --algorithm sha256d|scrypt [--password-file F | --password-key ID] [--threads N] [--limit PERCENT] [--shares N] [--for DURATION]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			c := core.Config{Rules: engine.Rules{OnBattery: true, WhileActive: true}}
			var user, password string
			var goal mineGoal
			var pools list
			f.Var(&pools, "pool", "`URL` of the pool: stratum+tcp://HOST:PORT or ws://HOST:PORT/PATH")
			f.StringVar(&user, "user", "", "`USER` at the pool; often ADDRESS.WORKER")
			algorithm := f.String("algorithm", "", "`NAME` of the algorithm: sha256d or scrypt")
			passwordFile := f.String("password-file", "", "`FILE` that holds the password; - is standard input")
			passwordKey := f.String("password-key", "", "`ID` of a password kept with goldpan key add")
			store := storeFlags(f)
			f.IntVar(&c.Lanes, "threads", 0, "`N` threads; 0 takes one for each processor")
			f.IntVar(&c.Rules.Percent, "limit", 100, "`PERCENT` of each thread's time")
			f.Uint64Var(&goal.shares, "shares", 0, "end after `N` accepted shares")
			f.DurationVar(&goal.span, "for", 0, "end after this `DURATION`, for example 10m")
			return func(ctx context.Context, args []string) (err error) {
				if err := noArguments(args); err != nil {
					return err
				}
				if len(pools) == 0 || user == "" || *algorithm == "" {
					return usagef("--pool, --user and --algorithm are needed")
				}
				if goal.span < 0 {
					return usagef("--for: a duration from 1s upward")
				}
				if c.Algorithm, err = hasher.ParseAlgorithm(*algorithm); err != nil {
					return usagef("--algorithm: %s", err)
				}
				for _, text := range pools {
					u, err := stratum.ParseURL(text)
					if err != nil {
						return usagef("--pool: %s", err)
					}
					c.Pools = append(c.Pools, stratum.Pool{URL: u, User: user})
				}
				if err := checkEffort(c.Lanes, c.Rules.Percent); err != nil {
					return err
				}
				if *passwordFile != "" && *passwordKey != "" {
					return usagef("--password-file and --password-key: one of them is enough")
				}
				switch {
				case *passwordFile != "":
					password, err = t.secret(ctx, *passwordFile, "Password")
				case *passwordKey != "":
					password, err = t.poolPassword(ctx, store, *passwordKey)
				default:
					password = "x" // what pools expect from those who have none
				}
				if err != nil {
					return err
				}
				for i := range c.Pools {
					c.Pools[i].Password = password
				}
				if c.Lanes == 0 {
					c.Lanes = runtime.NumCPU()
				}
				return t.mine(ctx, c, goal)
			}
		},
	}
}

// mineGoal is when mining is done; zeros never are.
type mineGoal struct {
	shares uint64
	span   time.Duration
}

// maxAttempts is how often a pool that has never worked is tried.
const maxAttempts = 3

// mine mines until the goal is reached or ctx ends.
func (t *terminal) mine(ctx context.Context, c core.Config, goal mineGoal) error {
	shares := make(chan pow.Result, 1024)
	c.Shares = func(r pow.Result) { offer(shares, r) }
	s, err := core.NewSession(c)
	if err != nil {
		return err
	}
	t.say("Mining %s on %s as %s, with %d %s. Ctrl-C stops.", c.Algorithm, c.Pools[0], c.Pools[0].User, c.Lanes, threadsWord(c.Lanes))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var deadline <-chan time.Time
	if goal.span > 0 {
		timer := time.NewTimer(goal.span)
		defer timer.Stop()
		deadline = timer.C
	}
	live, looks, state, reached := t.live(), 0, "", false
	var gaveUp error
	for {
		select {
		case r := <-shares:
			t.emit(desk.ShareRecord(r))
			if goal.shares > 0 && s.Snapshot().Accepted >= goal.shares {
				reached = true
				cancel()
			}
		case <-deadline:
			reached = true
			cancel()
		case <-tick.C:
			v := s.Snapshot()
			t.emit(desk.StatusRecord(v))
			line := statusLine(v)
			switch changed := v.State+v.Reason != state; {
			case changed && v.State == core.StateDown && v.Err != nil:
				message, hint := desk.Explain(v.Err)
				t.say("Down: %s. %s", message, hint)
			case t.json:
			case live:
				t.redraw(line)
			case changed || looks%15 == 0:
				t.say("%s", line)
			}
			state = v.State + v.Reason
			looks++
			// A pool that has worked is waited for as long as it takes; one that
			// never has is more likely a mistake in its address.
			if !v.Worked && v.Failures >= maxAttempts {
				gaveUp = v.Err
				cancel()
			}
		case err := <-ended:
			for len(shares) > 0 { // the totals count them, so they are told
				t.emit(desk.ShareRecord(<-shares))
			}
			v := s.Snapshot()
			t.say("Stopped after %s: %d shares accepted, %d rejected, %d stale.", v.Uptime.Round(time.Second), v.Accepted, v.Rejected, v.Stale)
			t.emit(desk.TotalsRecord(v))
			if err == nil {
				err = gaveUp
			}
			if err == nil && (goal.shares > 0 || goal.span > 0) && !reached {
				err = errInterrupted
			}
			return err
		}
	}
}

func statusLine(s core.Snapshot) string {
	switch s.State {
	case core.StateMining:
		line := fmt.Sprintf("Mining at %s · %d shares accepted, %d rejected, %d stale · %s", rate(s.Hashrate), s.Accepted, s.Rejected, s.Stale, s.Uptime.Round(time.Second))
		if s.Reason != "" {
			line += " · " + s.Reason
		}
		return line
	case core.StatePaused:
		return "Paused: " + s.Reason
	case core.StateDown:
		return "The pool is down: " + s.Reason
	}
	return "Connecting to the pool …"
}
