package main

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"

	"goldpan/core/invite"
	"goldpan/core/invite/knock"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

// greeting is how this device greets its gateway: by the invitation or the credential that the page was given. Nil
// where the page needs neither.
func (c *controller) greeting(start js.Value) (func(context.Context, jsonrpc.Conn) error, error) {
	link, credential := text(start, "invitation"), text(start, "credential")
	if link == "" && credential == "" {
		return nil, nil
	}
	d := &knock.Device{
		Agreed: invite.Payee{Name: text(start, "payee"), Address: text(start, "address")},
		Keep:   keep,
		Welcome: func(p invite.Payee) {
			post(map[string]any{"type": "welcome", "payee": p.Name, "address": p.Address})
		},
	}
	var err error
	if d.Credential, err = invite.ParseCredential(text(start, "origin"), credential); link != "" {
		if d.Invitation, err = invite.ParseLink(link); err == nil && d.Invitation.Origin != text(start, "origin") {
			err = invite.ErrOrigin
		}
	}
	if err != nil {
		return nil, &knock.Failure{Said: knock.Say(err, false), Login: link == "", Err: err}
	}
	return func(ctx context.Context, conn jsonrpc.Conn) error {
		c.greets = true
		defer func() { c.greets = false }()
		err := d.Greet(ctx, conn)
		if failure, ok := errors.AsType[*knock.Failure](err); ok && failure.Final {
			return fmt.Errorf("%w: %w", stratum.ErrRefusedForGood, err)
		}
		return err
	}, nil
}

// keep has the page keep the credential, and waits until it has.
func keep(ctx context.Context, c invite.Credential) error {
	kept := make(chan bool, 1)
	answer := js.FuncOf(func(_ js.Value, args []js.Value) any {
		select {
		case kept <- args[0].Truthy():
		default:
		}
		return nil
	})
	defer answer.Release()
	page := js.Global()
	page.Set("goldpanKept", answer)
	defer page.Set("goldpanKept", js.Undefined())
	post(map[string]any{"type": "credential", "credential": c.Export()})
	select {
	case ok := <-kept:
		if !ok {
			return errors.New("the browser keeps nothing")
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// text is a string of a message; "" for anything else.
func text(m js.Value, name string) string {
	if v := m.Get(name); v.Type() == js.TypeString {
		return v.String()
	}
	return ""
}

func post(message map[string]any) { js.Global().Call("postMessage", message) }
