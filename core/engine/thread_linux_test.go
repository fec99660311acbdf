package engine

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestYield: a lane's thread goes behind others, and no other thread does.
func TestYield(t *testing.T) {
	runtime.LockOSThread() // else this may be the thread that yields
	defer runtime.UnlockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if before.Policy != unix.SCHED_NORMAL || before.Nice > 10 {
		t.Skipf("these tests run behind others themselves: %+v", before)
	}
	for nice, policy := range map[int]uint32{12: unix.SCHED_NORMAL, maxNice: unix.SCHED_IDLE} {
		got := make(chan *unix.SchedAttr, 1)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
			yieldTo(nice)
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Error(err)
				attr = &unix.SchedAttr{}
			}
			got <- attr
		}()
		if a := <-got; a.Policy != policy || a.Nice != int32(nice) {
			t.Errorf("nice %d: policy %d at %d", nice, a.Policy, a.Nice)
		}
	}
	// Threads that the program starts from here on are as before.
	for range 20 {
		got := make(chan *unix.SchedAttr, 1)
		go func() {
			runtime.LockOSThread()
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Error(err)
				attr = &unix.SchedAttr{}
			}
			got <- attr
		}()
		if a := <-got; a.Policy != before.Policy || a.Nice != before.Nice {
			t.Errorf("another thread went behind too: %+v", a)
		}
	}
}
