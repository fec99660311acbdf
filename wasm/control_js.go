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
	"goldpan/core/stratum"
)

// snapshotInterval is how often the page hears how things stand.
const snapshotInterval = 500 * time.Millisecond

// hiddenReason is why the page pauses, for people.
const hiddenReason = "this page is hidden; mining goes on when you come back"

// control joins the pool for the page and hands work to its lanes, until the page says stop. The consent
// token is made here, after the person's tap started this worker: a lane hashes nothing without it.
func control(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	page := js.Global()
	start := page.Get("goldpanStart")

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
	kernel, err := ready(ctx, ports)
	if err != nil {
		return err
	}
	consent := make([]byte, 32)
	if _, err := rand.Read(consent); err != nil {
		return err
	}
	session, err := core.NewSession(core.Config{
		Pools:     []stratum.Pool{{URL: pool, User: start.Get("user").String(), Password: "x"}},
		Algorithm: algorithm, Lanes: len(ports),
		Platform: engine.Platform{Ports: ports, Token: hex.EncodeToString(consent), Kernel: kernel},
		Shares:   tellShare,
	})
	if err != nil {
		return err
	}

	hear := js.FuncOf(func(_ js.Value, args []js.Value) any {
		switch args[0].String() {
		case "pause":
			session.SetPaused(hiddenReason)
		case "resume":
			session.SetPaused("")
		case "stop":
			stop()
		}
		return nil
	})
	defer hear.Release()
	page.Set("goldpanHear", hear)
	if page.Get("goldpanStopped").Truthy() {
		return nil
	}
	if page.Get("goldpanPaused").Truthy() {
		session.SetPaused(hiddenReason)
	}

	live := watch(ports, stop)
	defer live.release()
	go func() {
		tick := time.NewTicker(snapshotInterval)
		defer tick.Stop()
		for {
			tellSnapshot(session.Snapshot(), live)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	if err := session.Run(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if live.fault != "" {
		return errors.New(live.fault)
	}
	return nil
}

// ready waits until every lane has its kernel, and returns the kernel's name, "generic" if it is that of any.
func ready(ctx context.Context, ports []js.Value) (kernel string, err error) {
	if len(ports) == 0 {
		return "", errors.New("there is no lane to work with")
	}
	type answer struct{ kernel, fault string }
	answers := make(chan answer, len(ports)) // a lane answers once: it is ready, or it is not
	listen := js.FuncOf(func(_ js.Value, args []js.Value) any {
		m := args[0].Get("data")
		a := answer{}
		switch m.Get("type").String() {
		case "ready":
			a.kernel = m.Get("kernel").String()
		case "fault":
			a.fault = m.Get("reason").String()
		default:
			return nil
		}
		select {
		case answers <- a:
		default:
		}
		return nil
	})
	defer listen.Release()
	for _, port := range ports {
		port.Set("onmessage", listen)
		defer port.Set("onmessage", js.Null())
	}
	for range ports {
		select {
		case a := <-answers:
			if a.fault != "" {
				return "", errors.New(a.fault)
			}
			// One slower lane is what the page must speak of.
			if kernel != "generic" {
				kernel = a.kernel
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return kernel, nil
}
