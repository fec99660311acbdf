package knock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/invite"
	"goldpan/core/jsonrpc"
)

const origin = "http://192.168.1.20:8080"

var payee = invite.Payee{Name: "Home", Address: "bc1qexample"}

// gateway answers on one connection as package invite says, but for what a test puts between.
type gateway struct {
	gate    *invite.Gate
	refuse  map[string]error // by method: refused whatever was said
	twist   func(method string, result []byte) []byte
	asked   []string
	welcome int
}

func (g *gateway) serve(conn jsonrpc.Conn) {
	defer conn.Close()
	var attempt *invite.Attempt
	for {
		b, err := conn.ReadMessage(context.Background())
		if err != nil {
			return
		}
		var m struct {
			ID     uint64
			Method string
			Params []json.RawMessage
		}
		if json.Unmarshal(b, &m) != nil || len(m.Params) != 1 {
			return
		}
		g.asked = append(g.asked, m.Method)
		var result any
		switch err = g.refuse[m.Method]; {
		case err != nil:
		case m.Method == invite.MethodHello:
			var hello invite.Hello
			if hello, err = invite.Decode[invite.Hello](m.Params[0]); err == nil {
				attempt, result, err = begin(g.gate, hello)
			}
		case m.Method == invite.MethodProve:
			var proof invite.Proof
			if proof, err = invite.Decode[invite.Proof](m.Params[0]); err == nil {
				_, result, err = finish(attempt, proof)
			}
			if err == nil {
				g.welcome++
			}
		}
		text := fmt.Appendf(nil, `{"id":%d,"result":null,"error":[%d,"no",null]}`, m.ID, invite.Code(err))
		if err == nil {
			r, _ := json.Marshal(result)
			text = fmt.Appendf(nil, `{"id":%d,"result":%s,"error":null}`, m.ID, r)
		}
		if g.twist != nil {
			text = g.twist(m.Method, text)
		}
		if conn.WriteMessage(context.Background(), text) != nil {
			return
		}
	}
}

func begin(g *invite.Gate, h invite.Hello) (*invite.Attempt, any, error) {
	a, c, err := g.Begin(origin, h)
	return a, c, err
}

func finish(a *invite.Attempt, p invite.Proof) (invite.Device, any, error) {
	d, w, err := a.Finish(p, payee)
	return d, w, err
}

// try knocks once, and returns what was kept.
func try(t *testing.T, g *gateway, caller *invite.Caller, kept error) (invite.Payee, []invite.Credential, error) {
	t.Helper()
	here, there := net.Pipe()
	served := make(chan struct{})
	go func() { defer close(served); g.serve(jsonrpc.NewLineConn(there, 4096)) }()
	conn := jsonrpc.NewLineConn(here, 4096)
	var credentials []invite.Credential
	to, err := Knock(t.Context(), conn, caller, func(_ context.Context, c invite.Credential) error {
		if g.welcome > 0 {
			t.Error("the credential comes after the proof")
		}
		credentials = append(credentials, c)
		return kept
	})
	conn.Close()
	<-served
	return to, credentials, err
}

func join(t *testing.T, gate *invite.Gate) *invite.Caller {
	t.Helper()
	made, err := gate.Invite(origin)
	if err != nil {
		t.Fatal(err)
	}
	read, err := invite.ParseLink(made.Link())
	if err != nil {
		t.Fatal(err)
	}
	caller, err := invite.NewJoin(read)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func login(t *testing.T, c invite.Credential) *invite.Caller {
	t.Helper()
	caller, err := invite.NewLogin(c)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func TestJoinsAndComesBack(t *testing.T) {
	gate := invite.NewGate(invite.Config{})
	to, kept, err := try(t, &gateway{gate: gate}, join(t, gate), nil)
	if err != nil || to != payee || len(kept) != 1 || kept[0].ID != gate.Devices()[0].ID {
		t.Fatalf("joined for %v with %d credentials: %v", to, len(kept), err)
	}
	to, again, err := try(t, &gateway{gate: gate}, login(t, kept[0]), nil)
	if err != nil || to != payee || len(again) != 1 || again[0].Export() != kept[0].Export() {
		t.Fatalf("came back for %v: %v", to, err)
	}
}

// What cannot be kept is not proved: the invitation stays good.
func TestNotKept(t *testing.T) {
	gate := invite.NewGate(invite.Config{})
	full := errors.New("storage is full")
	g := &gateway{gate: gate}
	if _, _, err := try(t, g, join(t, gate), full); !errors.Is(err, ErrNotKept) || !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if len(g.asked) != 1 || len(gate.Devices()) != 0 {
		t.Errorf("the gateway was asked %q, and has %d devices", g.asked, len(gate.Devices()))
	}
}

func TestRefusals(t *testing.T) {
	for _, want := range []error{invite.ErrUnknown, invite.ErrSpent, invite.ErrExpired, invite.ErrOrigin, invite.ErrFull, invite.ErrNewer, ErrBusy} {
		for _, method := range []string{invite.MethodHello, invite.MethodProve} {
			gate := invite.NewGate(invite.Config{})
			_, kept, err := try(t, &gateway{gate: gate, refuse: map[string]error{method: want}}, join(t, gate), nil)
			var r *Refusal
			if !errors.As(err, &r) || !errors.Is(err, want) || r.Proven != (method == invite.MethodProve) || (len(kept) == 1) != r.Proven {
				t.Errorf("%s refused for %q: %v, %d kept", method, want, err, len(kept))
			}
		}
	}
}

// A gateway that is none gets no proof, and nothing is kept.
func TestImpostors(t *testing.T) {
	for name, c := range map[string]struct {
		twist func(method string, answer []byte) []byte
		want  error
	}{
		"another's proof": {func(_ string, b []byte) []byte {
			var m map[string]json.RawMessage
			var c invite.Challenge
			if json.Unmarshal(b, &m) != nil || json.Unmarshal(m["result"], &c) != nil {
				return b
			}
			c.Proof[0]++
			m["result"], _ = json.Marshal(c)
			b, _ = json.Marshal(m)
			return b
		}, invite.ErrProof},
		"a pool": {func(string, []byte) []byte { return []byte(`{"id":null,"method":"mining.notify","params":[]}`) }, ErrNoGateway},
		"a pool that errs": {func(string, []byte) []byte {
			return []byte(`{"id":1,"result":null,"error":[20,"unknown method",null]}`)
		}, ErrNoGateway},
		"an object":          {func(string, []byte) []byte { return []byte(`{"id":1,"error":{"code":-32601,"message":"x"}}`) }, ErrNoGateway},
		"an object, refused": {func(string, []byte) []byte { return []byte(`{"id":1,"error":{"code":104,"message":"x"}}`) }, invite.ErrSpent},
		"a text":             {func(string, []byte) []byte { return []byte(`{"id":1,"error":"go away"}`) }, ErrNoGateway},
		"another question":   {func(string, []byte) []byte { return []byte(`{"id":7,"result":{}}`) }, ErrNoGateway},
		"no JSON":            {func(string, []byte) []byte { return []byte(`hello`) }, ErrNoGateway},
		"too long":           {func(string, []byte) []byte { return []byte(`{"id":1,"x":"` + fmt.Sprintf("%01500d", 0) + `"}`) }, ErrNoGateway},
		"too deep":           {func(string, []byte) []byte { return []byte(`{"id":1,"result":{"echo":[[[[[]]]]]}}`) }, ErrNoGateway},
		"nothing in it":      {func(string, []byte) []byte { return []byte(`{"id":1,"result":{}}`) }, invite.ErrMessage},
	} {
		gate := invite.NewGate(invite.Config{})
		_, kept, err := try(t, &gateway{gate: gate, twist: c.twist}, join(t, gate), nil)
		if !errors.Is(err, c.want) || len(kept) != 0 || len(gate.Devices()) != 0 {
			t.Errorf("%s: %v, %d kept", name, err, len(kept))
		}
	}
}

// The welcome is proved too: who is paid cannot be put in its place.
func TestWelcomeOfAnother(t *testing.T) {
	gate := invite.NewGate(invite.Config{})
	_, kept, err := try(t, &gateway{gate: gate, twist: func(method string, b []byte) []byte {
		if method != invite.MethodProve {
			return b
		}
		var m map[string]json.RawMessage
		var w map[string]string
		if json.Unmarshal(b, &m) != nil || json.Unmarshal(m["result"], &w) != nil {
			return b
		}
		w["address"] = "bc1qthief"
		m["result"], _ = json.Marshal(w)
		b, _ = json.Marshal(m)
		return b
	}}, join(t, gate), nil)
	if !errors.Is(err, invite.ErrProof) || len(kept) != 1 {
		t.Errorf("got %v with %d kept", err, len(kept))
	}
}

// deaf takes what is said and answers nothing.
type deaf struct{}

func (deaf) ReadMessage(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
func (deaf) WriteMessage(context.Context, []byte) error      { return nil }
func (deaf) Close() error                                    { return nil }
func (deaf) RemoteAddr() string                              { return "deaf" }

func TestTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := invite.NewGate(invite.Config{})
		begun := time.Now()
		_, err := Knock(t.Context(), deaf{}, join(t, gate), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != patience {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// Every refusal that there is has a sentence, and a code of its own but for those that mean the same.
func TestSay(t *testing.T) {
	all := []error{ErrBusy, ErrNoGateway, ErrNotKept, invite.ErrLink, invite.ErrTypo, invite.ErrCredential}
	for code := invite.CodeBusy + 1; ; code++ {
		err := invite.Refused(code)
		if err == nil {
			break
		}
		all = append(all, &Refusal{Err: err})
	}
	codes := map[string]string{}
	for _, err := range all {
		for _, again := range []bool{false, true} {
			s := Say(fmt.Errorf("wrapped: %w", err), again)
			if s.Code == "" || len(s.Text) < 20 || s.Final == errors.Is(err, ErrBusy) {
				t.Errorf("%v: %+v", err, s)
			}
			if before, ok := codes[s.Code]; ok && before != s.Text {
				t.Errorf("%s has two sentences", s.Code)
			}
			codes[s.Code] = s.Text
		}
	}
	if a, b := Say(invite.ErrUnknown, false).Code, Say(invite.ErrUnknown, true).Code; a != "unknown" || b != "removed" {
		t.Errorf("an invitation is %s, a device %s", a, b)
	}
	if s := Say(net.ErrClosed, false); s != (Said{}) {
		t.Errorf("the network's own: %+v", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":1,"result":{},"error":null}`))
	f.Add([]byte(`{"id":1,"error":[104,"x",null]}`))
	f.Add([]byte(`{"id":1,"error":{"code":99}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		result, err := parse(b, 1)
		var r *Refusal
		if (result == nil) != errors.As(err, &r) {
			t.Errorf("result %q, error %v", result, err)
		}
		if r != nil && Say(r, false).Text == "" {
			t.Errorf("nobody says what %v means", r)
		}
	})
}
