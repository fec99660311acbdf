//go:build !js

package policy

import (
	"context"
	"errors"
	"time"

	"goldpan/vault"
)

// Interval is how long an answer about a key's permissions counts while it is used.
const Interval = 24 * time.Hour

// Daily is called before a key is used: when the provider was not asked within
// Interval it asks, keeps the answer in the vault, which alerts about a permission
// that grew, and judges it. An error means that the key is not to be used:
// ErrPower, one of the vault, or the one of ask when the provider could not be
// asked. A provider that does not tell is a warning, each time.
func Daily(ctx context.Context, v *vault.Vault, e vault.Entry, use Use, now time.Time, ask func(context.Context) (vault.Permissions, error)) ([]string, error) {
	use.Override = e.Override
	p := e.Permissions
	if age := now.Sub(p.Seen); p.Seen.IsZero() || age < 0 || age >= Interval {
		fresh, err := ask(ctx)
		if errors.Is(err, ErrCannotTell) {
			return []string{title(e.Provider) + " does not tell what this key may do. Look there yourself that it can look, and nothing more."}, nil
		}
		if err != nil {
			return nil, err
		}
		if err := v.SetPermissions(ctx, e.ID, fresh); err != nil {
			return nil, err
		}
		p = fresh
		warnings, err := Judge(e.Provider, p, use)
		return append(warnings, Notes(e.Provider, p)...), err
	}
	// What was warned about today is not said again; what is refused is.
	_, err := Judge(e.Provider, p, use)
	return nil, err
}
