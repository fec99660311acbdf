//go:build !js

package web

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The bounds of what a phone loads before it mines, in bytes.
const (
	mostGzip   = 1_900_000
	mostBrotli = 1_400_000
)

// TestSize holds everything that mining needs to its bounds, as it goes over the wire: the texts of one language, and of
// the pictures those that the page shows.
func TestSize(t *testing.T) {
	builtPage(t)
	entries, err := os.ReadDir(pageDir)
	if err != nil {
		t.Fatal(err)
	}
	plain, gzip, brotli := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		switch name := e.Name(); {
		case strings.Contains(name, "wallet"), strings.HasPrefix(name, "icon-"), strings.HasPrefix(name, "text.") && !strings.HasPrefix(name, "text.en."):
		case filepath.Ext(name) == ".gz":
			gzip[strings.TrimSuffix(name, ".gz")] = info.Size()
		case filepath.Ext(name) == ".br":
			brotli[strings.TrimSuffix(name, ".br")] = info.Size()
		default:
			plain[name] = info.Size()
		}
	}
	total := func(packed map[string]int64) (sum int64) {
		for name, size := range plain {
			if packed[name] == 0 {
				sum += size
			}
		}
		for _, size := range packed {
			sum += size
		}
		return sum
	}
	withGzip, withBrotli := total(gzip), total(brotli)
	t.Logf("%d bytes with gzip, %d with brotli", withGzip, withBrotli)
	if withGzip > mostGzip || withBrotli > mostBrotli {
		t.Errorf("%d bytes with gzip, at most %d; %d with brotli, at most %d", withGzip, mostGzip, withBrotli, mostBrotli)
	}
}

// TestHowSoon tells how soon the page is there and hashes, and what its control worker costs. It judges no speed: a busy
// machine has its own.
func TestHowSoon(t *testing.T) {
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	for range 3 {
		visit(t, tab, "about:blank")
		visit(t, tab, address+"/")
		await(t, tab, isReady)
		evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 1000, true))") // a person reads first
		do(t, tab, chromedp.Click(chromedp.CSS("#start")))
		await(t, tab, "performance.getEntriesByName('goldpan-hash').length > 0")
		at := func(mark string) float64 {
			return evaluate[float64](t, tab, "performance.getEntriesByName('goldpan-"+mark+"')[0].startTime")
		}
		t.Logf("ready after %.0f ms, the first hash %.0f ms after the tap", at("ready"), at("hash")-at("tap"))
		if at("hash") <= at("tap") || at("tap") <= at("ready") {
			t.Error("it hashes before the tap")
		}
	}
	await(t, tab, isMining+" && document.getElementById('hashrate').textContent !== '…'")
	before, begun := workerTimes(t), time.Now()
	evaluate[bool](t, tab, "new Promise((done) => setTimeout(done, 2000, true))")
	passed := time.Since(begun)
	for id, took := range workerTimes(t) {
		t.Logf("worker %s: %.1f %% of a core", id, 100*(took-before[id]).Seconds()/passed.Seconds())
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
}

// TestShowsWhatWasCounted: the speed on the screen is the one that the program counted (package engine has a test of
// that), to the three figures shown, and so are the hashes and the shares. Nothing here depends on how fast it goes.
func TestShowsWhatWasCounted(t *testing.T) {
	t.Parallel()
	pool := newPool(t)
	address, _ := serve(t, newServer(builtPage(t), pool.options()))
	tab := chrome(t)
	first(t, tab, `(() => {
		window.told = null;
		window.Worker = class extends Worker {
			constructor(script) { super(script); this.script = script; }
			set onmessage(f) { // what was told has been shown, with nothing in between
				super.onmessage = (e) => { f(e); if (this.script === "control.js" && e.data.type === "snapshot") window.told = e.data; };
			}
		};
	})()`)
	mines(t, tab, address)
	for _, count := range []string{"told.hashrate > 0", "told.accepted > 3"} {
		await(t, tab, count)
		got := evaluate[[]string](t, tab, `Promise.all(["./words.js", "./today.js"].map((name) => import(name))).then(([w, day]) => {
			const on = (id) => document.getElementById(id), {value, scale} = w.scaled(told.hashrate);
			return [
				on("hashrate").textContent + " " + on("hashrate-unit").textContent, value + " " + w.text("figure.hashrate", {scale}).trim(),
				on("hashes").dataset.count, String(told.hashes), on("hashes").textContent, w.count(told.hashes),
				on("accepted").textContent, w.number(told.accepted), on("rejected").textContent, w.number(told.rejected),
				on("best").textContent, told.best > 0 ? w.short(told.best) : w.text("figure.best.none"), on("uptime").textContent, w.time(told.seconds),
				on("difficulty").textContent, told.difficulty > 0 ? w.short(told.difficulty) : "–", on("nonce").textContent, w.number(told.nonce),
				on("header").textContent, told.header, on("hash").textContent, told.hash, on("target").textContent, told.target,
				String(day.read().hashes), String(told.hashes), String(day.read().accepted), String(told.accepted), // the first of today
				on("today").textContent, w.text("figure.today.shares", {n: told.accepted}), on("today-hashes").textContent, w.text("figure.today.hashes", {count: w.count(told.hashes)}),
			];
		})`)
		for i := 0; i < len(got); i += 2 {
			if got[i] != got[i+1] || got[i] == "" {
				t.Errorf("the page shows %q, and %q was counted", got[i], got[i+1])
			}
		}
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
	// At the next visit the day goes on.
	today := evaluate[string](t, tab, `Promise.all(["./words.js", "./today.js"].map((name) => import(name))).then(([w, day]) => w.text("before.today", {n: day.read().accepted}))`)
	visit(t, tab, address+"/")
	await(t, tab, isReady)
	if got := evaluate[string](t, tab, `document.getElementById("before-today").innerText`); got != today || got == "" {
		t.Errorf("at the next visit the page says of today %q, want %q", got, today)
	}
}

// workerTimes returns the processor time of each worker's thread of all Chromiums here.
func workerTimes(t *testing.T) map[string]time.Duration {
	t.Helper()
	times := map[string]time.Duration{}
	threads, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "(DedicatedWorker") {
			continue
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		times[strings.Split(path, "/")[4]] = time.Duration(user+system) * 10 * time.Millisecond // proc(5), in hundredths
	}
	return times
}
