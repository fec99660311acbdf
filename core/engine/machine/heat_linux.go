package machine

import (
	"context"
	"path"
	"slices"
	"strings"

	"goldpan/core/engine"
)

const (
	monitors = "sys/class/hwmon"
	zones    = "sys/class/thermal"
)

// processorMonitors are the drivers of the kernel that measure the processor.
var processorMonitors = []string{"coretemp", "k10temp", "zenpower", "k8temp", "via_cputemp", "cpu_thermal", "cpu0_thermal", "soc_thermal", "scpi_sensors"}

// heat returns the hottest that the processor's sensors show, in °C.
func (t tree) heat(context.Context) change {
	hottest, found := 0.0, false
	take := func(celsius float64, ok bool) {
		if ok && (!found || celsius > hottest) {
			hottest, found = celsius, true
		}
	}
	for _, m := range t.list(monitors) {
		if name, _ := t.text(monitors, m, "name"); slices.Contains(processorMonitors, name) {
			take(t.monitor(m))
		}
	}
	if !found {
		for _, z := range t.list(zones) {
			kind, _ := t.text(zones, z, "type")
			if kind = strings.ToLower(kind); kind == "x86_pkg_temp" || strings.HasPrefix(kind, "cpu") || strings.HasPrefix(kind, "soc") {
				take(t.celsius(zones, z, "temp"))
			}
		}
	}
	if !found {
		return nil
	}
	return func(r *engine.Reading) { r.Celsius = engine.Known(hottest) }
}

// monitor returns the hottest of one driver's sensors. On AMD's processors "Tctl"
// is Tdie and up to 27 degrees, to steer fans; it counts where there is no Tdie.
func (t tree) monitor(m string) (hottest float64, found bool) {
	var fan float64
	fanFound, die := false, false
	for _, file := range t.list(monitors, m) {
		if ok, err := path.Match("temp*_input", file); err != nil || !ok {
			continue
		}
		label, _ := t.text(monitors, m, strings.TrimSuffix(file, "input")+"label")
		c, ok := t.celsius(monitors, m, file)
		switch {
		case !ok:
		case label == "Tctl":
			fan, fanFound = c, true
		default:
			die = die || label == "Tdie"
			if !found || c > hottest {
				hottest, found = c, true
			}
		}
	}
	if fanFound && !die && (!found || fan > hottest) {
		return fan, true
	}
	return hottest, found
}

// celsius reads thousandths of a degree. A sensor that shows nothing, or what no
// processor survives, is broken or not connected.
func (t tree) celsius(file ...string) (float64, bool) {
	n, ok := t.number(-40_000, 150_000, file...)
	return float64(n) / 1000, ok && n != 0
}
