//go:build !js

package machine

import (
	"time"

	"goldpan/core/engine"
)

// load turns counters of processor time into the share of all processors that
// other programs use. Its fields are the counters as they were last.
type load struct {
	known            bool
	total, idle, own int64 // in the system's own unit
}

// maxStep is the longest time between two readings that one average spans: after a
// sleep of the computer the counters begin anew.
const maxStep = time.Minute

// add takes the time of all processors, what of it they were idle, and what this
// program used, each since some moment that never changes.
func (l *load) add(total, idle, own int64) change {
	was := *l
	*l = load{true, total, idle, own}
	dTotal, dIdle, dOwn := total-was.total, idle-was.idle, own-was.own
	if !was.known || dTotal <= 0 || dIdle < 0 || dIdle > dTotal || dOwn < 0 {
		return nil
	}
	// The system counts in ticks and a program more finely: a little less than
	// nothing is nothing.
	others := percent(float64(dTotal-dIdle-dOwn) / float64(dTotal) * 100)
	return func(r *engine.Reading) { r.Others = engine.Known(others) }
}
