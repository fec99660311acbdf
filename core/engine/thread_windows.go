package engine

import (
	"time"

	"golang.org/x/sys/windows"
)

// threadTime returns the time since began: Windows counts a thread's own in steps
// of 16 ms, longer than a lane works at once.
func threadTime(began time.Time) time.Duration { return time.Since(began) }

// Of SetThreadPriority.
const (
	threadPriorityBelowNormal = -1
	threadPriorityLowest      = -2
	threadPriorityIdle        = -15
)

// yieldTo lets other threads go before this one. What the system refuses is left:
// the lane works all the same.
func yieldTo(nice int) {
	priority := threadPriorityBelowNormal
	switch {
	case nice == maxNice:
		priority = threadPriorityIdle
	case nice >= maxNice/2:
		priority = threadPriorityLowest
	}
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadPriority")
	if set.Find() == nil {
		_, _, _ = set.Call(uintptr(windows.CurrentThread()), uintptr(priority))
	}
}
