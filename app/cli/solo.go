package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/coin"
	"goldpan/core/jsonrpc"
	"goldpan/core/template"
	"goldpan/vault"
)

func soloCommand() command {
	return command{
		name:    "solo",
		summary: "Mine on your own node, without a pool.",
		usage: "--node URL --payout ADDRESS --coin COIN [--network main|test|regtest] [--node-user U] [--node-password-file F | --node-password-key ID | --node-cookie F]\n" +
			"       [--node-certificate F] [--proxy URL] [limits] [manners] [--blocks N] [--for DURATION]\n\n" +
			"Limits, manners, proxy and log are those of config.toml in the data directory, unless they are given here: see goldpan config show.",
		groups: []group{
			{"where", []string{"node", "coin", "network", "payout", "payout-wallet", "wallet-passphrase-file", "node-user", "node-password-file", "node-password-key", "node-cookie", "node-certificate", "proxy", "proxy-key"}},
			limitOptions, mannerOptions, apiOptions,
			{"until when", []string{"blocks", "for"}},
		},
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			var o desk.SoloOptions
			settings, logHere := overrides{}, false
			var goal soloGoal
			f.StringVar(&o.Node, "node", "", "`URL` of the node's RPC port: http://127.0.0.1:PORT on this machine, https://HOST:PORT elsewhere; the port may be left out")
			f.StringVar(&o.User, "node-user", "", "`USER` that the node knows")
			passwordFile := f.String("node-password-file", "", "`FILE` that holds the node's password; - is standard input")
			passwordKey := f.String("node-password-key", "", "`ID` of a password kept with goldpan key add --kind node")
			f.StringVar(&o.CookieFile, "node-cookie", "", "`FILE` named .cookie that the node writes when it starts, instead of user and password")
			f.StringVar(&o.CertificateFile, "node-certificate", "", "`FILE` with the certificate (PEM) that the node shows, if it is its own; btcd calls it rpc.cert")
			settings.define(f, "proxy", "proxy", "`URL` of a proxy for a node on another machine: socks5://HOST:PORT or http://HOST:PORT")
			settings.define(f, "proxy-key", "proxy_key", "`ID` of the proxy's password, kept with goldpan key add; its user stands in the URL")
			f.StringVar(&o.Payout, "payout", "", "`ADDRESS` of yours that a block's reward is paid to; or wallet, for the next address of your wallet")
			payout := definePayout(f)
			f.StringVar(&o.Coin, "coin", "", "`COIN` that the node is of: bitcoin, litecoin or dogecoin (dogecoin is not tested against a node)")
			f.StringVar(&o.Network, "network", string(coin.Main), "`NETWORK` that the node is of: main, test or regtest")
			store := storeFlags(f)
			settings.defineRules(f)
			tokenFile := settings.defineAPI(f)
			f.BoolVar(&logHere, "log-stderr", false, "write what goes to goldpan.log to standard error too")
			f.Uint64Var(&goal.blocks, "blocks", 0, "end after `N` blocks that the node has taken")
			f.DurationVar(&goal.span, "for", 0, "end after this `DURATION`, for example 10m")
			return func(ctx context.Context, args []string) (err error) {
				if err := noArguments(args); err != nil {
					return err
				}
				if o.Node == "" || o.Payout == "" || o.Coin == "" {
					return usagef("--node, --payout and --coin are needed")
				}
				if goal.span < 0 {
					return usagef("--for: a duration from 1s upward")
				}
				dir, err := t.dir()
				if err != nil {
					return err
				}
				read := func() (config.Config, error) {
					c, err := config.Read(dir)
					if err == nil {
						err = settings.apply(&c)
					}
					return c, err
				}
				c, err := read()
				if err != nil {
					return err
				}
				o.Rules = c.Rules()
				if !onThisMachine(o.Node) {
					o.Proxy = c.Proxy
				}
				ways := 0
				for _, way := range []string{*passwordFile, *passwordKey, o.CookieFile} {
					if way != "" {
						ways++
					}
				}
				switch {
				case ways > 1:
					return usagef("--node-password-file, --node-password-key and --node-cookie: one of them is enough")
				case o.CookieFile != "" && o.User != "":
					return usagef("--node-cookie: the cookie holds the user too, so leave out --node-user")
				case ways > 0 && o.CookieFile == "" && o.User == "":
					return usagef("--node-user is needed with a password")
				case o.User != "" && ways == 0:
					return usagef("--node-password-file or --node-password-key is needed with --node-user")
				}
				if stdinTwice(*passwordFile, *tokenFile, *payout.passphraseFile) {
					return usagef("standard input can hold one secret, not two")
				}
				if err := payout.needless(o.Payout); err != nil {
					return err
				}
				if o.Payout == ownWallet {
					if o.Payout, err = t.payoutAddress(ctx, payout, o.Coin, o.Network); err != nil {
						return err
					}
				}
				if err := checkSolo(o); err != nil {
					return err
				}
				switch {
				case *passwordFile != "":
					o.Password, err = t.secret(ctx, *passwordFile, "Password")
				case *passwordKey != "":
					o.Password, err = t.nodePassword(ctx, store, *passwordKey)
				}
				if err == nil && o.Proxy != "" && c.ProxyKey != "" {
					o.Proxy, err = t.withPassword(ctx, store, o.Proxy, c.ProxyKey)
				}
				if err != nil {
					return err
				}
				if o.Log = t.openLog(dir, c.Log, logHere); o.Log != nil {
					defer o.Log.Close()
				}
				return t.solo(ctx, o, goal, read, func(ctx context.Context, m watched) (func(), error) {
					return t.serveAPI(ctx, store, c.API, *tokenFile, m)
				})
			}
		},
	}
}

// onThisMachine tells whether an address is reached without leaving this machine,
// and so without a proxy.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// withPassword adds to a proxy's address its password from the vault.
func (t *terminal) withPassword(ctx context.Context, c storeChoice, proxy, id string) (string, error) {
	u, err := url.Parse(proxy)
	if err != nil {
		return "", jsonrpc.ErrProxy
	}
	password, err := t.poolPassword(ctx, c, id)
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), err
}

// checkSolo finds what is wrong with the options before a secret is asked for. Login
// is wanted already: it decides whether the connection may be in clear text.
func checkSolo(o desk.SoloOptions) error {
	if u, err := url.Parse(o.Node); err != nil {
		return usagef("--node: it cannot be read")
	} else if u.User != nil {
		return usagef("--node: a user and a password do not belong in it; see --node-user")
	}
	if o.User != "" {
		o.Password = "x"
	}
	_, err := desk.NewSolo(o)
	for _, wrong := range []struct {
		err  error
		flag string
	}{
		{template.ErrAddress, "--node"},
		{template.ErrClearText, "--node"},
		{coin.ErrCoin, "--coin"},
		{coin.ErrNetwork, "--network"},
		{desk.ErrNoSolo, "--network"},
	} {
		if errors.Is(err, wrong.err) {
			message, hint := desk.Explain(err)
			return usagef("%s: %s", wrong.flag, strings.TrimSpace(message+". "+hint))
		}
	}
	return err
}

// nodePassword fetches the password that a node is to be sent.
func (t *terminal) nodePassword(ctx context.Context, c storeChoice, id string) (password string, err error) {
	err = t.keys(ctx, c, func(v *vault.Vault) error {
		b, err := v.NodePassword(ctx, id)
		password = string(b)
		vault.Wipe(b)
		return err
	})
	return password, err
}

// soloGoal is when solo mining is done; zeros never are.
type soloGoal struct {
	blocks uint64
	span   time.Duration
}

// solo mines until the goal is reached or ctx ends, by the limits and manners that
// read returns. What serve opens is served meanwhile.
func (t *terminal) solo(ctx context.Context, o desk.SoloOptions, goal soloGoal, read func() (config.Config, error), serve func(context.Context, watched) (func(), error)) error {
	shares, blocks := make(chan desk.Share, 1024), make(chan desk.SoloBlock, 1024)
	o.Shares = func(r desk.Share) { offer(shares, r) }
	o.Block = func(b desk.SoloBlock) { offer(blocks, b) }
	o.Notice = func(n core.Notice) { t.say("%s", n.Text) }
	s, err := desk.NewSolo(o)
	if err != nil {
		return err
	}
	start := s.Snapshot()
	t.say("Mining %s on your own node at %s. A block pays %s. Ctrl-C stops.", start.Coin.Name, start.Pool, o.Payout)
	if start.Worthless() {
		t.say("These are coins of the network %s, worth nothing.", start.Network)
	}
	if start.Coin.ID == "dogecoin" {
		t.say("Dogecoin's rules are followed, but this has not been tested against a Dogecoin node.")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served, err := serve(ctx, s)
	if err != nil {
		return err
	}
	defer served()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w := soloWatch{t: t, live: t.live(), rules: read}
	atTerminal := hasTerminal()
	hangups, stop := hangups()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var deadline <-chan time.Time
	if goal.span > 0 {
		timer := time.NewTimer(goal.span)
		defer timer.Stop()
		deadline = timer.C
	}
	reached := false
	var gaveUp error
	for {
		select {
		case r := <-shares:
			t.emit(desk.ShareRecord(r))
		case b := <-blocks:
			if w.block(b); goal.blocks > 0 && w.blocks >= goal.blocks {
				reached = true
				cancel()
			}
		case <-deadline:
			reached = true
			cancel()
		case <-hangups:
			if atTerminal && !hasTerminal() {
				cancel() // the window was closed, and nothing mines on unseen
				continue
			}
			w.reload(s)
		case <-tick.C:
			v := s.Snapshot()
			w.look(v)
			// A node that has worked is waited for as long as it takes, and one that
			// is not ready will be; one that never answered is more likely a mistake
			// in its address.
			if t.gaveEnough(v.Snapshot) && !waits(v.Err) {
				gaveUp = v.Err
				cancel()
			}
		case err := <-ended:
			for len(shares) > 0 { // the totals count them, so they are told
				t.emit(desk.ShareRecord(<-shares))
			}
			for len(blocks) > 0 {
				w.block(<-blocks)
			}
			v := s.Snapshot()
			t.say("Stopped after %s: %d %s found.", v.Uptime.Round(time.Second), v.Blocks, blocksWord(v.Blocks))
			done := desk.TotalsRecord(v.Snapshot)
			done["blocks"] = v.Blocks
			t.emit(done)
			if err == nil {
				err = gaveUp
			}
			if err == nil && (goal.blocks > 0 || goal.span > 0) && !reached {
				err = errInterrupted
			}
			return err
		}
	}
}

// waits tells whether a node will be ready by itself.
func waits(err error) bool {
	return errors.Is(err, template.ErrSyncing) || errors.Is(err, template.ErrNoPeers) || errors.Is(err, template.ErrBusy)
}

// soloWatch tells how solo mining goes.
type soloWatch struct {
	t      *terminal
	live   bool
	rules  func() (config.Config, error)
	looks  int
	state  string
	odds   string
	blocks uint64
}

// reload takes up the limits and manners as they are now.
func (w *soloWatch) reload(s *desk.Solo) {
	c, err := w.rules()
	if err == nil {
		err = s.SetRules(c.Rules())
	}
	if err != nil {
		message, _ := desk.Explain(err)
		w.t.say("The settings stay as they were: %s.", message)
		w.t.emit(record{"type": "reload", "ok": false, "message": message})
		return
	}
	w.t.say("The limits and manners were read again; all else is taken up at the next start.")
	w.t.emit(record{"type": "reload", "ok": true})
}

func (w *soloWatch) block(b desk.SoloBlock) {
	w.blocks++
	w.t.print(desk.SoloBlockRecord(b), "Block %d found, and your node has taken it: %s. Its reward is yours: %s coins.", b.Height, b.Hash, b.Reward)
}

func (w *soloWatch) look(v desk.SoloSnapshot) {
	w.t.emit(desk.SoloRecord(v))
	line := soloLine(v)
	switch changed := v.State+v.Reason != w.state; {
	case changed && v.State == core.StateDown && v.Err != nil:
		_, hint := desk.Explain(v.Err)
		end := ". "
		if strings.HasSuffix(v.Reason, "?") {
			end = " "
		}
		w.t.say("%s", strings.TrimSpace("Waiting: "+v.Reason+end+hint))
	case w.t.json:
	case w.live:
		w.t.redraw(line)
	case changed || w.looks%15 == 0:
		w.t.say("%s", line)
	}
	w.state = v.State + v.Reason
	w.looks++
	if c, err := w.rules(); w.looks == unmeasuredLook && err == nil {
		w.t.unmeasured(v.Snapshot, c)
	}
	// Once the rate has settled, what to expect of it; again when it has changed.
	if v.Uptime >= 10*time.Second && v.Odds != "" && (w.odds == "" || w.looks%600 == 0 && v.Odds != w.odds) {
		w.odds = v.Odds
		w.t.say("%s", v.Odds)
	}
}

func blocksWord(n uint64) string {
	if n == 1 {
		return "block"
	}
	return "blocks"
}

func soloLine(v desk.SoloSnapshot) string {
	line := statusLine(v.Snapshot)
	switch v.State {
	case core.StateMining:
		line = fmt.Sprintf("Looking for block %d at %s · %d found · %s", v.Height, rate(v.Hashrate), v.Blocks, v.Uptime.Round(time.Second))
		if v.Reason != "" {
			line += " · " + v.Reason
		}
	case core.StateDown:
		line = "Waiting for the node: " + v.Reason
	case core.StateConnecting:
		line = "Asking the node …"
	}
	return line
}
