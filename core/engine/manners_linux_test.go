package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"goldpan/core/hasher"
)

// sleeperKey makes TestSleeper, in a process of its own, a program that wants to
// wake every millisecond, as a desktop or a player does.
const sleeperKey = "GOLDPAN_TEST_SLEEPER"

// lateness is what a sleeper tells of its wakings, in microseconds.
type lateness struct{ P50, P99, P999, Max float64 }

// TestSleeper is no test: BenchmarkManners runs it as another program.
func TestSleeper(*testing.T) {
	span, err := time.ParseDuration(os.Getenv(sleeperKey))
	if err != nil {
		return
	}
	runtime.LockOSThread()
	var late []float64
	var now unix.Timespec
	read := func() int64 {
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			panic(err)
		}
		return now.Nano()
	}
	for next, end := read(), read()+int64(span); next < end; {
		next += int64(time.Millisecond)
		at := unix.NsecToTimespec(next)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil) != nil {
			continue // a signal came
		}
		woken := read()
		late = append(late, float64(woken-next)/1000)
		next = max(next, woken-int64(time.Millisecond)) // one that was missed is missed
	}
	slices.Sort(late)
	at := func(p float64) float64 { return late[min(len(late)-1, int(float64(len(late))*p))] }
	_ = json.NewEncoder(os.Stdout).Encode(lateness{at(0.5), at(0.99), at(0.999), late[len(late)-1]})
}

// sleep runs a sleeper in another process for that long.
func sleep(b *testing.B, span time.Duration) (l lateness) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSleeper$")
	cmd.Env = append(os.Environ(), sleeperKey+"="+span.String())
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&l); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return l
}

func processTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkManners mines b.N seconds on every processor and prints the process's
// own use of them in percent, the extremes of any second, and how late another
// program wakes that sleeps a millisecond at a time. The first row does not mine.
// For a minute each:
//
//	go test -run '^$' -bench Manners -benchtime 60x ./core/engine
func BenchmarkManners(b *testing.B) {
	for _, c := range []struct{ percent, nice int }{{0, 0}, {30, DefaultNice}, {100, DefaultNice}, {30, 0}, {100, 0}, {100, maxNice}} {
		b.Run(fmt.Sprintf("limit=%d/nice=%d", c.percent, c.nice), func(b *testing.B) {
			lanes := runtime.NumCPU()
			e, stop := begin(b, Config{Algorithm: hasher.SHA256d, Lanes: lanes, Rules: Rules{Percent: max(1, c.percent), Nice: c.nice}})
			defer stop()
			if c.percent > 0 {
				e.SetJob(hard(hasher.SHA256d))
			}
			<-time.After(time.Second)
			seconds, woken := make(chan []float64), make(chan lateness)
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				var use []float64
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				at, cpu := time.Now(), processTime()
				for {
					select {
					case <-tick.C:
						now, then := time.Now(), processTime()
						use = append(use, (then-cpu).Seconds()/now.Sub(at).Seconds()/float64(lanes)*100)
						at, cpu = now, then
					case <-ctx.Done():
						seconds <- use
						return
					}
				}
			}()
			start, before := time.Now(), processTime()
			go func() { woken <- sleep(b, time.Duration(b.N)*time.Second) }()
			late := <-woken
			use := (processTime() - before).Seconds() / time.Since(start).Seconds() / float64(lanes) * 100
			cancel()
			each := <-seconds
			b.ReportMetric(use, "%cpu")
			if len(each) > 0 {
				b.ReportMetric(slices.Min(each), "%cpu-min")
				b.ReportMetric(slices.Max(each), "%cpu-max")
			}
			b.ReportMetric(late.P50, "µs-late-p50")
			b.ReportMetric(late.P99, "µs-late-p99")
			b.ReportMetric(late.Max, "µs-late-max")
			b.ReportMetric(0, "ns/op")
		})
	}
}
