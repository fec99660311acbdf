//go:build !js

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"goldpan/core/hasher"
	"goldpan/wasm/web"
	"goldpan/wasm/web/browsertest"
)

const (
	soakEach = time.Minute      // between two lines
	soakJobs = 20 * time.Second // between two jobs
)

// soaked is a line about a tab that mines for hours.
type soaked struct {
	Type     string  `json:"type"` // "soak"
	Minutes  float64 `json:"minutes"`
	Hashrate string  `json:"hashrate"` // as the page shows it
	Hashes   float64 `json:"hashes"`   // as the page counts them
	Accepted string  `json:"accepted"` // as the page shows it

	CPU       float64 `json:"cpu_seconds"`           // of the lanes' threads and the control worker's
	PerSecond float64 `json:"hashes_per_cpu_second"` // since the line before: what other programs take is not in it
	Heap      float64 `json:"heap_bytes"`            // the page's own, of JavaScript
	Resident  int64   `json:"resident_bytes"`        // of all the browser's processes; what they share counts once
	Threads   int     `json:"threads"`
}

// opened opens the page in Chromium at a pool of its own, and calls f once Start can be pressed.
func opened(ctx context.Context, algorithm hasher.Algorithm, f func(*browsertest.Browser, *pool) error) (err error) {
	if !web.Built() {
		return errors.New("the page is not built: make page")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pool := newPool()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: web.Handler(web.Options{
		Info: func() web.Info {
			return web.Info{
				Network: "practice", Coin: "Bitcoin", Algorithm: string(algorithm), Payee: "practice",
				Payout: string(algorithm), Worthless: true, // the pool takes the algorithm for a name
			}
		},
		Stratum: pool.server.ServeConn,
		Allow:   func(host string) bool { return host == "127.0.0.1" },
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { server.Close(); <-served }()

	b, err := browsertest.Launch(ctx, browsertest.Chromium)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Navigate(ctx, "http://"+listener.Addr().String()+"/"); err != nil {
		return err
	}
	if err := until(ctx, b, `!document.getElementById("start").disabled && document.getElementById("start").checkVisibility()`); err != nil {
		return err
	}
	return f(b, pool)
}

// until waits for an expression to be true on the page.
func until(ctx context.Context, b *browsertest.Browser, expression string) error {
	for {
		var ok bool
		if err := b.Eval(ctx, "Boolean("+expression+")", &ok); err != nil || ok {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// soak mines in one tab of Chromium for a time, after a real tap on the page's button, and prints a line a minute.
func soak(ctx context.Context, length time.Duration, algorithm hasher.Algorithm) error {
	return opened(ctx, algorithm, func(b *browsertest.Browser, pool *pool) error { return soakIn(ctx, b, pool, length, algorithm) })
}

func soakIn(ctx context.Context, b *browsertest.Browser, pool *pool, length time.Duration, algorithm hasher.Algorithm) error {
	if err := b.Click(ctx, "#start"); err != nil {
		return err
	}

	out, begun := json.NewEncoder(os.Stdout), time.Now()
	var last soaked
	job := func() { _, _ = pool.notify(algorithm) } // a page that lost its connection asks for one when it is back
	return minutes(ctx, length, job, func() error {
		now := soaked{Type: "soak", Minutes: time.Since(begun).Minutes()}
		if err := b.Eval(ctx, `(() => {
			const on = (id) => document.getElementById(id);
			return {
				hashrate: on("hashrate").textContent + " " + on("hashrate-unit").textContent,
				hashes: Number(on("hashes").dataset.count), accepted: on("accepted").textContent,
				heap_bytes: performance.memory.usedJSHeapSize,
			};
		})()`, &now); err != nil {
			return err
		}
		now.weigh(os.Getpid())
		if now.CPU <= last.CPU {
			return errors.New("the page's workers are gone: it does not mine any more")
		}
		now.PerSecond = (now.Hashes - last.Hashes) / (now.CPU - last.CPU)
		last = now
		return out.Encode(now)
	})
}

// minutes calls job and line in their turns until length is over, and a last line is written.
func minutes(ctx context.Context, length time.Duration, job func(), line func() error) error {
	begun := time.Now()
	jobs, lines := time.NewTicker(soakJobs), time.NewTicker(soakEach)
	defer jobs.Stop()
	defer lines.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-jobs.C:
			job()
		case <-lines.C:
			if err := line(); err != nil || time.Since(begun) >= length {
				return err
			}
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// weigh adds up the processes that a process has started, and they in turn. One that ends meanwhile counts nothing.
func (s *soaked) weigh(pid int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	for _, thread := range threads {
		children, _ := os.ReadFile(filepath.Join(thread, "children")) // proc(5)
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				s.weighOne(n)
				s.weigh(n)
			}
		}
	}
}

func (s *soaked) weighOne(pid int) {
	if f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
				kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
				s.Resident += kib << 10
			}
		}
		f.Close()
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*/stat", pid))
	s.Threads += len(threads)
	for _, path := range threads {
		b, err := os.ReadFile(path)
		name, rest, ok := strings.Cut(string(b), ") ")
		if err != nil || !ok || !strings.Contains(name, "(DedicatedWorker") {
			continue
		}
		fields := strings.Fields(rest)
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		s.CPU += (user + system) / 100 // proc(5), in hundredths
	}
}
