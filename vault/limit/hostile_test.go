//go:build !js

package limit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/seal"
	"goldpan/vault"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A clock that was set back keeps a bucket shut for as long as it takes to drain, and
// not until the clock has caught up.
func TestClockGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		u := vault.Use{Provider: "okx", Host: "h", Key: "k", Cost: 1}
		full, err := json.Marshal(map[string]level{placeOf(RulesOf("okx").Buckets[0], u): {Units: 3, At: time.Now().AddDate(1, 0, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, SpentFile), string(full))
		if took := paid(t, opened(t, dir), u, 1); took < time.Second || took > 3*time.Second {
			t.Errorf("it waited %s", took)
		}
		// A ban in whose middle the clock goes back by a year: it ends, and not at once.
		l := opened(t, dir)
		l.state.Holds["h"] = hold{Until: time.Now().AddDate(1, 0, 0), Status: 418}
		var held *Held
		if err := l.Wait(t.Context(), u); !errors.As(err, &held) || time.Until(held.Until) > MaxHold+time.Hour {
			t.Errorf("%v", err)
		}
	})
}

// A program that starts anew in the middle of a ban asks nothing, and afterwards it
// remembers how often it was told off.
func TestRestartWithinBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		u := vault.Use{Provider: "binance", Host: "api.binance.com", Path: "/api/v3/account", Cost: 20}
		opened(t, dir).Saw(u, 418, http.Header{"Retry-After": {"3600"}})
		time.Sleep(30 * time.Minute)
		var held *Held
		if err := opened(t, dir).Wait(t.Context(), u); !errors.As(err, &held) || held.Status != 418 || time.Until(held.Until) > 31*time.Minute {
			t.Fatalf("%v", err)
		}
		time.Sleep(31 * time.Minute)
		l := opened(t, dir)
		if err := l.Wait(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		l.Saw(u, 418, nil)
		if wait := time.Until(l.Budget("binance", u.Host, "")[0].Until); wait < 4*time.Minute {
			t.Errorf("a second ban: silence of %s", wait)
		}
	})
}

// An exchange counts an address at all its hosts together: a ban at one is a ban at
// the others, and so is what was spent.
func TestHostsOfOneProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		one := vault.Use{Provider: "binance", Host: "api.binance.com", Path: "/api/", Cost: 600}
		two, test := one, one
		two.Host, test.Host = "api2.binance.com", "testnet.binance.vision"
		if paid(t, l, one, 1) != 0 || paid(t, l, test, 1) != 0 {
			t.Error("the first requests wait")
		}
		if took := paid(t, l, vault.Use{Provider: "binance", Host: two.Host, Path: "/api/", Cost: 100}, 1); took < 10*time.Second {
			t.Errorf("the other host waits %s", took)
		}
		l.Saw(one, 418, http.Header{"Retry-After": {"600"}})
		if err := l.Wait(t.Context(), two); !errors.Is(err, ErrHeld) {
			t.Errorf("the other host during a ban: %v", err)
		}
		if b := l.Budget("binance", two.Host, ""); b[0].Until.IsZero() {
			t.Error("its budget does not tell of the ban")
		}
		time.Sleep(time.Minute)
		if err := l.Wait(t.Context(), test); err != nil {
			t.Errorf("the test network: %v", err)
		}
	})
}

// What no provider means: it neither shortens a silence nor makes one without end.
func TestRetryAfterOfNonsense(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // as a bubble begins
	for text, least := range map[string]time.Duration{
		"1000000000": MaxHold, "-1000000000": 2 * time.Minute, "-1": 2 * time.Minute, "0": 2 * time.Minute, "0.2": 2 * time.Minute, "": 2 * time.Minute, "NaN": 2 * time.Minute,
		"1e9": 2 * time.Minute, "soon": 2 * time.Minute, "120, 60": 2 * time.Minute, "\x00": 2 * time.Minute, "99999999999999999999": 2 * time.Minute, ".": 2 * time.Minute,
		now.Add(-time.Hour).Format(http.TimeFormat): 2 * time.Minute, "Fri, 31 Dec 9999 23:59:59 GMT": MaxHold, now.Add(5 * time.Minute).Format(http.TimeFormat): 5 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := opened(t, t.TempDir())
			l.Saw(vault.Use{Provider: "binance", Host: "h", Path: "/api/"}, 418, http.Header{"Retry-After": {text}})
			if wait := time.Until(l.Budget("binance", "h", "")[0].Until); wait < least || wait > least+31*time.Second {
				t.Errorf("%q: silence of %s, want %s", text, wait, least)
			}
		})
	}
}

// A header that tells of more room than is known gives none.
func TestBiggerBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		u := vault.Use{Provider: "binance", Host: "h", Path: "/api/", Cost: 600}
		paid(t, l, u, 1)
		l.Saw(u, 200, http.Header{"X-Mbx-Used-Weight-1m": {"0"}, "X-Ratelimit-Limit": {"1000000"}, "X-Ratelimit-Remaining": {"999999"}, "X-Ratelimit-Reset": {"1"}})
		if b := l.Budget("binance", "h", ""); b[0].Left > 1 || b[0].Size != 600 {
			t.Errorf("%+v", b[0])
		}
		// What others spent counts, by the provider's own minute.
		ahead := time.Now().Add(45 * time.Second)
		l.Saw(u, 200, http.Header{"X-Mbx-Used-Weight-1m": {"5900"}, "Date": {ahead.UTC().Format(http.TimeFormat)}})
		if wait := time.Until(l.Budget("binance", "h", "")[0].Until); wait < 15*time.Second || wait > 20*time.Second {
			t.Errorf("silence of %s; their minute ends in 15 s", wait)
		}
	})
}

// Garbage in a file that can be read, number by number: nobody asks more for it.
func TestGarbageInFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := vault.Use{Provider: "kraken", Host: "h", Key: "k", Cost: 1}
		place := placeOf(RulesOf("kraken").Buckets[0], u)
		for _, units := range []string{"1e300", "-1e300", "-5", `"x"`} {
			dir := t.TempDir()
			write(t, filepath.Join(dir, SpentFile), fmt.Sprintf(`{%q:{"units":%s,"at":"2000-01-01T00:00:00Z"}}`, place, units))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			l := opened(t, dir)
			if err := l.Wait(ctx, u); !errors.Is(err, ErrHeld) {
				t.Errorf("%s units: %v", units, err)
			}
			if b := l.Budget("kraken", "h", "k")[0]; b.Left < 0 || b.Full < 0 || b.Full > MaxHold {
				t.Errorf("%s units: %+v", units, b)
			}
			cancel()
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, SpentFile), `{}{}`)
		if took := paid(t, opened(t, dir), u, 1); took < 3*time.Second {
			t.Errorf("what follows was overlooked: %s", took)
		}
		if err := os.Remove(filepath.Join(dir, SpentFile)); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, SpentFile), 0o700); err != nil {
			t.Fatal(err)
		}
		if took := paid(t, opened(t, dir), u, 1); took < 3*time.Second {
			t.Errorf("what cannot be read at all: %s", took)
		}
		// Strikes of nobody's: the next silence is neither nothing nor for ever.
		for _, strikes := range []string{"200", "-9000000000000000000"} {
			dir := t.TempDir()
			write(t, filepath.Join(dir, HoldsFile), `{"h":{"until":"1990-01-01T00:00:00Z","status":-7,"strikes":`+strikes+`}}`)
			l := opened(t, dir)
			l.Saw(u, 429, nil)
			if wait := time.Until(l.Budget("kraken", "h", "k")[0].Until); wait < 30*time.Second || wait > MaxHold+time.Minute {
				t.Errorf("%s strikes: silence of %s", strikes, wait)
			}
		}
	})
}

// Where only an older copy of the silences can be read, the newest is unknown: nobody
// is asked for a while.
func TestOlderCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l := opened(t, dir)
		l.Saw(vault.Use{Provider: "okx", Host: "one"}, 429, nil)
		l.Saw(vault.Use{Provider: "binance", Host: "two"}, 418, nil)
		if _, err := os.Stat(filepath.Join(dir, HoldsFile) + seal.Previous); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, HoldsFile), "{")
		l = opened(t, dir)
		for _, host := range []string{"one", "two", "three"} {
			if err := l.Wait(t.Context(), vault.Use{Host: host, Cost: 1}); !errors.Is(err, ErrHeld) {
				t.Errorf("%s: %v", host, err)
			}
		}
		time.Sleep(unknownBan)
		if err := l.Wait(t.Context(), vault.Use{Host: "three", Cost: 1}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// A folder that could not be written can be again: then requests go out again.
func TestRoomAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l := opened(t, dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	l.Saw(vault.Use{Host: "z"}, 418, nil)
	if err := l.Wait(t.Context(), vault.Use{Host: "other", Cost: 1}); err == nil || errors.Is(err, ErrHeld) {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(t.Context(), vault.Use{Host: "other", Cost: 1}); err != nil {
		t.Errorf("with it: %v", err)
	}
	if err := opened(t, dir).Wait(t.Context(), vault.Use{Host: "z", Cost: 1}); !errors.Is(err, ErrHeld) {
		t.Errorf("the ban was not written: %v", err)
	}
}

// Many at once never get more than there is, and whoever stops waiting is gone at once.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := opened(t, t.TempDir())
		b := RulesOf("okx").Buckets[0]
		u := vault.Use{Provider: "okx", Host: "h", Key: "k", Cost: 1}
		started := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if err := l.Wait(t.Context(), u); err == nil {
					mu.Lock()
					at = append(at, time.Since(started))
					mu.Unlock()
				} else if !errors.Is(err, ErrHeld) {
					t.Error(err)
				}
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan time.Duration, 1)
		wg.Go(func() {
			time.Sleep(time.Millisecond)
			begun := time.Now()
			if err := l.Wait(ctx, u); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			gone <- time.Since(begun)
		})
		time.Sleep(200 * time.Millisecond)
		cancel()
		wg.Wait()
		if waited := <-gone; waited > 300*time.Millisecond {
			t.Errorf("who was cancelled waited %s", waited)
		}
		if len(at) < 30 {
			t.Errorf("%d of 40 got their turn", len(at))
		}
		for i := range at {
			for j := i; j < len(at); j++ {
				if room := b.Size + (at[j]-at[i]).Seconds()*b.Drain; float64(j-i+1) > room+1e-6 {
					t.Fatalf("%d requests in %s", j-i+1, at[j]-at[i])
				}
			}
		}
	})
}

// Kraken tells in words until when it wants silence, with a space or without.
func TestThrottledUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := vault.Entry{Provider: "kraken", Endpoint: "https://api.kraken.com", ID: "k"}
		for text, least := range map[string]time.Duration{
			"EService: Throttled: IN5": 5 * time.Minute, "EService:Throttled:IN5": 5 * time.Minute, "EService: Throttled": time.Minute,
			"EService: Throttled: 5": time.Minute, "EService: Throttled: 99999999999": MaxHold, "EService: Throttled: x": time.Minute,
		} {
			text = strings.ReplaceAll(text, "IN5", fmt.Sprint(time.Now().Add(5*time.Minute).Unix()))
			l := opened(t, t.TempDir())
			d := &doer{answers: []func() (vault.Response, error){says(200, `{"error":["`+text+`"]}`), fails(vault.ErrKeyLocked)}}
			_, _ = l.Patient(e, d).Do(t.Context(), vault.Request{})
			if wait := time.Until(l.Budget("kraken", "api.kraken.com", "k")[0].Until); wait < least-2*time.Second || wait > least+31*time.Second {
				t.Errorf("%s: silence of %s, want %s", text, wait, least)
			}
		}
	})
}

// Whatever stands in the files, nobody asks more for it, and nobody waits for ever.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(`{"h counter k":{"units":5,"at":"2000-01-01T00:00:00Z"}}`), []byte(`{"h":{"until":"2000-01-01T00:00:00Z","status":429,"strikes":3}}`))
	f.Add([]byte(`{"h counter k":{"units":1e308,"at":"9999-12-31T00:00:00Z"}}`), []byte(`{"h":{"until":"9999-12-31T00:00:00Z","status":-1,"strikes":-9}}`))
	f.Add([]byte(`null`), []byte(`null`))
	f.Add([]byte(`{"h counter k":{"units":-1}}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, spent, holds []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, SpentFile), string(spent))
		write(t, filepath.Join(dir, HoldsFile), string(holds))
		l, err := Open(dir)
		if err != nil {
			return
		}
		u, now := vault.Use{Provider: "kraken", Host: "h", Key: "k", Cost: 1}, time.Now()
		if wait, status, err := l.take(u, now); wait < 0 || wait > MaxHold+2*time.Hour || status < 0 || err != nil {
			t.Errorf("a wait of %s for %d, %v", wait, status, err)
		}
		for _, b := range l.Budget("kraken", "h", "k") {
			if !(b.Left >= 0 && b.Left <= b.Size) || b.Full < 0 || b.Full > MaxHold+time.Second {
				t.Errorf("%+v", b)
			}
		}
		l.Saw(u, 429, nil)
		if wait, _, _ := l.take(u, time.Now()); wait < 29*time.Second {
			t.Errorf("a silence of %s", wait)
		}
	})
}
