//go:build !js

package machine

import (
	"strconv"
	"strings"
	"time"

	"goldpan/core/engine"
)

// What the programs of macOS print is read here, apart from calling them, so that
// it can be tested anywhere.

// parsePmset reads `pmset -g batt`: the source in quotes on the first line, then one
// line for each battery with its charge, "95%".
func parsePmset(s string) (source engine.Power, charge float64, charged bool) {
	first, rest, _ := strings.Cut(s, "\n")
	switch {
	case strings.Contains(first, "'AC Power'"):
		source = engine.Mains
	case strings.Contains(first, "'Battery Power'"), strings.Contains(first, "'UPS Power'"):
		source = engine.Battery
	}
	if before, _, ok := strings.Cut(rest, "%"); ok {
		digits := before[strings.LastIndexFunc(before, func(r rune) bool { return r < '0' || r > '9' })+1:]
		if n, err := strconv.ParseUint(digits, 10, 8); err == nil && n <= 100 {
			return source, float64(n), true
		}
	}
	return source, 0, false
}

// parseIoreg finds `"HIDIdleTime" = 123456789`, in nanoseconds, in what ioreg prints
// of the class IOHIDSystem.
func parseIoreg(s string) (time.Duration, bool) {
	_, after, ok := strings.Cut(s, `"HIDIdleTime" = `)
	if !ok {
		return 0, false
	}
	digits := after
	if end := strings.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = after[:end]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return time.Duration(n), err == nil
}

// parsePs adds up `ps -A -o pid=,%cpu=` of all programs but own, as a share of all
// processors in percent.
func parsePs(s string, own, processors int) (float64, bool) {
	sum, lines := 0.0, 0
	for line := range strings.Lines(s) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		used, err2 := strconv.ParseFloat(strings.Replace(fields[1], ",", ".", 1), 64)
		if err != nil || err2 != nil || !(used >= 0 && used <= 1e6) {
			continue
		}
		if lines++; pid != own {
			sum += used
		}
	}
	return percent(sum / float64(max(1, processors))), lines > 0
}
