package stratum

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzSplit holds what is found without copying against encoding/json.
func FuzzSplit(f *testing.F) {
	for _, line := range fuzzSeeds(f) {
		f.Add(line)
	}
	for _, text := range []string{`{}`, `[]`, ` { "a" : [ 1 , "b\"]" , { } ] , "a":-1e5 , "\u0061":null}`, `["\\",true,[[]]]`, `"x"`, `7`, `[1 ,2 ]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var object map[string]json.RawMessage
		if is := json.Unmarshal(text, &object) == nil && object != nil; is {
			got := map[string][]byte{}
			if !pairs(text, func(name, value []byte) {
				var s string
				if err := json.Unmarshal(name, &s); err != nil {
					t.Fatalf("%q has the name %q", text, name)
				}
				if plain, ok := plainString(name); ok && string(plain) != s {
					t.Fatalf("%q is read as %q", name, plain)
				}
				got[s] = value
			}) {
				t.Fatalf("%q is no object", text)
			}
			if len(got) != len(object) {
				t.Fatalf("%q: got %q", text, got)
			}
			for name, value := range object {
				if !bytes.Equal(got[name], value) {
					t.Fatalf("%q: %s is %q", text, name, got[name])
				}
			}
		} else if pairs(text, func(_, _ []byte) {}) {
			t.Fatalf("%q is an object", text)
		}
		var list []json.RawMessage
		is := json.Unmarshal(text, &list) == nil && list != nil
		got, ok := items(nil, text, 1<<20)
		if ok != is || len(got) != len(list) {
			t.Fatalf("%q: got %q, %v", text, got, ok)
		}
		for i := range got {
			if !bytes.Equal(got[i], list[i]) {
				t.Fatalf("%q: %d is %q", text, i, got[i])
			}
		}
		if _, ok := items(nil, text, len(list)-1); ok && len(list) > 0 {
			t.Fatalf("%q is not too long", text)
		}
	})
}
