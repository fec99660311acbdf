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

// chosen tells whether the settings name something to mine at.
func chosen(c config.Config) bool { return len(c.Pools) > 0 || c.Node.URL != "" }

// whereWords name what the settings mine at.
func whereWords(c config.Config) string {
	if len(c.Pools) == 0 {
		return "your own node, " + hostOf(c.Node.URL)
	}
	return poolsWords(c.Pools)
}

// payeeWords say who is paid by the settings.
func payeeWords(c config.Config) string {
	switch {
	case len(c.Pools) == 0 || c.Payout != "":
		return c.Payout
	default:
		return c.Pools[0].User
	}
}

// poolsWords name the pools of the settings.
func poolsWords(pools []config.Pool) string {
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = hostOf(p.URL)
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
		return kindBad, "Not mining", downWords(m) + " Goldpan tries again by itself."
	}
	return kindWait, "Connecting", "Asking " + hostOf(m.Pool) + " for work."
}

// longestWhy is how much of a reason there is room for, in characters.
const longestWhy = 75

// downWords say why it does not mine, and what to do about it where there is room.
func downWords(m core.Snapshot) string {
	why := sentence(m.Reason)
	if m.Err != nil {
		message, hint := desk.Explain(m.Err)
		for _, longer := range []string{sentence(message), sentence(message) + " " + hint} {
			if len(longer) <= longestWhy {
				why = longer
			}
		}
	}
	if why == "" {
		why = "The connection was lost."
	}
	return why
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

// impliedSpan is which of the spans of core the shares are counted over: a quarter
// of an hour.
const impliedSpan = 2

// impliedFrom is how long shares are counted before anything is said of them.
const impliedFrom = time.Minute

// hashrateMeans says beside a hash rate what the pool can see of it, or what to
// expect of it.
func hashrateMeans(m core.Snapshot, odds string) string {
	if odds != "" {
		return odds
	}
	w := m.Rates.Windows[impliedSpan]
	if w.Accepted > 0 && w.High > 0 && w.Span >= impliedFrom {
		return "Your shares of the last " + span(w.Span) + " show " + rate(w.Implied) + ". By chance it may be " + rate(w.Low) + " to " + rate(w.High) + "."
	}
	return rateMeans(m.Hashrate)
}

// impliedWhy says why the hash rate and what the shares show differ, or what has
// no effect on this machine.
func impliedWhy(m core.Snapshot) string {
	if w := m.Rates.Windows[impliedSpan]; w.High > 0 && w.Why != "" && w.Span >= impliedFrom {
		return sentence(w.Why)
	}
	if len(m.Unmeasured) > 0 && m.State == core.StateMining {
		return sentence(m.Unmeasured[0])
	}
	return ""
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

// blockFound is the good word about a block of the person's own.
func blockFound(b desk.SoloBlock) string {
	return "You found block " + count(uint64(b.Height)) + ", and your node has taken it. Its reward is yours: " + amount(b.Reward) + " coins."
}
