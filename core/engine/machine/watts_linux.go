package machine

import (
	"context"
	"path"
	"strings"
	"time"

	"goldpan/core/engine"
)

const powercap = "sys/class/powercap"

// meters measures power by counters of energy, and by monitors.
type meters struct {
	tree
	now    func() time.Time
	at     time.Time
	energy map[string]int64 // µJ, by domain, as it was last
}

func (m *meters) read(context.Context) change {
	packages, platform := m.counters()
	watts, of := packages, "processor"
	if platform > 0 {
		watts, of = platform, "computer"
	}
	for _, monitor := range m.list(monitors) {
		name, _ := m.text(monitors, monitor, "name")
		switch name {
		case "power_meter", "acpi_power_meter":
			if w := m.monitored(monitor); w > 0 {
				watts, of = w, "computer"
			}
		case "zenpower", "fam15h_power":
			if w := m.monitored(monitor); w > 0 && watts == 0 {
				watts = w
			}
		}
	}
	if watts <= 0 || watts > maxWatts {
		return nil
	}
	return func(r *engine.Reading) {
		if !r.Watts.Known || r.WattsOf != "computer" { // what a battery gives is more exact
			r.Watts, r.WattsOf = engine.Known(watts), of
		}
	}
}

// monitored returns watts by a driver's own average.
func (m *meters) monitored(monitor string) float64 {
	for _, file := range []string{"power1_average", "power1_input"} {
		if n, ok := m.number(1, maxMicro, monitors, monitor, file); ok {
			return float64(n) / microPerWhole
		}
	}
	return 0
}

// counters returns the watts since it was called last, of the processor's packages
// together and of the whole platform; 0 where it is not known. The counters begin
// anew when they are full.
func (m *meters) counters() (packages, platform float64) {
	now := m.now()
	took := now.Sub(m.at)
	was := m.energy
	m.at, m.energy = now, map[string]int64{}
	for _, domain := range m.list(powercap) {
		if ok, err := path.Match("intel-rapl:[0-9]*", domain); err != nil || !ok || strings.Count(domain, ":") != 1 {
			continue // a part of a domain that is counted already
		}
		name, _ := m.text(powercap, domain, "name")
		energy, ok := m.number(0, 1<<62, powercap, domain, "energy_uj") // for root alone on most systems
		if !ok {
			continue
		}
		m.energy[domain] = energy
		before, ok := was[domain]
		if !ok || took <= 0 || took > maxStep {
			continue
		}
		used := energy - before
		if used < 0 {
			full, ok := m.number(1, 1<<62, powercap, domain, "max_energy_range_uj")
			if !ok || before > full {
				continue
			}
			used += full
		}
		watts := float64(used) / microPerWhole / took.Seconds()
		switch {
		case strings.HasPrefix(name, "package"):
			packages += watts
		case name == "psys":
			platform += watts
		}
	}
	return packages, platform
}
