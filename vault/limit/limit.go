//go:build !js

package limit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"goldpan/vault"
)

// Patience is how long a request waits for its turn. One that would wait longer is
// not sent.
const Patience = 2 * time.Minute

// MaxHold is the longest silence that a provider can ask for.
const MaxHold = 7 * 24 * time.Hour

const maxPlaces = 64 // hosts and keys that are remembered

// ErrHeld says that a request was not sent because the provider wants silence, or
// its limit is spent for now.
var ErrHeld = errors.New("to be asked again later")

// Held is an ErrHeld with the time that it ends.
type Held struct {
	Host  string
	Until time.Time
	// Status is the answer that caused it, or 0 for a limit that is spent here.
	Status int
}

func (h *Held) Error() string {
	if h.Status < 300 {
		return fmt.Sprintf("%s: its limit of requests is spent: ask again after %s", h.Host, h.Until.Local().Format("15:04:05"))
	}
	return fmt.Sprintf("%s wants no requests before %s: it answered %d", h.Host, h.Until.Local().Format("2 January 15:04:05"), h.Status)
}

// Unwrap returns ErrHeld.
func (h *Held) Unwrap() error { return ErrHeld }

// Limits are the vault.Limits of one data directory. Its methods may be called from
// several goroutines at once; only one process may use its files.
type Limits struct {
	mu      sync.Mutex
	path    string
	state   state
	turns   map[string]chan struct{} // by host
	damaged time.Time                // when SpentFile was found unreadable, or zero
	quiet   time.Time                // nobody is asked before: see unknownBan
	err     error                    // why silences cannot be kept
}

// unknownBan is how long nobody is asked when only an older copy of HoldsFile could be
// read: the newest silence may be missing in it.
const unknownBan = 10 * time.Minute

// site is whom limits and silences are kept for: a host, or all the hosts of one
// provider, which count together.
func site(provider, host string) string {
	p, ok := vault.ProviderOf(provider)
	if !ok {
		return host
	}
	for _, origin := range p.Live {
		if _, name, _ := strings.Cut(origin, "://"); name == host {
			_, first, _ := strings.Cut(p.Live[0], "://")
			return first
		}
	}
	return host
}

// Wait returns nil once the request is paid for, a *Held, or the context's error.
func (l *Limits) Wait(ctx context.Context, u vault.Use) error {
	started := time.Now()
	for {
		wait, status, err := l.take(u, time.Now())
		if err != nil || wait == 0 {
			return errors.Join(err, ctx.Err())
		}
		held := &Held{Host: u.Host, Until: time.Now().Add(wait), Status: status}
		end, bounded := ctx.Deadline()
		if time.Since(started)+wait > Patience || bounded && time.Now().Add(wait).After(end) {
			return held
		}
		// Those that wait for the same moment do not all come at it.
		timer := time.NewTimer(wait + rand.N(50*time.Millisecond+wait/10)) //nolint:gosec // pauses that differ are no secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// take pays for a request, or says how long to wait and which answer is the cause.
func (l *Limits) take(u vault.Use, now time.Time) (wait time.Duration, status int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		l.keepHolds() // the disk may have room again
	}
	if l.err != nil {
		// A ban that is in no file would be forgotten by the next start.
		return 0, 0, fmt.Errorf("limit: how long providers want silence cannot be kept: %w", l.err)
	}
	if h := l.state.Holds[site(u.Provider, u.Host)]; now.Before(h.until(now)) {
		return h.until(now).Sub(now), h.Status, nil
	}
	if now.Before(l.quiet) {
		return l.quiet.Sub(now), 0, nil
	}
	cost := u.Cost
	if !(cost > 0) {
		cost = 0
	}
	charged := make(map[string]float64)
	for _, b := range RulesOf(u.Provider).Buckets {
		if !b.counts(u.Path) {
			continue
		}
		name := placeOf(b, u)
		spent := l.spent(name, b, now)
		// What costs more than the whole bucket goes when the bucket is empty.
		if over := spent + min(cost, b.Size) - b.Size; over > 1e-9 {
			wait = max(wait, seconds(over/b.Drain)+time.Millisecond)
		}
		charged[name] = spent + cost
	}
	if wait > 0 {
		return wait, 0, nil
	}
	for name, units := range charged {
		l.state.spend(name, level{Units: units, At: now})
	}
	l.keepSpent()
	return 0, 0, nil
}

// spent is how full a bucket is. l.mu is held.
func (l *Limits) spent(name string, b Bucket, now time.Time) float64 {
	v, ok := l.state.Spent[name]
	if !ok && !l.damaged.IsZero() {
		v = level{Units: b.Size, At: l.damaged}
	}
	if ok && now.Before(v.At) {
		// The clock was set back. From now on it drains, and not when the clock
		// has caught up, which may be in a year.
		v.At = now
		l.state.Spent[name] = v
	}
	return v.at(b, now)
}

func placeOf(b Bucket, u vault.Use) string {
	name := site(u.Provider, u.Host) + " " + b.Name
	if b.PerKey {
		name += " " + u.Key
	}
	return name
}

// Saw notes what an answer tells of limits.
func (l *Limits) Saw(u vault.Use, status int, header http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	rules, host := RulesOf(u.Provider), site(u.Provider, u.Host)
	if status >= 200 && status < 300 {
		// A success after the silence ended forgives; one that was on its way
		// while it was asked for does not.
		if h, ok := l.state.Holds[host]; ok && !now.Before(h.until(now)) {
			delete(l.state.Holds, host)
			l.keepHolds()
		}
	}
	asked, told := retryAfter(header, now)
	switch {
	case status == http.StatusTooManyRequests:
		l.hold(host, status, asked, told, rules.Busy, now)
	case status == http.StatusTeapot:
		l.hold(host, status, asked, told, rules.Banned, now)
	case status == http.StatusForbidden:
		l.hold(host, status, asked, told, rules.Forbidden, now)
	case told && status >= 400:
		l.hold(host, status, asked, told, 0, now)
	}
	if reset, ok := exhausted(header, now); ok {
		l.hold(host, status, reset, true, 0, now)
	}
	for _, b := range rules.Buckets {
		if !b.counts(u.Path) || b.Used == "" {
			continue
		}
		used, ok := number(header.Get(b.Used))
		if !ok {
			continue
		}
		name := placeOf(b, u)
		// Others at this address spend from the same limit.
		if share := used / b.Allows; share >= 0.75 {
			l.hold(host, status, endOf(b.Window, theirs(header, now))+time.Second, true, 0, now)
		} else if units := share * b.Size; units > l.spent(name, b, now) {
			l.state.spend(name, level{Units: units, At: now})
		}
	}
}

// endOf is how long a provider's window still lasts, which begins with its minute.
func endOf(window time.Duration, now time.Time) time.Duration {
	return now.Truncate(window).Add(window).Sub(now)
}

// Hold keeps silence towards a host for a time.
func (l *Limits) Hold(u vault.Use, status int, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold(site(u.Provider, u.Host), status, wait, true, 0, time.Now())
}

// hold makes a silence longer, never shorter. l.mu is held.
func (l *Limits) hold(host string, status int, wait time.Duration, told bool, otherwise time.Duration, now time.Time) {
	h := l.state.Holds[host]
	// Strikes double the silence where no time was given: whoever says 429 again
	// right after a silence wants a longer one.
	if now.After(h.until(now)) {
		h.Strikes = min(h.Strikes+1, maxStrikes)
	}
	if !told {
		wait = min(otherwise<<max(h.Strikes-1, 0), MaxHold)
	}
	wait = min(max(wait, 0), MaxHold)
	wait += rand.N(min(wait/10, 30*time.Second) + 250*time.Millisecond) //nolint:gosec // pauses that differ are no secret
	if until := now.Add(wait); until.After(h.until(now)) {
		h.Until, h.Status = until, status
		l.state.hold(host, h)
		l.keepHolds()
	}
}

// Budget is what is left of one limit, for a person.
type Budget struct {
	Host   string        `json:"host"`
	Name   string        `json:"name"`
	Unit   string        `json:"unit"`
	Left   float64       `json:"left"` // of Size
	Size   float64       `json:"size"`
	Full   time.Duration `json:"full"`            // until it is whole again
	Until  time.Time     `json:"until,omitzero"`  // nothing is sent before
	Status int           `json:"status,omitzero"` // the answer that caused it
}

// Budget tells what is left for a key of a provider at a host.
func (l *Limits) Budget(provider, host, key string) []Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var list []Budget
	for _, b := range RulesOf(provider).Buckets {
		spent := l.spent(placeOf(b, vault.Use{Provider: provider, Host: host, Key: key}), b, now)
		budget := Budget{Host: host, Name: b.Name, Unit: b.Unit, Left: max(b.Size-spent, 0), Size: b.Size,
			Full: seconds(spent / b.Drain).Round(time.Second)}
		if h := l.state.Holds[site(provider, host)]; now.Before(h.until(now)) {
			budget.Until, budget.Status = h.until(now), h.Status
		}
		list = append(list, budget)
	}
	return list
}
