package engine

import "golang.org/x/sys/unix"

// yieldTo lets other threads go before this one; it cannot be undone. At 19 it
// runs only when nothing else wants the processor. What the system refuses is
// left: the lane works all the same.
func yieldTo(nice int) {
	tid := unix.Gettid()
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, nice)
	if nice == maxNice {
		_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: int32(nice)}, 0)
	}
}
