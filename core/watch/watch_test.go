package watch

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// run samples once a second for so long, at a rate, and goes on from hashes.
func run(w *Watch, hashes *uint64, rate uint64, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Second)
		*hashes += rate
		w.Sample(*hashes)
	}
}

// rates checks the windows' hash rates, within 1 %.
func rates(t *testing.T, r Report, want ...float64) {
	t.Helper()
	for i, v := range r.Windows {
		if math.Abs(v.Hashrate-want[i]) > want[i]/100 {
			t.Errorf("%v: %.1f hashes a second, want %.1f", v.Length, v.Hashrate, want[i])
		}
		if v.Span > v.Length+max(time.Second, v.Length/40) {
			t.Errorf("%v covers %v", v.Length, v.Span)
		}
	}
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(hasher.SHA256d)
		var hashes uint64 = 12345 // made before anybody watched
		if r := w.Report(); r.Session.Hashrate != 0 || r.Session.Why == "" {
			t.Errorf("before the first sample: %+v", r.Session)
		}
		w.Sample(hashes)
		if r := w.Report(); r.Session.Hashrate != 0 || r.Windows[0].Hashrate != 0 {
			t.Errorf("after the first sample: %+v", r.Session)
		}
		run(w, &hashes, 1000, 5*time.Second)
		rates(t, w.Report(), 1000, 1000, 1000, 1000)
		if v := w.Report().Windows[3]; v.Span != 5*time.Second || v.Hashes != 5000 {
			t.Errorf("an hour of five seconds: %+v", v)
		}
		run(w, &hashes, 1000, 3*time.Hour)
		rates(t, w.Report(), 1000, 1000, 1000, 1000)
		run(w, &hashes, 4000, 15*time.Minute)
		rates(t, w.Report(), 4000, 4000, 4000, 1750)
		run(w, &hashes, 0, time.Minute)
		rates(t, w.Report(), 0, 0, 4000*14./15, 1000*44./60+4000*15./60)
	})
}

// A pause counts as time in which nothing was hashed, in each window as long as it reaches back.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(hasher.SHA256d)
		var hashes uint64
		run(w, &hashes, 1000, time.Hour)
		run(w, &hashes, 0, 30*time.Minute)
		rates(t, w.Report(), 0, 0, 0, 500)
		run(w, &hashes, 1000, 10*time.Second)
		rates(t, w.Report(), 1000, 1000./6, 1000*10./900, 500)
	})
}

// Nobody samples for hours, or the clock leaps: what was hashed then is spread evenly, and no window reaches further
// back than it says.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(hasher.SHA256d)
		var hashes uint64
		run(w, &hashes, 1000, 2*time.Hour)
		time.Sleep(5 * time.Hour)
		hashes += 5 * 3600 * 100
		w.Sample(hashes)
		rates(t, w.Report(), 100, 100, 100, 100)
		run(w, &hashes, 1000, 10*time.Second)
		rates(t, w.Report(), 1000, 250, (890*100+10*1000)/900., (3590*100+10*1000)/3600.)
		run(w, &hashes, 1000, time.Hour)
		rates(t, w.Report(), 1000, 1000, 1000, 1000)
	})
}

// The clock on the wall plays no part.
func TestMonotonic(t *testing.T) {
	if w := New(hasher.SHA256d); !strings.Contains(w.began.String(), "m=") {
		t.Errorf("the beginning %v has no monotonic reading", w.began)
	}
}

func TestCountBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(hasher.SHA256d)
		var hashes uint64
		run(w, &hashes, 1000, time.Minute)
		hashes = 0 // another session
		run(w, &hashes, 1000, time.Minute)
		rates(t, w.Report(), 1000, 1000, 1000, 1000)
	})
}

func TestOftenAndSeldom(t *testing.T) {
	for _, every := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 7 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := New(hasher.SHA256d)
			var hashes uint64
			w.Sample(hashes)
			for range int(2*time.Minute/every) + 70 {
				time.Sleep(every)
				hashes += uint64(every.Seconds() * 100_000)
				w.Sample(hashes)
			}
			for _, v := range w.Report().Windows {
				if math.Abs(v.Hashrate-100_000) > 1000 || v.Span > v.Length+gap {
					t.Errorf("every %v: %v covers %v with %.0f hashes a second", every, v.Length, v.Span, v.Hashrate)
				}
			}
		})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(hasher.SHA256d)
		var hashes uint64
		run(w, &hashes, 1, 24*time.Hour)
		if n := testing.AllocsPerRun(1000, func() {
			hashes++
			w.Sample(hashes)
		}); n > 0 {
			t.Errorf("a sample costs %v allocations", n)
		}
		if len(w.fine.points) != finePoints || len(w.coarse.points) != coarsePoints {
			t.Error("a ring grew")
		}
	})
}

// Shares at their mean distance show the rate that was hashed, for each algorithm and whatever the difficulties.
func TestImplied(t *testing.T) {
	for _, a := range hasher.Algorithms() {
		synctest.Test(t, func(t *testing.T) {
			w := New(a)
			var hashes uint64
			w.Sample(0)
			one := pow.TargetFromDifficulty(a, 1).Expected()
			want := map[bool]float64{true: 65536 * 65536 * 65536 / 65535., false: 65536 * 65536 / 65535.}[a == hasher.SHA256d]
			if math.Abs(one/want-1) > 1e-6 {
				t.Fatalf("%v: %v hashes a difficulty, want %v", a, one, want)
			}
			for i := range 240 { // one share in 15 s, of difficulties 1 and 3 in turn
				d := float64(1 + 2*(i%2))
				run(w, &hashes, uint64(one*2/15), 15*time.Second)
				w.Share(pow.Result{Status: pow.Accepted, Target: d, Difficulty: d + float64(i)/100, Pool: "pool"})
			}
			run(w, &hashes, 0, 0)
			w.Sample(hashes)
			r := w.Report()
			v := r.Windows[3]
			if v.Accepted != 240 || math.Abs(v.Implied/v.Hashrate-1) > 0.02 || v.Low > v.Hashrate || v.High < v.Hashrate {
				t.Errorf("%v: %+v", a, v)
			}
			// 240 shares of two difficulties weigh as much as 192 of one.
			if width := (v.High - v.Low) / 2 / v.Implied; math.Abs(width-z/math.Sqrt(192)) > 0.01 {
				t.Errorf("%v: ± %v", a, width)
			}
			if math.Abs(r.Luck-1) > 0.02 || math.Abs(r.Best.Difficulty-5.39) > 1e-9 || r.Best.Pool != "pool" || !strings.HasPrefix(v.Why, "They agree") {
				t.Errorf("%v: %+v", a, r)
			}
			if want := 480 / math.Ln2; math.Abs(r.Typical/want-1) > 0.02 {
				t.Errorf("%v: typically the best is %v, want %v", a, r.Typical, want)
			}
		})
	}
}

// The interval is held against the Poisson distribution summed up, which is what Garwood's is made of.
func TestInterval(t *testing.T) {
	atMost := func(n int, mean float64) float64 {
		sum, term := 0., math.Exp(-mean)
		for k := 0; k <= n; k++ {
			sum += term
			term *= mean / float64(k+1)
		}
		return sum
	}
	solve := func(f func(float64) bool) float64 { // the largest mean for which f holds
		low, high := 0., 1000.
		for range 100 {
			if m := (low + high) / 2; f(m) {
				low = m
			} else {
				high = m
			}
		}
		return low
	}
	for _, n := range []int{0, 1, 2, 3, 5, 10, 42, 100, 400} {
		const weight = 65536.
		low, high := interval(float64(n)*weight, float64(n)*weight*weight, weight)
		wantHigh := solve(func(m float64) bool { return atMost(n, m) >= 0.025 })
		wantLow := 0.
		if n > 0 {
			wantLow = solve(func(m float64) bool { return 1-atMost(n-1, m) <= 0.025 })
		}
		if math.Abs(high/weight-wantHigh) > wantHigh/100 || math.Abs(low/weight-wantLow) > max(0.02, wantLow/100) {
			t.Errorf("%d shares: %.3f to %.3f, want %.3f to %.3f", n, low/weight, high/weight, wantLow, wantHigh)
		}
	}
}

// The true rate lies in the interval 19 times out of 20, also when difficulties are mixed.
func TestCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, mean := range []float64{2, 10, 100} {
		for _, mixed := range []bool{false, true} {
			const trials = 4000
			inside := 0
			for range trials {
				var work, work2 float64
				for at := rng.ExpFloat64(); at < mean; {
					weight := 1.
					if mixed && int(at)%2 == 1 {
						weight = 3
					}
					work, work2 = work+weight, work2+weight*weight
					at += weight * rng.ExpFloat64()
				}
				low, high := interval(work, work2, map[bool]float64{false: 1, true: 3}[mixed])
				if low <= mean && mean <= high {
					inside++
				}
			}
			if part := float64(inside) / trials; part < 0.93 {
				t.Errorf("mean %v, mixed %v: inside %.1f %%", mean, mixed, 100*part)
			}
		}
	}
}

func TestWhy(t *testing.T) {
	const d = 1. / 65536 // a share of SHA-256d is 65537 hashes then
	for name, test := range map[string]struct {
		seconds, rate             uint64
		accepted, rejected, stale int
		untold                    bool
		want                      string
	}{
		"nothing":                {seconds: 60, want: "Nothing was hashed in this time."},
		"late answers":           {seconds: 60, rejected: 6, want: "Nothing was hashed in this time; its shares were found before."},
		"no share yet":           {seconds: 60, rate: 100, untold: true, want: "No share has been found yet, so there is nothing to compare."},
		"too few":                {seconds: 60, rate: 2184, accepted: 1, want: "Too few shares to compare: 1 so far, where 2 were to be expected."},
		"too few, and none":      {seconds: 60, rate: 100, want: "Too few shares to compare: 0 so far, where less than one was to be expected."},
		"too few, one expected":  {seconds: 60, rate: 1100, want: "Too few shares to compare: 0 so far, where 1 was to be expected."},
		"within luck":            {seconds: 60, rate: 109_228, accepted: 90, want: "They agree: with 90 shares, chance alone moves the shares' figure by about 19 %."},
		"lost":                   {seconds: 60, rate: 109_228, accepted: 60, stale: 30, rejected: 8, want: "38 of 98 shares came too late or were refused, and those do not count."},
		"all refused":            {seconds: 60, rate: 109_228, rejected: 100, want: "100 of 100 shares came too late or were refused, and those do not count."},
		"one refused, many gone": {seconds: 60, rate: 109_228, accepted: 50, rejected: 1, want: "The pool counts less than was hashed here"},
		"none counted":           {seconds: 60, rate: 109_228, want: "The pool counts less than was hashed here"},
		"luck":                   {seconds: 60, rate: 109_228, accepted: 140, want: "The shares show more than was hashed here"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := New(hasher.SHA256d)
				if !test.untold {
					w.Difficulty(d)
				}
				w.Sample(0)
				var hashes uint64
				for status, n := range map[pow.Status]int{pow.Accepted: test.accepted, pow.Rejected: test.rejected, pow.Stale: test.stale} {
					for range n {
						w.Share(pow.Result{Status: status, Target: d})
					}
				}
				run(w, &hashes, test.rate, time.Duration(test.seconds)*time.Second)
				if got := w.Report().Session.Why; !strings.HasPrefix(got, test.want) || strings.Count(got, ".") > 1 {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// What comes too late was found all the same; what is refused counts for nothing.
func TestLuck(t *testing.T) {
	w := New(hasher.SHA256d)
	w.Sample(0)
	for _, s := range []pow.Status{pow.Accepted, pow.Stale, pow.Rejected} {
		w.Share(pow.Result{Status: s, Target: 1, Difficulty: 10 + float64(s)})
	}
	w.Sample(uint64(pow.TargetFromDifficulty(hasher.SHA256d, 1).Expected()))
	if r := w.Report(); math.Abs(r.Luck-2) > 0.001 || r.Best.Difficulty != 10 {
		t.Errorf("%+v", r)
	}
}

// FuzzWatch: whatever is told, figures are figures and nothing is negative.
func FuzzWatch(f *testing.F) {
	f.Add(uint64(1000), uint64(10), 1.0, 2.0, uint8(0))
	f.Add(uint64(1000), uint64(0), math.NaN(), math.Inf(1), uint8(1))
	f.Add(uint64(1)<<63, uint64(1), 1e-300, -1.0, uint8(2))
	f.Fuzz(func(t *testing.T, a, b uint64, target, difficulty float64, status uint8) {
		w := New(hasher.SHA256d)
		w.Difficulty(difficulty)
		w.Sample(a)
		for range 3 {
			w.Share(pow.Result{Status: pow.Status(status % 3), Target: target, Difficulty: difficulty})
			w.Sample(b)
		}
		r := w.Report()
		for _, v := range append(r.Windows[:], r.Session) {
			for _, x := range []float64{v.Hashrate, v.Hashes, v.Implied, v.Low, v.High, r.Luck, r.Typical, r.Best.Difficulty} {
				if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
					t.Fatalf("%+v %+v", r, v)
				}
			}
			if v.High > 0 && v.Low > v.High || v.Why == "" {
				t.Fatalf("%+v", v)
			}
		}
	})
}
