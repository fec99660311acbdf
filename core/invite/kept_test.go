package invite

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// A gate that is begun anew from what was kept knows what the last one knew: a pending invitation is good, one that was
// used or is late is not, and the name that an invitation had goes over to its device.
func TestKeptAcrossRestart(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	var kept Kept
	keep := func(k Kept) error {
		kept = Kept{}
		for _, i := range k.Invitations {
			b, err := i.Export()
			if err != nil {
				return err
			}
			if i.State != Pending && bytes.Contains(b, []byte("secret")) {
				t.Errorf("the secret of an invitation that is %v is kept", i.State)
			}
			back, err := ParseIssued(b)
			if err != nil || back != i {
				t.Errorf("kept %+v, read %+v, %v", i, back, err)
			}
			kept.Invitations = append(kept.Invitations, back)
		}
		for _, d := range k.Devices {
			b, err := d.Export()
			if err != nil {
				return err
			}
			back, err := ParseDevice(b)
			if err != nil || back != d {
				t.Errorf("kept %+v, read %+v, %v", d, back, err)
			}
			kept.Devices = append(kept.Devices, back)
		}
		return nil
	}
	restart := func() *Gate { return NewGate(Config{Now: clock, Kept: kept, Keep: keep}) }

	g := restart()
	used, open, gone, late := mustInvite(t, g), mustInvite(t, g), mustInvite(t, g), mustInvite(t, g)
	_, err := join(t, g, used)
	want(t, "join", err, nil)
	want(t, "withdraw", g.Withdraw(gone.ID), nil)

	g = restart()
	_, err = join(t, g, used)
	want(t, "used before the restart", err, ErrSpent)
	_, err = join(t, g, gone)
	want(t, "withdrawn before the restart", err, ErrExpired)
	if got := g.Invitations(); len(got) != 2 || got[0].ID != open.ID || (got[0].Secret != Secret{}) {
		t.Errorf("pending: %+v", got)
	}
	own, err := join(t, g, open)
	want(t, "made before the restart", err, nil)

	g = restart()
	want(t, "login after the restart", login(t, g, own), nil)
	from := map[ID]bool{}
	for _, d := range g.Devices() {
		from[d.From] = true
	}
	if len(from) != 2 || !from[used.ID] || !from[open.ID] {
		t.Errorf("devices came from %v", from)
	}
	earlier := now
	now = now.Add(-time.Hour)
	_, err = join(t, restart(), late)
	want(t, "the clock set back over a restart", err, ErrExpired)
	now = earlier.Add(Lifetime)
	_, err = join(t, restart(), late)
	want(t, "late", err, ErrExpired)
}

// What cannot be kept is not given out.
func TestInvitationIsKeptBeforeItIsShown(t *testing.T) {
	full := errors.New("no space")
	g := NewGate(Config{Keep: func(Kept) error { return full }})
	_, err := g.Invite(home)
	want(t, "disk full", err, full)
	if got := g.Invitations(); len(got) != 0 {
		t.Errorf("pending: %v", got)
	}
}

func FuzzIssued(f *testing.F) {
	g := NewGate(Config{Keep: func(k Kept) error {
		for _, i := range k.Invitations {
			b, err := i.Export()
			f.Add(b)
			if err != nil {
				return err
			}
		}
		return nil
	}})
	if _, err := g.Invite(home); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := ParseIssued(b)
		if err != nil {
			return
		}
		again, err := i.Export()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseIssued(again); err != nil || back != i {
			t.Fatalf("%q: %+v, then %+v, %v", b, i, back, err)
		}
	})
}
