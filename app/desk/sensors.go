package desk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"goldpan/app/desk/config"
	"goldpan/core/engine"
	"goldpan/core/engine/machine"
)

// sensors tells how this machine fares.
func sensors() engine.Machine { return machine.New() }

// betweenReadings is enough for power and load, which are averages since the
// reading before.
const betweenReadings = 500 * time.Millisecond

// sensorFindings tell what the rules of mining can go by on this machine.
func sensorFindings(ctx context.Context, m engine.Machine) []Finding {
	m.Read(ctx)
	timer := time.NewTimer(betweenReadings)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	r := m.Read(ctx)
	power := Finding{Name: "power source", OK: r.Power != engine.PowerUnknown, Text: "on " + r.Power.String(), Hint: "Mining cannot pause on battery here; a machine without one needs no pause."}
	if r.Charge.Known {
		power.Text += fmt.Sprintf(", charged to %.0f%%", r.Charge.Value)
	}
	if !power.OK {
		power.Text = "not known"
	}
	of := r.WattsOf
	if of == "" {
		of = "processor"
	}
	return []Finding{
		power,
		sensor("idle time", r.Idle.Known, "the last key or movement of the mouse was "+r.Idle.Value.Round(time.Second).String()+" ago", "Mining cannot pause while you use the machine."),
		sensor("temperature", r.Celsius.Known, fmt.Sprintf("%.0f °C", r.Celsius.Value), "A limit of the temperature has no effect."),
		sensor("power", r.Watts.Known, fmt.Sprintf("%.1f W of the %s", r.Watts.Value, of), "A limit of the power has no effect. On Linux, root alone may read it on many machines."),
		sensor("other load", r.Others.Known, fmt.Sprintf("other programs use %.0f%% of the processor", r.Others.Value), "Mining cannot pause for other programs."),
	}
}

func sensor(name string, known bool, text, hint string) Finding {
	if !known {
		return Finding{Name: name, Text: "not measured here", Hint: hint}
	}
	return Finding{Name: name, OK: true, Text: text}
}

// settingsFindings tell of config.toml and of the proxy in it.
func settingsFindings(dir string) []Finding {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil // the data directory's finding says so
		}
	}
	c, err := config.Read(dir)
	var problems *config.Problems
	switch {
	case errors.As(err, &problems):
		text, hint := Explain(err)
		return []Finding{{Name: "settings", Text: text, Hint: hint}}
	case err != nil:
		return []Finding{{Name: "settings", Text: config.Path(dir) + " cannot be read", Hint: "Check who owns the file and the folder."}}
	}
	settings := Finding{Name: "settings", OK: true, Text: fmt.Sprintf("%s is in order; pools in it: %d", config.Path(dir), len(c.Pools))}
	if _, err := os.Stat(config.Path(dir)); err != nil {
		settings.Text = "none yet; goldpan config path makes the file"
	}
	proxy := Finding{Name: "proxy", OK: true, Text: "none; connections are made directly"}
	if c.Proxy != "" {
		proxy.Text = "all connections of mine go through " + printable(c.Proxy) + "; it was not contacted"
	}
	return []Finding{settings, proxy}
}
