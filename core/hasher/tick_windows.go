package hasher

import (
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// tick reads a clock that only runs forward. Go's own steps by up to 16 ms on
// Windows, longer than what is timed here, so the performance counter is read.
func tick() time.Duration {
	var now int64
	if frequency := counterFrequency(); frequency > 0 && counter("QueryPerformanceCounter", &now) {
		seconds, rest := now/frequency, now%frequency
		return time.Duration(seconds)*time.Second + time.Duration(rest)*time.Second/time.Duration(frequency)
	}
	return time.Since(started)
}

var started = time.Now()

var counterFrequency = sync.OnceValue(func() (f int64) {
	if !counter("QueryPerformanceFrequency", &f) {
		return 0
	}
	return f
})

var kernel32 = syscall.NewLazyDLL("kernel32.dll")

// counter calls one of the two functions of the performance counter.
func counter(name string, value *int64) bool {
	p := kernel32.NewProc(name)
	if p.Find() != nil {
		return false
	}
	ok, _, _ := p.Call(uintptr(unsafe.Pointer(value))) //nolint:gosec // the system writes the number there
	return ok != 0
}
