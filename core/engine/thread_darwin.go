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

// Of setpriority(2): which and what.
const (
	prioDarwinThread = 3
	prioDarwinBG     = 0x1000
)

// yieldTo lets other programs go first; it cannot be undone. The system knows no
// priority of one thread but the background, which is 19; below that the whole
// program yields, its window included.
func yieldTo(nice int) {
	if nice == maxNice {
		_ = unix.Setpriority(prioDarwinThread, 0, prioDarwinBG)
		return
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, nice)
}
