package machine

import (
	"context"

	"goldpan/core/engine"
)

const supplies = "sys/class/power_supply"

// Bounds of a battery's figures in millionths of watts, volts and so on: more than
// any computer's.
const (
	maxMicro      = 1_000_000_000_000
	maxWatts      = 10_000
	microPerWhole = 1e6
)

// battery is what one of them tells.
type battery struct {
	discharging, charging bool
	now, full             float64 // any unit, the same for both; full is 0 if unknown
	watts                 float64
	wattsKnown            bool
}

// power looks at the power supplies: which feeds the computer, how full its
// batteries are, and what they give.
func (t tree) power(context.Context) change {
	names := t.list(supplies)
	if names == nil {
		if _, ok := t.text("proc/stat"); !ok { // not a Linux that shows anything
			return nil
		}
		return func(r *engine.Reading) { r.Power = engine.Mains }
	}
	var batteries []battery
	adapters, online := 0, 0
	for _, name := range names {
		if scope, _ := t.text(supplies, name, "scope"); scope == "Device" {
			continue // a mouse's
		}
		switch kind, _ := t.text(supplies, name, "type"); kind {
		case "Mains", "USB", "Wireless":
			if on, ok := t.number(0, 2, supplies, name, "online"); ok {
				adapters++
				if on > 0 {
					online++
				}
			}
		case "Battery", "UPS":
			if there, ok := t.number(0, 1, supplies, name, "present"); !ok || there == 1 {
				batteries = append(batteries, t.battery(name))
			}
		}
	}
	var drains, charges, watts, now, full float64
	wattsKnown, fullKnown := len(batteries) > 0, len(batteries) > 0
	for _, b := range batteries {
		if b.discharging {
			drains++
			wattsKnown = wattsKnown && b.wattsKnown
			watts += b.watts
		}
		if b.charging {
			charges++
		}
		now, full = now+b.now, full+b.full
		fullKnown = fullKnown && b.full > 0
	}
	source := engine.PowerUnknown
	switch {
	case len(batteries) == 0 || online > 0:
		source = engine.Mains
	case drains > 0 || adapters > 0:
		source = engine.Battery
	case charges > 0:
		source = engine.Mains
	}
	return func(r *engine.Reading) {
		r.Power = source
		if fullKnown {
			r.Charge = engine.Known(percent(now / full * 100))
		}
		if source == engine.Battery && drains > 0 && wattsKnown && watts > 0 && watts <= maxWatts {
			r.Watts, r.WattsOf = engine.Known(watts), "computer"
		}
	}
}

func (t tree) battery(name string) (b battery) {
	number := func(file string) (float64, bool) {
		n, ok := t.number(-maxMicro, maxMicro, supplies, name, file)
		return max(float64(n), -float64(n)), ok // some count a discharge as negative
	}
	switch status, _ := t.text(supplies, name, "status"); status {
	case "Discharging":
		b.discharging = true
	case "Charging", "Full", "Not charging":
		b.charging = true
	}
	for _, unit := range []string{"energy", "charge"} {
		now, ok := number(unit + "_now")
		full, ok2 := number(unit + "_full")
		if ok && ok2 && full > 0 {
			b.now, b.full = now, full
			break
		}
	}
	if b.full == 0 {
		if c, ok := t.number(0, 100, supplies, name, "capacity"); ok {
			b.now, b.full = float64(c), 100
		}
	}
	if w, ok := number("power_now"); ok {
		b.watts, b.wattsKnown = w/microPerWhole, true
		return b
	}
	current, ok := number("current_now")
	volts, ok2 := number("voltage_now")
	if ok && ok2 {
		b.watts, b.wattsKnown = current/microPerWhole*(volts/microPerWhole), true
	}
	return b
}
