package watch

import (
	"fmt"
	"time"
)

// heatStep is a step that Heat goes down by, in percent of what the person allows.
func heatStep(i int) int { return [heatSteps]int{100, 75, 50, 35, 20}[i] }

const heatSteps = 5

const (
	// heatSpan is what one speed is measured over: longer than the peaks of a clock that boosts.
	heatSpan = 20 * time.Second
	// heatGap is the longest time between two samples that one speed spans.
	heatGap = 5 * time.Second
	// heatFall is what is left of the best speed when a device is taken to be warm.
	heatFall = 0.75
	// heatPatience is how long it must have been so.
	heatPatience = 30 * time.Second
	// heatRest is how long a device works less before it is tried with more; it doubles, up to heatRestMost, each time
	// that it grows warm again within heatTrial.
	heatRest, heatRestMost = 2 * time.Minute, 32 * time.Minute
	heatTrial              = 5 * time.Minute
)

// Heat tells from the hash rate alone when a device is warm, where its temperature cannot be read, as in a browser: a
// device that is hot slows its processor, so its rate falls at equal load. Each step of load is compared only with the
// best that the device did at that same step, for many processors are slower by themselves when they are asked for less.
//
// The zero value has seen nothing. It is used by one goroutine.
type Heat struct {
	step  int
	best  [heatSteps]float64 // hashes a second, the most over heatSpan
	ring  [32]heatSample
	n     int           // samples since the last gap or change
	low   time.Duration // for how long the speed has been under heatFall
	since time.Time     // when the present step began
	tried time.Time     // when it was tried with more last
	rest  time.Duration // how long to wait before that; 0 stands for heatRest
}

type heatSample struct {
	at     time.Time
	hashes uint64
}

// Sample notes how much has been hashed in all at a moment. It is called about once a second while the lanes work as
// Percent says.
func (h *Heat) Sample(at time.Time, hashes uint64) {
	if h.n > 0 {
		last := h.ring[(h.n-1)%len(h.ring)]
		if gap := at.Sub(last.at); gap <= 0 || gap > heatGap || hashes < last.hashes {
			h.Break()
		}
	}
	var dt time.Duration
	if h.n > 0 {
		dt = at.Sub(h.ring[(h.n-1)%len(h.ring)].at)
	}
	if h.since.IsZero() {
		h.since = at
	}
	h.ring[h.n%len(h.ring)] = heatSample{at, hashes}
	h.n++
	speed, ok := h.speed()
	if !ok {
		return
	}
	h.best[h.step] = max(h.best[h.step], speed)
	if speed < heatFall*h.best[h.step] {
		h.low += dt
	} else {
		h.low = max(0, h.low-dt)
	}
	switch {
	case h.low >= heatPatience && h.step < heatSteps-1:
		if !h.tried.IsZero() && at.Sub(h.tried) < heatTrial {
			h.rest = min(2*max(h.rest, heatRest), heatRestMost)
		}
		h.move(h.step+1, at)
	case h.step > 0 && h.low == 0 && at.Sub(h.since) >= max(h.rest, heatRest):
		h.tried = at
		h.move(h.step-1, at)
	case h.step == 0 && at.Sub(h.since) >= heatTrial && h.low == 0:
		h.rest = 0 // it keeps its full speed
	}
}

// move goes on with another step of load.
func (h *Heat) move(step int, at time.Time) {
	h.step, h.since = step, at
	h.Break()
}

// Break says that what comes next is not to be compared with what was: the lanes rested, or the person changed what
// they may do at once. What was learnt of the device stays.
func (h *Heat) Break() { h.n, h.low = 0, 0 }

// Forget says that the load is another from now on, another number of lanes or another limit of the person's: speeds
// of before say nothing of it. The step stays, and what has been learnt of how warm the device grows.
func (h *Heat) Forget() {
	h.Break()
	h.best = [heatSteps]float64{}
}

// speed is the rate over the last heatSpan, if there are samples that reach so far back.
func (h *Heat) speed() (float64, bool) {
	newest := h.ring[(h.n-1)%len(h.ring)]
	for back := 1; back < min(h.n, len(h.ring)); back++ {
		s := h.ring[(h.n-1-back)%len(h.ring)]
		if span := newest.at.Sub(s.at); span >= heatSpan {
			return float64(newest.hashes-s.hashes) / span.Seconds(), true
		}
	}
	return 0, false
}

// Percent is how much of what the person allows the lanes may do, 20 to 100.
func (h *Heat) Percent() int { return heatStep(h.step) }

// Why says it in words; "" while nothing is slowed.
func (h *Heat) Why() string {
	if h.step == 0 {
		return ""
	}
	return fmt.Sprintf("slowed down to %d %% of what you allow: the speed has fallen at equal load, as it does when a device is warm; it goes faster again when it has cooled", h.Percent())
}
