package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/hasher"
	"goldpan/wallet"
)

func TestAmount(t *testing.T) {
	for a, want := range map[coin.Amount]string{
		0: "0.00", 50e8: "50.00", 1: "0.00000001", 150_010_000_000: "1500.10", -25e7: "-2.50",
	} {
		if got := amount(a); got != want {
			t.Errorf("amount(%d) = %q, want %q", a, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for h, want := range map[float64]string{
		0: "0 H/s", 7: "7 H/s", 999.4: "999 H/s", 999.6: "1.00 kH/s", 12_345: "12.3 kH/s", 347_000: "347 kH/s",
		3.914e6: "3.91 MH/s", 27.5e6: "27.5 MH/s", 1e12: "1.00 TH/s", 5e18: "5000 PH/s",
	} {
		if got := rate(h); got != want {
			t.Errorf("rate(%v) = %q, want %q", h, got, want)
		}
	}
}

func TestRateMeans(t *testing.T) {
	for h, want := range map[float64]string{
		0: "A hash", 40: "About 40 tries", 1500: "About 1.5 thousand tries", 3.914e6: "About 3.9 million tries",
		27.5e6: "About 28 million tries", 4e9: "About 4 billion tries",
	} {
		if got := rateMeans(h); !strings.HasPrefix(got, want) {
			t.Errorf("rateMeans(%v) = %q, want it to begin %q", h, got, want)
		}
	}
}

func TestSpanAndCount(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "just now", 1900 * time.Millisecond: "just now", 12 * time.Second: "12 s ago",
		63 * time.Second: "1 min 3 s ago", 2*time.Hour + time.Minute: "2 h 1 min ago", 50 * time.Hour: "2 d 2 h ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

// Each state has its word, its mark and its reason.
func TestStateWords(t *testing.T) {
	snapshot := func(state, reason string, err error) desk.PracticeSnapshot {
		return desk.PracticeSnapshot{Mining: core.Snapshot{State: state, Reason: reason, Err: err, Lanes: 2, Algorithm: hasher.SHA256d}}
	}
	for name, c := range map[string]struct {
		s          desk.PracticeSnapshot
		started    bool
		kind       kind
		title, why string
	}{
		"never started": {snapshot(core.StatePaused, "you paused it", nil), false, kindReady, "Ready", "until you press Start"},
		"paused":        {snapshot(core.StatePaused, "you paused it", nil), true, kindIdle, "Paused", "You paused it."},
		"mining":        {snapshot(core.StateMining, "", nil), true, kindGood, "Mining", "2 threads"},
		"connecting":    {snapshot(core.StateConnecting, "", nil), true, kindWait, "Connecting", "practice pool"},
		"down, reason":  {snapshot(core.StateDown, "the pool went away", nil), true, kindBad, "Not mining", "The pool went away. Goldpan tries again"},
		"down, error":   {snapshot(core.StateDown, "", errors.New("it broke")), true, kindBad, "Not mining", "broke"},
		"faults":        {snapshot(core.StateMining, "this machine gets some hashes wrong", nil), true, kindBad, "Mining", "This machine gets some hashes wrong."},
		"down, mute":    {snapshot(core.StateDown, "", nil), true, kindBad, "Not mining", "connection was lost"},
	} {
		k, title, why := stateWords(c.s, c.started)
		if k != c.kind || title != c.title || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v %q %q", name, k, title, why)
		}
	}
}

// What ripens is never called ready to spend.
func TestBalanceWords(t *testing.T) {
	of := func(confirmed, immature, unconfirmed coin.Amount) desk.PracticeSnapshot {
		return desk.PracticeSnapshot{Coin: coin.ForPractice(hasher.SHA256d), Balance: wallet.Balance{Confirmed: confirmed, Immature: immature, Unconfirmed: unconfirmed}}
	}
	for name, c := range map[string]struct {
		s            desk.PracticeSnapshot
		total, parts string
	}{
		"empty":   {of(0, 0, 0), "0.00", "Each block that you find adds to it."},
		"first":   {of(0, 50e8, 0), "50.00", "0.00 ready to spend, 50.00 ripening (a reward ripens for 4 more blocks)."},
		"both":    {of(900e8, 250e8, 0), "1150.00", "900.00 ready to spend, 250.00 ripening (a reward ripens for 4 more blocks)."},
		"ripe":    {of(900e8, 0, 0), "900.00", "All of it is ready to spend."},
		"pending": {of(900e8, 0, 1e8), "901.00", "900.00 ready to spend, 1.00 on its way."},
	} {
		total, parts := balanceWords(c.s)
		if total != c.total || parts != c.parts {
			t.Errorf("%s: %q %q, want %q %q", name, total, parts, c.total, c.parts)
		}
	}
}

func TestBlockWords(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	last := func(b desk.Block) desk.PracticeSnapshot {
		b.Time = now.Add(-12 * time.Second)
		return desk.PracticeSnapshot{Height: 7, Last: &b}
	}
	for name, c := range map[string]struct {
		s           desk.PracticeSnapshot
		title, line string
	}{
		"none":   {desk.PracticeSnapshot{}, "none yet", "The first one starts the chain."},
		"before": {desk.PracticeSnapshot{Height: 7}, "no. 7", "Found before this start."},
		"mine":   {last(desk.Block{Mine: true, Worker: "desk"}), "no. 7", "12 s ago, found by you."},
		"other":  {last(desk.Block{Worker: "phone"}), "no. 7", "12 s ago, found by phone."},
		"long":   {last(desk.Block{Worker: strings.Repeat("w", 200)}), "no. 7", "12 s ago, found by " + strings.Repeat("w", 13) + "…."},
	} {
		title, line := blockWords(c.s, now)
		if title != c.title || !strings.HasPrefix(line, c.line) {
			t.Errorf("%s: %q %q", name, title, line)
		}
	}
}

func TestLegendWords(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "Each grain is many hashes", 1: "Each grain is one hash,", 200_000: "Each grain is 200\u202f000 hashes",
		5_000_000: "Each grain is 5 million hashes", 2_000_000_000: "Each grain is 2 billion hashes",
	} {
		if got := legendWords(n, true); !strings.HasPrefix(got, want) {
			t.Errorf("legendWords(%d) = %q, want it to begin %q", n, got, want)
		}
	}
}

func TestHeaderWords(t *testing.T) {
	if got := headerWords(hasher.Header{}); got != "" {
		t.Errorf("no header: %q", got)
	}
	if got := headerWords(hasher.Header{0: 0x20, 79: 1}); len(got) != 160 || !strings.HasPrefix(got, "2000") || !strings.HasSuffix(got, "01") {
		t.Errorf("header: %q", got)
	}
}
