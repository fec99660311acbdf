package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/app/desk/home"
	"goldpan/core/gateway"
	"goldpan/core/seal"
	"goldpan/vault"
)

// gatewayFlags are the flags of gateway.
type gatewayFlags struct {
	overrides                 overrides
	upstreams, hosts, servers list
	user                      string
	passwordFile, passwordKey string
	options                   desk.GatewayOptions
	store                     storeChoice
}

func gatewayCommand() command {
	return command{
		name:    "gateway",
		summary: "Let the devices at home mine together on one pool account.",
		usage: "--upstream URL [--upstream URL …] --user USER --algorithm sha256d|scrypt [--web ADDR] [--listen ADDR] [--listen-tls ADDR] [--password-file F | --password-key ID]\n\n" +
			"While it runs: goldpan gateway invite, devices, remove, rename, pause, resume and limit.\nWhat is not given here is taken from config.toml in the data directory: see goldpan config show.",
		groups: []group{
			{"the pool", []string{"upstream", "user", "algorithm", "coin", "password-file", "password-key", "proxy", "proxy-key"}},
			{"who is paid, as every device is shown it", []string{"payee", "payout"}},
			{"where devices come", []string{"web", "web-host", "listen", "listen-tls", "tls-cert", "tls-key", "public-url", "electrum", "max-devices"}},
		},
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			g := gatewayFlags{overrides: overrides{}}
			o := &g.options
			f.Var(&g.upstreams, "upstream", "`URL` of a pool: stratum+tcp://, stratum+tls://, ws:// or wss://, then HOST:PORT; preset:NAME is one that goldpan pools lists; may be given again for pools to fall back on")
			f.StringVar(&g.user, "user", "", "`USER` at the pool; often ADDRESS.WORKER")
			f.StringVar(&g.passwordFile, "password-file", "", "`FILE` that holds the password; - is standard input")
			f.StringVar(&g.passwordKey, "password-key", "", "`ID` of a password kept with goldpan key add")
			f.StringVar(&o.PayeeName, "payee", "", "`NAME` of who is paid; if not given, this household")
			f.StringVar(&o.Payee, "payout", "", "`ADDRESS` or account that is paid; if not given, the address that USER begins with")
			f.StringVar(&o.Web, "web", "", "serve the page for phones and browsers on `ADDR`, for example 192.168.1.20:8080, or :8080 for all of this machine's addresses")
			f.Var(&g.hosts, "web-host", "answer to this `NAME` too when the page is asked for; invitations are for the first; may be given again")
			f.StringVar(&o.Listen, "listen", "", "serve miner programs on `ADDR`, for example :3333; a device's token crosses the network in clear")
			f.StringVar(&o.ListenTLS, "listen-tls", "", "serve miner programs over TLS on `ADDR`, with --tls-cert and --tls-key")
			f.StringVar(&o.CertFile, "tls-cert", "", "`FILE` of a certificate with its chain; a renewed one is taken up by itself")
			f.StringVar(&o.KeyFile, "tls-key", "", "`FILE` of its key")
			f.StringVar(&o.PublicURL, "public-url", "", "`URL`, https://HOST, under which --web is a public page, encrypted with --tls-cert")
			f.Var(&g.servers, "electrum", "`URL` of a wallet server that a public page may use: tls://, tcp://, wss:// or ws://, then HOST:PORT; may be given again")
			f.IntVar(&o.MaxDevices, "max-devices", 32, "`N` devices at most, open invitations included")
			g.store = storeFlags(f)
			g.overrides.define(f, "algorithm", "algorithm", "`NAME` of the algorithm: sha256d or scrypt")
			g.overrides.define(f, "coin", "coin", "`ID` of the coin, which says the algorithm too: bitcoin, litecoin, dogecoin")
			g.overrides.define(f, "proxy", "proxy", "`URL` that connections to pools go through: socks5://HOST:PORT or http://HOST:PORT")
			g.overrides.define(f, "proxy-key", "proxy_key", "`ID` of the proxy's password, kept with goldpan key add")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				return t.gateway(ctx, &g)
			}
		},
	}
}

// gatewayConfig joins config.toml and the flags, which come first.
func (t *terminal) gatewayConfig(g *gatewayFlags) (config.Config, error) {
	dir, err := t.dir()
	if err != nil {
		return config.Config{}, err
	}
	c, err := config.Read(dir)
	if err != nil {
		return config.Config{}, err
	}
	if len(g.upstreams) > 0 {
		c.Pools = make([]config.Pool, len(g.upstreams))
	}
	for i, u := range g.upstreams {
		if err := checkPoolFlag(u); err != nil {
			return config.Config{}, usagef("%s", strings.Replace(strings.TrimPrefix(err.Error(), errUsage.Error()+": "), "--pool", "--upstream", 1))
		}
		if err := c.Set(fmt.Sprintf("pool.%d.url", i+1), u); err != nil {
			return config.Config{}, usagef("--upstream: %s", wrong(err))
		}
	}
	for i := range c.Pools {
		if g.user != "" {
			if err := c.Set(fmt.Sprintf("pool.%d.user", i+1), g.user); err != nil {
				return config.Config{}, usagef("--user: %s", wrong(err))
			}
		}
		p := &c.Pools[i]
		if g.passwordKey != "" || g.passwordFile != "" {
			p.PasswordKey, p.Password = g.passwordKey, ""
		}
		if p.User == "" {
			return config.Config{}, usagef("--upstream and --user are needed, and --algorithm or --coin")
		}
	}
	if len(c.Pools) == 0 {
		return config.Config{}, usagef("--upstream, --user and --algorithm are needed, or a pool in the settings")
	}
	return c, g.overrides.apply(&c)
}

// check says what is wrong with the flags alone.
func (g *gatewayFlags) check() error {
	o := &g.options
	switch {
	case g.passwordFile != "" && g.passwordKey != "":
		return usagef("--password-file and --password-key: one of them is enough")
	case o.Web == "" && o.Listen == "" && o.ListenTLS == "":
		return usagef("--web, --listen or --listen-tls is needed: devices must be able to come")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return usagef("--tls-cert and --tls-key are needed together")
	case o.CertFile == "" && (o.ListenTLS != "" || o.PublicURL != ""):
		return usagef("--tls-cert and --tls-key are needed for --listen-tls and --public-url")
	case o.CertFile != "" && o.ListenTLS == "" && o.PublicURL == "":
		return usagef("--tls-cert: --listen-tls or --public-url says what it is for")
	case o.PublicURL != "" && o.Web == "":
		return usagef("--public-url: --web ADDR says where to listen")
	case len(g.servers) > 0 && o.PublicURL == "":
		return usagef("--electrum: only a public page, with --public-url, is given a wallet server")
	case o.MaxDevices < 1 || o.MaxDevices > 20000:
		return usagef("--max-devices: a number from 1 to 20000")
	}
	for _, h := range g.hosts {
		o.WebHosts = append(o.WebHosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	o.Electrum = g.servers
	return nil
}

// gateway serves until ctx ends.
func (t *terminal) gateway(ctx context.Context, g *gatewayFlags) error {
	if err := g.check(); err != nil {
		return err
	}
	c, err := t.gatewayConfig(g)
	if err != nil {
		return err
	}
	o := g.options
	o.Config = c
	if o.Dir, err = t.dir(); err != nil {
		return err
	}
	if g.passwordFile != "" {
		if o.Password, err = t.secret(ctx, g.passwordFile, "Password"); err != nil {
			return err
		}
	}
	o.Secret = func(ctx context.Context, id string) (string, error) { return t.poolPassword(ctx, g.store, id) }
	var where string
	if o.Key, where, err = t.gatewayKey(ctx, g.store); err != nil {
		return err
	}
	if n := gateway.Collector(o.MaxDevices); n != 100 { // Go's own is 100, and the person's environment may say otherwise
		debug.SetGCPercent(n)
	}
	events := make(chan home.Event, 1024) // far beyond what comes between two looks
	o.Events = func(e home.Event) { offer(events, e) }
	run, err := desk.NewGateway(ctx, o)
	if err != nil {
		return err
	}
	w := gatewayWatch{t: t, g: run, live: t.live(), events: events}
	w.begin(where)
	return w.run(ctx)
}

// gatewayKey is the key that seals the list of devices, and where that list is, for people.
func (t *terminal) gatewayKey(ctx context.Context, c storeChoice) (key *seal.Key, where string, err error) {
	choice := desk.KeyStore(*c.store)
	switch choice {
	case desk.AutoStore, desk.KeyringStore, desk.FileStore:
	default:
		return nil, "", usagef("--store: keyring or file")
	}
	d, err := desk.Open(t.data)
	if err != nil {
		return nil, "", err
	}
	defer d.Close()
	return d.GatewayKey(ctx, choice, func(ctx context.Context, create bool) (vault.Secret, error) {
		s, err := t.newSecret(ctx, *c.passphraseFile, "Passphrase of the sealed keys", create)
		if err != nil {
			return vault.Secret{}, err
		}
		return vault.NewSecret([]byte(s)), nil
	})
}

// gatewayWatch tells how a gateway goes.
type gatewayWatch struct {
	t      *terminal
	g      *desk.Gateway
	live   bool
	events chan home.Event
	state  string
	looks  int
}

func (w *gatewayWatch) begin(where string) {
	s := w.g.Snapshot()
	w.t.emit(record{"type": "gateway", "page": s.Page, "stratum": s.Stratum, "payee": s.Payee.Name, "payout": s.Payee.Address, "sealed": s.Sealed})
	w.t.say("Every device is shown that it mines for %s, paid to %s", s.Payee.Name, s.Payee.Address)
	w.t.say("The list of devices is kept in %s.", where)
	if s.Page != "" {
		w.t.say("The page for phones and browsers is at %s", s.Page)
		w.t.say("Each needs an invitation: goldpan gateway invite --name \"My phone\"")
		if strings.HasPrefix(s.Page, "http://") {
			w.t.say("It goes over plain http: whoever is on your home network and alters it on the way can use a device while it is open. No key and no password is there to be found.")
		}
	}
	for _, at := range s.Stratum {
		w.t.say("Miner programs: %s, any user; the password is the device's token: goldpan gateway invite --miner --name \"My miner\"", at)
	}
}

func (w *gatewayWatch) run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- w.g.Run(ctx) }()
	again, stop := hangups()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case e := <-w.events:
			w.tell(e)
		case <-again:
			if err := w.g.Reload(); err == nil {
				w.t.say("The certificate was read again.")
			}
		case <-tick.C:
			w.look()
		case err := <-ended:
			for len(w.events) > 0 {
				w.tell(<-w.events)
			}
			s := w.g.Snapshot()
			w.t.say("Stopped. Devices and their accounts are kept; they log in again when the gateway is back.")
			w.t.emit(record{"type": "done", "accepted": s.Accepted, "stale": s.Stale, "rejected": s.Rejected, "sent": s.Sent, "taken": s.Taken, "uptime_s": s.Uptime.Seconds()})
			return err
		}
	}
}

func (w *gatewayWatch) tell(e home.Event) {
	r := record{"type": "event", "event": e.Kind}
	if e.Device != "" {
		r["device"], r["name"] = e.Device, e.Name
	}
	if e.Text != "" {
		r["message"] = e.Text
	}
	w.t.emit(r)
	switch e.Kind {
	case "joined":
		w.t.say("%s is here.", e.Name)
	case "left":
		w.t.say("%s has left.", e.Name)
	case "pool":
		w.t.say("The pool says: %s", e.Text)
	default:
		w.t.say("%s", e.Text)
	}
}

func (w *gatewayWatch) look() {
	s := w.g.Snapshot()
	state, reason, pool := "connecting", "", ""
	if len(s.Upstreams) > 0 {
		state, reason, pool = s.Upstreams[0].State, s.Upstreams[0].Reason, s.Upstreams[0].Pool
	}
	w.t.emit(record{"type": "status", "pool": pool, "state": state, "reason": reason, "devices": s.Connected, "upstreams": len(s.Upstreams),
		"hashrate": s.Hashrate, "accepted": s.Accepted, "rejected": s.Rejected, "stale": s.Stale, "sent": s.Sent, "taken": s.Taken, "uptime_s": s.Uptime.Seconds()})
	if w.t.json {
		return
	}
	if now := state + pool + reason; now != w.state {
		w.state = now
		switch {
		case reason != "":
			w.t.say("%s: %s (%s)", pool, state, reason)
		default:
			w.t.say("%s: %s", pool, state)
		}
	}
	line := fmt.Sprintf("%s · %d of %d devices here · %s · %d shares counted · %d of %d taken by the pool", state, s.Connected, w.present(s), rate(s.Hashrate), s.Accepted, s.Taken, s.Sent)
	switch {
	case w.live:
		w.t.redraw(line)
	case w.looks%15 == 5: // a log wants fewer lines
		w.t.say("%s", line)
	}
	w.looks++
}

// present counts the devices that have not been removed.
func (w *gatewayWatch) present(s home.Snapshot) (n int) {
	for _, d := range s.Devices {
		if d.Removed.IsZero() {
			n++
		}
	}
	return n
}
