package vault

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed guide.json
var guideJSON []byte

var guide = sync.OnceValue(func() (g struct {
	Panic, Other []string
	Unlocked     string
}) {
	if err := json.Unmarshal(guideJSON, &g); err != nil {
		panic("vault: guide.json: " + err.Error())
	}
	return g
})

// PanicSteps tells a person what to do when keys may be in wrong hands, in
// order: the general steps, with each provider's own in their places. locked says
// whether the keys could be locked here.
func PanicSteps(entries []Entry, locked bool) []string {
	var revoke, support []string
	seen := make(map[string]bool)
	for _, e := range entries {
		p, ok := ProviderOf(e.Provider)
		if !ok {
			p = Provider{Name: " " + e.ID, Title: e.Name, Revoke: guide().Other}
		}
		if e.State == Revoked || seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		for _, step := range p.Revoke {
			revoke = append(revoke, "  "+p.Title+": "+step)
		}
		if p.Support != "" {
			support = append(support, "  "+p.Title+": "+p.Support)
		}
	}
	if len(revoke) == 0 {
		for _, step := range guide().Other { // the list of keys cannot be read, or is empty
			revoke = append(revoke, "  "+step)
		}
	}
	var steps []string
	for i, step := range guide().Panic {
		if i == 6 && len(support) == 0 {
			step = strings.TrimSuffix(step, ":") + "." // of these keys' makers no address is known
		}
		if i == 0 && !locked {
			step = guide().Unlocked
		}
		steps = append(steps, step)
		switch i {
		case 2:
			steps = append(steps, revoke...)
		case 6:
			steps = append(steps, support...)
		}
	}
	return steps
}
