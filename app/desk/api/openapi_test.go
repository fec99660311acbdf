package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"goldpan/core"
	"goldpan/core/engine"
)

// document is what is looked at of the description.
type document struct {
	OpenAPI string
	Info    struct{ Version string }
	Paths   map[string]map[string]struct {
		Security    []map[string][]string
		RequestBody *struct {
			Content map[string]struct{ Schema schema }
		}
		Responses map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct {
		Schemas   map[string]schema
		Responses map[string]struct {
			Content map[string]struct{ Schema schema }
		}
	}
}

// schema is the part of JSON Schema that the description uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Description          string
	Properties           map[string]schema
	Required             []string
	AdditionalProperties *bool
	Items                *schema
	Enum                 []string
	Minimum, Maximum     *float64
	MinItems, MaxItems   *int
}

func read(t testing.TB) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(openapi, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) resolve(s schema) (schema, error) {
	if s.Ref == "" {
		return s, nil
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(s.Ref, "#/components/schemas/"), "/")
	found, ok := d.Components.Schemas[name]
	if property, deeper := strings.CutPrefix(rest, "properties/"); deeper {
		found, ok = found.Properties[property]
	}
	if !ok {
		return s, fmt.Errorf("%s leads nowhere", s.Ref)
	}
	return found, nil
}

// check holds a value against its schema, both ways: there is no field that is
// not described, and none described that is not there. seen gathers enum values.
func (d document) check(at string, s schema, v any) (wrong []string) {
	s, err := d.resolve(s)
	if err != nil {
		return []string{at + ": " + err.Error()}
	}
	types, ok := s.Type.([]any)
	if !ok {
		types = []any{s.Type}
	}
	is := map[string]any{"object": map[string]any(nil), "array": []any(nil), "string": "", "number": 0., "integer": 0., "boolean": false}
	fits := slices.ContainsFunc(types, func(name any) bool {
		if name == "null" {
			return v == nil
		}
		return fmt.Sprintf("%T", is[name.(string)]) == fmt.Sprintf("%T", v)
	})
	if !fits {
		return []string{fmt.Sprintf("%s is %T, described as %v", at, v, s.Type)}
	}
	switch v := v.(type) {
	case map[string]any:
		if len(s.Properties) == 0 {
			return nil // any object
		}
		if s.AdditionalProperties == nil || *s.AdditionalProperties {
			wrong = append(wrong, at+" is described as open")
		}
		for name := range v {
			if _, ok := s.Properties[name]; !ok {
				wrong = append(wrong, at+"."+name+" is not described")
			}
		}
		for name, p := range s.Properties {
			value, ok := v[name]
			if !ok || !slices.Contains(s.Required, name) {
				wrong = append(wrong, at+"."+name+" is described, and not always there")
				continue
			}
			wrong = append(wrong, d.check(at+"."+name, p, value)...)
		}
	case []any:
		if s.MinItems != nil && len(v) < *s.MinItems || s.MaxItems != nil && len(v) > *s.MaxItems || len(v) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s has %d items", at, len(v)))
		}
		for i, item := range v {
			wrong = append(wrong, d.check(fmt.Sprintf("%s[%d]", at, i), *s.Items, item)...)
		}
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, described as one of %v", at, v, s.Enum))
		}
	case float64:
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum || slices.Contains(types, "integer") && v != math.Trunc(v) {
			wrong = append(wrong, fmt.Sprintf("%s is %v, out of what is described", at, v))
		}
	}
	return wrong
}

// TestDescriptionIsTrue: every route and field that is described is there, and
// the reverse.
func TestDescriptionIsTrue(t *testing.T) {
	d := read(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Version != core.Version {
		t.Errorf("OpenAPI %s of Goldpan %s", d.OpenAPI, d.Info.Version)
	}
	m := &miner{rules: engine.Rules{Percent: 70}}
	s := serve(t, m.options(token), generous())
	if described, real := slices.Sorted(maps.Keys(d.Paths)), slices.Sorted(maps.Keys(s.routes)); !slices.Equal(described, real) {
		t.Errorf("described are %v, served %v", described, real)
	}
	for path, operations := range d.Paths {
		var methods []string
		for method := range operations {
			methods = append(methods, strings.ToUpper(method))
		}
		if served := slices.Collect(maps.Keys(s.routes[path])); !slices.Equal(slices.Sorted(slices.Values(methods)), slices.Sorted(slices.Values(served))) {
			t.Errorf("%s: described are %v, served %v", path, methods, served)
		}
		for method, o := range operations {
			if (method == "post") != (len(o.Security) == 1 && o.Security[0]["token"] != nil) {
				t.Errorf("%s %s: the token is not described as it is", method, path)
			}
			body := ""
			if o.RequestBody != nil {
				body = "{}"
			}
			status, header, answer := ask(t, s, strings.ToUpper(method), path, body, bearer(token))
			kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
			described, ok := o.Responses["200"].Content[kind]
			if status != http.StatusOK || !ok {
				t.Errorf("%s %s: %d as %s, which is not described: %s", method, path, status, kind, answer)
				continue
			}
			if kind == "application/json" {
				d.holds(t, method+" "+path, described.Schema, answer)
			}
			// The same, refused.
			_, _, answer = ask(t, s, strings.ToUpper(method), path, body, host("evil.example"))
			if o.Responses["default"].Ref != "#/components/responses/Refused" {
				t.Errorf("%s %s: refusals are not described", method, path)
			}
			d.holds(t, method+" "+path+" refused", d.Components.Responses["Refused"].Content["application/json"].Schema, answer)
		}
	}
}

func (d document) holds(t *testing.T, at string, s schema, answer string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	for _, wrong := range d.check(at, s, v) {
		t.Error(wrong)
	}
}

// TestChangesAreDescribed: what may be sent is what the rules have, each alone.
func TestChangesAreDescribed(t *testing.T) {
	d := read(t)
	rules, changes := d.Components.Schemas["Rules"].Properties, d.Components.Schemas["Changes"].Properties
	if !maps.EqualFunc(rules, changes, func(schema, schema) bool { return true }) {
		t.Error("the changes are not the rules' fields")
	}
	for name, s := range changes {
		s, err := d.resolve(s)
		if err != nil {
			t.Error(err)
		}
		value := "1"
		if s.Type == "boolean" {
			value = "true"
		}
		if name == "celsius" {
			value = "80" // below 20 is no limit that anybody means
		}
		if r, err := changed(engine.Rules{}, fmt.Appendf(nil, "{%q:%s}", name, value)); err != nil || fmt.Sprint(r) == fmt.Sprint(engine.Rules{}) {
			t.Errorf("%s is described, and not taken: %v", name, err)
		}
	}
}

// TestDescriptionWouldBeSeenToLie: the check above finds what it is for.
func TestDescriptionWouldBeSeenToLie(t *testing.T) {
	d := read(t)
	for name, answer := range map[string]string{
		"a field too many": `{"error":"x","more":1}`, "a field too few": `{}`, "another type": `{"error":1}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			t.Fatal(err)
		}
		if len(d.check("", d.Components.Schemas["Error"], v)) == 0 {
			t.Errorf("%s is not seen", name)
		}
	}
}

// FuzzChanges: whatever is sent, what comes of it are rules within their bounds or
// those from before.
func FuzzChanges(f *testing.F) {
	for _, s := range []string{`{}`, `{"percent":30}`, `{"idle_after_s":1e308}`, `{"idle_after_s":-1}`, `{"percent":30}{}`, `{"PERCENT":3}`, `{"hashrate":1e999}`, `[`, `{"percent":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := engine.Rules{Percent: 70, IdleAfter: 90*1e9 + 1}
		r, err := changed(before, body)
		if err == nil {
			err = r.Validate()
			if err != nil {
				t.Fatalf("%q: %v", body, err)
			}
		}
		if err := strict(body, &struct{}{}); err == nil && !json.Valid(body) {
			t.Fatalf("%q is taken for an object", body)
		}
	})
}
