package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core"
	"goldpan/core/jsonrpc"
	"goldpan/core/pow"
)

// What has never worked is tried at least so often, and for so long, before it is
// taken for a mistake in an address: a router or a server may be starting.
const (
	minAttempts = 3
	minTrying   = 15 * time.Second
)

// gaveEnough tells whether that is done.
func (t *terminal) gaveEnough(v core.Snapshot) bool {
	trying := minTrying
	if t.trying > 0 {
		trying = t.trying
	}
	return !v.Worked && v.Failures >= minAttempts && v.Uptime >= trying
}

// mineWatch tells how mining goes.
type mineWatch struct {
	t      *terminal
	mining *desk.Mining
	goal   mineGoal
	live   bool
	reread func() (config.Config, error)

	shares  chan pow.Result
	notices chan core.Notice
	answers chan bool // to the question about a certificate

	looks   int
	state   string
	down    string          // what was said of a pool that is down; "" since one has worked
	offered map[string]bool // certificates that were told of
	kept    map[string]bool // those that the person trusts now
	asking  *jsonrpc.CertificateError
}

// errNeverWorked ends mining for a while that never was any.
var errNeverWorked = errors.New("no pool gave any work in that time")

func (w *mineWatch) share(r pow.Result)   { offer(w.shares, r) }
func (w *mineWatch) notice(n core.Notice) { offer(w.notices, n) }

// run mines until the goal is reached or ctx ends.
func (w *mineWatch) run(ctx context.Context) error {
	w.begin()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	atTerminal := hasTerminal()
	hangups, stop := hangups()
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.mining.Run(ctx) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var deadline <-chan time.Time
	if w.goal.span > 0 {
		timer := time.NewTimer(w.goal.span)
		defer timer.Stop()
		deadline = timer.C
	}
	reached := false
	var gaveUp error
	for {
		select {
		case r := <-w.shares:
			w.t.emit(desk.ShareRecord(r))
			if w.goal.shares > 0 && w.mining.Snapshot().Accepted >= w.goal.shares {
				reached = true
				cancel()
			}
		case n := <-w.notices:
			w.tell(n)
		case <-deadline:
			if v := w.mining.Snapshot(); !v.Worked && gaveUp == nil {
				gaveUp = errNeverWorked
				if v.Err != nil {
					gaveUp = v.Err
				}
			}
			reached = true
			cancel()
		case <-hangups:
			if atTerminal && !hasTerminal() {
				cancel() // the window was closed, and nothing mines on unseen
				continue
			}
			w.reload(ctx)
		case yes := <-w.answers:
			gaveUp = w.answered(yes)
			if gaveUp != nil {
				cancel()
			}
		case <-tick.C:
			if err := w.look(ctx); err != nil && gaveUp == nil {
				gaveUp = err
				cancel()
			}
		case err := <-ended:
			w.end()
			if err == nil {
				err = gaveUp
			}
			if err == nil && (w.goal.shares > 0 || w.goal.span > 0) && !reached {
				err = errInterrupted
			}
			return err
		}
	}
}

// begin says what will be done, and whom it contacts, before it is.
func (w *mineWatch) begin() {
	hosts, proxy := w.mining.Contacts()
	text := "Goldpan will contact " + strings.Join(hosts, ", ")
	if proxy != "" {
		text += ", all through the proxy " + proxy
	}
	w.t.say("%s, and nobody else.", text)
	w.t.emit(record{"type": "contacts", "hosts": hosts, "proxy": proxy})
	for _, p := range w.mining.Presets() {
		w.t.say("%s.", strings.TrimSuffix(aboutPool(p), "."))
	}
	if n := w.mining.Worthless(); n != "" {
		w.t.say("The payout address is of the %s network: its coins are worth nothing.", n)
	}
	v := w.mining.Snapshot()
	c := w.mining.Config()
	w.t.say("It will mine %s on %s as %s, with %d %s. Ctrl-C stops.", v.Algorithm, v.Pool, c.Pools[0].User, v.Lanes, threadsWord(v.Lanes))
}

// tell passes a notice on.
func (w *mineWatch) tell(n core.Notice) {
	w.t.emit(record{"type": "notice", "level": n.Level, "text": n.Text, "quote": n.Quote})
	text := n.Text
	if n.Level == core.Warning {
		text = "Warning: " + text
	}
	if n.Quote != "" {
		text += " “" + n.Quote + "”"
	}
	w.t.say("%s", text)
}

// look tells how it stands; an error says that there is no use in going on.
func (w *mineWatch) look(ctx context.Context) error {
	v := w.mining.Snapshot()
	w.t.emit(desk.StatusRecord(v))
	w.tellState(v)
	w.looks++
	w.t.rates(w.looks, v)
	if w.looks == unmeasuredLook {
		w.t.unmeasured(v, w.mining.Config())
	}
	if v.Worked {
		return nil
	}
	return w.hopeless(ctx, v)
}

// tellState tells people how it stands: why a pool is down once, however often it
// is tried.
func (w *mineWatch) tellState(v core.Snapshot) {
	changed := v.State+v.Pool+v.Reason != w.state
	w.state = v.State + v.Pool + v.Reason
	down := ""
	if v.State == core.StateDown && v.Err != nil {
		message, hint := desk.Explain(v.Err)
		down = strings.TrimSpace("Down: " + message + ". " + hint)
	}
	switch line := statusLine(v); {
	case w.asking != nil: // the question stands on the screen
	case down != "" && errors.Is(v.Err, jsonrpc.ErrCertificate) && !v.Worked: // told with what to do
	case down != "" && down != w.down:
		w.down = down
		w.t.say("%s", down)
	case w.t.json && !changed:
	case w.live:
		w.t.redraw(line)
	case w.looks%15 == 0:
		w.t.say("%s", line)
	case w.down != "" && (v.State == core.StateDown || v.State == core.StateConnecting): // one more attempt
	case changed:
		w.t.say("%s", line)
	}
	if v.State == core.StateMining {
		w.down = ""
	}
}

// unmeasuredLook is the look at which sensors have had their time to answer.
const unmeasuredLook = 15

// unmeasured tells once which limits have no effect on this machine, if the person
// set them. A fresh settings file has limits that not every machine can hold.
func (t *terminal) unmeasured(v core.Snapshot, c config.Config) {
	fresh := config.Default()
	if len(v.Unmeasured) == 0 || c.Manners.WhileActive == fresh.Manners.WhileActive && c.Limits.Celsius == fresh.Limits.Celsius && c.Limits.Watts == 0 && c.Manners.OthersPercent == 0 {
		return
	}
	text := "Note: " + strings.Join(v.Unmeasured, "; ") + "."
	t.say("%s", text)
	t.emit(record{"type": "notice", "level": core.Info, "text": text, "quote": ""})
}

// hopeless tells whether pools that have never given work are worth waiting for.
// Pools that have are waited for as long as it takes; ones that never did are
// more likely a mistake in an address.
func (w *mineWatch) hopeless(ctx context.Context, v core.Snapshot) error {
	failing, unknown := 0, 0
	for _, p := range v.Pools {
		var c *jsonrpc.CertificateError
		switch {
		case p.Err == nil:
			continue
		case errors.As(p.Err, &c):
			if w.kept[c.Host+c.Fingerprint] {
				continue // from before it was trusted
			}
			unknown++
			w.offer(ctx, p.Pool, c, len(v.Pools) == 1)
		}
		failing++
	}
	switch {
	case w.asking != nil:
		return nil
	case failing == len(v.Pools) && unknown == failing && v.Err != nil:
		return w.certificate(v) // trying again makes no certificate better
	case failing == len(v.Pools) && w.t.gaveEnough(v):
		return v.Err
	}
	return nil
}

// certificate is the error of the first pool whose certificate was not accepted.
func (w *mineWatch) certificate(v core.Snapshot) error {
	for _, p := range v.Pools {
		var c *jsonrpc.CertificateError
		if errors.As(p.Err, &c) && c.MayTrust() {
			return &untrusted{pinned(p.Pool, c.Fingerprint), p.Err}
		}
	}
	return v.Err
}

// untrusted is a certificate error with the address that accepts it.
type untrusted struct {
	pool string
	err  error
}

func (u *untrusted) Error() string { return u.err.Error() }
func (u *untrusted) Unwrap() error { return u.err }

// hint says exactly how to accept the certificate.
func (u *untrusted) hint() string {
	return fmt.Sprintf("Compare the fingerprint with the one that the pool publishes. If it is the same, accept it with --pool '%s'", u.pool)
}

// pinned adds a pin to a pool's address.
func pinned(pool, fingerprint string) string {
	if strings.Contains(pool, "?") {
		return pool + "&pin=" + fingerprint
	}
	return pool + "?pin=" + fingerprint
}

// offer tells once of a certificate that nobody vouches for, and asks whoever
// sits at a terminal whether to trust it. Where it is about the only pool, the
// error that ends the command tells of it otherwise.
func (w *mineWatch) offer(ctx context.Context, pool string, c *jsonrpc.CertificateError, only bool) {
	id := c.Host + c.Fingerprint
	if w.asking != nil || w.offered[id] {
		return
	}
	w.offered[id] = true
	message, hint := desk.Explain(c)
	if !c.MayTrust() || !w.t.interactive() {
		if only {
			return
		}
		if c.MayTrust() {
			hint = (&untrusted{pinned(pool, c.Fingerprint), c}).hint()
		}
		w.t.say("%s: %s. %s", pool, message, hint)
		return
	}
	w.asking = c
	w.t.say("%s: %s.\nCompare the fingerprint with the one that the pool publishes. If it is the same, Goldpan can keep it, and will refuse any other from then on.\nIs it the same, and shall it be kept? y/N", pool, message)
	go func() { w.answers <- w.t.yes(ctx) }()
}

// answered takes the person's word on the certificate that was asked about.
func (w *mineWatch) answered(yes bool) error {
	c := w.asking
	w.asking = nil
	if !yes {
		w.t.say("It is not trusted, and nothing was sent to it.")
		return nil // the next look ends it, or another pool serves
	}
	if err := w.mining.Trust(c.Host, c.Fingerprint); err != nil {
		return err
	}
	w.kept[c.Host+c.Fingerprint] = true
	w.t.say("Kept. Goldpan connects again.")
	return nil
}

// reload takes up config.toml as it is now.
func (w *mineWatch) reload(ctx context.Context) {
	c, err := w.reread()
	var later []string
	if err == nil {
		later, err = w.mining.Reload(ctx, c)
	} else {
		w.mining.Note("settings not taken up", err)
	}
	if err != nil {
		message, _ := desk.Explain(err)
		w.t.say("The settings stay as they were: %s.", message)
		w.t.emit(record{"type": "reload", "ok": false, "message": message})
		return
	}
	w.t.say("The settings were read again.")
	if len(later) > 0 {
		w.t.say("Taken up at the next start: %s.", strings.Join(later, ", "))
	}
	w.t.emit(record{"type": "reload", "ok": true, "later": later})
}

// end tells the rest and the totals, which count it.
func (w *mineWatch) end() {
	for len(w.shares) > 0 {
		w.t.emit(desk.ShareRecord(<-w.shares))
	}
	for len(w.notices) > 0 {
		w.tell(<-w.notices)
	}
	v := w.mining.Snapshot()
	w.t.emit(desk.StatusRecord(v))
	w.t.say("Stopped after %s: %d shares accepted, %d rejected, %d stale.", v.Uptime.Round(time.Second), v.Accepted, v.Rejected, v.Stale)
	w.t.emit(desk.TotalsRecord(v))
}

func statusLine(s core.Snapshot) string {
	switch s.State {
	case core.StateMining:
		line := "Mining at " + rate(s.Hashrate)
		if s.Hashrate < 1 { // nothing is measured yet
			line = "Mining begins"
		}
		if len(s.Pools) > 1 {
			line += " on " + s.Pool
		}
		line += fmt.Sprintf(" · %d shares accepted, %d rejected, %d stale · %s", s.Accepted, s.Rejected, s.Stale, s.Uptime.Round(time.Second))
		for _, more := range []string{s.Slowed, s.Reason, s.Warning} {
			if more != "" {
				line += " · " + more
			}
		}
		return line
	case core.StatePaused:
		return "Paused: " + s.Reason
	case core.StateDown:
		return "The pool is down: " + s.Reason
	}
	return "Connecting to the pool …"
}
