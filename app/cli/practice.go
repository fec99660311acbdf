package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"goldpan/app/desk"
	"goldpan/app/desk/config"
	"goldpan/core/hasher"
	"goldpan/core/pow"
	"goldpan/wallet"
)

func practiceCommand() command {
	return command{
		name:    "practice",
		summary: "Mine practice coins, worth nothing, on a network inside this program.",
		usage:   "[--algorithm sha256d|scrypt] [--blocks N] [--threads N] [--limit PERCENT] [--web ADDR] [--listen ADDR] [--api ADDR]",
		prepare: func(t *terminal, f *flag.FlagSet) func(context.Context, []string) error {
			var o desk.PracticeOptions
			algorithm := f.String("algorithm", string(hasher.SHA256d), "`NAME` of the algorithm: sha256d (Bitcoin's) or scrypt (Litecoin's)")
			blocks := f.Int("blocks", 0, "end after `N` further blocks, once the wallet shows their rewards; 0 goes on until stopped")
			f.IntVar(&o.Threads, "threads", 0, "`N` threads; 0 takes one for each processor")
			f.IntVar(&o.Limit, "limit", 100, "`PERCENT` of each thread's time")
			f.StringVar(&o.Web, "web", "", "serve the page for phones and browsers on `ADDR`, for example 127.0.0.1:8080")
			var hosts list
			f.Var(&hosts, "web-host", "answer to this `NAME` too when the page is asked for; may be given again")
			f.StringVar(&o.Listen, "listen", "", "serve other miner programs on `ADDR`, for example 127.0.0.1:3333")
			address := f.String("api", "", "let programs on this machine look, at `ADDR`, for example 127.0.0.1:4880")
			return func(ctx context.Context, args []string) error {
				if err := noArguments(args); err != nil {
					return err
				}
				for _, h := range hosts {
					o.WebHosts = append(o.WebHosts, strings.ToLower(h))
				}
				var err error
				if o.Algorithm, err = hasher.ParseAlgorithm(*algorithm); err != nil {
					return usagef("--algorithm: %s", err)
				}
				if err := checkEffort(o.Threads, o.Limit); err != nil {
					return err
				}
				if *blocks < 0 {
					return usagef("--blocks: a number from 1 upward")
				}
				return t.practice(ctx, o, *blocks, *address)
			}
		},
	}
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// checkEffort checks --threads and --limit.
func checkEffort(threads, limit int) error {
	if threads < 0 || threads > 1024 {
		return usagef("--threads: a number from 1 to 1024")
	}
	if limit < 1 || limit > 100 {
		return usagef("--limit: a percentage from 1 to 100")
	}
	return nil
}

// practice runs until ctx ends or, if blocks is not 0, that many blocks were
// found and the wallet has seen them.
func (t *terminal) practice(ctx context.Context, o desk.PracticeOptions, blocks int, address string) error {
	d, err := desk.Open(t.data)
	if err != nil {
		return err
	}
	defer d.Close()
	// Buffered far beyond what comes between two looks, so that nobody waits.
	found, shares := make(chan desk.Block, 1024), make(chan pow.Result, 1024)
	o.Progress = func(what string) { t.say("%s …", what) }
	o.Block = func(b desk.Block) { offer(found, b) }
	o.Share = func(r pow.Result) { offer(shares, r) }
	p, err := d.Practice(ctx, o)
	if err != nil {
		return err
	}
	start := p.Snapshot()
	t.say("You mine %s practice coins, worth nothing, into the wallet %s", start.Coin.Name, start.Address)
	if start.WebURL != "" {
		t.say("The page for browsers is at %s", start.WebURL)
	}
	if start.Listen != "" {
		t.say("Other miner programs: %s, user %s", start.Listen, start.Address)
	}
	t.say("Blocks come about every ten seconds once their difficulty fits this machine; the first few dozen may come quicker, or slower. A reward can be spent once four more blocks are found. Ctrl-C stops.")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop, err := t.serveAPI(ctx, storeChoice{}, config.API{Listen: address}, "", p)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()

	w := practiceWatch{t: t, p: p, live: t.live()}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case b := <-found:
			w.block(b)
		case r := <-shares:
			t.emit(desk.ShareRecord(r))
		case <-tick.C:
			w.look()
			if s := p.Snapshot(); blocks > 0 && w.blocks >= blocks && s.Synced && s.Height >= w.height {
				cancel()
			}
		case err := <-ended:
			for len(found) > 0 { // the totals count them, so they are told
				w.block(<-found)
			}
			for len(shares) > 0 {
				t.emit(desk.ShareRecord(<-shares))
			}
			w.balance(p.Snapshot().Balance)
			s := p.Snapshot()
			t.say("Stopped. %d blocks, %d shares accepted. Your practice wallet is kept.", w.blocks, s.Mining.Accepted)
			done := desk.TotalsRecord(s.Mining)
			done["blocks"], done["height"] = w.blocks, s.Height
			t.emit(done)
			if err == nil && blocks > 0 && w.blocks < blocks {
				err = errInterrupted
			}
			return err
		}
	}
}

// errInterrupted ends a command that was stopped before it had done what it was
// asked for.
var errInterrupted = errors.New("stopped before the work was done")

// offer hands v on unless the channel is full, which means that nobody looks.
func offer[T any](c chan<- T, v T) {
	select {
	case c <- v:
	default:
	}
}

// practiceWatch tells how a practice goes.
type practiceWatch struct {
	t      *terminal
	p      *desk.Practice
	live   bool
	looks  int
	blocks int
	height int32
	last   wallet.Balance
	told   bool
	note   string
}

func (w *practiceWatch) block(b desk.Block) {
	w.blocks++
	w.height = b.Height
	r := desk.BlockRecord(b)
	if b.Mine {
		w.t.print(r, "Block %d found. Its reward is yours: 50 practice coins, worth nothing.", b.Height)
	} else {
		w.t.print(r, "Block %d found by %s.", b.Height, b.Worker)
	}
}

func (w *practiceWatch) look() {
	s := w.p.Snapshot()
	if s.Synced || !w.told {
		w.balance(s.Balance)
	}
	if s.Note != w.note {
		if w.note = s.Note; s.Note != "" {
			w.t.say("%s", s.Note)
		}
	}
	w.t.emit(desk.StatusRecord(s.Mining))
	switch line := statusLine(s.Mining); {
	case w.t.json:
	case w.live:
		w.t.redraw(line)
	case w.looks%15 == 5: // a log wants fewer lines
		w.t.say("%s", line)
	}
	w.looks++
	w.t.rates(w.looks, s.Mining)
}

// balance tells the balance when it has changed.
func (w *practiceWatch) balance(b wallet.Balance) {
	if w.told && b == w.last {
		return
	}
	w.last, w.told = b, true
	s := w.p.Snapshot()
	w.t.print(desk.BalanceRecord(s.Coin.ID, "practice", b),
		"Balance: %s to spend, %s ripening (practice coins, worth nothing)", b.Confirmed, b.Immature)
}

// rate writes hashes a second for people.
func rate(h float64) string {
	units := []string{"H/s", "kH/s", "MH/s", "GH/s", "TH/s"}
	i := 0
	for ; h >= 1000 && i < len(units)-1; i++ {
		h /= 1000
	}
	return fmt.Sprintf("%.4g %s", h, units[i])
}

// some writes a number of things, in the singular where it is one.
func some(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func threadsWord(n int) string {
	if n == 1 {
		return "thread"
	}
	return "threads"
}
