package config

import (
	"bytes"
	"slices"
	"strings"
)

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// Apply changes source so that it says what want says: only values that differ
// are rewritten, in their places, so that comments, order and spelling of all
// else stay. What is missing is added to its table, a pool too many is taken out
// line by line. Where that would not come out right, the file is written as
// [Format] does, and then comments are lost.
func Apply(source []byte, want Config) ([]byte, error) {
	want = want.normal()
	have, err := Parse(source)
	if err != nil {
		return nil, err
	}
	d, problem := scan(source)
	if problem != nil {
		return nil, &Problems{[]Problem{*problem}}
	}
	edits := d.settings(&have, &want)
	edits = append(edits, d.changePools(have.Pools, want.Pools)...)
	out := perform(source, edits)
	if got, err := Parse(out); err == nil && got.Equal(want) {
		return out, nil
	}
	out = Format(want)
	if _, err := Parse(out); err != nil {
		return nil, err // what is wanted is not allowed
	}
	return out, nil
}

// perform makes the edits, which do not overlap; those at one place in their order.
func perform(source []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue // the result will be seen to be wrong
		}
		out.Write(source[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(source[at:])
	return out.Bytes()
}

// settings are the edits for all but the pools.
func (d *document) settings(have, want *Config) (edits []edit) {
	added := map[string]string{} // lines for tables that are not there
	var tables []string
	for _, f := range fields() {
		v := f.get(want)
		if f.get(have).same(v) {
			continue
		}
		if i := slices.IndexFunc(d.entries, func(e entry) bool { return e.pool < 0 && e.key == f.key }); i >= 0 {
			edits = append(edits, edit{d.entries[i].start, d.entries[i].end, v.encode()})
			continue
		}
		table, leaf, ok := strings.Cut(f.key, ".")
		if !ok {
			table, leaf = "", f.key
		}
		text := leaf + " = " + v.encode() + "\n"
		if at, ok := d.endOf(table); ok {
			edits = append(edits, edit{at, at, d.newline(at) + text})
			continue
		}
		if added[table] == "" {
			tables = append(tables, table)
		}
		added[table] += text
	}
	for _, table := range tables {
		at := len(d.source)
		edits = append(edits, edit{at, at, d.newline(at) + "\n[" + table + "]\n" + added[table]})
	}
	return edits
}

// endOf says where a further line of a table goes: after its last one.
func (d *document) endOf(table string) (at int, ok bool) {
	ok = table == ""
	for _, h := range d.headers {
		if h.pool < 0 && h.name == table {
			at, ok = d.lineEnd(h.at), true
		}
	}
	first := len(d.source)
	if len(d.headers) > 0 {
		first = d.headers[0].at
	}
	for _, e := range d.entries {
		own := strings.HasPrefix(e.key, table+".")
		if table == "" {
			own = e.at < first
		}
		// Dotted keys without a header of their own stand at the top.
		if own && e.pool < 0 && (ok || table == "") && e.end > at && (table == "" || e.at >= at) {
			at = d.lineEnd(e.end)
		}
	}
	return at, ok
}

func (d *document) lineEnd(at int) int {
	if i := bytes.IndexByte(d.source[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(d.source)
}

func (d *document) lineStart(at int) int { return bytes.LastIndexByte(d.source[:at], '\n') + 1 }

// newline ends the line before at, if nothing has.
func (d *document) newline(at int) string {
	if at > 0 && d.source[at-1] != '\n' {
		return "\n"
	}
	return ""
}

// changePools are the edits for the pools.
func (d *document) changePools(have, want []Pool) (edits []edit) {
	end := make([]int, len(have)) // where a further line of each goes
	for i := range have {
		end[i] = d.lineEnd(d.headers[d.pools[i]].at)
	}
	for _, e := range d.entries {
		if e.pool >= 0 {
			end[e.pool] = d.lineEnd(e.end)
		}
	}
	for i := range have {
		if i >= len(want) {
			h := d.headers[d.pools[i]].at
			edits = append(edits, edit{d.lineStart(h), d.lineEnd(h), ""})
			for _, e := range d.entries {
				if e.pool == i {
					edits = append(edits, edit{d.lineStart(e.at), d.lineEnd(e.end), ""})
				}
			}
			continue
		}
		for _, f := range poolFields() {
			v := f.get(&want[i])
			if f.get(&have[i]).same(v) {
				continue
			}
			if k := slices.IndexFunc(d.entries, func(e entry) bool { return e.pool == i && e.key == f.key }); k >= 0 {
				edits = append(edits, edit{d.entries[k].start, d.entries[k].end, v.encode()})
			} else {
				edits = append(edits, edit{end[i], end[i], d.newline(end[i]) + f.key + " = " + v.encode() + "\n"})
			}
		}
	}
	at := len(d.source)
	if n := min(len(have), len(want)); n > 0 {
		at = end[n-1]
	}
	for i := len(have); i < len(want); i++ {
		edits = append(edits, edit{at, at, d.newline(at) + "\n" + formatPool(want[i])})
	}
	return edits
}
