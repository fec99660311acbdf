package desk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
	"goldpan/core/stratum"
)

// MineOptions say what to mine, and who hears of it.
type MineOptions struct {
	Dir    string // the data directory; "" is the default
	Config config.Config
	// Password is sent to pools that have none in Config; "" stands for x, which
	// pools expect from those who have none.
	Password string
	// Secret fetches a secret from the vault by its id. It may be nil where Config
	// names none.
	Secret func(ctx context.Context, id string) (string, error)
	Roots  *x509.CertPool // that sign certificates; nil for the system's
	Log    *Log           // nil for none

	// What follows may be nil. They are called from several goroutines and must
	// not block.
	Shares func(Share)
	Notice func(core.Notice)
}

// Mining is mining on real pools, by a configuration that may change meanwhile.
type Mining struct {
	options MineOptions
	session *core.Session
	presets []coin.Pool
	log     *slog.Logger

	mu     sync.Mutex
	config config.Config
	plan   plan
}

// Errors of a configuration that is well-formed and cannot be mined.
var (
	// ErrNoPool: there is nowhere to mine.
	ErrNoPool = errors.New("no pool is chosen")
	// ErrNoAlgorithm: neither coin nor algorithm is chosen.
	ErrNoAlgorithm = errors.New("neither a coin nor an algorithm is chosen")
	// ErrOtherAlgorithm: the coin has another algorithm than the one chosen.
	ErrOtherAlgorithm = errors.New("this coin has another algorithm")
	// ErrMixedSolo: some pools promise solo mining and some do not.
	ErrMixedSolo = errors.New("pools that promise solo mining and others cannot stand in one list")
	// ErrPayout: an address is needed, and there is none or no coin that says how to read it.
	ErrPayout = errors.New("solo mining needs a coin and your address of it")
	// ErrNoPreset: there is no pool of that name among those that come with the program.
	ErrNoPreset = errors.New("there is no preset of that name")
	// ErrTooManyPools: the presets have more servers than are tried.
	ErrTooManyPools = errors.New("these are too many pools")

	errNoVault = errors.New("there is no vault to fetch a password from")
)

// plan is what a configuration comes to.
type plan struct {
	algorithm hasher.Algorithm
	pools     []stratum.Pool
	proxy     jsonrpc.Proxy
	rules     engine.Rules
	solo      bool
	payout    []byte
	worthless string // the network of the payout address, unless its coins are worth something
}

// NewMining prepares mining; Run starts it, and contacts nobody before. See
// Contacts for whom it will.
func NewMining(ctx context.Context, o MineOptions) (*Mining, error) {
	if o.Dir == "" {
		var err error
		if o.Dir, err = DefaultDir(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
		}
	}
	c, presets, err := Expand(o.Config)
	if err != nil {
		return nil, err
	}
	m := &Mining{options: o, config: c, presets: presets, log: slog.New(slog.DiscardHandler)}
	if o.Log != nil {
		m.log = o.Log.Logger
	}
	if _, err := OpenKnownServers(o.Dir); err != nil {
		return nil, err
	}
	if m.plan, err = m.resolve(ctx, c); err != nil {
		return nil, err
	}
	m.session, err = core.NewSession(core.Config{
		Pools: m.plan.pools,
		Client: stratum.Config{
			Dialer:         &jsonrpc.Dialer{Proxy: m.plan.proxy, Roots: o.Roots, Trust: m.trust},
			VersionRolling: m.plan.algorithm == hasher.SHA256d,
			Suggest:        c.Difficulty,
		},
		Algorithm: m.plan.algorithm,
		// Room for a later wish for all of the machine.
		Lanes:    max(runtime.NumCPU(), m.plan.rules.Threads),
		Rules:    m.plan.rules,
		Machine:  sensors(),
		SoloPool: m.plan.solo,
		Payout:   m.plan.payout,
		Shares:   m.shared,
		Notice:   m.notice,
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// resolve makes a plan of a configuration, with secrets from the vault.
func (m *Mining) resolve(ctx context.Context, c config.Config) (p plan, err error) {
	if len(c.Pools) == 0 {
		return plan{}, ErrNoPool
	}
	if p.algorithm, err = algorithmOf(c); err != nil {
		return plan{}, err
	}
	p.rules = c.Rules()
	if err := p.rules.Validate(); err != nil {
		return plan{}, err
	}
	for i, pool := range c.Pools {
		if pool.Solo != c.Pools[0].Solo {
			return plan{}, ErrMixedSolo
		}
		q := stratum.Pool{User: pool.User, Password: pool.Password}
		if q.URL, err = stratum.ParseURL(pool.URL); err != nil {
			return plan{}, fmt.Errorf("pool %d: %w", i+1, err)
		}
		switch {
		case pool.PasswordKey != "":
			if q.Password, err = m.secret(ctx, pool.PasswordKey); err != nil {
				return plan{}, err
			}
		case q.Password == "":
			q.Password = m.options.Password
		}
		if q.Password == "" {
			q.Password = "x"
		}
		m.hide(q.Password)
		p.pools = append(p.pools, q)
	}
	if p.solo = c.Pools[0].Solo; p.solo {
		if p.payout, p.worthless, err = payoutScript(c); err != nil {
			return plan{}, err
		}
	}
	p.proxy, err = m.proxy(ctx, c)
	return p, err
}

func algorithmOf(c config.Config) (hasher.Algorithm, error) {
	if c.Coin == "" {
		if c.Algorithm == "" {
			return "", ErrNoAlgorithm
		}
		return hasher.ParseAlgorithm(c.Algorithm)
	}
	chosen, err := coin.ByID(c.Coin)
	if err != nil {
		return "", err
	}
	if c.Algorithm != "" && c.Algorithm != string(chosen.Algorithm) {
		return "", fmt.Errorf("%w: %s is mined with %s", ErrOtherAlgorithm, chosen.Name, chosen.Algorithm)
	}
	return chosen.Algorithm, nil
}

// payoutScript reads the person's own address. An address of a network whose
// coins are worth nothing is good for trying things out.
func payoutScript(c config.Config) (script []byte, worthless string, err error) {
	if c.Coin == "" || c.Payout == "" {
		return nil, "", ErrPayout
	}
	if h := config.Hidden(c.Payout); h != "" {
		return nil, "", fmt.Errorf("%w: %s", coin.ErrBadAddress, h)
	}
	chosen, err := coin.ByID(c.Coin)
	if err != nil {
		return nil, "", err
	}
	for i, network := range coin.Networks() {
		params, errParams := chosen.Params(network)
		if errParams != nil {
			continue // the coin has no such network
		}
		address, errAddress := params.ParseAddress(c.Payout)
		if errAddress == nil {
			if network != coin.Main {
				worthless = string(network)
			}
			return address.Script, worthless, nil
		}
		if i == 0 {
			err = errAddress // the most likely wish
		}
	}
	return nil, "", err
}

// proxy reads the proxy's address and fetches its password.
func (m *Mining) proxy(ctx context.Context, c config.Config) (jsonrpc.Proxy, error) {
	u, err := url.Parse(c.Proxy)
	if err != nil || c.ProxyKey == "" {
		return jsonrpc.ParseProxy(c.Proxy)
	}
	password, err := m.secret(ctx, c.ProxyKey)
	if err != nil {
		return jsonrpc.Proxy{}, err
	}
	m.hide(password)
	u.User = url.UserPassword(u.User.Username(), password)
	return jsonrpc.ParseProxy(u.String())
}

func (m *Mining) secret(ctx context.Context, id string) (string, error) {
	if m.options.Secret == nil {
		return "", errNoVault
	}
	return m.options.Secret(ctx, id)
}

func (m *Mining) hide(secret string) {
	if m.options.Log != nil {
		m.options.Log.Hide(secret)
	}
}

// trust asks the list of known servers as it is on the disk now: the person may
// have taken a server out of it.
func (m *Mining) trust(host string, leaf *x509.Certificate, why error) error {
	known, err := OpenKnownServers(m.options.Dir)
	if err != nil {
		return err
	}
	return known.Trust()(host, leaf, why)
}

// Trust keeps a server's key from now on, once the person has compared its
// fingerprint, and connects to it at once. Both are those of a
// jsonrpc.CertificateError.
func (m *Mining) Trust(host, fingerprint string) error {
	known, err := OpenKnownServers(m.options.Dir) // another copy may have written meanwhile
	if err != nil {
		return err
	}
	if err := known.Add(host, fingerprint); err != nil {
		return err
	}
	m.log.Info("server trusted", "host", host, "fingerprint", fingerprint)
	m.session.Retry()
	return nil
}

// Contacts lists whom Goldpan connects to: pools in order, as host:port, and the
// proxy that all goes through, or nothing.
func (m *Mining) Contacts() (hosts []string, proxy string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.plan.hosts(), m.plan.proxy.String()
}

func (p plan) hosts() (hosts []string) {
	for _, pool := range p.pools {
		if h := pool.URL.Host(); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// Presets are the presets that it mines on, as they were at the start.
func (m *Mining) Presets() []coin.Pool { return m.presets }

// Config returns the configuration in force, with servers in the place of presets.
func (m *Mining) Config() config.Config {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.config
}

// Reload takes up a changed configuration. If it cannot be mined, all stays as it
// was. What cannot change while it mines is named in later, and is taken up at
// the next start.
func (m *Mining) Reload(ctx context.Context, c config.Config) (later []string, err error) {
	c, _, err = Expand(c)
	var next plan
	if err == nil {
		next, err = m.resolve(ctx, c)
	}
	if err != nil {
		m.log.Error("settings not taken up", "error", message(err))
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fixed := range []struct {
		name    string
		changed bool
	}{
		{"the algorithm", next.algorithm != m.plan.algorithm},
		{"the proxy", next.proxy != m.plan.proxy},
		{"the payout address", next.solo != m.plan.solo || !slices.Equal(next.payout, m.plan.payout)},
		{"the difficulty", c.Difficulty != m.config.Difficulty},
		{"where other programs may look", c.API != m.config.API},
		{"more threads than this machine has processors", next.rules.Threads > max(runtime.NumCPU(), m.plan.rules.Threads)},
	} {
		if fixed.changed {
			later = append(later, fixed.name)
		}
	}
	pools := next.pools
	if next.algorithm != m.plan.algorithm || next.proxy != m.plan.proxy || next.solo != m.plan.solo {
		// The new pools may be of the new algorithm, or only for the new proxy.
		pools = m.plan.pools
		if !slices.Equal(next.pools, pools) {
			later = append(later, "the pools")
		}
	}
	if fresh := slices.DeleteFunc(plan{pools: pools}.hosts(), func(h string) bool { return slices.Contains(m.plan.hosts(), h) }); len(fresh) > 0 {
		m.notice(core.Notice{Time: time.Now(), Level: core.Info, Text: "From now on Goldpan may contact " + strings.Join(fresh, ", ") + " too."})
	}
	if err := m.session.SetPools(pools); err != nil {
		return nil, err
	}
	if err := m.session.SetRules(next.rules); err != nil {
		return nil, err
	}
	if m.options.Log != nil {
		m.options.Log.Set(c.Log)
	}
	m.plan.pools, m.plan.rules, m.config = pools, next.rules, c
	m.log.Info("settings taken up", "later", strings.Join(later, ", "))
	return later, nil
}

// Note writes down an error that mining itself did not see.
func (m *Mining) Note(what string, err error) { m.log.Error(what, "error", message(err)) }

// SetPaused lets the lanes rest, for a reason in words, until it is called with
// nothing.
func (m *Mining) SetPaused(why string) { m.session.SetPaused(why) }

// SetRules changes how much of the machine is used until settings are taken up
// again. Rules that are out of range change nothing and are an error.
func (m *Mining) SetRules(r engine.Rules) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.session.SetRules(r); err != nil {
		return err
	}
	m.plan.rules = r
	m.log.Info("limits and manners changed")
	return nil
}

// Worthless names the network of the payout address where its coins are worth
// nothing; "" otherwise.
func (m *Mining) Worthless() string { return m.plan.worthless }

// Run mines until ctx ends, which is no error, and writes down how it goes.
func (m *Mining) Run(ctx context.Context) error {
	hosts, proxy := m.Contacts()
	m.log.Info("mining begins", "version", core.Version, "algorithm", m.plan.algorithm, "hosts", strings.Join(hosts, " "), "proxy", proxy)
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		m.watch(ctx)
	}()
	err := m.session.Run(ctx)
	cancel()
	<-watched
	v := m.session.Snapshot()
	end := m.log.With("accepted", v.Accepted, "rejected", v.Rejected, "stale", v.Stale, "uptime", v.Uptime.Round(time.Second))
	if err != nil && !errors.Is(err, context.Canceled) {
		end.Error("mining ends", "error", message(err))
	} else {
		end.Info("mining ends")
	}
	return err
}

// watch writes down each change of state.
func (m *Mining) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last core.Snapshot
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		v := m.session.Snapshot()
		if v.State == last.State && v.Pool == last.Pool && v.Reason == last.Reason {
			continue
		}
		last = v
		level := slog.LevelInfo
		if v.State == core.StateDown {
			level = slog.LevelWarn
		}
		m.log.Log(ctx, level, v.State, "pool", v.Pool, "reason", v.Reason, "hashrate", int64(v.Hashrate), "difficulty", v.Difficulty)
	}
}

func (m *Mining) shared(r pow.Result) {
	switch r.Status {
	case pow.Rejected:
		m.log.Warn("share rejected", "pool", r.Pool, "code", r.Code, "reason", r.Reason)
	default:
		m.log.Debug("share "+r.Status.String(), "pool", r.Pool, "difficulty", r.Difficulty, "latency", r.Latency)
	}
	if m.options.Shares != nil {
		m.options.Shares(r)
	}
}

func (m *Mining) notice(n core.Notice) {
	level := slog.LevelInfo
	if n.Level == core.Warning {
		level = slog.LevelWarn
	}
	m.log.Log(context.Background(), level, n.Text, "quote", n.Quote)
	if m.options.Notice != nil {
		m.options.Notice(n)
	}
}

// message is what is written down of an error: the sentence that people get.
func message(err error) string {
	text, _ := Explain(err)
	return text
}

// Snapshot returns the mining as it is now.
func (m *Mining) Snapshot() core.Snapshot {
	v := m.session.Snapshot()
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := m.plan.rules.Threads; n > 0 {
		v.Lanes = min(v.Lanes, n)
	}
	return v
}
