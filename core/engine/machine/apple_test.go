//go:build !js

package machine

import (
	"testing"
	"time"

	"goldpan/core/engine"
	"goldpan/core/pow"
)

func noShares(pow.Share) {}

// The texts are written after the manual pages and published examples of pmset(1),
// ioreg(8) and ps(1); none was recorded here.
func TestApple(t *testing.T) {
	for _, c := range []struct {
		text    string
		source  engine.Power
		charge  float64
		charged bool
	}{
		{"Now drawing from 'AC Power'\n -InternalBattery-0 (id=4325475)\t100%; charged; 0:00 remaining present: true\n", engine.Mains, 100, true},
		{"Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4325475)\t83%; discharging; 5:12 remaining present: true\n", engine.Battery, 83, true},
		{"Now drawing from 'AC Power'\n", engine.Mains, 0, false},
		{"Now drawing from 'UPS Power'\n -Smart-UPS 750\t7%; discharging\n", engine.Battery, 7, true},
		{"", engine.PowerUnknown, 0, false},
		{"Now drawing from 'AC Power'\n x 900%\n", engine.Mains, 0, false},
	} {
		if source, charge, charged := parsePmset(c.text); source != c.source || charge != c.charge || charged != c.charged {
			t.Errorf("%q: %v, %v, %v", c.text, source, charge, charged)
		}
	}
	for text, want := range map[string]time.Duration{
		"    | |   \"HIDIdleTime\" = 123456789012\n    | |   \"HIDPointer": 123456789012,
		`"HIDIdleTime" = 0`:                    0,
		`"HIDIdleTime" = `:                     -1,
		`"HIDIdleTime" = 99999999999999999999`: -1,
		"nothing":                              -1,
	} {
		if got, ok := parseIoreg(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	if got, ok := parsePs("    1   0.5\n  314  60,0\n   99 100.0\n   5 junk\n 6 -4\n", 99, 4); !ok || got != 60.5/4 {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := parsePs("PID %CPU\n", 1, 1); ok {
		t.Error("a heading was taken for a program")
	}
}
