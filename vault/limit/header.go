//go:build !js

package limit

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// number reads a header's plain, bounded, non-negative number.
func number(s string) (float64, bool) {
	if s == "" || len(s) > 16 || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// retryAfter reads Retry-After: seconds, or a date. Less than a second is no silence,
// and counts as not told.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, told bool) {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, ok := number(s); ok {
		wait = seconds(n)
	} else if at, err := http.ParseTime(s); err == nil {
		wait = min(at.Sub(theirs(h, now)), MaxHold)
	}
	return max(wait, 0), wait >= time.Second
}

// theirs is the time by the provider's clock, which tells itself in Date; without
// that it is this computer's.
func theirs(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

func seconds(n float64) time.Duration {
	return time.Duration(min(n, MaxHold.Seconds()) * float64(time.Second))
}

// exhausted reads X-RateLimit-Remaining and -Reset, with and without "X-": nothing
// is left, and for how long. Reset is in seconds from now, or a time in seconds or
// milliseconds since 1970.
func exhausted(h http.Header, now time.Time) (time.Duration, bool) {
	for _, prefix := range []string{"X-Ratelimit-", "Ratelimit-"} {
		left, ok := number(h.Get(prefix + "Remaining"))
		if !ok || left >= 1 {
			continue
		}
		reset, ok := number(h.Get(prefix + "Reset"))
		switch {
		case !ok:
			return time.Second, true
		case reset > 1e11:
			reset = reset/1000 - float64(theirs(h, now).UnixMilli())/1000
		case reset > 1e8:
			reset -= float64(theirs(h, now).UnixMilli()) / 1000
		}
		return seconds(max(reset, 0)), true
	}
	return 0, false
}
