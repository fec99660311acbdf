package knock

import (
	"context"
	"errors"
	"fmt"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

// ErrPayee says that another is paid than the person agreed to. What was joined stays joined.
var ErrPayee = errors.New("another is paid than was agreed to")

// Device greets a gateway on one connection after another: by its credential, or where it has none, or none that is
// known there any more, by an invitation. It is used by one goroutine.
type Device struct {
	Invitation invite.Invitation // zero for none
	Credential invite.Credential // zero for none
	// Agreed is whom the person agreed to mine for.
	Agreed invite.Payee
	// Keep brings a credential to the device's own store, before the invitation is spent.
	Keep func(context.Context, invite.Credential) error
	// Welcome hears who is paid, each time, agreed to or not.
	Welcome func(invite.Payee)
}

// Failure is why a greeting failed, and what a person is told.
type Failure struct {
	Said
	Login bool // with a credential, not an invitation
	// Proven says that the gateway had proved itself before it refused.
	Proven bool
	Err    error
}

// Error implements error.
func (f *Failure) Error() string { return fmt.Sprintf("greeting: %v", f.Err) }

// Unwrap makes errors.Is find Err.
func (f *Failure) Unwrap() error { return f.Err }

// Greet has the device accepted on a connection. Its error is a *Failure, or the connection's.
func (d *Device) Greet(ctx context.Context, conn jsonrpc.Conn) error {
	none := invite.ID{}
	login := d.Credential.ID != none || d.Invitation.ID == none
	caller, err := invite.NewLogin(d.Credential)
	if !login {
		caller, err = invite.NewJoin(d.Invitation)
	}
	if err != nil {
		return d.failed(err, login)
	}
	payee, err := Knock(ctx, conn, caller, func(ctx context.Context, c invite.Credential) error {
		if login {
			return nil
		}
		if err := d.Keep(ctx, c); err != nil {
			return err
		}
		d.Credential = c
		return nil
	})
	if login && errors.Is(err, invite.ErrUnknown) && d.Invitation.ID != none {
		// It was removed, or the welcome was lost before its invitation was spent: that may be good.
		d.Credential = invite.Credential{}
		return &Failure{Said: Say(ErrBusy, true), Login: true, Err: err}
	}
	if err != nil {
		return d.failed(err, login)
	}
	d.Invitation = invite.Invitation{} // it is spent, or was not needed
	d.Welcome(payee)
	if payee != d.Agreed {
		return &Failure{Said: Said{"payee", "Who is paid has changed. Read it, then press Start if you agree.", true}, Login: login, Proven: true, Err: ErrPayee}
	}
	return nil
}

// failed gives an error its words, where it has any: those of the network have not.
func (d *Device) failed(err error, login bool) error {
	said := Say(err, login)
	if said == (Said{}) {
		return err
	}
	refusal, ok := errors.AsType[*Refusal](err)
	return &Failure{Said: said, Login: login, Proven: ok && refusal.Proven, Err: err}
}
