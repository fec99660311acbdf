package desk

import (
	"testing"
	"time"

	"goldpan/core"
	"goldpan/core/watch"
)

// TestStatusRecordTellsRates: a status line has the rate over each span, and what
// the shares show beside it.
func TestStatusRecordTellsRates(t *testing.T) {
	var s core.Snapshot
	for i, length := range []time.Duration{10 * time.Second, time.Minute, 15 * time.Minute, time.Hour} {
		s.Rates.Windows[i] = watch.Window{Length: length, Hashrate: float64(i + 1), Implied: 10, Low: 5, High: 20, Why: "They agree."}
	}
	s.Rates.Best.Difficulty, s.Rates.Luck = 7, 0.9
	r := StatusRecord(s)
	for name, want := range map[string]any{
		"hashrate_10s": 1., "hashrate_1m": 2., "hashrate_15m": 3., "hashrate_1h": 4.,
		"implied": 10., "implied_low": 5., "implied_high": 20., "implied_why": "They agree.", "best_share": 7., "luck": 0.9,
	} {
		if r[name] != want {
			t.Errorf("%s is %v, want %v", name, r[name], want)
		}
	}
}
