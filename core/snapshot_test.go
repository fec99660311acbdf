package core

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/core/stratum"
	"goldpan/core/watch"
)

// TestFaultsAreTold: who mines with a machine that computes wrongly is told so,
// and a pause or a lost pool counts for more.
func TestFaultsAreTold(t *testing.T) {
	s := &Session{watch: watch.New(hasher.SHA256d)}
	h := (*handler)(s)
	h.State(pow.State{Phase: pow.Mining, Difficulty: 1})
	if v := s.snapshot(engine.Snapshot{}); v.State != StateMining || v.Reason != "" || v.Faults != 0 {
		t.Errorf("without faults: %+v", v)
	}
	if v := s.snapshot(engine.Snapshot{Faults: 2}); v.State != StateMining || !strings.Contains(v.Reason, "wrong") || v.Faults != 2 {
		t.Errorf("with faults: %+v", v)
	}
	s.paused = "you paused it"
	if v := s.snapshot(engine.Snapshot{Faults: 2}); v.State != StatePaused || v.Reason != "you paused it" {
		t.Errorf("paused: %+v", v)
	}
	s.paused = ""
	h.State(pow.State{Phase: pow.Down, Reason: "the pool closed the connection", Err: errors.New("closed")})
	if v := s.snapshot(engine.Snapshot{Faults: 2}); v.State != StateDown || v.Reason != "the pool closed the connection" {
		t.Errorf("down: %+v", v)
	}
}

// TestLastFailureIsKept: while the next attempt runs it is still known why the
// last one failed; whoever gives up between the two can say so.
func TestLastFailureIsKept(t *testing.T) {
	s, closed := &Session{watch: watch.New(hasher.SHA256d)}, errors.New("closed")
	h := (*handler)(s)
	for attempt := 1; attempt <= 3; attempt++ {
		h.State(pow.State{Phase: pow.Down, Err: closed})
		h.State(pow.State{Phase: pow.Connecting})
		if v := s.snapshot(engine.Snapshot{}); v.State != StateConnecting || !errors.Is(v.Err, closed) || v.Failures != attempt || v.Worked {
			t.Errorf("attempt %d: %+v", attempt, v)
		}
	}
	h.State(pow.State{Phase: pow.Mining})
	if v := s.snapshot(engine.Snapshot{}); v.Err != nil || v.Failures != 0 || !v.Worked {
		t.Errorf("working: %+v", v)
	}
}

// TestResumedIsTold: mining that begins by itself again is never unseen, and is
// told once.
func TestResumedIsTold(t *testing.T) {
	var notices []Notice
	s := &Session{watch: watch.New(hasher.SHA256d), config: Config{Notice: func(n Notice) { notices = append(notices, n) }}}
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var told time.Time
	for _, step := range []struct {
		at   time.Time
		want int
	}{{time.Time{}, 0}, {first, 1}, {first, 1}, {first.Add(-time.Hour), 2}, {first.Add(-time.Hour), 2}} {
		told = s.tellResumed(step.at, told)
		if len(notices) != step.want {
			t.Errorf("%d notices after %v, want %d", len(notices), step.at, step.want)
		}
	}
	if n := notices[0]; n.Level != Info || n.Text == "" || n.Quote != "" || n.Time.IsZero() {
		t.Errorf("got %+v", n)
	}
}

// TestRulesPause: what the rules forbid is shown as a pause with its reason, the
// person's own pause before it.
func TestRulesPause(t *testing.T) {
	s := &Session{watch: watch.New(hasher.SHA256d)}
	(*handler)(s).State(pow.State{Phase: pow.Mining})
	if v := s.snapshot(engine.Snapshot{Paused: "on battery"}); v.State != StatePaused || v.Reason != "on battery" {
		t.Errorf("got %+v", v)
	}
	s.paused = "you paused it"
	if v := s.snapshot(engine.Snapshot{Paused: "on battery"}); v.State != StatePaused || v.Reason != "you paused it" {
		t.Errorf("got %+v", v)
	}
	s.paused = ""
	if v := s.snapshot(engine.Snapshot{Percent: 30, Active: 1, Slowed: "hot"}); v.State != StateMining || v.Percent != 30 || v.Active != 1 || v.Slowed != "hot" {
		t.Errorf("got %+v", v)
	}
}

// TestNotices: what a Failover tells is put into words, and a pool's words stay a quote.
func TestNotices(t *testing.T) {
	var notices []Notice
	s := &Session{watch: watch.New(hasher.SHA256d), config: Config{Notice: func(n Notice) { notices = append(notices, n) }}}
	for _, e := range []stratum.Event{
		{Kind: stratum.Moved, Pool: "b", Reason: "nothing answers at the pool's address"},
		{Kind: stratum.Moved, Pool: "b"},
		{Kind: stratum.Returned, Pool: "a", From: "b"},
		{Kind: stratum.Refused, Pool: "c", Reason: "the pool does not accept this user"},
		{Kind: stratum.Said, Pool: "a", Text: "maintenance at noon"},
	} {
		s.moved(e)
	}
	for i, want := range []Notice{
		{Level: Warning, Text: "Mining goes on at b. The pool before it is down: nothing answers at the pool's address."},
		{Level: Warning, Text: "Mining goes on at b. The pool before it is down."},
		{Level: Info, Text: "Mining is back at a, which works again."},
		{Level: Warning, Text: "c is left out: the pool does not accept this user."},
		{Level: Info, Text: "The pool a says:", Quote: "maintenance at noon"},
	} {
		want.Time = notices[i].Time
		if notices[i] != want {
			t.Errorf("got %+v, want %+v", notices[i], want)
		}
	}
	(&Session{}).moved(stratum.Event{Kind: stratum.Said}) // nobody listens
}

// TestFailuresOfPools: with several pools, one that still has its chance counts.
func TestFailuresOfPools(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		pools []PoolState
		want  int
		err   error
	}{
		"one":          {[]PoolState{{Failures: 3, Err: broken}}, 3, broken},
		"another":      {[]PoolState{{Failures: 3, Err: broken}, {Failures: 1}}, 1, broken},
		"one refuses":  {[]PoolState{{Refused: true, Failures: 1, Err: broken}, {Failures: 2}}, 2, broken},
		"all refuse":   {[]PoolState{{Refused: true, Failures: 1, Err: broken}}, 0, broken},
		"one is mined": {[]PoolState{{Failures: 3, Err: broken}, {Phase: pow.Mining, Active: true}}, 0, nil},
	} {
		if n, err := failed(c.pools); n != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// TestRates: what the lanes hash and what became of the shares meet in the
// snapshot, and a difficulty is enough to say that the first share is still out.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Session{watch: watch.New(hasher.Scrypt)}
		h := (*handler)(s)
		s.watch.Sample(0)
		h.State(pow.State{Phase: pow.Mining, Difficulty: 1})
		time.Sleep(time.Second)
		s.watch.Sample(65537)
		if v := s.snapshot(engine.Snapshot{}).Rates; v.Session.High == 0 || v.Luck != 0 || math.Abs(v.Windows[0].Hashrate-65537) > 1 {
			t.Errorf("before the first share: %+v", v)
		}
		s.answered(pow.Result{Status: pow.Accepted, Target: 1, Difficulty: 7, Pool: "pool"})
		s.answered(pow.Result{Status: pow.Stale, Target: 1, Difficulty: 9})
		time.Sleep(time.Second)
		s.watch.Sample(2 * 65537)
		if v := s.snapshot(engine.Snapshot{}).Rates; v.Best.Difficulty != 7 || v.Session.Accepted != 1 || v.Session.Stale != 1 || math.Abs(v.Luck-1) > 0.01 {
			t.Errorf("after two: %+v", v)
		}
	})
}
