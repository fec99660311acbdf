package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"syscall/js"
	"time"

	"goldpan/core"
	"goldpan/core/engine"
	"goldpan/core/hasher"
	"goldpan/core/jsonrpc"
	"goldpan/core/stratum"
	"goldpan/core/watch"
)

const (
	// snapshotInterval is how often the page hears how things stand.
	snapshotInterval = 500 * time.Millisecond
	// consentLasts is how long the person's tap holds at most. The page counts too, across the stretches that this
	// worker does not see.
	consentLasts = 24 * time.Hour
)

// controller is one stretch of mining. Everything here happens on JavaScript's one thread.
type controller struct {
	session *core.Session
	pool    stratum.URL
	live    *watched
	stop    context.CancelFunc
	heat    watch.Heat
	lanes   int          // that work, as the person set it
	percent int          // of a lane's time, likewise
	told    engine.Rules // what the session was told last: percent less what heat takes
	shares  int          // that the page was told of since the last snapshot
	paused  string       // why the page rests: a word for who translates
	conn    jsonrpc.Conn // the latest; it may be over
	since   time.Time    // when it was made; zero while there is none
	greets  bool         // the gateway is being asked whether this device may mine
}

// control joins the pool for the page and hands work to its lanes, until the page says stop. The consent
// token is made here, after the person's tap started this worker: a lane hashes nothing without it.
func control(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, consentLasts)
	defer stop()
	start := js.Global().Get("goldpanStart")

	algorithm, err := hasher.ParseAlgorithm(start.Get("algorithm").String())
	if err != nil {
		return err
	}
	pool, err := stratum.ParseURL(start.Get("pool").String())
	if err != nil {
		return err
	}
	ports := make([]js.Value, start.Get("ports").Length())
	for i := range ports {
		ports[i] = start.Get("ports").Index(i)
	}
	c := &controller{stop: stop, pool: pool, percent: percentOf(start), lanes: lanesOf(start, len(ports))}
	client := stratum.Config{Dial: c.dial, Backoff: backoff}
	if client.Greet, err = c.greeting(start); err != nil {
		return err
	}
	kernel, err := ready(ctx, ports[:c.lanes])
	if err != nil {
		return err
	}
	consent := make([]byte, 32)
	if _, err := rand.Read(consent); err != nil {
		return err
	}
	c.session, err = core.NewSession(core.Config{
		Pools:     []stratum.Pool{{URL: pool, User: start.Get("user").String(), Password: "x"}},
		Client:    client,
		Algorithm: algorithm, Lanes: len(ports), Rules: c.rules(),
		Platform: engine.Platform{Ports: ports, Token: hex.EncodeToString(consent), Kernel: kernel},
		Shares:   c.tellShare,
	})
	if err != nil {
		return err
	}
	c.told = c.rules()
	c.live = listen(ports, stop)
	defer c.live.release()
	hear := js.FuncOf(func(_ js.Value, args []js.Value) any {
		c.hear(args[0])
		return nil
	})
	js.Global().Call("goldpanReady", hear) // never released: it may be called to the end
	go c.tell(ctx)
	err = c.session.Run(ctx)
	switch {
	case c.live.fault != "":
		return errors.New(c.live.fault)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errExpired
	case ctx.Err() != nil:
		return nil
	}
	return err
}

var errExpired = errors.New("a day has passed since you pressed Start")
