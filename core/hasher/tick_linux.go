package hasher

import (
	"time"

	"golang.org/x/sys/unix"
)

// tick is the processor time of this thread: unlike a clock on the wall it
// stands still while other programs have the processor, so that a busy machine
// chooses the same kernel as an idle one.
func tick() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return time.Duration(time.Now().UnixNano())
	}
	return time.Duration(t.Nano())
}
