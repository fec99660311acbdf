package core

import (
	"fmt"
	"time"

	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// Level is how much a notice matters.
type Level string

// The levels of notices, as scripts know them.
const (
	Info    Level = "info"
	Warning Level = "warning"
)

// Notice is something that the person should hear of, besides how the session
// stands.
type Notice struct {
	Time  time.Time
	Level Level
	Text  string // in our own words
	// Quote is what a pool says, as plain text within bounds. It is shown as the
	// pool's words, never as ours. It may be empty.
	Quote string
}

// notice tells the person, if somebody listens.
func (s *Session) notice(level Level, text, quote string) {
	if s.config.Notice != nil {
		s.config.Notice(Notice{Time: time.Now(), Level: level, Text: text, Quote: quote})
	}
}

// moved tells what became of the pools.
func (s *Session) moved(e stratum.Event) {
	switch e.Kind {
	case stratum.Moved:
		text := fmt.Sprintf("Mining goes on at %s. The pool before it is down", e.Pool)
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		s.notice(Warning, text+".", "")
	case stratum.Returned:
		s.notice(Info, fmt.Sprintf("Mining is back at %s, which works again.", e.Pool), "")
	case stratum.Said:
		s.notice(Info, fmt.Sprintf("The pool %s says:", e.Pool), e.Text)
	case stratum.Refused:
		s.notice(Warning, fmt.Sprintf("%s is left out: %s.", e.Pool, e.Reason), "")
	}
}

// checkPayout holds a pool to its promise that a block found with j pays the
// person, and tells when it does not.
func (s *Session) checkPayout(j *pow.Job) {
	warning := PayoutWarning(PaysTo(j, s.config.Payout))
	s.mu.Lock()
	fresh := warning != "" && warning != s.warning
	s.warning = warning
	s.mu.Unlock()
	if fresh {
		s.notice(Warning, warning, "")
	}
}
