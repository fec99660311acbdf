// Package knock is a device's part of package invite's handshake over a connection:
// goldpan.hello and goldpan.prove, before anything of Stratum is said.
//
// It keeps nothing: whoever calls it is handed the credential, and keeps it, before the
// proof that spends the invitation goes out. It shows none of the gateway's words: a
// refusal is one of package invite's errors. It does not close the connection.
package knock

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
	// patience is how long a gateway may take for the whole.
	patience = 10 * time.Second
	// maxAnswer is the length of the longest answer: a message of invite, and what JSON-RPC puts around it.
	maxAnswer = invite.MaxMessage + 256
)

var (
	// ErrBusy says that the gateway knows of no fault, and cannot now.
	ErrBusy = errors.New("not possible now")
	// ErrNoGateway says that what answers knows no handshake.
	ErrNoGateway = errors.New("what answers here knows no invitations")
	// ErrNotKept says that the credential could not be kept, so the proof was not sent.
	ErrNotKept = errors.New("the credential could not be kept")
)

// Refusal is what a gateway said instead of an answer.
type Refusal struct {
	Err error // of package invite, or ErrBusy or ErrNoGateway
	// Proven says that the gateway had proved itself before: else the refusal may be anybody's.
	Proven bool
}

// Error implements error.
func (r *Refusal) Error() string { return "refused: " + r.Err.Error() }

// Unwrap makes errors.Is find Err.
func (r *Refusal) Unwrap() error { return r.Err }

// Knock has the caller's invitation or credential accepted, and returns who is paid. keep is called once, when the
// gateway has proved itself and before the device does; if it fails nothing is proved. Errors are a *Refusal, package
// invite's where the gateway's own messages are wrong, ErrNotKept, ctx's, and the connection's. After one the
// connection is of no more use.
func Knock(ctx context.Context, conn jsonrpc.Conn, caller *invite.Caller, keep func(context.Context, invite.Credential) error) (invite.Payee, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	challenge, err := call[invite.Hello, invite.Challenge](ctx, conn, 1, invite.MethodHello, caller.Hello())
	if err != nil {
		return invite.Payee{}, err
	}
	proof, credential, err := caller.Answer(challenge)
	if err != nil {
		return invite.Payee{}, fmt.Errorf("the gateway's answer: %w", err)
	}
	if err := keep(ctx, credential); err != nil {
		return invite.Payee{}, fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	welcome, err := call[invite.Proof, invite.Welcome](ctx, conn, 2, invite.MethodProve, proof)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		refusal.Proven = true
	}
	if err != nil {
		return invite.Payee{}, err
	}
	payee, err := caller.Finish(welcome)
	if err != nil {
		return invite.Payee{}, fmt.Errorf("the gateway's welcome: %w", err)
	}
	return payee, nil
}

// call asks one question and reads its answer.
func call[Q, A invite.Message](ctx context.Context, conn jsonrpc.Conn, id uint64, method string, question Q) (answer A, err error) {
	text, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	line := append(append(append(strconv.AppendUint([]byte(`{"id":`), id, 10), `,"method":"`...), method...), `","params":[`...)
	if err := conn.WriteMessage(ctx, append(append(line, text...), `]}`...)); err != nil {
		return answer, err
	}
	b, err := conn.ReadMessage(ctx)
	if err != nil {
		return answer, err
	}
	result, err := parse(b, id)
	if err != nil {
		return answer, err
	}
	if answer, err = invite.Decode[A](result); err != nil {
		return answer, fmt.Errorf("the gateway's answer: %w", err)
	}
	return answer, nil
}

// parse takes the result out of an answer, or the refusal.
func parse(b []byte, id uint64) (json.RawMessage, error) {
	var all map[string]json.RawMessage // a struct would match names without regard to case
	if len(b) > maxAnswer || jsonrpc.Depth(b) > 4 || json.Unmarshal(b, &all) != nil {
		return nil, &Refusal{Err: ErrNoGateway}
	}
	if e := all["error"]; len(e) > 0 && string(e) != "null" {
		return nil, &Refusal{Err: refused(e)}
	}
	// A pool without a handshake speaks of itself, or answers another question.
	if string(all["id"]) != strconv.FormatUint(id, 10) || len(all["result"]) == 0 {
		return nil, &Refusal{Err: ErrNoGateway}
	}
	return all["result"], nil
}

// refused reads an error of JSON-RPC, as a list or an object. Only its number counts.
func refused(e json.RawMessage) error {
	var code int
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case json.Unmarshal(e, &list) == nil && len(list) > 0 && json.Unmarshal(list[0], &code) == nil:
	case json.Unmarshal(e, &object) == nil && json.Unmarshal(object["code"], &code) == nil:
	default:
		return ErrNoGateway
	}
	if code == invite.CodeBusy {
		return ErrBusy
	}
	if err := invite.Refused(code); err != nil {
		return err
	}
	return ErrNoGateway
}
