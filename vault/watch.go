package vault

import (
	"fmt"
	"strings"
	"time"
)

// Alert is something out of the ordinary, in words for a person. It also stands
// in the audit.
type Alert struct {
	Time   time.Time
	Key    string // the entry's id
	Reason AlertReason
	Text   string
}

// AlertReason says what is out of the ordinary.
type AlertReason string

// The reasons.
const (
	AlertBurst       AlertReason = "burst"
	AlertFailures    AlertReason = "failures"
	AlertNewHost     AlertReason = "new-host"
	AlertDue         AlertReason = "due"
	AlertExpired     AlertReason = "expired"
	AlertPermissions AlertReason = "permissions"
)

func (a Alert) record(cause Record) Record {
	return Record{Time: cause.Time, Who: cause.Who, Action: ActionAlert, Key: a.Key, Host: cause.Host, Outcome: string(a.Reason), Note: a.Text}
}

const (
	burstUses   = 120 // uses of one key
	burstWindow = time.Minute
	failedUses  = 5 // in a row
	alertPause  = 24 * time.Hour
	burstPause  = 10 * time.Minute
)

// watch notices bursts and repeated failures in the audit's records. It is told
// the old ones too, so that it goes on where the program before ended.
type watch struct{ keys map[string]*habit }

type habit struct {
	uses     []time.Time // the newest, at most burstUses of them
	failures int
	told     map[AlertReason]time.Time
}

// see looks at a record and returns the alerts that it is cause for: none when
// it is an old one.
func (w *watch) see(r Record, old bool) []Alert {
	if r.Key == "" {
		return nil
	}
	if w.keys == nil {
		w.keys = make(map[string]*habit)
	}
	h := w.keys[r.Key]
	if h == nil {
		h = &habit{told: make(map[AlertReason]time.Time)}
		w.keys[r.Key] = h
	}
	switch r.Action {
	case ActionAlert:
		h.told[AlertReason(r.Outcome)] = r.Time
		return nil
	case ActionUse, ActionRequest:
	default:
		return nil
	}
	var alerts []Alert
	tell := func(reason AlertReason, pause time.Duration, format string, args ...any) {
		if last, ok := h.told[reason]; old || ok && r.Time.Sub(last) < pause && !r.Time.Before(last) {
			return
		}
		h.told[reason] = r.Time
		alerts = append(alerts, Alert{Time: r.Time, Key: r.Key, Reason: reason, Text: fmt.Sprintf(format, args...)})
	}
	if h.uses = append(h.uses, r.Time); len(h.uses) > burstUses {
		h.uses = h.uses[1:]
	}
	// A clock that was set back makes no burst of what came before.
	if span := r.Time.Sub(h.uses[0]); len(h.uses) == burstUses && span >= 0 && span < burstWindow {
		tell(AlertBurst, burstPause, "it was used %d times within a minute", burstUses)
	}
	if failedOutcome(r.Outcome) {
		if h.failures++; h.failures >= failedUses {
			tell(AlertFailures, burstPause, "it failed %d times in a row", h.failures)
		}
	} else {
		h.failures = 0
	}
	return alerts
}

// pausing says whether the same alert was given within a day.
func (w *watch) pausing(key string, reason AlertReason, now time.Time) bool {
	h := w.keys[key]
	if h == nil {
		return false
	}
	last, ok := h.told[reason]
	return ok && now.Sub(last) < alertPause && !now.Before(last)
}

func failedOutcome(outcome string) bool {
	switch outcome {
	case OutcomeOK:
		return false
	case OutcomeRefused, OutcomeUnsent, OutcomeUnanswered, OutcomeFailed:
		return true
	}
	return !strings.HasPrefix(outcome, "status 2")
}
