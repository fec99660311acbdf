// Package watch tells how fast mining goes, by what was hashed here and by what the shares show, and why the two
// differ.
//
// It only counts: it opens nothing, starts nothing, and its memory does not grow. A share that meets a target is one
// draw of a Poisson process: as many hashes as the target wants on average stand behind it, give or take chance. The
// interval that is given with the figure holds the true rate 19 times out of 20: Garwood's (Biometrika 28, 1936), in
// the form of Fay and Feuer (Statistics in Medicine 16, 1997) for shares of several difficulties.
package watch

import (
	"math"
	"sync"
	"time"

	"goldpan/core/hasher"
	"goldpan/core/pow"
)

// lengths are the windows of a Report, the shortest first.
var lengths = [4]time.Duration{10 * time.Second, time.Minute, 15 * time.Minute, time.Hour}

// Watch counts what one session hashes and what becomes of its shares. It is safe for concurrent use.
//
// Time is the system's monotonic clock, so setting the clock changes nothing. Every window ends with the last Sample
// and counts all the time in it, hashing or not: after a pause of half an hour the rate over the last hour is half of
// what it was, that over ten seconds is right again after ten seconds, and the same holds for the rate that the
// shares imply. A sleep of the machine counts as a pause where the system's monotonic clock runs on, and
// does not exist where it stands still, as on Linux. What was hashed between two Samples counts as hashed evenly.
type Watch struct {
	algorithm hasher.Algorithm
	began     time.Time

	mu     sync.Mutex
	now    tally   // up to this moment
	raw    uint64  // hashes as Sample was told last
	weight float64 // hashes that stand behind a share of the present difficulty; 0: not known
	first  point
	last   point
	fine   ring
	coarse ring
	best   Best
}

// tally is what was counted since the beginning. Work is in hashes, in expectation; the squares give its variance.
type tally struct {
	hashes                    float64
	accepted, rejected, stale float64
	work, work2               float64 // of accepted shares
	lost, lost2               float64 // of rejected and stale ones
	found                     float64 // work of accepted and stale ones
}

type point struct {
	at time.Duration // since the beginning
	tally
}

// ring keeps the newest points that are at least spacing apart.
type ring struct {
	spacing time.Duration
	points  []point
	n       int // of all that were ever added
}

const (
	fineSpacing   = 500 * time.Millisecond
	finePoints    = 256 // over two minutes
	coarseSpacing = 15 * time.Second
	coarsePoints  = 256 // over an hour
	// gap is how far apart two points may be for a window to begin at the earlier one.
	gap = 2 * coarseSpacing
)

// New begins to watch.
func New(a hasher.Algorithm) *Watch {
	return &Watch{
		algorithm: a,
		began:     time.Now(),
		fine:      ring{spacing: fineSpacing, points: make([]point, finePoints)},
		coarse:    ring{spacing: coarseSpacing, points: make([]point, coarsePoints)},
	}
}

// Sample notes how many hashes were made in all. It is to be called about once a second, also while nothing is mined.
// A number lower than the one before is taken for a count that began again.
func (w *Watch) Sample(hashes uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Since(w.began)
	started := w.fine.n > 0
	switch {
	case !started: // what was hashed before anybody watched has no time
	case hashes >= w.raw:
		w.now.hashes += float64(hashes - w.raw)
	default:
		w.now.hashes += float64(hashes)
	}
	w.raw = hashes
	w.last = point{at, w.now}
	if !started {
		w.first = w.last
	}
	w.fine.add(w.last)
	w.coarse.add(w.last)
}

// Difficulty tells the difficulty of the present job's shares, so that something can be said before the first share.
func (w *Watch) Difficulty(d float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setWeight(d)
}

// setWeight returns the hashes that stand behind a share of difficulty d; 0 when d is no difficulty.
func (w *Watch) setWeight(d float64) float64 {
	if !(d > 0) || math.IsInf(d, 0) {
		return 0
	}
	h := pow.TargetFromDifficulty(w.algorithm, d).Expected()
	if math.IsInf(h, 0) {
		return 0
	}
	w.weight = h
	return h
}

// Share notes what became of a share. What counts is the difficulty that it had to meet, its Target.
func (w *Watch) Share(r pow.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.setWeight(r.Target)
	t := &w.now
	switch r.Status {
	case pow.Accepted:
		t.accepted++
		t.work += h
		t.work2 += h * h
		t.found += h
		if r.Difficulty > w.best.Difficulty && !math.IsInf(r.Difficulty, 0) {
			w.best = Best{Difficulty: r.Difficulty, When: time.Now(), Pool: r.Pool}
		}
		return
	case pow.Stale:
		t.stale++
		t.found += h
	default:
		t.rejected++
	}
	t.lost += h
	t.lost2 += h * h
}

func (r *ring) add(p point) {
	if r.n > 0 && p.at-r.newest().at < r.spacing {
		return
	}
	r.points[r.n%len(r.points)] = p
	r.n++
}

func (r *ring) newest() point { return r.points[(r.n-1)%len(r.points)] }

// before returns the newest point that is not after at, and the one that follows it if it is kept. Without such a
// point ok is false.
func (r *ring) before(at time.Duration) (p, next point, follows, ok bool) {
	for i := r.n - 1; i >= max(0, r.n-len(r.points)); i-- {
		if p = r.points[i%len(r.points)]; p.at <= at {
			return p, next, follows, true
		}
		next, follows = p, true
	}
	return point{}, next, follows, false
}

// since returns the point that a window begins with.
func (w *Watch) since(at time.Duration) point {
	p, next, follows, ok := w.fine.before(at)
	if !ok {
		if p, next, follows, ok = w.coarse.before(at); !ok {
			return next // the oldest that is kept
		}
	}
	if !follows {
		next = w.last
	}
	if next.at-p.at <= gap {
		return p
	}
	// Nobody called for a long time: the window begins in between.
	part := float64(at-p.at) / float64(next.at-p.at)
	mix := func(a, b float64) float64 { return a + (b-a)*part }
	return point{at, tally{
		hashes:   mix(p.hashes, next.hashes),
		accepted: mix(p.accepted, next.accepted), rejected: mix(p.rejected, next.rejected), stale: mix(p.stale, next.stale),
		work: mix(p.work, next.work), work2: mix(p.work2, next.work2),
		lost: mix(p.lost, next.lost), lost2: mix(p.lost2, next.lost2),
		found: mix(p.found, next.found),
	}}
}
