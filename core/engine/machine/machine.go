//go:build !js

// Package machine tells how the computer fares: mains or battery, the person's
// last input, temperature, power, and what other programs use of the processor.
// It is what the engine's rules look at.
//
// It asks what the system tells everybody, and sets nothing. No sensor holds up
// another or the caller: each is read on its own and left behind when it takes too
// long. It starts no service, no bus and, except on macOS where there is no other
// way, no program. What it reads is bounded and believed only within what is
// physically sensible; the rest is "not known".
//
// On Linux it reads the kernel's files (Documentation/ABI/testing/sysfs-class-power,
// sysfs-class-hwmon, sysfs-class-thermal and sysfs-class-powercap in the kernel's
// tree; proc(5)) and asks for the idle time the desktop on D-Bus, X11's MIT-SCREEN-SAVER
// extension, or logind. On Windows it calls GetSystemPowerStatus, GetLastInputInfo and
// GetSystemTimes; on macOS it reads what pmset, ioreg and ps print. Temperature and
// power are measured on Linux alone.
package machine

import (
	"context"
	"sync/atomic"
	"time"

	"goldpan/core/engine"
)

// Machine is this computer. It implements [engine.Machine].
type Machine struct {
	sensors []*sensor
}

// sensor tells some of a reading. read returns when ctx ends, or late: then it is
// not called again before it has returned.
type sensor struct {
	read func(ctx context.Context) change
	busy atomic.Bool
}

// change writes what a sensor told into a reading; nil where it told nothing.
type change func(*engine.Reading)

// patience is how long a sensor may take.
const patience = 2 * time.Second

// New returns the machine that this program runs on.
func New() *Machine { return &Machine{sensors: sensors()} }

// Read asks all sensors at once and returns what they tell within two seconds.
// Power and the use by other programs are told from the second call on, as averages
// since the one before.
func (m *Machine) Read(ctx context.Context) (r engine.Reading) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	told := make(chan change, len(m.sensors)) // one that is late writes into nothing
	waiting := 0
	for _, s := range m.sensors {
		if !s.busy.CompareAndSwap(false, true) {
			continue // still at the last call
		}
		waiting++
		go func() {
			c := s.read(ctx)
			s.busy.Store(false)
			told <- c
		}()
	}
	for ; waiting > 0; waiting-- {
		select {
		case c := <-told:
			if c != nil {
				c(&r)
			}
		case <-ctx.Done():
			return r
		}
	}
	return r
}

// percent keeps a figure within 0 to 100 percent.
func percent(v float64) float64 { return min(100, max(0, v)) }
