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
		case strings.HasPrefix(name, "icon-"), strings.HasPrefix(name, "text.") && !strings.HasPrefix(name, "text.en."):
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
	counted := evaluate[float64](t, tab, `(async () => {
		const shown = () => [`+hashCount+`, performance.now()];
		const [from, since] = shown();
		await new Promise((done) => setTimeout(done, 4000));
		const [to, until] = shown();
		return (to - from) / (until - since) * 1000;
	})()`)
	passed := time.Since(begun)
	// What is shown is what was counted, but for the moments at which each was read.
	shown := strings.Fields(evaluate[string](t, tab, "document.getElementById('hashrate').textContent + ' ' + document.getElementById('hashrate-unit').textContent"))
	rate, err := strconv.ParseFloat(strings.ReplaceAll(shown[0], ",", ""), 64)
	if err != nil {
		t.Fatalf("the page shows the rate %q: %v", shown, err)
	}
	rate *= map[string]float64{"thousand": 1e3, "million": 1e6}[shown[1]]
	t.Logf("%.0f hashes a second are shown, %.0f were counted: %.1f %%", rate, counted, 100*rate/counted)
	if rate < counted/2 || rate > counted*2 {
		t.Errorf("%.0f hashes a second are shown, and %.0f were counted", rate, counted)
	}
	for id, took := range workerTimes(t) {
		t.Logf("worker %s: %.1f %% of a core", id, 100*(took-before[id]).Seconds()/passed.Seconds())
	}
	do(t, tab, chromedp.Click(chromedp.CSS("#stop")))
	stopped(t, tab, pool)
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
