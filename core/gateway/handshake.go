package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

const (
	// greeting is how long a device has, from its first byte to its welcome.
	greeting = 10 * time.Second
	// maxCall is the length of the longest call of the handshake: a message of invite and what JSON-RPC puts around it.
	maxCall = invite.MaxMessage + 256
)

// Greet does the gateway's part of package invite's handshake on a connection that has just been made, before anything
// of Stratum: goldpan.hello, then goldpan.prove, each answered with a result, or with an error [code, text, null] whose
// code is that of invite.Code. origin is the one that the connection came in for. It returns the device that has proven
// itself; after an error, which is one of invite's, of ctx, or of the connection, conn is of no more use. It does not
// close conn.
func Greet(ctx context.Context, conn jsonrpc.Conn, gate *invite.Gate, origin string, payee invite.Payee) (invite.Device, error) {
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	var attempt *invite.Attempt
	err := answer(ctx, conn, invite.MethodHello, func(hello invite.Hello) (challenge invite.Challenge, err error) {
		attempt, challenge, err = gate.Begin(origin, hello)
		return challenge, err
	})
	if err != nil {
		return invite.Device{}, fmt.Errorf("hello: %w", err)
	}
	var device invite.Device
	err = answer(ctx, conn, invite.MethodProve, func(proof invite.Proof) (welcome invite.Welcome, err error) {
		device, welcome, err = attempt.Finish(proof, payee)
		return welcome, err
	})
	if err != nil {
		return invite.Device{}, fmt.Errorf("prove: %w", err)
	}
	return device, nil
}

// answer reads one call, which must be of that method, and answers it with what judge makes of it.
func answer[Q, A invite.Message](ctx context.Context, conn jsonrpc.Conn, method string, judge func(Q) (A, error)) error {
	line, err := conn.ReadMessage(ctx)
	if err != nil {
		return err
	}
	id, result, refused := reply(line, method, judge)
	text := append(append([]byte(`{"id":`), id...), `,"result":`...)
	if refused == nil {
		text = append(append(text, result...), `,"error":null}`...)
	} else {
		// What is not a refusal of the handshake is between us and the person: a device is told that it is not possible now.
		code := invite.Code(refused)
		words := invite.Refused(code)
		if words == nil {
			words = errBusy
		}
		text = strconv.AppendInt(append(text, `null,"error":[`...), int64(code), 10)
		text = append(strconv.AppendQuote(append(text, ','), words.Error()), `,null]}`...)
	}
	return errors.Join(refused, conn.WriteMessage(ctx, text))
}

var errBusy = errors.New("not possible now")

// reply is the id of a call as JSON, and what judge makes of its only parameter, as JSON.
func reply[Q, A invite.Message](line []byte, method string, judge func(Q) (A, error)) (id string, result []byte, err error) {
	id = "null"
	var call map[string]json.RawMessage // a struct would match names without regard to case
	if len(line) > maxCall || jsonrpc.Depth(line) > 4 || json.Unmarshal(line, &call) != nil {
		return id, nil, invite.ErrMessage
	}
	if raw := call["id"]; len(raw) > 0 && len(raw) <= 64 && (raw[0] == '"' || raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		id = string(raw)
	}
	var named string
	if json.Unmarshal(call["method"], &named) != nil {
		return id, nil, invite.ErrMessage
	}
	if named != method {
		return id, nil, invite.ErrOrder
	}
	var params []json.RawMessage
	if json.Unmarshal(call["params"], &params) != nil || len(params) != 1 {
		return id, nil, invite.ErrMessage
	}
	question, err := invite.Decode[Q](params[0])
	if err != nil {
		return id, nil, err
	}
	told, err := judge(question)
	if err != nil {
		return id, nil, err
	}
	result, err = json.Marshal(told)
	return id, result, err
}

// Admitter is a Devices that is asked again about a device that has proven itself, when it comes to mine: a person may
// have removed it meanwhile.
type Admitter interface {
	Admit(Device) error
}

// ServePage is ServeLanes for a connection whose device is known already, by Greet: whatever user and password it gives
// are its own.
func (g *Gateway) ServePage(ctx context.Context, conn jsonrpc.Conn, d Device) error {
	return g.serve(ctx, g.lanes, conn, door{g: g, lanes: true, proven: &d})
}

// identify says whose connection it is.
func (d door) identify(user, password string) (Device, error) {
	if d.proven == nil {
		return d.g.cfg.Devices.Authorize(user, password)
	}
	if a, ok := d.g.cfg.Devices.(Admitter); ok {
		return *d.proven, a.Admit(*d.proven)
	}
	return *d.proven, nil
}

// Hold keeps a device from working, or lets it work again. One that is held may be connected, and is given no jobs; what
// it was given before counts no more. Its present connection is ended, for only a miner without a job is sure to rest.
func (g *Gateway) Hold(id string, held bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.devices[id]
	switch {
	case held == g.held[id]:
	case held:
		g.held[id] = true
		if s != nil {
			s.forget(nil)
			s.peer.Close()
		}
	default:
		delete(g.held, id)
		if s != nil {
			s.offer(g.now(), true)
		}
	}
}
