package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// override is a flag that stands for a setting of config.toml.
type override struct {
	key    string
	truth  bool // may be given without a value
	many   bool // may be given several times
	values []string
}

func (o *override) String() string   { return "" }
func (o *override) IsBoolFlag() bool { return o.truth }
func (o *override) Set(s string) error {
	if !o.many {
		o.values = nil
	}
	o.values = append(o.values, s)
	return nil
}

// overrides are the flags that stand for settings, by name.
type overrides map[string]*override

func (o overrides) define(f *flag.FlagSet, name, key, usage string) *override {
	v := &override{key: key}
	o[name] = v
	f.Var(v, name, usage)
	return v
}

// apply gives c what was said on the command line.
func (o overrides) apply(c *config.Config) error {
	for name, v := range o {
		if len(v.values) == 0 {
			continue
		}
		if err := c.Set(v.key, strings.Join(v.values, ";")); err != nil {
			return usagef("--%s: %s", name, wrong(err))
		}
	}
	return nil
}

// limitOptions and mannerOptions head the options of defineRules.
var (
	limitOptions  = group{"limits", []string{"threads", "limit", "max-hashrate", "max-watts", "max-temp", "nice"}}
	mannerOptions = group{"manners", []string{"schedule", "on-battery", "battery-floor", "while-active", "idle-after", "others"}}
)

// defineRules defines how much of the machine is used, and when, and what of it
// is written down: for all that mines for real.
func (o overrides) defineRules(f *flag.FlagSet) {
	o.define(f, "threads", "limits.threads", "`N` threads at most; 0 takes one for each processor")
	o.define(f, "limit", "limits.percent", "`PERCENT` of each thread's time")
	o.define(f, "max-hashrate", "limits.hashrate", "`H` hashes a second at most")
	o.define(f, "max-watts", "limits.watts", "`W` of the processor at most, where it is measured")
	o.define(f, "max-temp", "limits.celsius", "`CELSIUS` of the processor at most, where it is measured; 0 is no limit")
	o.define(f, "nice", "limits.nice", "`N` from 0 to 19: how readily other programs get the processor")
	o.define(f, "schedule", "manners.schedule", "`WHEN` it may mine, for example \"mon-fri 22:00-07:00\"; may be given again").many = true
	o.define(f, "on-battery", "manners.on_battery", "mine on battery too").truth = true
	o.define(f, "battery-floor", "manners.battery_floor", "`PERCENT` of charge under which it never mines on battery")
	o.define(f, "while-active", "manners.while_active", "with =false, pause while somebody uses the keyboard or the mouse").truth = true
	o.define(f, "idle-after", "manners.idle_after", "`DURATION` without keyboard and mouse after which nobody uses them")
	o.define(f, "others", "manners.others_percent", "pause while other programs use more than this `PERCENT` of the processor; 0 never")
	o.define(f, "log-level", "log.level", "`LEVEL` of what goes to goldpan.log in the data directory: debug, info, warn or error")
}

// wrong tells what is wrong with a setting without naming its key.
func wrong(err error) string {
	var problems *config.Problems
	if !errors.As(err, &problems) {
		return err.Error()
	}
	p := problems.List[0]
	p.Key = ""
	return p.String()
}

// mineFlags are the flags of mine.
type mineFlags struct {
	overrides    overrides
	pools        list
	user         string
	passwordFile string
	passwordKey  string
	tokenFile    *string
	soloPool     bool
	logHere      bool
	store        storeChoice
	payout       payoutFlags
	goal         mineGoal
}

func mineCommand() command {
	return command{
		name:    "mine",
		summary: "Mine on a pool, or on several in order.",
		usage:   "[--pool URL [--pool URL …] --user USER --algorithm sha256d|scrypt] [--password-file F | --password-key ID] [limits] [manners] [--shares N] [--for DURATION]\n\nWhat is not given here is taken from config.toml in the data directory: see goldpan config show.",
		groups: []group{
			{"where", []string{"pool", "user", "algorithm", "coin", "password-file", "password-key", "proxy", "proxy-key", "difficulty", "payout", "payout-wallet", "wallet-passphrase-file", "solo-pool"}},
			limitOptions, mannerOptions,
			apiOptions,
			{"until when", []string{"shares", "for"}},
		},
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			m := mineFlags{overrides: overrides{}}
			f.Var(&m.pools, "pool", "`URL` of a pool: stratum+tcp://, stratum+tls://, ws:// or wss://, then HOST:PORT; ?pin=sha256:… pins its certificate; preset:NAME is one that goldpan pools lists; may be given again for pools to fall back on")
			f.StringVar(&m.user, "user", "", "`USER` at the pool; often ADDRESS.WORKER")
			f.StringVar(&m.passwordFile, "password-file", "", "`FILE` that holds the password; - is standard input")
			f.StringVar(&m.passwordKey, "password-key", "", "`ID` of a password kept with goldpan key add")
			m.store = storeFlags(f)
			m.tokenFile = m.overrides.defineAPI(f)
			f.BoolVar(&m.soloPool, "solo-pool", false, "the pool promises you the whole block: warn when its work does not pay --payout")
			f.BoolVar(&m.logHere, "log-stderr", false, "write what goes to goldpan.log to standard error too")
			f.Uint64Var(&m.goal.shares, "shares", 0, "end after `N` accepted shares")
			f.DurationVar(&m.goal.span, "for", 0, "end after this `DURATION`, for example 10m")
			o := m.overrides
			o.define(f, "algorithm", "algorithm", "`NAME` of the algorithm: sha256d or scrypt")
			o.define(f, "coin", "coin", "`ID` of the coin, which says the algorithm too: bitcoin, litecoin, dogecoin")
			o.define(f, "payout", "payout", "your own `ADDRESS`, for --solo-pool; or wallet, for the next address of your wallet, and then --user may be wallet or wallet.WORKER too")
			m.payout = definePayout(f)
			o.define(f, "proxy", "proxy", "`URL` that every connection goes through: socks5://HOST:PORT (Tor's is socks5://127.0.0.1:9050) or http://HOST:PORT")
			o.define(f, "proxy-key", "proxy_key", "`ID` of the proxy's password, kept with goldpan key add; its user stands in the URL")
			o.define(f, "difficulty", "difficulty", "`D` of shares to ask the pool for; a slow machine wants a low one")
			o.defineRules(f)
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return t.mine(ctx, &m)
			}
		},
	}
}

// mineGoal is when mining is done; zeros never are.
type mineGoal struct {
	shares uint64
	span   time.Duration
}

// settings joins config.toml and the flags, which come first.
func (t *terminal) settings(m *mineFlags) (config.Config, error) {
	dir, err := t.dir()
	if err != nil {
		return config.Config{}, err
	}
	c, err := config.Read(dir)
	if err != nil {
		return config.Config{}, err
	}
	if len(m.pools) > 0 {
		c.Pools = make([]config.Pool, len(m.pools))
		for i, pool := range m.pools {
			if err := checkPoolFlag(pool); err != nil {
				return config.Config{}, err
			}
			if err := c.Set(fmt.Sprintf("pool.%d.url", i+1), pool); err != nil {
				return config.Config{}, usagef("--pool: %s", wrong(err))
			}
		}
	}
	for i := range c.Pools {
		p := &c.Pools[i]
		if m.user != "" {
			if err := c.Set(fmt.Sprintf("pool.%d.user", i+1), m.user); err != nil {
				return config.Config{}, usagef("--user: %s", wrong(err))
			}
			p = &c.Pools[i]
		}
		if m.passwordKey != "" || m.passwordFile != "" {
			p.PasswordKey, p.Password = m.passwordKey, ""
		}
		if m.soloPool {
			p.Solo = true
		}
		if p.User == "" {
			return config.Config{}, usagef("--pool and --user are needed, and --algorithm or --coin")
		}
	}
	if err := m.overrides.apply(&c); err != nil {
		return config.Config{}, err
	}
	switch {
	case len(c.Pools) == 0:
		made, err := config.Init(dir)
		if err != nil {
			return config.Config{}, usagef("--pool, --user and --algorithm are needed")
		}
		where := "write them into "
		if made {
			where = "write them into the file that was just made for you, "
		}
		return config.Config{}, usagef("no pool is chosen: give --pool, --user and --algorithm, or %s%s", where, config.Path(dir))
	case c.Coin == "" && c.Algorithm == "" && !slices.ContainsFunc(c.Pools, func(p config.Pool) bool { return strings.HasPrefix(p.URL, config.Preset) }):
		return config.Config{}, usagef("--pool and --user are needed, and --algorithm or --coin")
	case c.Pools[0].Solo && (c.Payout == "" || c.Coin == ""):
		return config.Config{}, usagef("--solo-pool: --payout with your own address and --coin are needed too")
	}
	return c, nil
}

// checkPoolFlag says of a pool's address what is wrong with it.
func checkPoolFlag(s string) error {
	if h := config.Hidden(s); h != "" {
		return usagef("--pool: %s; type it again, or paste it without formatting", h)
	}
	if strings.HasPrefix(s, config.Preset) {
		return nil
	}
	if _, err := stratum.ParseURL(s); err != nil {
		return usagef("--pool: %s", err)
	}
	return nil
}

// mine reads the settings and mines by them.
func (t *terminal) mine(ctx context.Context, flags *mineFlags) error {
	if flags.goal.span < 0 {
		return usagef("--for: a duration from 1s upward")
	}
	if flags.passwordFile != "" && flags.passwordKey != "" {
		return usagef("--password-file and --password-key: one of them is enough")
	}
	if stdinTwice(flags.passwordFile, *flags.tokenFile, *flags.payout.passphraseFile) {
		return usagef("standard input can hold one secret, not two")
	}
	c, err := t.settings(flags)
	if err != nil {
		return err
	}
	if err := t.payToWallet(ctx, flags, c.Coin); err != nil {
		return err
	}
	c, err = t.settings(flags)
	if err != nil {
		return err
	}
	dir, err := t.dir()
	if err != nil {
		return err
	}
	w := &mineWatch{t: t, goal: flags.goal, live: t.live(), offered: map[string]bool{}, kept: map[string]bool{},
		// Buffered far beyond what comes between two looks, so that nobody waits.
		shares: make(chan pow.Result, 1024), notices: make(chan core.Notice, 64), answers: make(chan bool, 1)}
	o := desk.MineOptions{Dir: dir, Config: c, Shares: w.share, Notice: w.notice}
	if flags.passwordFile != "" {
		if o.Password, err = t.secret(ctx, flags.passwordFile, "Password"); err != nil {
			return err
		}
	}
	fetched := map[string]string{} // so that a passphrase is asked for once
	o.Secret = func(ctx context.Context, id string) (string, error) {
		if s, ok := fetched[id]; ok {
			return s, nil
		}
		s, err := t.poolPassword(ctx, flags.store, id)
		if err == nil {
			fetched[id] = s
		}
		return s, err
	}
	if o.Log = t.openLog(dir, c.Log, flags.logHere); o.Log != nil {
		defer o.Log.Close()
	}
	w.reread = func() (config.Config, error) { return t.settings(flags) }
	w.mining, err = desk.NewMining(ctx, o)
	switch {
	case errors.Is(err, coin.ErrCoin) && len(flags.overrides["coin"].values) > 0:
		message, _ := desk.Explain(err)
		return usagef("--coin: %s", message)
	case err != nil:
		return err
	}
	stop, err := t.serveAPI(ctx, flags.store, c.API, *flags.tokenFile, w.mining)
	if err != nil {
		return err
	}
	defer stop()
	return w.run(ctx)
}

// openLog opens the log, which may be written to standard error too; nil where it
// cannot be written, which stops nothing.
func (t *terminal) openLog(dir string, c config.Log, here bool) *desk.Log {
	failed := func(err error) {
		message, hint := desk.Explain(err)
		t.say("Goldpan mines on without its log: %s. %s", message, hint)
	}
	log, err := desk.OpenLog(dir, c, failed)
	if err != nil {
		failed(err)
		return nil
	}
	if here {
		log.Also(sayWriter{t})
	}
	return log
}
