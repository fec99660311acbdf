//go:build !js

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
)

const (
	home = "http://192.168.1.20:8080"
	ada  = "bc1qada"
)

// wire is a connection's two ends.
func wire(t *testing.T) (ours, theirs jsonrpc.Conn) {
	a, b := net.Pipe()
	ours, theirs = jsonrpc.NewLineConn(a, stratum.MaxMessage), jsonrpc.NewLineConn(b, stratum.MaxMessage)
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// call asks as a page does, and returns the number of the refusal; 0 for none.
func call(t *testing.T, c jsonrpc.Conn, method string, question, result any) int {
	t.Helper()
	line, err := json.Marshal(map[string]any{"id": 7, "method": method, "params": []any{question}})
	if err != nil {
		t.Fatal(err)
	}
	return exchange(t, c, string(line), result)
}

func exchange(t *testing.T, c jsonrpc.Conn, line string, result any) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := c.WriteMessage(ctx, []byte(line)); err != nil {
		t.Fatal(err)
	}
	line2, err := c.ReadMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID     json.RawMessage   `json:"id"`
		Result json.RawMessage   `json:"result"`
		Error  []json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(line2, &got); err != nil {
		t.Fatalf("%s: %v", line2, err)
	}
	if len(got.Error) == 3 {
		var code int
		if json.Unmarshal(got.Error[0], &code) != nil || code == 0 {
			t.Fatalf("%s", line2)
		}
		return code
	}
	if err := json.Unmarshal(got.Result, result); err != nil {
		t.Fatalf("%s: %v", line2, err)
	}
	return 0
}

// greet runs the gateway's side.
func greet(t *testing.T, gate *invite.Gate, conn jsonrpc.Conn, origin string) chan struct {
	invite.Device
	error
} {
	done := make(chan struct {
		invite.Device
		error
	}, 1)
	go func() {
		d, err := Greet(context.Background(), conn, gate, origin, invite.Payee{Name: "Ada", Address: ada})
		done <- struct {
			invite.Device
			error
		}{d, err}
	}()
	return done
}

// present does a device's whole side, and returns the code that it was refused with.
func present(t *testing.T, conn jsonrpc.Conn, c *invite.Caller) (invite.Credential, invite.Payee, int) {
	t.Helper()
	var challenge invite.Challenge
	if code := call(t, conn, invite.MethodHello, c.Hello(), &challenge); code != 0 {
		return invite.Credential{}, invite.Payee{}, code
	}
	proof, credential, err := c.Answer(challenge)
	if err != nil {
		t.Fatal(err)
	}
	var welcome invite.Welcome
	if code := call(t, conn, invite.MethodProve, proof, &welcome); code != 0 {
		return credential, invite.Payee{}, code
	}
	payee, err := c.Finish(welcome)
	if err != nil {
		t.Fatal(err)
	}
	return credential, payee, 0
}

func TestGreet(t *testing.T) {
	gate := invite.NewGate(invite.Config{})
	invitation, err := gate.Invite(home)
	if err != nil {
		t.Fatal(err)
	}
	joining, err := invite.NewJoin(invitation)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := wire(t)
	done := greet(t, gate, ours, home)
	credential, payee, code := present(t, theirs, joining)
	if code != 0 || payee.Name != "Ada" || payee.Address != ada {
		t.Fatalf("joined with %d, paying %+v", code, payee)
	}
	joined := await(t, done)
	if joined.error != nil || joined.ID != credential.ID {
		t.Fatalf("joined: %v", joined.error)
	}

	login := func(origin string) int {
		caller, err := invite.NewLogin(credential)
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := wire(t)
		done := greet(t, gate, ours, origin)
		_, _, code := present(t, theirs, caller)
		if got := await(t, done); (got.error == nil) != (code == 0) || code != 0 && code != invite.Code(got.error) {
			t.Errorf("told %d for %v", code, got.error)
		}
		return code
	}
	if code := login(home); code != 0 {
		t.Errorf("login: %d", code)
	}
	if code := login("http://192.168.1.21:8080"); code != invite.Code(invite.ErrOrigin) {
		t.Errorf("login for another origin: %d", code)
	}
	again, _ := invite.NewJoin(invitation)
	ours, theirs = wire(t)
	done = greet(t, gate, ours, home)
	if _, _, code := present(t, theirs, again); code != invite.Code(invite.ErrSpent) {
		t.Errorf("second use: %d", code)
	}
	if err := await(t, done).error; !errors.Is(err, invite.ErrSpent) {
		t.Errorf("second use: %v", err)
	}
	if err := gate.Remove(credential.ID); err != nil {
		t.Fatal(err)
	}
	if code := login(home); code != invite.Code(invite.ErrUnknown) {
		t.Errorf("login of a removed device: %d", code)
	}
}

// What a device proved once is worth nothing on another connection.
func TestGreetReplayed(t *testing.T) {
	gate := invite.NewGate(invite.Config{})
	invitation, err := gate.Invite(home)
	if err != nil {
		t.Fatal(err)
	}
	caller, _ := invite.NewJoin(invitation)
	hello := caller.Hello()
	first, device := wire(t)
	done := greet(t, gate, first, home)
	var challenge invite.Challenge
	if code := call(t, device, invite.MethodHello, hello, &challenge); code != 0 {
		t.Fatal(code)
	}
	proof, _, err := caller.Answer(challenge)
	if err != nil {
		t.Fatal(err)
	}

	second, thief := wire(t)
	stolen := greet(t, gate, second, home)
	if code := call(t, thief, invite.MethodHello, hello, &challenge); code != 0 {
		t.Fatal(code)
	}
	if code := call(t, thief, invite.MethodProve, proof, &invite.Welcome{}); code != invite.Code(invite.ErrReplayed) {
		t.Errorf("a replayed proof: %d", code)
	}
	if got := await(t, stolen); !errors.Is(got.error, invite.ErrReplayed) {
		t.Errorf("a replayed proof: %v", got.error)
	}
	if code := call(t, device, invite.MethodProve, proof, &invite.Welcome{}); code != 0 {
		t.Errorf("the device itself: %d", code)
	}
	if err := await(t, done).error; err != nil {
		t.Error(err)
	}
}

func TestGreetRefusesWhatIsNoHandshake(t *testing.T) {
	for _, c := range []struct {
		line string
		want error
	}{
		{`{"id":1,"method":"mining.subscribe","params":[]}`, invite.ErrOrder},
		{`{"id":1,"method":"goldpan.prove","params":[{}]}`, invite.ErrOrder},
		{`{"id":1,"method":"goldpan.hello","params":[]}`, invite.ErrMessage},
		{`{"id":1,"method":"goldpan.hello","params":[{},{}]}`, invite.ErrMessage},
		{`{"id":1,"method":"goldpan.hello","params":[{"v":2}]}`, invite.ErrNewer},
		{`{"id":1,"METHOD":"goldpan.hello","params":[{}]}`, invite.ErrMessage},
		{`[]`, invite.ErrMessage},
		{strings.Repeat("[", 9) + strings.Repeat("]", 9), invite.ErrMessage},
		{`{"id":1,"method":"goldpan.hello","params":["` + strings.Repeat("x", maxCall) + `"]}`, invite.ErrMessage},
	} {
		ours, theirs := wire(t)
		done := greet(t, invite.NewGate(invite.Config{}), ours, home)
		if code := exchange(t, theirs, c.line, nil); code != invite.Code(c.want) {
			t.Errorf("%.60s: told %d, want %d", c.line, code, invite.Code(c.want))
		}
		if err := await(t, done).error; !errors.Is(err, c.want) {
			t.Errorf("%.60s: %v", c.line, err)
		}
	}
}

// Who says nothing is sent away in time.
func TestGreetSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, _ := wire(t)
		begun := time.Now()
		_, err := Greet(t.Context(), ours, invite.NewGate(invite.Config{}), home, invite.Payee{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != greeting {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// A device that is known mines under any name; one that is held gets no work until it is let go.
func TestServePageAndHold(t *testing.T) {
	w, src, _ := played(t, Config{})
	src.handler.Job(task("a", 1, 4, 8, 300))
	phone := Device{ID: "phone", Name: "the phone"}
	connect := func() jsonrpc.Conn {
		ours, theirs := wire(t)
		ended := make(chan struct{})
		go func() { defer close(ended); _ = w.ServePage(t.Context(), ours, phone) }()
		t.Cleanup(func() { _ = theirs.Close(); <-ended })
		if code := exchange(t, theirs, `{"id":1,"method":"mining.subscribe","params":[]}`, new(any)); code != 0 {
			t.Fatal(code)
		}
		if code := exchange(t, theirs, `{"id":2,"method":"mining.authorize","params":["anybody","whatever"]}`, new(any)); code != 0 {
			t.Fatal(code)
		}
		return theirs
	}
	hear := func(c jsonrpc.Conn) string {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		line, err := c.ReadMessage(ctx)
		if err != nil {
			return "" // ended
		}
		return string(line)
	}
	c := connect()
	for !strings.Contains(hear(c), "mining.notify") {
	}
	if got := w.Snapshot().Devices; len(got) != 1 || got[0].Name != phone.Name {
		t.Fatalf("connected: %+v", got)
	}
	w.Hold(phone.ID, true)
	for hear(c) != "" {
	}
	until(t, "it has left", func() bool { return len(w.Snapshot().Devices) == 0 })
	c = connect()
	src.handler.Job(task("b", 1, 4, 8, 300))
	if err := c.WriteMessage(t.Context(), []byte(`{"id":3,"method":"mining.ping"}`)); err != nil {
		t.Fatal(err)
	}
	if line := hear(c); !strings.Contains(line, "pong") {
		t.Errorf("a held device heard %s", line)
	}
	w.Hold(phone.ID, false)
	for !strings.Contains(hear(c), "mining.notify") {
	}
	// What is free already gets no work twice.
	w.Hold(phone.ID, false)
	if err := c.WriteMessage(t.Context(), []byte(`{"id":4,"method":"mining.ping"}`)); err != nil {
		t.Fatal(err)
	}
	if line := hear(c); !strings.Contains(line, "pong") {
		t.Errorf("let go twice, it heard %s", line)
	}
}

// removed lets nobody in who has proven itself.
type removed struct{ family }

func (removed) Admit(Device) error {
	return &stratum.Rejection{Code: stratum.CodeUnauthorized, Reason: "removed"}
}

func TestRemovedBetweenProofAndWork(t *testing.T) {
	source, _ := sources()
	g, err := New(Config{Pools: pools(t), Source: source, Devices: removed{}, Algorithm: hasher.SHA256d})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (door{g: g, proven: &Device{ID: "phone"}}).identify("any", "any"); err == nil {
		t.Error("a removed device is let in")
	}
}

// FuzzGreet: no line makes more of itself than a refusal.
func FuzzGreet(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"goldpan.hello","params":[{"v":1,"kind":"join","id":"AAAAAAAAAAAB","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","origin":"http://192.168.1.20:8080"}]}`))
	f.Add([]byte(`{"id":"x","method":"goldpan.prove","params":[{}]}`))
	f.Add([]byte(`{"id":-`))
	gate := invite.NewGate(invite.Config{})
	f.Fuzz(func(t *testing.T, line []byte) {
		id, _, err := reply(line, invite.MethodHello, func(h invite.Hello) (invite.Challenge, error) {
			_, c, err := gate.Begin(home, h)
			return c, err
		})
		if err == nil {
			t.Fatalf("%q was taken", line)
		}
		if !json.Valid([]byte(id)) {
			t.Fatalf("%q: the id %s is no JSON", line, id)
		}
	})
}
