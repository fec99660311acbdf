package knock

import (
	"context"
	"errors"
	"net"
	"testing"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

// greet has a device greet a gateway once.
func greet(t *testing.T, d *Device, g *gateway) error {
	t.Helper()
	here, there := net.Pipe()
	served := make(chan struct{})
	go func() { defer close(served); g.serve(jsonrpc.NewLineConn(there, 4096)) }()
	conn := jsonrpc.NewLineConn(here, 4096)
	err := d.Greet(t.Context(), conn)
	conn.Close()
	<-served
	return err
}

func invited(t *testing.T, gate *invite.Gate, kept *[]invite.Credential) *Device {
	t.Helper()
	made, err := gate.Invite(origin)
	if err != nil {
		t.Fatal(err)
	}
	return &Device{
		Invitation: made, Agreed: payee,
		Keep:    func(_ context.Context, c invite.Credential) error { *kept = append(*kept, c); return nil },
		Welcome: func(invite.Payee) {},
	}
}

// A device joins once and comes back by itself; one that was removed is told so, whoever says it.
func TestDevice(t *testing.T) {
	var kept []invite.Credential
	gate := invite.NewGate(invite.Config{})
	d := invited(t, gate, &kept)
	for attempt := range 3 {
		if err := greet(t, d, &gateway{gate: gate}); err != nil {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
	}
	if len(kept) != 1 || len(gate.Devices()) != 1 {
		t.Errorf("%d kept, %d devices", len(kept), len(gate.Devices()))
	}
	// Another day it has the credential alone.
	later := &Device{Credential: kept[0], Agreed: payee, Keep: d.Keep, Welcome: d.Welcome}
	if err := greet(t, later, &gateway{gate: gate}); err != nil || len(kept) != 1 {
		t.Errorf("it came back with %v, %d kept", err, len(kept))
	}
	if err := gate.Remove(kept[0].ID); err != nil {
		t.Fatal(err)
	}
	failure, ok := errors.AsType[*Failure](greet(t, later, &gateway{gate: gate}))
	if !ok || failure.Code != "removed" || !failure.Final || !failure.Login || failure.Proven {
		t.Errorf("removed, it is told %+v", failure)
	}
	// A new invitation brings it back.
	later.Invitation = invited(t, gate, &kept).Invitation
	if failure, ok := errors.AsType[*Failure](greet(t, later, &gateway{gate: gate})); !ok || failure.Final {
		t.Errorf("with a new invitation: %+v", failure)
	}
	if err := greet(t, later, &gateway{gate: gate}); err != nil || len(kept) != 2 {
		t.Errorf("with a new invitation: %v, %d kept", err, len(kept))
	}
	// A gateway that refuses after it has proved itself means it.
	var again []invite.Credential
	fresh := invited(t, gate, &again)
	if err := greet(t, fresh, &gateway{gate: gate}); err != nil {
		t.Fatal(err)
	}
	back := &Device{Credential: again[0], Agreed: payee, Keep: d.Keep, Welcome: d.Welcome}
	failure, ok = errors.AsType[*Failure](greet(t, back, &gateway{gate: gate, refuse: map[string]error{invite.MethodProve: invite.ErrUnknown}}))
	if !ok || failure.Code != "removed" || !failure.Proven {
		t.Errorf("removed meanwhile, it is told %+v", failure)
	}
}

// If the welcome is lost the device logs in, and if the invitation was not spent it joins again.
func TestLostWelcome(t *testing.T) {
	for name, spent := range map[string]bool{"spent": true, "not spent": false} {
		var kept []invite.Credential
		gate := invite.NewGate(invite.Config{})
		d := invited(t, gate, &kept)
		g := &gateway{gate: gate}
		if spent {
			g.twist = func(method string, b []byte) []byte {
				if method == invite.MethodProve {
					return []byte("\n\n") // nothing comes through
				}
				return b
			}
		} else {
			g.refuse = map[string]error{invite.MethodProve: net.ErrClosed}
		}
		if err := greet(t, d, g); err == nil || len(kept) != 1 {
			t.Fatalf("%s: %v, %d kept", name, err, len(kept))
		}
		attempts := 0
		for ; attempts < 5; attempts++ {
			err := greet(t, d, &gateway{gate: gate})
			if err == nil {
				break
			}
			if f, ok := errors.AsType[*Failure](err); !ok || f.Final {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if want := map[bool]int{true: 0, false: 1}[spent]; attempts != want || len(gate.Devices()) != 1 || gate.Devices()[0].ID != kept[len(kept)-1].ID {
			t.Errorf("%s: after %d attempts %d devices, %d kept", name, attempts, len(gate.Devices()), len(kept))
		}
	}
}

// Whoever agreed to one payee has not agreed to another.
func TestAnotherPayee(t *testing.T) {
	var kept []invite.Credential
	gate := invite.NewGate(invite.Config{})
	d := invited(t, gate, &kept)
	var told invite.Payee
	d.Welcome = func(p invite.Payee) { told = p }
	d.Agreed.Address = "bc1qother"
	failure, ok := errors.AsType[*Failure](greet(t, d, &gateway{gate: gate}))
	if !ok || !errors.Is(failure, ErrPayee) || failure.Code != "payee" || !failure.Final || told != payee {
		t.Errorf("told %v: %+v", told, failure)
	}
	d.Agreed = told // the person looked, and agrees
	if err := greet(t, d, &gateway{gate: gate}); err != nil || len(kept) != 1 {
		t.Errorf("agreed: %v, %d kept", err, len(kept))
	}
}

func TestUsedInvitation(t *testing.T) {
	var kept []invite.Credential
	gate := invite.NewGate(invite.Config{})
	first := invited(t, gate, &kept)
	used := first.Invitation
	if err := greet(t, first, &gateway{gate: gate}); err != nil {
		t.Fatal(err)
	}
	if err := gate.Remove(kept[0].ID); err != nil {
		t.Fatal(err)
	}
	if f, ok := errors.AsType[*Failure](greet(t, first, &gateway{gate: gate})); !ok || f.Code != "removed" || !f.Final {
		t.Errorf("removed after it joined: %+v", f)
	}
	second := &Device{Invitation: used, Agreed: payee, Keep: first.Keep, Welcome: first.Welcome}
	failure, ok := errors.AsType[*Failure](greet(t, second, &gateway{gate: gate}))
	if !ok || failure.Code != "spent" || !failure.Final || failure.Login || len(kept) != 1 {
		t.Errorf("%+v, %d kept", failure, len(kept))
	}
	nothing := &Device{Agreed: payee}
	if f, ok := errors.AsType[*Failure](greet(t, nothing, &gateway{gate: gate})); !ok || f.Code != "origin" {
		t.Errorf("without either: %+v", f)
	}
}
