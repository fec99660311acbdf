package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is what stands behind an equals sign.
type value struct {
	kind kind
	text string
	num  float64 // for whole too
	yes  bool
	list []string
}

type kind int

const (
	text  kind = iota
	whole      // a whole number
	number
	truth
	texts
	other // a date, an inline table: nothing that a setting takes
)

// String says what a kind is to people.
func (k kind) String() string {
	switch k {
	case text:
		return `a text in quotes, such as "…"`
	case whole:
		return "a whole number"
	case number:
		return "a number"
	case truth:
		return "true or false"
	}
	return `a list of texts, such as ["…", "…"]`
}

// encode writes v in TOML.
func (v value) encode() string {
	switch v.kind {
	case whole, number:
		return strconv.FormatFloat(v.num, 'f', -1, 64)
	case truth:
		return strconv.FormatBool(v.yes)
	case texts:
		quoted := make([]string, len(v.list))
		for i, s := range v.list {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return quote(v.text)
}

// quote writes s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (v value) same(w value) bool {
	return v.text == w.text && v.num == w.num && v.yes == w.yes && slices.Equal(v.list, w.list)
}

// fault is why a value cannot be taken.
type fault struct{ wrong, write string }

// field is one key of T.
type field[T any] struct {
	key  string // with its table: limits.percent
	note string // what it is, for the fresh file
	kind kind
	get  func(*T) value
	set  func(*T, value) *fault // the kind is right already
}

func textField[T any](key, note string, at func(*T) *string, check func(string) *fault) field[T] {
	return field[T]{key, note, text,
		func(c *T) value { return value{kind: text, text: *at(c)} },
		func(c *T, v value) *fault {
			if f := plain(v.text); f != nil {
				return f
			}
			if v.text != "" && check != nil {
				if f := check(v.text); f != nil {
					return f
				}
			}
			*at(c) = v.text
			return nil
		}}
}

func wholeField[T any](key, note string, at func(*T) *int, low, high int) field[T] {
	return field[T]{key, note, whole,
		func(c *T) value { return value{kind: whole, num: float64(*at(c))} },
		func(c *T, v value) *fault {
			if v.num < float64(low) || v.num > float64(high) {
				return &fault{"this number is out of its bounds", fmt.Sprintf("write one from %d to %d", low, high)}
			}
			*at(c) = int(v.num)
			return nil
		}}
}

func numberField[T any](key, note string, at func(*T) *float64, low, high float64) field[T] {
	return field[T]{key, note, number,
		func(c *T) value { return value{kind: number, num: *at(c)} },
		func(c *T, v value) *fault {
			if math.IsNaN(v.num) || v.num != 0 && v.num < low || v.num > high {
				return &fault{"this number is out of its bounds", fmt.Sprintf("write 0, or one from %g to %g", low, high)}
			}
			*at(c) = v.num
			return nil
		}}
}

func truthField[T any](key, note string, at func(*T) *bool) field[T] {
	return field[T]{key, note, truth,
		func(c *T) value { return value{kind: truth, yes: *at(c)} },
		func(c *T, v value) *fault { *at(c) = v.yes; return nil }}
}

// fields are all keys but those of pools, in the order of a fresh file.
func fields() []field[Config] {
	type c = Config
	return []field[c]{
		textField("coin", `the coin to mine, such as "litecoin"; it says the algorithm too`, func(c *c) *string { return &c.Coin }, checkWord),
		textField("algorithm", `"sha256d" (Bitcoin's) or "scrypt" (Litecoin's and Dogecoin's); needed where coin is ""`, func(c *c) *string { return &c.Algorithm }, checkAlgorithm),
		textField("payout", `your own address, for pools with solo = true: Goldpan looks for it in the work that they send, and warns`, func(c *c) *string { return &c.Payout }, checkAccount),
		textField("proxy", `every connection goes through it, "socks5://HOST:PORT" (Tor's is "socks5://127.0.0.1:9050") or "http://HOST:PORT"`, func(c *c) *string { return &c.Proxy }, checkProxy),
		textField("proxy_key", `the id of the proxy's password, kept with goldpan key add; the user's name stands in proxy: socks5://NAME@HOST:PORT`, func(c *c) *string { return &c.ProxyKey }, checkID),
		numberField("difficulty", "of shares, to ask pools for; a slow machine is seen at all only by pools that grant a low one; 0 leaves it to them", func(c *c) *float64 { return &c.Difficulty }, 0, 1e18),

		wholeField("limits.threads", "threads at most; 0 is one for each processor", func(c *c) *int { return &c.Limits.Threads }, 0, 1024),
		wholeField("limits.percent", "of each thread's time, 1 to 100", func(c *c) *int { return &c.Limits.Percent }, 1, 100),
		numberField("limits.hashrate", "hashes a second at most; 0 is no limit", func(c *c) *float64 { return &c.Limits.Hashrate }, 0, 1e18),
		numberField("limits.watts", "of the processor at most, where this machine measures it; 0 is no limit", func(c *c) *float64 { return &c.Limits.Watts }, 0, 100_000),
		numberField("limits.celsius", "of the processor at most, where this machine measures it; 0 is no limit", func(c *c) *float64 { return &c.Limits.Celsius }, 20, 150),
		wholeField("limits.nice", "how readily mining gives the processor to other programs, 0 (not) to 19 (most)", func(c *c) *int { return &c.Limits.Nice }, 0, 19),

		truthField("manners.on_battery", "true mines on battery too", func(c *c) *bool { return &c.Manners.OnBattery }),
		wholeField("manners.battery_floor", "percent of charge under which it never mines on battery", func(c *c) *int { return &c.Manners.BatteryFloor }, 0, 100),
		truthField("manners.while_active", "false pauses while somebody uses the keyboard or the mouse", func(c *c) *bool { return &c.Manners.WhileActive }),
		durationField("manners.idle_after", `how long nobody must have used them, such as "2m" or "90s"`, func(c *c) *time.Duration { return &c.Manners.IdleAfter }),
		wholeField("manners.others_percent", "pauses while other programs use more than this percentage of the processor; 0 never", func(c *c) *int { return &c.Manners.OthersPercent }, 0, 100),
		scheduleField(),

		textField("node.url", `your own node's RPC port, "http://127.0.0.1:PORT" on this machine or "https://HOST:PORT"; it is mined on from the window where there is no pool, and pays payout`, func(c *c) *string { return &c.Node.URL }, checkNode),
		textField("node.login", "the name of the user that the node knows", func(c *c) *string { return &c.Node.User }, checkAccount),
		textField("node.password_key", "the id of its password, kept with goldpan key add ID --kind node", func(c *c) *string { return &c.Node.PasswordKey }, checkID),
		textField("node.cookie", "the path of the file named .cookie that the node writes when it starts, instead of user and password", func(c *c) *string { return &c.Node.Cookie }, nil),

		textField("api.listen", `where programs on this machine may read how it goes, such as "127.0.0.1:4880"; "" is nowhere`, func(c *c) *string { return &c.API.Listen }, checkListen),
		textField("api.token_key", `the id of a token, kept with goldpan key add, that may change things; "" lets nobody`, func(c *c) *string { return &c.API.TokenKey }, checkID),

		textField("log.level", `what goes to goldpan.log beside this file: "debug", "info", "warn" or "error"`, func(c *c) *string { return &c.Log.Level }, checkLevel),
		wholeField("log.size", "MiB at which a new log is begun", func(c *c) *int { return &c.Log.Size }, 1, 1024),
		wholeField("log.keep", "old logs that are kept", func(c *c) *int { return &c.Log.Keep }, 0, 100),
	}
}

// poolFields are the keys of a pool, in the order of a fresh file.
func poolFields() []field[Pool] {
	type p = Pool
	return []field[p]{
		textField("url", `stratum+tcp://, stratum+tls://, ws:// or wss://, then HOST:PORT; "?pin=sha256:…" pins its certificate; or "preset:NAME"`, func(p *p) *string { return &p.URL }, checkPool),
		textField("user", "often ADDRESS.WORKER", func(p *p) *string { return &p.User }, checkAccount),
		textField("password", `options that some pools take here, such as "d=0.01"; never a secret`, func(p *p) *string { return &p.Password }, checkPassword),
		textField("password_key", "the id of a password kept with goldpan key add", func(p *p) *string { return &p.PasswordKey }, checkID),
		truthField("solo", "true where the pool promises you the whole block; then payout is needed above", func(p *p) *bool { return &p.Solo }),
	}
}

func durationField(key, note string, at func(*Config) *time.Duration) field[Config] {
	return field[Config]{key, note, text,
		func(c *Config) value { return value{kind: text, text: shortDuration(*at(c))} },
		func(c *Config, v value) *fault {
			d, err := time.ParseDuration(v.text)
			if err != nil || d < 0 || d > 24*time.Hour {
				return &fault{"this is no length of time", `write such as "90s", "2m" or "1h", at most "24h"`}
			}
			*at(c) = d
			return nil
		}}
}

// shortDuration writes 2m0s as 2m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func scheduleField() field[Config] {
	return field[Config]{"manners.schedule",
		`when it may mine, such as ["mon-fri 22:00-07:00", "sat,sun 00:00-24:00"] by this machine's clock; [] is always`, texts,
		func(c *Config) value { return value{kind: texts, list: c.Manners.Schedule} },
		func(c *Config, v value) *fault {
			if len(v.list) > maxSchedule {
				return &fault{"these are too many lines", fmt.Sprintf("write at most %d", maxSchedule)}
			}
			for _, line := range v.list {
				if _, err := ParseWindow(line); err != nil {
					return &fault{err.Error(), `write such as "mon-fri 22:00-07:00"`}
				}
			}
			c.Manners.Schedule = v.list
			return nil
		}}
}
