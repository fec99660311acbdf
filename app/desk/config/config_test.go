package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"

	"goldpan/app/desk/config"
	"goldpan/core/engine"
)

func Example() {
	dir, err := os.MkdirTemp("", "goldpan-config-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	_, err = config.Update(dir, func(c *config.Config) error {
		c.Algorithm = "scrypt"
		c.Pools = []config.Pool{{URL: "stratum+tls://pool.example:3333", User: "me.desk", PasswordKey: "my-pool"}}
		c.Limits.Percent = 50
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := config.Read(dir)
	fmt.Println(c.Pools[0].User, c.Limits.Percent, err)
	_, err = config.Parse([]byte("[limits]\npercent = 500\n"))
	fmt.Println(err)
	// Output:
	// me.desk 50 <nil>
	// config.toml, line 2, column 11: limits.percent: this number is out of its bounds; write one from 1 to 100
}

// full sets every key to something else than its default.
func full() config.Config {
	return config.Config{
		Coin: "litecoin", Algorithm: "scrypt", Payout: "ltc1qexample", Proxy: "socks5://me@127.0.0.1:9050", ProxyKey: "my-proxy", Difficulty: 0.001,
		Pools: []config.Pool{
			{URL: "stratum+tls://pool.example:3333?pin=sha256:" + strings.Repeat("ab", 32), User: "me.desk", PasswordKey: "my-pool", Solo: true},
			{URL: "ws://[::1]:80/stratum", User: `quote"and\back`, Password: "d=0.01,stats"[:6]},
			{URL: "preset:a-pool", User: "me"},
		},
		Limits:  config.Limits{Threads: 2, Percent: 30, Hashrate: 12345.5, Watts: 65, Celsius: 80, Nice: 19},
		Manners: config.Manners{OnBattery: true, BatteryFloor: 50, WhileActive: false, IdleAfter: 90 * time.Second, OthersPercent: 25, Schedule: []string{"mon-fri 22:00-07:00", "sat,sun 00:00-24:00"}},
		API:     config.API{Listen: "127.0.0.1:4880", TokenKey: "my-token"},
		Log:     config.Log{Level: "debug", Size: 7, Keep: 1},
	}
}

func TestFormatParses(t *testing.T) {
	for _, want := range []config.Config{config.Default(), full()} {
		source := config.Format(want)
		got, err := config.Parse(source)
		if err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
		if !got.Equal(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	// Every key is explained, whatever it says.
	for _, s := range full().Settings() {
		leaf := s.Key[strings.LastIndexByte(s.Key, '.')+1:]
		if !strings.Contains(string(config.Format(config.Default())), leaf+" = ") {
			t.Errorf("%s is not in a fresh file", s.Key)
		}
	}
}

func TestEmptyIsDefault(t *testing.T) {
	for _, source := range []string{"", "# nothing\n", "[limits]\n", "\r\n"} {
		if c, err := config.Parse([]byte(source)); err != nil || !c.Equal(config.Default()) {
			t.Errorf("%q: %+v, %v", source, c, err)
		}
	}
}

// wif is a private key in wallet import format, of no wallet.
var wif = base58.CheckEncode([]byte("thirty-two bytes of a test's key"), 0x80)

// TestProblems: what is wrong is told by line and column, with what to write.
func TestProblems(t *testing.T) {
	pool := "[[pool]]\nurl = \"stratum+tcp://h:1\"\nuser = \"u\"\n"
	for _, c := range []struct {
		source, where, say string
	}{
		{"coin = litecoin\n", "line 1, column 8", "texts in quotes"},
		{"coin = \"litecoin\"\ncoin = \"dogecoin\"\n", "line 2", "twice"},
		{"\n[limits\n", "line 2", "not TOML"},
		{"[limits]\npercent = 0\n", "line 2, column 11: limits.percent", "1 to 100"},
		{"[limits]\n  percent  =  \"50\"\n", "line 2, column 15: limits.percent", "whole number"},
		{"[limits]\nwatts = -1\n", "line 2, column 9: limits.watts", "write 0, or"},
		{"[limits]\ncelsius = 5\n", "line 2, column 11: limits.celsius", "20 to 150"},
		{"[limits]\nwatts = nan\n", "line 2, column 9: limits.watts", "a number"},
		{"[limits]\nthread = 1\n", "line 2, column 1: limits.thread", "did you mean threads below a line [limits]?"},
		{"treads = 1\n", "line 1, column 1: treads", "did you mean threads below a line [limits]?"},
		{"[manners]\npercent = 5\n", "line 2, column 1", "did you mean percent below a line [limits]?"},
		{"algorithmm = \"scrypt\"\n", "line 1, column 1", "did you mean algorithm?"},
		{"algorithm = \"x11\"\n", "line 1, column 13", `"scrypt"`},
		{"usr = \"me\"\n", "line 1, column 1", "below a line [[pool]]"},
		{"colour = \"green\"\n", "line 1, column 1", "goldpan config show"},
		{"api_secret = \"hunter2\"\n", "line 1, column 1", "no secret is kept here"},
		{"limits = { percent = 5 }\n", "line 1, column 1", "no such setting"},
		{"pool = [{ url = \"x\" }]\n", "line 1, column 1", "[[pool]]"},
		{"[pool]\nurl = \"stratum+tcp://h:1\"\n", "line 1, column 2: pool", "two brackets"},
		{"[[limits]]\npercent = 5\n", "line 1, column 3: limits", "one bracket"},
		{"[[pool]]\nuser = \"u\"\n", "line 1, column 3: pool", "no url"},
		{"[[pool]]\nurl = \"stratum+tcp://h:1\"\n", "line 1, column 3: pool", "no user"},
		{"[[pool]]\nurl = \"gopher://h:1\"\nuser = \"u\"\n", "line 2, column 7: url", "stratum+tls://"},
		{"[[pool]]\nurl = \"stratum+tcp://me:pw@h:1\"\nuser = \"u\"\n", "line 2, column 7: url", "would be shown"},
		{"[[pool]]\nurl = \"stratum+tcp://h:1\"\nuser = \"u\u200bx\"\n", "line 3, column 8: user", "character 2 is a zero-width character (U+200B)"},
		{"[[pool]]\nurl = \"stratum+tcp://h:1\"\nuser = \"u\\n\"\n", "line 3, column 8: user", "line break"},
		{"[[pool]]\nurl = \"stratum+tcp://h:1\"\nuser = \"u v\"\n", "line 3, column 8: user", "space"},
		{pool + "password = \"hunter2\"\n", "line 4, column 12: password", "goldpan key add"},
		{pool + "password = \"d=5,token=abc\"\n", "line 4, column 12: password", "goldpan key add"},
		{pool + "password = \"c=0123456789abcdef\"\n", "line 4, column 12: password", "goldpan key add"},
		{pool + "password = \"x\"\npassword_key = \"k\"\n", "line 1, column 3: pool", "keep one"},
		{pool + "password_key = \"Hunter2!\"\n", "line 4, column 16: password_key", "never the secret"},
		{pool + "password_key = \"0123456789abcdef0123456789abcdef\"\n", "line 4, column 16: password_key", "never the secret"},
		{pool + "solo = true\n", "line 1, column 3: pool", "payout"},
		{pool + pool, "line 4, column 3: pool", "twice"},
		{pool + "coin = \"litecoin\"\n", "line 4, column 1: coin", "above the first line in brackets"},
		{"payout = \"" + wif + "\"\n", "line 1, column 10: payout", "private key"},
		{"payout = \"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about\"\n", "line 1, column 10", "seed words"},
		{"proxy = \"socks4://h:1\"\n", "line 1, column 9: proxy", "socks5://"},
		{"proxy = \"socks5://me:hunter2@h:1\"\n", "line 1, column 9: proxy", "proxy_key"},
		{"proxy_key = \"k\"\n", "line 1, column 1: proxy_key", "no proxy"},
		{"[api]\nlisten = \"0.0.0.0:80\"\n", "line 2, column 10: api.listen", "127.0.0.1"},
		{"[log]\nlevel = \"loud\"\n", "line 2, column 9: log.level", "debug"},
		{"[log]\nsize = 0\n", "line 2, column 8: log.size", "from 1"},
		{"[manners]\nidle_after = \"soon\"\n", "line 2, column 14", "2m"},
		{"[manners]\nschedule = [\"mon-fri 22:00-07:00\", \"never\"]\n", "line 2, column 12", "mon-fri"},
		{"[manners]\nschedule = [1]\n", "line 2, column 12", "list of texts"},
		{"coin = \"" + strings.Repeat("a", 600) + "\"\n", "line 1, column 8", "too long"},
		{strings.Repeat("#\n", config.MaxSize), "the file is too long", "64 KiB"},
		{strings.Repeat(strings.ReplaceAll(pool, "h:1", "h:%d"), 1), "", ""}, // a format, and no pool
	} {
		_, err := config.Parse([]byte(c.source))
		var problems *config.Problems
		if !errors.As(err, &problems) {
			if c.where != "" || c.say != "" {
				t.Errorf("%.80q: %v", c.source, err)
			}
			continue
		}
		if !strings.Contains(err.Error(), c.where) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%.80q:\n%v\nwant %q and %q", c.source, err, c.where, c.say)
		}
		for _, secret := range []string{"hunter2", "Hunter2", "0123456789abcdef", wif, "abandon"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%.80q: the message repeats what may be a secret: %v", c.source, err)
			}
		}
	}
}

func TestAllProblemsAreTold(t *testing.T) {
	_, err := config.Parse([]byte("[limits]\npercent = 0\n\n[log]\nlevel = \"loud\"\nsize = 0\n"))
	var problems *config.Problems
	if !errors.As(err, &problems) || len(problems.List) != 3 || problems.List[2].Line != 6 || !strings.Contains(err.Error(), "2 more") {
		t.Errorf("%v", err)
	}
}

func TestHarmlessPasswords(t *testing.T) {
	for _, s := range []string{"x", "d=0.01", "d=512,c=LTC", "sd=1;mc=DOGE", "c=LTC zap=DOGE", "123"} {
		if _, err := config.Parse([]byte("[[pool]]\nurl = \"ws://h:1\"\nuser = \"u\"\npassword = \"" + s + "\"\n")); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestApplyKeepsComments: a change touches its own value alone.
func TestApplyKeepsComments(t *testing.T) {
	source := `# my notes
coin = "litecoin"   # silver

[limits]  # quiet
percent =   50 # at night more
# the end of limits

[[pool]] # home
url = "stratum+tcp://a:1"
user = "me" # not you
# about a

[[pool]] # away
url = "stratum+tcp://b:1"
user = "me"

[manners]
schedule = [
  "22:00-07:00", # night
]
`
	c, err := config.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name    string
		change  func(*config.Config)
		replace []string // old and new, on the source
	}{
		{"nothing", func(*config.Config) {}, nil},
		{"a value", func(c *config.Config) { c.Limits.Percent = 75 }, []string{"=   50 #", "=   75 #"}},
		{"a key that was not there", func(c *config.Config) { c.Limits.Nice = 3 }, []string{"more\n", "more\nnice = 3\n"}},
		{"a table that was not there", func(c *config.Config) { c.Log.Keep = 9 }, []string{"]\n\x00", "]\n\n[log]\nkeep = 9\n\x00"}},
		{"a key at the top", func(c *config.Config) { c.Algorithm = "scrypt" }, []string{"silver\n", "silver\nalgorithm = \"scrypt\"\n"}},
		{"a list over lines", func(c *config.Config) { c.Manners.Schedule = []string{"daily 01:00-02:00"} }, []string{"[\n  \"22:00-07:00\", # night\n]", `["daily 01:00-02:00"]`}},
		{"a pool's user", func(c *config.Config) { c.Pools[0].User = "you" }, []string{"\"me\" # not", "\"you\" # not"}},
		{"a pool's new key", func(c *config.Config) { c.Pools[0].Password = "x" }, []string{"not you\n", "not you\npassword = \"x\"\n"}},
		{"one pool less", func(c *config.Config) { c.Pools = c.Pools[:1] }, []string{"[[pool]] # away\nurl = \"stratum+tcp://b:1\"\nuser = \"me\"\n", ""}},
		{"one pool more", func(c *config.Config) { c.Pools = append(c.Pools, config.Pool{URL: "ws://c:1", User: "me"}) },
			[]string{"b:1\"\nuser = \"me\"\n", "b:1\"\nuser = \"me\"\n\n[[pool]]\nurl = \"ws://c:1\"\nuser = \"me\"\n"}},
	} {
		want := c
		want.Pools = append([]config.Pool(nil), c.Pools...)
		step.change(&want)
		out, err := config.Apply([]byte(source), want)
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
			continue
		}
		expect := strings.NewReplacer(step.replace...).Replace(source + "\x00")
		if string(out)+"\x00" != expect {
			t.Errorf("%s:\n%s\nwant\n%s", step.name, out, expect)
		}
	}
	// Back and forth between unlike files.
	for _, want := range []config.Config{full(), config.Default()} {
		out, err := config.Apply([]byte(source), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := config.Parse(out); err != nil || !got.Equal(want) {
			t.Errorf("%v\n%s", err, out)
		}
		if !strings.Contains(string(out), "# my notes") {
			t.Error("the comments are lost")
		}
	}
	bad := c
	bad.Limits.Percent = 0
	if out, err := config.Apply([]byte(source), bad); err == nil {
		t.Errorf("what is not allowed was written:\n%s", out)
	}
}

// TestUpdate: the file appears whole, for its owner alone; a bad one stays as it is.
func TestUpdate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	set := func(percent int) error {
		_, err := config.Update(dir, func(c *config.Config) error { c.Limits.Percent = percent; return nil })
		return err
	}
	if err := set(40); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(config.Path(dir))
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if c, err := config.Read(dir); err != nil || c.Limits.Percent != 40 {
		t.Errorf("%+v, %v", c, err)
	}
	if made, err := config.Init(dir); made || err != nil {
		t.Errorf("a file that is there: %v, %v", made, err)
	}
	bad := []byte("coin = 5\n")
	if err := os.WriteFile(config.Path(dir), bad, 0o600); err != nil {
		t.Fatal(err)
	}
	var problems *config.Problems
	if err := set(50); !errors.As(err, &problems) {
		t.Errorf("%v", err)
	}
	if now, err := os.ReadFile(config.Path(dir)); err != nil || string(now) != string(bad) {
		t.Errorf("it became %q, %v", now, err)
	}
	if made, err := config.Init(t.TempDir()); !made || err != nil {
		t.Errorf("a file that is not there: %v, %v", made, err)
	}
}

// TestUpdatesTakeTurns: of changes that are made at once none is lost, and what a
// writer left that was killed is swept up.
func TestUpdatesTakeTurns(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".config.toml.123.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	const writers, each = 4, 8
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if _, err := config.Update(dir, func(c *config.Config) error { c.Limits.Hashrate++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if c, err := config.Read(dir); err != nil || c.Limits.Hashrate != writers*each {
		t.Errorf("%v changes of %d are there, %v", c.Limits.Hashrate, writers*each, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed writer left is there: %v", err)
	}
}

func TestSet(t *testing.T) {
	c := full()
	for _, s := range [][2]string{{"limits.percent", "12"}, {"limits.watts", "1.5"}, {"manners.on_battery", "false"}, {"manners.schedule", "22:00-07:00; sat 10:00-11:00"},
		{"manners.idle_after", "1h"}, {"coin", "dogecoin"}, {"pool.2.user", "you"}} {
		if err := c.Set(s[0], s[1]); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	if c.Limits.Percent != 12 || c.Limits.Watts != 1.5 || c.Manners.OnBattery || len(c.Manners.Schedule) != 2 || c.Manners.IdleAfter != time.Hour || c.Pools[1].User != "you" {
		t.Errorf("%+v", c)
	}
	for _, s := range [][3]string{{"limits.percent", "many", "whole number"}, {"limits.percent", "200", "1 to 100"}, {"percent", "5", "[limits]"}, {"pool.9.url", "x", "of a pool"},
		{"pool.1.password", "hunter2", "key add"}, {"gold", "1", "no such setting"}} {
		if err := c.Set(s[0], s[1]); err == nil || !strings.Contains(err.Error(), s[2]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v", s, err)
		}
	}
}

func TestParseWindow(t *testing.T) {
	all := [7]bool{true, true, true, true, true, true, true}
	for line, want := range map[string]engine.Window{
		"22:00-07:00":                     {Days: all, From: 22 * time.Hour, To: 7 * time.Hour},
		"daily 00:00-24:00":               {Days: all, To: 24 * time.Hour},
		"mon-fri 9:30-17:00":              {Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, From: 9*time.Hour + 30*time.Minute, To: 17 * time.Hour},
		"Fri-Mon 00:00-06:00":             {Days: [7]bool{0: true, 1: true, 5: true, 6: true}, To: 6 * time.Hour},
		"sat,sun 00:00-12:00":             {Days: [7]bool{0: true, 6: true}, To: 12 * time.Hour},
		" saturday,wednesday 00:00-12:00": {Days: [7]bool{3: true, 6: true}, To: 12 * time.Hour},
	} {
		if got, err := config.ParseWindow(line); err != nil || got != want {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "mon", "mon-fri", "22:00", "22:00-22:00", "24:00-02:00", "22:60-23:00", "25:00-26:00", "mon-xyz 01:00-02:00", "mondays 01:00-02:00",
		"m 01:00-02:00", "1-5 01:00-02:00", "mon fri 01:00-02:00", "-1:00-02:00", "01:00-02:0"} {
		if w, err := config.ParseWindow(line); err == nil {
			t.Errorf("%q: %+v", line, w)
		}
	}
}

func TestHidden(t *testing.T) {
	for s, want := range map[string]string{"plain": "", "a b": "", "ü": "", "a\u00a0b": "character 2 is a no-break space (U+00A0)", "x\n": "line break", " x": "character 1 is a space", "\ufeffx": "zero-width",
		"a\u202eb": "does not show"} {
		if got := config.Hidden(s); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: %q", s, got)
		}
	}
}

// FuzzConfig: no file breaks the reader; one that is read is written and read
// again as the same, and can be changed from and to every other.
func FuzzConfig(f *testing.F) {
	f.Add(config.Format(config.Default()))
	f.Add(config.Format(full()))
	f.Add([]byte("limits.percent = 5\n\"pool\".x = 1\n"))
	f.Add([]byte("[limits]\npercent = 0x10 # hex\n[[pool]]\r\nurl='ws://h'\r\nuser=\"\"\"\nme\"\"\""))
	f.Add([]byte("limits.percent = 5\nlimits.nice = 1\n[manners]\nschedule = [ # a\n \"22:00-07:00\"]"))
	f.Fuzz(func(t *testing.T, source []byte) {
		c, err := config.Parse(source)
		if err != nil {
			if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\r\x00\x1b") {
				t.Errorf("the message is %q", text)
			}
			return
		}
		if same, err := config.Parse(config.Format(c)); err != nil || !same.Equal(c) {
			t.Errorf("%+v is written as\n%s\nand read as %+v, %v", c, config.Format(c), same, err)
		}
		if out, err := config.Apply(source, c); err != nil || string(out) != string(source) {
			t.Errorf("unchanged, %q becomes %q, %v", source, out, err)
		}
		for _, want := range []config.Config{config.Default(), full()} {
			out, err := config.Apply(source, want)
			if err != nil {
				t.Errorf("%q: %v", source, err)
				continue
			}
			if got, err := config.Parse(out); err != nil || !got.Equal(want) {
				t.Errorf("%q becomes %q: %v", source, out, err)
			}
		}
	})
}

// TestRules: what a file may say, the engine takes.
func TestRules(t *testing.T) {
	for _, c := range []config.Config{config.Default(), full()} {
		r := c.Rules()
		if err := r.Validate(); err != nil {
			t.Error(err)
		}
		if r.Percent != c.Limits.Percent || len(r.Schedule) != len(c.Manners.Schedule) || r.OnBattery != c.Manners.OnBattery {
			t.Errorf("%+v of %+v", r, c)
		}
	}
}
