package machine

import (
	"context"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"goldpan/core/engine"
)

func sensors() []*sensor {
	programs := &load{}
	return []*sensor{
		{read: powerStatus},
		{read: lastInput},
		{read: func(context.Context) change { return times(programs) }},
	}
}

// systemPowerStatus is SYSTEM_POWER_STATUS.
type systemPowerStatus struct {
	acLine, batteryFlag, lifePercent, saver byte
	lifeTime, fullLifeTime                  uint32
}

// Of SYSTEM_POWER_STATUS.
const (
	lineOff   = 0
	lineOn    = 1
	noBattery = 128
	unknown   = 255
)

// powerStatus calls GetSystemPowerStatus.
func powerStatus(context.Context) change {
	var s systemPowerStatus
	if !call("kernel32.dll", "GetSystemPowerStatus", uintptr(unsafe.Pointer(&s))) { //nolint:gosec // the system writes there
		return nil
	}
	return func(r *engine.Reading) {
		switch s.acLine {
		case lineOff:
			r.Power = engine.Battery
		case lineOn:
			r.Power = engine.Mains
		}
		if s.batteryFlag != unknown && s.batteryFlag&noBattery != 0 {
			r.Power = engine.Mains
		} else if s.lifePercent <= 100 {
			r.Charge = engine.Known(float64(s.lifePercent))
		}
	}
}

// lastInputInfo is LASTINPUTINFO; at counts milliseconds since the start and begins
// anew after 49 days.
type lastInputInfo struct{ size, at uint32 }

// lastInput calls GetLastInputInfo.
func lastInput(context.Context) change {
	info := lastInputInfo{size: uint32(unsafe.Sizeof(lastInputInfo{}))}
	if !call("user32.dll", "GetLastInputInfo", uintptr(unsafe.Pointer(&info))) { //nolint:gosec // the system writes there
		return nil
	}
	now := uint32(windows.DurationSinceBoot() / time.Millisecond)
	idle := time.Duration(now-info.at) * time.Millisecond
	if now-info.at > 1<<31 { // it came between the two calls
		idle = 0
	}
	return func(r *engine.Reading) { r.Idle = engine.Known(idle) }
}

// times calls GetSystemTimes and GetProcessTimes. The kernel's time holds the idle
// time; all are in units of 100 ns.
func times(l *load) change {
	var idle, kernel, user windows.Filetime
	if !call("kernel32.dll", "GetSystemTimes", uintptr(unsafe.Pointer(&idle)), uintptr(unsafe.Pointer(&kernel)), uintptr(unsafe.Pointer(&user))) { //nolint:gosec // the system writes there
		return nil
	}
	var creation, exit, ownKernel, ownUser windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &creation, &exit, &ownKernel, &ownUser) != nil {
		return nil
	}
	count := func(f windows.Filetime) int64 { return int64(f.HighDateTime)<<32 | int64(f.LowDateTime) }
	return l.add(count(kernel)+count(user), count(idle), count(ownKernel)+count(ownUser))
}

// call calls a function of the system that returns 0 when it fails.
func call(library, name string, args ...uintptr) bool {
	p := windows.NewLazySystemDLL(library).NewProc(name)
	if p.Find() != nil {
		return false
	}
	ok, _, _ := p.Call(args...)
	return ok != 0
}
