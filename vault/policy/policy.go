// Package policy judges what a provider says that a key may do.
//
// A key that may withdraw money, or move it elsewhere, is refused unless the person
// says that it is meant to; that is noted in the vault's audit. One that may trade,
// which nothing here needs, or works from any address is warned about in plain words,
// with the steps to mend it at that provider. That a key has no end, and what a
// provider does not tell, is said as well, and is never taken for a no: see Notes.
//
// It asks when a key is added or rotated, and once a day while it is in use: see
// Daily. The steps are in policy.json.
package policy

import (
	_ "embed"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"goldpan/vault"
)

// Errors that callers branch on.
var (
	// ErrPower says that a key may move money away, and the person has not said that
	// it is meant to.
	ErrPower = errors.New("this key can move money away")
	// ErrCannotTell says that a provider does not tell what a key may do.
	ErrCannotTell = errors.New("what this key may do cannot be read from its provider")
)

//go:embed policy.json
var policyJSON []byte

// mend are a provider's steps, each a sentence that follows "To mend it: ".
type mend struct {
	Power     string `json:"power"`
	Trade     string `json:"trade"`
	Allowlist string `json:"allowlist"`
	Expiry    string `json:"expiry"`
	// Unknown is what the provider does not tell, in words for a person, or "".
	Unknown string `json:"unknown"`
}

var steps = sync.OnceValue(func() map[string]mend {
	var m map[string]mend
	if err := json.Unmarshal(policyJSON, &m); err != nil {
		panic("vault/policy: policy.json: " + err.Error())
	}
	return m
})

// Use is what a key is for.
type Use struct {
	// Override is set when the person takes a key that may move money.
	Override bool
}

// Judge returns warnings in plain words, each with the steps to mend it, and ErrPower
// for a key that is refused. The provider is one of vault.Providers; for another the
// steps are general. What a person need not mend is in Notes.
func Judge(provider string, p vault.Permissions, use Use) (warnings []string, err error) {
	own := stepsOf(provider)
	warn := func(what, step string) { warnings = append(warnings, what+remedy(step)) }
	if p.Withdraw == vault.Yes || p.Transfer == vault.Yes {
		what := "move money out of its account"
		if p.Withdraw == vault.Yes {
			what = "withdraw money"
		}
		if !use.Override {
			return nil, &vault.Error{Store: title(provider), Detail: "it can " + what, Err: ErrPower,
				Hint: strings.TrimSpace(sentence(own.Power) + " If it is meant to, add --although-it-can-withdraw; that is noted.")}
		}
		warn("This key can "+what+". Whoever gets it can empty the account.", own.Power)
	}
	if p.Trade == vault.Yes {
		warn("This key can trade, and Goldpan only looks with it.", own.Trade)
	}
	if p.Allowlist == vault.No {
		warn("This key works from any address in the world.", own.Allowlist)
	}
	return warnings, nil
}

// Notes are what a person should know of a key and need not mend: that it has no end,
// and what its provider does not tell.
func Notes(provider string, p vault.Permissions) (notes []string) {
	if p.Seen.IsZero() {
		return nil
	}
	own := stepsOf(provider)
	if p.Expires.IsZero() {
		notes = append(notes, "This key has no end that is known. Goldpan reminds you to replace it after 90 days."+remedy(own.Expiry))
	}
	if unknown := untold(p); len(unknown) > 0 {
		notes = append(notes, sentence(title(provider))+" does not tell "+join(unknown)+"."+remedy(own.Unknown))
	}
	return notes
}

func stepsOf(provider string) mend {
	if m, ok := steps()[provider]; ok {
		return m
	}
	return steps()["other"]
}

// remedy is a provider's step, as it follows what is to be mended; a whole sentence
// stands for itself.
func remedy(step string) string {
	switch {
	case step == "":
		return ""
	case strings.ToLower(step[:1]) != step[:1]:
		return " " + step
	}
	return " To mend it: " + step
}

// untold names what the provider did not answer.
func untold(p vault.Permissions) []string {
	var words []string
	for _, c := range []struct {
		a    vault.Answer
		what string
	}{
		{p.Withdraw, "whether the key can withdraw"}, {p.Transfer, "whether it can move money between accounts"},
		{p.Trade, "whether it can trade"}, {p.Allowlist, "whether it works from any address"},
	} {
		if c.a == "" {
			words = append(words, c.what)
		}
	}
	return words
}

func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// title is the provider's name for a person.
func title(provider string) string {
	if p, ok := vault.ProviderOf(provider); ok {
		return p.Title
	}
	return "its provider"
}
