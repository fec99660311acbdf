//go:build !js

package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// hard is a job that nobody finds a share of.
func hard(a hasher.Algorithm) *pow.Job {
	j := job(a, "hard", true)
	j.Target = pow.Target{}
	return j
}

// begin runs an engine until stop is called, which waits for it.
func begin(b *testing.B, c Config) (e *Engine, stop func()) {
	b.Helper()
	if c.Share == nil {
		c.Share = func(pow.Share) {}
	}
	e, err := New(c)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	return e, func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

func percentile(d []time.Duration, p int) float64 {
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*p/100)].Seconds() * 1000
}

// BenchmarkDelivery compares the engine's own counter with the kernel alone, in
// turns, on one lane: "delivered" is the percentage that the engine keeps.
func BenchmarkDelivery(b *testing.B) {
	for _, a := range hasher.Algorithms() {
		b.Run(string(a), func(b *testing.B) {
			k, err := hasher.Select(a)
			if err != nil {
				b.Fatal(err)
			}
			e, stop := begin(b, Config{Algorithm: a, Lanes: 1})
			defer stop()
			const span = 500 * time.Millisecond
			var ratios []float64
			for range b.N {
				bare := hasher.Measure(context.Background(), k, 1, span).Hashrate()
				e.SetJob(hard(a))
				<-time.After(50 * time.Millisecond)
				before, start := e.Snapshot().Hashes, time.Now()
				<-time.After(span)
				after, took := e.Snapshot().Hashes, time.Since(start)
				e.SetJob(nil)
				ratios = append(ratios, float64(after-before)/took.Seconds()/bare*100)
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "%delivered")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkNewWork measures from SetJob until every lane has hashed the new
// job's work; each lane is in the middle of a batch when it comes.
func BenchmarkNewWork(b *testing.B) {
	for _, a := range hasher.Algorithms() {
		b.Run(string(a), func(b *testing.B) {
			const lanes = 2
			var mu sync.Mutex
			waiting, reached := map[string]bool{}, make(chan time.Time, lanes)
			var wanted *pow.Job
			e, stop := begin(b, Config{Algorithm: a, Lanes: lanes, Share: func(s pow.Share) {
				mu.Lock()
				defer mu.Unlock()
				if at := string(s.Extranonce2); s.Job == wanted && !waiting[at] {
					waiting[at] = true
					reached <- time.Now()
				}
			}})
			defer stop()
			var took []time.Duration
			for range b.N {
				e.SetJob(hard(a))
				<-time.After(30 * time.Millisecond)
				easy := job(a, "easy", true)
				for i := range easy.Target {
					easy.Target[i] = 0xff
				}
				mu.Lock()
				wanted = easy
				clear(waiting)
				mu.Unlock()
				start := time.Now()
				e.SetJob(easy)
				var last time.Time
				for range lanes {
					last = <-reached
				}
				mu.Lock()
				wanted = nil
				mu.Unlock()
				took = append(took, last.Sub(start))
			}
			b.ReportMetric(percentile(took, 50), "ms-p50")
			b.ReportMetric(percentile(took, 99), "ms-p99")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStop measures from the end of the context until every lane has ended.
func BenchmarkStop(b *testing.B) {
	for _, a := range hasher.Algorithms() {
		b.Run(string(a), func(b *testing.B) {
			var took []time.Duration
			for range b.N {
				e, stop := begin(b, Config{Algorithm: a, Lanes: 2})
				e.SetJob(hard(a))
				<-time.After(30 * time.Millisecond)
				start := time.Now()
				stop()
				took = append(took, time.Since(start))
			}
			b.ReportMetric(percentile(took, 50), "ms-p50")
			b.ReportMetric(percentile(took, 99), "ms-p99")
			b.ReportMetric(0, "ns/op")
		})
	}
}
