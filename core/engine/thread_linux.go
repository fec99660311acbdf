package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the processor time that this thread has used.
func threadTime(began time.Time) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return time.Since(began)
	}
	return time.Duration(t.Nano())
}

// yieldTo lets other threads go before this one; it cannot be undone. At 19 it
// runs only when nothing else wants the processor. What the system refuses is
// left: the lane works all the same.
func yieldTo(nice int) {
	tid := unix.Gettid()
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
	policy := uint32(unix.SCHED_BATCH)
	if nice == maxNice {
		policy = unix.SCHED_IDLE
	}
	_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Nice: int32(nice)}, 0)
}
