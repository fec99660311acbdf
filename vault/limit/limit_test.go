//go:build !js

package limit

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/vault"
)

func opened(t *testing.T, dir string) *Limits {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// paid makes n requests at once and says how long they took in all.
func paid(t *testing.T, l *Limits, u vault.Use, n int) time.Duration {
	t.Helper()
	started := time.Now()
	for range n {
		if err := l.Wait(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(started)
}

// Nobody gets more out of a bucket than it holds and what flows in, in the provider's
// own units, and the provider's own limit is never reached.
func TestBuckets(t *testing.T) {
	for provider, c := range map[string]struct {
		path string
		cost float64
	}{
		"binance": {"/api/v3/account", 20}, "kraken": {"/0/private/Balance", 1}, "coinbase": {"/api/v3/brokerage/accounts", 1},
		"okx": {"/api/v5/account/config", 1}, "braiins": {"/", 1}, "f2pool": {"/", 1}, "": {"/", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := opened(t, t.TempDir())
			u := vault.Use{Provider: provider, Host: "h", Key: "k", Path: c.path, Cost: c.cost}
			var b Bucket
			for _, other := range RulesOf(provider).Buckets {
				if other.counts(c.path) {
					b = other
				}
			}
			n := int(2*b.Size/c.cost) + 5
			spent := float64(n)*c.cost - b.Size
			took := paid(t, l, u, n)
			if least := time.Duration(spent / b.Drain * float64(time.Second)); took < least || took > least*5/4+time.Duration(n)*150*time.Millisecond {
				t.Errorf("%s: %d requests took %s, and %s is the least", provider, n, took, least)
			}
			// The worst that can happen within the provider's own window.
			if b.Allows > 1 && b.Size+b.Drain*b.Window.Seconds() > 2*b.Allows {
				t.Errorf("%s: a full bucket and what flows in are over the limit", provider)
			}
		})
	}
}

// Keys and hosts have buckets of their own where the provider counts so.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		for _, u := range []vault.Use{{Provider: "kraken", Host: "h", Key: "a", Cost: 10}, {Provider: "kraken", Host: "h", Key: "b", Cost: 10}, {Provider: "binance", Host: "h", Path: "/api/", Cost: 600}, {Provider: "binance", Host: "h", Path: "/sapi/", Cost: 600}} {
			if took := paid(t, l, u, 1); took != 0 {
				t.Errorf("%+v waited %s", u, took)
			}
		}
		if took := paid(t, l, vault.Use{Provider: "binance", Host: "h", Key: "another", Path: "/api/", Cost: 10}, 1); took < time.Second {
			t.Errorf("another key at the same address waited %s", took)
		}
		if took := paid(t, l, vault.Use{Provider: "binance", Host: "other", Path: "/api/", Cost: 1e6}, 1); took != 0 {
			t.Errorf("what costs more than a bucket holds waited %s", took)
		}
	})
}

// Silences are kept, over a new start too, whatever the answer was.
func TestSilence(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // as a bubble begins
	for name, c := range map[string]struct {
		status   int
		header   http.Header
		provider string
		least    time.Duration
		most     time.Duration
	}{
		"429 with seconds":      {429, http.Header{"Retry-After": {"600"}}, "binance", 600 * time.Second, 631 * time.Second},
		"429 with a date":       {429, http.Header{"Retry-After": {now.Add(time.Hour).Format(http.TimeFormat)}}, "okx", time.Hour, time.Hour + 31*time.Second},
		"a date by their clock": {429, http.Header{"Retry-After": {"Mon, 02 Jan 2006 16:04:05 GMT"}, "Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, "okx", time.Hour, time.Hour + 31*time.Second},
		"429":                   {429, nil, "binance", time.Minute, 67 * time.Second},
		"418":                   {418, nil, "binance", 2 * time.Minute, 133 * time.Second},
		"418 for days":          {418, http.Header{"Retry-After": {"259200"}}, "binance", 72 * time.Hour, 72*time.Hour + 31*time.Second},
		"for ever":              {418, http.Header{"Retry-After": {"999999999999"}}, "binance", MaxHold, MaxHold + 31*time.Second},
		"403":                   {403, nil, "binance", 5 * time.Minute, 331 * time.Second},
		"503 with Retry-After":  {503, http.Header{"Retry-After": {"30"}}, "", 30 * time.Second, 34 * time.Second},
		"nothing left":          {200, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"90"}}, "coinbase", 90 * time.Second, 100 * time.Second},
		"until a time":          {200, http.Header{"Ratelimit-Remaining": {"0"}, "Ratelimit-Reset": {"946684860"}}, "", time.Minute, 67 * time.Second},
		"until milliseconds":    {200, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"946684860000"}}, "", time.Minute, 67 * time.Second},
		"others spend too":      {200, http.Header{"X-Mbx-Used-Weight-1m": {"4600"}}, "binance", 60 * time.Second, 68 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				l := opened(t, dir)
				u := vault.Use{Provider: c.provider, Host: "h", Path: "/api/v3/account", Cost: 1}
				l.Saw(u, c.status, c.header)
				for _, l := range []*Limits{l, opened(t, dir)} {
					var held *Held
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					err := l.Wait(ctx, u)
					cancel()
					if !errors.As(err, &held) || !errors.Is(err, ErrHeld) || held.Status != c.status {
						t.Fatalf("%v", err)
					}
					if wait := time.Until(held.Until); wait < c.least || wait > c.most {
						t.Errorf("silence of %s, want %s to %s", wait, c.least, c.most)
					}
				}
				// Shorter silences do not cut a longer one.
				l.Saw(u, 429, http.Header{"Retry-After": {"0"}})
				if b := l.Budget(c.provider, "h", ""); b[0].Until.IsZero() {
					t.Error("the silence is over")
				}
				time.Sleep(c.most)
				if err := opened(t, dir).Wait(t.Context(), u); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		})
	}
}

// Whoever says 429 again after a silence gets a longer one; a success forgives.
func TestStrikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		u := vault.Use{Provider: "okx", Host: "h", Path: "/", Cost: 1}
		silence := func() time.Duration {
			l.Saw(u, 429, nil)
			wait := time.Until(l.Budget("okx", "h", "")[0].Until)
			time.Sleep(wait + time.Second)
			return wait
		}
		first, second, third := silence(), silence(), silence()
		if first < 10*time.Second || second < 20*time.Second || third < 40*time.Second || third > 45*time.Second {
			t.Errorf("%s, %s, %s", first, second, third)
		}
		l.Saw(u, 200, nil)
		if again := silence(); again > 12*time.Second {
			t.Errorf("after a success: %s", again)
		}
	})
}

// Files that cannot be read never make Goldpan ask more.
func TestDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		u := vault.Use{Provider: "kraken", Host: "h", Key: "k", Cost: 1}
		for _, text := range []string{"", "{", "null", "[]", `{"x":7}`} {
			if err := os.WriteFile(filepath.Join(dir, SpentFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if took := paid(t, opened(t, dir), u, 1); took < 3*time.Second {
				t.Errorf("%q: waited %s", text, took)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, HoldsFile), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil {
			t.Error("a file of silences that cannot be read")
		}
	})
	// A clock that was set back neither fills a bucket nor holds for years.
	b := Bucket{Size: 10, Drain: 1}
	now := time.Now()
	if got := (level{Units: 5, At: now.Add(time.Hour)}).at(b, now); got != 5 {
		t.Errorf("%v", got)
	}
	if got := (hold{Until: now.AddDate(10, 0, 0)}).until(now); got.Sub(now) > MaxHold+time.Hour {
		t.Errorf("a silence of years: %s", got)
	}
	// Not more is kept than there is room for.
	l := opened(t, t.TempDir())
	for i := range 3 * maxPlaces {
		u := vault.Use{Host: string(rune('a'+i%26)) + string(rune('a'+i/26)), Cost: 1}
		l.Saw(u, 418, nil)
		l.state.spend(u.Host, level{1, now})
	}
	if len(l.state.Holds) > maxPlaces || len(l.state.Spent) > maxPlaces {
		t.Errorf("%d silences, %d levels", len(l.state.Holds), len(l.state.Spent))
	}
	// Where silences cannot be kept, nothing is sent.
	l.path = filepath.Join(l.path, "gone")
	l.Saw(vault.Use{Host: "z"}, 418, nil)
	if err := l.Wait(t.Context(), vault.Use{Host: "other"}); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("%v", err)
	}
}

// doer answers from a list.
type doer struct {
	answers []func() (vault.Response, error)
	n       int
}

func (d *doer) Do(context.Context, vault.Request) (vault.Response, error) {
	d.n++
	return d.answers[min(d.n, len(d.answers))-1]()
}

func says(status int, body string) func() (vault.Response, error) {
	return func() (vault.Response, error) { return vault.Response{Status: status, Body: []byte(body)}, nil }
}

func fails(err error) func() (vault.Response, error) {
	return func() (vault.Response, error) { return vault.Response{}, err }
}

func TestPatient(t *testing.T) {
	e := vault.Entry{Provider: "kraken", Endpoint: "https://h", ID: "k"}
	for name, c := range map[string]struct {
		answers []func() (vault.Response, error)
		asked   int
		status  int
		pause   time.Duration
	}{
		"good":       {[]func() (vault.Response, error){says(200, "{}")}, 1, 200, 0},
		"not found":  {[]func() (vault.Response, error){says(404, "{}")}, 1, 404, 0},
		"once 500":   {[]func() (vault.Response, error){says(500, ""), says(200, "{}")}, 2, 200, 500 * time.Millisecond},
		"always 500": {[]func() (vault.Response, error){says(500, "")}, 4, 500, 3500 * time.Millisecond},
		"cut":        {[]func() (vault.Response, error){fails(vault.ErrUnanswered), fails(vault.ErrUnsent), says(200, "")}, 3, 200, 1500 * time.Millisecond},
		"held":       {[]func() (vault.Response, error){fails(errors.Join(vault.ErrUnsent, &Held{}))}, 1, 0, 0},
		"locked key": {[]func() (vault.Response, error){fails(vault.ErrKeyLocked)}, 1, 0, 0},
		"a ban":      {[]func() (vault.Response, error){says(418, "")}, 1, 418, 0},
		"in words":   {[]func() (vault.Response, error){says(200, `{"error":["EAPI:Rate limit exceeded"]}`), says(200, "{}")}, 2, 200, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := opened(t, t.TempDir())
				d := &doer{answers: c.answers}
				started := time.Now()
				answer, err := l.Patient(e, d).Do(t.Context(), vault.Request{})
				if d.n != c.asked || answer.Status != c.status || (err != nil) != (c.status == 0) {
					t.Errorf("asked %d times: %d, %v", d.n, answer.Status, err)
				}
				if took := time.Since(started); took < c.pause || took > 2*c.pause {
					t.Errorf("pauses of %s, want %s to twice that", took, c.pause)
				}
				if name == "in words" && l.Budget("kraken", "h", "k")[0].Until.IsZero() {
					t.Error("the limit that the body told of is not kept")
				}
			})
		})
	}
	// Whoever waits for its turn ends with its context.
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		stuck := make(chan struct{})
		d := &doer{answers: []func() (vault.Response, error){func() (vault.Response, error) { <-stuck; return vault.Response{Status: 200}, nil }}}
		p := l.Patient(e, d)
		go func() { _, _ = p.Do(t.Context(), vault.Request{}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Do(ctx, vault.Request{}); !errors.Is(err, vault.ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(stuck)
	})
}

// Headers are a peer's: whatever they are, silences stay within bounds.
func FuzzHeaders(f *testing.F) {
	f.Add("120", "0", "90", "4600", 429)
	f.Add("Mon, 02 Jan 2006 15:04:05 GMT", "1e9", "-1", "NaN", 503)
	f.Add("99999999999999999999", "0", "9999999999999", "1e400", 418)
	f.Fuzz(func(t *testing.T, retry, remaining, reset, used string, status int) {
		l := &Limits{path: t.TempDir(), state: state{Holds: make(map[string]hold), Spent: make(map[string]level)}, turns: make(map[string]chan struct{})}
		u := vault.Use{Provider: "binance", Host: "h", Path: "/api/", Cost: 1}
		now := time.Now()
		l.Saw(u, status, http.Header{"Retry-After": {retry}, "X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "X-Mbx-Used-Weight-1m": {used}})
		if h := l.state.Holds["h"]; h.Until.Sub(now) > MaxHold+time.Minute {
			t.Errorf("silence until %s", h.Until)
		}
		for _, b := range l.Budget("binance", "h", "") {
			if !(b.Left >= 0 && b.Left <= b.Size) {
				t.Errorf("%+v", b)
			}
		}
	})
}
