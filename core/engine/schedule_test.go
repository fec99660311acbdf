//go:build !js

package engine

import (
	"testing"
	"time"
)

var (
	everyDay = [7]bool{true, true, true, true, true, true, true}
	weekdays = [7]bool{false, true, true, true, true, true, false}
)

func clock(t *testing.T, s string, in *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("Mon 2006-01-02 15:04:05", s, in)
	if err != nil {
		t.Fatal(err)
	}
	if at.Format("Mon") != s[:3] {
		t.Fatalf("%s is a %s", s, at.Format("Mon"))
	}
	return at
}

func TestSchedule(t *testing.T) {
	const h = time.Hour
	night := []Window{{Days: weekdays, From: 22 * h, To: 6 * h}}
	lunch := []Window{{Days: [7]bool{time.Saturday: true}, From: 12 * h, To: 13*h + 30*time.Minute}, {Days: [7]bool{time.Monday: true}, From: 9 * h, To: 10 * h}}
	for _, c := range []struct {
		name    string
		windows []Window
		at      string
		open    bool
		until   string // when it opens next, as people say it
	}{
		{"no windows", nil, "Wed 2025-01-15 12:00:00", true, ""},
		{"before", night, "Wed 2025-01-15 21:59:59", false, "22:00"},
		{"first moment", night, "Wed 2025-01-15 22:00:00", true, ""},
		{"past midnight", night, "Thu 2025-01-16 05:59:59", true, ""},
		{"last moment", night, "Thu 2025-01-16 06:00:00", false, "22:00"},
		{"Saturday's early hours are Friday's", night, "Sat 2025-01-18 03:00:00", true, ""},
		{"Saturday is off", night, "Sat 2025-01-18 23:00:00", false, "22:00 on Monday"},
		{"Monday's early hours are Sunday's", night, "Mon 2025-01-20 03:00:00", false, "22:00"},
		{"Sunday", night, "Sun 2025-01-19 12:00:00", false, "22:00 tomorrow"},
		{"two windows", lunch, "Sat 2025-01-18 13:29:59", true, ""},
		{"the nearer one", lunch, "Sat 2025-01-18 13:30:00", false, "09:00 on Monday"},
		{"in a week", lunch[:1], "Sat 2025-01-18 14:00:00", false, "12:00 on Saturday, 25 January"},
		{"all day", []Window{{Days: weekdays, From: 0, To: 0}}, "Fri 2025-01-17 23:59:59", true, ""},
		{"all day, written in full", []Window{{Days: weekdays, From: 0, To: 24 * h}}, "Fri 2025-01-17 23:59:59", true, ""},
		{"not the next day", []Window{{Days: weekdays, From: 0, To: 0}}, "Sat 2025-01-18 00:00:00", false, "00:00 on Monday"},
		{"from now to now", []Window{{Days: weekdays, From: 8 * h, To: 8 * h}}, "Sat 2025-01-18 07:00:00", true, ""},
		{"from now to now, over", []Window{{Days: weekdays, From: 8 * h, To: 8 * h}}, "Sat 2025-01-18 08:00:00", false, "08:00 on Monday"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := clock(t, c.at, time.UTC)
			if got := scheduled(c.windows, at); got != c.open {
				t.Fatalf("open: %v", got)
			}
			if c.open {
				return
			}
			next, ok := opening(c.windows, at)
			if !ok || !scheduled(c.windows, next) || scheduled(c.windows, next.Add(-time.Second)) {
				t.Fatalf("opens at %v, %v", next, ok)
			}
			if got := until(next, at); got != c.until {
				t.Errorf("until %s, want %s", got, c.until)
			}
		})
	}
}

// TestDaylightSaving: hours are what the clock shows, on the days too on which it
// shows one twice or never.
func TestDaylightSaving(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const h = time.Hour
	early := []Window{{Days: everyDay, From: 2*h + 30*time.Minute, To: 4 * h}}
	count := func(from, to time.Time) (open time.Duration) {
		for at := from; at.Before(to); at = at.Add(time.Minute) {
			if scheduled(early, at) {
				open += time.Minute
			}
		}
		return open
	}
	for day, want := range map[string]time.Duration{
		"Sat 2025-03-29": 90 * time.Minute,
		"Sun 2025-03-30": 60 * time.Minute,  // no 02:30: from 03:00
		"Sun 2025-10-26": 120 * time.Minute, // 02:30 to 03:00 twice
	} {
		from := clock(t, day+" 00:00:00", berlin)
		if got := count(from, from.AddDate(0, 0, 1)); got != want {
			t.Errorf("%s: open for %v, want %v", day, got, want)
		}
	}
	// The clock that goes back opens the window again, and each time says until when.
	for at, end := clock(t, "Sun 2025-03-30 00:00:00", berlin), clock(t, "Tue 2025-04-01 00:00:00", berlin); at.Before(end); at = at.Add(7 * time.Minute) {
		if scheduled(early, at) {
			continue
		}
		if next, ok := opening(early, at); !ok || !next.After(at) || next.Sub(at) > 26*h || !scheduled(early, next) {
			t.Fatalf("at %v it opens at %v, %v", at, next, ok)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 90 * time.Second: "1 minute 30 seconds", 2 * time.Minute: "2 minutes",
		time.Hour: "1 hour", 26*time.Hour + time.Minute: "26 hours 1 minute", 1499 * time.Millisecond: "1 second",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
