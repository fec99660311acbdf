package vault_test

import (
	"strings"
	"testing"

	"goldpan/vault"
)

// TestPanicStepsEnd: a step announces a list only where one follows.
func TestPanicStepsEnd(t *testing.T) {
	for name, entries := range map[string][]vault.Entry{
		"none": nil, "a pool's password": {{ID: "mine", Name: "mine"}}, "an exchange's key": {{ID: "k", Name: "k", Provider: "kraken"}},
	} {
		if unlocked := vault.PanicSteps(entries, false); !strings.Contains(unlocked[0], "could not lock") {
			t.Errorf("%s: keys that are not locked: %q", name, unlocked[0])
		}
		steps := vault.PanicSteps(entries, true)
		for i, step := range steps {
			last := i == len(steps)-1 || !strings.HasPrefix(steps[i+1], " ")
			if !strings.HasPrefix(step, " ") && last && strings.HasSuffix(step, ":") {
				t.Errorf("%s: nothing follows %q", name, step)
			}
		}
	}
}
