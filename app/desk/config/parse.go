package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Parse reads a file. What it does not say is as [Default] has it. The error is a
// [*Problems]; what is in it never repeats a value.
func Parse(source []byte) (Config, error) {
	if len(source) > MaxSize {
		return Config{}, &Problems{[]Problem{{Wrong: "the file is too long", Write: fmt.Sprintf("write at most %d KiB", MaxSize>>10)}}}
	}
	d, problem := scan(source)
	if problem != nil {
		return Config{}, &Problems{[]Problem{*problem}}
	}
	r := reader{document: d, config: Default()}
	r.config.Pools = make([]Pool, len(d.pools))
	for _, e := range d.entries {
		r.entry(e)
	}
	for _, h := range d.headers {
		if h.refused != nil {
			r.problem(h.at, h.name, *h.refused)
		}
	}
	if len(r.problems) == 0 {
		r.whole()
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return (a.Line-b.Line)*1000 + a.Column - b.Column })
		return Config{}, &Problems{r.problems[:min(len(r.problems), maxProblems)]}
	}
	return r.config.normal(), nil
}

// document is where everything stands in a file.
type document struct {
	source  []byte
	entries []entry
	headers []header
	pools   []int // the headers of the pools
}

// entry is a key with its value.
type entry struct {
	key        string // limits.percent; of a pool without the pool: url
	pool       int    // the pool that it belongs to; -1 for none
	at         int    // where the key begins, in bytes
	start, end int    // of the value
	value      value
}

// header is a line in brackets.
type header struct {
	name    string
	at      int
	pool    int
	refused *fault
}

// position gives line and column, in characters, from 1.
func (d *document) position(at int) (line, column int) {
	before := d.source[:min(at, len(d.source))]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}

// scan reads the document without judging its keys.
func scan(source []byte) (*document, *Problem) {
	var any map[string]any
	if err := toml.Unmarshal(source, &any); err != nil { // it also refuses what is said twice
		problem := &Problem{Wrong: "this is not TOML", Write: `write KEY = VALUE, with texts in quotes and notes after #`}
		var bad *toml.DecodeError
		if errors.As(err, &bad) {
			problem.Line, problem.Column = bad.Position()
			if strings.Contains(bad.Error(), "defined") || strings.Contains(bad.Error(), "already") {
				problem.Wrong, problem.Write = "this is said twice", "remove one of the two"
			}
		}
		return nil, problem
	}
	d := &document{source: source}
	var p unstable.Parser
	p.Reset(source)
	table, pool := "", -1
	for p.NextExpression() {
		e := p.Expression()
		name, at, _ := keyOf(e)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			h := header{name: name, at: at, pool: -1}
			table, pool = name, -1
			switch many := e.Kind == unstable.ArrayTable; {
			case many && name == "pool":
				pool = len(d.pools)
				h.pool = pool
				d.pools = append(d.pools, len(d.headers))
				if pool >= MaxPools {
					h.refused = &fault{"these are too many pools", fmt.Sprintf("keep at most %d", MaxPools)}
				}
			case name == "pool":
				h.refused = &fault{"there may be several pools", "write [[pool]], with two brackets"}
			case many:
				h.refused = &fault{"there may be one of these", "write [" + name + "], with one bracket, or nothing"}
			}
			d.headers = append(d.headers, h)
		case unstable.KeyValue:
			x := entry{key: name, pool: pool, at: at}
			if pool < 0 && table != "" {
				x.key = table + "." + name
			}
			x.start, x.end = valueRange(source, e)
			x.value = decode(e.Value())
			d.entries = append(d.entries, x)
		}
	}
	if err := p.Error(); err != nil { // the first reading would have said it
		return nil, &Problem{Wrong: "this is not TOML", Write: "write KEY = VALUE"}
	}
	return d, nil
}

// keyOf joins the parts of an expression's key, and says where it begins and ends.
func keyOf(e *unstable.Node) (name string, start, end int) {
	var parts []string
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if parts == nil {
			start = int(n.Raw.Offset)
		}
		end = int(n.Raw.Offset + n.Raw.Length)
		parts = append(parts, string(n.Data))
	}
	return strings.Join(parts, "."), start, end
}

// valueRange says where the value of a pair stands.
func valueRange(source []byte, e *unstable.Node) (start, end int) {
	_, _, start = keyOf(e)
	end = int(e.Raw.Offset + e.Raw.Length)
	for start < end && (source[start] == ' ' || source[start] == '\t' || source[start] == '=') {
		start++
	}
	for end > start && (source[end-1] == ' ' || source[end-1] == '\t' || source[end-1] == '\r' || source[end-1] == '\n') {
		end--
	}
	return start, end
}

func decode(n *unstable.Node) value {
	data := string(n.Data)
	switch n.Kind {
	case unstable.String:
		return value{kind: text, text: data}
	case unstable.Bool:
		return value{kind: truth, yes: data == "true"}
	case unstable.Integer:
		i, err := strconv.ParseInt(data, 0, 64)
		if err != nil {
			return value{kind: other}
		}
		return value{kind: whole, num: float64(i)}
	case unstable.Float:
		f, err := strconv.ParseFloat(strings.ReplaceAll(data, "_", ""), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return value{kind: other}
		}
		return value{kind: number, num: f}
	case unstable.Array:
		v := value{kind: texts}
		for it := n.Children(); it.Next(); {
			switch it.Node().Kind {
			case unstable.String:
				v.list = append(v.list, string(it.Node().Data))
			case unstable.Comment:
			default:
				return value{kind: other}
			}
		}
		return v
	}
	return value{kind: other}
}

// reader makes a Config of a document.
type reader struct {
	*document
	config   Config
	problems []Problem
}

func (r *reader) problem(at int, key string, f fault) {
	line, column := r.position(at)
	r.problems = append(r.problems, Problem{line, column, printable(key), f.wrong, f.write})
}

func (r *reader) entry(e entry) {
	if e.pool >= 0 {
		if i := slices.IndexFunc(poolFields(), func(f field[Pool]) bool { return f.key == e.key }); i >= 0 {
			if f := assign(poolFields()[i], &r.config.Pools[e.pool], e.value); f != nil {
				r.problem(e.start, e.key, *f)
			}
			return
		}
	} else if i := slices.IndexFunc(fields(), func(f field[Config]) bool { return f.key == e.key }); i >= 0 {
		if f := assign(fields()[i], &r.config, e.value); f != nil {
			r.problem(e.start, e.key, *f)
		}
		return
	}
	r.problem(e.at, e.key, unknown(e))
}

// assign gives a field its value, if it is of the right kind.
func assign[T any](f field[T], to *T, v value) *fault {
	if v.kind == whole && f.kind == number {
		v.kind = number
	}
	if v.kind != f.kind {
		return &fault{"this is of another kind", "write " + f.kind.String()}
	}
	return f.set(to, v)
}

// unknown says what an unknown key might have been.
func unknown(e entry) fault {
	leaf := e.key[strings.LastIndexByte(e.key, '.')+1:]
	if e.key == "pool" {
		return fault{"pools are not a list here", "write each under a line [[pool]] of its own"}
	}
	best, distance := "", 4
	var known []string
	for _, f := range poolFields() {
		known = append(known, f.key)
	}
	pools := len(known)
	for _, f := range fields() {
		known = append(known, f.key)
	}
	for i, k := range known {
		of := k[strings.LastIndexByte(k, '.')+1:]
		d := min(editDistance(leaf, of), editDistance(e.key, k))
		if (i < pools) != (e.pool >= 0) {
			d = 2 * d // the other kind of place, unless it is the very word
		}
		if d < distance && d*2 <= len(of) {
			best, distance = k, d
		}
	}
	i := slices.Index(known, best)
	switch {
	case i < 0 && secretName(leaf):
		return fault{"no secret is kept here", "keep it with goldpan key add ID, and name that id"}
	case i < 0:
		return fault{"there is no such setting", "see them all with goldpan config show"}
	case i < pools && e.pool < 0:
		return fault{"this belongs to a pool", "write it below a line [[pool]]"}
	case e.pool >= 0 && i >= pools && !strings.Contains(best, "."):
		return fault{"this does not belong to a pool", "write it above the first line in brackets"}
	}
	table, leaf, ok := strings.Cut(best, ".")
	if ok {
		return fault{"there is no such setting", "did you mean " + leaf + " below a line [" + table + "]?"}
	}
	return fault{"there is no such setting", "did you mean " + best + "?"}
}

// whole looks at what no single key shows.
func (r *reader) whole() {
	place := func(pool int) int { return r.headers[r.pools[pool]].at }
	seen := map[string]bool{}
	for i, p := range r.config.Pools {
		id := p.URL + "\n" + p.User
		switch {
		case p.URL == "":
			r.problem(place(i), "pool", fault{"this pool has no url", `write url = "stratum+tcp://HOST:PORT" below it`})
		case p.User == "":
			r.problem(place(i), "pool", fault{"this pool has no user", `write user = "ADDRESS.WORKER" below it`})
		case p.Password != "" && p.PasswordKey != "":
			r.problem(place(i), "pool", fault{"password and password_key are both there", "keep one of them"})
		case p.Solo && r.config.Payout == "":
			r.problem(place(i), "pool", fault{"solo needs your own address", `write payout = "ADDRESS" above the first line in brackets`})
		case seen[id]:
			r.problem(place(i), "pool", fault{"this pool is here twice", "remove one of the two"})
		}
		seen[id] = true
	}
	if r.config.ProxyKey != "" && r.config.Proxy == "" {
		for _, e := range r.entries {
			if e.pool < 0 && e.key == "proxy_key" {
				r.problem(e.at, e.key, fault{"there is no proxy", `write proxy = "socks5://NAME@HOST:PORT" too`})
			}
		}
	}
}

// editDistance is Levenshtein's, of words of bounded length.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// printable keeps a key from the file short and on one line.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c > 0x7e {
			return '?'
		}
		return c
	}, s)
	return s[:min(len(s), 64)]
}
