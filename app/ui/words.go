package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/hasher"
)

// worthless stands beside every balance of the practice network.
const worthless = "practice coins, worth nothing"

// amount writes a sum in whole coins with two decimals, or with all that it has.
func amount(a coin.Amount) string {
	s := a.String()
	whole, decimals, found := strings.Cut(s, ".")
	if !found {
		return s
	}
	decimals = strings.TrimRight(decimals, "0")
	for len(decimals) < 2 {
		decimals += "0"
	}
	return whole + "." + decimals
}

// rate writes hashes a second with a unit, in three or four figures.
func rate(h float64) string {
	units := [...]string{"H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"}
	i := 0
	for ; h >= 999.5 && i < len(units)-1; i++ {
		h /= 1000
	}
	decimals := 2
	switch {
	case i == 0 || h >= 100:
		decimals = 0
	case h >= 10:
		decimals = 1
	}
	return strconv.FormatFloat(h, 'f', decimals, 64) + " " + units[i]
}

// rateMeans says a hash rate in words. Hash is explained here, where it first
// stands.
func rateMeans(h float64) string {
	if h <= 0 {
		return "A hash is one try at a puzzle that only luck and work can solve."
	}
	scale, word := 1.0, ""
	switch {
	case h >= 1e9:
		scale, word = 1e9, " billion"
	case h >= 1e6:
		scale, word = 1e6, " million"
	case h >= 1e3:
		scale, word = 1e3, " thousand"
	}
	n := h / scale
	figure := strconv.FormatFloat(n, 'f', 0, 64)
	if n < 10 && word != "" {
		figure = strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	}
	return "About " + figure + word + " tries a second. A hash is one try at a puzzle that only luck and work can solve."
}

// count writes n with thin spaces between the thousands.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plural is "1 block" or "2 blocks".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// span writes a time that has passed, in its two largest units at most.
func span(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h >= 24:
		return fmt.Sprintf("%d d %d h", h/24, h%24)
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case m > 0:
		return fmt.Sprintf("%d min %d s", m, s)
	}
	return fmt.Sprintf("%d s", s)
}

// ago is span for a moment: "just now", "12 s ago".
func ago(since time.Duration) string {
	if since < 2*time.Second {
		return "just now"
	}
	return span(since) + " ago"
}

// kind of a state, for its mark.
type kind int

const (
	kindReady kind = iota // never started
	kindIdle
	kindGood
	kindWait
	kindBad
)

// stateWords says what the session does and, if it does not mine, why.
// started tells whether Start was ever pressed.
func stateWords(s desk.PracticeSnapshot, started bool) (kind, string, string) {
	m := s.Mining
	switch m.State {
	case core.StateMining:
		if m.Reason != "" { // it mines, and something is wrong with it
			return kindBad, "Mining", sentence(m.Reason)
		}
		return kindGood, "Mining", fmt.Sprintf("%s at work on %s.", plural(m.Lanes, "thread"), puzzle(m.Algorithm))
	case core.StatePaused:
		if !started {
			return kindReady, "Ready", "Nothing is mined until you press Start."
		}
		return kindIdle, "Paused", sentence(m.Reason) + " Press Start to go on."
	case core.StateDown:
		why := sentence(m.Reason)
		if m.Err != nil {
			message, _ := desk.Explain(m.Err)
			why = sentence(message)
		}
		if why == "" {
			why = "The connection was lost."
		}
		return kindBad, "Not mining", why + " Goldpan tries again by itself."
	default:
		return kindWait, "Connecting", "Joining the practice pool inside this program."
	}
}

// puzzle names an algorithm by the coin that people know it from.
func puzzle(a hasher.Algorithm) string {
	if a == hasher.Scrypt {
		return "scrypt, Litecoin's puzzle"
	}
	return "SHA-256d, Bitcoin's puzzle"
}

// sentence gives s a capital and a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// balanceWords returns the balance and what can be done with it.
func balanceWords(s desk.PracticeSnapshot) (total, parts string) {
	b := s.Balance
	total = amount(b.Confirmed + b.Immature + b.Unconfirmed)
	switch {
	case b.Confirmed+b.Immature+b.Unconfirmed == 0:
		return total, "Each block that you find adds to it."
	case b.Immature == 0 && b.Unconfirmed == 0:
		return total, "All of it is ready to spend."
	}
	parts = amount(b.Confirmed) + " ready to spend"
	if b.Unconfirmed != 0 {
		parts += ", " + amount(b.Unconfirmed) + " on its way"
	}
	if b.Immature != 0 {
		parts += ", " + amount(b.Immature) + " ripening"
		if p, err := s.Coin.Params(coin.Practice); err == nil {
			parts += " (a reward ripens for " + plural(p.Maturity-1, "more block") + ")"
		}
	}
	return total, parts + "."
}

// blockWords returns the last block's height and how it came.
func blockWords(s desk.PracticeSnapshot, now time.Time) (title, line string) {
	const means = " Whoever finds a block is paid for it."
	if s.Height == 0 {
		return "none yet", "The first one starts the chain." + means
	}
	title = "no. " + count(uint64(s.Height))
	if s.Last == nil {
		return title, "Found before this start." + means
	}
	who := "found by " + clip(s.Last.Worker, 14)
	if s.Last.Mine {
		who = "found by you"
	}
	return title, sentence(ago(now.Sub(s.Last.Time))+", "+who) + means
}

// clip shortens a name that another device chose.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// headerWords is the header that is being hashed, as it is, or nothing before
// there is one.
func headerWords(h hasher.Header) string {
	if h == (hasher.Header{}) {
		return ""
	}
	return fmt.Sprintf("%x", h[:])
}

// shareWords counts the shares. Share, rejected and stale are explained here,
// where they first stand.
func shareWords(m core.Snapshot) (title, line string) {
	title = count(m.Accepted) + " accepted"
	line = count(m.Rejected) + " rejected, " + count(m.Stale) + " stale. "
	switch {
	case m.Rejected > 0 && m.Rejected*20 > m.Accepted:
		return title, line + "Rejected means that the pool found a fault in your work. A few are harmless."
	case m.Stale > 0:
		return title, line + "Stale means that it came after the work had changed. A few are normal."
	}
	return title, line + "A share is a hash rare enough to show the pool that you work."
}

// legendWords explains the picture; blocks tells whether they are seen in it.
func legendWords(perGrain uint64, blocks bool) string {
	grain := "Each grain is many hashes"
	if perGrain > 0 {
		grain = "Each grain is " + large(perGrain) + " hashes"
		if perGrain == 1 {
			grain = "Each grain is one hash"
		}
	}
	if blocks {
		return grain + ", each nugget a share (the larger, the rarer), a ringed one a block. Now is on the right."
	}
	return grain + ", each nugget a share: the larger, the rarer. Now is on the right."
}

// large is a round number in words: "5 million".
func large(n uint64) string {
	switch {
	case n >= 1e9 && n%1e8 == 0:
		return strconv.FormatFloat(float64(n)/1e9, 'f', -1, 64) + " billion"
	case n >= 1e6 && n%1e5 == 0:
		return strconv.FormatFloat(float64(n)/1e6, 'f', -1, 64) + " million"
	}
	return count(n)
}

// cheerWords is the good word about a new block.
func cheerWords(b desk.Block) string {
	if b.Mine {
		return "You found block " + count(uint64(b.Height)) + ". Its reward is on its way to your wallet."
	}
	return "Block " + count(uint64(b.Height)) + " was found by " + clip(b.Worker, 24) + "."
}
