package stratum

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"goldpan/core/pow"
)

// settle decides which pools are to run and which of them is active, and whether the state is to be told. It is
// called with the lock after every change, and when f.next has come.
func (f *Failover) settle(tell bool) {
	now := time.Now()
	f.next = time.Time{}
	f.choose(now)
	if f.start != nil {
		f.connect(now)
		f.disconnect(now)
	}
	if s := f.state(); (tell || f.active != nil) && !same(s, f.told) {
		f.told = s
		h := f.cfg.Client.Handler
		f.calls = append(f.calls, func() { h.State(s) })
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// look has settle called at t, or before.
func (f *Failover) look(t time.Time) {
	if f.next.IsZero() || t.Before(f.next) {
		f.next = t
	}
}

// choose finds the active pool.
func (f *Failover) choose(now time.Time) {
	for _, m := range f.pools {
		if m.job == nil {
			m.since, m.jobs = time.Time{}, 0
		}
	}
	was := f.active
	if f.active != nil && f.active.job == nil {
		f.active = nil
	}
	for _, m := range f.pools {
		if m == f.active {
			break
		}
		if m.job == nil {
			continue
		}
		healthy := m.since.Add(f.cfg.Healthy)
		// A pool that is silent after its first job would be left again soon: it must have spoken once more.
		if f.active == nil || m.jobs > 1 && !now.Before(healthy) {
			f.active = m
			break
		}
		if now.Before(healthy) {
			f.look(healthy)
		}
	}
	switch {
	case f.active == was:
		return
	case f.active == nil:
		f.hand(nil)
		return
	}
	f.hand(f.active.job)
	f.moved()
}

// moved tells that another pool is active than before.
func (f *Failover) moved() {
	last := f.last
	f.last = f.active
	if last == f.active {
		return // it was away for a while
	}
	e := Event{Kind: Moved, Pool: f.active.pool.String()}
	rank, before := slices.Index(f.pools, f.active), slices.Index(f.pools, last)
	if rank == 0 && before < 0 {
		return // the first of all, or of other pools than before
	}
	if last != nil {
		e.From = last.pool.String()
	}
	if before > rank {
		e.Kind = Returned
	}
	if first := f.pools[0]; e.Kind == Moved {
		e.Reason, e.Err = first.lost.Reason, first.lost.Err
	}
	f.event(e)
}

// connect starts the clients of the pools that are wanted: from the first on, to the first that works or may still
// come to work.
func (f *Failover) connect(now time.Time) {
	refused := 0
	for _, m := range f.pools {
		switch {
		case m.refused != nil:
			refused++
			continue
		case m.run != nil:
		case now.Before(m.again):
			f.look(m.again)
			continue
		default:
			f.open(m, now)
		}
		if m.job != nil {
			return
		}
		if deadline := m.started.Add(f.cfg.Patience); m.failures == 0 && now.Before(deadline) {
			f.look(deadline)
			return
		}
	}
	for _, m := range f.pools { // nothing works: even one that answered no shares may have come to its senses
		if m.mute > 0 && m.run == nil && m.refused == nil {
			f.open(m, now)
		}
	}
	if refused == len(f.pools) && f.over == nil {
		f.over = fmt.Errorf("%w: no pool given", ErrAddress)
		if refused > 0 {
			var all []error
			for _, m := range f.pools {
				all = append(all, m.refused)
			}
			f.over = errors.Join(all...)
		}
	}
}

// open starts a pool's Client.
func (f *Failover) open(m *member, now time.Time) {
	m.state, m.failures, m.started = pow.State{Phase: pow.Connecting, Pool: m.pool.String()}, 0, now
	m.run = f.start(m)
}

// disconnect ends the connections that are not needed any more.
func (f *Failover) disconnect(now time.Time) {
	worse := false
	for _, m := range f.pools {
		switch {
		case m == f.active:
			worse = true
			m.idle = time.Time{}
		case !worse || m.run == nil:
			m.idle = time.Time{}
		case m.idle.IsZero():
			m.idle = now
			f.look(now.Add(f.cfg.Linger))
		case now.Sub(m.idle) >= f.cfg.Linger:
			m.stop()
		default:
			f.look(m.idle.Add(f.cfg.Linger))
		}
	}
}

// A pool that answers no shares is left for so long at first, and at most.
const (
	leaveFor     = 2 * time.Minute
	leaveForMost = time.Hour
)

// leave ends the connection of a pool that answers no shares, so that another gets its turn. The last that there is
// goes on trying.
func (f *Failover) leave(m *member) {
	now := time.Now()
	other := func(o *member) bool { return o != m && o.refused == nil && !now.Before(o.again) }
	if !slices.ContainsFunc(f.pools, other) {
		return
	}
	m.again = now.Add(min(leaveForMost, leaveFor<<min(m.mute, 8)))
	m.mute++
	m.stop()
	m.failures = 1 // it is not idle, it does not work
}

// stop ends the connection of a pool, if it has one. It does not wait.
func (m *member) stop() {
	if m.run != nil {
		m.run.stopped = true
		m.run.cancel()
	}
	m.run, m.job, m.since, m.jobs, m.idle, m.failures = nil, nil, time.Time{}, 0, time.Time{}, 0
	m.state = pow.State{Pool: m.pool.String()}
}

// state is what the handler is to know: of the active pool, else of the attempts.
func (f *Failover) state() pow.State {
	if f.active != nil {
		return f.active.state
	}
	var down pow.State
	found := false
	for _, m := range f.pools {
		switch {
		case m.run == nil && m.refused == nil:
			continue
		case m.run != nil && m.state.Phase != pow.Down:
			return pow.State{Phase: pow.Connecting, Pool: m.pool.String()}
		case !found || down.Retry == 0 && m.state.Retry > 0: // one that is tried again counts for more
			down, found = m.state, true
		case m.state.Retry > 0:
			down.Retry = min(down.Retry, m.state.Retry)
		}
	}
	return down
}

// same compares what people see.
func same(a, b pow.State) bool {
	a.Err, b.Err = nil, nil
	return a == b
}
