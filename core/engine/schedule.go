package engine

import (
	"fmt"
	"time"
)

// open tells whether w is open at now, by what the clock shows there: an hour
// that the clock skips or repeats is skipped or repeated.
func (w Window) open(now time.Time) bool {
	hour, minute, second := now.Clock()
	shows := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	today := now.Weekday()
	if w.From < w.To {
		return w.Days[today] && shows >= w.From && shows < w.To
	}
	yesterday := (today + 6) % 7
	return w.Days[today] && shows >= w.From || w.Days[yesterday] && shows < w.To
}

// scheduled tells whether mining is allowed at now. No windows allow it always.
func scheduled(windows []Window, now time.Time) bool {
	for _, w := range windows {
		if w.open(now) {
			return true
		}
	}
	return len(windows) == 0
}

// opening returns when a window opens next after now, or false if none does
// within eight days.
func opening(windows []Window, now time.Time) (next time.Time, ok bool) {
	year, month, date := now.Date()
	for after := range 9 {
		for _, w := range windows {
			from := int(w.From / time.Second)
			at := time.Date(year, month, date+after, from/3600, from/60%60, from%60, 0, now.Location())
			if w.open(at) && at.After(now) && (!ok || at.Before(next)) {
				next, ok = at, true
			}
		}
		if ok {
			break
		}
	}
	return next, ok
}

// until says when next is, seen from now, as people say it.
func until(next, now time.Time) string {
	y, m, d := now.Date()
	days := 0
	for ; days < 7; days++ {
		if ny, nm, nd := time.Date(y, m, d+days, 12, 0, 0, 0, now.Location()).Date(); next.Year() == ny && next.Month() == nm && next.Day() == nd {
			break
		}
	}
	switch clock := next.Format("15:04"); days {
	case 0:
		return clock
	case 1:
		return clock + " tomorrow"
	case 7:
		return clock + " on " + next.Format("Monday, 2 January")
	default:
		return clock + " on " + next.Weekday().String()
	}
}

// span writes a duration as people say it: "2 minutes", "1 hour 30 minutes".
func span(d time.Duration) string {
	d = d.Round(time.Second)
	part := func(n time.Duration, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return fmt.Sprintf("%d %ss", n, word)
	}
	hours, minutes, seconds := d/time.Hour, d/time.Minute%60, d/time.Second%60
	text := ""
	for _, p := range []struct {
		n    time.Duration
		word string
	}{{hours, "hour"}, {minutes, "minute"}, {seconds, "second"}} {
		if p.n == 0 {
			continue
		}
		if text != "" {
			text += " "
		}
		text += part(p.n, p.word)
	}
	if text == "" {
		return "0 seconds"
	}
	return text
}
