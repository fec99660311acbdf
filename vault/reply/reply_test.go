package reply

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAmounts(t *testing.T) {
	for in, want := range map[string]Amount{
		"0": "0", "0.00012300": "0.00012300", "-1.50": "-1.50", "007.5": "7.5", "1e3": "1000", "1.5E-5": "0.000015", "12650560751040": "12650560751040",
		"4.5e+21": "4500000000000000000000", "123.456e1": "1234.56", "1e-8": "0.00000001", "-2e-1": "-0.2", "0e5": "0",
		"-0": "0", "-0.00": "0.00", "-0e3": "0", "-0.0e-2": "0.000", "00": "0", "0.1e1": "1",
	} {
		if got, err := ParseAmount(in); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", ".", "1.", ".5", "-", "+1", "1e", "1e999", "1e41", "NaN", "Inf", "0x1", "1_000", "1,5", " 1", "1 ", "1e1.5", "--1", "2e-+0", "2e+-0", "2e++1", "2e--1", "-+1", strings.Repeat("1", 61), "１"} {
		if got, err := ParseAmount(bad); err == nil {
			t.Errorf("%q is %q", bad, got)
		}
	}
	var a struct{ X, Y, Z, W Amount }
	if err := Decode([]byte(`{"X":"1.10","Y":2.50,"Z":null,"W":""}`), &a); err != nil || a.X != "1.10" || a.Y != "2.50" || a.Z != "" || a.W != "" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []string{`{"X":"1\u0030"}`, `{"X":true}`, `{"X":{}}`, `{"X":[1]}`, `{"X":"1e400"}`, `{"X":1e400}`} {
		if err := Decode([]byte(bad), &a); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// What readers may take in two ways is taken in none.
func TestTwice(t *testing.T) {
	var v any
	for body, good := range map[string]bool{
		`{"a":1,"a":2}`: false, `{"a":1,"A":2}`: true, `{"a":{"b":1},"b":1}`: true, `[{"a":1},{"a":1}]`: true, `{"a":[{"b":1,"b":1}]}`: false, `{"a":"a","b":"a"}`: true,
		`{"x":{"a":1},"y":{"a":1},"x":3}`: false, `{"a":1,"\u0061":2}`: false, `{"":1,"":1}`: false, `["a","a"]`: true, `"a"`: true, `{"a":{},"b":[],"c":null,"d":[[]],"a":1}`: false,
		`{"n":1e999}`: true, "{\"a\":\"\xff\"}": false, "{\"\xc3\x28\":1}": false, "\xef\xbb\xbf{}": false, `{"a":"\ud800"}`: true, "{}\x00": false, `{} {}`: false, `{}]`: false, "{}\n\t ": true,
	} {
		target := any(&v)
		if strings.Contains(body, "1e999") {
			target = new(struct{ N json.Number })
		}
		if err := Decode([]byte(body), target); (err == nil) != good {
			t.Errorf("%q: %v", body, err)
		}
	}
	// A long answer takes no long time, and as many names as it has.
	long := "{" + strings.Repeat(`"a":{"b":[1,2]},`, 1) + `"c":[` + strings.Repeat(`{"asset":"BTC","free":"1"},`, 60_000) + `{}]}`
	if err := Decode([]byte(long), &v); err != nil {
		t.Errorf("%d bytes: %v", len(long), err)
	}
}

func TestSums(t *testing.T) {
	for _, c := range []struct{ a, b, sum, difference Amount }{
		{"0.1", "0.2", "0.3", "-0.1"}, {"25435.21", "8249.76", "33684.97", "17185.45"}, {"1", "", "1", "1"}, {"0.00000001", "1", "1.00000001", "-0.99999999"},
		{"123456789012345678901234567890.1", "0.01", "123456789012345678901234567890.11", "123456789012345678901234567890.09"},
	} {
		if got := c.a.Add(c.b); got != c.sum {
			t.Errorf("%s + %s = %s", c.a, c.b, got)
		}
		if got := c.a.Sub(c.b); got != c.difference {
			t.Errorf("%s - %s = %s", c.a, c.b, got)
		}
	}
	for _, a := range []Amount{"", "0", "0.000", "-0.0"} {
		if !a.IsZero() {
			t.Errorf("%q is not zero", a)
		}
	}
	if Amount("0.001").IsZero() || Amount("1.23").Times(12) != "1230000000000" || Amount("27977.5").Times(9) != "27977500000000" || Amount("0").Times(3) != "0" || Amount("").Times(3) != "" || Amount("1.2345").Times(3) != "1234.5" {
		t.Error("times a power of ten")
	}
}

func TestDecode(t *testing.T) {
	var v any
	for _, bad := range []string{"", "{", "{}{}", "{} x", "nul", strings.Repeat("[", 17) + strings.Repeat("]", 17), strings.Repeat("[", 100000), `"` + strings.Repeat("x", Max) + `"`} {
		if err := Decode([]byte(bad), &v); err != ErrUnreadable {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if err := Decode([]byte(`{"a":"[[[[[[[[[[[[[[[[[[[[\"[["} `), &v); err != nil {
		t.Errorf("brackets within a text: %v", err)
	}
	var x struct{ T Text }
	for in, want := range map[string]Text{`"abc"`: "abc", `"a\nb"`: "", `"ü"`: "", `7`: "7", `null`: "", `"` + strings.Repeat("a", 201) + `"`: ""} {
		if err := Decode([]byte(`{"T":`+in+`}`), &x); err != nil || x.T != want {
			t.Errorf("%.20s: %q, %v", in, x.T, err)
		}
	}
	if !Unix("1700000000").Equal(time.Unix(1700000000, 0)) || !UnixMilli("1700000000123").Equal(time.Unix(1700000000, 0)) || !Unix("0").IsZero() || !Unix("-5").IsZero() || !Unix("99999999999999").IsZero() || !Unix("").IsZero() {
		t.Error("times")
	}
}

// An amount is exactly the number that was written, and never long.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"0.00012300", "1e-8", "-4.5e+21", "00.10", "1e40", "NaN", "1.", "1e-40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number", s)
		}
		if got, ok := new(big.Rat).SetString(string(a)); !ok || got.Cmp(want) != 0 {
			t.Errorf("%q became %q", s, a)
		}
		if len(a) > 120 || strings.ContainsAny(string(a), "eE+ ") {
			t.Errorf("%q", a)
		}
		if strings.HasPrefix(string(a), "-") && a.IsZero() {
			t.Errorf("%q is less than nothing, and nothing", a)
		}
		if again, err := ParseAmount(string(a)); len(a) <= maxAmount && (err != nil || again != a) {
			t.Errorf("%q, then %q, %v", a, again, err)
		}
		if back := a.Add("1.5").Sub("1.5"); new(big.Rat).SetFrac(back.scaled(100), big.NewInt(1)).Cmp(new(big.Rat).SetFrac(a.scaled(100), big.NewInt(1))) != 0 {
			t.Errorf("%q and back is %q", a, back)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"T":"x","A":1.5}`))
	f.Add([]byte(`[[[[`))
	f.Add([]byte(`{"a":1,"b":{"a":2},"a":3}`))
	f.Add([]byte("{\"a\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v struct {
			T Text
			A Amount
			M map[string]Amount
		}
		if Decode(b, &v) == nil && (!json.Valid(b) || !utf8.Valid(b)) {
			t.Errorf("%q is not JSON", b)
		}
		// One more member of a name that is there is one too many.
		var names map[string]json.RawMessage
		if json.Unmarshal(b, &names) == nil && Decode(b, new(any)) == nil {
			for name := range names {
				text, err := json.Marshal(name)
				if err != nil {
					t.Fatal(err)
				}
				twice := append(append([]byte("{"), text...), ":0,"...)
				twice = append(twice, bytes.TrimLeft(bytes.TrimLeft(b, " \t\r\n")[1:], " \t\r\n")...)
				if Decode(twice, new(any)) == nil {
					t.Errorf("%q passes", twice)
				}
			}
		}
		if len(v.T) > maxText {
			t.Errorf("a text of %d bytes", len(v.T))
		}
	})
}

func ExampleAmount() {
	var answer struct {
		Free, Held Amount
	}
	err := Decode([]byte(`{"free":"0.10000000","held":2.5e-7}`), &answer)
	fmt.Println(answer.Free.Add(answer.Held), err)
	// Output: 0.10000025 <nil>
}
