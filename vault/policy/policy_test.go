package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"goldpan/vault"
)

func TestJudge(t *testing.T) {
	now := time.Now()
	good := vault.Permissions{Seen: now, Read: vault.Yes, Trade: vault.No, Transfer: vault.No, Withdraw: vault.No, Allowlist: vault.Yes, Expires: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		change  func(*vault.Permissions)
		use     Use
		refused bool
		says    []string
		notes   bool
	}{
		"good":              {func(*vault.Permissions) {}, Use{}, false, nil, false},
		"withdraw":          {func(p *vault.Permissions) { p.Withdraw = vault.Yes }, Use{}, true, nil, false},
		"transfer":          {func(p *vault.Permissions) { p.Transfer = vault.Yes }, Use{}, true, nil, false},
		"meant to withdraw": {func(p *vault.Permissions) { p.Withdraw = vault.Yes }, Use{Override: true}, false, []string{"can withdraw money"}, false},
		"trade":             {func(p *vault.Permissions) { p.Trade = vault.Yes }, Use{}, false, []string{"only looks"}, false},
		"any address":       {func(p *vault.Permissions) { p.Allowlist = vault.No }, Use{}, false, []string{"any address"}, false},
		"no end":            {func(p *vault.Permissions) { p.Expires = time.Time{} }, Use{}, false, []string{"no end"}, true},
		"untold":            {func(p *vault.Permissions) { p.Allowlist, p.Withdraw = "", "" }, Use{}, false, []string{"does not tell whether the key can withdraw and whether it works from any address"}, true},
		"never asked":       {func(p *vault.Permissions) { *p = vault.Permissions{} }, Use{}, false, nil, false},
	} {
		for _, provider := range append([]string{"somebody"}, names()...) {
			p := good
			c.change(&p)
			warnings, err := Judge(provider, p, c.use)
			if notes := Notes(provider, p); c.notes {
				// A person is told, and has nothing to mend.
				if len(warnings) > 0 {
					t.Errorf("%s at %s: warned of: %q", name, provider, warnings)
				}
				warnings = notes
			} else if len(notes) > 0 {
				t.Errorf("%s at %s: noted: %q", name, provider, notes)
			}
			if errors.Is(err, ErrPower) != c.refused || (err != nil) != c.refused || len(warnings) != len(c.says) {
				t.Errorf("%s at %s: %q, %v", name, provider, warnings, err)
				continue
			}
			if err != nil && !strings.Contains(vault.Hint(err), "--although-it-can-withdraw") {
				t.Errorf("%s at %s: the hint %q", name, provider, vault.Hint(err))
			}
			for i, w := range warnings {
				if !strings.Contains(w, c.says[i]) || !strings.Contains(w, "To mend it: ") && !c.notes {
					t.Errorf("%s at %s: %q", name, provider, w)
				}
			}
		}
	}
}

// Every exchange that Goldpan knows has steps of its own, whole sentences all.
func TestSteps(t *testing.T) {
	for _, p := range vault.Providers() {
		m, ok := steps()[p.Name]
		if p.Kind == vault.KindExchange != ok {
			t.Errorf("%s: steps %v", p.Name, ok)
		}
		for _, s := range []string{m.Power, m.Trade, m.Allowlist, m.Expiry, m.Unknown} {
			if ok && !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %q", p.Name, s)
			}
		}
	}
}

func names() []string {
	var list []string
	for _, p := range vault.Providers() {
		list = append(list, p.Name)
	}
	return list
}

func ExampleJudge() {
	_, err := Judge("kraken", vault.Permissions{Seen: time.Now(), Read: vault.Yes, Withdraw: vault.Yes}, Use{})
	fmt.Println(err)
	warnings, err := Judge("kraken", vault.Permissions{Seen: time.Now(), Read: vault.Yes, Trade: vault.No, Transfer: vault.No, Withdraw: vault.No,
		Allowlist: vault.No, Expires: time.Now().AddDate(0, 3, 0)}, Use{})
	fmt.Println(warnings, err)
	// Output:
	// Kraken: this key can move money away: it can withdraw money
	// [This key works from any address in the world. To mend it: sign in at kraken.com, edit the key, turn on IP address restriction, and enter your own IP address.] <nil>
}
