package watch

import (
	"fmt"
	"math"
	"time"

	"goldpan/core/pow"
)

// Report is what a Watch has seen.
type Report struct {
	Windows [4]Window // the last 10 seconds, minute, 15 minutes and hour
	Session Window    // since the first Sample
	Best    Best      // of the accepted shares
	// Typical is the best difficulty that so many hashes reach with even odds; 0 before the first.
	Typical float64
	// Luck is the work behind the shares that were found, also those that came too late, over what was hashed: 1 is
	// what is to be expected, 2 twice as lucky. 0 before anything was hashed.
	Luck float64
}

// Best is the share of the highest difficulty.
type Best struct {
	Difficulty float64 // 0: none yet
	When       time.Time
	Pool       string
}

// Window is one stretch of time that ends with the last Sample. Rates are hashes a second.
type Window struct {
	Length                    time.Duration // 0 for the whole session
	Span                      time.Duration // what it really covers: less at the beginning, a few percent more later
	Hashes                    float64       // made in it
	Hashrate                  float64       // as measured here
	Accepted, Rejected, Stale uint64        // shares answered in it

	// Implied is the rate that the accepted shares show. The rate that the pool should see lies between Low and High
	// 19 times out of 20. High is 0 as long as no difficulty is known.
	Implied, Low, High float64
	// Why says in one sentence for people why Hashrate and Implied differ, or that they agree.
	Why string
}

// Report returns what was seen up to the last Sample.
func (w *Watch) Report() Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	var r Report
	for i, length := range lengths {
		from := w.first
		if w.last.at-length > w.first.at {
			from = w.since(w.last.at - length)
		}
		r.Windows[i] = w.window(length, from)
	}
	r.Session = w.window(0, w.first)
	r.Best = w.best
	if h := w.last.hashes; h > 0 {
		r.Luck = w.last.found / h
		// Of n hashes none reaches difficulty d with the odds exp(-n / (hashes a difficulty × d)).
		r.Typical = h / pow.TargetFromDifficulty(w.algorithm, 1).Expected() / math.Ln2
	}
	return r
}

func (w *Watch) window(length time.Duration, from point) Window {
	to := w.last
	v := Window{
		Length: length, Span: to.at - from.at, Hashes: to.hashes - from.hashes,
		Accepted: count(to.accepted - from.accepted), Rejected: count(to.rejected - from.rejected), Stale: count(to.stale - from.stale),
	}
	if v.Span <= 0 {
		v.Why = "Nothing has been measured yet."
		return v
	}
	seconds := v.Span.Seconds()
	v.Hashrate = v.Hashes / seconds
	work, work2 := max(0, to.work-from.work), max(0, to.work2-from.work2)
	lost, lost2 := max(0, to.lost-from.lost), max(0, to.lost2-from.lost2)
	v.Implied = work / seconds
	if w.weight > 0 {
		low, high := interval(work, work2, w.weight)
		v.Low, v.High = low/seconds, high/seconds
	}
	_, withLost := interval(work+lost, work2+lost2, w.weight)
	v.Why = v.why(w.weight, withLost/seconds)
	return v
}

func count(f float64) uint64 { return uint64(max(0, f)) }

// z is the normal distribution's quantile for 97.5 %: 2.5 % of the cases lie beyond each end.
const z = 1.959964

// interval returns the bounds for work that was seen as shares, whose squares sum to work2; weight is one more share.
func interval(work, work2, weight float64) (low, high float64) {
	if work > 0 {
		low = work2 / work * gamma(work*work/work2, -z)
	}
	if work, work2 = work+weight, work2+weight*weight; work > 0 {
		high = work2 / work * gamma(work*work/work2, z)
	}
	return low, high
}

// gamma is the quantile of the gamma distribution of that shape, after Wilson and Hilferty: within a percent from five
// shares on, and wide enough below.
func gamma(shape, z float64) float64 {
	f := 1 - 1/(9*shape) + z/(3*math.Sqrt(shape))
	return shape * max(0, f) * max(0, f) * max(0, f)
}

// few is how many shares are too few to say anything.
const few = 5

// why compares the two rates; weight is the hashes behind one share, withLost the upper bound when lost shares count.
func (v Window) why(weight, withLost float64) string {
	shares := v.Accepted + v.Rejected + v.Stale
	switch {
	case v.Hashes == 0 && shares == 0:
		return "Nothing was hashed in this time."
	case v.Hashes == 0:
		return "Nothing was hashed in this time; its shares were found before."
	case weight == 0:
		return "No share has been found yet, so there is nothing to compare."
	}
	expected := v.Hashes / weight
	switch {
	case expected < few && shares < few:
		return fmt.Sprintf("Too few shares to compare: %s so far, where %s to be expected.", number(float64(shares)), are(expected))
	case v.Hashrate >= v.Low && v.Hashrate <= v.High:
		return fmt.Sprintf("They agree: with %s, chance alone moves the shares' figure by about %.0f %%.",
			plural(v.Accepted, "share"), 100*(v.High-v.Low)/2/max(v.Implied, v.Hashrate))
	case v.Hashrate < v.Low:
		return "The shares show more than was hashed here: luck of a kind that comes once in forty times."
	case v.Hashrate <= withLost && v.Rejected+v.Stale > 0:
		return fmt.Sprintf("%d of %s came too late or were refused, and those do not count.", v.Rejected+v.Stale, plural(shares, "share"))
	}
	return "The pool counts less than was hashed here, and chance hardly explains it: see whether the connection breaks often, and whether this machine reports wrong hashes."
}

func number(n float64) string {
	if n > 0 && n < 1 {
		return "less than one"
	}
	return fmt.Sprintf("%.0f", n)
}

func are(n float64) string {
	if n < 1.5 {
		return number(n) + " was"
	}
	return number(n) + " were"
}

func plural(n uint64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
