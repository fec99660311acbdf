package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"goldpan/core/engine"
)

var errWindow = errors.New("this is no time of the week")

// days are the names of the days, by time.Weekday.
var days = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads a line such as "mon-fri 22:00-07:00", "sat,sun 00:00-24:00"
// or, for every day, "22:00-07:00". Days are their first three letters in
// English, or daily. The hours are of this machine's clock.
func ParseWindow(line string) (engine.Window, error) {
	words := strings.Fields(strings.ToLower(line))
	var w engine.Window
	switch {
	case len(words) == 1 || len(words) == 2 && words[0] == "daily":
		w.Days = [7]bool{true, true, true, true, true, true, true}
	case len(words) == 2:
		if !parseDays(&w, words[0]) {
			return engine.Window{}, errWindow
		}
	default:
		return engine.Window{}, errWindow
	}
	from, to, ok := strings.Cut(words[len(words)-1], "-")
	if !ok {
		return engine.Window{}, errWindow
	}
	var fromOK, toOK bool
	w.From, fromOK = parseClock(from)
	w.To, toOK = parseClock(to)
	if !fromOK || !toOK || w.From == 24*time.Hour || w.From == w.To {
		return engine.Window{}, errWindow
	}
	return w, nil
}

// parseDays reads names and spans of names, separated by commas.
func parseDays(w *engine.Window, s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		first, last, span := strings.Cut(part, "-")
		if !span {
			last = first
		}
		from, to := weekday(first), weekday(last)
		if from < 0 || to < 0 {
			return false
		}
		for d := from; ; d = (d + 1) % 7 { // fri-mon goes over the week's end
			w.Days[d] = true
			if d == to {
				break
			}
		}
	}
	return true
}

// weekday returns -1 for what is no day.
func weekday(s string) int {
	for i, d := range days {
		if s == d || strings.HasPrefix(s, d) && strings.EqualFold(s, time.Weekday(i).String()) {
			return i
		}
	}
	return -1
}

// parseClock reads HH:MM, from 00:00 to 24:00.
func parseClock(s string) (time.Duration, bool) {
	h, m, ok := strings.Cut(s, ":")
	if !ok || len(m) != 2 || len(h) == 0 || len(h) > 2 {
		return 0, false
	}
	hours, err := strconv.ParseUint(h, 10, 8)
	minutes, err2 := strconv.ParseUint(m, 10, 8)
	if err != nil || err2 != nil || minutes > 59 || hours > 24 || hours == 24 && minutes > 0 {
		return 0, false
	}
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, true
}
