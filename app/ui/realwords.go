package ui

import (
	"net/url"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/pow"
)

// poolsWords name the pools of the settings.
func poolsWords(pools []config.Pool) string {
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = p.URL
		if id, ok := strings.CutPrefix(p.URL, config.Preset); ok {
			names[i] = presetName(id)
		}
	}
	return strings.Join(names, ", ")
}

// hostOf is an address without what every pool's has.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// coinName is the name of the coin of the settings, or of its algorithm.
func coinName(c config.Config) string {
	if c.Coin == "" {
		return c.Algorithm
	}
	if found, err := coin.ByID(c.Coin); err == nil {
		return found.Name
	}
	return c.Coin
}

// realStateWords say what mining for real does and, if it rests, why and what it
// waits for.
func realStateWords(m core.Snapshot) (kind, string, string) {
	switch m.State {
	case core.StateMining:
		why := m.Slowed
		if m.Reason != "" {
			return kindBad, "Mining", sentence(m.Reason)
		}
		if why == "" {
			why = plural(m.Active, "thread") + " at work on " + puzzle(m.Algorithm)
		}
		return kindGood, "Mining", sentence(why)
	case core.StatePaused:
		return kindIdle, "Paused", sentence(m.Reason)
	case core.StateDown:
		why := sentence(m.Reason)
		if m.Err != nil {
			message, hint := desk.Explain(m.Err)
			why = strings.TrimSpace(sentence(message) + " " + hint)
		}
		if why == "" {
			why = "The connection was lost."
		}
		return kindBad, "Not mining", why + " Goldpan tries again by itself."
	}
	return kindWait, "Connecting", "Asking " + hostOf(m.Pool) + " for work."
}

// poolLines say how each pool of a list stands.
func poolLines(m core.Snapshot) []string {
	if len(m.Pools) == 0 {
		return []string{hostOf(m.Pool)}
	}
	lines := make([]string, len(m.Pools))
	for i, p := range m.Pools {
		state := "connecting"
		switch {
		case p.Refused:
			state = "left out: " + p.Reason
		case p.Active:
			state = "in use"
		case p.Idle:
			state = "in reserve"
		case p.Phase == pow.Mining:
			state = "works; mining comes back to it in a moment"
		case p.Reason != "":
			state = "down: " + p.Reason
		}
		lines[i] = hostOf(p.Pool) + " · " + state
	}
	return lines
}

// noticeWords are a notice as people read it: our words, and the pool's quoted.
func noticeWords(n core.Notice) string {
	text := n.Text
	if n.Quote != "" {
		text += " “" + n.Quote + "”"
	}
	return text
}

// bestWords are the best share so far.
func bestWords(m core.Snapshot) (title, line string) {
	if m.Best <= 0 {
		return "none yet", "The rarest share that you find stands here."
	}
	title = "difficulty " + difficulty(m.Best)
	line = "The rarest of your shares."
	if m.Difficulty > 0 && m.Best >= m.Difficulty {
		line += " The pool asks for " + difficulty(m.Difficulty) + "."
	}
	return title, line
}

// difficulty writes a difficulty in three figures.
func difficulty(d float64) string {
	switch {
	case d >= 1e12:
		return plainTo(d/1e12) + " T"
	case d >= 1e9:
		return plainTo(d/1e9) + " G"
	case d >= 1e6:
		return plainTo(d/1e6) + " M"
	case d >= 1e4:
		return plainTo(d/1e3) + " k"
	}
	return plainTo(d)
}

// resumedFor is how long the word about resumed mining stands.
const resumedFor = 10 * time.Minute

// resumedWords notice that mining went on by itself after a pause.
func resumedWords(m core.Snapshot, now time.Time) string {
	if m.State != core.StateMining || m.Resumed.IsZero() || now.Sub(m.Resumed) > resumedFor || now.Before(m.Resumed) {
		return ""
	}
	return "Mining has resumed by itself, " + ago(now.Sub(m.Resumed)) + "."
}
