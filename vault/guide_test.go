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
		steps := vault.PanicSteps(entries)
		for i, step := range steps {
			last := i == len(steps)-1 || !strings.HasPrefix(steps[i+1], " ")
			if !strings.HasPrefix(step, " ") && last && strings.HasSuffix(step, ":") && len(entries) > 0 {
				t.Errorf("%s: nothing follows %q", name, step)
			}
		}
	}
}
