//go:build !js

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"goldpan/core/hasher"
	"goldpan/wasm/web/browsertest"
)

// shown is what a person saw beside what the lanes do by themselves. Rates are hashes a second.
type shown struct {
	Type      string           `json:"type"` // "shown"
	Browser   browsertest.Name `json:"browser"`
	Algorithm hasher.Algorithm `json:"algorithm"`
	Lanes     int              `json:"lanes"`
	Seconds   float64          `json:"seconds"` // that the page was watched

	Hashrate float64 `json:"hashrate"` // as the page shows it, on average
	Counted  float64 `json:"counted"`  // the hashes that the page counts, over the same time
	Bare     float64 `json:"bare"`     // of as many bare lanes
	// What is 1 where the page shows what the lanes do.
	HashrateRatio float64 `json:"hashrate_ratio"`
	CountedRatio  float64 `json:"counted_ratio"`
}

// warmth is how long lanes work before they are measured: by then the browser has compiled for good, and the speed that the
// page shows, which is of the last ten seconds, is of nothing else.
const warmth = 12 * time.Second

// show prints one line.
func show(ctx context.Context, length time.Duration, algorithm hasher.Algorithm) error {
	return opened(ctx, algorithm, func(b *browsertest.Browser, pool *pool) error {
		s := shown{Type: "shown", Browser: b.Name, Algorithm: algorithm}
		if err := b.Eval(ctx, "("+lookers+", import('./settings.js').then((s) => s.settings().lanes))", &s.Lanes); err != nil {
			return err
		}
		bare := func() (rate float64, err error) {
			err = b.Eval(ctx, fmt.Sprintf("bare(%q, %d, %d, %d)", algorithm, s.Lanes, warmth.Milliseconds(), length.Milliseconds()/2), &rate)
			return rate, err
		}
		before, err := bare()
		if err != nil {
			return err
		}
		if err := b.Click(ctx, "#start"); err != nil {
			return err
		}
		if err := until(ctx, b, "document.body.dataset.state === 'mining' && Number(document.getElementById('hashes').dataset.count) > 0"); err != nil {
			return err
		}
		if err := wait(ctx, warmth); err != nil {
			return err
		}
		jobs, stop := context.WithCancel(ctx)
		fed := make(chan error, 1)
		go func() { fed <- feed(jobs, pool, algorithm) }()
		err = b.Eval(ctx, fmt.Sprintf("watched(%d)", length.Milliseconds()), &s)
		stop()
		if failed := <-fed; err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
		if err := b.Click(ctx, "#stop"); err != nil {
			return err
		}
		after, err := bare()
		if err != nil {
			return err
		}
		s.Bare = (before + after) / 2
		s.HashrateRatio, s.CountedRatio = s.Hashrate/s.Bare, s.Counted/s.Bare
		return json.NewEncoder(os.Stdout).Encode(s)
	})
}

// feed sends a job now and then, as a pool does.
func feed(ctx context.Context, pool *pool, algorithm hasher.Algorithm) error {
	for wait(ctx, soakJobs) == nil {
		if _, err := pool.notify(algorithm); err != nil {
			return err
		}
	}
	return nil
}

// lookers are two functions on the page. watched looks at it for some milliseconds, from one new count to another; bare
// hosts lanes as the control worker does, with work that nothing meets, and counts from each lane's report to a later one.
const lookers = `(() => {
	const on = (id) => document.getElementById(id), pause = (ms) => new Promise((done) => setTimeout(done, ms));
	window.watched = async (ms) => {
		const {scaled, text} = await import("./words.js");
		const plain = (text) => { // as the page writes numbers in English
			const number = Number(text.replaceAll(",", ""));
			if (!(number > 0)) throw new Error("the page shows the speed " + text);
			return number;
		};
		const factors = new Map(); // what is written beside a speed, and what it multiplies by
		for (let f = 1; f < 1e13; f *= 10) {
			const {value, scale, large} = scaled(f);
			factors.set(text(large ? "figure.hashrate.large" : "figure.hashrate", {scale}).trim(), f / plain(value));
		}
		const count = () => Number(on("hashes").dataset.count);
		const change = async () => {
			const was = count();
			while (count() === was) await pause(5);
			return [performance.now(), count()];
		};
		const speeds = [], [begun, before] = await change();
		while (performance.now() - begun < ms) {
			speeds.push(plain(on("hashrate").textContent) * factors.get(on("hashrate-unit").textContent));
			await pause(500);
		}
		const [ended, after] = await change();
		return {
			seconds: (ended - begun) / 1000, counted: (after - before) / (ended - begun) * 1000,
			hashrate: speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length,
		};
	};
	window.bare = async (algorithm, lanes, warmth, ms) => {
		const one = () => new Promise((resolve, reject) => {
			const worker = new Worker("lane.js"), {port1, port2} = new MessageChannel(), token = "a token that is long enough to be consent";
			let asked = 0, begun = 0, hashes = 0;
			port2.onmessage = ({data}) => {
				const now = performance.now();
				switch (data.type) {
				case "ready": {
					const work = new Uint8Array(148);
					work[144] = algorithm === "scrypt" ? 1 : 0;
					port2.postMessage({type: "consent", token, limit: 100});
					port2.postMessage({type: "work", token, epoch: 1, work});
					asked = now;
					break;
				}
				case "progress":
					if (!begun) {
						if (now - asked >= warmth) begun = now;
						break;
					}
					hashes += data.hashes;
					if (now - begun < ms) break;
					resolve([hashes / (now - begun) * 1000, worker]);
					break;
				case "done": // all nonces are used; the same again will do
					port2.postMessage({type: "work", token, epoch: 1, work: new Uint8Array(148).fill(algorithm === "scrypt" ? 1 : 0, 144, 145)});
					break;
				default:
					reject(new Error(data.reason));
				}
			};
			worker.postMessage({type: "lane", port: port1, module: null, algorithm}, [port1]);
		});
		const all = await Promise.all(Array.from({length: lanes}, one)); // all work until the last is done
		for (const [, worker] of all) worker.terminate();
		return all.reduce((sum, [rate]) => sum + rate, 0);
	};
})()`
