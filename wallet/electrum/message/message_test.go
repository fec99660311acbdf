package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestScriptHashOfTheSpecification(t *testing.T) {
	// Electrum protocol documentation, "Script Hashes": the P2PKH script of the genesis block's address
	// 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.
	var script Hex
	if err := script.UnmarshalText([]byte("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac")); err != nil {
		t.Fatal(err)
	}
	const want = "8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161"
	if got := ScriptHash(script).String(); got != want {
		t.Fatalf("script hash %s, want %s", got, want)
	}
}

func TestParamsRoundTrip(t *testing.T) {
	h := Hash{1, 2, 31: 9}
	for _, tt := range []struct {
		in  any
		out any
	}{
		{VersionParams{"goldpan", MinVersion, MaxVersion}, &VersionParams{}},
		{HeaderParams{5, 0}, &HeaderParams{}},
		{HeadersParams{5, 2016, 0}, &HeadersParams{}},
		{ScriptHashParams{h}, &ScriptHashParams{}},
		{TransactionParams{h, true}, &TransactionParams{}},
		{MerkleParams{h, 7}, &MerkleParams{}},
		{BroadcastParams{Hex{1, 2}}, &BroadcastParams{}},
		{EstimateParams{6}, &EstimateParams{}},
	} {
		req, err := NewRequest(7, "a.method", tt.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseRequest(req.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if string(got.ID) != "7" || got.Method != "a.method" {
			t.Fatalf("read back %+v", got)
		}
		if err := got.Decode(tt.out); err != nil {
			t.Fatalf("%T: %v", tt.in, err)
		}
		if !reflect.DeepEqual(reflect.ValueOf(tt.out).Elem().Interface(), tt.in) {
			t.Errorf("%T: got %+v, want %+v", tt.in, tt.out, tt.in)
		}
	}
}

func TestResultsRoundTrip(t *testing.T) {
	h := Hash{1, 31: 9}
	two := bytes.Repeat([]byte{3}, 2*HeaderSize)
	fee := int64(200)
	for _, tt := range []struct {
		in   any
		out  any
		wire string // when not "", what must be written
	}{
		{VersionResult{"Goldpan", MaxVersion}, &VersionResult{}, `["Goldpan","1.6"]`},
		{HeaderNotice{0, two[:HeaderSize]}, &HeaderNotice{}, ""},
		{HeadersResult{2, 2016, two, false}, &HeadersResult{}, ""},
		{HeadersResult{2, 2016, two, true}, &HeadersResult{}, ""},
		{Status(""), new(Status), "null"},
		{StatusOf([]HistoryEntry{{Height: 3, TxHash: h}}), new(Status), ""},
		{StatusNotice{h, ""}, &StatusNotice{}, ""},
		{History{{Height: -1, TxHash: h, Fee: &fee}}, &History{}, ""},
		{History{}, &History{}, "[]"},
		{Unspent{{5, 1, h, 50_0000_0000}}, &Unspent{}, ""},
		{MerkleResult{5, []Hash{h}, 1}, &MerkleResult{}, ""},
		{MerkleResult{5, []Hash{}, 0}, &MerkleResult{}, `{"block_height":5,"merkle":[],"pos":0}`},
		{FeeSteps{{1.5, 1000}}, &FeeSteps{}, "[[1.5,1000]]"},
	} {
		req := Request{ID: json.RawMessage(`"x"`)}
		res, err := Reply(req, tt.in)
		if err != nil {
			t.Fatal(err)
		}
		got, note, err := Parse(res.Bytes())
		if err != nil || note != nil || string(got.ID) != `"x"` {
			t.Fatalf("%T: %v", tt.in, err)
		}
		if tt.wire != "" && string(got.Result) != tt.wire {
			t.Errorf("%T: wrote %s, want %s", tt.in, got.Result, tt.wire)
		}
		if err := json.Unmarshal(got.Result, tt.out); err != nil {
			t.Fatalf("%T: %v", tt.in, err)
		}
		if !reflect.DeepEqual(reflect.ValueOf(tt.out).Elem().Interface(), tt.in) {
			t.Errorf("%T: got %+v, want %+v", tt.in, tt.out, tt.in)
		}
	}
}

func TestNilListsAreNotNull(t *testing.T) {
	for _, v := range []any{History(nil), Unspent(nil), FeeSteps(nil), HeadersResult{}, HeadersResult{List: true}, MerkleResult{}} {
		if b := encode(v); bytes.Contains(b, []byte("null")) {
			t.Errorf("%T is written %s", v, b)
		}
	}
}

func TestNotifications(t *testing.T) {
	n, err := TipNotice(HeaderNotice{9, make(Hex, HeaderSize)})
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := Parse(n.Bytes())
	if err != nil || got.Method != HeadersSubscribe {
		t.Fatalf("%v %+v", err, got)
	}
	var tip HeaderNotice
	if err := json.Unmarshal(got.Params, &tip); err != nil || tip.Height != 9 {
		t.Fatalf("%v %+v", err, tip)
	}
}

func TestVersionParamsForms(t *testing.T) {
	for params, want := range map[string]VersionParams{
		`[]`:                      {"", MinVersion, MinVersion},
		`["x"]`:                   {"x", MinVersion, MinVersion},
		`["x","1.4"]`:             {"x", MinVersion, MinVersion},
		`["x",["1.4.2","1.6"]]`:   {"x", Version{1, 4, 2}, MaxVersion},
		`["x",null]`:              {"x", MinVersion, MinVersion},
		`["x",["1.4","1.6.0"]]`:   {"x", MinVersion, MaxVersion},
		`["x",["1.10","1.20.3"]]`: {"x", Version{1, 10, 0}, Version{1, 20, 3}},
	} {
		var p VersionParams
		if err := json.Unmarshal([]byte(params), &p); err != nil || p != want {
			t.Errorf("%s: %+v, %v", params, p, err)
		}
	}
}

func TestNegotiate(t *testing.T) {
	v := func(s string) Version {
		w, err := ParseVersion(s)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for _, tt := range []struct {
		lo, hi, want string
		ok           bool
	}{
		{"1.4", "1.6", "1.6", true}, {"1.4", "1.4.2", "1.4.2", true}, {"1.1", "1.4", "1.4", true},
		{"1.1", "1.3", "1.3", false}, {"1.7", "2.0", "1.6", false}, {"1.5", "1.20", "1.6", true},
	} {
		got, ok := Negotiate(MinVersion, MaxVersion, v(tt.lo), v(tt.hi))
		if ok != tt.ok || ok && got.String() != tt.want {
			t.Errorf("%s–%s: %v %v", tt.lo, tt.hi, got, ok)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for in, code := range map[string]int{
		``:                                       CodeParse,
		`{`:                                      CodeParse,
		`[{"id":1,"method":"server.ping"}]`:      CodeInvalid,
		`{"id":1}`:                               CodeInvalid,
		`{"id":{},"method":"server.ping"}`:       CodeInvalid,
		`{"id":[1],"method":"server.ping"}`:      CodeInvalid,
		`{"id":1,"method":"x","params":{"a":1}}`: CodeBadParams,
		`{"id":"` + strings.Repeat("a", 99) + `","method":"server.ping"}`: CodeInvalid,
		strings.Repeat(" ", MaxRequest+1):                                 CodeInvalid,
	} {
		_, err := ParseRequest([]byte(in))
		var e *Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%.60q: %v, want code %d", in, err, code)
		}
	}
}

func TestParamsRefuse(t *testing.T) {
	for _, tt := range []struct {
		params string
		into   any
	}{
		{`[]`, &HeaderParams{}}, {`[-1]`, &HeaderParams{}}, {`[null]`, &HeaderParams{}}, {`["1"]`, &HeaderParams{}},
		{`[1.5]`, &HeaderParams{}}, {`[1,0,0]`, &HeaderParams{}}, {`[4294967296]`, &HeaderParams{}},
		{`[1,-1]`, &HeadersParams{}}, {`["00"]`, &ScriptHashParams{}}, {`["` + strings.Repeat("zz", 32) + `"]`, &ScriptHashParams{}},
		{`["0"]`, &BroadcastParams{}},
	} {
		err := Request{Method: "m", Params: json.RawMessage(tt.params)}.Decode(tt.into)
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeBadParams {
			t.Errorf("%T %s: %v", tt.into, tt.params, err)
		}
	}
}

func TestResultsRefuse(t *testing.T) {
	h := strings.Repeat("00", HeaderSize)
	hash := `"` + strings.Repeat("00", 32) + `"`
	for _, tt := range []struct {
		in   string
		into any
	}{
		{`{"count":1,"hex":"00","max":1}`, &HeadersResult{}},
		{`{"count":0,"hex":"` + h + `","max":1}`, &HeadersResult{}},
		{`{"count":-1,"hex":"","max":1}`, &HeadersResult{}},
		{`{"count":9999999,"hex":"","max":1}`, &HeadersResult{}},
		{`{"count":2,"headers":["` + h + `"],"max":1}`, &HeadersResult{}},
		{`{"count":1,"headers":["` + h[2:] + `"],"max":1}`, &HeadersResult{}},
		{`{"hex":"` + h + `"}`, &HeaderNotice{}},
		{`{"height":-2,"hex":"` + h + `"}`, &HeaderNotice{}},
		{`{"height":1,"hex":"` + h[2:] + `"}`, &HeaderNotice{}},
		{`{"block_height":1,"pos":0,"merkle":[` + strings.Repeat(hash+",", MaxBranch) + hash + `]}`, &MerkleResult{}},
		{`[{"height":-2,"tx_hash":` + hash + `}]`, &History{}},
		{`"00"`, new(Status)},
		{`5`, new(Status)},
	} {
		if json.Unmarshal([]byte(tt.in), tt.into) == nil {
			t.Errorf("%T took %.80s", tt.into, tt.in)
		}
	}
}

func TestErrorForms(t *testing.T) {
	for in, want := range map[string]Error{
		`{"id":1,"error":{"code":-32601,"message":"no"}}`: {CodeNoMethod, "no"},
		`{"id":1,"error":"no"}`:                           {CodeBadRequest, "no"},
		`{"id":1,"error":true}`:                           {CodeBadRequest, ""},
		`{"id":1,"error":{"message":7}}`:                  {CodeBadRequest, ""},
	} {
		r, _, err := Parse([]byte(in))
		if err != nil || r.Error == nil || *r.Error != want {
			t.Errorf("%s: %+v %v", in, r, err)
		}
	}
	if r, _, err := Parse([]byte(`{"id":1,"result":2,"error":null}`)); err != nil || r.Error != nil {
		t.Errorf("null error: %+v %v", r, err)
	}
	if s := (&Error{Code: 2, Text: "SERVERTEXT"}).Error(); strings.Contains(s, "SERVERTEXT") {
		t.Errorf("an error shows the peer's text: %s", s)
	}
	if r := Refuse(Request{}, errors.New("secret")); strings.Contains(string(r.Bytes()), "secret") {
		t.Error("an inner error goes out")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":1,"result":{"height":1,"hex":"00"}}`))
	f.Add([]byte(`{"method":"blockchain.headers.subscribe","params":[{"height":1,"hex":"00"}]}`))
	f.Add([]byte(`{"id":"a","error":{"code":1,"message":"x"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, n, err := Parse(b)
		if err != nil {
			return
		}
		if (r == nil) == (n == nil) {
			t.Fatal("not exactly one of the two")
		}
		again := func() []byte {
			if r != nil {
				return r.Bytes()
			}
			return n.Bytes()
		}()
		if len(again) > MaxReply {
			return // escaping may lengthen it
		}
		r2, n2, err := Parse(again)
		if err != nil || (r == nil) != (r2 == nil) || (n == nil) != (n2 == nil) {
			t.Fatalf("%s does not read back: %v", again, err)
		}
		raw := json.RawMessage(nil)
		if r != nil {
			raw = r.Result
		} else {
			raw = n.Params
		}
		for _, v := range []any{&HeaderNotice{}, &HeadersResult{}, &History{}, &Unspent{}, &MerkleResult{}, &Features{}, &VersionResult{}, &StatusNotice{}, &FeeSteps{}} {
			if json.Unmarshal(raw, v) == nil {
				encode(v)
			}
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"id":1,"method":"server.version","params":["x",["1.4","1.6"]]}`))
	f.Add([]byte(`{"id":null,"method":"blockchain.block.headers","params":[0,2016]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("not an answer: %v", err)
			}
			Refuse(r, err).Bytes()
			return
		}
		if again, err := ParseRequest(r.Bytes()); err == nil && again.Method != r.Method {
			t.Fatalf("%q became %q", r.Method, again.Method)
		}
		for _, p := range []any{&VersionParams{}, &HeaderParams{}, &HeadersParams{}, &ScriptHashParams{}, &TransactionParams{}, &MerkleParams{}, &BroadcastParams{}, &EstimateParams{}} {
			if r.Decode(p) == nil {
				encode(p)
			}
		}
	})
}
