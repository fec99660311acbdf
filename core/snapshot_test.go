package core

import (
	"errors"
	"strings"
	"testing"

	"goldpan/core/engine"
	"goldpan/core/pow"
)

// TestFaultsAreTold: who mines with a machine that computes wrongly is told so,
// and a pause or a lost pool counts for more.
func TestFaultsAreTold(t *testing.T) {
	s := new(Session)
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
	s, closed := new(Session), errors.New("closed")
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
