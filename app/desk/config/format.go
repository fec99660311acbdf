package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const heading = `# What Goldpan mines, where, and how much of this machine it may use.
# Every setting is here with what it does; a line that is taken out goes back to
# its default. "goldpan config check" says what is wrong, by line. A change is
# taken up when you save it in the window, or by the signal SIGHUP.
# No secret belongs here: goldpan key add keeps them.

`

const aboutPools = `
# Pools, in the order in which they are tried, each below a line [[pool]] of its
# own. Take the # away:
#
# [[pool]]
`

// Format writes a fresh file that says what c says, with every key explained.
// Only keys and values come from c.
func Format(c Config) []byte {
	var b strings.Builder
	b.WriteString(heading)
	table := ""
	for _, f := range fields() {
		name := f.key
		if t, leaf, ok := strings.Cut(f.key, "."); ok {
			if name = leaf; t != table {
				table = t
				b.WriteString("\n[" + t + "]\n")
			}
		}
		comment(&b, "# ", f.note)
		b.WriteString(name + " = " + f.get(&c).encode() + "\n")
	}
	b.WriteString(aboutPools)
	for _, f := range poolFields() {
		comment(&b, "#   # ", f.note)
		b.WriteString("#   " + f.key + " = " + f.get(&Pool{}).encode() + "\n")
	}
	for _, p := range c.Pools {
		b.WriteString("\n" + formatPool(p))
	}
	return []byte(b.String())
}

// formatPool leaves out what is empty.
func formatPool(p Pool) string {
	var b strings.Builder
	b.WriteString("[[pool]]\n")
	for _, f := range poolFields() {
		if v := f.get(&p); !v.same(f.get(&Pool{})) {
			b.WriteString(f.key + " = " + v.encode() + "\n")
		}
	}
	return b.String()
}

// comment writes text in lines of at most about 80 characters.
func comment(b *strings.Builder, prefix, text string) {
	line := prefix
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(prefix) {
			if len(line)+1+len(word) > 80 {
				b.WriteString(line + "\n")
				line = prefix
			} else {
				line += " "
			}
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// Setting is one key with its value, as TOML writes it.
type Setting struct {
	Key   string // limits.percent; of a pool, pool.1.url
	Value string
}

// Settings lists what c says, in the order of a fresh file.
func (c Config) Settings() []Setting {
	var all []Setting
	for _, f := range fields() {
		all = append(all, Setting{f.key, f.get(&c).encode()})
	}
	for i, p := range c.Pools {
		for _, f := range poolFields() {
			all = append(all, Setting{fmt.Sprintf("pool.%d.%s", i+1, f.key), f.get(&p).encode()})
		}
	}
	return all
}

// Set gives c one setting from a command line: key as [Config.Settings] has it,
// raw without quotes, the parts of a list separated by semicolons. The error is
// a [*Problems], and never repeats raw.
func (c *Config) Set(key, raw string) error {
	problem := func(f fault) error {
		return &Problems{[]Problem{{Key: printable(key), Wrong: f.wrong, Write: f.write}}}
	}
	if rest, ok := strings.CutPrefix(key, "pool."); ok {
		number, leaf, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		i := slices.IndexFunc(poolFields(), func(f field[Pool]) bool { return f.key == leaf })
		if err != nil || n < 1 || n > len(c.Pools) || i < 0 {
			return problem(fault{"there is no such setting of a pool", "write such as pool.1.url; a new pool is added in the file itself"})
		}
		pools := slices.Clone(c.Pools)
		if f := setRaw(poolFields()[i], &pools[n-1], raw); f != nil {
			return problem(*f)
		}
		c.Pools = pools
		return nil
	}
	i := slices.IndexFunc(fields(), func(f field[Config]) bool { return f.key == key })
	if i < 0 {
		return problem(unknown(entry{key: key, pool: -1}))
	}
	if f := setRaw(fields()[i], c, raw); f != nil {
		return problem(*f)
	}
	return nil
}

func setRaw[T any](f field[T], to *T, raw string) *fault {
	v := value{kind: f.kind}
	var err error
	switch f.kind {
	case whole:
		var n int64
		n, err = strconv.ParseInt(raw, 10, 64)
		v.num = float64(n)
	case number:
		v.num, err = strconv.ParseFloat(raw, 64)
	case truth:
		v.yes, err = strconv.ParseBool(raw)
	case texts:
		for part := range strings.SplitSeq(raw, ";") {
			if part = strings.TrimSpace(part); part != "" {
				v.list = append(v.list, part)
			}
		}
	default:
		v.text = raw
	}
	if err != nil {
		return &fault{"this is of another kind", "write " + f.kind.String()}
	}
	return assign(f, to, v)
}
