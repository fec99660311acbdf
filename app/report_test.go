package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"goldpan/app/desk"
	"goldpan/core"
	"goldpan/wallet"
)

// lines reads JSON lines.
func lines(t *testing.T, b []byte) (out []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, r)
	}
	return out
}

func TestReport(t *testing.T) {
	var out, people bytes.Buffer
	r := &reporter{json: true, out: &out, err: &people}
	s := desk.PracticeSnapshot{Mining: core.Snapshot{State: core.StateMining, Hashrate: 12.5, Accepted: 3}, Height: 7}
	r.look(s)
	r.look(s)
	s.Balance = wallet.Balance{Immature: 50e8}
	r.look(s)
	r.block(desk.Block{Height: 7, Hash: "00"})
	r.share(desk.Share{Difficulty: 0.5})
	r.trouble(desk.ErrInUse)
	r.done()
	var types []string
	got := lines(t, out.Bytes())
	for _, g := range got {
		types = append(types, g["type"].(string))
	}
	// The balance is told when it changes.
	if want := "status balance status status balance block share error done"; strings.Join(types, " ") != want {
		t.Errorf("lines %v, want %s", types, want)
	}
	if got[4]["immature"] != "50.00000000" || got[0]["hashrate"] != 12.5 || got[6]["result"] != "accepted" || got[8]["blocks"] != 1.0 {
		t.Errorf("%v", got)
	}
	if people.Len() > 0 {
		t.Errorf("with --json people are told %q", people.String())
	}
}

func TestFailForPeople(t *testing.T) {
	var out, people bytes.Buffer
	r := &reporter{out: &out, err: &people}
	r.trouble(desk.ErrInUse)
	r.done()
	message, hint := desk.Explain(desk.ErrInUse)
	if want := "goldpan: " + message + "\n" + hint + "\n"; people.String() != want || out.Len() > 0 {
		t.Errorf("people read %q, programs %q", people.String(), out.String())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"word"}, {"--data"}} {
		if code := run(args); code != 2 {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
}
