package core

import (
	"time"

	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/core/watch"
)

// PoolState is how one of several pools stands.
type PoolState = stratum.PoolState

// Snapshot is all that a screen shows of a session.
type Snapshot struct {
	Pool                      string      // the address in use, or the one that is tried
	Pools                     []PoolState // all, in order of preference; nil when the source is another
	State                     string      // connecting, mining, paused or down
	Reason                    string      // why it is not mining, or mines badly, in words for the user
	Warning                   string      // what the person should know while it mines; "" when all is well
	Err                       error       // why the pool was down last; nil once it works
	Failures                  int         // attempts to reach the pool since it last worked; with several, of the one with the fewest
	Worked                    bool        // the pool has given a job at least once
	Algorithm                 hasher.Algorithm
	Kernel                    string
	Lanes                     int
	Hashrate                  float64      // hashes a second
	Hashes                    uint64       // since the session began
	Faults                    uint64       // hashes that this machine got wrong
	Accepted, Rejected, Stale uint64       // shares
	Difficulty                float64      // of the present job's shares
	Best                      float64      // the highest difficulty of a share
	Rates                     watch.Report // what was hashed over several spans, beside what the shares show of it
	Uptime                    time.Duration
	Header                    hasher.Header // being hashed, with its nonce zero

	// What the rules do.
	Percent    int            // of each lane's time, in force; 0 at rest
	Active     int            // lanes that may work; 0 at rest
	Slowed     string         // why the lanes work less than the rules' percent, in words
	Unmeasured []string       // rules that have no effect because the machine does not tell, in words
	Resumed    time.Time      // when a pause by the rules ended last; zero if none has
	Reading    engine.Reading // of the machine
}

// Snapshot returns the session as it is now.
func (s *Session) Snapshot() Snapshot { return s.snapshot(s.engine.Snapshot()) }

// snapshot joins what the lanes do with how the source stands.
func (s *Session) snapshot(e engine.Snapshot) Snapshot {
	var pools []PoolState
	if s.failover != nil {
		pools = s.failover.Pools()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Snapshot{
		Pool: s.state.Pool, Pools: pools,
		Reason: s.state.Reason, Warning: s.warning,
		Err:       s.lost,
		Algorithm: s.config.Algorithm,
		Kernel:    e.Kernel, Lanes: e.Lanes, Hashrate: e.Hashrate, Hashes: e.Hashes, Faults: e.Faults, Best: e.Best, Header: e.Header,
		Accepted: s.accepted, Rejected: s.rejected, Stale: s.stale,
		Difficulty: s.state.Difficulty, Failures: s.failures, Worked: s.worked,
		Rates:   s.watch.Report(),
		Percent: e.Percent, Active: e.Active, Slowed: e.Slowed, Unmeasured: e.Unmeasured, Resumed: e.Resumed, Reading: e.Reading,
	}
	if len(pools) > 0 {
		v.Failures, v.Err = failed(pools)
		if v.Pool == "" {
			v.Pool = pools[0].Pool
		}
	}
	if !s.started.IsZero() {
		v.Uptime = time.Since(s.started)
	}
	switch {
	case s.paused != "":
		v.State, v.Reason = StatePaused, s.paused
	case e.Paused != "":
		v.State, v.Reason = StatePaused, e.Paused
	case s.state.Phase == pow.Mining:
		v.State = StateMining
		if v.Faults > 0 {
			v.Reason = faultsReason
		}
	case s.state.Phase == pow.Down:
		v.State = StateDown
	default:
		v.State = StateConnecting
	}
	return v
}

// failed returns the fewest failures of the pools that are still tried, and why
// the first of those that fail does.
func failed(pools []PoolState) (fewest int, err error) {
	first := true
	for _, p := range pools {
		if err == nil {
			err = p.Err
		}
		if p.Refused {
			continue
		}
		if first || p.Failures < fewest {
			fewest, first = p.Failures, false
		}
		if p.Phase == pow.Mining {
			return 0, nil
		}
	}
	return fewest, err
}
